"""Sessions on a real PostgreSQL server: shared by processes and machines, one turn at a time, no password anywhere."""

from __future__ import annotations

import asyncio
import logging
import os
import pickle
import subprocess
import sys
import threading
import traceback
from collections.abc import Iterator
from typing import Any
from uuid import uuid4

import pytest

from finassist import FinancialAssistantWorkflow, trace
from finassist.core.errors import ConfigurationError, MissingExtra, SessionError
from tests.postgres_server import PASSWORD, QUOTED, REQUIRED, NotHere, Server, running

ASK = """
import sys
from finassist import FinancialAssistantWorkflow
workflow = FinancialAssistantWorkflow(db=sys.stdin.read(), session_id=sys.argv[1])
answer = workflow.run(sys.argv[2])
print(answer.category, *answer.symbols, answer.saved)
"""


@pytest.fixture(scope="session")
def server() -> Iterator[Server]:
    try:
        with running() as found:
            yield found
    except NotHere as reason:
        if os.environ.get(REQUIRED):
            raise
        pytest.skip(f"no PostgreSQL server can be started here: {reason}")


@pytest.fixture
def database(server: Server) -> str:
    """The name of an empty database."""
    name = f"test_{uuid4().hex}"
    server.execute(f"CREATE DATABASE {name}")
    return name


@pytest.fixture
def address(server: Server, database: str) -> str:
    return server.address(database)


def ask_in_a_process(address: str, session: str, question: str) -> subprocess.Popen[str]:
    command = [sys.executable, "-W", "error", "-c", ASK, session, question]
    process = subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    process.stdin.write(address)
    process.stdin.close()
    process.stdin = None
    return process


# ------------------------------------------------------------------------------------- conversations


def test_a_stored_answer_comes_back_whole(address: str) -> None:
    workflow = FinancialAssistantWorkflow(db=address)
    answer = workflow.run("Compare Apple and Rivian")
    [stored] = FinancialAssistantWorkflow(db=address, session_id=workflow.session_id).answers()
    for name in ("content", "category", "symbols", "facts", "gaps", "follow_ups", "decided_by", "reason", "status"):
        assert getattr(stored, name) == getattr(answer, name), name
    assert answer.saved
    assert len(stored.spans()) > 5
    assert stored.spans().equals(answer.spans())
    assert str(stored.timeline) == str(answer.timeline)
    history, sessions = workflow.history(), workflow.sessions()
    assert history.loc[0, ["question", "status", "saved"]].tolist() == ["Compare Apple and Rivian", "COMPLETED", True]
    assert sessions.loc[0, "symbols"] == ["AAPL", "RIVN"]
    workflow.close()


def test_traces_are_stored_on_the_server(address: str) -> None:
    workflow = FinancialAssistantWorkflow(db=address)
    with trace(address) as traces:
        frame = traces.spans(workflow.run("What is Apple's stock price?").run_id)
    assert frame["name"].tolist()[:2] == ["finassist.run", "understand"]
    assert PASSWORD not in repr(traces)
    workflow.close()


def test_both_forms_share_a_conversation(address: str, run_async: Any) -> None:
    workflow = FinancialAssistantWorkflow(db=address)
    workflow.run("What is Apple's stock price?")
    assert run_async(workflow.arun("What about Tesla?")).symbols == ["TSLA"]
    assert workflow.run("and its income statement?").symbols == ["TSLA"]
    assert len(run_async(workflow.ahistory())) == 3
    assert run_async(workflow.asessions())["turns"].tolist() == [3]
    workflow.close()


