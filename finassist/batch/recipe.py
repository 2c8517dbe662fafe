"""What a worker of a cluster builds its runtime from: settings and names, no keys and no objects."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from typing import Any, Final, Self, cast

from agno.models.base import Model

from finassist.batch.asking import Across, Work
from finassist.config.settings import KEYS, Settings
from finassist.config.sources import variable_of
from finassist.core.errors import ConfigurationError
from finassist.llm.models import PROVIDERS, ModelChoice, resolve_model
from finassist.llm.offline import OfflineModel
from finassist.providers.registry import AUTO, Provider, open_provider
from finassist.runtime.context import Runtime, build_agents

_VERSION: Final = version("finassist")
_OFFLINE: Final = OfflineModel().id
_OWN: Final = ("home", "cache_folder", "live", *KEYS)
"""Settings that each machine has its own of."""


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """What a worker builds its runtime from: settings and names, no keys and no objects."""

    version: str
    settings: str
    routing: Any
    model: tuple[str, ...]
    provider: tuple[str, ...]
    keys: tuple[str, ...]
    across: Across | None

    @classmethod
    def of(cls, work: Work, workers: int = 1) -> Self:
        """The recipe of a workflow, whose workers share the requests that a source answers in a minute.

        Raises:
            ConfigurationError: Something has no name, so that it cannot be built elsewhere.
        """
        runtime, settings = work.runtime, work.runtime.settings
        model, provider = runtime.chosen
        if work.across is None:
            _check_agents(runtime)
        values = settings.model_dump(mode="json", exclude={*_OWN})
        values["per_minute"] = max(1, values["per_minute"] // workers)
        used = (runtime.provider,) if work.across else (runtime.model, runtime.provider)
        models = (_OFFLINE,) if work.across else _names(model, 'model="openai:<model id>"')
        return cls(
            version=_VERSION,
            settings=json.dumps(values),
            routing=runtime.routing,
            model=tuple(_model_name(name, settings) for name in models),
            provider=tuple(_provider_name(name, settings) for name in _names(provider, 'provider="fmp"')),
            keys=tuple(sorted(_keys(*used))),
            across=work.across,
        )

    def build(self) -> Work:
        """The same work with the keys of this process.

        Raises:
            ConfigurationError: A key is not set here, or this is another version of finassist.
        """
        if self.version != _VERSION:
            raise ConfigurationError(
                f"It has finassist {_VERSION}, and the batch was begun with {self.version}. "
                "Install the same version on the workers."
            )
        settings = Settings(**json.loads(self.settings), live="off")
        if missing := [variable_of(name) for name in self.keys if getattr(settings, name) is None]:
            raise ConfigurationError(
                f"{' and '.join(missing)} {'is' if len(missing) == 1 else 'are'} not set there. Keys are never sent to "
                "a cluster: set them in the environment of its workers."
            )
        runtime = Runtime.open(
            model=self.model, provider=self.provider, settings=settings, routing=self.routing, db=None
        )
        return Work(runtime, self.across)


def _names(chosen: ModelChoice | Provider, example: str) -> tuple[str, ...]:
    several = isinstance(chosen, Sequence) and not isinstance(chosen, str)
    listed = cast("Sequence[Any]", chosen) if several else (chosen,)
    for each in listed:
        if not isinstance(each, str):
            raise ConfigurationError(
                f"A {type(each).__name__} object cannot be sent to a cluster: each worker builds its own from a name. "
                f"Pass a name, such as {example}. A provider of your own has one after Agno's `register_provider`, "
                "which the workers have to call too."
            )
    return tuple(listed)


def _model_name(name: str, settings: Settings) -> str:
    """`"auto"` is sent as what it means here: a worker without the key must not answer with another model."""
    if name.strip().casefold() != AUTO:
        return name
    model = resolve_model(AUTO, settings)
    owner = _owner(model)
    return f"{owner}:{model.id}" if owner else _OFFLINE


def _provider_name(names: str, settings: Settings) -> str:
    each = (name.strip() for name in names.split(","))
    return ",".join(open_provider(name, settings).id if name == AUTO else name for name in each)


def _owner(model: Any) -> str:
    """Our name of the provider of a model; `""` where it has none."""
    module = next((kind.__module__ for kind in type(model).__mro__ if kind.__module__.startswith("agno.models.")), "")
    return next((row.name for row in PROVIDERS.values() if f"{module}.".startswith(f"{row.module}.")), "")


def _keys(*used: Any) -> Iterator[str]:
    """The settings with the keys that these models and providers need."""
    each = [part for one in used for part in (one, *getattr(one, "fallbacks", ()), *getattr(one, "providers", ()))]
    names = {_owner(one) if isinstance(one, Model) else one.id for one in each}
    return (name for name in KEYS if name.removesuffix("_api_key") in names)


def _check_agents(runtime: Runtime) -> None:
    built: dict[str, Any] = build_agents(runtime.model)
    agents: dict[str, Any] = dict(runtime.agents)
    for name in ("router", "symbol_extraction", "chat"):
        same = type(agents[name]) is type(built[name]) and agents[name].model is runtime.model
        if not same or agents[name].instructions != built[name].instructions:
            raise ConfigurationError(
                "A cluster builds its own agents, from the model and the provider of the workflow; agents of your own "
                "stay here. Leave out client=, or use the workflow as it was built."
            )
