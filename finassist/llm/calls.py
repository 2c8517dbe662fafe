"""What asking a model may take, what happened while one was asked, and the error that says why it failed."""

from __future__ import annotations

import re
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from time import monotonic
from typing import Any, Final, Literal, Self

from agno.exceptions import ContextWindowExceededError, ModelProviderError
from agno.metrics import BaseMetrics
from pydantic import BaseModel, Field, TypeAdapter, ValidationError

from finassist.config.settings import Settings
from finassist.core.errors import (
    ConfigurationError,
    ContextOverflow,
    ModelAuthError,
    ModelError,
    ModelFailed,
    ModelOverloaded,
    ModelRefused,
    ModelTimeout,
    ModelUnreachable,
    ReplyTooLong,
    TruncatedReply,
)
from finassist.core.secrets import Secrets
from finassist.core.spans import Attributes

_GRACE = 0.2
_BYTES_PER_CHARACTER = 200  # of a streamed reply: each word of it comes in an envelope of JSON
_TOKENS_PER_PRICE: Final = 1_000_000

FailureKind = Literal["timeout", "too_long", "cut", "unreachable", "rejected"]


class Price(BaseModel, extra="forbid", frozen=True):
    """US dollars per million tokens of one model, as a user states it. No price is built in: providers change them.

    Attributes:
        input: For tokens sent.
        output: For tokens received.
        cached_input: For tokens sent that the provider had cached; `input` if not given.
        as_of: The day the price was read.
        source: Where it was read.

    Example:
        >>> Price(input=2, output=8).output
        8.0
    """

    input: float = Field(ge=0, allow_inf_nan=False)
    output: float = Field(ge=0, allow_inf_nan=False)
    cached_input: float | None = Field(default=None, ge=0, allow_inf_nan=False)
    as_of: str = ""
    source: str = ""


type Prices = Mapping[str, Price]
_PRICES: Final = TypeAdapter(dict[str, Price])


@dataclass(frozen=True, kw_only=True)
class Limits:
    """What a model may take for one question, and how much it may say."""

    seconds: float = 60.0  # for one model, its retries and tool calls included
    connect_seconds: float = 5.0  # for one connection
    retries: int = 2  # requests sent again by the SDK after an overload or a lost connection
    characters: int = 20_000  # of a reply
    rounds: int = 20  # replies of one model to one question; each tool call takes one
    prices: Prices = field(default_factory=dict[str, Price])  # of models by id

    @classmethod
    def of(cls, settings: Settings) -> Self:
        """From settings.

        Raises:
            ConfigurationError: A price is no price.
        """
        return cls(
            seconds=settings.model_timeout,
            retries=settings.model_retries,
            characters=settings.max_reply_chars,
            prices=priced(settings.model_prices),
        )

    @property
    def bytes(self) -> int:
        """Decoded bytes of an HTTP body that are read."""
        return self.characters * _BYTES_PER_CHARACTER

    def overall(self, models: int) -> float:
        """Seconds for a question that several models may be tried for; a model's own limit strikes first."""
        return self.seconds * models + _GRACE


def priced(table: Mapping[str, Any]) -> Prices:
    """Prices by model id, from plain dictionaries.

    Raises:
        ConfigurationError: A price is no price; the message names the model.
    """
    try:
        return _PRICES.validate_python(dict(table))
    except ValidationError as error:
        model_id, *wrong = map(str, error.errors(include_input=False)[0]["loc"])
        raise ConfigurationError(
            f"The price of model {model_id[:80]!r} cannot be used ({''.join(wrong[:1])}). "
            'Give US dollars per million tokens, such as {"input": 2, "output": 8}; '
            "cached_input, as_of and source may be given too."
        ) from None


def cost(model_id: str, used: BaseMetrics, prices: Prices) -> float | None:
    """US dollars that these tokens cost, or `None` where no price is known.

    Example:
        >>> used = BaseMetrics(input_tokens=500_000, output_tokens=100_000)
        >>> cost("mine", used, {"mine": Price(input=2, output=8)}), cost("other", used, {})
        (1.8, None)
    """
    price = prices.get(model_id)
    if price is None:
        return None
    cached = min(used.cache_read_tokens or 0, used.input_tokens or 0) if price.cached_input is not None else 0
    fresh = (used.input_tokens or 0) - cached
    dollars = fresh * price.input + cached * (price.cached_input or 0) + (used.output_tokens or 0) * price.output
    return dollars / _TOKENS_PER_PRICE


