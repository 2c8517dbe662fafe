"""Many questions: the same answers as one by one, bounded, shared, and each failure its own."""

from __future__ import annotations

import asyncio
import sqlite3
from collections import Counter
from typing import Any

import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from finassist import FinancialAssistantWorkflow
from finassist.core.errors import InputError, InvalidLimit, LedgerError, MissingColumn, NotQuestions, QuestionsFailed
from tests.test_twins import QUESTIONS, worlds
from tests.worlds import ScriptedModel, ScriptedProvider, World

OWN = ("content", "category", "symbols", "facts", "gaps", "follow_ups", "decided_by", "reason", "warnings", "models")


def build(world: World | None = None, routing: Any = "auto", delay: float = 0.0) -> FinancialAssistantWorkflow:
    world = world or World()
    return FinancialAssistantWorkflow(
        db=None, model=ScriptedModel(world, delay), provider=ScriptedProvider(world, delay), routing=routing
    )


@pytest.fixture
def ledger(tmp_path):
    return tmp_path / "batch.db"


def outcome(answer: Any, error: Any = None) -> Any:
    return error or {name: getattr(answer, name) for name in OWN}


def of_batch(batch: Any) -> list[Any]:
    return [outcome(each.answer, (each.error, each.message) if each.error else None) for each in batch]


async def one_by_one(workflow: Any, questions: list[str]) -> list[Any]:
    found = []
    for number, question in enumerate(questions):
        try:
            answer = await workflow.arun(question, session_id=f"single-{number}")
            found.append(outcome(answer))
        except Exception as error:  # noqa: BLE001  compared with what the batch recorded
            found.append((type(error).__name__, str(error)))
    return found


# -------------------------------------------------------------------------------------- the same answers


@settings(max_examples=15, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    world=worlds(),
    routing=st.sampled_from(["auto", "model", "rules"]),
    questions=st.lists(st.sampled_from(QUESTIONS), min_size=1, max_size=6),
    concurrency=st.sampled_from([1, 2, 7]),
)
def test_a_batch_answers_as_single_questions_do(tmp_path_factory, world, routing, questions, concurrency) -> None:
    folder = tmp_path_factory.mktemp("batches")

    async def scene() -> tuple[Any, Any]:
        alone = await one_by_one(build(world, routing), questions)
        batch = await build(world, routing).arun_many(questions, concurrency=concurrency, ledger=folder / "async.db")
        return alone, of_batch(batch)

    alone, together = asyncio.run(scene())
    assert together == alone
    assert of_batch(build(world, routing).run_many(questions, concurrency=2, ledger=folder / "sync.db")) == alone


def test_the_frame_has_a_row_for_each_question_in_order(ledger) -> None:
    asked = ["$AAPL price", "", 12, None, "Tell me about Apple", "$AAPL price"]
    batch = build().run_many(asked, ledger=ledger)
    frame = batch.frame
    assert frame["ordinal"].tolist() == list(range(6))
    assert frame["status"].tolist() == ["completed", "failed", "failed", "failed", "completed", "completed"]
    assert frame["error"].fillna("").tolist() == ["", "EmptyQuestion", "NotText", "EmptyQuestion", "", ""]
    assert frame["category"].fillna("").tolist()[::4] == ["stock_price", "report"]
    assert frame.loc[4, "answer"].startswith("# ")
    assert frame["message"].str.endswith((".", "”.")).dropna().all()
    assert len(batch) == 6
    assert batch.failures["ordinal"].tolist() == [1, 2, 3]
    assert batch.status == "completed"
    assert str(batch.left) == "Nothing is left."
    assert [answer.input for answer in batch.answers()] == ["$AAPL price", "Tell me about Apple", "$AAPL price"]


def test_a_report_is_no_follow_up_and_a_day_is_no_german() -> None:
    workflow = FinancialAssistantWorkflow(db=None)
    assert workflow.run("Nvidia's closing price on 3 June 2024").content.startswith("Nvidia's share price was USD")
    assert workflow.run("Tell me about Apple").content.startswith("# Apple Inc. (AAPL)")
    assert workflow.run("What about Microsoft's revenue?").content.startswith("Microsoft's revenue was")


