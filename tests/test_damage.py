"""Stored conversations that are damaged, or changed by others meanwhile: what is not concerned goes on."""

from __future__ import annotations

import asyncio
import json
import os
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Callable
from contextlib import closing, suppress
from pathlib import Path
from typing import Any

import pytest

from finassist import FinancialAssistantWorkflow, Settings
from finassist.sessions.history import Conversations
from tests.worlds import ScriptedProvider, World

QUESTIONS = ["What is Apple's stock price?", "Revenue of Microsoft", "Compare Apple and Microsoft"]


def record(**fields: Any) -> list[dict[str, Any]]:
    return [{"step_name": "record", "content": {"record": "finassist.record", **fields}}]


WHOLE = {"category": "chat", "symbols": [], "facts": "{}", "gaps": []}
DAMAGES: dict[str, Callable[[dict[str, Any]], Any]] = {
    "truncated": lambda run: json.dumps(run)[:900],
    "garbage": lambda _: b"\xff\x00\x93garbage" * 9,
    "a byte that is no text": lambda run: json.dumps(run).encode().replace(b"Microsoft", b"Micro\xffoft", 1),
    "null": lambda _: "null",
    "list": lambda _: "[1, 2]",
    "number": lambda _: "7",
    "text": lambda _: '"hello"',
    "empty": lambda _: "{}",
    "steps": lambda run: json.dumps({**run, "step_results": 5}),
    "metrics": lambda run: json.dumps({**run, "metrics": {"steps": [1]}}),
    "status": lambda run: json.dumps({**run, "status": "DANCING"}),
    "time": lambda run: json.dumps({**run, "created_at": "yesterday"}),
    "empty record": lambda run: json.dumps({**run, "step_results": record()}),
    "symbols": lambda run: json.dumps({**run, "step_results": record(**WHOLE | {"symbols": 5})}),
    "query": lambda run: json.dumps({**run, "step_results": record(**WHOLE, queries=[{"intent": "dance"}])}),
}


def damage(db: Path, change: Callable[[dict[str, Any]], Any], place: int = 1) -> None:
    with closing(sqlite3.connect(db)) as connection:
        which = "SELECT run_id, run_data FROM agno_runs WHERE session_id = 'talk' AND run_index = ?"
        run_id, data = connection.execute(which, (place,)).fetchone()
        connection.execute("UPDATE agno_runs SET run_data = ? WHERE run_id = ?", (change(json.loads(data)), run_id))
        connection.commit()


@pytest.fixture(scope="module")
def talk(tmp_path_factory: pytest.TempPathFactory) -> Path:
    db = tmp_path_factory.mktemp("talk") / "sessions.db"
    with FinancialAssistantWorkflow(db=db, session_id="talk") as workflow:
        for question in QUESTIONS:
            workflow.run(question)
        workflow.run("What is EBITDA?", session_id="other")
    with closing(sqlite3.connect(db)) as connection:
        connection.execute("PRAGMA journal_mode = DELETE")
    return db


def copy_of(talk: Path, folder: Path) -> Path:
    folder.mkdir()
    copied = folder / "sessions.db"
    copied.write_bytes(talk.read_bytes())
    return copied


def test_a_damaged_run_breaks_nothing_but_itself(
    talk: Path, tmp_path: Path, run_async: Any, capfd: pytest.CaptureFixture[str]
) -> None:
    for name, change in DAMAGES.items():
        db = copy_of(talk, tmp_path / name)
        damage(db, change)
        with FinancialAssistantWorkflow(db=db, session_id="talk") as workflow:
            answer = run_async(workflow.arun("And Tesla?"))
            assert (answer.saved, answer.symbols) == (True, ["TSLA"]), name
            assert ["1 cannot be read" in warning for warning in answer.warnings] == [True], name
            answers = workflow.answers()
            assert [each.status.value for each in answers] == ["COMPLETED", "ERROR", "COMPLETED", "COMPLETED"], name
            assert "damaged" in str(answers[1].content), name
            assert all(each.to_html() and each.to_markdown() for each in answers), name
            assert workflow.sessions()["turns"].tolist() == [4, 1], name
            history = workflow.history()
            assert history["status"].tolist().count("ERROR") == 1, name
            assert "damaged" in history.loc[history["status"] == "ERROR", "question"].item(), name
            found, runs = asyncio.run(Conversations(workflow.store, workflow.locks).read("talk"))
            assert (found.turns, len(runs)) == (4, 4), name
    assert "Traceback" not in "".join(capfd.readouterr())


