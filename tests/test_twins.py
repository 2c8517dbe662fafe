"""`run()` and `arun()` are one behaviour, shown over generated worlds: see section on twins in CONTRIBUTING."""

from __future__ import annotations

import asyncio
import re
from collections import Counter, defaultdict
from typing import Any

import pytest
from agno.run.agent import RunContentEvent
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from finassist import FinancialAssistantWorkflow, Query, Settings
from tests.worlds import MODEL_MOODS, NEEDS, SOURCE_MOODS, ScriptedModel, ScriptedProvider, World

QUESTIONS = (
    "Tell me about Apple",
    "Compare Apple and Microsoft",
    "What is Apple's stock price?",
    "What about the iPhone maker?",
    "What is EBITDA?",
    "Tell me about Appel",
    "$AAPL income statement",
    "What is Apple's revenue?",
    "What was Apple's net margin in FY2025?",
    "Compare the revenue of Apple and Microsoft",
    "Which company had the highest revenue?",
    "What was Apple's revenue in Q2 2024?",
)
OWN = {"created_at", "elapsed", "run_id", "session_id", "workflow_run_id", "agent_id", "metrics"}


@st.composite
def worlds(draw: st.DrawFn) -> World:
    symbols = draw(st.sampled_from([("AAPL",), ("AAPL", "MSFT"), ()]))
    keys = [f"{need} {symbol}" for symbol in ("AAPL", "MSFT") for need in NEEDS]
    return World(
        sources=draw(st.dictionaries(st.sampled_from(keys), st.sampled_from(SOURCE_MOODS))),
        router=draw(st.sampled_from(MODEL_MOODS)),
        extraction=draw(st.sampled_from(MODEL_MOODS)),
        chat=draw(st.sampled_from(MODEL_MOODS)),
        category=draw(st.sampled_from(["report", "chat", "stock_price", "income_statement", "company_financials"])),
        symbols=symbols,
        narration=draw(st.booleans()),
    )


def build(world: World, routing: str) -> FinancialAssistantWorkflow:
    return FinancialAssistantWorkflow(
        db=None, model=ScriptedModel(world), provider=ScriptedProvider(world), routing=routing, session_id="twins",
        settings=Settings(narration=world.narration),
    )  # fmt: skip


def outcome(workflow: FinancialAssistantWorkflow, question: str, events: list[Any], error: Exception | None) -> Any:
    """Everything that has to be equal: answer, stored session, events, error."""
    [answer] = workflow.answers("twins")
    return {
        "error": (type(error), str(error)) if error else None,
        "content": answer.content if error is None else None,
        "facts": Counter(answer.facts),
        "gaps": answer.gaps,
        "category": answer.category,
        "symbols": answer.symbols,
        "status": answer.status,
        "headline": answer.headline,
        "queries": answer.queries,
        "rows": answer.rows,
        "follow_ups": answer.follow_ups,
        "warnings": answer.warnings,
        "question": answer.input,
        "events": Counter(map(fingerprint, events)),
        "order": order(events),
        "terminal": events[-1].event,
    }


def fingerprint(event: Any) -> str:
    plain = {key: value for key, value in sorted(vars(event).items()) if key not in OWN}
    for deep in ("run_output", "step_results", "step_executor_runs"):
        plain.pop(deep, None)
    return repr((type(event).__name__, plain))


def order(events: list[Any]) -> dict[str, list[str]]:
    """Kinds of events in order, within each step and each fetch."""
    lines: dict[str, list[str]] = defaultdict(list)
    for event in events:
        need = getattr(event, "need", None)
        line = f"{need} {event.symbol}" if need else str(getattr(event, "step_name", None))
        said = str(event.content) if isinstance(event, RunContentEvent) else ""
        lines[line].append(event.event + said)
    return dict(lines)


def sync_run(world: World, routing: str, question: str) -> Any:
    workflow = build(world, routing)
    events: list[Any] = []
    error = None
    try:
        for event in workflow.run(question, stream=True):
            events.append(event)
    except Exception as failure:  # noqa: BLE001
        error = failure
    return outcome(workflow, question, events, error)


