"""The narration of a report: a few sentences of a live model, each of which states figures that the data confirm."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import aclosing
from typing import Any

import pytest
from agno.run.agent import RunContentEvent
from agno.run.base import RunStatus

from finassist import Answer, Budget, FinancialAssistantWorkflow, Query, Settings
from finassist.core.formatting import figure
from finassist.llm import resolve_model
from tests.model_server import ModelServer
from tests.test_twins import outcome

KEY = "sk-canary-0123456789abcdef"
ASKED = "Tell me about Apple"
SALES = "Apple's revenue grew 6% to USD 416 billion in FY2025."
PROFIT = "Net income was USD 112 billion in FY2025, up from USD 94 billion in FY2024."
MARGIN = "Its net margin rose to 27% in FY2025."
LIE = "Its net margin rose to 31% in FY2025."
MARK = "Written by the language model"
FORMS = pytest.mark.parametrize("form", ["run", "arun"])


@pytest.fixture
def server() -> Iterator[ModelServer]:
    with ModelServer() as server:
        yield server


def build(server: ModelServer, db: Any = None, **more: Any) -> FinancialAssistantWorkflow:
    settings = Settings(_env_file=None, **{"openai_api_key": KEY, "model_retries": 0, "narration": True, **more})
    model = resolve_model("openai", settings, base_url=server.url)
    return FinancialAssistantWorkflow(db=db, model=model, settings=settings, session_id="twins", provider="embedded")


def ask(workflow: FinancialAssistantWorkflow, form: str, run_async: Any, question: str = ASKED) -> Answer:
    return workflow.run(question) if form == "run" else run_async(workflow.arun(question))


@pytest.fixture(scope="module")
def plain() -> Answer:
    """The report without a model."""
    return FinancialAssistantWorkflow(db=None, model="offline", provider="embedded").run(ASKED)


# --------------------------------------------------------------------------------------------- when it is there


@FORMS
def test_a_report_is_narrated_below_its_headline(
    server: ModelServer, plain: Answer, form: str, run_async: Any, tmp_path: Any
) -> None:
    server.narration = [f"{SALES} {PROFIT}"]
    workflow = build(server, tmp_path / "sessions.db")
    answer = ask(workflow, form, run_async)
    assert answer.narration == f"{SALES} {PROFIT}"
    head, rest = answer.content.split("\n## ", 1)
    assert (head.split("\n\n")[:3], rest) == ([*plain.content.split("\n\n")[:3]], plain.content.split("\n## ", 1)[1])
    assert head.index(SALES) < head.index(MARK)
    card = answer.to_html()
    assert card.index('class="fin-headline') < card.index(PROFIT) < card.index(MARK) < card.index('class="fin-company')
    assert answer.models == {"narration": workflow.model.id}
    assert answer.metrics.steps["narration"].metrics.total_tokens == 120
    [stored] = workflow.answers()
    assert (stored.narration, stored.content, stored.models) == (answer.narration, answer.content, answer.models)
    assert stored.to_html() == card


def test_it_is_written_from_figures_of_the_report_alone(server: ModelServer) -> None:
    answer = build(server).run(ASKED)
    [message] = [seen.body["messages"][-1]["content"] for seen in server.seen]
    shown = {figure(fact) for fact in answer.facts if fact.known}
    told = [each for line in json.loads(message)["facts"] for each in line.split(": ", 1)[1].split("; ")]
    assert len(told) > 20
    for text in told:
        assert text.split(" (to ")[0].split(" ", 1)[1].lstrip("+") in {each.lstrip("+") for each in shown}


def test_its_sentences_stream_as_they_are_checked(server: ModelServer) -> None:
    server.narration, server.moods = [f"{SALES} {LIE} {PROFIT} {MARGIN}", f"{LIE} "], {"narration": "gated"}
    events: list[Any] = []
    for event in build(server).run(ASKED, stream=True):
        events.append(event)
        if getattr(event, "step_name", "") == "narration" and event.event in ("StepStarted", "RunContent"):
            for _ in range(2):  # the sentence that is withheld is no event
                server.permit()
    words = [event.content for event in events if isinstance(event, RunContentEvent)]
    assert [text.strip() for text in words[1:4]] == [SALES, PROFIT, MARGIN]
    assert "".join(words) == events[-1].run_output.content
    assert not [event for event in events if "31%" in str(event.to_dict())]


def test_no_sentence_is_said_twice_and_the_model_knows_the_headline(server: ModelServer) -> None:
    server.narration = [f"{SALES} {LIE}", f"{SALES} {MARGIN}"]
    answer = build(server).run(ASKED)
    assert answer.narration == f"{SALES} {MARGIN}"
    assert "The headline is: " in str(server.seen[0].body)
    assert f'<div class="fin-written"><p>{SALES} {MARGIN}</p>' in answer.to_html().replace("&#x27;", "'")


def test_a_typed_report_is_narrated_and_other_answers_are_not(server: ModelServer) -> None:
    server.narration = [SALES]
    workflow = build(server)
    assert workflow.query(Query(intent="document", companies=["AAPL"])).narration == SALES
    for question in ("Show the income statement of Apple", "What was Apple's revenue in FY2025?"):
        assert not workflow.run(question).narration
    assert server.counts() == {"narration": 1}


# ------------------------------------------------------------------------------------------ when it costs nothing


def test_no_model_is_asked_that_was_not_wanted(server: ModelServer, plain: Answer) -> None:
    assert Settings(_env_file=None).narration is False
    assert build(server, narration=False).run(ASKED).content == plain.content
    offline = FinancialAssistantWorkflow(db=None, model="offline", settings=Settings(_env_file=None, narration=True))
    assert (offline.run(ASKED).content, server.seen) == (plain.content, [])


def test_an_estimate_counts_it_and_a_budget_stops_it(server: ModelServer, tmp_path: Any) -> None:
    workflow = build(server, home=tmp_path)
    questions = [ASKED, "Tell me about Nvidia", "What was Apple's revenue in FY2025?"]
    assert workflow.run_many(questions, estimate=True).model_calls == 2
    batch = workflow.run_many(questions, budget=Budget(tokens=100), ledger=tmp_path / "batch.db", concurrency=1)
    assert server.counts() == {"narration": 1}
    assert "tokens" in str(batch.left)


# --------------------------------------------------------------------------------------- a model that is wrong


@FORMS
def test_what_the_data_refute_is_asked_for_once_more(server: ModelServer, form: str, run_async: Any) -> None:
    server.narration = [f"{SALES} {LIE}", f"{MARGIN} It has a P/E of 12."]
    answer = ask(build(server, model_prices={"gpt-5.4-mini": {"input": 1, "output": 1}}), form, run_async)
    assert answer.narration == f"{SALES} {MARGIN}"
    first, second = (json.loads(seen.body["messages"][-1]["content"]) for seen in server.seen)
    assert (first.get("withheld"), second["withheld"]) == (None, [LIE])
    used = answer.metrics.steps["narration"].metrics
    assert (used.total_tokens, used.cost) == (240, pytest.approx(240 / 1e6))  # both replies count


@pytest.mark.parametrize(
    "text",
    [
        LIE,
        "Apple is a great company. Buy now!",
        "Microsoft's revenue was USD 245.1 billion in FY2024.",
        "Apple sold 232 million iPhones in FY2023.",
        "Apple's revenue will reach USD 500 billion in FY2027.",
        "**Summary of Apple's revenue in FY2025: USD 416.2 billion**\n",
        "Apple's revenue was USD 416.2 billion in FY2025, as US inflation was 3.2%.",
        "",
    ],
)
def test_nothing_is_said_where_nothing_is_confirmed(server: ModelServer, plain: Answer, text: str) -> None:
    server.narration = [text, text]
    answer = build(server).run(ASKED)
    assert (answer.content, answer.narration, answer.warnings) == (plain.content, "", [])
    assert len(server.seen) <= 2


def test_it_is_at_most_four_sentences_of_plain_text(server: ModelServer) -> None:
    figures = (f"Apple's revenue was [USD 416.2 billion](https://x.y) in FY2025{'!' * many}" for many in range(1, 8))
    server.narration = ["# Summary\n\nLet me think.\n\n<b>" + "\n\n".join(figures)]
    answer = build(server).run(ASKED)
    assert answer.narration.count("416.2") == 4
    assert not [mark for mark in ("\n", "<b>", "# ") if mark in answer.narration]
    assert 'href="https://x.y"' not in answer.to_html()
    assert len(server.seen) == 1


@FORMS
@pytest.mark.parametrize(("mood", "said"), [("401", "did not accept the key"), ("reset", "cannot be reached")])
def test_a_model_that_fails_costs_the_narration_alone(
    server: ModelServer, plain: Answer, mood: str, said: str, form: str, run_async: Any
) -> None:
    server.moods = {"narration": mood}
    answer = ask(build(server), form, run_async)
    assert (answer.status, answer.facts, answer.narration) == (RunStatus.completed, plain.facts, "")
    [warning] = answer.warnings
    assert warning.startswith("The narration failed.")
    assert said in warning
    assert said in answer.content
    assert said in answer.to_html()
    assert MARK not in answer.content
    assert KEY not in str(answer.to_dict())


def test_what_was_confirmed_before_a_model_broke_off_stays(server: ModelServer, plain: Answer) -> None:
    server.narration, server.moods = [f"{SALES} {PROFIT} And", "Apple's"], {"narration": "dies"}
    whole, nothing = (build(server).run(ASKED) for _ in range(2))
    assert (whole.narration, nothing.narration) == (f"{SALES} {PROFIT}", "")
    assert MARK in whole.content
    assert nothing.content == plain.content
    for answer in (whole, nothing):
        assert answer.warnings == []
        assert answer.spans().set_index("name").loc["narration", "status"] == "error"


def test_a_slow_model_is_cancelled(server: ModelServer, run_async: Any) -> None:
    server.narration, server.moods = [f"{SALES} {PROFIT}"], {"narration": "gated"}
    workflow = build(server)

    async def begin_and_leave() -> None:
        server.permit()
        async with aclosing(workflow.arun(ASKED, stream=True)) as events:
            async for event in events:
                if SALES in str(getattr(event, "content", "")):
                    return

    run_async(begin_and_leave())
    assert server.hung_up.wait(10)
    assert workflow.answers()[-1].status == RunStatus.cancelled
    server.hung_up.clear()
    server.narration = [f"{SALES} {PROFIT} {MARGIN}"]
    server.permit()
    for event in workflow.run(ASKED, stream=True):
        if SALES in str(getattr(event, "content", "")):
            server.permit()
            break
    assert server.hung_up.wait(10)
    assert workflow.answers()[-1].status == RunStatus.cancelled


@pytest.mark.parametrize("mood", ["fine", "ends_early", "503", "empty", "refusal", "length"])
def test_both_forms_narrate_alike(server: ModelServer, mood: str, run_async: Any) -> None:
    def events_of(form: str) -> Any:
        server.moods, server.narration = {"narration": mood}, [f"{SALES} {LIE} {PROFIT}", f"{LIE} {MARGIN}"]
        workflow = build(server)

        async def streamed() -> list[Any]:
            return [event async for event in workflow.arun(ASKED, stream=True)]

        events = list(workflow.run(ASKED, stream=True)) if form == "run" else run_async(streamed())
        return outcome(workflow, ASKED, events, None)

    assert events_of("run") == events_of("arun")
