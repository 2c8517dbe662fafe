"""Why a model did not deliver, as one error of our tree with the next thing to do. Pure.

Agno reports a failed call as text. What the transport saw is on the record, and says more.
"""

from __future__ import annotations

from typing import Final

from agno.exceptions import ContextWindowExceededError, ModelProviderError

from finassist.core.errors import (
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
from finassist.llm.limits import CallRecord, Failure

_CUT_SHORT: Final = frozenset({"length", "max_tokens", "model_context_window_exceeded"})
_LONGEST: Final = 200
_OFFLINE: Final = 'or use model="offline", which needs neither key nor network.'


def ending(agent: str, record: CallRecord) -> ModelError | None:
    """What is wrong with how a reply ended, if anything is."""
    if record.refusal:
        return ModelRefused(f"{_model(agent, record)} declined to answer. Ask in other words, or try another model.")
    if record.ending in _CUT_SHORT:
        return TruncatedReply(
            f"The reply of {_model(agent, record, capital=False)} was cut off at the model's limit. "
            "Ask for less at a time, or try another model."
        )
    return None


def failure(agent: str, record: CallRecord, text: str) -> ModelError:
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
        return ModelUnreachable(f"{who} cannot be reached. Check the network connection, {_OFFLINE}")
    return _rejected(found.status, who, text, record)


def late(agent: str, record: CallRecord, seconds: float) -> ModelError:
    """The time is up."""
    return _limit(agent, record, Failure("timeout", f"no reply within {seconds:g} seconds"))


def too_long(agent: str, record: CallRecord, characters: int) -> ModelError:
    """The reply is longer than is read."""
    return _limit(agent, record, Failure("too_long", f"the reply had more than {characters:,} characters"))


def _limit(agent: str, record: CallRecord, found: Failure) -> ModelError:
    return failure(agent, CallRecord(models=record.models, failure=found), "")


def _rejected(status: int | None, who: str, text: str, record: CallRecord) -> ModelError:
    if status in (401, 403):
        key = f"Check {record.key}" if record.key else "Check the key"
        return ModelAuthError(f"{who} did not accept the key ({status}). {key}, {_OFFLINE}")
    if status is None and "API_KEY not set" in text:
        return ModelAuthError(f"{who} has no key. Set one in the environment, {_OFFLINE}")
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
    return ModelFailed(f"{who} failed{code}: {text}. Ask again, or try another model.")


def _is_context_overflow(text: str, status: int | None) -> bool:
    return isinstance(ModelProviderError.classify(ModelProviderError(text, status or 502)), ContextWindowExceededError)


def _model(agent: str, record: CallRecord, *, capital: bool = True) -> str:
    tried = " and ".join(dict.fromkeys(record.models))
    return f"{'The' if capital else 'the'} model {f'{tried} ' if tried else ''}of the {agent} agent"


def _shortened(text: str) -> str:
    text = " ".join(text.split()).rstrip(".")
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}…"