def test_a_batch_answers_as_a_single_call_does(ledger) -> None:
    questions = [
        "What was Apple's net margin in FY2023?",
        "Microsoft's revenue in Q3 2024",
        "Nvidia's closing price on 3 June 2024",
        "Which five companies had the highest revenue in FY2024?",
        "Tell me about Apple",
        "What is EBITDA?",
        "Coca-Cola's balance sheet",
    ]
    workflow = FinancialAssistantWorkflow(db=None)
    batch = workflow.run_many(questions, ledger=ledger)
    for place, (question, answer) in enumerate(zip(questions, batch.answers(), strict=True)):
        single = workflow.run(question, session_id=f"alone-{place}")
        assert (answer.content, answer.category, answer.facts) == (single.content, single.category, single.facts)
    assert set(batch.frame["n_facts"]) > {0}


def test_the_facts_of_all_answers_are_one_tidy_frame(ledger) -> None:
    workflow = FinancialAssistantWorkflow(db=None)
    batch = workflow.run_many(["Apple's revenue", "Microsoft's revenue"], ledger=ledger)
    single = workflow.run("Microsoft's revenue").to_frame(full=True)
    facts = batch.facts
    mine = facts[facts["ordinal"] == 1].drop(columns=["ordinal", "question"]).reset_index(drop=True)
    pd.testing.assert_frame_equal(single, mine)
    assert facts["question"].unique().tolist() == ["Apple's revenue", "Microsoft's revenue"]


def test_an_empty_batch_has_the_columns_of_a_full_one(ledger, tmp_path) -> None:
    empty, one = build().run_many([], ledger=ledger), build().run_many(["$AAPL"], ledger=tmp_path / "one.db")
    assert empty.frame.dtypes.to_dict() == one.frame.dtypes.to_dict()
    assert empty.facts.dtypes.to_dict() == one.facts.dtypes.to_dict()
    assert (len(empty), empty.status) == (0, "completed")


# ------------------------------------------------------------------------------------- what can be given


@pytest.mark.parametrize(
    "questions",
    [
        ("$AAPL", "$MSFT"),
        pd.Series(["$AAPL", "$MSFT"], index=["x", "y"]),
        pd.Series(["$AAPL", "$MSFT"], dtype="string"),
        pd.DataFrame({"question": ["$AAPL", "$MSFT"], "other": [1, 2]}),
        iter(["$AAPL", "$MSFT"]),
        {"$AAPL": 1, "$MSFT": 2}.keys(),
    ],
    ids=["tuple", "series", "string series", "frame", "iterator", "view"],
)
def test_questions_come_in_anything_that_can_be_iterated(questions, ledger) -> None:
    assert build().run_many(questions, ledger=ledger).frame["question"].tolist() == ["$AAPL", "$MSFT"]


def test_questions_come_from_an_async_iterator(ledger, tmp_path) -> None:
    async def questions() -> Any:
        for symbol in ("AAPL", "MSFT"):
            await asyncio.sleep(0)
            yield f"${symbol}"

    batch = asyncio.run(build().arun_many(questions(), ledger=ledger))
    assert batch.frame["question"].tolist() == ["$AAPL", "$MSFT"]
    assert len(build().run_many(questions(), ledger=tmp_path / "sync.db")) == 2


def test_the_column_of_a_frame_is_named(ledger) -> None:
    frame = pd.DataFrame({"text": ["$AAPL", pd.NA], "question": ["no", "no"]})
    batch = build().run_many(frame, column="text", ledger=ledger)
    assert batch.frame["error"].fillna("").tolist() == ["", "EmptyQuestion"]


