"""What a run did and when: kept with a stored run, and written as spans of OpenTelemetry where that is asked for."""

from __future__ import annotations

import json
import sqlite3
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from finassist import Answer, FinancialAssistantWorkflow
from tests.worlds import ScriptedModel, ScriptedProvider, World

# ------------------------------------------------------------------------------------- timelines of stored runs


def same_timeline(restored: Answer, live: Answer) -> bool:
    spans = restored.spans()
    return (
        len(spans) > 1
        and spans.equals(live.spans())
        and str(restored.timeline) == str(live.timeline)
        and (restored.tasks, restored.duration) == (live.tasks, live.duration)
    )


@pytest.mark.parametrize("question", ["Compare Apple and Microsoft", "What is EBITDA?", "What was Apple's net margin?"])
def test_a_stored_answer_has_the_timeline_of_the_live_one(question: str, tmp_path: Path, run_async: Any) -> None:
    workflow = FinancialAssistantWorkflow(db=tmp_path / "s.db", metadata={"desk": "rates"})
    live = [workflow.run(question), run_async(workflow.arun(question))]
    restored = FinancialAssistantWorkflow(db=tmp_path / "s.db", session_id=workflow.session_id).answers()
    assert all(map(same_timeline, restored, live))
    assert {tuple(answer.metadata.items()) for answer in (*live, *restored)} == {(("desk", "rates"),)}


RESTORED = """
import sys
from finassist import FinancialAssistantWorkflow
[answer] = FinancialAssistantWorkflow(db=sys.argv[1], session_id=sys.argv[2]).answers()
print(answer.spans().to_json())
print(answer.timeline)
"""


def test_it_is_the_same_in_another_process(stored_workflow: FinancialAssistantWorkflow, tmp_path: Path) -> None:
    live = stored_workflow.run("Compare Apple and Microsoft")
    command = [sys.executable, "-c", RESTORED, str(tmp_path / "sessions.db"), stored_workflow.session_id]
    spans, _, picture = subprocess.run(command, capture_output=True, text=True, check=True).stdout.partition("\n")
    assert (spans, picture.strip()) == (live.spans().to_json(), str(live.timeline))


def test_a_run_that_failed_and_one_that_was_stopped_have_theirs(tmp_path: Path) -> None:
    broken = World(chat="fails", sources={"quote AAPL": "refuses"})
    workflow = FinancialAssistantWorkflow(
        db=tmp_path / "s.db", model=ScriptedModel(broken), provider=ScriptedProvider(broken)
    )
    partly = workflow.run("What is Apple's stock price?", session_id="partly")
    with pytest.raises(Exception, match="overloaded"):
        workflow.run("What is EBITDA?", session_id="failed")
    left = workflow.run("Tell me about Tesla", stream=True, session_id="stopped")
    next(event for event in left if event.event == "FetchStarted")
    left.close()
    statuses = {
        name: dict(workflow.answers(name)[0].spans()[["name", "status"]].to_numpy().tolist())
        for name in ("partly", "failed", "stopped")
    }
    assert same_timeline(workflow.answers("partly")[0], partly)
    assert (statuses["partly"]["run"], statuses["partly"]["quote AAPL"]) == ("completed", "error")
    assert (statuses["failed"]["run"], statuses["failed"]["chat"]) == ("error", "error")
    assert (statuses["stopped"]["understand"], statuses["stopped"]["gather"]) == ("completed", "cancelled")
    workflow.close()


@pytest.mark.parametrize("stored", [None, {}, {"finassist_tasks": "[[1]]"}, {"finassist_tasks": "[["}])
def test_a_run_of_an_older_version_or_with_a_damaged_timeline_is_read(stored: Any, tmp_path: Path) -> None:
    workflow = FinancialAssistantWorkflow(db=tmp_path / "s.db")
    live = workflow.run("What is Apple's stock price?")
    with sqlite3.connect(tmp_path / "s.db") as connection:
        [(text,)] = connection.execute("SELECT run_data FROM agno_runs")
        changed = json.dumps({**json.loads(text), "metadata": stored})
        connection.execute("UPDATE agno_runs SET run_data = ?", [changed])
    connection.close()
    [answer] = workflow.answers()
    assert answer.facts == live.facts
    assert answer.spans()[["name", "status"]].to_numpy().tolist() == [["run", "completed"]]
    assert len(text) - len(changed) < 0.2 * len(text), "a timeline is a small part of what is stored"
    workflow.close()
