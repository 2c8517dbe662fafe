"""Conversations are kept: on a real file, across processes and forms, and an unsaved turn says so."""

from __future__ import annotations

import asyncio
import os
import sqlite3
import subprocess
import sys
import threading
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from agno.db.in_memory import InMemoryDb
from agno.db.sqlite import AsyncSqliteDb, SqliteDb
from agno.tools.finance.base import CompanyProfile, FinanceProvider

from finassist import FinancialAssistantWorkflow, Settings
from finassist.core.errors import ConfigurationError, SessionError
from finassist.sessions.history import Conversations

ASK = """
import sys
from finassist import FinancialAssistantWorkflow
answer = FinancialAssistantWorkflow(db=sys.argv[1], session_id=sys.argv[2]).run(sys.argv[3])
print(answer.category, *answer.symbols, answer.saved)
"""


def ask_in_a_process(db: Path, session: str, question: str) -> subprocess.Popen[str]:
    command = [sys.executable, "-c", ASK, str(db), session, question]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


@pytest.mark.slow
def test_a_new_process_continues_the_conversation(tmp_path: Path) -> None:
    db = tmp_path / "sessions.db"
    FinancialAssistantWorkflow(db=db, session_id="talk").run("What is Apple's stock price?")
    out, err = ask_in_a_process(db, "talk", "What about Tesla?").communicate(timeout=600)
    assert out.split() == ["stock_price", "TSLA", "True"], err
    assert len(FinancialAssistantWorkflow(db=db).answers("talk")) == 2


def test_a_stored_answer_comes_back_whole(stored_workflow: FinancialAssistantWorkflow) -> None:
    answer = stored_workflow.run("Compare Apple and Rivian")
    [stored] = stored_workflow.answers()
    for name in ("content", "category", "symbols", "facts", "gaps", "follow_ups", "decided_by", "reason", "status"):
        assert getattr(stored, name) == getattr(answer, name), name
    assert stored.to_frame().equals(answer.to_frame())


class HalfCharacters(FinanceProvider):
    """Somebody's own source, whose texts no UTF-8 file could hold as they are."""

    id = name = "halves"
    capabilities = frozenset({"get_company_profile"})

    def get_company_profile(self, symbol: str) -> CompanyProfile:
        return CompanyProfile(symbol=symbol, name="Apple \udfff", sector="Tech \ud800", currency="USD")

    async def aget_company_profile(self, symbol: str) -> CompanyProfile:
        return self.get_company_profile(symbol)


def test_half_a_character_of_a_source_loses_no_turn(tmp_path: Path) -> None:
    workflow = FinancialAssistantWorkflow(db=tmp_path / "sessions.db", provider=HalfCharacters())
    answer = workflow.run("$AAPL report")
    [stored] = workflow.answers()
    assert answer.saved
    assert any(fact.text == "Tech \ud800" for fact in stored.facts), "it is what the source said"
    assert stored.facts == answer.facts


def test_what_is_used_last_is_first_within_a_second_as_well(
    stored_workflow: FinancialAssistantWorkflow, run_async: Any
) -> None:
    for session in ("a", "c", "b", "a"):
        stored_workflow.run("What is EBITDA?", session_id=session)
    assert stored_workflow.sessions()["session_id"].tolist() == ["a", "b", "c"]
    assert stored_workflow.history()["session_id"].tolist() == ["a", "b", "c", "a"]
    talks = Conversations(stored_workflow.store, stored_workflow.locks)
    assert [talk.session_id for talk in run_async(talks.recent())] == ["a", "b", "c"]


def test_the_sync_and_the_async_form_share_sessions(
    stored_workflow: FinancialAssistantWorkflow, run_async: Any
) -> None:
    stored_workflow.run("What is Apple's stock price?")
    assert run_async(stored_workflow.arun("What about Tesla?")).symbols == ["TSLA"]
    assert stored_workflow.run("and its income statement?").symbols == ["TSLA"]
    assert len(stored_workflow.answers()) == 3


def test_two_loops_one_after_the_other(stored_workflow: FinancialAssistantWorkflow) -> None:
    for name in ("Apple", "Tesla"):
        asyncio.run(stored_workflow.arun(f"What is {name}'s stock price?"))
    assert len(stored_workflow.answers()) == 2