@pytest.mark.parametrize(
    ("questions", "options", "error", "words"),
    [
        (pd.DataFrame({"a": ["x"]}), {}, MissingColumn, "no column 'question'; it has 'a'"),
        (pd.DataFrame({"a": ["x"]}), {"column": "b"}, MissingColumn, "column="),
        (pd.DataFrame([["x", "y"]], columns=["question"] * 2), {}, MissingColumn, "more than one"),
        (["x"], {"column": "a"}, MissingColumn, "is for a DataFrame"),
        ("Tell me about Apple", {}, NotQuestions, "Put a single question into a list"),
        ({"a": "x"}, {}, NotQuestions, "not dict"),
        (5, {}, NotQuestions, "not int"),
        (["x"], {"concurrency": 0}, InvalidLimit, "concurrency is a whole number from 1"),
        (["x"], {"concurrency": -3}, InvalidLimit, "not -3"),
        (["x"], {"concurrency": 2.5}, InvalidLimit, "not 2.5"),
        (["x"], {"concurrency": True}, InvalidLimit, "not True"),
    ],
)
def test_what_cannot_be_asked_is_said_before_anything_is_written(questions, options, error, words, tmp_path) -> None:
    for method in ("run_many", "arun_many"):
        with pytest.raises(error, match=words):
            getattr(build(), method)(questions, ledger=tmp_path / "x.db", **options)
    assert list(tmp_path.iterdir()) == []


# -------------------------------------------------------------------------------------------- bounded


class Watched(ScriptedProvider):
    """Counts how many of its fetches are under way at once."""

    now = most = 0

    async def _act(self, need: str, symbol: str, fine: Any) -> Any:
        self.now += 1
        self.most = max(self.most, self.now)
        try:
            return await super()._act(need, symbol, fine)
        finally:
            self.now -= 1


@pytest.mark.parametrize("form", ["arun_many", "run_many", "stream"])
def test_an_iterator_is_read_only_as_fast_as_its_questions_are_answered(form, ledger) -> None:
    symbols = [company.symbol for company in _companies(300)]
    handed, done = 0, 0
    furthest = 0

    def questions() -> Any:
        nonlocal handed, furthest
        for symbol in symbols:
            handed += 1
            furthest = max(furthest, handed - provider.answered)
            yield f"Income statement of ${symbol}"

    class Counting(Watched):
        answered = 0

        async def _act(self, need: str, symbol: str, fine: Any) -> Any:
            try:
                return await super()._act(need, symbol, fine)
            finally:
                self.answered += 1

    provider = Counting(World(), 0)
    workflow = FinancialAssistantWorkflow(db=None, provider=provider, routing="rules")
    if form == "run_many":
        workflow.run_many(questions(), concurrency=4, ledger=ledger)
    elif form == "arun_many":
        asyncio.run(workflow.arun_many(questions(), concurrency=4, ledger=ledger))
    else:
        done = sum(1 for _ in workflow.run_many(questions(), concurrency=4, ledger=ledger, stream=True))
        assert done == 300
    assert handed == provider.answered == 300
    assert provider.most <= 4
    assert furthest <= 16 + 4, "what is looked at to know the call, and one question for each worker"


def _companies(many: int) -> list[Any]:
    from finassist.symbols import directory

    return [company for company in directory().companies() if company.symbol.isalpha()][:many]


def test_a_reader_who_takes_no_results_holds_the_batch_back(ledger) -> None:
    provider = ScriptedProvider(World(), 0)
    workflow = FinancialAssistantWorkflow(db=None, provider=provider, routing="rules")
    questions = [f"Income statement of ${company.symbol}" for company in _companies(100)]

    async def scene() -> int:
        async with asyncio.timeout(30):
            results = workflow.arun_many(questions, concurrency=3, ledger=ledger, stream=True)
            await anext(results)
            while len(provider.asked) < 7:
                await asyncio.sleep(0)
            for _ in range(200):
                await asyncio.sleep(0.001)
            asked = len(provider.asked)
            await results.aclose()
            return asked

    assert asyncio.run(scene()) <= 1 + 3 + 3, "one taken, a queue of three, three workers with one each"
    assert len(workflow.run_many(questions, ledger=ledger)) == 100


# --------------------------------------------------------------------------------------------- shared


def test_what_several_questions_need_is_fetched_once(ledger) -> None:
    workflow = build(delay=0.001)
    batch = workflow.run_many(["$AAPL price", "Tell me about $AAPL", "$AAPL income statement"] * 3, ledger=ledger)
    assert max(Counter(workflow.provider.asked).values()) == 1
    assert batch.frame["calls"].sum() == 6