@dataclass(frozen=True, slots=True)
class Failure:
    """Why a request to a model failed."""

    kind: FailureKind  # rejected: an answer with an error; else the connection or a limit failed
    text: str = ""  # what the server or the transport says about it, without keys
    status: int | None = None  # HTTP status of a rejection
    address: str = ""  # where a server was looked for that cannot be reached


@dataclass
class CallRecord:
    """What happened while one question to an agent was answered, fallback models included."""

    models: list[str] = field(default_factory=list[str])  # ids of the models that were tried, in order
    key: str | None = None  # the variable that the last of them reads its key from, if it has one
    failure: Failure | None = None  # why its last request failed, if it did
    ending: str | None = None  # why its reply ended, in the provider's word (`"stop"`, `"length"`, …)
    refusal: bool = False  # whether it declined to answer
    said: int = 0  # characters of a streamed reply that were handed on
    broken: bool = False  # whether a stream failed after some of its words were passed on: it cannot be restarted
    stream: Any = None  # the body of a sync reply that is read; nothing else closes it when its reader stops
    secrets: Secrets = Secrets()  # noqa: RUF009  immutable; what no text and no log of it may repeat
    _deadlines: dict[int, float] = field(default_factory=dict[int, float])

    def begin(self, model_id: str, key: str | None = None) -> None:
        """Another request is sent; what became of the one before no longer matters."""
        if self.broken:
            return
        if self.models[-1:] != [model_id]:
            self.models.append(model_id)
        self.key = key
        self.failure, self.ending, self.refusal = None, None, False

    def close(self) -> None:
        """Hang up on a sync reply that is not read to its end."""
        if self.stream is not None:
            self.stream.close()

    def deadline(self, owner: object, seconds: float) -> float:
        """When the time of one model is up: from its first request on, all of them together have so many seconds."""
        return self._deadlines.setdefault(id(owner), monotonic() + seconds)


_record: ContextVar[CallRecord | None] = ContextVar("finassist_call_record", default=None)


def current_record() -> CallRecord:
    """The record of the question under way; outside of a run, a new one for each request."""
    return _record.get() or CallRecord()


@contextmanager
def recording(record: CallRecord) -> Generator[CallRecord]:
    """Inside, every model that is asked writes on `record`."""
    token = _record.set(record)
    try:
        yield record
    finally:
        _record.reset(token)


def asked_model(agent: str, model: str, message: str) -> Attributes:
    """The attributes of a span for a call: those of OpenTelemetry, and those that AgentOS shows."""
    return {
        "openinference.span.kind": "LLM",
        "gen_ai.operation.name": "chat",
        "gen_ai.agent.name": agent,
        "gen_ai.request.model": model,
        "input.value": message,
    }


def answered_by(model: str, used: BaseMetrics | None, content: Any, error: Exception | None = None) -> Attributes:
    """The attributes of its outcome."""
    tokens = (used.input_tokens, used.output_tokens) if used else (None, None)
    return {
        "gen_ai.response.model": model,
        "llm.model_name": model,
        **dict(zip(("gen_ai.usage.input_tokens", "gen_ai.usage.output_tokens"), tokens, strict=True)),
        **dict(zip(("llm.token_count.prompt", "llm.token_count.completion"), tokens, strict=True)),
        "output.value": "" if content is None else str(content),
        **({"error.type": type(error).__name__, "exception.message": str(error)} if error else {}),
    }


_CUT_SHORT: Final = frozenset({"length", "max_tokens", "model_context_window_exceeded"})
_LONGEST: Final = 200
_OFFLINE: Final = 'or use model="offline", which needs neither key nor network.'
_NETWORK: Final = f"Check that its server runs and the network connection, {_OFFLINE}"

# What a server says that refuses a key by another status than 401 and 403, or that reaches no server of its own.
_KEY_REFUSED: Final = re.compile(r"\bapi[ _-]?key\b|authentication|unauthori[sz]ed|no connected db", re.IGNORECASE)
_NOT_THERE: Final = re.compile(
    r"\bconnection (error|refused)|connect call failed|(cannot|could not|failed to|unable to) connect\b", re.IGNORECASE
)


def ending_error(agent: str, record: CallRecord) -> ModelError | None:
    """What is wrong with how a reply ended, if anything is."""
    if record.refusal:
        return ModelRefused(f"{_model(agent, record)} declined to answer. Ask in other words, or try another model.")
    if record.ending in _CUT_SHORT:
        return TruncatedReply(
            f"The reply of {_model(agent, record, capital=False)} was cut off at the model's limit. "
            "Ask for less at a time, or try another model."
        )
    return None


