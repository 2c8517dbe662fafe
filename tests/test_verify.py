"""Figures in text are checked: what a model wrote before it is shown, and any text that is pasted."""

from __future__ import annotations

import random
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import pytest

import finassist
from finassist import FinancialAssistantWorkflow, Query, Settings
from finassist.llm.models import resolve_model
from finassist.providers.embedded.coverage import attributes
from finassist.reporting.words import short_name
from tests.model_server import ModelServer

# ------------------------------------------------------------------------------------------------ any text


def _verdicts(text: str) -> list[tuple[str, str]]:
    return [(finding.claim.words, finding.verdict) for finding in finassist.check(text)]


def test_a_text_claim_by_claim() -> None:
    text = (
        "Apple's revenue was $383.3 billion in FY2023, down 2.8% on the year before. It rose to USD 391.0 billion in "
        "FY2024. Its net margin of 25.3% in FY2023 was higher than Microsoft's. Apple sold 57,274 iPhones."
    )
    checked = finassist.check(text)
    assert [(each.claim.words, each.verdict) for each in checked] == [
        ("$383.3 billion", "right"), ("2.8%", "right"), ("USD 391.0 billion", "right"), ("25.3%", "right"),
        ("higher", "wrong"), ("57,274", "unknown"),
    ]  # fmt: skip
    assert not checked.ok
    for finding in checked:
        assert text[finding.claim.start : finding.claim.end] == finding.claim.words
    frame = checked.to_frame()
    assert list(frame["verdict"]) == ["✓ right"] * 4 + ["✗ wrong", "– not checkable"]
    assert frame.loc[0, "source"].startswith("SEC")
    assert "6 claims: 4 right, 1 wrong, 1 not checkable." in checked.to_markdown()
    assert "<table>" in checked._repr_mimebundle_()["text/html"]


def test_ways_to_state_a_figure() -> None:
    for text in (
        "Apple's revenue more than doubled between FY2014 and FY2022.",
        "Net income was about a quarter of revenue at Apple in FY2022.",
        "Apple and Microsoft had revenue of 383.3 and 211.9 billion dollars in FY2023, respectively.",
        "Microsoft earned $72.4 billion in net income in FY2023, compared with 97.0 billion for Apple.",
        "Der Umsatz von Apple betrug 383,3 Milliarden USD im Jahr 2023.",
        "Apple's revenue was USD 171.4 billion higher than Microsoft's in FY2023.",
        "Apple's net margin was between 25 and 26 percent in FY2023.",
        "Apple's net margin fell by 0.6 percentage points in FY2022.",
        "Apple's revenue was more than 380 billion dollars in FY2023.",
    ):
        found = _verdicts(text)
        assert found, text
        assert {verdict for _, verdict in found} == {"right"}, (text, found)


def test_wrong_units_directions_and_currencies() -> None:
    for text in (
        "Apple's revenue was 383.3 million USD in FY2023.",
        "Apple's revenue was EUR 383.3 billion in FY2023.",
        "Apple's net margin was 25.3 billion USD in FY2023.",
        "Apple's revenue rose 2.8% in FY2023.",
        "Apple's revenue rose in FY2023.",
        "Apple's revenue halved in FY2023.",
        "Apple's revenue was below 380 billion USD in FY2023.",
    ):
        assert "wrong" in {verdict for _, verdict in _verdicts(text)}, text


def test_what_states_no_figure() -> None:
    for text in ("", "Apple makes phones."):
        if text:
            assert _verdicts(text) == []
    assert finassist.check("1. Apple filed its 10-K. 2. It has two kinds of shares in the S&P 500.").findings == ()
    with pytest.raises(finassist.EmptyQuestion):
        finassist.check("")


async def _acheck(text: str) -> finassist.Checked:
    return await finassist.acheck(text, as_of="2023-06-30")


def test_check_in_both_forms_and_as_known_on_a_day(run_async: Any) -> None:
    text = "Apple's revenue was $383.3 billion in FY2023."
    both = finassist.check(text, as_of="2023-06-30"), run_async(_acheck(text))
    assert both[0] == both[1]
    assert both[0].findings[0].verdict == "unknown"  # the year was not filed yet


# ------------------------------------------------------------------------------------- generated sentences

_METRICS = {
    "revenue": "revenue", "net_income": "net income", "operating_income": "operating income",
    "net_margin": "net margin", "operating_margin": "operating margin", "total_assets": "total assets",
    "eps_diluted": "diluted EPS",
    "operating_cash_flow": "operating cash flow", "capex": "capital expenditure", "roe": "return on equity",
}  # fmt: skip
_TEMPLATES = (
    "{company}'s {metric} was {value} in {period}.",
    "In {period}, {company} had {metric} of {value}.",
    "{metric} at {company} came to {value} in {period}.",
    "{company} reported {metric} of {value} for {period}.",
    "| {company} | {metric} | {period} | {value} |",
)


def _written(value: Decimal, metric: str) -> str:
    if metric in ("net_margin", "operating_margin", "roe"):
        return f"{value * 100:.1f}%"
    if metric == "eps_diluted":
        return f"${value:.2f}"
    scale, word = (Decimal(10) ** 9, "billion") if abs(value) >= 10**9 else (Decimal(10) ** 6, "million")
    return f"USD {value / scale:.2f} {word}"