def test_damaged_figures_cost_their_answer_alone(talk: Path, tmp_path: Path) -> None:
    db = copy_of(talk, tmp_path / "figures")
    damage(db, lambda run: json.dumps({**run, "step_results": record(**WHOLE | {"facts": "[[["})}))
    answers = FinancialAssistantWorkflow(db=db, session_id="talk").answers()
    assert [each.status.value for each in answers] == ["COMPLETED", "ERROR", "COMPLETED"]


def test_an_event_of_another_version_costs_no_answer(talk: Path, tmp_path: Path) -> None:
    db = copy_of(talk, tmp_path / "events")
    damage(db, lambda run: json.dumps({**run, "events": [{"event": "FromTheFuture"}]}))
    answers = FinancialAssistantWorkflow(db=db, session_id="talk").answers()
    assert [each.status.value for each in answers] == ["COMPLETED"] * 3
    assert answers[1].symbols == ["MSFT"]


@pytest.mark.parametrize("data", ["{torn", b"\xff\xfe", "[1]", '{"session_state": 5}', '{"session_state": {"a": '])
def test_a_damaged_session_keeps_its_runs(data: Any, talk: Path, tmp_path: Path) -> None:
    db = copy_of(talk, tmp_path / "session")
    with closing(sqlite3.connect(db)) as connection:
        connection.execute("UPDATE agno_sessions SET session_data = ? WHERE session_id = 'talk'", (data,))
        connection.commit()
    workflow = FinancialAssistantWorkflow(db=db, session_id="talk")
    assert workflow.sessions()["turns"].tolist() == [1, 3]
    assert workflow.run("And Tesla?").saved
    assert len(workflow.answers()) == 4


@pytest.mark.parametrize("column", ["created_at", "updated_at", "user_id", "workflow_id"])
@pytest.mark.parametrize("data", ["{torn", b"\xff\xfe", "9" * 400, -5, 10**15, None])
def test_a_damaged_column_of_a_session_costs_no_other(column: str, data: Any, talk: Path, tmp_path: Path) -> None:
    db = copy_of(talk, tmp_path / "column")
    with closing(sqlite3.connect(db)) as connection, suppress(sqlite3.IntegrityError):
        connection.execute(f"UPDATE agno_sessions SET {column} = ? WHERE session_id = 'talk'", (data,))
        connection.commit()
    workflow = FinancialAssistantWorkflow(db=db, session_id="other")
    assert "other" in workflow.sessions()["session_id"].tolist()
    assert workflow.run("And Tesla?").saved


@pytest.mark.parametrize("name", ["a?mode=memory", "a#b", "a%41b"])
def test_any_path_is_a_path_and_no_other_user_reads_it(name: str, tmp_path: Path) -> None:
    db = tmp_path / name / f"{name}.db"
    with FinancialAssistantWorkflow(db=db) as workflow:
        assert workflow.run("What is EBITDA?").saved
    assert db in db.parent.iterdir()
    for each in db.parent.iterdir():
        assert each.stat().st_mode & 0o077 == 0, each


# ------------------------------------------------------------------------------------------- changed by others


def asking(workflow: FinancialAssistantWorkflow, form: str, question: str) -> Any:
    return workflow.run(question) if form == "run" else asyncio.run(workflow.arun(question))


def while_answering(db: Path, form: str, change: Callable[[FinancialAssistantWorkflow], Any]) -> Any:
    """The answer to a question, while another process, with locks of its own, changes the conversation."""
    begun, changed = threading.Event(), threading.Event()

    class Waiting(ScriptedProvider):
        async def aget_quote(self, symbol: str) -> Any:
            begun.set()
            await asyncio.to_thread(changed.wait, 30)
            return await super().aget_quote(symbol)

    def other() -> None:
        begun.wait(30)
        change(FinancialAssistantWorkflow(db=db, session_id="talk"))
        changed.set()

    thread = threading.Thread(target=other)
    thread.start()
    answer = asking(
        FinancialAssistantWorkflow(db=db, session_id="talk", provider=Waiting(World())), form, "$AAPL price"
    )
    thread.join()
    return answer


