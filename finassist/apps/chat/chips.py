"""The companies of an answer as chips; a wrong one can be changed for another, and the question is asked again."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from finassist.apps.chat.kit import Widget, bound, button, column, discard, html, row, show, text_field
from finassist.apps.chat.mentions import Mention, corrected, mentions, searched
from finassist.reporting.html.sanitize import escape
from finassist.symbols.directory import Company

_SHOWN = 12


class CompanyChips:
    """Chips and, when one is clicked, a choice of other companies below them.

    Args:
        question: What was asked.
        symbols: The companies the answer is about.
        ask: Asks the corrected question.
        guarded: Makes a callback for a widget; see `Guard.guarded`.

    Attributes:
        widget: What to show.
        found: The companies, in the order of the chips.
    """

    def __init__(
        self,
        question: str,
        symbols: Sequence[str],
        ask: Callable[[str], Any],
        guarded: Callable[[Callable[..., Any]], Callable[..., None]],
    ) -> None:
        self._question, self._ask, self._guarded = question, ask, guarded
        self.found = mentions(question, symbols)[:_SHOWN]
        self.chips = [self._chip(at, mention) for at, mention in enumerate(self.found)]
        self._title = html(classes="dim")
        self.search = text_field(guarded(self._searched), label="Another company: name or ticker", classes="search")
        self.options = row(classes="options")
        close = button("Leave it", guarded(self._leave), classes="quiet")
        self.chooser = column([self._title, row([self.search, close], "search-line"), self.options], "chooser")
        show(self.chooser, False)
        self._open: int | None = None
        self.widget = column([row(self.chips, "chips"), self.chooser], "companies")
        show(self.widget, bool(self.found))

    def choose(self, company: Company) -> None:
        """Ask the question again, about `company` instead of the one whose chip is open."""
        if self._open is not None:
            mention = self.found[self._open]
            self._close()
            self._ask(corrected(self._question, mention, company))

    def toggle(self, at: int) -> None:
        """Open the choice for a chip, or close it."""
        if self._open == at:
            self._close()
            return
        self._close()
        self._open = at
        mention = self.found[at]
        self.chips[at].add_class("finassist-chat-open")
        self._title.value = f"<span>{escape(_question_about(mention))}</span>"
        self.search.value = ""
        self._offer(mention.candidates)
        show(self.chooser, True)
        self.search.focus()

    def _chip(self, at: int, mention: Mention) -> Widget:
        tip = f"{mention.label}: choose another company" if mention.symbol else f"Which company is “{mention.name}”?"
        classes = "chip toggle" if mention.symbol else "chip chip-open toggle"
        return button(mention.label[:60], self._guarded(bound(self.toggle, at)), tooltip=tip, classes=classes)

    def _searched(self, change: Any) -> None:
        if self._open is not None:
            mention, typed = self.found[self._open], str(change["new"]).strip()
            self._offer(searched(typed, mention.symbol) if typed else mention.candidates)

    def _offer(self, companies: Sequence[Company]) -> None:
        old = self.options.children
        self.options.children = [self._option(company) for company in companies] or [
            html("<span>No company of that name is known. Try its ticker.</span>", "dim")
        ]
        for widget in old:
            discard(widget)

    def _option(self, company: Company) -> Widget:
        text = f"{company.symbol} · {company.name}"
        return button(
            text[:60], self._guarded(bound(self.choose, company)), tooltip=f"Ask about {text}", classes="option"
        )

    def _leave(self, *_: Any) -> None:
        if self._open is not None:
            self.chips[self._open].focus()
        self._close()

    def _close(self) -> None:
        self._open = None
        show(self.chooser, False)
        for chip in self.chips:
            chip.remove_class("finassist-chat-open")


def _question_about(mention: Mention) -> str:
    if mention.symbol:
        return f"Not {mention.name}? Choose the company you meant; the question is asked again."
    return f"Which company is “{mention.name}”? The question is asked again with the one you choose."
