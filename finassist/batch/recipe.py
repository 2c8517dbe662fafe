"""What a worker of a cluster needs to build the same workflow: plain values, and no key.

Names of models and providers travel as names, and `"auto"` as what it stands for here: a worker without a key must say
so, and not answer from somewhere else. An object travels as a pickle that was looked through. Keys never travel:
a worker reads them from an environment of its own, and the recipe says which it will need.
"""

from __future__ import annotations

import pickletools
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, cast

from agno.models.base import Model

import finassist
from finassist.batch.chunks import Across, Recipe
from finassist.config.settings import KEYS, Settings
from finassist.config.sources import variable_of
from finassist.core.errors import ConfigurationError
from finassist.llm.catalogue import PROVIDERS
from finassist.llm.models import resolve_model
from finassist.llm.offline import OfflineModel
from finassist.providers.registry import AUTO, open_provider
from finassist.runtime.context import Runtime

_NO_MODEL: Final = OfflineModel().id
_OWN: Final = ("home", "cache_folder", "live", *KEYS)
"""Settings of a machine, which each worker has its own of."""

_SECRET: Final = re.compile(
    r"(^|[_-])(\w*key|token|secret|password|passwd|credential|authorization|secret_value)s?$", re.IGNORECASE
)
_TEXT: Final = frozenset({"SHORT_BINUNICODE", "BINUNICODE", "BINUNICODE8", "SHORT_BINBYTES", "BINBYTES", "BINBYTES8"})
_REMEMBERED: Final = frozenset({"BINGET", "LONG_BINGET"})


@dataclass(frozen=True, slots=True)
class Pickler:
    """How objects become bytes and objects again: Dask's way, which also knows what a notebook defines."""

    dumps: Callable[[Any], bytes]
    loads: Callable[[bytes], Any]


