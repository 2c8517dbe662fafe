"""What a flow may wish for: it yields events and effects, and a driver performs the effects.

    Ask     a question to one of the agents          -> AgentReply
    Fetch   one kind of figures about one company    -> list[Fact] or Gap
    Gather  several flows at the same time           -> their results, in declared order
    Compute pure work that takes long                -> its result; a running loop is not held up by it

A flow is a plain generator: no `async`, no I/O, no clock. That is what keeps `run()` and `arun()` one behaviour.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from time import monotonic
from typing import Any, Final, cast

from agno.metrics import RunMetrics
from agno.run.agent import RunContentEvent, RunErrorEvent, RunOutput
from agno.run.base import RunStatus
from agno.tools.finance import FinanceProvider
from pydantic import BaseModel

from finassist.core.errors import MalformedReply, ModelError
from finassist.core.events import FlowEvent
from finassist.core.facts import Fact, Gap
from finassist.core.secrets import Redactor, Secrets, each_text, redact, redact_error
from finassist.core.spans import Attributes, measured
from finassist.llm.agents import Askable, ConversationSummary, ExtractedSymbols, RoutedQuestion, shown
from finassist.llm.calls import (
    CallRecord,
    Limits,
    answered_by,
    asked_model,
    call_error,
    cost,
    ending_error,
    limit_error,
    recording,
)
from finassist.llm.connections import fit
from finassist.providers.base import Need, Periods, QueryNeed, UniverseScope
from finassist.questions.review import Review

_FEW_FACTS: Final = 1_000
"""A document of one company: some 10 ms."""


@dataclass(frozen=True, slots=True)
class Ask:
    """Ask an agent. With `stream`, its words are events as they come; with `review`, sentence by sentence."""

    agent: str
    message: str
    schema: type[BaseModel] | None = None
    stream: bool = False
    review: Review | None = None


@dataclass(frozen=True, slots=True)
class AgentReply:
    """What an agent replied: content of the form asked for, or the reason there is none."""

    content: Any = None
    error: ModelError | None = None
    agent: str = ""
    model: str = ""
    metrics: RunMetrics | None = None


@dataclass(frozen=True, slots=True)
class Fetch:
    """Fetch one need of one company from the data provider, or from another `source`."""

    symbol: str
    need: Need | QueryNeed
    periods: Periods
    scope: UniverseScope | None = None
    source: FinanceProvider | None = None


@dataclass(frozen=True, slots=True)
class Gather:
    """Run flows at the same time; all of them settle, whatever becomes of their siblings."""

    flows: tuple[Flow[Any], ...]


@dataclass(frozen=True, slots=True)
class Compute:
    """Do pure work on so many facts that it may take long."""

    work: Callable[[], Any]


type Effect = Ask | Fetch | Gather | Compute
type Flow[Result] = Generator[FlowEvent | Effect, Any, Result]


def ask(
    agent: str,
    message: str,
    schema: type[BaseModel] | None = None,
    *,
    stream: bool = False,
    review: Review | None = None,
) -> Flow[AgentReply]:
    """Ask an agent and receive its `AgentReply`."""
    return cast(AgentReply, (yield Ask(agent, message, schema, stream, review)))


def fetch(wanted: Fetch) -> Flow[list[Fact] | Gap]:
    """Fetch figures, or receive the gap where they should have been."""
    return cast("list[Fact] | Gap", (yield wanted))


def gather[Result](flows: Sequence[Flow[Result]]) -> Flow[list[Result]]:
    """Run `flows` at the same time and receive their results in the order given."""
    return cast("list[Result]", (yield Gather(tuple(flows))))


def compute[Result](work: Callable[[], Result], found: Iterable[Sequence[Fact] | Gap]) -> Flow[Result]:
    """What `work` makes of the facts that were found; here if they are few, else where it holds nothing up."""
    if sum(len(facts) for facts in found if not isinstance(facts, Gap)) <= _FEW_FACTS:
        return work()
    return cast("Result", (yield Compute(work)))


# -------------------------------------------------------------------------------------------- asking an agent


_DUTY: Final[Mapping[type[BaseModel], str]] = {
    RoutedQuestion: "name the kind of answer",
    ExtractedSymbols: "name the companies",
    ConversationSummary: "sum up the conversation",
}
"""What each structured reply is for, in words that a reader knows."""


@dataclass
class AgentCall:
    """A question to an agent, from asking to its reply; no text of it repeats one of the secrets."""

    ask: Ask
    agent: Askable
    limits: Limits
    secrets: Secrets = Secrets()  # noqa: RUF009  immutable
    _record: CallRecord = field(default_factory=CallRecord)
    _final: RunOutput | None = None
    _reported: str = ""
    _span: Attributes = field(default_factory=dict[str, Any])

    def __post_init__(self) -> None:
        self._record.secrets = self.secrets
        self._redactor = Redactor(self.secrets)
        self.agent = fit(self.agent, self.limits, self.ask.agent)
        if self.ask.review:
            self.ask.review.clean = self._clean
        self.seconds = self.limits.overall(_models(self.agent))
        self._deadline = monotonic() + self.seconds

    def measured(self) -> AbstractContextManager[object]:
        """Inside, the call is a span of the run."""
        model = str(getattr(self.agent.model, "id", ""))
        self._span |= asked_model(self.ask.agent, model, self.ask.message)
        return measured(f"chat {model}", self._span, step=self.ask.agent)

    def watched(self) -> AbstractContextManager[object]:
        """Inside, the agent's model reports what Agno does not."""
        return recording(self._record)

    def close(self) -> None:
        """Hang up if the reply was not read to its end."""
        self._record.close()

    def read(self, event: Any) -> RunContentEvent | None:
        """One event of the agent's stream: a word to hand on, if it is one."""
        if isinstance(event, RunOutput):
            self._final = event
        elif isinstance(event, RunErrorEvent):
            self._reported = self._clean(str(event.content or event.error_type or "no reason given"))
        elif isinstance(event, RunContentEvent) and event.content and not self._record.broken:
            self._record.said += len(str(event.content))
            return None if self.enough() else self._shown(self._redactor.feed(str(event.content)))
        return None

    def rest(self) -> RunContentEvent | None:
        """The agent has stopped: what waited for more, of a reply under review if it may be shown."""
        return self._shown(self._redactor.close(), last=True)

    def _shown(self, text: str, *, last: bool = False) -> RunContentEvent | None:
        if self.ask.review:
            text = self.ask.review.feed(text) + (self.ask.review.close() if last else "")
        return self._word(text if self.ask.review else self._clean(text))

    def _word(self, content: Any) -> RunContentEvent | None:
        name, agent_id = self.ask.agent, str(getattr(self.agent, "id", "") or "")
        return RunContentEvent(content=content, agent_id=agent_id, agent_name=name, step_name=name) if content else None

    def enough(self) -> bool:
        """Whether to stop listening: the agent talks for too long, or too much."""
        return monotonic() > self._deadline or self._record.broken or self._record.said > self.limits.characters

    def late(self) -> AgentReply:
        """The reply, when time ran out."""
        text = f"no reply within {self.seconds:g} seconds"
        return self._reply(None, limit_error(self.ask.agent, self._record, "timeout", text))

    def reply(self, output: RunOutput | None, interrupt: type[BaseException]) -> AgentReply:
        """The reply, when the agent has said what it had to say. `output` is `None` after a stream.

        Agno turns an interrupt into a status; it is raised again, since the run as a whole has to stop.
        """
        ended = self._final is not None and self._final.status != RunStatus.cancelled  # as Agno calls one that is left
        if output is None and self.enough() and not ended:
            return self._cut()
        output = output or self._final or RunOutput(status=RunStatus.error)
        if output.status == RunStatus.cancelled:
            raise interrupt
        return self._reply(output, self._problem(output))

    def _cut(self) -> AgentReply:
        if self._record.said > self.limits.characters:
            return self._reply(None, self._too_long())
        if self._record.broken:
            return self._reply(None, call_error(self.ask.agent, self._record, self._reported))
        return self.late()

    def _too_long(self) -> ModelError:
        text = f"the reply had more than {self.limits.characters:,} characters"
        return limit_error(self.ask.agent, self._record, "too_long", text)

    def _problem(self, output: RunOutput) -> ModelError | None:
        name, schema, content = self.ask.agent, self.ask.schema, redact(str(output.content or ""), self.secrets)
        if output.status != RunStatus.completed:
            return call_error(name, self._record, self._reported or content or "it ended without a reply")
        if len(content) > self.limits.characters:
            return self._too_long()
        review = self.ask.review
        said = review.text if review and not review.withheld else content
        fits = isinstance(output.content, schema) if schema else bool(said.strip())
        if fits and schema:
            return None  # a whole reply in the form asked for, however it ended
        if (problem := ending_error(name, self._record)) or fits:
            return problem
        form = (
            f"did not {_DUTY.get(schema, 'reply')} in the form it was asked for" if schema else "replied with nothing"
        )
        return MalformedReply(f"The model of the {name} agent {form}. Ask again.")

    def _reply(self, output: RunOutput | None, error: ModelError | None) -> AgentReply:
        content = self._content(output.content) if output and not error else None
        if error:
            redact_error(error, self.secrets)
        model = self._record.models[-1] if self._record.models else str(getattr(self.agent.model, "id", "") or "")
        metrics = output.metrics if output else None
        if metrics is not None and metrics.cost is None:
            metrics.cost = cost(model, metrics, self.limits.prices)
        self._span |= answered_by(model, metrics, content, error)
        return AgentReply(content=content, error=error, agent=self.ask.agent, model=model, metrics=metrics)

    def _content(self, content: Any) -> Any:
        """What was said, as it may be shown."""
        if self.ask.review:
            return self.ask.review.text
        if isinstance(content, BaseModel):
            said = content.model_dump()
            cleaned = each_text(said, self._clean)
            return content if cleaned == said else type(content).model_validate(cleaned)
        return self._clean(content) if isinstance(content, str) else content

    def _clean(self, text: str) -> str:
        return redact(shown(text), self.secrets)


def _models(agent: Askable) -> int:
    """How many models Agno may try for the agent."""
    fallbacks = getattr(agent, "fallback_config", None)
    return 1 + len(fallbacks.on_error if fallbacks else ())
