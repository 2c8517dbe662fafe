"""What every run of a workflow needs, as one frozen value: settings, agents, provider, session store and routing."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from datetime import date
from typing import Any, Final, Literal, Protocol, Self

from agno.models.base import Model
from agno.tools.finance import FinanceProvider

from finassist.config.settings import Live, Routing, Settings
from finassist.core.events import RunResponse
from finassist.core.query import Query
from finassist.core.text import check_day
from finassist.llm.agents import (
    Askable,
    build_chat_agent,
    build_router_agent,
    build_summary_agent,
    build_symbol_extraction_agent,
)
from finassist.llm.connections import Connections
from finassist.llm.models import ModelChoice, resolve_model
from finassist.providers.registry import Provider, open_provider
from finassist.sessions.store import Database, SessionLocks, Store, open_store

AGENTS: Final = ("router", "symbol_extraction", "chat", "summary")


@dataclass(frozen=True, kw_only=True)
class Runtime:
    """What every run of a workflow needs; a variant is `dataclasses.replace` or `variant()`.

    Attributes:
        settings: The settings.
        model: The language model that the agents were built with.
        provider: Where figures come from.
        agents: Agents by name: `router`, `symbol_extraction`, `chat` and `summary`.
        store: Where sessions are stored.
        locks: One lock per session.
        routing: Who decides what is asked.
        live: Whether runs show themselves, as the settings say.
        chosen: The model and the provider as they were asked for: names, or objects.
        as_of: Only what was public on this day counts; `None` for all there is.
        opened: What was opened by name here, and so is closed with the workflow; the rest is the user's.
    """

    settings: Settings
    model: Model
    provider: FinanceProvider
    agents: Mapping[str, Askable]
    store: Store
    locks: SessionLocks
    routing: Routing = "auto"
    live: Live = "auto"
    chosen: tuple[ModelChoice, Provider] = ("auto", "auto")
    as_of: date | None = None
    opened: tuple[Any, ...] = ()

    @classmethod
    def open(
        cls,
        *,
        model: ModelChoice | None = None,
        provider: Provider | None = None,
        settings: Settings | None = None,
        db: Database | Literal["default"] = "default",
        routing: Routing | None = None,
        as_of: date | str | None = None,
    ) -> Self:
        """Open everything; what is not given is as the settings say.

        Raises:
            ConfigurationError: There is no such model or provider, or an optional package is missing.
            InputError: `as_of` is no day.
            SessionError: The session database cannot be opened.
        """
        settings = settings or Settings()
        chosen = (model or settings.model, provider or settings.provider)
        opened_model, opened_provider = resolve_model(chosen[0], settings), open_provider(chosen[1], settings)
        by_name = ((Connections(opened_model), model), (opened_provider, provider))
        store = open_store(settings.database if db == "default" else db)
        return cls(
            settings=settings,
            model=opened_model,
            provider=opened_provider,
            agents=build_agents(opened_model),
            store=store,
            locks=store.new_locks(),
            routing=routing or settings.routing,
            live=settings.live,
            chosen=chosen,
            as_of=check_day(as_of),
            opened=tuple(thing for thing, given in by_name if given is None or isinstance(given, str)),
        )

    def variant(
        self,
        *,
        settings: Settings | None = None,
        model: ModelChoice | None = None,
        provider: Provider | None = None,
        routing: Routing | None = None,
    ) -> Self:
        """The same with another model, provider, routing or key, on the same sessions and their locks.

        What is not given stays; a model that is given gets new agents, also where old ones had been replaced.

        Raises:
            ConfigurationError: There is no such model or provider, a key is missing, or an optional package is.
        """
        settings = settings or self.settings
        changed = replace(self, settings=settings, routing=routing or self.routing)
        if model is not None:
            opened = resolve_model(model, settings)
            changed = replace(changed, model=opened, agents=build_agents(opened))
        if provider is not None:
            changed = replace(changed, provider=open_provider(provider, settings))
        return changed

    def closeable(self) -> list[Any]:
        """What is open and can be closed; what the user handed over is the user's to close."""
        return [each for each in (*self.opened, self.store) if hasattr(each, "aclose")]

    def close(self) -> None:
        """Close connections and files; they open again when needed."""
        with ExitStack() as stack:
            for each in reversed(self.closeable()):
                stack.callback(each.close)


class Assistant(Protocol):
    """A workflow as the panel and other surfaces use it."""

    @property
    def runtime(self) -> Runtime:
        """The context of a new run."""
        ...

    @property
    def session_id(self) -> str | None:
        """The conversation that calls without a session id belong to."""
        ...

    @property
    def user_id(self) -> str | None:
        """The user whose sessions these are."""
        ...

    def arun(
        self,
        input: str,  # noqa: A002  Agno's name
        *,
        stream: Literal[True],
        session_id: str | None = None,
        run_id: str | None = None,
    ) -> AsyncIterator[RunResponse]:
        """Ask a question on the running loop, as a stream of events."""
        ...

    def aquery(
        self,
        query: Sequence[Query],
        *,
        stream: Literal[True],
        session_id: str | None = None,
        run_id: str | None = None,
    ) -> AsyncIterator[RunResponse]:
        """Answer typed queries on the running loop, as a stream of events."""
        ...

    def variant(
        self,
        *,
        settings: Settings | None = None,
        model: ModelChoice | None = None,
        provider: Provider | None = None,
        routing: Routing | None = None,
    ) -> Self:
        """The same on another model, provider, routing or key."""
        ...


def build_agents(model: Model) -> dict[str, Askable]:
    """The four agents on a model, by name."""
    builders = (build_router_agent, build_symbol_extraction_agent, build_chat_agent, build_summary_agent)
    return {name: build(model) for name, build in zip(AGENTS, builders, strict=True)}


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