@pytest.mark.parametrize("form", ["run", "arun"])
def test_a_rename_during_a_turn_stays(form: str, talk: Path, tmp_path: Path) -> None:
    db = copy_of(talk, tmp_path / form)
    answer = while_answering(db, form, lambda other: other.set_session_name("talk", session_name="Apples"))
    workflow = FinancialAssistantWorkflow(db=db, session_id="talk")
    assert answer.saved
    sessions = workflow.sessions().set_index("session_id")
    assert sessions.loc["talk", ["name", "turns"]].tolist() == ["Apples", 4]


@pytest.mark.parametrize("form", ["run", "arun"])
def test_a_deletion_during_a_turn_stays(form: str, talk: Path, tmp_path: Path) -> None:
    db = copy_of(talk, tmp_path / form)
    answer = while_answering(db, form, lambda other: other.delete_session("talk"))
    workflow = FinancialAssistantWorkflow(db=db, session_id="talk")
    assert not answer.saved
    assert "was deleted" in answer.to_markdown()
    assert workflow.sessions()["session_id"].tolist() == ["other"]
    assert workflow.history()["session_id"].tolist() == ["other"]
    assert workflow.run("What is EBITDA?").saved, "it can be started again"


def test_history_is_in_turn_order_after_the_clock_was_set_back(talk: Path, tmp_path: Path) -> None:
    db = copy_of(talk, tmp_path / "clock")

    def earlier(run: dict[str, Any]) -> str:
        [kept] = [step for step in run["step_results"][0]["steps"] if step["step_name"] == "record"]
        kept["content"]["answered_at"] -= 9000
        return json.dumps({**run, "created_at": run["created_at"] - 9000})

    damage(db, earlier, place=2)
    history = FinancialAssistantWorkflow(db=db).history()
    assert history.loc[history["session_id"] == "talk", "question"].tolist() == QUESTIONS[::-1]


# ------------------------------------------------------------------------------------------------ long sessions

SHORT = """
import sys
from finassist import FinancialAssistantWorkflow, Settings
settings = Settings(summary_after=3, remembered_turns=1)
FinancialAssistantWorkflow(db=sys.argv[1], session_id="talk", settings=settings).run("What is EBITDA?")
"""


@pytest.mark.slow
def test_one_short_process_a_turn_gets_its_summary_too(tmp_path: Path) -> None:
    db = tmp_path / "sessions.db"
    environment = {**os.environ, "FINASSIST_HOME": str(tmp_path)}
    for _ in range(3):
        subprocess.run([sys.executable, "-c", SHORT, str(db)], check=True, timeout=600, env=environment)
    assert FinancialAssistantWorkflow(db=db).sessions().loc[0, "summary"]


@pytest.mark.parametrize("stored", [True, False])
def test_a_long_session_reads_its_last_turns_only(stored: bool, tmp_path: Path) -> None:
    settings = Settings(summary_after=6, remembered_turns=3)
    db = tmp_path / "sessions.db" if stored else None
    workflow = FinancialAssistantWorkflow(db=db, session_id="talk", settings=settings)
    for number in range(30):
        workflow.run(QUESTIONS[number % 3])
        workflow.summariser.wait()
    run = workflow._new_run("And Tesla?")  # pyright: ignore[reportPrivateUsage]
    for _ in workflow._stream(run, {}, shown=False):  # pyright: ignore[reportPrivateUsage]
        pass
    assert run.session is not None
    assert len(run.session.runs or []) == 13, "twelve that a question can refer to, and its own"
    assert run.turn.before == 30
    assert workflow.sessions().loc[0, "turns"] == 31
    assert [each.input for each in workflow.answers()] == [*(QUESTIONS * 10), "And Tesla?"]
    state = (workflow.get_session() or pytest.fail("it is not stored")).session_data or {}
    assert state["session_state"]["finassist_summary"]["turns"] >= 24
