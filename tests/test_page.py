"""The Streamlit page, driven by Streamlit's own AppTest: the same workflow, events, answers and sessions."""

from __future__ import annotations

from html import escape
from pathlib import Path
from typing import Any

import pytest

testing = pytest.importorskip("streamlit.testing.v1", reason="the streamlit extra is not installed")

from finassist import FinancialAssistantWorkflow  # noqa: E402
from finassist.apps import streamlit as app  # noqa: E402
from finassist.apps.serve import PAGE_TOKEN  # noqa: E402

pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("ignore")]
QUESTION = "What is Apple's stock price?"


@pytest.fixture
def page(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.setenv("FINASSIST_HOME", str(tmp_path))
    return opened()


def opened(**query: str) -> Any:
    page = testing.AppTest.from_file(app.__file__, default_timeout=60)
    page.query_params.update(query)
    page.run()
    assert not page.exception
    return page


def shown(page: Any) -> str:
    return " ".join(str(element.proto.body) for element in page.get("html"))


def cards(page: Any) -> list[str]:
    bodies = [str(element.proto.body) for element in page.get("html")]
    return [body for body in bodies if 'class="fin-answer"' in body]


def answers() -> list[Any]:
    workflow = FinancialAssistantWorkflow()
    [session] = workflow.sessions()["session_id"]
    return workflow.answers(session)


def suggested(page: Any) -> list[Any]:
    return [button for button in page.button if button.key and button.key.startswith("follow-")]


def asked(page: Any, question: str) -> Any:
    page.chat_input[0].set_value(question).run()
    assert not page.exception
    return page


def test_a_question_is_answered_and_stored(page: Any) -> None:
    asked(page, QUESTION)
    [answer] = answers()
    assert (answer.input, answer.symbols) == (QUESTION, ["AAPL"])
    assert "309.35" in shown(page)
    assert f">{escape(QUESTION)}</h2>" in shown(page)


def test_an_example_and_a_follow_up_are_a_click(page: Any) -> None:
    example = next(button for button in suggested(page) if button.label == QUESTION)
    example.click().run()
    [follow_up, *_] = suggested(page)
    follow_up.click().run()
    assert not page.exception
    assert [answer.input for answer in answers()] == [QUESTION, follow_up.label]


def test_a_reading_is_a_click(page: Any) -> None:
    asked(page, "What was United's revenue in FY2024?")
    airline = next(button for button in suggested(page) if "United Airlines" in button.label)
    assert [caption.value for caption in page.main.caption] == ["Did you mean?"]
    airline.click().run()
    assert not page.exception
    assert answers()[-1].symbols == ["UAL"]


def test_what_comes_next_stands_once_as_buttons_below_the_newest_answer(page: Any) -> None:
    asked(page, QUESTION)
    [answer] = answers()
    assert [button.label for button in suggested(page)] == answer.follow_ups
    assert "You could ask next" not in shown(page)
    suggested(page)[0].click().run()
    [older, newest] = answers()
    [older_card, newest_card] = cards(page)
    assert [button.label for button in suggested(page)] == newest.follow_ups
    assert all(escape(question) in older_card for question in older.follow_ups)
    assert "You could ask next" not in newest_card


def conversations(page: Any) -> list[str]:
    [picker] = [box for box in page.selectbox if box.label == "Conversation"]
    return picker.options


def test_a_visitor_sees_their_own_conversations(page: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    asked(page, QUESTION)
    monkeypatch.setenv(PAGE_TOKEN, "right")
    for other in (opened(), opened(owner=""), opened(owner="wrong"), opened(owner="é")):
        assert conversations(other) == ["This conversation"]
        asked(other, "What is Tesla's stock price?")
        assert len(conversations(other)) == 1
        assert "309.35" not in shown(other)
    assert len(conversations(page.run())) == 1
    monkeypatch.delenv(PAGE_TOKEN)
    assert conversations(opened(owner="")) == ["This conversation"]


def test_a_visitor_who_signed_in_finds_them_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FINASSIST_HOME", str(tmp_path))
    user = {"is_logged_in": True, "iss": "https://host", "sub": "1"}
    monkeypatch.setattr(app.st.user.__class__, "to_dict", lambda _: user)
    asked(opened(), QUESTION)
    assert any(QUESTION in name for name in conversations(opened()))
    user["sub"] = "2"
    assert conversations(opened()) == ["This conversation"]


def test_the_owner_finds_every_conversation(page: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    asked(page, QUESTION)
    monkeypatch.setenv(PAGE_TOKEN, "right")
    other = opened(owner="right")
    [picker] = [box for box in other.selectbox if box.label == "Conversation"]
    [stored] = [name for name in picker.options if QUESTION in name]
    picker.select(stored).run()
    assert not other.exception
    assert "309.35" in shown(other)


def test_the_conversation_is_kept_as_files(page: Any) -> None:
    asked(page, QUESTION)
    labels = [str(button.proto.label) for button in page.get("download_button")]
    assert labels == ["Conversation as Markdown", "Conversation as HTML", "Figures of answer 1 as CSV"]


def test_what_cannot_be_used_is_said_and_changes_nothing(page: Any) -> None:
    [source] = [box for box in page.selectbox if box.label == "Data"]
    source.select("fmp").run()
    assert not page.exception
    assert any("FMP_API_KEY" in error.value for error in page.error)
    asked(page, QUESTION)
    assert answers()[0].symbols == ["AAPL"]


def test_hostile_text_is_shown_as_text(page: Any) -> None:
    asked(page, "What is <img src=x onerror=alert(1)> EBITDA?")
    assert "<img" not in shown(page)
    assert "EBITDA" in shown(page)


def test_keys_are_typed_into_password_fields_and_stored_nowhere(page: Any, tmp_path: Path) -> None:
    [field] = [box for box in page.text_input if box.label == "OPENAI_API_KEY"]
    assert field.proto.type == field.proto.Type.PASSWORD
    field.set_value("canary-key-123456").run()
    asked(page, QUESTION)
    assert "canary-key-123456" not in shown(page)
    assert not [file for file in tmp_path.rglob("*") if file.is_file() and b"canary-key" in file.read_bytes()]