def async_run(world: World, routing: str, question: str) -> Any:
    workflow = build(world, routing)
    events: list[Any] = []

    async def consume() -> Exception | None:
        try:
            async for event in workflow.arun(question, stream=True):
                events.append(event)
        except Exception as failure:  # noqa: BLE001
            return failure
        return None

    error = asyncio.run(consume())
    return outcome(workflow, question, events, error)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(world=worlds(), routing=st.sampled_from(["auto", "model", "rules"]), question=st.sampled_from(QUESTIONS))
def test_run_and_arun_are_identical(world: World, routing: str, question: str) -> None:
    assert sync_run(world, routing, question) == async_run(world, routing, question)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(world=worlds(), question=st.sampled_from(QUESTIONS))
def test_streamed_and_not_streamed_end_the_same(world: World, question: str) -> None:
    streamed, plain = build(world, "auto"), build(world, "auto")
    try:
        for _ in streamed.run(question, stream=True):
            pass
    except Exception as error:  # noqa: BLE001
        with pytest.raises(type(error), match=re.escape(str(error))):
            plain.run(question)
    else:
        answer = plain.run(question)
        [stored] = streamed.answers("twins")
        for name in ("content", "facts", "gaps", "queries", "rows", "headline"):
            assert getattr(answer, name) == getattr(stored, name), name


def test_a_source_of_whole_statements_answers_figures_or_says_why_not() -> None:
    def asked(question: str, **moods: str) -> Any:
        world = World(sources={f"{need} AAPL": mood for need, mood in moods.items()})
        one, other = sync_run(world, "auto", question), async_run(world, "auto", question)
        assert one == other
        return one

    assert asked("What is Apple's revenue?", quote="refuses")["gaps"] == [], "only what is asked for is fetched"
    for mood, error in {"refuses": "DataError", "times_out": "SourceTimeout", "other_symbol": "BadPayload"}.items():
        [gap] = asked("What was Apple's net margin in FY2025?", income=mood)["gaps"]
        assert (gap.symbol, gap.need, gap.error) == ("AAPL", "net_margin", error)
    both = asked("Compare the revenue of Apple and Microsoft", income="times_out")
    assert "income of AAPL took too long" in both["headline"], "a source that failed is no figure that is absent"
    assert [fact.symbol for fact in both["facts"]] == ["MSFT"]
    everyone = asked("Which company had the highest revenue?")
    assert [gap.error for gap in everyone["gaps"]] == ["NotOffered"]
    assert everyone["gaps"][0].reason in everyone["content"]


@pytest.mark.parametrize("mood", ["bug", "exits"])
def test_a_bug_in_a_source_is_raised_and_never_becomes_a_gap(mood: str) -> None:
    world = World(sources={"quote AAPL": mood, "income AAPL": "refuses"})
    one, other = sync_run(world, "auto", "Tell me about Apple"), async_run(world, "auto", "Tell me about Apple")
    assert one["error"] == other["error"]
    assert one["error"][0] is (TypeError if mood == "bug" else RuntimeError)
    assert one["terminal"] == other["terminal"] == "WorkflowError"
    assert one["events"] == other["events"], "siblings of the bug must settle in both forms"


TYPED = st.builds(
    Query,
    metrics=st.sampled_from([["net_margin"], ["revenue", "net_income"], ["growth(revenue)"], ["pe"]]),
    companies=st.sampled_from([["AAPL"], ["AAPL", "MSFT"], ["AAPL", "ZZZZ"]]),
    periods=st.sampled_from([[], ["FY2024"], ["FY2021:FY2024"], ["TTM"], ["2025-03-14"]]),
    operation=st.sampled_from(["none", "growth", "mean", "difference"]),
    intent=st.sampled_from(["value", "compare"]),
)


@settings(max_examples=40, deadline=None)
@given(query=TYPED)
def test_typed_queries_have_twins(query: Query) -> None:
    sync = FinancialAssistantWorkflow(db=None).query(query)
    other = asyncio.run(FinancialAssistantWorkflow(db=None).aquery(query))
    told = [(each.content, each.headline, each.facts, each.gaps, each.symbols, each.queries) for each in (sync, other)]
    assert told[0] == told[1]
