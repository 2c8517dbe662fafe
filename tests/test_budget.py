"""Limits of a batch, what it is told to cost, and how far it says it is."""

from __future__ import annotations

import asyncio
import io
import sqlite3
from contextlib import closing
from dataclasses import replace
from itertools import pairwise
from typing import Any

import pytest
from agno.metrics import MessageMetrics
from agno.models.response import ModelResponse

from finassist import FinancialAssistantWorkflow, Settings
from finassist.apps.live import BatchLine, bar_html
from finassist.batch.budget import Budget
from finassist.batch.runner import Progress
from finassist.core.errors import InvalidLimit
from tests.worlds import ScriptedModel, ScriptedProvider, World

WORLD = World(category="chat", symbols=())
CHATS = [f"What is the meaning of word {number}?" for number in range(20)]


class Counted(ScriptedModel):
    """Says what it used: 10 tokens in, 5 out, for each call."""

    async def ainvoke(self, *args: Any, **kwargs: Any) -> ModelResponse:
        reply = await super().ainvoke(*args, **kwargs)
        reply.response_usage = _used()
        return reply

    async def ainvoke_stream(self, *args: Any, **kwargs: Any) -> Any:
        async for piece in super().ainvoke_stream(*args, **kwargs):
            yield piece
        yield ModelResponse(role="assistant", content="", response_usage=_used())


def _used() -> MessageMetrics:
    return MessageMetrics(input_tokens=10, output_tokens=5, total_tokens=15, cost=0.5)


def build(model: Any = None, world: World = WORLD, routing: Any = "model", **settings: Any) -> Any:
    return FinancialAssistantWorkflow(
        db=None, model=model or Counted(world, 0), provider=ScriptedProvider(world, 0), routing=routing,
        settings=Settings(**settings),
    )  # fmt: skip


@pytest.fixture
def ledger(tmp_path):
    return tmp_path / "batch.db"


# ------------------------------------------------------------------------------------------- the limits


@pytest.mark.parametrize("limits", [{"tokens": 200}, {"dollars": 6.5}], ids=str)
@pytest.mark.parametrize("concurrency", [1, 4])
def test_a_batch_stops_at_its_budget_says_what_is_left_and_goes_on(limits, concurrency, ledger) -> None:
    workflow = build()
    batch = workflow.run_many(CHATS, budget=Budget(**limits), concurrency=concurrency, ledger=ledger)
    assert batch.status == "stopped"
    assert len(batch) == 20
    assert set(batch.frame["status"]) == {"completed", "unasked"}
    done = int(batch.frame["status"].eq("completed").sum())
    assert 0 < done < 20
    assert batch.left.questions == 20 - done
    assert "The budget of" in batch.left.reason
    limit = 200 // 15 if "tokens" in limits else 13
    assert limit <= workflow.model.calls <= limit + 1 + (concurrency > 1)
    assert batch.frame["tokens"].sum() == 15 * workflow.model.calls, "what was begun in vain counts too"
    calls = workflow.model.calls
    whole = workflow.run_many(CHATS, ledger=ledger)
    assert whole.status == "completed"
    assert workflow.model.calls - calls == 3 * (20 - done), "what was recorded is not asked again"


def test_a_budget_of_data_calls_is_kept_to_the_call(ledger) -> None:
    workflow = build(world=World(), routing="rules")
    questions = [f"${symbol} price" for symbol in ("AAPL", "MSFT", "NVDA", "TSLA", "AAPL")]
    batch = workflow.run_many(questions, budget=Budget(calls=5), concurrency=3, ledger=ledger)
    assert len(workflow.provider.asked) == 5
    assert batch.status == "stopped"
    assert "data calls" in batch.left.reason
    assert batch.frame["calls"].sum() == 5


def test_no_time_is_no_call(ledger) -> None:
    workflow = build()
    batch = workflow.run_many(CHATS, budget=Budget(seconds=0), ledger=ledger)
    assert workflow.model.calls == 0
    assert batch.frame["status"].eq("unasked").all()
    assert batch.left.questions == 20


class Endless(Counted):
    """Routes, and then chats without end."""

    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        self.chatting = asyncio.Event()

    async def ainvoke_stream(self, *args: Any, **kwargs: Any) -> Any:
        self.chatting.set()
        await asyncio.Event().wait()
        yield ModelResponse()


