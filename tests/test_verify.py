"""Figures in text are checked: what a model wrote before it is shown, and any text that is pasted."""

from __future__ import annotations

import random
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import pytest

import finassist
from finassist import FinancialAssistantWorkflow, Query, Settings
from finassist.llm import resolve_model
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


# --------------------------------------------------------------------------------------- kinds of statement

_KINDS = {
    "a share": ("Coca-Cola earned $10.71 billion in 2023, or {} per diluted share.", "$2.47", "$3.47"),
    "a verb": ("Pfizer took in {} in 2024.", "$63.63 billion", "$8.03 billion"),
    "a verb before a metric": ("Qualcomm earned {} on sales of $38.96 billion in fiscal 2024.", "$10.14 billion",
                               "$38.96 billion"),
    "of it": ("Pfizer took in $63.63 billion in 2024 and kept {} of it as net income.", "$8.03 billion",
              "$9.03 billion"),
    "a loss": ("Ford lost {} in 2022.", "$1.98 billion", "$4.35 billion"),
    "the base of a change": ("Caterpillar's 2024 sales were down 3.4% from 2023, at {}.", "$64.81 billion",
                             "$67.06 billion"),
    "a year later": ("Ford lost $1.98 billion in 2022; a year later it made {}.", "$4.35 billion", "$1.98 billion"),
    "the year before": ("Intel's revenue was $53.10 billion in 2024, against {} the year before.", "$54.23 billion",
                        "$53.10 billion"),
    "bare quarters": ("FedEx in fiscal 2024: revenue of {} in Q1 and $22.17 billion in Q2.", "$21.68 billion",
                      "$22.68 billion"),
    "the order before": ("Chevron Q1 2024: revenue $48.72 billion, net income $5.50 billion. "
                         "Q1 2023: {} and $6.57 billion.", "$50.79 billion", "$48.72 billion"),
    "a span of growth": ("Eli Lilly's revenue climbed {} from $28.54 billion in 2022 to $45.04 billion in 2024.",
                         "57.8%", "32.0%"),
    "a fraction": ("Target's net income fell by {} in fiscal 2022.", "three fifths", "a fifth"),
    "times another's": ("Home Depot's fiscal 2024 revenue was {} Lowe's fiscal 2024 sales.", "1.9 times",
                        "2.9 times"),
    "a sum": ("Between them, Coca-Cola and PepsiCo had revenue of {} in 2024.", "$138.92 billion",
              "$91.85 billion"),
    "a part of a sum": ("Coca-Cola and PepsiCo had combined revenue of $138.92 billion in 2024, of which PepsiCo "
                        "contributed {}.", "66.1%", "33.9%"),
    "narrowed": ("Nike's gross margin {} in fiscal 2025.", "narrowed by 183 basis points",
                 "widened by 183 basis points"),
    "more than doubled": ("Netflix's net income {} between 2022 and 2024.", "nearly doubled", "more than doubled"),
    "a name of several": ("Delta brought in $61.64 billion in 2024, ahead of United's {}.", "$57.06 billion",
                          "$61.64 billion"),
    "the latter": ("Visa and Mastercard: fiscal 2024 revenue of $35.93 billion for the former and {} for the latter.",
                   "$28.17 billion", "$35.93 billion"),
    "a name that is a word": ("Nasdaq reported net income of {} for 2024.", "$1.12 billion", "$2.12 billion"),
    "first of those named": ("{} earned the most of Apple, Microsoft and Intel in FY2023.", "Apple", "Intel"),
    "first of the three": ("Apple, Microsoft and Intel: the most profitable of the three in FY2023 was {}.", "Apple",
                           "Microsoft"),
    "last of a list": ("Of Apple, Microsoft and Intel, {} had the lowest revenue in FY2023.", "Intel", "Microsoft"),
    "first of the sentence before": ("Apple, Microsoft and Intel reported. Of the three, {} had the highest revenue in "
                                     "FY2023.", "Apple", "Intel"),
    "first of all": ("{} was the most profitable US company in FY2023.", "Apple", "Tesla"),
    "first of the index": ("In FY2023 {} had the highest net income in the S&P 500.", "Apple", "Walmart"),
    "first of a sector": ("Among banks, {} had the highest net income in 2023.", "JPMorgan", "Wells Fargo"),
    "none has more": ("No company earned more than {} in FY2023.", "Apple", "Intel"),
    "second of all": ("{} was the second most profitable company in FY2024.", "Apple", "Alphabet"),
    "ranked first": ("{} ranked first by net income in FY2023 among US companies.", "Apple", "Intel"),
    "the best of its years": ("Apple's revenue in {} was its highest ever.", "FY2022", "FY2023"),
    "the worst in years": ("Apple's revenue in {} was the lowest in two years.", "FY2023", "FY2022"),
    "a number in words": ("Apple's revenue was {} dollars in FY2023.", "three hundred and eighty-three billion",
                          "two hundred and eighty-three billion"),
    "percent in words": ("Apple's net margin was {} percent in FY2023.", "twenty-five point three", "twenty-six"),
    "half more": ("Apple's revenue grew by {} in FY2021.", "a third", "a half"),
    "and a half": ("Apple's capital expenditure was {} dollars in FY2022.", "ten and a half billion",
                   "twelve and a half billion"),
    "a fraction of a scale": ("Apple's revenue was {} of a trillion dollars in FY2023.", "two fifths", "three fifths"),
    "a range in words": ("Apple's net income was between {} and one hundred billion dollars in FY2023.", "ninety",
                         "ninety-eight"),
    "a quarter by itself": ("Apple's net margin was {} in FY2023.", "one quarter", "one third"),
    "denied": ("Apple's revenue did not {} in FY2022.", "fall", "grow"),
    "failed to": ("Apple's revenue failed to {} in FY2023.", "grow", "fall"),
    "points of thousands": ("Der Umsatz von Apple betrug {} Millionen USD im Jahr 2023.", "383.285", "283.285"),
    "an abbreviated scale": ("Der Umsatz von Apple betrug {} Mrd. USD im Jahr 2023.", "383,3", "393,3"),
    "rounded thousands": ("Los ingresos de Apple fueron de {} millones de dólares en 2023.", "383.300", "384.300"),
    "spaces of thousands": ("Apple's revenue was {} million USD in FY2023.", "383 285", "393 285"),
    "thousand million": ("Apple's revenue was $383.3 {} in FY2023.", "thousand million", "thousand"),
    "Chinese": ("苹果2023年的营收为{}亿美元。", "3833", "5123"),
    "Japanese": ("アップルの2023年の売上高は{}億ドルでした。", "3833", "5123"),
    "a list of companies": ("Apple, Microsoft and Alphabet had net margins of {}, 34.1% and 24.0% in FY2023.", "25.3%",
                            "24.0%"),
    "a sign in brackets": ("Apple posted FY2023 revenue of $383.3B ({} YoY).", "-2.8%", "+2.8%"),
    "said again": ("In FY2023, Apple's revenue decreased by $11.0 billion, or {}, to $383.3 billion.", "3%", "5%"),
    "tens of basis points": ("Apple's gross margin was 44.1% in FY2023, up {} basis points.", "80", "90"),
    "from a year to a year": ("Apple's revenue {} from $365.8 billion in FY2021 to $383.3 billion in FY2023.", "rose",
                              "fell"),
    "a table by year": ("Apple Inc.\n\n| | FY2022 | FY2023 |\n|---|--:|--:|\n| Revenue (USD billions) | 394.3 | {} |\n"
                        "| Net margin | 25.3% | 25.3% |\n", "383.3", "394.3"),
    "a table by company": ("| Company | Revenue FY2023 | Net income FY2023 |\n|---|---|---|\n"
                           "| Apple | {} | $97.0 billion |\n| Microsoft | $211.9 billion | $72.4 billion |",
                           "$383.3 billion", "$97.0 billion"),
    "no slip of a name": ("APPLE FY2023 SNAPSHOT: revenue {}.", "$383.3 billion", "$393.3 billion"),
}  # fmt: skip


