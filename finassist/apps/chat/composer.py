"""Where a question is typed: one small import-free ES module, which also keeps the panel around it in shape."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import anywidget
import traitlets

from finassist.apps.chat.style import CSS
from finassist.symbols.directory import Company, directory
from finassist.symbols.english import common_words, ordinary_words
from finassist.symbols.index import WELL_SIZED

HINT: Final = "Enter sends · Alt+Enter starts a new line · $ or a name finds a company"
OFFERED: Final = 6
_SHORTEST: Final = 3


class Composer(anywidget.AnyWidget):
    """A text area with Send, Stop and company suggestions.

    What is typed travels in messages, never in the widget's state, which a notebook may save.
    """

    _esm = Path(__file__).with_name("composer.js")
    _css = CSS
    busy = traitlets.Bool(False).tag(sync=True)
    placeholder = traitlets.Unicode("Ask about a company, a figure or a term").tag(sync=True)
    hint = traitlets.Unicode(HINT).tag(sync=True)

    def __init__(self, receive: Callable[[Any, dict[str, Any], Any], None]) -> None:
        super().__init__()
        self.on_msg(receive)  # pyright: ignore[reportUnknownMemberType]

    def taken(self, text: str) -> None:
        """The question is being answered: it may leave the text area."""
        self._tell(type="taken", text=text)

    def refused(self, text: str, why: str) -> None:
        """The question cannot be asked now: it stays, with a word on why."""
        self._tell(type="refused", text=text, why=why)

    def complete(self, word: str) -> None:
        """Offer the companies that `word` may be the beginning of."""
        options = [{"symbol": c.symbol, "name": c.name, "exchange": c.exchange} for c in completions(word)]
        self._tell(type="options", text=word, options=options)

    def download(self, name: str, mime: str, text: str) -> None:
        """Let the browser save a text as a file."""
        self._tell(type="download", name=name, mime=mime, text=text)

    def take_focus(self, where: str = "") -> None:
        """Put the cursor into the text area, or to the widget of this panel with the class `where`."""
        self._tell(type="focus", where=where)

    def call_roll(self) -> None:
        """Let every view answer that it is on a page."""
        self._tell(type="roll call")

    def scroll_to_end(self) -> None:
        """Show the end of the conversation."""
        self._tell(type="end")

    def _tell(self, **message: Any) -> None:
        self.send(message)  # pyright: ignore[reportUnknownMemberType]


def completions(word: str, limit: int = OFFERED) -> list[Company]:
    """The companies that a word being typed may mean; none for ordinary words, unless marked with `$`.

    Example:
        >>> [company.symbol for company in completions("micros", 2)], completions("what")
        (['MSFT', 'MSTR'], [])
        >>> [company.symbol for company in completions("$f", 1)]
        ['F']
    """
    bare = word.lstrip("$")
    if not bare or len(word) > 40:
        return []
    if word.startswith("$"):
        return _beginning(bare, limit)
    known = directory().lookup(bare) if bare.isupper() and bare.lower() not in common_words() else None
    plain = bare.lower() in ordinary_words() and not _names_a_company(bare)
    if known is None and (len(bare) < _SHORTEST or plain):
        return []
    return directory().search(bare, limit)


def _beginning(typed: str, limit: int) -> list[Company]:
    """After a dollar sign: tickers that begin so, the exact one first, then what a search finds."""
    start = typed.upper().replace(".", "-")
    tickers = [company for company in directory().companies() if company.symbol.startswith(start)]
    ordered = sorted(tickers, key=lambda company: company.symbol != start)[:limit]
    found = directory().search(typed, limit) if len(typed) >= _SHORTEST else []
    return list(dict.fromkeys([*ordered[: limit // 2], *found, *ordered]))[:limit]


def _names_a_company(word: str) -> bool:
    """Whether an ordinary word with a capital letter is the whole name of a large company: Apple, Target."""
    index = directory().index
    entry = index.known_as.get(word.lower()) or index.full.get(word.lower())
    return word[:1].isupper() and entry is not None and entry.rank < WELL_SIZED
