"""`workflow.query()`: a typed query in, an answer out, in both forms; what is invalid is said; the catalogue's laws."""

from __future__ import annotations

import asyncio
import json
import pickle
from collections import Counter
from typing import Any

import pytest

from finassist import FinancialAssistantWorkflow, InputError, Query, describe
from finassist.answer import Answer
from finassist.apps.cli import main
from finassist.core.errors import InvalidQuery
from finassist.core.filters import Filter, filter_of
from finassist.core.metrics import LANGUAGES, catalogue, described, lines, parse, spoken
from finassist.core.query import Choice, queries_of

MARGIN = Query(metrics=["net_margin"], companies=["AAPL"], periods=["FY2023"])
SERIES = Query(metrics=["revenue"], companies=["AAPL", "MSFT"], periods=["FY2020:FY2024"])
SCREEN = Query(
    intent="screen", scope="universe", metrics=["net_margin"], periods=["FY2024"],
    where=[Filter(metric="net_margin", comparator=">", number=0.5)],
)  # fmt: skip


@pytest.fixture
def workflow() -> FinancialAssistantWorkflow:
    return FinancialAssistantWorkflow(db=None, model="offline", provider="embedded")


def shown(answer: Answer) -> dict[str, Any]:
    names = ("content", "headline", "queries", "rows", "figure", "facts", "gaps", "symbols", "category", "follow_ups")
    return {name: getattr(answer, name) for name in names}


@pytest.mark.parametrize("query", [MARGIN, SERIES, SCREEN, [MARGIN, SERIES], Query(intent="document", companies=["V"])])
def test_query_and_aquery_are_one_behaviour(workflow: FinancialAssistantWorkflow, query: Any) -> None:
    one = workflow.query(query)
    two = asyncio.run(workflow.aquery(query))
    assert shown(one) == shown(two)
    [first, second] = workflow.answers()
    assert shown(first) == shown(second) == shown(one)


def test_every_word_is_used_refused_or_not_understood(workflow: FinancialAssistantWorkflow) -> None:
    answer = workflow.run("What were Apple's blorbish net margin and revenue in FY2023?")
    assert [(check.words, check.status) for check in answer.checklist] == [
        ("Apple", "used"),
        ("net margin, revenue", "used"),
        ("FY2023", "used"),
        ("blorbish", "not understood"),
    ]
    assert "✗ “blorbish” was not understood" in answer.to_html()
    assert "✓" not in workflow.run("What was Apple's net margin in FY2023?").to_html(), "all is there"
    [refused] = workflow.run("Who is Apple's CEO?").checklist
    assert refused.status == "refused"
    assert [str(check) for check in workflow.query(MARGIN).checklist] == [f"✓ {MARGIN}"]


def test_both_forms_stream_the_same_events(workflow: FinancialAssistantWorkflow) -> None:
    async def streamed() -> list[str]:
        return [event.event async for event in workflow.aquery(MARGIN, stream=True)]

    kinds = [event.event for event in workflow.query(MARGIN, stream=True)]
    assert Counter(kinds) == Counter(asyncio.run(streamed()))
    assert kinds[-1] == "WorkflowCompleted"


def test_an_answer_has_its_figure_its_table_and_its_query(workflow: FinancialAssistantWorkflow) -> None:
    answer = workflow.query(MARGIN)
    assert answer.value is not None
    assert (answer.value.unit, answer.value.period, answer.query) == ("ratio", "FY2023", MARGIN)
    assert answer.outcome == "answered"
    assert all(check.done for check in answer.checklist)
    assert workflow.query(SERIES).result.shape == (5, 2)
    assert answer.input == "net margin of AAPL in FY2023"
    assert answer.decided_by == "rules"
    assert not answer.models