@pytest.mark.parametrize("kind", _KINDS)
def test_kinds_of_statement(kind: str) -> None:
    template, right, wrong = _KINDS[kind]
    assert {verdict for _, verdict in _verdicts(template.format(right))} == {"right"}
    assert "wrong" in {verdict for _, verdict in _verdicts(template.format(wrong))}


def test_counted_things_and_forecasts_are_not_judged() -> None:
    for text in (
        "Ford sold 4.4 million vehicles worldwide in 2023.",
        "Netflix had 260.3 million subscribers at the end of 2023.",
        "Amazon employs roughly 1.5 million people.",
        "Microsoft expects revenue of $75 billion next quarter.",
        "The outlook for Apple: revenue growth of 7% to 9% for next year.",
        "Nvidia guided for $45 billion of revenue in Q2 2026.",
        "Caterpillar will spend $2.5 billion on capex.",
    ):
        found = _verdicts(text)
        assert found, text
        assert {verdict for _, verdict in found} == {"unknown"}, (text, found)


def test_names_with_numbers_and_dates_of_reports_state_no_figure() -> None:
    for text in (
        "Apple sells the iPhone 15 and is in the Fortune 500.",
        "Boeing delivered the first 787 and the 737 MAX 8.",
        "Microsoft 365 and Windows 11 helped.",
        "Apple filed its 10-K for FY2023 at 4:30 pm.",
        "Section 12(b) of the Act applies to Apple.",
        "Apple is one of the most profitable companies.",
        "Apple makes the world's best phones, and its largest segment is the iPhone.",
    ):
        assert _verdicts(text) == [], text


