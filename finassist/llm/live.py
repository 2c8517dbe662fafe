"""Agno's model classes made fit for live use: clients that suit any loop, limits, and an account of what happened.

A model object keeps its identity and its place in Agno's class tree: `adopt` moves it into a subclass of its own class.
Python moves an object only along one line of inheritance, so `Live` is no base of that subclass but the pattern of it.
"""

from __future__ import annotations

import asyncio
import sys
from abc import ABC
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import aclosing, closing
from copy import copy
from dataclasses import MISSING, fields, replace
from functools import cache
from importlib import import_module
from types import FunctionType, ModuleType
from typing import TYPE_CHECKING, Any, Final

from agno.models.base import Model
from agno.models.response import ModelResponse

from finassist.llm.attempts import Attempt, Limits, current_attempt
from finassist.llm.catalogue import PROVIDERS, ModelProvider
from finassist.llm.clients import Clients
from finassist.llm.deadlines import keep_time
from finassist.llm.transport import Client, async_client, sync_client

_SECRETS: Final = ("api_key", "auth_token", "organization", "default_headers", "default_query", "client_params")
_CLIENTS: Final = ("client", "async_client", "http_client")
_END: Final = object()

if TYPE_CHECKING:
    _Base = Model
else:
    _Base = ABC


class Live(_Base):
    """What every adopted model does besides being Agno's. A pattern for classes: never instantiated by itself.

    Attributes:
        agno: Agno's class.
        limits: How much of the model is borne with.
        fallbacks: Models that stand in for it.
    """

    agno: Any
    limits: Limits
    fallbacks: tuple[Model, ...]
    _clients: Clients

    # -------------------------------------------------------------------------------------- asking

    def invoke(self, *args: Any, **kwargs: Any) -> ModelResponse:
        """Agno's, within its limits."""
        attempt = Attempt(self.id, self.limits, _key_of(self.agno))
        with attempt.under_way():
            return attempt.read(self.agno.invoke(self, *args, **kwargs))

    async def ainvoke(self, *args: Any, **kwargs: Any) -> ModelResponse:
        """Agno's, within its limits."""
        attempt = Attempt(self.id, self.limits, _key_of(self.agno))
        with attempt.under_way():
            async with asyncio.timeout(attempt.remaining):
                return attempt.read(await self.agno.ainvoke(self, *args, **kwargs))

    def invoke_stream(self, *args: Any, **kwargs: Any) -> Iterator[ModelResponse]:
        """Agno's, within its limits."""
        attempt = Attempt(self.id, self.limits, _key_of(self.agno))
        stream = self.agno.invoke_stream(self, *args, **kwargs)
        with closing(attempt), closing(stream) as pieces:
            while True:
                with attempt.under_way():
                    piece: Any = next(pieces, _END)
                    if piece is _END:
                        attempt.finish()
                        return
                    attempt.check_time()
                    attempt.read(piece)
                yield piece

    async def ainvoke_stream(self, *args: Any, **kwargs: Any) -> AsyncIterator[ModelResponse]:
        """Agno's, within its limits."""
        attempt = Attempt(self.id, self.limits, _key_of(self.agno))
        stream = self.agno.ainvoke_stream(self, *args, **kwargs)
        async with aclosing(attempt), aclosing(stream) as pieces:
            while True:
                with attempt.under_way():
                    async with asyncio.timeout(attempt.remaining):
                        piece: Any = await anext(pieces, _END)
                    if piece is _END:
                        attempt.finish()
                        return
                    attempt.check_time()
                    attempt.read(piece)
                yield piece

    def _parse_provider_response(self, response: Any, **kwargs: Any) -> ModelResponse:
        self._note(response)
        return self.agno._parse_provider_response(self, response, **kwargs)

    def _parse_provider_response_delta(self, response: Any, *args: Any, **kwargs: Any) -> ModelResponse:
        self._note(response)
        return self.agno._parse_provider_response_delta(self, response, *args, **kwargs)

    def _note(self, raw: Any) -> None:
        if attempt := current_attempt():
            attempt.note(raw)

    # ------------------------------------------------------------------------------------- clients

    def get_client(self) -> Client:
        """The sync client, shared by all threads."""
        if self._brings("client"):
            return _timed(self.agno.get_client(self))
        return self._clients.sync(lambda: _timed(self._made("get_client", "DefaultHttpxClient", sync_client)))

    def get_async_client(self) -> Client:
        """The client of the running loop."""
        if self._brings("async_client"):
            return self.agno.get_async_client(self)
        return self._clients.on_loop(lambda: self._made("get_async_client", "DefaultAioHttpClient", async_client))

    def close(self) -> None:
        """Close what is open; asked again, the model opens it again."""
        self._clients.close()

    async def aclose(self) -> None:
        """Close what is open on the running loop."""
        await self._clients.aclose()

    def _brings(self, client: str) -> bool:
        """Whether the user gave the model a client of their own."""
        return getattr(self, client, None) is not None or getattr(self, "http_client", None) is not None

    def _made(self, method: str, default: str, guarded: Callable[[Client], Client]) -> Client:
        """A client as Agno makes it, over our transport. Agno keeps it on a copy nobody sees."""
        twin = copy(self)
        vars(twin)["client_params"] = {
            **(getattr(self, "client_params", None) or {}),
            **self._transport(default, guarded),
        }
        return getattr(self.agno, method)(twin)

    def _transport(self, default: str, guarded: Callable[[Client], Client]) -> dict[str, Any]:
        sdk = _sdk_of(type(self))
        if not hasattr(sdk, default):
            return {"timeout": self.limits.seconds}
        http = _http_client(sdk, default, guarded)
        http.limits = self.limits
        return {"http_client": http, "timeout": self.limits.seconds, "max_retries": 0}

    # -------------------------------------------------------------------------------------- secrets

    def __repr__(self) -> str:
        return f"{type(self).__name__}(id={self.id!r}, provider={self.provider!r})"

    def __reduce__(self) -> tuple[Any, ...]:
        """Without keys and clients: whoever unpickles this reads the key from an environment of their own."""
        hidden = {*_SECRETS, *_CLIENTS, "_clients"}
        state = {name: value for name, value in vars(self).items() if name not in hidden}
        return _revived, (self.agno, state)

    def __copy__(self) -> Any:
        twin = object.__new__(type(self))
        vars(twin).update(vars(self))
        vars(twin)["_clients"] = Clients()
        return twin


