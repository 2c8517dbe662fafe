"""What a batch has written down survives: kills, full disks, locked files, files of somebody else."""

from __future__ import annotations

import json
import os
import random
import signal
import sqlite3
import subprocess
import sys
import textwrap
from contextlib import closing
from functools import partial
from typing import Any

import pytest

from finassist import FinancialAssistantWorkflow, Query
from finassist.batch.asking import Outcome
from finassist.batch.budget import Budget
from finassist.batch.ledger import Ledger
from finassist.batch.source import Question
from finassist.core.errors import LedgerError, LedgerInUse, LedgerMismatch, NotQuestions
from tests.benchmarks.victim import Survival, symbols
from tests.worlds import Held, ScriptedProvider, World

QUESTIONS = ["$AAPL price", "$MSFT price"]


def build(**options: Any) -> FinancialAssistantWorkflow:
    options.setdefault("provider", ScriptedProvider(World(), 0))
    return FinancialAssistantWorkflow(db=None, routing="rules", **options)


@pytest.fixture
def path(tmp_path):
    return tmp_path / "batch.db"


# ---------------------------------------------------------------------------------------------- killed


def rows(survival: Survival) -> list[tuple[Any, ...]]:
    with closing(sqlite3.connect(survival.ledger)) as db:
        return db.execute("SELECT ordinal, state, attempts, error FROM questions ORDER BY ordinal").fetchall()


@pytest.mark.slow
@pytest.mark.parametrize("seed", [1])
def test_killed_three_times_each_question_is_recorded_once_and_few_are_asked_again(tmp_path, seed) -> None:
    survival = Survival(tmp_path, count=200, concurrency=8)
    moments = sorted(random.Random(seed).sample(range(1, 200, 17), 3))
    for moment in moments:
        assert survival.call(kill_at=moment) == -signal.SIGKILL
        recorded, asked = survival.recorded(), survival.asked().total()
        assert recorded >= moment
        assert asked <= recorded + (moments.index(moment) + 1) * survival.concurrency
    assert survival.call() == 0
    assert [row[:2] for row in rows(survival)] == [(ordinal, "completed") for ordinal in range(200)]
    asked = survival.asked()
    assert set(asked) == set(symbols(200))
    assert asked.total() <= 200 + 3 * survival.concurrency


@pytest.mark.slow
def test_a_question_that_kills_its_process_fails_and_all_others_are_answered(tmp_path) -> None:
    poison = symbols(60)[20]
    survival = Survival(tmp_path, count=60, concurrency=5, poison=poison)
    assert [survival.call() for _ in range(4)] == [-signal.SIGKILL] * 3 + [0]
    found = rows(survival)
    assert [(row[1], row[3]) for row in found if row[1] != "completed"] == [("failed", "WorkerLost")]
    assert found[20][1] == "failed"
    asked = survival.asked()
    assert asked[poison] == 3
    assert asked.total() <= 60 + 3 * survival.concurrency


def crash(path: Any) -> None:
    """Make a ledger look as a killed process leaves it, while its first question is asked."""
    with closing(sqlite3.connect(path)) as db:
        db.execute("UPDATE questions SET state = 'begun', at = NULL WHERE ordinal = 0")
        db.execute("UPDATE batch SET value = '\"running\"' WHERE name = 'status'")
        db.commit()
    (path.parent / f"{path.name}-running").touch()


def test_what_was_in_flight_in_two_crashes_is_asked_alone_and_in_three_fails(path) -> None:
    class Seen(ScriptedProvider):
        running, together = set[str](), set[frozenset[str]]()

        async def _act(self, need: str, symbol: str, fine: Any) -> Any:
            self.running.add(symbol)
            self.together.add(frozenset(self.running))
            try:
                return await super()._act(need, symbol, fine)
            finally:
                self.running.remove(symbol)

    questions = [f"Income statement of ${symbol}" for symbol in symbols(6)]
    suspect = symbols(1)[0]
    workflow = build(provider=Seen(World(), 0.02))
    workflow.run_many(questions, ledger=path)
    for _ in range(2):
        crash(path)
        with closing(sqlite3.connect(path)) as db:  # others are open again too, so that they could be beside it
            db.execute("DELETE FROM questions WHERE ordinal > 2")
            db.commit()
        workflow.provider.together.clear()
        batch = workflow.run_many(questions, ledger=path, concurrency=2)
        assert batch.frame["status"].eq("completed").all()
    assert [each for each in workflow.provider.together if suspect in each] == [{suspect}]
    crash(path)
    workflow.provider.together.clear()
    batch = workflow.run_many(questions, ledger=path)
    assert batch.failures["error"].tolist() == ["WorkerLost"]
    assert "retry_failed" in batch.failures.loc[0, "message"]
    assert workflow.provider.together == set()
    assert batch.retry_failed().frame["status"].eq("completed").all()


