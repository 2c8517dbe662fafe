"""`finassist` in a chat of Jupyter AI: the real packages without a browser, as their server calls them.

`uv run --isolated --group jupyter-ai pytest -m slow tests/test_persona.py`; skipped without the group.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from finassist import FinancialAssistantWorkflow
from tests.test_chat_panel import Talking

manager = pytest.importorskip("jupyter_ai_persona_manager.persona_manager", reason="needs the group jupyter-ai")
from jupyterlab_chat.models import Message  # noqa: E402
from jupyterlab_chat.websocket_model import WsChatModel  # noqa: E402

pytestmark = pytest.mark.slow
ID = "jupyter-ai-personas::finassist::FinassistPersona"


@pytest.fixture
def chat(tmp_path: Path, run_async: Any, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Any]:
    """Calls `play` with the persona of a new chat, as its entry point made it, and one that sends it a message."""

    def opened(play: Callable[..., Any], workflow: FinancialAssistantWorkflow) -> Any:
        async def played() -> Any:
            loop = asyncio.get_running_loop()
            room = WsChatModel(path="one.chat", root_dir=tmp_path)
            rooms = manager.PersonaManager(chat=room, root_dir=str(tmp_path), event_loop=loop)
            persona = rooms.personas[ID]
            persona.workflow = lambda: workflow

            def send(text: str) -> Any:
                return persona.on_message(Message(body=text, id="1", time=0, sender="me"))

            return await play(persona, send)

        return run_async(played())

    return opened


def test_a_question_is_answered_by_its_card_and_the_next_one_follows_up(chat, workflow) -> None:
    async def play(persona: Any, send: Any) -> None:
        await send("@finassist What was Apple's net margin in FY2023?")
        await send("and in FY2022?")
        first, second = persona.chat.get_messages()
        assert first.body.startswith("Apple's net margin was 25.3% in FY2023")
        assert 'class="fin-answer"' in first.mime_model["data"]["text/html"]
        assert first.mime_model["trusted"]
        assert "FY2022" in second.body
        assert len(workflow.answers(persona.chat.get_id())) == 2
        assert persona.defaults.avatar_path.endswith(".svg")

    chat(play, workflow)


def test_what_cannot_be_asked_is_one_sentence_in_which_nothing_is_markup(chat, workflow) -> None:
    async def play(persona: Any, send: Any) -> None:
        await send("@finassist")
        await send("x" * 100_000)
        empty, long = persona.chat.get_messages()
        assert empty.body.startswith("**No answer.** The question is empty.")
        assert long.body.count("\n") == 0

    chat(play, workflow)


def test_words_are_shown_as_they_come_and_stay_when_the_answer_is_stopped(chat) -> None:
    model = Talking()

    async def play(persona: Any, send: Any) -> None:
        asked = asyncio.create_task(send("@finassist what is free cash flow?"))
        await model.said.wait()
        while not persona.chat.get_messages():
            await asyncio.sleep(0)
        assert persona.chat.get_messages()[0].body == "One."
        await persona.cancel_response()
        await asked
        [message] = persona.chat.get_messages()
        assert "This run was stopped." in message.body
        assert "One." in message.body
        assert not persona.processing

    chat(play, FinancialAssistantWorkflow(db=None, model=model, routing="model"))
