"""The top of the panel: which conversation it is, and the doors to its drawers."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

from finassist.apps.chat.kit import Widget, bound, button, html, row, show
from finassist.reporting.html.sanitize import escape

_TITLE: Final = 60


class Header:
    """The title line, and one drawer open at a time.

    Attributes:
        widget: What to show.
        tools: Its buttons by name: `new`, and one for each drawer.
        opened: Name of the drawer that is open, or `None`.
    """

    def __init__(
        self,
        drawers: Mapping[str, Widget],
        new: Callable[..., Any],
        opening: Callable[[str], Any],
        guarded: Callable[[Callable[..., Any]], Callable[..., None]],
    ) -> None:
        self._drawers, self._opening = drawers, opening
        self.opened: str | None = None
        self._title = html(classes="title")
        looks = {
            "conversations": ("Conversations", "history", "Past conversations: open, rename, delete"),
            "export": ("Export", "download", "Download the conversation or its figures"),
            "settings": ("Settings", "cog", "Model, data source, keys, and what is shown"),
        }
        self.tools = {"new": button("New", guarded(new), icon="plus", tooltip="New conversation", classes="tool")}
        for name, (text, icon, tip) in looks.items():
            toggle = guarded(bound(self.toggle, name))
            self.tools[name] = button(text, toggle, icon=icon, tooltip=tip, classes="tool toggle")
        self.widget = row([self._title, *self.tools.values()], "head")
        self.close()

    def name(self, conversation: str) -> None:
        """Show which conversation is open."""
        line = conversation if len(conversation) <= _TITLE else f"{conversation[:_TITLE]}…"
        self._title.value = f"<div><b>finassist</b><span>{escape(line)}</span></div>"

    def toggle(self, name: str) -> Any:
        """Open a drawer and close the others, or close it."""
        opened = self.opened
        self.close()
        if opened == name:
            return None
        self.opened = name
        show(self._drawers[name], True)
        self.tools[name].add_class("finassist-chat-open")
        return self._opening(name)

    def close(self) -> None:
        """Close the drawer that is open."""
        self.opened = None
        for name, drawer in self._drawers.items():
            show(drawer, False)
            self.tools[name].remove_class("finassist-chat-open")