def test_a_stop_is_no_crash(path) -> None:
    """Only what ended its process is a suspect; what was interrupted is asked again like any other."""
    ledger = Ledger(path, {"id": "x", "key": "k", "total": 1})
    for _ in range(5):
        ledger.transaction(partial(ledger.begin, Question(0, "Hello", "Hello")))
        ledger.close()
        ledger = Ledger(path, {})
        assert ledger.counts() == {"unasked": 1}
    ledger.close()


# ---------------------------------------------------------------------------------------- used by others


def test_a_second_call_of_the_same_questions_is_refused_while_the_first_runs(tmp_path, run_async) -> None:
    import asyncio

    from finassist import Settings

    async def scene() -> None:
        held = Held()
        workflow = build(provider=held, settings=Settings(home=tmp_path))
        first = asyncio.create_task(workflow.arun_many(QUESTIONS))
        await held.asked_for.wait()
        with pytest.raises(LedgerInUse, match=r"being answered at this moment.*resume=False"):
            await workflow.arun_many(QUESTIONS)
        held.let.set()
        assert (await first).status == "completed"

    run_async(scene())


def test_a_ledger_locked_by_another_program_is_said_and_nothing_is_lost(path) -> None:
    ledger = Ledger(path, {"id": "x", "key": "k"}, busy_seconds=0.1)
    ledger.transaction(partial(ledger.begin, Question(0, "Hello", "Hello")))
    holder = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert holder.stdout
    assert holder.stdout.readline() == "held\n"
    with pytest.raises(LedgerInUse, match=r"Another program holds the ledger .* same call to resume"):
        ledger.transaction(lambda: ledger.record(0, Outcome(error="E", message="m")))
    holder.communicate()
    ledger.transaction(lambda: ledger.record(0, Outcome(error="E", message="m")))
    assert ledger.counts() == {"failed": 1}
    ledger.close()


HOLD = """
import sqlite3, sys
db = sqlite3.connect(sys.argv[1], isolation_level=None)
db.execute("BEGIN IMMEDIATE")
print("held", flush=True)
sys.stdin.read()
"""


# ------------------------------------------------------------------------------------------- a full disk

FULL = """
import json, resource, signal, sys
from pathlib import Path
from finassist import FinancialAssistantWorkflow
from tests.benchmarks.victim import LoggingSource, symbols
from finassist.core.errors import FinassistError
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
path, room = Path(sys.argv[1]), int(sys.argv[2])
workflow = FinancialAssistantWorkflow(db=None, provider=LoggingSource(Path(sys.argv[3])), routing="rules")
questions = [f"Income statement of ${symbol}" for symbol in symbols(400)]
resource.setrlimit(resource.RLIMIT_FSIZE, (room, room))
try:
    workflow.run_many(questions, ledger=path, concurrency=4, live=False)
    print(json.dumps(["done", ""]))
except FinassistError as error:
    print(json.dumps([type(error).__name__, str(error)]))
"""


@pytest.mark.slow
def test_a_full_disk_is_said_and_the_same_call_goes_on_once_there_is_room(tmp_path, path) -> None:
    def call(room: int) -> list[str]:
        arguments = [sys.executable, "-c", textwrap.dedent(FULL), str(path), str(room), str(tmp_path / "asked.log")]
        done = subprocess.run(arguments, capture_output=True, text=True, check=True)
        return json.loads(done.stdout)

    for room in (300_000, 500_000):
        name, words = call(room)
        assert name == "LedgerFull"
        assert "Recorded answers are safe. Make room" in words
    with closing(sqlite3.connect(path)) as db:
        assert db.execute("SELECT count(*) FROM questions WHERE state = 'completed'").fetchone()[0] > 10
        assert db.execute("SELECT max(crashes) FROM questions").fetchone()[0] == 0
    assert call(1 << 30)[0] == "done"
    with closing(sqlite3.connect(path)) as db:
        assert db.execute("SELECT state, count(*) FROM questions GROUP BY state").fetchall() == [("completed", 400)]


