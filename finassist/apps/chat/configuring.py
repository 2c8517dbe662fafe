"""From what is chosen in the drawer to the workflow that is asked from then on."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from typing import Any, Protocol

from pydantic import SecretStr

from finassist.apps.chat.drawer import UNCHANGED, Choices, Drawer
from finassist.llm.offline import OfflineModel
from finassist.providers.embedded.provider import EmbeddedProvider
from finassist.providers.registry import AUTO
from finassist.runtime.context import Assistant, changed_settings


class Host(Protocol):
    """What it asks of the panel."""

    workflow: Assistant

    def say(self, words: str) -> None:
        """Show a sentence."""


class Configuring:
    """Keeps the workflow that was given, and makes variants of it.

    Attributes:
        drawer: The settings on the page.
    """

    def __init__(
        self,
        host: Host,
        given: Assistant,
        guarded: Callable[[Callable[..., Any]], Callable[..., None]],
    ) -> None:
        self._host, self._given = host, given
        self._keys: dict[str, SecretStr] = {}
        self.drawer = Drawer(self.apply, guarded, given.runtime.routing)
        # A key that is typed later makes these live; what somebody handed over as an object stays.
        if given.runtime.settings.model == AUTO and type(given.runtime.model) is OfflineModel:
            self.drawer.model.value = AUTO
        if given.runtime.settings.provider == AUTO and type(given.runtime.provider) is EmbeddedProvider:
            self.drawer.provider.value = AUTO
        self._at_first = self.drawer.choices()

    def show(self) -> None:
        """What is in use now."""
        workflow = self._host.workflow
        in_use = (
            f"In use: {workflow.runtime.model.id} · {workflow.runtime.provider.name or workflow.runtime.provider.id}"
        )
        self.drawer.show(workflow.runtime.settings, in_use)

    async def apply(self, *_: Any) -> None:
        """Use what is chosen, from the next question on; where it cannot be used, all stays as it was."""
        self._host.say("")
        chosen = self.drawer.choices()
        # In a thread: a model's package may take seconds to import.
        workflow, keys = await asyncio.to_thread(self._made, chosen)
        self._host.workflow, self._keys = workflow, keys
        self.drawer.applied()
        self.show()

    def _made(self, chosen: Choices) -> tuple[Assistant, dict[str, SecretStr]]:
        merged = {**self._keys, **chosen.keys}
        keys = {name: key for name, key in merged.items() if key is not None}
        settings = changed_settings(self._given.runtime.settings, **keys)
        made = self._given.variant(
            settings=settings,
            model=self._unless_kept(chosen.model, self._at_first.model, keys),
            provider=self._unless_kept(chosen.provider, self._at_first.provider, keys),
            routing=chosen.routing,
        )
        return made, keys

    def _unless_kept(self, chosen: str, at_first: str, keys: Mapping[str, SecretStr]) -> str | None:
        """The name to open, or `None` for what was given: with its agents, as somebody may have set them."""
        return None if chosen == UNCHANGED or (chosen == at_first and not keys) else chosen