def _stated(workflow: FinancialAssistantWorkflow, rng: random.Random) -> Iterator[tuple[str, dict[str, Any]]]:
    """Sentences that are true, with what they say."""
    symbols = [symbol for symbol, member in attributes().items() if member.primary in ("", symbol)]
    while True:
        symbol, metric, year = rng.choice(symbols), rng.choice(list(_METRICS)), rng.randint(2019, 2024)
        fact = workflow.query(Query(metrics=[metric], companies=[symbol], periods=[f"FY{year}"])).value
        if fact is None or not fact.value:
            continue
        said = {"company": short_name(attributes()[symbol].name), "metric": _METRICS[metric], "period": f"FY{year}"}
        said |= {"value": _written(fact.value, metric)}
        number = fact.value * (100 if fact.unit == "ratio" else 1)
        yield rng.choice(_TEMPLATES), {**said, "fact": fact, "number": number, "id": metric}


@pytest.mark.parametrize("count", [60, pytest.param(400, marks=pytest.mark.slow)])
def test_true_sentences_pass_and_planted_errors_do_not(count: int) -> None:
    rng = random.Random(count)
    alarms: list[str] = []
    missed: list[str] = []
    planted = 0
    with FinancialAssistantWorkflow(model="offline", provider="embedded", db=None) as workflow:
        stated = _stated(workflow, rng)
        for _ in range(count):
            template, said = next(stated)
            if not workflow.check(template.format(**said)).ok:
                alarms.append(template.format(**said))
            wrong = _with_an_error(said, rng)
            checked = workflow.check(template.format(**wrong))
            planted += 1
            if all(finding.verdict == "right" for finding in checked):
                missed.append(template.format(**wrong))
    assert not missed
    assert len(alarms) <= count / 100, alarms
    assert planted == count


def _with_an_error(said: dict[str, Any], rng: random.Random) -> dict[str, Any]:
    """What is said with one thing changed: the value, or its unit."""
    fact = said["fact"]
    kind = rng.choice(["value", "unit"])
    if kind == "unit" and said["value"].endswith("billion"):
        return {**said, "value": said["value"].replace("billion", "million")}
    if kind == "unit" and "%" in said["value"]:
        return {**said, "value": f"USD {said['value'].removesuffix('%')} billion"}
    return {
        **said,
        "value": _written(fact.value * rng.choice([Decimal("0.9"), Decimal("1.2"), Decimal(2)]), said["id"]),
    }


# -------------------------------------------------------------------------------------------- a model's text

LIE = "Apple's revenue was USD 512.4 billion in FY2023, its P/E 12, so buy now. "
TRUE = "Its net margin was 25.3% in FY2023. "
TALK = "A high margin says that little of the revenue is spent. "


@pytest.fixture
def server() -> Iterator[ModelServer]:
    with ModelServer(category="chat") as server:
        yield server


def _ask(server: ModelServer, question: str, form: str, run_async: Any) -> Any:
    settings = Settings(openai_api_key="sk-none", model_retries=0)
    model = resolve_model("openai", settings, base_url=server.url)
    with FinancialAssistantWorkflow(db=None, model=model, settings=settings, routing="model") as workflow:
        return workflow.run(question) if form == "run" else run_async(workflow.arun(question))


ABOUT_APPLE = "Explain the business of Apple to a child"


@pytest.mark.parametrize("form", ["run", "arun"])
def test_a_figure_that_a_model_made_up_is_not_shown(server: ModelServer, form: str, run_async: Any) -> None:
    server.chat = [LIE + TRUE + TALK, "Apple's revenue was USD 383.3 billion in FY2023."]
    answer = _ask(server, ABOUT_APPLE, form, run_async)
    assert answer.category == "chat"
    assert "512.4" not in answer.content
    assert "buy now" not in answer.content
    assert "25.3%" in answer.content
    assert TALK.strip() in answer.content
    assert "383.3 billion" in answer.content  # asked once more, with the facts
    assert {fact.key for fact in answer.facts} >= {"AAPL/net_margin/FY2023", "AAPL/revenue/FY2023"}
    told = [seen.body for seen in server.seen if seen.agent == "chat"]
    assert "USD 383.3 billion" in str(told[0])
    assert "512.4" in str(told[1])


def test_what_a_model_repeats_is_left_out_and_said(server: ModelServer, run_async: Any) -> None:
    server.chat = [LIE + TALK, LIE]
    answer = _ask(server, ABOUT_APPLE, "arun", run_async)
    assert "512.4" not in answer.to_markdown() + answer.to_html()
    assert "One sentence was left out: the data do not confirm its figures." in answer.content


def test_no_event_carries_an_unchecked_figure(server: ModelServer) -> None:
    server.chat = [LIE + TRUE, LIE]
    settings = Settings(openai_api_key="sk-none", model_retries=0)
    model = resolve_model("openai", settings, base_url=server.url)
    with FinancialAssistantWorkflow(db=None, model=model, settings=settings, routing="model") as workflow:
        events = list(workflow.run(ABOUT_APPLE, stream=True))
    assert not [event for event in events if "512.4" in str(event.to_dict())]


def test_general_knowledge_is_marked_and_examples_are_not(server: ModelServer, run_async: Any) -> None:
    server.chat = ["US inflation was 3.2% last year. For example, 20 of 100 dollars is a margin of 20%."]
    answer = _ask(server, "What is inflation?", "arun", run_async)
    assert "3.2% (unverified figure)" in answer.content
    assert answer.content.count("unverified") == 1
