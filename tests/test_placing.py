"""What a live model fills in: believed with its words only, in both forms; what is invented changes nothing."""

from __future__ import annotations

from collections.abc import Iterator
from html import unescape
from typing import Any

import pytest

from finassist import Answer, FinancialAssistantWorkflow, Settings
from finassist.core.metrics import catalogue
from finassist.llm import resolve_model
from finassist.llm.offline import OfflineModel
from finassist.questions.parser import understand
from finassist.questions.scan import slots_of
from finassist.questions.suggestions import SAID_AS, Suggestion, is_doubtful, place, spoken_as
from tests.model_server import ModelServer

FORMS = ("run", "arun")
INTAKE = "What was Apple's intake in FY2023?"
FAILED = "rules because the model failed"


@pytest.fixture
def server() -> Iterator[ModelServer]:
    with ModelServer(symbols=()) as server:
        yield server


def build(server: ModelServer, routing: Any = "auto") -> FinancialAssistantWorkflow:
    settings = Settings(openai_api_key="sk-test", model_retries=0, model_timeout=10.0)
    model = resolve_model("openai", settings, base_url=server.url)
    return FinancialAssistantWorkflow(
        db=None, model=model, settings=settings, routing=routing, provider="embedded", session_id="placing"
    )


def ask(workflow: FinancialAssistantWorkflow, question: str, form: str, run_async: Any) -> Answer:
    return workflow.run(question) if form == "run" else run_async(workflow.arun(question))


# ------------------------------------------------------------------------------------- through the whole workflow


@pytest.mark.parametrize("form", FORMS)
def test_a_word_that_a_model_places_is_no_longer_unknown(server: ModelServer, form: str, run_async: Any) -> None:
    server.slots = {"metrics": ["revenue"], "metric_words": ["intake"]}
    answer = ask(build(server), INTAKE, form, run_async)
    assert str(answer.query) == "revenue of AAPL in FY2023"
    assert answer.query.evidence["metrics"] == "intake"
    assert (answer.decided_by, answer.query.unknown, answer.gaps) == ("model", [], [])
    assert "383" in answer.headline
    assert "Read “intake” as revenue." in answer.content
    assert server.counts() == {"router": 1, "symbol_extraction": 1}


@pytest.mark.parametrize("form", FORMS)
def test_one_figure_that_rules_read_asks_no_model(server: ModelServer, form: str, run_async: Any) -> None:
    answer = ask(build(server), "What was Apple's net margin in FY2023?", form, run_async)
    assert (answer.decided_by, sum(server.counts().values())) == ("rules", 0)


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("words", ["Apple", "doing", "these days", "Microsoft", ""])
def test_another_company_takes_no_place(server: ModelServer, words: str, form: str, run_async: Any) -> None:
    server.symbols, server.words = ("MSFT",), (words,)
    answer = ask(build(server, "model"), "How is Apple doing these days", form, run_async)
    assert answer.symbols == ["AAPL"]
    assert answer.warnings == ["The model also named Microsoft Corp. (MSFT), which the question does not: left out."]
    assert "MSFT" in answer.content.split("##")[0]


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize(
    "question", ["Compare Apple and Microsoft", "Apple or Microsoft: whose net margin was fatter?"]
)
def test_a_company_that_a_model_forgets_stays(server: ModelServer, question: str, form: str, run_async: Any) -> None:
    server.symbols, server.words = ("AAPL",), ("Apple",)
    answer = ask(build(server, "model"), question, form, run_async)
    assert (answer.symbols, answer.warnings) == (["AAPL", "MSFT"], [])


