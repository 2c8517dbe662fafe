"""The same workflow with another model, data source, routing or key, on the same stored conversations."""

from __future__ import annotations

import copy
from typing import Any

from finassist.config.settings import Routing, Settings
from finassist.llm.agents import (
    build_chat_agent,
    build_router_agent,
    build_summary_agent,
    build_symbol_extraction_agent,
)
from finassist.llm.models import ModelChoice, resolve_model
from finassist.providers.registry import Provider, open_provider
from finassist.runtime.agno_step import FlowStep
from finassist.workflow import FinancialAssistantWorkflow


def variant(
    workflow: FinancialAssistantWorkflow,
    *,
    settings: Settings | None = None,
    model: ModelChoice | None = None,
    provider: Provider | None = None,
    routing: Routing | None = None,
) -> FinancialAssistantWorkflow:
    """A copy that shares sessions and their locks with `workflow`, which stays as it is.

    What is not given stays; a model that is given gets new agents, also where old ones had been replaced.

    Raises:
        ConfigurationError: There is no such model or provider, a key is missing, or an optional package is.

    Example:
        >>> workflow = FinancialAssistantWorkflow(db=None, routing="auto")
        >>> other = variant(workflow, routing="rules")
        >>> other.routing, workflow.routing, other.store is workflow.store
        ('rules', 'auto', True)
    """
    twin = copy.copy(workflow)
    twin.settings = settings or workflow.settings
    if model is not None:
        _give_model(twin, model)
    if provider is not None:
        twin.provider = open_provider(provider, twin.settings)
    twin.routing = routing or workflow.routing
    twin.steps = [FlowStep(twin)]
    return twin


def _give_model(twin: FinancialAssistantWorkflow, model: ModelChoice) -> None:
    twin.model = resolve_model(model, twin.settings)
    twin.router_agent = build_router_agent(twin.model)
    twin.symbol_extraction_agent = build_symbol_extraction_agent(twin.model)
    twin.chat_agent = build_chat_agent(twin.model)
    twin.summary_agent = build_summary_agent(twin.model)


def changed_settings(settings: Settings, **values: Any) -> Settings:
    """Settings with other values, which count as arguments; the rest is read again from where it came.

    Raises:
        ConfigurationError: A value cannot be used; the message never repeats it.

    Example:
        >>> changed = changed_settings(Settings(years=3), routing="rules")
        >>> changed.years, changed.routing, changed.origin("routing")
        (3, 'rules', 'argument')
    """
    given = {name: getattr(settings, name) for name in Settings.model_fields if settings.origin(name) == "argument"}
    return Settings(**{**given, **values})
