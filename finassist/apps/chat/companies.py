"""Companies in a conversation: suggested while typing, shown with an answer, and changed where one is wrong."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final

from finassist.apps.chat import widgets as ui
from finassist.apps.live.view import discard
from finassist.reporting.sanitize import escape
from finassist.symbols import directory
from finassist.symbols.company import Company
from finassist.symbols.names import common_words, ordinary_words

OFFERED: Final = 6
_CHIPS: Final = 12
_SHORTEST: Final = 3
_LONGEST: Final = 40


@dataclass(frozen=True, slots=True)
class Mention:
    """A company that an answer is about, or a name that was not recognised, which has no symbol.

    The question names it at its `spans`, none where an earlier turn did; its `candidates` may have been meant instead.
    """

    symbol: str
    name: str
    spans: tuple[tuple[int, int], ...] = ()
    candidates: tuple[Company, ...] = ()

    @property
    def label(self) -> str:
        """The text of its chip."""
        return f"{self.symbol} · {self.name}" if self.symbol else f"“{self.name}”: which company?"

    @property
    def tooltip(self) -> str:
        """What a click on its chip does."""
        return f"{self.label}: choose another company" if self.symbol else f"Which company is “{self.name}”?"

    @property
    def prompt(self) -> str:
        """What to say above the companies to choose from."""
        if self.symbol:
            return f"Not {self.name}? Choose the company you meant; the question is asked again."
        return f"Which company is “{self.name}”? The question is asked again with the one you choose."


def mentions(question: str, symbols: Sequence[str]) -> list[Mention]:
    """A mention for each company of an answer, then one for each name that was not recognised.

    Example:
        >>> found = mentions("Compare Apple and Microsft", ["AAPL"])
        >>> [(each.symbol, each.name, each.spans) for each in found]
        [('AAPL', 'Apple Inc.', ((8, 13),)), ('', 'Microsft', ((18, 26),))]
        >>> found[1].candidates[0].symbol
        'MSFT'
    """
    resolution = directory().resolve(question)
    known = [_known(symbol, [m for m in resolution.matches if m.company.symbol == symbol]) for symbol in symbols]
    unknown = [
        Mention("", missing.text, _spans(question, missing.text), missing.suggestions)
        for missing in resolution.unmatched
    ]
    return [*known, *unknown]


def corrected(question: str, mention: Mention, company: Company) -> str:
    """The question asked about `company` instead; where it names none, the company is appended.

    Example:
        >>> [apple] = mentions("How did Apple's revenue develop?", ["AAPL"])
        >>> corrected("How did Apple's revenue develop?", apple, directory().lookup("MSFT"))
        "How did $MSFT's revenue develop?"
        >>> corrected("And its cash flow?", Mention("AAPL", "Apple Inc."), directory().lookup("MSFT"))
        'And its cash flow? ($MSFT)'
    """
    ticker = f"${company.symbol}"
    if not mention.spans:
        return f"{question.rstrip()} ({ticker})"
    for start, end in sorted(mention.spans, reverse=True):
        question = question[:start] + ticker + question[end:]
    return question


def completions(word: str, limit: int = OFFERED) -> list[Company]:
    """The companies that a word being typed may mean; none for ordinary words, unless marked with `$`.

    Example:
        >>> [company.symbol for company in completions("micros", 2)], completions("what")
        (['MSFT', 'MSTR'], [])
        >>> [company.symbol for company in completions("ge", 1)]
        ['GE']
        >>> [company.symbol for company in completions("$f", 1)]
        ['F']
    """
    bare = word.lstrip("$")
    if not bare or len(word) > _LONGEST:
        return []
    if word.startswith("$"):
        return _beginning(bare, limit)
    if bare.isupper() and bare.lower() not in common_words() and directory().lookup(bare):
        return directory().search(bare, limit)
    short, ordinary = len(bare) < _SHORTEST, bare.lower() in ordinary_words()
    if len(bare) == 1 or (short and ordinary):
        return []
    doubtful = (short or ordinary) and not directory().resolve(bare).matches
    return [] if doubtful else directory().search(bare, limit)


def _beginning(typed: str, limit: int) -> list[Company]:
    """Tickers that begin so, the exact one first, then what a search finds."""
    start = typed.upper().replace(".", "-")
    tickers = [company for company in directory().companies() if company.symbol.startswith(start)]
    ordered = sorted(tickers, key=lambda company: company.symbol != start)[:limit]
    found = directory().search(typed, limit) if len(typed) >= _SHORTEST else []
    return list(dict.fromkeys([*ordered[: limit // 2], *found, *ordered]))[:limit]


def _search(query: str, without: str) -> list[Company]:
    return [each for each in directory().search(query, OFFERED + 1) if each.symbol != without][:OFFERED]


def _known(symbol: str, matches: Sequence[Any]) -> Mention:
    company = directory().lookup(symbol)
    name = company.name if company else symbol
    words = matches[0].text.lstrip("$") if matches else ""
    spans = tuple((match.start, match.end) for match in matches)
    return Mention(symbol, name, spans, tuple(_search(words or name.split(",")[0], symbol)))


def _spans(question: str, words: str) -> tuple[tuple[int, int], ...]:
    start = question.casefold().find(words.casefold())
    return ((start, start + len(words)),) if start >= 0 else ()


class CompanyChips:
    """The companies of an answer as buttons; a click offers others, and choosing one asks the question again."""

    def __init__(self, question: str, symbols: Sequence[str], ask: Callable[[str], Any], guarded: ui.Guarded) -> None:
        self._question, self._ask, self._guarded = question, ask, guarded
        self._mentions = mentions(question, symbols)[:_CHIPS]
        self._open: int | None = None
        self.chips = [self._chip(at, mention) for at, mention in enumerate(self._mentions)]
        self._prompt = ui.html(classes="dim")
        self.search = ui.text_field(guarded(self._searched), label="Another company: name or ticker")
        self.options = ui.row(classes="options")
        leave = ui.button("Leave it", guarded(self._leave), classes="quiet")
        self.chooser = ui.column([self._prompt, ui.row([self.search, leave], "search-line"), self.options], "chooser")
        ui.show(self.chooser, False)
        self.widget = ui.column([ui.row(self.chips, "chips"), self.chooser], "companies")
        ui.show(self.widget, bool(self._mentions))

    def _chip(self, at: int, mention: Mention) -> ui.Widget:
        classes = "chip toggle" if mention.symbol else "chip chip-open toggle"
        toggle = self._guarded(self._toggle, at)
        return ui.button(mention.label[:60], toggle, tooltip=mention.tooltip, classes=classes)

    def _toggle(self, at: int) -> None:
        was = self._open
        self._close()
        if was == at:
            return
        self._open, mention = at, self._mentions[at]
        self.chips[at].add_class("finassist-chat-open")
        self._prompt.value = f"<span>{escape(mention.prompt)}</span>"
        self.search.value = ""
        self._offer(mention.candidates)
        ui.show(self.chooser, True)
        self.search.focus()

    def _choose(self, company: Company) -> None:
        if self._open is not None:
            mention = self._mentions[self._open]
            self._close()
            self._ask(corrected(self._question, mention, company))

    def _searched(self, change: Any) -> None:
        if self._open is not None:
            mention, typed = self._mentions[self._open], str(change["new"]).strip()
            self._offer(_search(typed, mention.symbol) if typed else mention.candidates)

    def _offer(self, companies: Sequence[Company]) -> None:
        old, unknown = self.options.children, "<span>No company of that name is known. Try its ticker.</span>"
        self.options.children = [self._option(each) for each in companies] or [ui.html(unknown, "dim")]
        for widget in old:
            discard(widget)

    def _option(self, company: Company) -> ui.Widget:
        text = f"{company.symbol} · {company.name}"
        choose = self._guarded(self._choose, company)
        return ui.button(text[:60], choose, tooltip=f"Ask about {text}", classes="option")

    def _leave(self, *_: Any) -> None:
        if self._open is not None:
            self.chips[self._open].focus()
        self._close()

    def _close(self) -> None:
        self._open = None
        ui.show(self.chooser, False)
        for chip in self.chips:
            chip.remove_class("finassist-chat-open")