def call_error(agent: str, record: CallRecord, text: str) -> ModelError:
    """Why the call failed; `text` is what Agno reports, and counts where the transport saw no failure."""
    found = record.failure or Failure("rejected", text)
    who, text = _model(agent, record), _shortened(found.text or text)
    if found.kind == "timeout":
        return ModelTimeout(f"{who} took too long: {text}. Ask again, or raise FINASSIST_MODEL_TIMEOUT.")
    if found.kind == "too_long":
        return ReplyTooLong(f"{who} went on and on: {text}. Ask for less, or raise FINASSIST_MAX_REPLY_CHARS.")
    if found.kind == "cut" or record.broken:
        return TruncatedReply(f"{who} broke off in the middle of its reply: {text}. Ask again.")
    if found.kind == "unreachable":
        return ModelUnreachable(f"{who} cannot be reached{f' at {found.address}' if found.address else ''}. {_NETWORK}")
    return _rejected(found.status, who, text, record)


def limit_error(agent: str, record: CallRecord, kind: FailureKind, text: str) -> ModelError:
    """A limit of ours ended the call."""
    return call_error(agent, CallRecord(models=record.models, failure=Failure(kind, text)), "")


def _rejected(status: int | None, who: str, text: str, record: CallRecord) -> ModelError:
    if status is None and "API_KEY not set" in text:
        return ModelAuthError(f"{who} has no key. Set one in the environment, {_OFFLINE}")
    if status in (401, 403) or (status in (None, 400) and _KEY_REFUSED.search(text)):
        key = f"Check {record.key}" if record.key else "Check the key"
        return ModelAuthError(f"{who} did not accept the key ({status or text}). {key}, {_OFFLINE}")
    if status in (None, 500, 502, 504) and _NOT_THERE.search(text):
        return ModelUnreachable(f"{who} cannot be reached: {text}. {_NETWORK}")
    if status == 413 or _is_context_overflow(text, status):
        return ContextOverflow(
            f"The question with its conversation is longer than {who[0].lower()}{who[1:]} can read. "
            "Ask a shorter question, or begin a new session."
        )
    if status == 429:
        return ModelOverloaded(
            f"{who} allows no more requests now (429): {text}. Wait a minute and ask again, or check plan and billing."
        )
    if status in (503, 529):
        return ModelOverloaded(f"{who} is overloaded ({status}). Ask again in a minute, or try another model.")
    code = f" ({status})" if status else ""
    if status is None and _OF_PYTHON.search(text):
        text = "its answer is not in the form that its API promises"
    return ModelFailed(f"{who} failed{code}: {text}. Ask again, or try another model.")


_TOO_LONG: Final = re.compile(
    r"(exceed|larger|longer|greater|over|beyond|too \w+ for)\w*\b.{0,60}\b(context|token limit)"
    r"|context[_ ](length|size|window)[_ ](is )?exceed|exceed_context"
    r"|maximum (context|model length|number of tokens)"
    r"|(prompt|input|request) is too long|too many (input |prompt )?tokens|reduce the length of the messages"
    r"|\bcontext\b.{0,40}\b(overflow|exceed|too (long|large|small))",
    re.IGNORECASE | re.DOTALL,
)
_OF_PYTHON: Final = re.compile(
    r"object has no attribute|object is not|is not iterable|index out of range|unsupported operand|can only concatenate"
    r"|must be str|Expecting value|Extra data|Unterminated string|Expecting property name|codec can't decode"
    r"|recursion depth"
)
"""What Python says where an SDK or Agno reads an answer that is none."""

_NOT_TOO_LONG: Final = (401, 403, 404, 429)


def _is_context_overflow(text: str, status: int | None) -> bool:
    if _TOO_LONG.search(text) and status not in _NOT_TOO_LONG:
        return True
    return isinstance(ModelProviderError.classify(ModelProviderError(text, status or 502)), ContextWindowExceededError)


def _model(agent: str, record: CallRecord, *, capital: bool = True) -> str:
    tried = " and ".join(dict.fromkeys(record.models))
    return f"{'The' if capital else 'the'} model {f'{tried} ' if tried else ''}of the {agent} agent"


def _shortened(text: str) -> str:
    text = " ".join(text.split()).rstrip(".")
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}…"