def test_the_first_line_answers_and_an_answer_is_short(workflow: FinancialAssistantWorkflow) -> None:
    metrics = ("revenue", "net_margin", "eps_diluted", "total_assets", "free_cash_flow", "pe", "roe", "debt_to_equity")
    answers = [workflow.query(Query(metrics=[metric], companies=["MSFT"])) for metric in metrics]
    for answer in answers:
        assert answer.value is not None
        first = str(answer.content).splitlines()[0]
        assert "Microsoft" in first
        assert str(answer.value.period_end) in first
        assert any(map(str.isdigit, first))
    assert sorted(len(str(answer.content)) for answer in answers)[len(answers) // 2] <= 400


def test_a_card_begins_with_the_headline_and_draws_a_series(workflow: FinancialAssistantWorkflow) -> None:
    html = workflow.query(SERIES).to_html()
    assert html.index("fin-lead") < html.index("<svg") < html.index("<table")
    assert 'class="fin-headline"' in workflow.query(MARGIN).to_html()


# -------------------------------------------------------------------------------------- what is invalid

INVALID: list[tuple[Any, str]] = [
    ({"metrics": ["net_marign"], "companies": ["AAPL"]}, "Did you mean net_margin?"),
    ({"metric": ["net_margin"]}, "Did you mean metrics?"),
    ({"metrics": "net_margin"}, "metrics is a list"),
    ({"metrics": ["revenue"], "companies": ["AAPL"], "operation": "grow"}, "It is one of: 'none', 'growth'"),
    ({"metrics": ["revenue"], "companies": ["AAPL"], "periods": ["FY9925"]}, "out of range"),
    ({"metrics": ["revenue"], "companies": ["AAPL"], "periods": ["last year"]}, "Write FY2024"),
    ({"metrics": ["revenue"], "scope": "universe", "where": [{"metric": "pe", "comparator": ">"}]}, "needs"),
    ({"metrics": ["revenue"], "scope": "universe", "where": [{"metric": "pee", "comparator": ">", "number": 1}]},
     "There is no metric"),
    ({"metrics": list(catalogue())[:30], "companies": [f"A{n}" for n in range(40)]}, "at most 600"),
    ({"metrics": ["revenue"]}, "Name companies"),
    ({"companies": ["AAPL"]}, "Name at least one metric"),
    ({"intent": "chat", "companies": ["AAPL"]}, "Ask in words"),
    ({"metrics": ["revenue"], "companies": ["AAPL"], "limit": -3}, "greater than or equal to 1"),
    ({"metrics": ["revenue"], "companies": ["AAPL"], "unit": "bananas"}, "It is empty or one of: “USD”"),
    ({"metrics": ["revenue + price"], "companies": ["AAPL"]}, "USD and USD/share cannot be added"),
    ({"metrics": ["volatility"], "weights": {"AAPL": 0.6, "MSFT": 0.6}}, "add up to 1"),
    ({"metrics": ["volatility"], "weights": {"AAPL": 1.4, "MSFT": -0.4}}, "above 0"),
    ({"metrics": ["revenue"], "weights": {"AAPL": 0.6, "MSFT": 0.4}}, "of prices"),
    ("revenue of Apple", "is no query"),
    ([], "Pass a Query"),
    ([3], "is no query"),
]  # fmt: skip


@pytest.mark.parametrize(("asked", "message"), INVALID)
def test_an_invalid_query_says_what_would_be_valid(asked: Any, message: str) -> None:
    with pytest.raises(InvalidQuery, match=None) as caught:
        queries_of(asked)
    assert message in str(caught.value)
    assert isinstance(caught.value, InputError)


def test_both_forms_refuse_the_same(workflow: FinancialAssistantWorkflow) -> None:
    for call in (workflow.query, workflow.aquery):
        with pytest.raises(InvalidQuery):
            call({"metrics": ["revenue"]})
        with pytest.raises(TypeError, match="Did you mean session_id"):
            call(MARGIN, sesion_id="x")  # pyright: ignore[reportCallIssue]


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"metrics": ["revenue"], "companies": ["APPLE"]}, "AAPL"),
        ({"metrics": ["revenue"], "companies": ["AAPL"], "periods": ["FY2031"]}, "FY2031"),
        ({"metrics": ["revenue"], "scope": "universe", "sectors": ["Widgets"]}, "Sectors:"),
    ],
)
def test_what_is_not_there_is_said(workflow: FinancialAssistantWorkflow, values: dict[str, Any], message: str) -> None:
    answer = workflow.query(Query(**values))
    assert message in str(answer.content)
    assert answer.value is None
    assert answer.outcome == "refused"


# ------------------------------------------------------------------------------------- a query as a value


def test_a_query_is_a_value_that_shows_itself() -> None:
    assert Query.model_validate_json(SCREEN.model_dump_json()) == SCREEN
    assert eval(repr(SCREEN), {"Query": Query, "Filter": Filter}) == SCREEN
    bundle = MARGIN._repr_mimebundle_()  # pyright: ignore[reportPrivateUsage]
    assert "net margin of AAPL in FY2023" in bundle["text/plain"]
    assert "<b>net margin" in bundle["text/html"]
    every = MARGIN.model_copy(update={"periods": ["FY2021:FY2023"], "every": True})
    assert str(every) == "net margin of AAPL in every year of FY2021:FY2023"
    assert filter_of("pe between 10 and 15") == Filter(metric="pe", comparator="between", number=10, upper=15)