# -------------------------------------------------------------------------------------- not the right file


def test_a_file_that_is_no_ledger_is_left_as_it_is(path) -> None:
    path.write_bytes(b"Dear diary, " * 400)
    with pytest.raises(LedgerMismatch, match="is not the ledger of a batch"):
        build().run_many(QUESTIONS, ledger=path)
    assert path.read_bytes() == b"Dear diary, " * 400


def test_another_database_is_left_as_it_is(path) -> None:
    with closing(sqlite3.connect(path)) as db:
        db.execute("CREATE TABLE diary (day TEXT)")
    before = path.read_bytes()
    for use in (lambda: build().run_many(QUESTIONS, ledger=path), lambda: Ledger(path, {})):
        with pytest.raises(LedgerMismatch, match="is not the ledger of a batch"):
            use()
    assert path.read_bytes() == before


def test_a_ledger_of_another_version_is_left_as_it_is(path) -> None:
    build().run_many(QUESTIONS, ledger=path)
    with closing(sqlite3.connect(path)) as db:
        db.execute("PRAGMA user_version = 99")
    before = path.read_bytes()
    for use in (lambda: build().run_many(QUESTIONS, ledger=path), lambda: Ledger(path, {})):
        with pytest.raises(LedgerMismatch, match="version 99; this finassist reads version 2"):
            use()
    assert path.read_bytes() == before


@pytest.mark.parametrize(
    "other",
    [
        lambda path: build().run_many(["Tell me about Apple"], ledger=path),
        lambda path: build(settings=_years(3)).run_many(QUESTIONS, ledger=path),
        lambda path: FinancialAssistantWorkflow(db=None).run_many(QUESTIONS, ledger=path),
        lambda path: build().across(QUESTIONS, "quote", ledger=path),
    ],
    ids=["questions", "years", "provider", "across"],
)
def test_a_ledger_of_another_call_is_refused(path, other) -> None:
    build().run_many(QUESTIONS, ledger=path)
    with pytest.raises(LedgerMismatch, match=r"ledger of another batch.*ledger="):
        other(path)
    assert len(build().run_many(QUESTIONS, ledger=path)) == 2


def _years(years: int) -> Any:
    from finassist import Settings

    return Settings(years=years)


def test_an_iterator_that_turned_into_another_is_noticed(path) -> None:
    questions = [f"${symbol} price" for symbol in symbols(40)]

    def broken() -> Any:
        yield from questions[:30]
        raise OSError("torn")

    build().run_many(broken(), ledger=path)
    changed = [*questions[:25], "$TSLA price", *questions[26:]]
    with pytest.raises(LedgerMismatch, match=r"Question 25 \(counted from 0\) is not the one"):
        build().run_many(iter(changed), ledger=path)
    assert len(build().run_many(iter(questions), ledger=path)) == 40


def test_a_ledger_that_must_not_be_gone_on_with(path, tmp_path) -> None:
    build().run_many(QUESTIONS, ledger=path)
    with pytest.raises(LedgerMismatch, match="holds a batch already"):
        build().run_many(QUESTIONS, ledger=path, resume=False)
    with pytest.raises(LedgerError, match=r"could not be made.*FINASSIST_HOME"):
        build().run_many(QUESTIONS, ledger=tmp_path / "batch.db" / "below.db")
    with pytest.raises(LedgerError, match="FINASSIST_HOME"):
        build().run_many(QUESTIONS)  # the home of the tests is no folder


def test_a_damaged_ledger_is_never_passed_over_in_silence(tmp_path) -> None:
    from finassist import Settings

    def ask(**options: Any) -> Any:
        return build(settings=Settings(home=tmp_path)).run_many(QUESTIONS, **options)

    stopped = ask(budget=Budget(calls=1))
    assert stopped.status == "stopped"
    stopped.ledger.write_bytes(b"torn" * 1000)
    with pytest.raises(LedgerMismatch, match=r"is not the ledger of a batch .* resume=False"):
        ask()
    assert ask(resume=False).status == "completed"


CELLS = ("content", "record", "symbols", "answered", "latency", "facts", "gaps", "at", "state", "category", "message",
         "tokens", "cost", "calls", "attempts")  # fmt: skip