def test_what_is_denied_and_what_has_no_figures_to_compare_with_is_not_judged() -> None:
    for text in (
        "Apple never had revenue above $400 billion.",
        "Apple's revenue was not $383.3 billion in FY2023.",
        "SpaceX is the most valuable private company.",
    ):
        assert {verdict for _, verdict in _verdicts(text)} == {"unknown"}, text


def test_names_that_are_numbers_and_rows_that_begin_with_a_name() -> None:
    assert _verdicts("Nucor's diluted EPS was $18.00 in FY2023.") == [("$18.00", "right")]  # not 1-800-Flowers
    assert _verdicts("Jabil's operating income rose 111.0% in FY2021.") == [("111.0%", "right")]  # not 111, Inc.
    assert _verdicts("| Ventas | revenue | FY2022 | USD 8.00 billion |") == [("USD 8.00 billion", "wrong")]
    assert _verdicts("| Cash | revenue | FY2022 | USD 8.00 billion |") == [("USD 8.00 billion", "unknown")]


def test_a_figure_without_a_period_behind_another_is_of_the_year_before() -> None:
    said = "Apple's revenue was $416.2 billion in FY2025, {}."
    for words in ("up from $391.0 billion", "compared with $391.0 billion", "against about $391.0 billion"):
        assert {verdict for _, verdict in _verdicts(said.format(words))} == {"right"}, words
    assert ("$395.0 billion", "wrong") in _verdicts(said.format("up from $395.0 billion"))
    assert ("$391.0 billion", "wrong") in _verdicts(said.format("up from $391.0 billion in FY2023"))


def test_what_a_loss_did_and_a_level_in_percent() -> None:
    assert _verdicts("Wynn's net income fell in FY2022.") == [("fell", "wrong")]
    assert _verdicts("In FY2023, Apple had diluted EPS of 6.13%.") == [("6.13%", "wrong")]


@pytest.mark.slow
def test_no_text_takes_longer_than_its_length() -> None:
    """Each of these would take minutes if the time grew with the square of the length."""
    for piece in ("9", ".", "1,", "1 to ", "25% ", "e.g. ", "a/b"):
        finassist.check(f"Apple's revenue was {piece * (9_900 // len(piece))}.")


