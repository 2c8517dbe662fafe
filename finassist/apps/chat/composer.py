"""The two parts of a panel that ipywidgets does not have: the text area for questions, and fields for keys.

What is typed travels in messages, never in a widget's state, which a notebook may save.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, cast

import anywidget
import traitlets

from finassist.symbols.company import Company

type Receive = Callable[..., None]


class Composer(anywidget.AnyWidget):
    """A text area with Send, Stop and company suggestions; its script also adds roles and names to the panel."""

    _esm = Path(__file__).with_name("panel.js")
    _css = Path(__file__).with_name("panel.css")
    kind = traitlets.Unicode("composer").tag(sync=True)
    busy = traitlets.Bool(False).tag(sync=True)

    def __init__(self, receive: Receive) -> None:
        super().__init__()
        self.on_msg(receive)  # pyright: ignore[reportUnknownMemberType]

    def accept(self, text: str) -> None:
        """The question is being answered: remove it from the text area."""
        self._tell(type="accepted", text=text)

    def refuse(self, text: str, why: str) -> None:
        """The question cannot be asked now: it stays, with the reason."""
        self._tell(type="refused", text=text, why=why)

    def offer(self, word: str, companies: Sequence[Company]) -> None:
        """Offer the companies that `word` may be the beginning of."""
        options = [{"symbol": each.symbol, "name": each.name, "exchange": each.exchange} for each in companies]
        self._tell(type="options", text=word, options=options)

    def download(self, name: str, mime: str, text: str) -> None:
        """Let the browser save a text as a file."""
        self._tell(type="download", name=name, mime=mime, text=text)

    def take_focus(self, where: str = "") -> None:
        """Put the cursor into the text area, or to the widget of this panel with the class `where`."""
        self._tell(type="focus", where=where)

    def scroll_to_end(self) -> None:
        """Show the end of the conversation."""
        self._tell(type="end")

    def _tell(self, **message: Any) -> None:
        self.send(message)  # pyright: ignore[reportUnknownMemberType]


class KeyFields(anywidget.AnyWidget):
    """One password field per key, with its state beside it; a key leaves its field in one message."""

    _esm = Path(__file__).with_name("panel.js")
    kind = traitlets.Unicode("keys").tag(sync=True)
    lines: Any = cast("Any", traitlets.List()).tag(sync=True)

    def __init__(self, receive: Receive) -> None:
        super().__init__()
        self.on_msg(receive)  # pyright: ignore[reportUnknownMemberType]