def damages(column: str, old: Any) -> list[Any]:
    """What a cell may have become: a flipped bit, garbage, or another form."""
    if isinstance(old, bytes):
        return [old[:at] + bytes([old[at] ^ 4]) + old[at + 1 :] for at in (0, len(old) // 2, len(old) - 2)]
    free = {"message": 1, "category": 2}  # columns that hold texts of many kinds
    return [b"\xff\xfe\x00", "{{{", "null", "[1]"][: free.get(column)]


def set_cell(path: Any, column: str, value: Any, ordinal: int = 1) -> Any:
    with closing(sqlite3.connect(path)) as db:
        db.text_factory = lambda stored: stored.decode("utf-8", "replace")
        [old] = db.execute(f"SELECT {column} FROM questions WHERE ordinal = ?", (ordinal,)).fetchone()
        if callable(value):
            value = value(old)
        # a text that is no UTF-8, as a flipped bit leaves it
        cast = "CAST(? AS TEXT)" if column == "message" and isinstance(value, bytes) else "?"
        db.execute(f"UPDATE questions SET {column} = {cast} WHERE ordinal = ?", (value, ordinal))
        db.commit()
    return old


def test_a_damaged_cell_costs_its_row_alone(path) -> None:
    batch = build().run_many(QUESTIONS, ledger=path)
    for column in CELLS:
        old = set_cell(path, column, lambda old: old)
        for new in damages(column, old):
            set_cell(path, column, new)
            where = f"{column} = {new!r:.20}"
            expected = ["failed" if each == 1 else "completed" for each in range(len(QUESTIONS))]
            assert batch.frame["status"].tolist() == expected, where
            results = list(batch.results())
            assert [each.status for each in results] == expected, where
            assert (results[1].error, "question 1" in str(results[1].message)) == ("LedgerError", True), where
            assert build().run_many(QUESTIONS, ledger=path).frame["status"].tolist() == expected, where
        set_cell(path, column, old)
    assert batch.frame["status"].tolist() == ["completed"] * len(QUESTIONS)


def test_a_question_that_was_changed_in_its_ledger_is_not_asked(path) -> None:
    """Neither by a retry, which reads its text, nor as a suspect; a rerun brings the right text."""
    batch = build().run_many(QUESTIONS, ledger=path)
    text = set_cell(path, "question", "$TSLA price")
    assert "Question 1 (counted from 0) is damaged" in batch.failures.loc[0, "message"]
    assert batch.retry_failed().frame["status"].tolist()[1] == "failed"
    crash(path)
    with closing(sqlite3.connect(path)) as db:
        db.execute("UPDATE questions SET crashes = 2, state = 'unasked' WHERE ordinal = 1")
        db.execute("UPDATE batch SET value = '\"stopped\"' WHERE name = 'status'")
        db.commit()
    again = build().run_many(QUESTIONS, ledger=path)
    assert again.frame.loc[1, ["question", "status"]].tolist() == [text, "completed"]


def test_a_note_that_is_damaged_is_said_and_nothing_begins_anew(tmp_path) -> None:
    from finassist import Settings

    def ask(**options: Any) -> Any:
        return build(settings=Settings(home=tmp_path)).run_many(QUESTIONS, **options)

    batch = ask(budget=Budget(calls=1))
    for note, value in (("status", "{no json"), ("total", '"many"'), ("reason", b"\xff\xfe")):
        with closing(sqlite3.connect(batch.ledger)) as db:
            [old] = db.execute("SELECT value FROM batch WHERE name = ?", (note,)).fetchone()
            db.execute("UPDATE batch SET value = ? WHERE name = ?", (value, note))
            db.commit()
        for use in (ask, lambda: ask(ledger=batch.ledger), lambda: batch.left, lambda: batch.status):
            with pytest.raises(LedgerError, match="about its batch is damaged"):
                use()
        assert len(list((tmp_path / "batches").glob("*.db"))) == 1
        with closing(sqlite3.connect(batch.ledger)) as db:
            db.execute("UPDATE batch SET value = ? WHERE name = ?", (old, note))
            db.commit()
    assert ask().status == "completed"


@pytest.mark.parametrize("name", ["a?mode=memory", "a#b", "a%41b"])
def test_any_path_is_a_path(name: str, tmp_path) -> None:
    path = tmp_path / name / f"{name}.db"
    batch = build().run_many(QUESTIONS, ledger=path)
    assert batch.frame["status"].tolist() == ["completed"] * len(QUESTIONS)
    assert path in path.parent.iterdir()


def test_no_other_user_can_read_a_ledger(path) -> None:
    build().run_many(QUESTIONS, ledger=path)
    for each in path.parent.glob("batch.db*"):
        assert os.stat(each).st_mode & 0o077 == 0, each


def test_a_ledger_is_one_file_when_it_is_done(path) -> None:
    build().run_many(QUESTIONS, ledger=path)
    left = {each.name for each in path.parent.iterdir()}
    assert left <= {"batch.db", "batch.db.lock"}


def test_a_repetition_of_a_suspect_is_never_left_out(path) -> None:
    questions = ["$AAPL price", "$MSFT price", "$AAPL price"]
    build().run_many(questions, ledger=path)
    crash(path)
    with closing(sqlite3.connect(path)) as db:
        db.execute("UPDATE questions SET crashes = 1 WHERE ordinal = 0")
        db.execute("UPDATE questions SET state = 'unasked', same_as = NULL, at = NULL WHERE ordinal = 2")
        db.commit()
    batch = build().run_many(questions, ledger=path)
    assert batch.frame["status"].tolist() == ["completed"] * 3
    assert batch.frame["attempts"].tolist() == [2, 1, 0]


# ----------------------------------------------------------------------------------- iterators, and calls broken off


def test_an_iterator_is_read_to_its_end_also_where_its_ledger_is_finished(path) -> None:
    """Its beginning alone does not show that it is the same."""
    questions = [f"${symbol} price" for symbol in symbols(20)]
    assert len(build().run_many(iter(questions[:18]), ledger=path)) == 18
    workflow = build()
    assert build().run_many(iter(questions[:18]), ledger=path).status == "completed"
    assert len(workflow.run_many(iter(questions), ledger=path)) == 20
    assert len(workflow.provider.asked) == 4, "two figures of the two that are new"
    with pytest.raises(LedgerMismatch, match="Question 17"):
        build().run_many(iter([*questions[:17], "$TSLA price", *questions[18:]]), ledger=path)
    with pytest.raises(LedgerMismatch, match="has 20 questions, and 19 were given"):
        build().run_many(iter(questions[:19]), ledger=path)
    assert build().run_many(iter(questions), ledger=path).frame["status"].eq("completed").all()


def test_a_call_that_is_cancelled_while_its_ledger_is_opened_gives_it_back(path, run_async, monkeypatch) -> None:
    import asyncio
    import threading

    from finassist.batch import ledger

    begun, let, opened = threading.Event(), threading.Event(), ledger._locked

    def slowly(wanted: Any) -> Any:
        begun.set()
        let.wait()
        return opened(wanted)

    monkeypatch.setattr(ledger, "_locked", slowly)

    async def scene() -> None:
        call = asyncio.create_task(build().arun_many(QUESTIONS, ledger=path))
        await asyncio.to_thread(begun.wait)
        call.cancel()
        let.set()
        with pytest.raises(asyncio.CancelledError):
            await call
        assert not path.with_name(f"{path.name}-running").exists(), "it is no crash"
        assert (await build().arun_many(QUESTIONS, ledger=path)).status == "completed"

    run_async(scene())


def test_a_stream_that_was_left_is_gone_on_with_at_once(path, run_async) -> None:
    async def scene() -> None:
        async for _ in build().arun_many(QUESTIONS, ledger=path, stream=True):
            break
        assert (await build().arun_many(QUESTIONS, ledger=path)).status == "completed"

    run_async(scene())


def test_queries_among_the_questions_are_asked_as_they_are_and_resumed(path) -> None:
    query = Query(metrics=["net_margin"], companies=["AAPL", "MSFT"], periods=["FY2024"])
    asked: list[Any] = ["Apple's revenue in FY2024", query]
    workflow = FinancialAssistantWorkflow(db=None)
    stopped = workflow.run_many(asked, ledger=path, live=False, concurrency=1, budget=Budget(calls=1))
    assert [each.status for each in stopped] == ["completed", "unasked"]
    whole = workflow.run_many(asked, ledger=path, live=False)
    assert [each.answer.headline for each in whole] == [
        workflow.run(asked[0], live=False).headline,
        workflow.query(query).headline,
    ]
    assert whole.to_frame()["question"].tolist() == [asked[0], query.model_dump_json(exclude_defaults=True)]
    with pytest.raises(NotQuestions):
        workflow.run_many(query, ledger=path)