@pytest.mark.slow
def test_processes_that_open_a_fresh_file_at_once_lose_nothing(tmp_path: Path) -> None:
    db = tmp_path / "fresh.db"
    processes = [ask_in_a_process(db, f"s{index}", "What is Apple's stock price?") for index in range(6)]
    for process in processes:
        out, err = process.communicate(timeout=600)
        assert out.split()[-1:] == ["True"], err
    assert len(FinancialAssistantWorkflow(db=db).sessions()) == 6


def test_sessions_as_a_frame(stored_workflow: FinancialAssistantWorkflow) -> None:
    stored_workflow.run("What is Apple's stock price?", session_id="older")
    stored_workflow.run("What about Tesla?", session_id="older")
    stored_workflow.run("What is EBITDA?", session_id="newer")
    frame = stored_workflow.sessions().set_index("session_id")
    assert frame.loc["older", "turns"] == 2
    assert frame.loc["older", "first_question"] == "What is Apple's stock price?"
    assert frame.loc["older", "last_question"] == "What about Tesla?"
    assert frame.loc["older", "symbols"] == ["AAPL", "TSLA"]
    assert frame.loc["newer", "last_status"] == "COMPLETED"
    assert FinancialAssistantWorkflow(db=None).sessions().columns.equals(stored_workflow.sessions().columns)


# --------------------------------------------------------------------------------------------- where it is


def test_memory_leaves_no_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    workflow = FinancialAssistantWorkflow(db=None)
    workflow.run("What is EBITDA?")
    assert len(workflow.answers()) == 1
    assert list(tmp_path.iterdir()) == []


def test_agnos_own_databases_plug_in(tmp_path: Path, run_async: Any) -> None:
    for database in (InMemoryDb(), SqliteDb(db_file=str(tmp_path / "agno.db"))):
        workflow = FinancialAssistantWorkflow(db=database)
        workflow.run("What is Apple's stock price?")
        assert run_async(workflow.arun("What about Tesla?")).symbols == ["TSLA"]
        assert database.get_session(workflow.session_id, session_type="workflow") is not None
    database.close()


def test_a_home_that_cannot_be_used_is_said(tmp_path: Path) -> None:
    blocked = tmp_path / "file"
    blocked.write_text("not a folder")
    with pytest.raises(SessionError, match=r"cannot be opened .* FINASSIST_HOME .* db=None"):
        FinancialAssistantWorkflow(db=blocked / "sessions.db")


def test_a_file_that_is_no_database_is_said(tmp_path: Path) -> None:
    path = tmp_path / "sessions.db"
    path.write_bytes(b"this is no database" * 100)
    with pytest.raises(SessionError, match="cannot be opened"):
        FinancialAssistantWorkflow(db=path)


def test_a_database_of_one_form_serves_arun_and_says_what_cannot_be(tmp_path: Path, run_async: Any) -> None:
    class Remote(SqliteDb):
        """Stands for a server whose adapter is sync only."""

    database = Remote(db_file=str(tmp_path / "remote.db"))
    database.db_file = None
    workflow = FinancialAssistantWorkflow(db=database)
    assert run_async(workflow.arun("What is EBITDA?")).saved
    assert len(workflow.sessions()) == 1
    only_async = FinancialAssistantWorkflow(db=AsyncSqliteDb(db_url="sqlite+aiosqlite://"))
    only_async.store = replace(only_async.store, sync=None)
    with pytest.raises(ConfigurationError, match=r"await workflow\.arun"):
        only_async.run("What is EBITDA?")
    database.close()


# --------------------------------------------------------------------------------------------- when it fails


def break_saving(db: Path) -> None:
    """What a full disk looks like to Agno: every write of a run fails."""
    with sqlite3.connect(db) as connection:
        connection.execute(
            "CREATE TRIGGER full BEFORE INSERT ON agno_runs BEGIN SELECT RAISE(FAIL, 'database or disk is full'); END"
        )
    connection.close()


def test_a_turn_that_could_not_be_saved_says_so(tmp_path: Path, run_async: Any) -> None:
    db = tmp_path / "sessions.db"
    workflow = FinancialAssistantWorkflow(db=db)
    break_saving(db)
    for answer in (workflow.run("What is EBITDA?"), run_async(workflow.arun("What is EBITDA?"))):
        assert not answer.saved
        assert "not saved" in answer.to_markdown()
        assert "not saved" in answer.to_html()
        assert "EBITDA" in answer.content, "the answer itself is not lost"


