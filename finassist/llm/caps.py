"""An agent as it is asked: its models on our clients, with a cap on the tokens of a reply and on the calls of tools.

What is changed is changed on copies: the agent and its models are the user's.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from copy import copy
from dataclasses import replace
from typing import Any, Final, cast

from agno.agent import Agent
from agno.exceptions import ModelProviderError
from agno.models.base import Model

from finassist.core.secrets import redact
from finassist.core.text import visible
from finassist.llm.calls import Failure, Limits, current_record
from finassist.llm.connections import connect

TOKENS: Final[Mapping[str, int]] = {
    "router": 400, "symbol_extraction": 400, "summary": 300, "narration": 400, "chat": 1500,
}  # fmt: skip
"""The most that a reply of each agent needs; a user's own lower limit counts instead."""

_THINKING: Final = 4000
"""Tokens on top for a model that thinks before it replies: its thoughts count as its reply."""
_THINKS: Final = re.compile(r"(^|[/:])(o\d|gpt-5|gpt-oss|qwen3)|think|reason|magistral|\br1\b", re.IGNORECASE)
_FIELDS: Final = ("max_completion_tokens", "max_output_tokens", "max_tokens")
_UNOFFERED: Final = 2
_CALLS_A_ROUND: Final = 5
"""On average: a reply may call several tools at once."""


def fit(agent: Any, limits: Limits, role: str) -> Any:
    """The agent to ask in this role, on models that keep to the limits; a user may have replaced it or them."""
    config = getattr(agent, "fallback_config", None)
    models = [getattr(agent, "model", None), *(config.on_error if config else ())]
    fitted = [_fitted(model, limits, role) if isinstance(model, Model) else model for model in models]
    if not isinstance(agent, Agent):
        return agent
    twin = copy(agent)
    twin.model = fitted[0]
    if config:
        twin.fallback_config = replace(config, on_error=fitted[1:])
    return twin


def _fitted(model: Model, limits: Limits, role: str) -> Model:
    model = connect(model, limits)
    counted = _counted(model.get_function_calls_to_run, limits.rounds)
    if not any(hasattr(model, name) for name in (*_FIELDS, "options")):
        return _sharing(model, get_function_calls_to_run=staticmethod(counted))
    twin = copy(model)
    if role in TOKENS:
        _cap(twin, TOKENS[role])
    vars(twin)["get_function_calls_to_run"] = counted
    return twin


def _sharing(model: Model, **methods: Any) -> Model:
    """A model of a class of the user's own with other methods; what it keeps of its calls is in the user's object."""
    kind = type(model)
    twin = object.__new__(type(kind.__name__, (kind,), methods))
    twin.__dict__ = vars(model)
    return twin


def _cap(model: Any, tokens: int) -> None:
    """Allow the model so many tokens, in the field that its SDK has for it; what the user wrote there may be less."""
    params = _mapping(getattr(model, "request_params", None)) or {}
    fields = [name for name in _FIELDS if hasattr(model, name)]
    most = tokens + _thoughts(model)
    if any(name in params for name in _FIELDS):
        return
    if fields:
        given = [name for name in fields if getattr(model, name)]
        for name in given or [_field_for(model, fields)]:
            setattr(model, name, min(getattr(model, name) or most, most))
    elif (options := _mapping(getattr(model, "options", most) or {})) is not None:  # Ollama's
        model.options = {**options, "num_predict": min(options.get("num_predict") or most, most)}


def _field_for(model: Any, fields: list[str]) -> str:
    """OpenAI itself refuses the old name for its newer models; servers that speak like it may not know the new one."""
    address = str(getattr(getattr(model, "client", None), "base_url", ""))
    return "max_tokens" if "max_tokens" in fields and "api.openai.com" not in address else fields[0]


def _mapping(thing: Any) -> Mapping[str, Any] | None:
    return cast("Mapping[str, Any]", thing) if isinstance(thing, Mapping) else None


def _thoughts(model: Any) -> int:
    thinking = getattr(model, "thinking", None)
    if budget := (_mapping(thinking) or {}).get("budget_tokens"):
        return int(budget)
    thinks: Any = thinking or getattr(model, "reasoning_effort", None) or _THINKS.search(str(model.id))
    return _THINKING if thinks else 0


def _counted(prepare: Callable[..., list[Any]], rounds: int) -> Callable[..., list[Any]]:
    """Agno's look at the tools that a reply calls, which ends a reply that goes on and on.

    A tool that nobody offered is refused by Agno, and the model asked again, without end.
    """
    called, unoffered, tools = 0, 0, 0

    def counted(assistant_message: Any, messages: list[Any], functions: Mapping[str, Any] | None = None) -> list[Any]:
        nonlocal called, unoffered, tools
        calls: list[dict[str, Any]] = assistant_message.tool_calls or []
        names = [str((_mapping(call.get("function")) or {}).get("name")) for call in calls]
        strange = [name for name in names if name not in (functions or {})]
        called, unoffered, tools = called + 1, unoffered + bool(strange), tools + len(calls)
        if unoffered >= _UNOFFERED:
            name = redact(visible(strange[-1]), current_record().secrets)[:40]
            raise _stopped(f"it called a tool that does not exist (“{name}”), and again after a warning")
        if called >= rounds:
            raise _stopped(f"it called tools in more than {rounds} rounds")
        if tools > rounds * _CALLS_A_ROUND:
            raise _stopped(f"it called tools more than {rounds * _CALLS_A_ROUND} times")
        return prepare(assistant_message=assistant_message, messages=messages, functions=functions)

    return counted


def _stopped(text: str) -> ModelProviderError:
    """Agno asks no fallback model after a 400."""
    current_record().failure = Failure("rejected", text)
    return ModelProviderError(text, status_code=400)