@pytest.mark.slow
def test_a_press_release_of_forty_pages_is_checked_whole() -> None:
    said = "Apple's net margin was 25.3% in FY2022, and its people served customers around the world. "
    checked = finassist.check(said * (120_000 // len(said)) + "Its revenue was $383.3 billion in FY2023.")
    assert (checked.ok, checked.findings[-1].claim.words) == (True, "$383.3 billion")
    assert len(checked.findings) == 120_000 // len(said) + 1


def test_what_a_figure_is_said_of_may_be_unclear() -> None:
    for text in (
        "YouTube brought in $36.1 billion for Alphabet in 2024.",
        "Pfizer's revenue was $63.63 billion in 2024 and a settlement cost it $1.2 billion.",
        "United took in $12.34 billion in 2024.",
    ):
        finding = finassist.check(text).findings[-1]
        assert (finding.verdict, finding.reason) in (
            ("unknown", "It is not clear what it is said of."),
            ("unknown", "It is not said of a figure in the data."),
        ), text


# ------------------------------------------------------------------------------------- generated sentences

_METRICS = {
    "revenue": "revenue", "net_income": "net income", "operating_income": "operating income",
    "net_margin": "net margin", "operating_margin": "operating margin", "total_assets": "total assets",
    "eps_diluted": "diluted EPS",
    "operating_cash_flow": "operating cash flow", "capex": "capital expenditure", "roe": "return on equity",
}  # fmt: skip
_LEVELS = (
    "{company}'s {metric} was {value} in {period}.",
    "In {period}, {company} had {metric} of {value}.",
    "{metric} at {company} came to {value} in {period}.",
    "{company} reported {metric} of {value} for {period}.",
    "For {period}, {metric} of {company} stood at {value}.",
    "| {company} | {metric} | {period} | {value} |",
)
_CHANGES = (
    "{company}'s {metric} {moved} {percent} in {period}.",
    "{company}'s {metric} {moved} {percent} to {value} in {period}.",
    "In {period}, {metric} at {company} {moved} by {percent}.",
    "{metric} of {company} {moved} from {before} in {earlier} to {value} in {period}.",
    "{company}'s {metric} {moved} in {period}.",
    "{company}'s {metric} was {value} in {period}, {way} from {before}.",
    "In {period}, {metric} at {company} {moved} to {value} from {before}.",
)


def _written(value: Decimal, metric: str) -> str:
    if metric in ("net_margin", "operating_margin", "roe"):
        return f"{value * 100:.1f}%"
    if metric == "eps_diluted":
        return f"${value:.2f}"
    scale, word = (Decimal(10) ** 9, "billion") if abs(value) >= 10**9 else (Decimal(10) ** 6, "million")
    return f"USD {value / scale:.2f} {word}"


class Stated:
    """True sentences about figures of the data, and the same with one error in each."""

    def __init__(self, workflow: FinancialAssistantWorkflow, rng: random.Random) -> None:
        self._workflow, self._rng = workflow, rng
        symbols = [symbol for symbol, member in attributes().items() if member.primary in ("", symbol)]
        self._symbols = rng.sample(symbols, 200)
        self._values: dict[str, dict[tuple[str, str], Decimal | None]] = {}

    def _value(self, symbol: str, metric: str, year: int) -> Decimal | None:
        if symbol not in self._values:
            asked = Query(metrics=list(_METRICS), companies=[symbol], periods=["FY2016:FY2024"])
            facts = self._workflow.query(asked).facts
            self._values[symbol] = {(fact.field, fact.period): fact.value for fact in facts}
        return self._values[symbol].get((metric, f"FY{year}"))

    def _said(self, symbol: str, metric: str, year: int) -> dict[str, Any] | None:
        """What a sentence says of a figure and of its change, where both are there and can be told apart."""
        value, before = self._value(symbol, metric, year), self._value(symbol, metric, year - 1)
        if not value or not before or (value > 0) != (before > 0):
            return None
        return {
            "company": short_name(attributes()[symbol].name), "metric": _METRICS[metric], "symbol": symbol,
            "id": metric, "year": year, "period": f"FY{year}", "earlier": f"FY{year - 1}", "number": value,
            "value": _written(value, metric), "before": _written(before, metric),
            "change": (value - before) / before,
            "percent": f"{abs((value - before) / before):.1%}", "moved": "rose" if value > before else "fell",
            "way": "up" if value > before else "down",
        }  # fmt: skip

    def __call__(self) -> tuple[str, str, str]:
        """A true sentence, the same with an error, and which."""
        rng = self._rng
        while True:
            symbol, metric, year = rng.choice(self._symbols), rng.choice(list(_METRICS)), rng.randint(2019, 2024)
            said = self._said(symbol, metric, year)
            moves = metric not in _RATIOS and said is not None and said["number"] > 0 and abs(said["change"]) > _LEAST
            template = rng.choice(_CHANGES if moves and rng.random() < 0.3 else _LEVELS)
            kind = rng.choice(
                ["value", "unit", "year", "company", *(["direction"] * 4 if template in _CHANGES else [])]
            )
            if said and (wrong := self._wrong(said, template, kind)):
                return template.format(**said), template.format(**wrong), kind

    def _wrong(self, said: dict[str, Any], template: str, kind: str) -> dict[str, Any] | None:
        match kind:
            case "direction":
                up = said["moved"] == "rose"
                return {**said, "moved": "fell" if up else "rose", "way": "down" if up else "up"}
            case "year":
                other = self._said(said["symbol"], said["id"], said["year"] - 2)
            case "company":
                other = self._said(self._rng.choice(self._symbols), said["id"], said["year"])
            case _ if "{value}" not in template:
                return None
            case "unit":
                return {**said, "value": _of_another_unit(said["value"])}
            case _:
                factor = self._rng.choice([Decimal("0.9"), Decimal("1.2"), Decimal(2)])
                return {**said, "value": _written(said["number"] * factor, said["id"])}
        if not other or _alike(said, other, template):
            return None
        return {**said, **{name: other[name] for name in ("company", "period", "earlier")}}


_LEAST = Decimal("0.002")
_RATIOS = ("net_margin", "operating_margin", "roe")


def _alike(said: dict[str, Any], other: dict[str, Any], template: str) -> bool:
    """Whether the sentence would be true of the other as well, or nearly."""
    if "{value}" in template:
        return abs(other["number"] - said["number"]) < abs(said["number"]) / 50
    if "{percent}" in template:  # growth from a loss has no percentage
        return other["number"] < 0 or abs(other["change"] - said["change"]) < Decimal("0.005")
    return other["moved"] == said["moved"]


def _of_another_unit(text: str) -> str:
    if "%" in text:
        return f"USD {text.removesuffix('%')} billion"
    if text.startswith("$"):
        return f"{text[1:]}%"
    return text.replace("billion", "million") if "billion" in text else text.replace("million", "billion")


@pytest.mark.parametrize("count", [60, pytest.param(400, marks=pytest.mark.slow)])
def test_true_sentences_pass_and_planted_errors_do_not(count: int) -> None:
    alarms: list[str] = []
    missed: list[tuple[str, str]] = []
    with FinancialAssistantWorkflow(model="offline", provider="embedded", db=None) as workflow:
        state = Stated(workflow, random.Random(count))
        for _ in range(count):
            true, wrong, kind = state()
            if not workflow.check(true).ok:
                alarms.append(true)
            if not any(finding.verdict == "wrong" for finding in workflow.check(wrong)):
                missed.append((kind, wrong))
    assert not missed
    assert len(alarms) <= count / 100, alarms


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


def test_an_unknown_figure_of_a_company_is_withheld(server: ModelServer, run_async: Any) -> None:
    server.chat = ["Apple sold 232 million iPhones. " + TRUE, TALK]
    answer = _ask(server, ABOUT_APPLE, "arun", run_async)
    assert "232" not in answer.content
    assert "25.3%" in answer.content


def test_general_knowledge_is_marked_and_examples_are_not(server: ModelServer, run_async: Any) -> None:
    said = "US inflation was 3.2% last year and 4.1% before. For example, 20 of 100 dollars is a margin of 20%."
    server.chat = [said]
    answer = _ask(server, "What is inflation?", "arun", run_async)
    assert "3.2% (unverified figure) last year and 4.1% (unverified figure)" in answer.content
    assert answer.content.count("unverified") == 2