def test_a_choice_is_picked(workflow: FinancialAssistantWorkflow) -> None:
    answer = workflow.query(SERIES)
    answer.choices = [Choice("Apple's net margin", (MARGIN,))]
    assert answer.pick(1).headline == asyncio.run(answer.apick(1)).headline == workflow.query(MARGIN).headline
    with pytest.raises(InputError, match="There is no choice 2"):
        answer.pick(2)
    stored = pickle.loads(pickle.dumps(answer))
    with pytest.raises(InputError, match="has no workflow"):
        stored.pick(1)


def test_the_command_line_answers_a_query(capsys: pytest.CaptureFixture[str], tmp_path: Any) -> None:
    place = ["--db", str(tmp_path / "sessions.db")]
    asked = ["query", "--metric", "net_margin", "--company", "AAPL", "--company", "MSFT", "--period", "FY2020:FY2024"]
    assert main([*asked, "--json", *place]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["queries"][0]["companies"] == ["AAPL", "MSFT"]
    assert found["queries"][0]["periods"] == ["FY2020:FY2024"]
    assert len(found["facts"]) >= 5
    assert main(["query", "--metric", "nope", "--company", "AAPL", *place]) == 2
    assert main(["query", "--metric", "revenue", "--company", "AAPL", "--period", "FY2031", *place]) == 1
    assert main(["query", "--metrics"]) == 0
    assert "net_income / revenue" in capsys.readouterr().out


def test_a_batch_says_what_is_answered(workflow: FinancialAssistantWorkflow, tmp_path: Any) -> None:
    asked = ["What was Apple's net margin in FY2023?", "What is the price of bitcoin?", "Tell me about Nvidia"]
    frame = workflow.run_many(asked, ledger=tmp_path / "batch.db", live=False).frame
    assert frame["outcome"].tolist() == ["answered", "refused", "answered"]
    assert (frame.loc[0, "unit"], frame.loc[0, "period"]) == ("ratio", "FY2023")
    assert frame.loc[0, "query"] == "net margin of AAPL in FY2023"


def test_a_batch_takes_the_first_reading_and_says_so(workflow: FinancialAssistantWorkflow, tmp_path: Any) -> None:
    asked = [
        "What was United's revenue in FY2024?",
        "What was Nike's revenue in Q1 2024?",
        "Apple's revenue in FY2024?",
    ]
    batch = workflow.run_many(asked, ledger=tmp_path / "batch.db", live=False)
    assert batch.frame["outcome"].tolist() == ["answered"] * 3
    assert batch.frame["reading"].fillna("").tolist() == [
        "United Parcel Service Inc. (UPS)", "Q1 2024 of the fiscal year", "",
    ]  # fmt: skip
    first = next(iter(batch)).answer
    assert first.warnings == ["Read as United Parcel Service Inc. (UPS), the first of 5 readings."]
    assert len(first.choices) == 5


# ---------------------------------------------------------------------------------------- the catalogue


def test_the_laws_of_the_catalogue() -> None:
    for name, metric in catalogue().items():
        assert metric.id == name
        assert metric.label, name
        assert metric.model == "step" or metric.about.endswith("."), name
        if metric.formula:
            parse(metric.formula)
            assert lines(name), name
            assert described(metric.formula).unit in (metric.unit, "times", "percent"), name
        inner = metric.kind == "assumption" or metric.model == "step"
        assert inner or (metric.names or {}).get("en") or metric.report, f"{name} is neither asked by name nor reported"
        assert spoken(name), name


def test_a_name_means_one_metric_in_each_language() -> None:
    for language in LANGUAGES:
        owners: dict[str, set[str]] = {}
        for name, metric in catalogue().items():
            for each in (metric.names or {}).get(language, ()):
                owners.setdefault(each, set()).add(name)
        assert {each: own for each, own in owners.items() if len(own) > 1} == {}, language


def test_describe_lists_every_metric() -> None:
    frame = describe()
    assert list(frame.index) == list(catalogue())
    assert frame.loc["net_margin", "formula"] == "net_income / revenue"
