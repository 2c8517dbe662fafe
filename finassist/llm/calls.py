"""What asking a model may take, what happened while one was asked, and the error that says why it failed."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from importlib.resources import files
from time import monotonic
from typing import Any, Final, Literal, Self

from agno.exceptions import ContextWindowExceededError, ModelProviderError
from agno.metrics import BaseMetrics
from pydantic import BaseModel, Field, TypeAdapter, ValidationError

from finassist.config.settings import Settings
from finassist.core import errors
from finassist.core.errors import ConfigurationError, ModelError
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


# --------------------------------------------------------------------------------------------------- errors

_CUT_SHORT: Final = frozenset({"length", "max_tokens", "model_context_window_exceeded"})
_LONGEST: Final = 200
_FAILURES: Final[dict[str, Any]] = tomllib.loads(
    files("finassist.llm").joinpath("failures.toml").read_text(encoding="utf-8")
)
_BEFORE_AGNO: Final = ("no_key", "bad_key", "not_there")
"""Meanings that count whatever Agno takes an error for."""


def ending_error(agent: str, record: CallRecord) -> ModelError | None:
    """What is wrong with how a reply ended, if anything is."""
    if record.refusal:
        return _error("refused", agent, record)
    return _error("cut_short", agent, record) if record.ending in _CUT_SHORT else None


def call_error(agent: str, record: CallRecord, text: str) -> ModelError:
    """Why the call failed; `text` is what Agno reports, and counts where the transport saw no failure."""
    found = record.failure or Failure("rejected", text)
    text = _shortened(found.text or text)
    if record.broken and found.kind in ("unreachable", "rejected"):
        meaning = "cut"
    else:
        meaning = _meaning(found.status, text) if found.kind == "rejected" else found.kind
    return _error(meaning, agent, record, found, text)


def limit_error(agent: str, record: CallRecord, kind: FailureKind, text: str) -> ModelError:
    """A limit of ours ended the call."""
    return call_error(agent, CallRecord(models=record.models, failure=Failure(kind, text)), "")


def _error(meaning: str, agent: str, record: CallRecord, found: Failure | None = None, text: str = "") -> ModelError:
    """The error of this name in `failures.toml`, in words about this call."""
    row, found = _FAILURES[meaning], found or Failure("rejected")
    tried = " and ".join(dict.fromkeys(record.models))
    model = f"model {f'{tried} ' if tried else ''}of the {agent} agent"
    words = row["says"].format(
        who=f"The {model}",
        whom=f"the {model}",
        text=text,
        status=found.status or text,
        code=f" ({found.status})" if found.status else "",
        where=f" at {found.address}" if found.address else "",
        key=record.key or "the key",
        network=_FAILURES["network"],
        offline=_FAILURES["offline"],
    )
    return getattr(errors, row["error"])(words)


def _meaning(status: int | None, text: str) -> str:
    """What a rejection means."""
    meaning = next(row["means"] for row in _FAILURES["rejected"] if _fits(row, status or 0, text))
    of_agno = ModelProviderError.classify(ModelProviderError(text, status or 502))
    is_overflow = isinstance(of_agno, ContextWindowExceededError) and meaning not in _BEFORE_AGNO
    return "overflow" if is_overflow else meaning


def _fits(row: Mapping[str, Any], status: int, text: str) -> bool:
    if status not in row.get("status", (status,)) or status in row.get("unless", ()):
        return False
    return re.search("|".join(row.get("words", ())), text, re.IGNORECASE) is not None


def _shortened(text: str) -> str:
    text = " ".join(text.split()).rstrip(".")
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}…"
