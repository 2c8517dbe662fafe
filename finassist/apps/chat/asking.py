"""One question of a panel: asked as a stream, stopped on demand, what had arrived kept."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from time import time
from typing import Any, cast
from uuid import uuid4

from agno.run.agent import RunContentEvent
from agno.run.base import RunStatus
from agno.run.workflow import WorkflowCancelledEvent, WorkflowCompletedEvent

from finassist.answer import Answer
from finassist.core.errors import SessionError
from finassist.core.events import RunResponse
from finassist.runtime.context import Assistant
from finassist.sessions.conversations import Conversations

NOTHING_ARRIVED = "Stopped before anything had arrived."


class Asking:
    """One question, from sending it to its answer.

    Attributes:
        text: What of the answer's words has arrived.
        stopped: Whether somebody stopped it.
    """

    def __init__(self, workflow: Assistant, question: str, session_id: str) -> None:
        self.question, self.session_id, self.run_id = question, session_id, str(uuid4())
        self._workflow = workflow
        self._task: asyncio.Task[Any] | None = None
        self._events: list[RunResponse] = []
        self.text = ""
        self.stopped = False

    def stop(self) -> None:
        """Stop it at the next point where that is safe."""
        if self._task is not None and not self.stopped:
            self.stopped = True
            self._task.cancel()

    @property
    def began(self) -> bool:
        """Whether the workflow has begun to answer; until then a question may wait for its turn."""
        return bool(self._events)

    async def answer(self, turn: asyncio.Lock, see: Callable[[RunResponse], None]) -> Answer:
        """Wait for the conversation's `turn`, ask, and hand every event to `see`.

        Returns:
            The answer; one that was stopped has the status `cancelled` and what had arrived as its content.

        Raises:
            FinassistError: The answer failed.
        """
        self._task = asyncio.current_task()
        try:
            async with turn:
                return await self._stream(see)
        except asyncio.CancelledError:
            if not self.stopped or self._task is None:
                raise
            self._task.uncancel()
            return await self._partial(see)
        finally:
            self._task = None

    async def _stream(self, see: Callable[[RunResponse], None]) -> Answer:
        stream = self._workflow.arun(self.question, stream=True, session_id=self.session_id, run_id=self.run_id)
        found: Answer | None = None
        async with aclosing(cast("AsyncGenerator[RunResponse]", stream)) as events:
            async for event in events:
                self._events.append(event)
                if isinstance(event, RunContentEvent):
                    self.text += str(event.content or "")
                if isinstance(event, WorkflowCompletedEvent) and isinstance(event.run_output, Answer):
                    found = event.run_output
                see(event)
        return found or self._stopped_answer()

    async def _partial(self, see: Callable[[RunResponse], None]) -> Answer:
        if not self._events:
            return self._stopped_answer()
        saved, whole = True, None
        try:
            stored = Conversations(self._workflow.runtime.store, self._workflow.runtime.locks)
            whole = await stored.keep_partial(self.session_id, self.run_id, self.text)
        except SessionError:
            saved = False
        kind = WorkflowCancelledEvent if whole is None else WorkflowCompletedEvent
        last = kind(run_id=self.run_id, session_id=self.session_id)
        self._events.append(last)
        see(last)
        answer = whole or self._stopped_answer()
        answer.events, answer.saved = list(self._events), saved  # pyright: ignore[reportAttributeAccessIssue]
        return answer

    def _stopped_answer(self) -> Answer:
        answer = Answer(
            run_id=self.run_id,
            session_id=self.session_id,
            input=self.question,
            content=self.text.strip() or NOTHING_ARRIVED,
            status=RunStatus.cancelled,
            created_at=int(time()),
        )
        answer.events = list(self._events)  # pyright: ignore[reportAttributeAccessIssue]
        return answer