def recipe_of(runtime: Runtime, workers: int, pickler: Pickler, across: Across | None = None) -> Recipe:
    """The recipe of a workflow.

    Args:
        runtime: Whose agents are as it built them.
        workers: How many processes share the requests that a source answers in a minute.
        pickler: For models and providers that are given as objects.
        across: What is fetched of each company, where no questions are asked: then its model and agents do not matter.

    Raises:
        ConfigurationError: Something cannot be built elsewhere, or would take a key along.
    """
    if across is None:
        _check_agents(runtime)
    model, provider = runtime.chosen
    used = (runtime.provider,) if across else (runtime.model, runtime.provider)
    values = runtime.settings.model_dump(mode="json", exclude={*_OWN})
    values["per_minute"] = max(1, values["per_minute"] // workers)
    carry = _Carrier(runtime.settings, pickler)
    return {
        "version": finassist.__version__,
        "settings": values,
        "routing": runtime.routing,
        "model": carry.all_of(_NO_MODEL if across else model, lambda name: _model_name(name, runtime.settings)),
        "provider": carry.all_of(provider, lambda name: _provider_name(name, runtime.settings)),
        "keys": sorted(_keys(*used)),
        "across": across,
    }


def built(recipe: Mapping[str, Any], pickler: Pickler) -> Runtime:
    """The runtime of a recipe, with the keys of this process.

    Raises:
        ConfigurationError: A key is not set here, or this is another version of finassist.
    """
    if recipe["version"] != finassist.__version__:
        raise ConfigurationError(
            f"It has finassist {finassist.__version__}, and the batch was begun with {recipe['version']}. "
            "Install the same version on the workers."
        )
    settings = Settings(**recipe["settings"], live="off")
    if missing := [variable_of(name) for name in recipe["keys"] if getattr(settings, name) is None]:
        raise ConfigurationError(
            f"{' and '.join(missing)} {'is' if len(missing) == 1 else 'are'} not set there. Keys are never sent to a "
            "cluster: set them in the environment of its workers."
        )
    model, provider = (_unpacked(recipe[part], pickler) for part in ("model", "provider"))
    for each in model:
        _give_key(each, settings)
    return Runtime.open(model=model, provider=provider, settings=settings, routing=recipe["routing"], db=None)


# -------------------------------------------------------------------------------------------- packing


@dataclass(frozen=True, slots=True)
class _Carrier:
    settings: Settings
    pickler: Pickler

    def all_of(self, chosen: object, named: Callable[[str], str]) -> list[str | bytes]:
        """Each of what was chosen, as a name or as a pickle."""
        several = isinstance(chosen, Sequence) and not isinstance(chosen, str)
        listed: Sequence[Any] = cast("Sequence[Any]", chosen) if several else (cast("Any", chosen),)
        return [named(each) if isinstance(each, str) else self._pickled(each) for each in listed]

    def _pickled(self, thing: Any) -> bytes:
        kind = type(thing).__name__
        try:
            pickled = self.pickler.dumps(thing)
        except Exception as error:  # the names of ours that hold a key refuse it themselves
            raise ConfigurationError(
                f'A {kind} cannot be sent to a cluster: {error} Name it instead, such as provider="fmp", so that each '
                "worker builds its own."
            ) from error
        if found := _secret_in(pickled, self.settings.secrets()):
            raise ConfigurationError(
                f"A {kind} would take a key to the cluster ({found}). Give its class a `__reduce__` that leaves it out "
                "and reads it from the environment of the worker, or name it instead of passing an object."
            )
        return pickled


def _unpacked(packed: Sequence[str | bytes], pickler: Pickler) -> list[Any]:
    return [each if isinstance(each, str) else pickler.loads(each) for each in packed]


def _secret_in(pickled: bytes, secrets: Sequence[str]) -> str:
    """What looks like a secret: one we know, or a text under a name that secrets have."""
    if any(secret.encode() in pickled for secret in secrets):
        return "one of the settings"
    for name, value in _named_texts(pickled):
        if value and _SECRET.search(name):
            return f"its {name!r}"
    return ""


def _named_texts(pickled: bytes) -> Iterator[tuple[str, Any]]:
    """Each text of a pickle with the text before it, which is its name where it is an attribute."""
    memo: list[Any] = []
    before: Any = None
    last: Any = None
    opcodes: Any = pickletools.genops(pickled)
    for opcode, value, _ in opcodes:
        if opcode.name == "MEMOIZE":
            memo.append(last)
        elif opcode.name != "FRAME":
            last = value if opcode.name in _TEXT else memo[int(value or 0)] if opcode.name in _REMEMBERED else None
            if isinstance(before, str) and last is not None:
                yield before, last
            before = last


# --------------------------------------------------------------------------------------------- naming


def _model_name(name: str, settings: Settings) -> str:
    if name.strip().casefold() != AUTO:
        return name
    model = resolve_model(AUTO, settings)
    owner = _owner(model)
    return f"{owner}:{model.id}" if owner else _NO_MODEL


def _provider_name(names: str, settings: Settings) -> str:
    each = (name.strip() for name in names.split(","))
    return ",".join(open_provider(name, settings).id if name == AUTO else name for name in each)


def _owner(model: Any) -> str:
    """Our name of the provider of a model; `""` where it has none."""
    module = next((kind.__module__ for kind in type(model).__mro__ if kind.__module__.startswith("agno.models.")), "")
    return next((row.name for row in PROVIDERS.values() if f"{module}.".startswith(f"{row.module}.")), "")


def _keys(*used: Any) -> Iterator[str]:
    """The settings with the keys that these models and providers need."""
    everybody = [each for one in used for each in (one, *getattr(one, "fallbacks", ()), *getattr(one, "providers", ()))]
    names = {_owner(each) if isinstance(each, Model) else each.id for each in everybody}
    return (name for name in KEYS if name.removesuffix("_api_key") in names)


def _give_key(model: Any, settings: Settings) -> None:
    """A model that came as an object came without its key; SDKs read the environment, but not `.env`."""
    if isinstance(model, Model) and getattr(model, "api_key", "") is None and (key := settings.key(_owner(model))):
        vars(model)["api_key"] = key


def _check_agents(runtime: Runtime) -> None:
    agents = [agent for name, agent in runtime.agents.items() if name != "summary"]
    if any(agent.model is not runtime.model for agent in agents):
        raise ConfigurationError(
            "A cluster builds its own agents, from the model and the provider of the workflow; agents and classes of "
            "your own stay here. Leave out client=, or use the workflow as it was built."
        )