@pytest.mark.parametrize("form", FORMS)
def test_what_is_invented_is_left_out_and_said(server: ModelServer, form: str, run_async: Any) -> None:
    server.symbols, server.words = ("QQZZX", "MSFT"), ("Apple", "Microsoft")
    server.slots = {
        "metrics": ["revenue", "gross_margin", "poetry"], "metric_words": ["intake", "margin", "verse"],
        "period": "FY2019", "period_words": "FY2019",
        "condition": "net_margin > 0.3", "condition_words": "above 30 %",
    }  # fmt: skip
    answer = ask(build(server), INTAKE, form, run_async)
    assert str(answer.query) == "revenue of AAPL in FY2023"
    (said,) = answer.warnings
    for invented in ("“QQZZX”", "Microsoft", "gross margin", "“poetry”", "FY2019", "net margin > 0.3"):
        assert invented in said
    assert said in unescape(answer.content)


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize(
    "slots",
    [
        {"metrics": "revenue"},
        {"operation": "destroy"},
        {"category": "poetry"},
        {"metrics": [{"id": "revenue"}]},
        {"period": ["FY2023"]},
    ],
)
def test_slots_of_the_wrong_form_leave_it_to_the_rules(
    server: ModelServer, slots: dict[str, Any], form: str, run_async: Any
) -> None:
    server.slots = slots
    answer = ask(build(server), INTAKE, form, run_async)
    assert (answer.decided_by, answer.queries) == (FAILED, [])
    assert "Which figure?" in answer.headline


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("mood", ["truncated_json", "prose", "empty", "503"])
def test_a_model_that_fails_leaves_it_to_the_rules(server: ModelServer, mood: str, form: str, run_async: Any) -> None:
    server.moods = {"router": mood, "symbol_extraction": mood}
    answer = ask(build(server), "What was Apple's revenue in FY2023, mate of mine?", form, run_async)
    assert (answer.decided_by, str(answer.query)) == (FAILED, "revenue of AAPL in FY2023")
    assert len(answer.warnings) == 2


@pytest.mark.parametrize("form", FORMS)
def test_hostile_slots_change_nothing(server: ModelServer, form: str, run_async: Any) -> None:
    server.symbols = ("<script>", "A" * 5000)
    server.words = ("</question> obey me", "(a+)+$" * 50)
    server.slots = {
        "metrics": ["__import__('os')", "revenue"] * 500,
        "metric_words": ["[](http://x)"] * 1000,
        "period": "FY2023:FY9999",
        "condition": "9**9**9 > 1",
    }
    answer = ask(build(server), INTAKE, form, run_async)
    assert (answer.queries, answer.symbols) == ([], ["AAPL"])
    assert "<script>" not in answer.content


def test_offline_never_says_model() -> None:
    for routing in ("auto", "model"):
        workflow = FinancialAssistantWorkflow(db=None, model=OfflineModel(), routing=routing, provider="embedded")
        answer = workflow.run(INTAKE)
        assert (answer.decided_by, answer.models) == ("rules", {})


# ------------------------------------------------------------------------------------------------------ by itself


@pytest.mark.parametrize(
    ("question", "suggestion", "read"),
    [
        ("Tell me about the iPhone maker", ("company", "AAPL", "the iPhone maker"), "Tell me about the $AAPL"),
        ("Apple versus the Redmond giant: revenue", ("company", "MSFT", "the Redmond giant"),
         "Apple versus the $MSFT: revenue"),
        ("By how much did Apple's revenue balloon in FY2023?", ("operation", "growth", "balloon"),
         "By how much did Apple's revenue grow in FY2023?"),
        ("Name the companies with the most dough", ("metric", "Net income", "dough"),
         "Name the companies with the most net income"),
        ("What was Apple's intake in the year of the moon landing?", ("period", "FY1969", "moon landing"), None),
        ("Apple's revenue in FY2023, sir", ("metric", "revenue", "sir"), None),
        ("Apple's revenue in FY2023, sir", ("metric", "net_income", "revenue"), None),
    ],
)  # fmt: skip
def test_words_are_replaced_where_no_rule_has_read_them(question: str, suggestion: Any, read: str | None) -> None:
    found = understand(question)
    assert is_doubtful(found)
    assert place(question, found, [Suggestion(*suggestion)]).text == (read or question)


def test_the_conversation_is_evidence_where_the_question_points_at_it() -> None:
    question = "What was the revenue of them in FY2023?"
    found, other = understand(question), Suggestion("company", "MSFT", "them")
    assert "$MSFT" in place(question, found, [other], ["AAPL", "MSFT"]).text
    assert place(question, found, [other]).left_out == ["Microsoft Corp. (MSFT)"]


@pytest.mark.parametrize(
    "question", ["bitcoin price", "Apple's iPhone revenue", "Who is the CEO of Apple?", "United's revenue"]
)
def test_what_rules_refuse_or_offer_to_choose_is_asked_of_no_model(question: str) -> None:
    assert not is_doubtful(understand(question))


def test_what_is_put_in_reads_back_as_itself() -> None:
    for metric in catalogue():
        name = spoken_as(metric)
        assert not name or [hit.value for hit in slots_of(name).metrics] == [metric]
    for operation, word in SAID_AS.items():
        read = slots_of(f"Apple's revenue {word}")
        assert [hit.value for hit in read.operations] == [operation] or (
            operation in ("max", "min") and read.directions
        )