def test_a_store_that_cannot_be_read_fails_with_words(tmp_path: Path, run_async: Any) -> None:
    db = tmp_path / "sessions.db"
    workflow = FinancialAssistantWorkflow(db=db)
    with sqlite3.connect(db) as connection:
        connection.execute("ALTER TABLE agno_sessions RENAME TO elsewhere")
        connection.execute("CREATE TABLE agno_sessions (other TEXT)")
    connection.close()
    for ask in (workflow.run, lambda question: run_async(workflow.arun(question))):
        with pytest.raises(SessionError, match="could not be reached"):
            ask("What is EBITDA?")


def test_a_locked_file_does_not_block_the_loop(tmp_path: Path, run_async: Any) -> None:
    db = tmp_path / "sessions.db"
    workflow = FinancialAssistantWorkflow(db=db)
    blocker = sqlite3.connect(db, check_same_thread=False, isolation_level=None)
    blocker.execute("BEGIN IMMEDIATE")

    async def scene() -> bool:
        run = asyncio.create_task(workflow.arun("What is EBITDA?"))
        beats = 0
        while beats < 20:  # the loop keeps beating while the run waits for the lock
            await asyncio.sleep(0.01)
            beats += 1
        assert not run.done()
        blocker.execute("COMMIT")
        return (await run).saved

    try:
        assert run_async(scene())
    finally:
        blocker.close()


# --------------------------------------------------------------------------------------------- summaries


def test_a_summary_is_never_on_the_way_of_an_answer(tmp_path: Path) -> None:
    release = threading.Event()
    settings = Settings(summary_after=2, remembered_turns=1)
    workflow = FinancialAssistantWorkflow(db=tmp_path / "s.db", settings=settings)
    summarise = workflow.summary_agent.arun

    async def held(*args: Any, **kwargs: Any) -> Any:
        while not release.is_set():
            await asyncio.sleep(0.005)
        return await summarise(*args, **kwargs)

    workflow.summary_agent.arun = held  # type: ignore[method-assign]
    for _ in range(4):
        assert workflow.run("What is Apple's stock price?").symbols == ["AAPL"]
    release.set()
    workflow.close()
    assert workflow.sessions()["summary"].notna().all()


def test_a_summary_does_not_depend_on_how_fast_the_talk_goes_on(tmp_path: Path) -> None:
    release = threading.Event()
    told: list[str] = []
    for name, waits in (("fast", False), ("slow", True)):
        workflow = FinancialAssistantWorkflow(
            db=tmp_path / f"{name}.db", settings=Settings(summary_after=3, remembered_turns=2)
        )
        summarise = workflow.summary_agent.arun

        async def held(*args: Any, summarise: Any = summarise, waits: bool = waits, **kwargs: Any) -> Any:
            while waits and not release.is_set():
                await asyncio.sleep(0.005)
            return await summarise(*args, **kwargs)

        workflow.summary_agent.arun = held  # type: ignore[method-assign]
        for company in ("Apple", "Tesla", "Nvidia", "Walmart", "Pepsi", "Amazon", "Microsoft"):
            workflow.run(f"What is {company}'s stock price?")
            if not waits:
                workflow.summariser.wait()
        release.set()
        workflow.close()
        told.extend(workflow.sessions()["summary"])
        assert len(workflow.answers()) == 7, "summarising loses no turn"
    fast, slow = told
    assert fast == slow, "the same turns are condensed together"
    assert "AAPL" in fast


def test_os_fork_gets_a_bridge_of_its_own() -> None:
    from finassist.core.concurrency import Bridge

    bridge = Bridge()
    first = bridge.loop
    bridge._pid = os.getpid() + 1  # what a forked child sees
    assert bridge.loop is not first


@pytest.mark.parametrize("kind", ["memory", "file"])
def test_a_session_is_renamed_and_deleted_in_sync_code_too(kind: str, tmp_path: Any) -> None:
    workflow = FinancialAssistantWorkflow(db=None if kind == "memory" else tmp_path / "sessions.db")
    workflow.run("What is EBITDA?", session_id="one")
    workflow.run("What is EBIT?", session_id="two")
    workflow.set_session_name("one", session_name="Concepts")
    assert workflow.sessions().set_index("session_id")["name"].to_dict()["one"] == "Concepts"
    workflow.delete_session("one")
    assert workflow.sessions()["session_id"].tolist() == ["two"]
    assert workflow.answers("one") == []
