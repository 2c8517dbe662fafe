"""Routing of what is no query: documents, explanations and small talk. The first rule that applies decides.

A route is *certain* only when the rule allows it, the company is unmistakable, and every word of the question was
understood; anything else is a best guess that a model may overrule.

Example:
    >>> found = route("Coca-Cola's balance sheet")
    >>> found.category, found.symbols, found.certain, found.rule
    ('company_financials', ('KO',), True, 'company and data')
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from itertools import islice
from typing import Literal

from finassist.core.result import CATEGORY
from finassist.core.result import CategoryName as Category
from finassist.questions.grammar import POINTS_BACK, language_of
from finassist.questions.topics import COMPANY, WORDS, Topics, glossary, small_talk, tokens, topics
from finassist.symbols import directory
from finassist.symbols.company import Match, Resolution, Unmatched

_HALF = 1_000
_NEAR = 60
_NO_SPACE_BEFORE = re.compile(r"[^\s,;:.!?()]{0,20}$")
_NO_SPACE_AFTER = re.compile(r"[^\s,;:.!?()'’]{0,20}")
_MARKED = re.compile(r"(?:[$:(]|\bticker)\s*$", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Context:
    """What a conversation carries over to the next question.

    Attributes:
        category: The category of the last answer.
        symbols: The companies it was about.
        summary: What was said before the last turns.
        turns: The last turns as (question, short answer), oldest first.
    """

    category: Category | None = None
    symbols: tuple[str, ...] = ()
    summary: str = ""
    turns: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Route:
    """Where a question goes, and why.

    Attributes:
        category: The kind of answer.
        symbols: The companies it is about; empty when there are none or they could not be identified.
        certain: Whether a model need not be asked.
        rule: Short stable name of the rule that decided.
        reason: One sentence a person can read.
        unmatched: Names that look like companies and are not known.
    """

    category: Category
    symbols: tuple[str, ...]
    certain: bool
    rule: str
    reason: str
    unmatched: tuple[Unmatched, ...] = ()


def route(question: str, context: Context | None = None) -> Route:
    """The category and companies of a question, by rules alone. Never raises; bounded in time.

    Args:
        question: Any text. Only its first and last 1,000 characters are read.
        context: What the conversation so far carries over.

    Example:
        >>> route("and its income statement?", Context(category="stock_price", symbols=("TSLA",))).symbols
        ('TSLA',)
    """
    reading = _Reading(question, context or Context())
    found = _no_company(reading) or _companies(reading) or _conversation(reading)
    found = found or _route("chat", "chat", (), "It names no company and no figure.")
    return replace(found, unmatched=reading.found.unmatched)


def chat_topic(question: str, context: Context) -> Literal["coverage", "concept", "forecast", "advice"] | None:
    """What a question that no figure answers is about, if it is one of these."""
    reading = _Reading(question, context)
    if reading.has("coverage"):
        return "coverage"
    if reading.concept:
        return "concept"
    if len(reading.seen.kinds["forecast"]) > len(reading.seen.kinds["polite"]):
        return "forecast"
    return "advice" if reading.has("advice") else None


# ------------------------------------------------------------------------------------------------- the question


class _Reading:
    """A question as the rules see it: its companies, and what is known among its other words."""

    def __init__(self, question: str, context: Context) -> None:
        self.context = context
        self.whole = len(question) <= 2 * _HALF
        self.text = question if self.whole else f"{question[:_HALF]} … {question[-_HALF:]}"
        self.found = _resolved(self.text)
        self.named = self.found.symbols
        self.seen = topics(_masked(self.text, self.found))
        categories, self.plain = self.seen.categories
        self.wanted: list[Category] = [each for each in dict.fromkeys(categories) if each != "report"]
        self.overview = "report" in categories
        what_about = self.seen.kinds["what about"]
        self.bare = not categories and self.seen.covered(WORDS["bare_fillers"], what_about)
        self.concept = not self.named and _is_concept(self.seen, self.wanted, context)

    def has(self, kind: str) -> bool:
        """Whether a phrase of that kind was found."""
        return bool(self.seen.kinds[kind])

    @property
    def understood(self) -> bool:
        """Whether every word of a question about a company was understood."""
        plain = [hit for hit in self.seen.data if hit.value.plain]
        return self.whole and not self.seen.negates and self.seen.covered(WORDS["fillers"], plain)

    @property
    def concept_understood(self) -> bool:
        """Whether every word of a question about a term was understood."""
        asks, fillers = self.seen.kinds["concept"], WORDS["fillers"] | WORDS["concept_fillers"]
        return self.whole and bool(asks) and self.seen.covered(fillers, [*self.seen.terms, *asks])

    @property
    def asked(self) -> Category:
        """The one category that has all that is asked for."""
        if set(self.wanted) == {"income_statement", "company_financials"}:
            return "company_financials"
        return self.wanted[0] if len(self.wanted) == 1 else "report"

    @property
    def carried(self) -> Category | None:
        """The category of the conversation, if it was about a company."""
        return self.context.category if self.context.category != "chat" else None

    @property
    def kept(self) -> Category:
        """The category asked for, or else that of the conversation."""
        return self.asked if self.wanted or self.overview else self.carried or "report"

    @property
    def refers_back(self) -> bool:
        """Whether it is about the companies talked about before and names no other."""
        return self.has("points back") and bool(self.context.symbols) and not self.named


def _resolved(text: str) -> Resolution:
    found = directory().resolve(text)
    foreign = language_of(text) != "en"  # where `mir` and `ont` are no tickers
    matches = (m for m in found.matches if not (_is_a_term(m, text) or (foreign and m.text.islower())))
    unmatched = (item for item in found.unmatched if not _names_a_term(item.text, text))
    return Resolution(tuple(matches), tuple(unmatched))


def _is_a_term(match: Match, text: str) -> bool:
    """Whether a match is a term instead: `PEG` in "a PEG ratio", `Capital` in "capital expenditure"."""
    owns = text[match.end : match.end + 2] in ("'s", "’s")
    if owns or match.text == text.strip() or _MARKED.search(text[: match.start]):
        return False
    return _part_of_a_term(text, match.text, match.start, whole=match.how not in ("exact", "alias"))


def _names_a_term(name: str, text: str) -> bool:
    found = re.finditer(rf"(?<!\w){re.escape(name)}(?!\w)", text)
    return any(_part_of_a_term(text, name, each.start()) for each in islice(found, 5))


def _part_of_a_term(text: str, name: str, start: int, *, whole: bool = True) -> bool:
    """Whether the words around `name` make a glossary term with it; or, with `whole`, the name is one itself."""
    end = start + len(name)
    before, after = _NO_SPACE_BEFORE.search(text[:start]), _NO_SPACE_AFTER.match(text[end:])
    first = before.start() if before else start
    last = end + after.end() if after else end
    inside = tokens(text[first:last])
    left, right = tokens(text[max(0, start - _NEAR) : first])[-4:], tokens(text[last : end + _NEAR])[:4]
    around = glossary().hits([*left, *inside, *right])
    enough = len(inside) if whole or last - first > len(name) else len(inside) + 1
    at, to = len(left), len(left) + len(inside)
    return any(hit.start <= at and hit.end >= to and hit.end - hit.start >= enough for hit in around)


def _masked(text: str, found: Resolution) -> str:
    for match in reversed(found.matches):
        text = f"{text[: match.start]} {COMPANY}{text[match.end :]}"
    return text


_YEAR = re.compile(r"(?:fy)?(?:19|20)\d\d")


def _is_concept(seen: Topics, wanted: list[Category], context: Context) -> bool:
    """Whether it asks what a term means; a term has no year, a figure has."""
    if not seen.terms or any(_YEAR.fullmatch(word.text) for word in seen.words):
        return False
    definite = any(hit.start > 0 and seen.words[hit.start - 1].text == "the" for hit in seen.terms)
    if definite and wanted == ["stock_price"]:
        return False
    if wanted and context.symbols and (definite or seen.follows_on):
        return False
    if seen.kinds["concept"]:
        return True
    alone = seen.covered(frozenset({"a", "an", "and"}), seen.terms)
    return alone and not context.symbols and wanted != ["stock_price"]


_PRONOUNS = ("it", "its", "they", "their", "theirs", "them", "itself")
_JOINING = ("with", "to", "against", "vs", "versus", "than")


def _compares_back(reading: _Reading) -> bool:
    """Whether it compares a company with those talked about before."""
    words = [word.text for word in reading.seen.words]
    if not reading.context.symbols or not reading.has("compare") or COMPANY not in words:
        return False
    first, one, back = words.index(COMPANY), len(reading.named) == 1, reading.seen.kinds["points back"]
    # "the stocks of A and B" are those of A and B.
    if any(hit.start < first and (one or hit.words in _PRONOUNS) for hit in back):
        return True
    objects = any(hit.words not in ("its", "their", "theirs") for hit in back)
    return one and (objects or (first > 0 and words[first - 1] in _JOINING))


# --------------------------------------------------------------------------------------------------- the rules


def _no_company(r: _Reading) -> Route | None:
    """What is no question about a company."""
    if small_talk(r.text):
        return _route("small talk", "chat", (), "It is a greeting or a request for help.", certain=True)
    if r.has("coverage") and not r.named:
        return _route("coverage", "chat", (), "It asks which companies or data there are.")
    if r.concept and not r.refers_back and not r.found.unmatched:
        reason = "It asks what a term means, about no company."
        return _route("concept", "chat", (), reason, certain=r.concept_understood)
    return None


def _companies(r: _Reading) -> Route | None:
    """What names companies."""
    named, sure, what_about = r.named, r.found.certain and r.plain and r.understood, r.seen.follows_on
    if _compares_back(r):
        reason = "It compares with the companies talked about before: {symbols}."
        return _route("comparison with earlier", r.asked, (*r.context.symbols, *named), reason)
    if not named:
        return None
    if r.context.symbols and not r.wanted and POINTS_BACK["adds"].search(r.text.lower()):
        reason = "It adds a company to those talked about before: {symbols}."
        return _route("comparison with earlier", r.kept, (*r.context.symbols, *named), reason)
    if r.wanted:
        reason = "It names {symbols} and asks for {category}."
        return _route("company and data", r.asked, named, reason, certain=sure and len(r.wanted) == 1)
    if r.carried and (what_about or r.bare) and not (r.overview and r.plain):
        return _route("what about", r.kept, named, "It asks for the same as before ({category}), now about {symbols}.")
    if r.overview:
        return _route("company overview", "report", named, "It asks for an overview of {symbols}.", certain=sure)
    if r.bare:
        reason = "It only names {symbols}; a report tells most."
        return _route("company alone", "report", named, reason, certain=sure and not what_about)
    return _route("company", "report", named, "It names {symbols} and no particular figure.")


def _conversation(r: _Reading) -> Route | None:
    """What only the conversation explains, or lacks its company."""
    earlier, what_about = r.context.symbols, r.seen.follows_on
    if r.found.unmatched and (r.wanted or r.overview or what_about):
        return _route("unknown company", r.kept, (), "It seems to name a company that is not in the directory.")
    if earlier and r.wanted:
        reason = "It asks for {category} of the companies talked about before: {symbols}."
        return _route("follow-up for data", r.asked, earlier, reason)
    if r.refers_back or (earlier and r.understood and (r.overview or what_about)):
        return _route("follow-up", r.kept, earlier, "It points back to {symbols}.")
    if r.wanted and r.plain:
        return _route("data without a company", r.asked, (), "It asks for {category} and names no company.")
    if r.overview and r.plain and r.understood:
        return _route("overview without a company", "report", (), "It asks for an overview and names no company.")
    return None


def _route(rule: str, category: Category, symbols: tuple[str, ...], reason: str, *, certain: bool = False) -> Route:
    symbols = tuple(dict.fromkeys(symbols))
    listed = " and ".join(filter(None, [", ".join(symbols[:-1]), *symbols[-1:]]))
    return Route(category, symbols, certain, rule, reason.format(category=CATEGORY[category].spoken, symbols=listed))
