"""What Agno reports about an agent's run, read with care.

A failed run does not raise, and a reply that is not of the form asked for counts as completed.
"""

from __future__ import annotations

from typing import Any

from agno.run.agent import RunContentEvent, RunErrorEvent, RunOutput
from agno.run.base import RunStatus

from finassist.effects import Ask, Askable, Reply
from finassist.errors import FinassistError, MalformedReply, ModelFailed


def read_reply(output: RunOutput, ask: Ask, agent: Askable, interrupt: type[BaseException]) -> Reply:
    """Check what Agno reports: a failed run does not raise, and a reply of the wrong form counts as completed."""
    error: FinassistError | None = None
    if output.status == RunStatus.cancelled:
        # Agno turns an interrupt inside the agent into a status; the run as a whole has to stop.
        raise interrupt
    if output.status != RunStatus.completed:
        error = ModelFailed(
            f"The model of the {ask.agent} agent failed: {output.content}. Ask again, or try another model."
        )
    elif ask.schema and not isinstance(output.content, ask.schema):
        error = MalformedReply(
            f"The model of the {ask.agent} agent did not reply with a {ask.schema.__name__}. Ask again."
        )
    elif ask.schema is None and not (isinstance(output.content, str) and output.content.strip()):
        error = MalformedReply(f"The model of the {ask.agent} agent replied with nothing. Ask again.")
    content = None if error else output.content
    return Reply(content=content, error=error, agent=ask.agent, model=_model_name(agent), metrics=output.metrics)


def _model_name(agent: Askable) -> str:
    return str(getattr(agent.model, "id", "") or "")


class Words:
    """Reads an agent's stream: words out as events, the final output kept for the reply."""

    def __init__(self, ask: Ask, agent: Askable) -> None:
        self._ask, self._agent = ask, agent
        self._final: RunOutput | None = None
        self._failure = ""

    def read(self, event: Any) -> RunContentEvent | None:
        """A word to hand on, if the event is one."""
        if isinstance(event, RunOutput):
            self._final = event
        elif isinstance(event, RunErrorEvent):
            self._failure = str(event.content or event.error_type or "no reason given")
        elif isinstance(event, RunContentEvent) and event.content:
            return RunContentEvent(content=event.content, agent_id=event.agent_id, agent_name=self._ask.agent,
                                   step_name=self._ask.agent)  # fmt: skip
        return None

    def reply(self, interrupt: type[BaseException]) -> Reply:
        """The whole reply, once the stream has ended."""
        failed = RunOutput(content=self._failure or "it ended without a reply", status=RunStatus.error)
        return read_reply(self._final or failed, self._ask, self._agent, interrupt)