def test_a_failed_fetch_is_not_kept(ledger) -> None:
    workflow = build(World(sources={"income AAPL": "refuses"}))
    workflow.run_many(["$AAPL income statement", "income statement of $AAPL"], concurrency=1, ledger=ledger)
    assert Counter(workflow.provider.asked)["income", "AAPL"] == 2


def test_identical_questions_are_asked_once_and_recorded_for_each(ledger) -> None:
    workflow = build(World(category="chat", symbols=()), routing="model", delay=0.001)
    batch = workflow.run_many(["What is EBITDA?", " What is EBITDA? ", "What is EBITDA?"] * 5, ledger=ledger)
    assert workflow.model.calls == 3  # router, extraction, chat
    frame = batch.frame
    assert frame["status"].tolist() == ["completed"] * 15
    assert frame["answer"].nunique() == 1
    assert frame["attempts"].sum() == 1
    assert len({answer.run_id for answer in batch.answers()}) == 15


# ---------------------------------------------------------------------------------------- its failures


@pytest.mark.parametrize("mood", ["bug", "exits"])
def test_a_bug_in_one_question_is_recorded_and_its_siblings_go_on(mood, ledger) -> None:
    workflow = build(World(sources={"quote AAPL": mood}))
    questions = ["$AAPL price", *(f"${company.symbol} price" for company in _companies(20) if company.symbol != "AAPL")]
    batch = workflow.run_many(questions, ledger=ledger)
    assert batch.frame["status"].tolist() == ["failed"] + ["completed"] * (len(questions) - 1)
    assert batch.failures["error"].tolist() == ["TypeError" if mood == "bug" else "RuntimeError"]
    assert batch.status == "completed"


def test_what_failed_can_be_asked_again(ledger) -> None:
    workflow = build(World(chat="fails", category="chat", symbols=()), routing="model")
    batch = workflow.run_many(["What is EBITDA?", "Define a moat", "Define a moat", "", "Explain moats"], ledger=ledger)
    assert batch.frame["status"].tolist() == ["failed"] * 5
    workflow.model.world = World(category="chat", symbols=())
    again = asyncio.run(batch.aretry_failed())
    assert again.frame["status"].tolist() == ["completed"] * 3 + ["failed", "completed"]
    assert again.frame["attempts"].tolist() == [2, 2, 0, 0, 2]
    workflow.model.world = World(chat="fails")
    assert batch.retry_failed().frame["status"].tolist() == again.frame["status"].tolist(), "answers are kept"


def test_an_iterator_that_raises_keeps_what_was_asked_and_says_where(ledger) -> None:
    def questions(broken: bool) -> Any:
        for number, company in enumerate(_companies(40)):
            if broken and number == 23:
                raise OSError("the file is torn")
            yield f"${company.symbol} price"

    workflow = build()
    batch = workflow.run_many(questions(broken=True), ledger=ledger)
    assert (batch.status, len(batch)) == ("stopped", 23)
    assert batch.frame["status"].eq("completed").all()
    assert "question 23 (counted from 0)" in batch.left.reason
    assert "OSError" in batch.left.reason
    assert "the file is torn" in batch.left.reason
    assert batch.left.questions is None
    asked = len(workflow.provider.asked)
    whole = workflow.run_many(questions(broken=False), ledger=ledger)
    assert (whole.status, len(whole)) == ("completed", 40)
    assert len(workflow.provider.asked) - asked == 17 * 2, "quote and history of those that were missing"


def test_a_stream_raises_what_its_questions_raise(ledger) -> None:
    def questions() -> Any:
        yield "$AAPL"
        raise OSError("the file is torn")

    found = []
    with pytest.raises(QuestionsFailed, match="question 1") as raised:
        found += build().run_many(questions(), ledger=ledger, stream=True)
    assert raised.value.ordinal == 1


# ------------------------------------------------------------------------------------ stopping, resuming