def test_what_a_cancelled_question_used_is_in_the_ledger(ledger, run_async) -> None:
    async def story() -> None:
        model = Endless(WORLD, 0)
        batch = asyncio.create_task(build(model).arun_many(CHATS[:1], ledger=ledger))
        await model.chatting.wait()
        batch.cancel()
        await asyncio.wait([batch])

    run_async(story())
    with closing(sqlite3.connect(ledger)) as database:
        [(state, routed, cost)] = database.execute("SELECT state, tokens, cost FROM questions").fetchall()
    assert (state, routed % 15, cost) == ("unasked", 0, routed / 30)
    assert routed > 0
    [result] = build().run_many(CHATS[:1], ledger=ledger)
    assert result.tokens == 2 * routed + 15, "routed twice, chatted once"


def test_an_iterator_that_stops_at_a_budget_is_not_read_on(ledger) -> None:
    read = []

    def questions() -> Any:
        for question in CHATS * 1000:
            read.append(question)
            yield question

    batch = build().run_many(questions(), budget=Budget(tokens=100), concurrency=2, ledger=ledger)
    assert batch.left.questions is None
    assert len(read) <= 16 + 4
    assert str(batch.left).startswith("An unknown number of questions is left.")


def test_a_budget_of_dollars_needs_a_price(ledger) -> None:
    class Unpriced(Counted):
        async def ainvoke(self, *args: Any, **kwargs: Any) -> ModelResponse:
            reply = await super().ainvoke(*args, **kwargs)
            reply.response_usage.cost = None
            return reply

    workflow = build(Unpriced(WORLD, 0))
    batch = workflow.run_many(CHATS, budget=Budget(dollars=100), concurrency=1, ledger=ledger)
    assert workflow.model.calls <= 2
    assert "FINASSIST_MODEL_PRICES" in batch.left.reason
    free = build(Unpriced(WORLD, 0)).run_many(CHATS[:1], ledger=ledger.with_name("other.db"))
    assert free.frame["cost"].isna().all(), "a price that nobody knows is no price of 0"


def test_a_price_of_the_user_counts_for_a_budget_of_dollars(ledger) -> None:
    class Unpriced(Counted):
        async def ainvoke(self, *args: Any, **kwargs: Any) -> ModelResponse:
            reply = await super().ainvoke(*args, **kwargs)
            reply.response_usage.cost = None
            return reply

    prices = {"scripted": {"input": 100_000, "output": 100_000}}
    workflow = build(Unpriced(World(), 0), World(), model_prices=prices)
    batch = workflow.run_many(["$AAPL price", "$MSFT price"], budget=Budget(dollars=100), ledger=ledger)
    assert batch.status == "completed"
    assert batch.frame["cost"].tolist() == [3.0, 3.0]


def test_unasked_questions_end_a_stream(ledger) -> None:
    results = list(build().run_many(CHATS, budget=Budget(tokens=60), concurrency=1, ledger=ledger, stream=True))
    assert sorted(result.ordinal for result in results) == list(range(20))
    assert results[-1].status == "unasked"
    assert results[-1].answer is None


@pytest.mark.parametrize("limits", [{"tokens": -1}, {"dollars": float("nan")}, {"calls": True}, {"seconds": "1"}])
def test_a_limit_is_a_number(limits) -> None:
    with pytest.raises(InvalidLimit, match=f"A budget's {next(iter(limits))} are a number of at least 0"):
        Budget(**limits)


# ------------------------------------------------------------------------------------------ the dry run


def test_an_estimate_asks_nobody_and_counts_what_will_be_asked(tmp_path) -> None:
    prices = {"scripted": {"input": 1_000_000, "output": 1_000_000}}
    workflow = build(model_prices=prices, home=tmp_path)
    questions = ["Tell me about Apple", "Tell me about Apple", "", 5, "What is EBITDA?", "$AAPL price"]
    estimate = workflow.run_many(questions, estimate=True)
    assert (workflow.model.calls, workflow.provider.asked, list(tmp_path.iterdir())) == (0, [], [])
    assert (estimate.questions, estimate.distinct) == (6, 3)
    assert estimate.model_calls == 3 * 2 + 1
    assert estimate.data_calls == 6
    assert estimate.dollars == estimate.tokens > 0
    assert "7 model calls" in str(estimate)
    assert asyncio.run(workflow.arun_many(questions, estimate=True)) == estimate