def adopt(model: Model, limits: Limits) -> Model:
    """The same model object, fit for live use. A model that brings clients of its own keeps them.

    Example:
        >>> from finassist.llm.offline import OfflineModel
        >>> model = OfflineModel()
        >>> adopt(model, Limits()) is model, type(model).__name__
        (True, 'OfflineModel')
    """
    if not isinstance(model, Live):
        if not _asks_a_server(type(model)):
            return model
        vars(model)["_clients"] = Clients()
        vars(model)["fallbacks"] = ()
        model.__class__ = _live(type(model))
    own = getattr(model, "max_retries", None), model.retries
    retries = own[0] or 0 if own != (None, 0) else limits.retries
    seconds = getattr(model, "timeout", None)
    vars(model)["limits"] = replace(limits, retries=retries, seconds=seconds or limits.seconds)
    return model


def fit(agent: Any, limits: Limits) -> None:
    """Adopt the models of an agent that a user put in the place of one of ours; done just before it is asked."""
    stand_ins: Any = getattr(getattr(agent, "fallback_config", None), "on_error", None) or ()
    for model in (getattr(agent, "model", None), *stand_ins):
        if isinstance(model, Model) and not isinstance(model, Live):
            adopt(model, limits)


def _asks_a_server(kind: type[Model]) -> bool:
    """Whether this is a class of Agno's that keeps one client per object, as those of our table do."""
    return any(
        getattr(kind, "get_async_client", None) is getattr(known, "get_async_client", False) for known in _known()
    )


def _known() -> list[type[Model]]:
    """Agno's classes of our table that are imported already; a model object's own class surely is."""
    modules = ((sys.modules.get(row.module), row.class_name) for row in PROVIDERS.values())
    return [getattr(module, name) for module, name in modules if module is not None]


@cache
def _live(kind: type[Model]) -> type[Model]:
    named = {"__module__": kind.__module__, "__qualname__": kind.__qualname__, "__doc__": kind.__doc__, "agno": kind}
    pattern = {name: each for name, each in vars(Live).items() if isinstance(each, FunctionType)}
    made = type(kind.__name__, (kind,), named | pattern)
    Live.register(made)
    return made


@cache
def _sdk_of(kind: type[Model]) -> ModuleType:
    [name] = [row.name for row in PROVIDERS.values() if issubclass(kind, _class_of(row))][:1]
    return import_module(name)


@cache
def _key_of(kind: type[Model]) -> str | None:
    return next((row.key for row in PROVIDERS.values() if _class_of(row) is kind), None)


def _class_of(row: ModelProvider) -> Any:
    return getattr(sys.modules.get(row.module), row.class_name, ())


def _timed(client: Client) -> Client:
    """An SDK's sync client, whose requests keep to the deadline; an async one is under `asyncio.timeout` anyway."""
    keep_time(getattr(client, "_client", None))
    return client


def _http_client(sdk: Any, default: str, guarded: Callable[[Client], Client]) -> Client:
    options = {"follow_redirects": False, "verify": _trusted(getattr(sdk, default))}
    try:
        return guarded(getattr(sdk, default))(**options)
    except (RuntimeError, ImportError):  # the SDK is there, its aiohttp extra is not
        return guarded(sdk.DefaultAsyncHttpxClient)(**options)


@cache
def _trusted(kind: type[Any]) -> Any:
    """The certificates to trust, as the HTTP package behind the SDK wants it; reading them takes longest of all."""
    packages = (sys.modules.get(each.__module__.partition(".")[0]) for each in kind.__mro__)
    return next((make() for package in packages if (make := getattr(package, "create_ssl_context", None))), True)


def _revived(kind: type[Model], state: dict[str, Any]) -> Model:
    model = object.__new__(kind)
    defaults = {each.name: each.default for each in fields(kind) if each.default is not MISSING}  # pyright: ignore
    made = {each.name: each.default_factory() for each in fields(kind) if each.default_factory is not MISSING}  # pyright: ignore
    vars(model).update(defaults | made | state)
    return adopt(model, state["limits"])