def test_cancelling_stops_it_and_the_same_call_goes_on(ledger, run_async) -> None:
    questions = [f"Income statement of ${company.symbol}" for company in _companies(60)]
    provider = ScriptedProvider(World(), 0.001)
    workflow = FinancialAssistantWorkflow(db=None, provider=provider, routing="rules")

    async def scene() -> None:
        task = asyncio.create_task(workflow.arun_many(questions, concurrency=5, ledger=ledger))
        while len(provider.asked) < 20:
            await asyncio.sleep(0.001)
        task.cancel()
        async with asyncio.timeout(5):
            with pytest.raises(asyncio.CancelledError):
                await task

    run_async(scene())
    states = _states(ledger)
    assert set(states) <= {"completed", "unasked"}
    assert 10 < states["completed"] < 60
    asked = len(provider.asked)
    batch = run_async(workflow.arun_many(questions, concurrency=5, ledger=ledger))
    assert batch.frame["status"].eq("completed").all()
    assert len(provider.asked) - asked == 60 - states["completed"]


def _states(ledger: Any) -> dict[str, int]:
    database = sqlite3.connect(ledger)
    try:
        return dict(database.execute("SELECT state, count(*) FROM questions GROUP BY state").fetchall())
    finally:
        database.close()


def test_cancelled_at_many_points_it_always_goes_on(tmp_path, run_async) -> None:
    """A stop may come anywhere: while the ledger opens, while it writes, while it closes."""
    from tests.suspensions import Suspensions

    questions = ["$AAPL", "What is EBITDA?", "", "$MSFT price", "$AAPL"]

    async def stopped(at: int, path: Any) -> bool:
        workflow, loop = build(World(category="chat"), "model"), asyncio.get_running_loop()
        suspensions = Suspensions(at, lambda: task.cancel())
        suspensions.install(loop)
        task = loop.create_task(workflow.arun_many(questions, concurrency=2, ledger=path))
        try:
            await task
        except asyncio.CancelledError:
            loop.set_task_factory(None)
            return True
        loop.set_task_factory(None)
        return False

    for at in range(1, 90, 4):
        path = tmp_path / f"{at}.db"
        run_async(stopped(at, path))
        batch = run_async(build(World(category="chat"), "model").arun_many(questions, concurrency=2, ledger=path))
        assert batch.frame["status"].tolist() == ["completed"] * 2 + ["failed"] + ["completed"] * 2, f"stopped at {at}"
        assert batch.frame["attempts"].max() <= 2


def test_a_finished_ledger_is_read_back_and_nobody_is_asked(ledger) -> None:
    first = build().run_many(["$AAPL", "$MSFT"], ledger=ledger)
    workflow = build()
    again = workflow.run_many(["$AAPL", "$MSFT"], ledger=ledger)
    assert workflow.provider.asked == []
    pd.testing.assert_frame_equal(again.frame, first.frame)
    streamed = list(workflow.run_many(["$AAPL", "$MSFT"], ledger=ledger, stream=True))
    assert [result.answer.content for result in streamed] == [answer.content for answer in first.answers()]


def test_a_finished_batch_in_the_data_folder_is_asked_anew(tmp_path) -> None:
    from finassist import Settings

    provider = ScriptedProvider(World(), 0)
    workflow = FinancialAssistantWorkflow(db=None, provider=provider, settings=Settings(home=tmp_path))
    first = workflow.run_many(["$AAPL price"])
    second = workflow.run_many(["$AAPL price"])
    assert first.ledger != second.ledger
    assert len(provider.asked) == 4


def test_a_stream_hands_on_each_result_once_also_after_a_stop(ledger) -> None:
    questions = [f"${company.symbol} price" for company in _companies(30)]
    workflow = build()
    for number, _ in enumerate(workflow.run_many(questions, concurrency=3, ledger=ledger, stream=True)):
        if number == 10:
            break
    results = list(workflow.run_many(questions, concurrency=3, ledger=ledger, stream=True))
    assert sorted(result.ordinal for result in results) == list(range(30))
    assert all(result.answer.facts for result in results)


# ---------------------------------------------------------------------------------------------- across


