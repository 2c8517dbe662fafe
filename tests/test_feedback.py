"""What a person thinks of an answer: kept with its run, there after a restart, and a case of an evaluation."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

import finassist
from finassist import Feedback, FinancialAssistantWorkflow, InputError, SessionError, read_cases, write_cases
from finassist.sessions.store import Store, open_store

MARGIN = "What was Apple's net margin in FY2023?"
FORMS = pytest.mark.parametrize("form", ["rate", "arate"])


def rate(workflow: FinancialAssistantWorkflow, form: str, run_async: Any, *said: Any) -> None:
    workflow.rate(*said) if form == "rate" else run_async(workflow.arate(*said))


def build(db: Any = None, **more: Any) -> FinancialAssistantWorkflow:
    return FinancialAssistantWorkflow(db=db, model="offline", provider="embedded", session_id="talk", **more)


@FORMS
def test_it_is_there_after_a_restart(form: str, tmp_path: Path, run_async: Any) -> None:
    workflow = build(tmp_path / "s.db", user_id="ann", metadata={"mine": 1})
    first, second = workflow.run(MARGIN), workflow.run("What is EBITDA?")
    rate(workflow, form, run_async, first, "down", "It is \ud83d 25.3%.\x00")
    assert first.feedback == Feedback("down", "It is  25.3%.")
    later = build(tmp_path / "s.db", user_id="ann")
    stored = later.answers()
    assert [answer.feedback for answer in stored] == [first.feedback, None]
    assert (stored[0].content, stored[0].facts, stored[0].metadata["mine"]) == (first.content, first.facts, 1)
    assert later.history()[["question", "thumb"]].fillna("").values.tolist() == [
        ["What is EBITDA?", ""],
        [MARGIN, "down"],
    ]
    rate(later, form, run_async, stored[0], None)
    rate(later, form, run_async, stored[1], "up")
    assert [answer.feedback for answer in workflow.answers()] == [None, Feedback("up")]
    assert second.feedback is None, "of another process"


@FORMS
@pytest.mark.parametrize("kind", ["memory", "file", "async"])
def test_every_store_keeps_it(kind: str, form: str, tmp_path: Path, run_async: Any) -> None:
    workflow = build(None if kind == "memory" else tmp_path / "s.db")
    answers = [workflow.run(MARGIN), workflow.run("What is EBITDA?")]
    if kind == "async":
        if form == "rate":
            return
        workflow.store = Store(None, open_store(tmp_path / "s.db").native)
    rate(workflow, form, run_async, answers[0], "up", "Checked.")
    found = build(tmp_path / "s.db") if kind == "async" else workflow
    assert [answer.feedback for answer in found.answers()] == [Feedback("up", "Checked."), None]


def test_what_is_not_stored_cannot_be_rated() -> None:
    workflow = build()
    answer = workflow.run(MARGIN)
    with pytest.raises(InputError, match="None to take it back"):
        workflow.rate(answer, "sideways")  # type: ignore[arg-type]
    with pytest.raises(SessionError, match="not stored"):
        build().rate(answer, "up")
    assert answer.feedback is None


@pytest.mark.parametrize("stored", [5, [], ["up"], ["left", ""], ["up", 5], {"thumb": "up"}, None])
def test_damaged_feedback_is_none(stored: Any) -> None:
    answer = build().run(MARGIN)
    answer.metadata = {"finassist_feedback": stored}
    assert answer.feedback is None


def test_rated_answers_become_cases(tmp_path: Path) -> None:
    workflow = build()
    asked = [
        "What was Apple's net margin in FY2024?",
        MARGIN,
        "What was Apple's revenue in FY2024?",
        "How many employees has Apple?",
    ]
    good, corrected, wrong, refused = (workflow.run(question) for question in asked)
    workflow.rate(good, "up", "As in the 10-K.")
    workflow.rate(corrected, "down", "26.0%")
    workflow.rate(wrong, "down", "I meant Apple Hospitality.")
    workflow.rate(refused, "down", "refused")
    with pytest.raises(InputError, match=r"rated down \(“I meant Apple Hospitality.”\)"):
        wrong.as_case()
    cases = [good.as_case(), corrected.as_case(), wrong.as_case("1.43 billion USD"), refused.as_case()]
    assert [(each.right[:5], each.companies, each.note) for each in cases] == [
        ("23.97", "AAPL", "As in the 10-K."),
        ("26.0%", "", "26.0%"),
        ("1.43 ", "", "I meant Apple Hospitality."),
        ("refus", "", "refused"),
    ]
    for name in ("rated.csv", "rated.jsonl"):
        write_cases(cases, tmp_path / name)
        assert [each.note for each in read_cases(tmp_path / name)] == [each.note for each in cases]
    assert json.loads((tmp_path / "rated.jsonl").read_text().splitlines()[0])["metadata"]["note"] == "As in the 10-K."
    assert finassist.evaluate(workflow, tmp_path / "rated.csv").to_frame()["passed"].tolist() == [
        True,
        False,
        False,
        True,
    ]


def test_a_person_who_did_not_say_what_is_right_is_asked(tmp_path: Path) -> None:
    workflow = build()
    answer = workflow.run(MARGIN)
    workflow.rate(answer, "down")
    with pytest.raises(InputError, match="Say what is right"):
        answer.as_case()


def test_an_answer_that_was_stopped_stays_its_owners(tmp_path: Path, run_async: Any) -> None:
    from finassist.sessions.history import Conversations

    workflow = build(tmp_path / "s.db", user_id="ann")
    events = workflow.run(MARGIN, stream=True, run_id="stopped")
    next(iter(events))
    events.close()  # type: ignore[attr-defined]
    run_async(Conversations(workflow.store, workflow.locks).keep_partial("talk", "stopped", "Apple's"))
    assert workflow.history()["run_id"].tolist() == ["stopped"]
