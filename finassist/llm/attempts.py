"""What happens while a model is asked: its time is limited, its words are counted, its end is looked at.

    Watch      one question to an agent, seen by a driver      one or more attempts: a model, and its fallbacks
    Attempt    one call of one model                           one or more requests: the transport tries again

Agno tells neither why a call failed nor why a reply ended. So a model notes both on the attempt, and the driver reads
them from its watch. Both travel in context variables, because Agno's agent stands in between.
"""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from time import monotonic
from types import MappingProxyType
from typing import Any, Self

from agno.exceptions import ModelProviderError
from agno.models.response import ModelResponse

from finassist.llm.prices import Price, Prices, cost, priced

_GRACE = 0.2
_BYTES_PER_CHARACTER = 200  # of a streamed reply: each word of it comes in an envelope of JSON
_TIMED_OUT = 504


@dataclass(frozen=True, kw_only=True)
class Limits:
    """How much of a model is borne with.

    Attributes:
        seconds: For one call, requests tried again included.
        connect_seconds: For one connection.
        retries: Requests tried again after an overload or a lost connection, where the model was given no number.
        pause: Seconds before the first of them; each further one waits twice as long.
        characters: Of a reply.
        prices: Of models by id.
    """

    seconds: float = 60.0
    connect_seconds: float = 5.0
    retries: int = 2
    pause: float = 0.5
    characters: int = 20_000
    prices: Prices = field(default_factory=lambda: MappingProxyType[str, Price]({}))

    @classmethod
    def of(cls, settings: Any) -> Self:
        """From settings, with the default for each that is not there."""
        names = {"seconds": "model_timeout", "retries": "model_retries", "characters": "max_reply_chars"}
        given = {mine: getattr(settings, theirs) for mine, theirs in names.items() if hasattr(settings, theirs)}
        return cls(**given, prices=priced(getattr(settings, "model_prices", None) or {}))

    @property
    def bytes(self) -> int:
        """Decoded bytes of an HTTP body that are read."""
        return self.characters * _BYTES_PER_CHARACTER

    def overall(self, models: int) -> float:
        """Seconds for a question that several models may be tried for; a model's own limit strikes first."""
        return self.seconds * models + _GRACE


class ModelGaveWay(Exception):
    """A reply that had begun did not end well. Not Agno's error, so nothing starts it again from the beginning."""


class RanOutOfTime(ModelProviderError):
    """The call took longer than its limit. Agno's error, so that a fallback may take over."""

    def __init__(self, model_id: str, seconds: float) -> None:
        super().__init__(f"no reply within {seconds:g} seconds", _TIMED_OUT, model_id=model_id)


class RanOn(ModelGaveWay):
    """The reply was longer than its limit."""


class BrokeOff(ModelGaveWay):
    """The reply stopped in the middle."""


class RanLate(BrokeOff):
    """The reply had begun when its time was up."""


@dataclass
class Watch:
    """One question to an agent.

    Attributes:
        models: Ids of the models that were tried, in order.
        causes: Why the last of them failed: its error, what caused that, and so on.
        ending: Why its reply ended, in the provider's word (`"stop"`, `"length"`, …).
        refusal: Whether it declined to answer.
        key: The variable its key is read from, if it has one.
    """

    models: list[str] = field(default_factory=list[str])
    causes: tuple[BaseException, ...] = ()
    ending: str | None = None
    refusal: bool = False
    key: str | None = None

    def begin(self, model_id: str, key: str | None = None) -> None:
        """Another model is tried; why the one before failed no longer matters."""
        self.models.append(model_id)
        self.key = key
        self.causes, self.ending, self.refusal = (), None, False