def test_across_fetches_one_need_of_each_company_without_a_model(ledger) -> None:
    workflow = build(World(sources={"income MSFT": "refuses"}))
    batch = workflow.across(["AAPL", "$nvda", "MSFT"], "income_statement", ledger=ledger)
    assert workflow.provider.asked == [("income", "AAPL"), ("income", "NVDA"), ("income", "MSFT")]
    assert workflow.model.calls == 0
    assert batch.frame["status"].tolist() == ["completed", "completed", "failed"]
    assert batch.frame.loc[2, "error"] == "DataError"
    assert batch.facts["symbol"].unique().tolist() == ["AAPL", "NVDA"]
    assert set(batch.facts["statement"]) == {"income"}


def test_across_names_the_errors_of_a_source(tmp_path) -> None:
    workflow = FinancialAssistantWorkflow(db=None)
    batch = asyncio.run(workflow.aacross(["AAPL", "GME", "QQZZX", "not a ticker"], "income", ledger=tmp_path / "x.db"))
    assert batch.frame["error"].fillna("").tolist() == ["", "NotEmbedded", "UnknownSymbol", "InvalidSymbol"]
    with pytest.raises(InputError, match="no need 'dreams'"):
        workflow.across(["AAPL"], "dreams")
    with pytest.raises(InvalidLimit, match="years"):
        workflow.across(["AAPL"], "income", years=0)


# --------------------------------------------------------------------------------------------- showing


def test_a_batch_shows_itself_without_running_anything(ledger) -> None:
    batch = build().run_many(["$AAPL", "<img src=x onerror=alert(1)>"], ledger=ledger)
    bundle = batch._repr_mimebundle_()
    assert set(bundle) == {"text/plain", "text/html"}
    assert "<img" not in bundle["text/html"]
    assert "2" in bundle["text/html"]
    assert repr(batch).startswith("<Batch completed")


# ---------------------------------------------------------------------------------------------- names


def test_an_unknown_keyword_is_refused_with_the_right_one() -> None:
    workflow = build()
    for call in (workflow.run_many, workflow.arun_many):
        with pytest.raises(TypeError, match="Did you mean concurrency"):
            call(["$AAPL"], concurency=2)
    with pytest.raises(TypeError, match="Did you mean years"):
        workflow.across(["AAPL"], "income", yeras=3)


def test_old_names_still_work_and_warn(tmp_path) -> None:
    async def awaited() -> Any:
        with pytest.warns(DeprecationWarning, match="aacross"):
            return await build().across(["AAPL"], "income", ledger=tmp_path / "await.db")

    assert len(asyncio.run(awaited())) == 1
    with pytest.warns(DeprecationWarning, match=r"now across\(\)"):
        batch = build().run_across(["AAPL"], "income", ledger=tmp_path / "run.db")
    with pytest.warns(DeprecationWarning, match=r"now retry_failed\(\)"):
        assert batch.retry_failed_sync() is batch


def test_a_damaged_answer_is_named_and_costs_no_other(ledger) -> None:
    batch = build().run_many(["$AAPL price", "$MSFT price", "$MSFT price", "$NVDA price"], ledger=ledger)
    with sqlite3.connect(ledger) as db:
        db.execute("UPDATE questions SET record = x'00' WHERE ordinal = 1")
    db.close()
    found = []
    with pytest.raises(LedgerError, match=r"answer to question 1 .* is damaged"):
        found.extend(batch.answers())
    assert [answer.input for answer in found] == ["$AAPL price", "$NVDA price"]
    assert batch.frame["status"].tolist() == ["completed", "failed", "failed", "completed"]
    assert batch.facts["symbol"].unique().tolist() == ["AAPL", "NVDA"]
    assert batch.failures["error"].tolist() == ["LedgerError"] * 2
    streamed = list(build().run_many(["$AAPL price", *["$MSFT price"] * 2, "$NVDA price"], ledger=ledger, stream=True))
    assert [result.status for result in streamed] == ["completed", "failed", "failed", "completed"]
    assert batch.retry_failed().frame["status"].eq("completed").all()
    assert batch.frame["attempts"].tolist() == [1, 2, 0, 1]
    assert len(list(batch.answers())) == 4
