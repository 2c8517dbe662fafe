"""Why a model did not deliver, as one error of our tree with the next thing to do. Pure.

Agno reports a failed call as text. What the provider's SDK raised is on the watch, and says more.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from agno.exceptions import ContextWindowExceededError, ModelAuthenticationError, ModelProviderError

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
from finassist.llm.attempts import BrokeOff, RanLate, RanOn, RanOutOfTime, Watch

_CUT_SHORT: Final = frozenset({"length", "max_tokens", "model_context_window_exceeded"})
_LONGEST: Final = 200
_OFFLINE: Final = 'or use model="offline", which needs neither key nor network.'


def ending(agent: str, watch: Watch) -> ModelError | None:
    """What is wrong with how a reply ended, if anything is."""
    if watch.refusal:
        return ModelRefused(f"{_model(agent, watch)} declined to answer. Ask in other words, or try another model.")
    if watch.ending in _CUT_SHORT:
        return TruncatedReply(
            f"The reply of {_model(agent, watch, capital=False)} was cut off at the model's limit. "
            "Ask for less at a time, or try another model."
        )
    return None


def failure(agent: str, watch: Watch, told: str) -> ModelError:
    """Why the call failed; `told` is what Agno says about it."""
    chain = watch.causes
    who = _model(agent, watch)
    for kinds, make in _KINDS:
        if found := next((error for error in chain if isinstance(error, kinds)), None):
            return make(who, _brief(found))
    if any(_is_context_overflow(error) for error in chain):
        return _overflow(who, "")
    status = next((code for error in chain if (code := _status(error))), None)
    if status is None and any(_is_connection(error) for error in chain):
        return _unreachable(who)
    return _by_status(status, who, _brief(chain[0]) if chain else _shortened(told), watch)


def late(agent: str, watch: Watch, seconds: float) -> ModelTimeout:
    """The time is up."""
    return _late(_model(agent, watch), f"no reply within {seconds:g} seconds")


def too_long(agent: str, watch: Watch, characters: int) -> ReplyTooLong:
    """The reply is longer than is read."""
    return _ran_on(_model(agent, watch), f"the reply had more than {characters:,} characters")


def _by_status(status: int | None, who: str, told: str, watch: Watch) -> ModelError:
    if status in (401, 403):
        key = f"Check {watch.key}" if watch.key else "Check the key"
        return ModelAuthError(f"{who} did not accept the key ({status}). {key}, {_OFFLINE}")
    if status == 413:
        return _overflow(who, told)
    if status == 429:
        return ModelOverloaded(
            f"{who} allows no more requests now (429): {told}. Wait a minute and ask again, or check plan and billing."
        )
    if status in (503, 529):
        return ModelOverloaded(f"{who} is overloaded ({status}). Ask again in a minute, or try another model.")
    code = f" ({status})" if status else ""
    return ModelFailed(f"{who} failed{code}: {told}. Ask again, or try another model.")


def _late(who: str, told: str) -> ModelTimeout:
    return ModelTimeout(f"{who} took too long: {told}. Ask again, or raise FINASSIST_MODEL_TIMEOUT.")


def _ran_on(who: str, told: str) -> ReplyTooLong:
    return ReplyTooLong(f"{who} went on and on: {told}. Ask for less, or raise FINASSIST_MAX_REPLY_CHARS.")


def _broke_off(who: str, told: str) -> TruncatedReply:
    return TruncatedReply(f"{who} broke off in the middle of its reply: {told}. Ask again.")


def _overflow(who: str, _told: str) -> ContextOverflow:
    return ContextOverflow(
        f"The question with its conversation is longer than {who[0].lower()}{who[1:]} can read. "
        "Ask a shorter question, or begin a new session."
    )


def _no_key(who: str, _told: str) -> ModelAuthError:
    return ModelAuthError(f"{who} has no key. Set one in the environment, {_OFFLINE}")


def _unreachable(who: str) -> ModelUnreachable:
    return ModelUnreachable(f"{who} cannot be reached. Check the network connection, {_OFFLINE}")


_KINDS: Final[tuple[tuple[type[BaseException], Callable[[str, str], ModelError]], ...]] = (
    (RanLate, _late),
    (RanOutOfTime, _late),
    (RanOn, _ran_on),
    (BrokeOff, _broke_off),
    (ContextWindowExceededError, _overflow),
    (ModelAuthenticationError, _no_key),
)


def _status(error: BaseException) -> int | None:
    """Of the provider's answer; Agno's own errors have a status even where there was no answer."""
    status = getattr(error, "status_code", None)
    return status if isinstance(status, int) and not isinstance(error, ModelProviderError) else None


def _is_connection(error: BaseException) -> bool:
    names = {kind.__name__ for kind in type(error).__mro__}
    return bool(names & {"APIConnectionError", "TransportError", "ConnectionError"})


def _is_context_overflow(error: BaseException) -> bool:
    known = isinstance(error, ModelProviderError)
    return known and isinstance(ModelProviderError.classify(error), ContextWindowExceededError)


def _model(agent: str, watch: Watch, *, capital: bool = True) -> str:
    tried = " and ".join(dict.fromkeys(watch.models))
    return f"{'The' if capital else 'the'} model {f'{tried} ' if tried else ''}of the {agent} agent"


def _brief(error: BaseException) -> str:
    return _shortened(str(error) or type(error).__name__)


def _shortened(text: str) -> str:
    text = " ".join(text.split()).rstrip(".")
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}…"