@dataclass
class Attempt:
    """One call of one model."""

    model_id: str
    limits: Limits
    key: str | None = None
    deadline: float = 0.0
    said: int = 0
    ending: str | None = None
    refusal: bool = False
    tells_ending: bool = False
    body: Any = None
    """The response that is being streamed, which nobody else closes at once when its reader is left."""

    def __post_init__(self) -> None:
        self.deadline = monotonic() + self.limits.seconds
        self._watch = current_watch()
        self._watch.begin(self.model_id, self.key)

    @property
    def remaining(self) -> float:
        """Seconds until the deadline; not negative."""
        return max(0.0, self.deadline - monotonic())

    @contextmanager
    def under_way(self) -> Generator[None]:
        """Inside, the transport knows this attempt; what fails is noted. Never held across a `yield` of a stream."""
        token = _attempt.set(self)
        try:
            yield
        except Exception as error:
            failure = self._named(error)
            self._watch.causes = (failure, *_causes(error)) if failure is not error else _causes(error)
            if failure is error:
                raise
            raise failure from error
        finally:
            _attempt.reset(token)

    def note(self, raw: Any) -> None:
        """Look at what the provider sent for how the reply ended: as Chat Completions, Anthropic's or Ollama's."""
        for choice in getattr(raw, "choices", None) or ():
            self.tells_ending = True
            said = getattr(choice, "message", None) or getattr(choice, "delta", None)
            self._end(getattr(choice, "finish_reason", None), bool(getattr(said, "refusal", None)))
        for holder in (raw, getattr(raw, "delta", None)):
            self._end(getattr(holder, "stop_reason", None) or getattr(holder, "done_reason", None))
        self.tells_ending |= getattr(raw, "type", None) == "message_start"

    def read(self, reply: ModelResponse) -> ModelResponse:
        """Count what the model said, and what it cost.

        Raises:
            RanOn: It said too much.
        """
        if isinstance(reply.content, str):
            self.said += len(reply.content)
        if self.said > self.limits.characters:
            raise RanOn(f"the reply had more than {self.limits.characters:,} characters")
        if (used := reply.response_usage) is not None and used.cost is None:
            used.cost = cost(self.model_id, used, self.limits.prices)
        return reply

    def finish(self) -> None:
        """The reply has ended by itself.

        Raises:
            BrokeOff: A stream ended without saying so.
        """
        if self.tells_ending and self.ending is None:
            raise BrokeOff("the stream ended in the middle")

    def close(self) -> None:
        """Let go of the connection."""
        if self.body is not None:
            self.body.close()

    async def aclose(self) -> None:
        """Let go of the connection."""
        if self.body is not None:
            await self.body.aclose()

    def check_time(self) -> None:
        """Between two pieces of a stream.

        Raises:
            RanOutOfTime: The deadline has passed.
        """
        if not self.remaining:
            raise RanOutOfTime(self.model_id, self.limits.seconds)

    def _end(self, ending: Any, refusal: bool = False) -> None:
        self.ending = str(ending) if ending else self.ending
        self.refusal |= refusal or self.ending in ("refusal", "content_filter")
        self._watch.ending, self._watch.refusal = self.ending, self.refusal

    def _named(self, error: Exception) -> Exception:
        if isinstance(error, ModelGaveWay):
            return error
        if not self.remaining or isinstance(error, TimeoutError):
            late = RanOutOfTime(self.model_id, self.limits.seconds)
            return RanLate(str(late)) if self.said else late
        return BrokeOff(str(error)) if self.said else error


def _causes(error: BaseException) -> tuple[BaseException, ...]:
    """Noted at once: further up, Agno raises the error from itself, and what caused it is gone."""
    return (error, *_causes(error.__cause__)) if error.__cause__ not in (None, error) else (error,)


_watch: ContextVar[Watch | None] = ContextVar("finassist_watch", default=None)
_attempt: ContextVar[Attempt | None] = ContextVar("finassist_attempt", default=None)


def current_watch() -> Watch:
    """What is known of the question an agent is asked now; one that nobody reads outside of our drivers."""
    return _watch.get() or Watch()


def current_attempt() -> Attempt | None:
    """The attempt under way in this context; the transport keeps its deadline and its limits."""
    return _attempt.get()


@contextmanager
def watching(watch: Watch) -> Generator[None]:
    """Inside, every model that is asked reports to `watch`."""
    token = _watch.set(watch)
    try:
        yield
    finally:
        _watch.reset(token)
