"""What was asked before, as frames: every stored run with what it took, also of runs that failed or were stopped."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from finassist import FinancialAssistantWorkflow
from finassist.core.errors import SessionError
from finassist.reporting.frames import SCHEMAS
from finassist.sessions.history import history_rows
from tests.worlds import ScriptedModel, ScriptedProvider, World

KNOWN = ["question", "category", "status", "saved", "models", "decided_by"]


def a_talk(db: Path | None) -> FinancialAssistantWorkflow:
    """One answer, one chat, one run that was left early."""
    workflow = FinancialAssistantWorkflow(db=db)
    workflow.run("What is Apple's stock price?", session_id="one")
    workflow.run("What is EBITDA?", session_id="two")
    left = workflow.run("Tell me about Tesla", stream=True, session_id="two")
    next(left), next(left)
    left.close()
    return workflow


@pytest.mark.parametrize("stored", [False, True])
def test_every_run_is_a_row(stored: bool, tmp_path: Path) -> None:
    workflow = a_talk(tmp_path / "s.db" if stored else None)
    frame = workflow.history()
    assert {name: column.dtype for name, column in SCHEMAS["history"].items()} == frame.dtypes.astype(str).to_dict()
    rows = frame.set_index("question")
    assert rows.loc["What is Apple's stock price?", ["category", "status", "symbols"]].tolist() == [
        "stock_price", "COMPLETED", ["AAPL"],
    ]  # fmt: skip
    assert rows.loc["What is EBITDA?", "models"] == "chat: offline"
    assert rows.loc["Tell me about Tesla", "status"] == "CANCELLED"
    assert rows["latency"].between(0, 60).all()
    assert workflow.answers("one")[0].duration == rows.loc["What is Apple's stock price?", "latency"]
    assert rows["saved"].all()
    assert rows.loc["What is EBITDA?", ["tokens_in", "tokens_out", "cost"]].tolist() == [0, 0, 0.0]
    assert rows.loc[["Tell me about Tesla"], ["category", "tokens_in", "cost", "gaps"]].isna().all(axis=None)
    workflow.close()


def test_it_is_the_same_in_another_process_form_and_loop(tmp_path: Path, run_async: Any) -> None:
    frame = a_talk(tmp_path / "s.db").history()
    again = FinancialAssistantWorkflow(db=tmp_path / "s.db")
    assert again.history().equals(frame)
    assert run_async(again.ahistory()).equals(frame)
    assert run_async(again.asessions()).equals(again.sessions())
    again.close()


def test_nothing_was_asked(tmp_path: Path, run_async: Any) -> None:
    for workflow in (FinancialAssistantWorkflow(db=None), FinancialAssistantWorkflow(db=tmp_path / "s.db")):
        frame = workflow.history()
        assert frame.empty
        assert frame.dtypes.equals(a_talk(None).history().dtypes)
        assert run_async(workflow.ahistory()).equals(frame)
        workflow.close()


def test_users_have_their_own(tmp_path: Path) -> None:
    for user in ("ann", "bob"):
        FinancialAssistantWorkflow(db=tmp_path / "s.db", user_id=user).run(f"What is EBITDA, {user}?")
    ann = FinancialAssistantWorkflow(db=tmp_path / "s.db", user_id="ann")
    assert ann.history()["question"].tolist() == ["What is EBITDA, ann?"]
    assert ann.sessions()["first_question"].tolist() == ["What is EBITDA, ann?"]
    assert len(FinancialAssistantWorkflow(db=tmp_path / "s.db").history()) == 2


class Paid(ScriptedModel):
    """Counts tokens, and has a price or not."""

    def __init__(self, cost: float | None) -> None:
        super().__init__(World(category="chat"))
        self._cost = cost

    def invoke(self, *args: Any, **kwargs: Any) -> Any:
        response = super().invoke(*args, **kwargs)
        response.response_usage = self._used()
        return response

    def invoke_stream(self, *args: Any, **kwargs: Any) -> Any:
        yield from super().invoke_stream(*args, **kwargs)
        yield type(super().invoke())(response_usage=self._used())

    def _used(self) -> Any:
        from agno.metrics import MessageMetrics

        return MessageMetrics(input_tokens=100, output_tokens=10, total_tokens=110, cost=self._cost)


@pytest.mark.parametrize(("cost", "total"), [(0.5, 1.5), (None, None)])
def test_tokens_and_cost_are_those_of_every_agent(cost: float | None, total: float | None, tmp_path: Path) -> None:
    workflow = FinancialAssistantWorkflow(db=tmp_path / "s.db", model=Paid(cost), routing="model")
    workflow.run("Why is the sky blue, and who pays?")
    row = workflow.history().iloc[0]
    assert (row["tokens_in"], row["tokens_out"]) == (300, 30), "the router, the extraction and the chat"
    assert row["cost"] == total if total else row.isna()["cost"]
    workflow.close()


def test_a_model_that_does_not_count_is_not_free(tmp_path: Path) -> None:
    workflow = FinancialAssistantWorkflow(db=None, model=ScriptedModel(World()), routing="model", provider="embedded")
    workflow.run("Tell me about Apple")
    assert workflow.history()[["tokens_in", "cost"]].isna().all(axis=None)


def test_rows_of_an_older_version_are_read() -> None:
    [row] = history_rows([{"run_id": "r", "status": "ERROR", "input": {"a": 1}, "metrics": None, "step_results": None}])
    assert (row["status"], row["latency"], row["category"]) == ("ERROR", None, None)


def test_a_store_that_cannot_be_read_is_said(tmp_path: Path, run_async: Any) -> None:
    import sqlite3

    workflow = FinancialAssistantWorkflow(db=tmp_path / "s.db")
    with sqlite3.connect(tmp_path / "s.db") as connection:
        for table in ("agno_runs", "agno_sessions"):
            connection.execute(f"DROP TABLE {table}")
            connection.execute(f"CREATE TABLE {table} (other TEXT)")
    connection.close()
    for read in (workflow.history, workflow.sessions, lambda: run_async(workflow.ahistory())):
        with pytest.raises(SessionError, match="could not be reached"):
            read()


def test_reading_history_does_not_block_the_loop(tmp_path: Path, run_async: Any, monkeypatch: Any) -> None:
    import threading

    workflow = a_talk(tmp_path / "s.db")
    threads: list[int] = []
    get_runs = workflow.store.sync.get_runs
    monkeypatch.setattr(
        workflow.store.sync, "get_runs", lambda **how: (threads.append(threading.get_ident()), get_runs(**how))[1]
    )
    run_async(workflow.ahistory())
    assert threads != [threading.get_ident()]
    workflow.close()


# ------------------------------------------------------------------------------------- frames of one answer


def test_frames_of_an_answer_that_failed(run_async: Any) -> None:
    workflow = FinancialAssistantWorkflow(db=None)
    left = workflow.run("Tell me about Tesla", stream=True)
    next(left)
    left.close()
    [stopped] = workflow.answers()
    broken = FinancialAssistantWorkflow(
        db=None, provider=ScriptedProvider(World(sources={f"{need} AAPL": "refuses" for need in ("quote", "history")}))
    ).run("What is Apple's stock price?")
    whole = workflow.run("What is Apple's stock price?")
    for answer in (stopped, broken):
        for make in (lambda a: a.to_frame(), lambda a: a.spans()):
            assert make(answer).dtypes.equals(make(whole).dtypes)
    assert stopped.to_frame().empty
    assert (broken.spans()["status"] == "error").any()
    assert whole.events[-1].event == "WorkflowCompleted"