def test_loops_one_after_the_other_and_at_once(address: str) -> None:
    workflow = FinancialAssistantWorkflow(db=address)

    def on_a_loop(name: str) -> None:
        async def several() -> None:
            async with asyncio.TaskGroup() as group:
                for index in range(3):
                    group.create_task(workflow.arun("What is EBITDA?", session_id=f"{name}-{index}"))

        asyncio.run(several())

    on_a_loop("first")
    threads = [threading.Thread(target=on_a_loop, args=(f"thread{index}",)) for index in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert workflow.history()["saved"].sum() == 9
    workflow.close()


@pytest.mark.slow
def test_processes_that_find_no_tables_lose_nothing(address: str) -> None:
    processes = [ask_in_a_process(address, f"s{index}", "What is Apple's stock price?") for index in range(4)]
    for process in processes:
        out, err = process.communicate(timeout=600)
        assert out.split()[-1:] == ["True"], err
    assert len(FinancialAssistantWorkflow(db=address).sessions()) == 4


def test_turns_of_one_session_from_several_machines_keep_its_state(address: str, run_async: Any) -> None:
    """Two workflows are two machines: they share nothing but the server."""
    machines = [FinancialAssistantWorkflow(db=address, session_id="shared") for _ in range(2)]

    async def busy() -> list[bool]:
        async with asyncio.TaskGroup() as group:
            asked = [group.create_task(machines[index % 2].arun("What is EBITDA?")) for index in range(6)]
        return [task.result().saved for task in asked]

    assert all(run_async(busy()))
    [row] = machines[0].sessions().to_dict("records")
    assert row["turns"] == 6
    assert sorted(run.run_id for run in machines[1].answers()) == sorted(machines[0].history()["run_id"])


TALK = """
import asyncio, sys
from finassist import FinancialAssistantWorkflow, Settings
settings = Settings(summary_after=3, remembered_turns=1)
workflow = FinancialAssistantWorkflow(db=sys.stdin.read(), session_id="shared", settings=settings)

async def talk():
    for _ in range(5):
        assert (await workflow.arun("What is EBITDA?")).saved

asyncio.run(talk())
workflow.close()
"""


@pytest.mark.slow
def test_processes_that_talk_in_one_session_keep_every_turn_and_its_summary(address: str, server: Server) -> None:
    FinancialAssistantWorkflow(db=address).run("What is EBITDA?", session_id="before")
    command = [sys.executable, "-W", "error", "-c", TALK]
    processes = [subprocess.Popen(command, stdin=subprocess.PIPE, stderr=subprocess.PIPE, text=True) for _ in range(2)]
    for process in processes:
        process.stdin.write(address)
        process.stdin.close()
        process.stdin = None
    for process in processes:
        _, err = process.communicate(timeout=600)
        assert process.returncode == 0, err
    indices = server.execute("SELECT run_index FROM ai.agno_runs WHERE session_id = 'shared'", address.split("/")[-1])
    assert sorted(index for (index,) in indices) == list(range(10))
    sessions = FinancialAssistantWorkflow(db=address).sessions().set_index("session_id")
    assert sessions.loc["shared", "turns"] == 10
    assert "EBITDA" in sessions.loc["shared", "summary"]


def test_a_turn_waits_for_that_of_another_machine(address: str, run_async: Any) -> None:
    first, second = (FinancialAssistantWorkflow(db=address, session_id="shared") for _ in range(2))
    order: list[str] = []

    async def scene() -> None:
        async with first.locks.aturn("shared"):
            waiting = asyncio.create_task(second.arun("What is EBITDA?"))
            waiting.add_done_callback(lambda _: order.append("second"))
            while not second.store.turns._connection:  # it has asked for its turn
                await asyncio.sleep(0.01)
            assert not waiting.done()
            await asyncio.to_thread(lambda: first.run("What is EBITDA?", session_id="another"))
            order.append("first")
        await waiting

    run_async(scene())
    assert order == ["first", "second"]


def test_a_turn_that_is_given_up_while_it_waits_blocks_nobody(address: str, run_async: Any) -> None:
    first, second = (FinancialAssistantWorkflow(db=address, session_id="shared") for _ in range(2))

    async def scene() -> None:
        async with first.locks.aturn("shared"):
            waiting = asyncio.create_task(second.arun("What is EBITDA?"))
            await asyncio.sleep(0.05)
            waiting.cancel()
            with pytest.raises(asyncio.CancelledError):
                await waiting
        assert (await second.arun("What is EBITDA?")).saved

    run_async(scene())
    assert first.run("What is EBITDA?").saved


@pytest.mark.slow
def test_a_process_that_dies_gives_its_turn_back(address: str, server: Server, database: str) -> None:
    code = "import sys; from finassist import FinancialAssistantWorkflow as W; w = W(db=sys.stdin.read())\n"
    code += "turn = w.locks.turn('shared'); turn.__enter__(); print('held', flush=True); import signal; signal.pause()"
    process = subprocess.Popen([sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    try:
        process.stdin.write(address)
        process.stdin.close()
        assert process.stdout.readline() == "held\n"
        assert server.execute("SELECT count(*) FROM pg_locks WHERE locktype = 'advisory'", database)[0][0] == 1
    finally:
        process.kill()
        process.wait()
        process.stdout.close()
    assert FinancialAssistantWorkflow(db=address, session_id="shared").run("What is EBITDA?").saved


# ---------------------------------------------------------------------------------------- when it fails


def told(error: BaseException) -> str:
    """Everything that an error, its chain and its frames of ours could show."""
    shown = "".join(traceback.format_exception(error)) + repr(error)
    seen: BaseException | None = error
    while seen is not None:
        for frame, _ in traceback.walk_tb(seen.__traceback__):
            if "finassist/" in frame.f_code.co_filename or "site-packages" in frame.f_code.co_filename:
                # The address as the user passed it is theirs; anything made of it is ours.
                shown += repr({name: value for name, value in frame.f_locals.items() if not _given(value)})
        seen = seen.__cause__ or seen.__context__
    return shown


def _given(value: Any) -> bool:
    return isinstance(value, str) and value.startswith("postgresql://")


@pytest.mark.parametrize(
    "change",
    [
        lambda address: address.replace(QUOTED, "wrong-" + QUOTED),
        lambda address: address.replace("/test_", "/absent_"),
        lambda address: address.replace("ann:", "nobody:"),
        lambda address: address + "?sslmode=verify-full",
        lambda address: address + "?no_such_option=1",
    ],
)
def test_a_server_that_refuses_is_said_without_the_password(change: Any, address: str, caplog: Any, capfd: Any) -> None:
    with caplog.at_level(logging.DEBUG), pytest.raises(SessionError, match=r"127\.0\.0\.1:\d+/.* db=None") as caught:
        FinancialAssistantWorkflow(db=change(address))
    everything = told(caught.value) + caplog.text + "".join(capfd.readouterr())
    assert PASSWORD not in everything
    assert QUOTED not in everything


def test_a_server_that_is_away_is_said(address: str) -> None:
    with pytest.raises(SessionError, match=r"127\.0\.0\.1:1/.* server runs"):
        FinancialAssistantWorkflow(db=f"postgresql://ann:{QUOTED}@127.0.0.1:1/x")


@pytest.mark.parametrize(
    "address",
    ["postgresql://ann:c4nary@p@ss@host/x", "postgresql://ann:c4nary@host:many/x", "postgres:/ann:c4nary://host"],
)
def test_an_address_that_cannot_be_read_is_not_repeated(address: str) -> None:
    with pytest.raises(ConfigurationError, match=r"%40 for @") as caught:
        FinancialAssistantWorkflow(db=address)
    assert "c4nary" not in "".join(traceback.format_exception_only(caught.value))
    assert caught.value.__context__ is None


def test_another_kind_of_server_is_said() -> None:
    with pytest.raises(ConfigurationError, match="postgresql://user@host/database"):
        FinancialAssistantWorkflow(db="mysql://ann:c4nary@host/x")


def test_the_driver_that_is_missing_is_named(address: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in sys.modules if name.startswith("psycopg")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "psycopg", None)
    with pytest.raises(MissingExtra, match=r"finassist\[postgres\]"):
        FinancialAssistantWorkflow(db=address)


def test_the_password_is_nowhere(address: str, caplog: Any) -> None:
    with caplog.at_level(logging.DEBUG):
        workflow = FinancialAssistantWorkflow(db=address)
        workflow.run("What is EBITDA?")
    store = workflow.store
    shown = [
        repr(workflow),
        repr(store),
        str(workflow.to_dict()),
        *(str(db.to_dict()) for db in (store.sync, store.native) if hasattr(db, "to_dict")),  # not in each 3.x of Agno
    ]
    shown += [str(store.sync.db_engine.url), store.sync.db_engine.url.render_as_string(hide_password=False)]
    shown.append(str(pickle.dumps(store.turns._address)))
    for text in (*shown, caplog.text):
        assert PASSWORD not in text
        assert QUOTED not in text
    workflow.close()


def test_a_server_that_comes_back_is_used_again(address: str, server: Server, run_async: Any) -> None:
    workflow = FinancialAssistantWorkflow(db=address)
    assert workflow.run("What is EBITDA?").saved
    server.stop()
    for ask in (workflow.run, lambda question: run_async(workflow.arun(question))):
        with pytest.raises(SessionError, match="cannot be used"):
            ask("What is EBITDA?")
    for read in (workflow.history, workflow.sessions):
        with pytest.raises(SessionError, match="could not be reached"):
            read()
    server.start()
    assert workflow.run("What is EBITDA?").saved
    assert run_async(workflow.arun("What is EBITDA?")).saved
    workflow.close()


def test_a_user_who_may_not_create_tables_uses_those_that_are_there(server: Server, database: str) -> None:
    server.execute(f"CREATE ROLE reader_{database} LOGIN PASSWORD 'reading'")
    mine = f"postgresql://reader_{database}:reading@127.0.0.1:{server.port}/{database}"
    with pytest.raises(SessionError, match="permission denied for database"):
        FinancialAssistantWorkflow(db=mine)
    FinancialAssistantWorkflow(db=server.address(database)).run("What is EBITDA?", session_id="talk")
    server.execute(f"GRANT USAGE ON SCHEMA ai TO reader_{database}", database)
    server.execute(f"GRANT ALL ON ALL TABLES IN SCHEMA ai TO reader_{database}", database)
    assert FinancialAssistantWorkflow(db=mine, session_id="talk").run("What is EBITDA?").saved


@pytest.mark.slow
def test_the_command_line_with_a_password_from_the_environment(server: Server, database: str) -> None:
    place = server.address(database).replace(f":{QUOTED}@", "@")
    variables = {**os.environ, "PGPASSWORD": PASSWORD}
    for arguments in (["ask", "--session", "talk", "What is EBITDA?"], ["history"], ["sessions", "show", "talk"]):
        command = [sys.executable, "-W", "error", "-m", "finassist", *arguments, "--db", place]
        done = subprocess.run(command, capture_output=True, text=True, env=variables, timeout=600)
        assert (done.returncode, done.stderr) == (0, "")
        assert "EBITDA" in done.stdout


def test_options_of_tls_are_honoured(server: Server, database: str) -> None:
    safe = server.address(database, sslmode="verify-full", sslrootcert=str(server.folder / "server.crt"))
    workflow = FinancialAssistantWorkflow(db=safe)
    assert workflow.run("What is EBITDA?").saved
    state = (
        "SELECT bool_and(ssl) FROM pg_stat_ssl JOIN pg_stat_activity USING (pid) WHERE application_name = 'finassist'"
    )
    assert server.execute(f"{state} AND datname = '{database}'")[0][0] is True
    workflow.close()


def test_odd_questions_are_stored(address: str) -> None:
    workflow = FinancialAssistantWorkflow(db=address)
    assert workflow.run("What is\x00 EBITDA, 名前 🚀 %s {x} ' \" \\u0000?").saved
    [stored] = workflow.answers()
    assert "名前 🚀 %s {x}" in str(stored.input)