def test_an_estimate_is_borne_out(ledger) -> None:
    questions = ["$AAPL price", "Tell me about Microsoft", "What is EBITDA?", "Compare Apple and Nvidia"]
    workflow = build(world=World(), routing="auto")
    estimate = workflow.run_many(questions, estimate=True)
    workflow.run_many(questions, ledger=ledger)
    assert len(workflow.provider.asked) == estimate.data_calls
    assert workflow.model.calls == estimate.model_calls


def test_what_is_free_is_free_and_what_is_not_known_is_not() -> None:
    offline = FinancialAssistantWorkflow(db=None).run_many(["What is EBITDA?"], estimate=True)
    assert (offline.tokens, offline.dollars) == (0, 0.0)
    assert build().run_many(["What is EBITDA?"], estimate=True).dollars is None


# ---------------------------------------------------------------------------------------------- progress


def test_progress_adds_up_and_says_rate_eta_failures_and_cost() -> None:
    progress = Progress(total=10, before=2, completed=3, failed=1, elapsed=2.0, tokens=120, cost=0.5)
    assert (progress.done, progress.rate, progress.eta) == (4, 1.0, 6.0)
    assert str(progress) == "4 of 10 · 1.0/s · 0:06 left · 1 failed · 120 tokens · $0.5000"
    assert str(replace(progress, cost=None)).endswith("120 tokens · cost not known")
    assert (Progress().rate, Progress().eta, str(Progress(completed=3))) == (0.0, None, "3 done")


def test_a_bar_can_be_heard() -> None:
    html = bar_html(Progress(total=4, completed=1))
    assert 'role="progressbar"' in html
    assert 'aria-valuenow="25"' in html
    assert 'aria-valuetext="1 of 4"' in html


def test_a_terminal_has_one_line_that_stays() -> None:
    out = io.StringIO()
    line = BatchLine(out)
    line.show(Progress(total=2, completed=1))
    line.finish(Progress(total=2, completed=2, status="completed", elapsed=1.0))
    assert out.getvalue().split("\r\x1b[2K") == ["", "1 of 2", AFTER]


AFTER = "2 of 2 · 2.0/s · completed · in 0:01\n"


def test_a_display_sees_every_end_and_is_not_asked_too_often(ledger) -> None:
    class Display:
        def __init__(self) -> None:
            self.shown: list[Progress] = []
            self.last: list[Progress] = []

        def show(self, progress: Progress) -> None:
            self.shown.append(progress)

        def finish(self, progress: Progress) -> None:
            self.last.append(progress)

    def ask_here(workflow: Any) -> None:
        asyncio.run(workflow.arun_many(CHATS, ledger=ledger))

    def ask_elsewhere(workflow: Any) -> None:
        workflow.run_many(CHATS, ledger=ledger.with_name("sync.db"))

    for ask in (ask_here, ask_elsewhere):
        workflow, display = build(Counted(WORLD, 0.01)), Display()
        workflow._open_display = lambda live, display=display: display
        ask(workflow)
        last = [(each.status, each.done, each.total, each.tokens) for each in display.last]
        assert last == [("completed", 20, 20, 15 * workflow.model.calls)]
        assert all(each.status == "running" for each in display.shown)
        elapsed = [each.elapsed for each in display.shown]
        assert all(later - earlier >= 0.09 for earlier, later in pairwise(elapsed))


def test_tokens_are_counted_where_a_question_fails(ledger) -> None:
    workflow = build(Counted(World(chat="empty", category="chat", symbols=()), 0))
    batch = workflow.run_many(CHATS[:1], ledger=ledger)
    assert batch.frame.loc[0, "status"] == "failed"
    assert batch.frame.loc[0, "tokens"] == 45
    with closing(sqlite3.connect(ledger)) as db:
        assert db.execute("SELECT cost FROM questions").fetchone() == (1.5,)
