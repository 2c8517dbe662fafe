"""Routing of what is no query: documents, explanations and small talk. The first rule that applies decides.

`read` turns a question into a `Reading` (which companies, which data words, does it point back, …). A route is
*certain* only when the rule allows it, the company is unmistakable, and every word of the question was understood;
anything else is a best guess that a model may overrule.

Example:
    >>> found = route("Coca-Cola's balance sheet")
    >>> found.category, found.symbols, found.certain, found.rule
    ('company_financials', ('KO',), True, 'company and data')
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import islice

from finassist.core.result import CATEGORY
from finassist.core.result import CategoryName as Category
from finassist.questions.glossary import glossary
from finassist.questions.phrases import COMPANY, words
from finassist.questions.topics import WORDS, Scan, scan, small_talk
from finassist.symbols.company import Match, Resolution, Unmatched
from finassist.symbols.directory import directory

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
    reading = read(question, context or Context())
    found = _no_company(reading) or _companies(reading) or _conversation(reading)
    found = found or _route("chat", "chat", (), "It names no company and no figure.")
    return replace(found, unmatched=reading.unmatched)


def _no_company(r: Reading) -> Route | None:
    """What is no question about a company."""
    if r.small_talk:
        return _route("small talk", "chat", (), "It is a greeting or a request for help.", certain=True)
    if r.coverage and not r.symbols:
        return _route("coverage", "chat", (), "It asks which companies or data there are.")
    if r.concept and not r.symbols and not r.refers_back and not r.unmatched:
        return _route(
            "concept", "chat", (), "It asks what a term means, about no company.", certain=r.concept_understood
        )
    return None


def _companies(r: Reading) -> Route | None:
    """What names companies."""
    named, sure = r.symbols, r.unmistakable
    if r.compares_with_earlier:
        reason = "It compares with the companies talked about before: {symbols}."
        return _route("comparison with earlier", r.asked, (*r.earlier, *named), reason)
    if not named:
        return None
    if r.wanted:
        reason = "It names {symbols} and asks for {category}."
        return _route("company and data", r.asked, named, reason, certain=sure and len(r.wanted) == 1)
    if r.carried and (r.what_about or r.bare) and not r.asks_overview:
        return _route("what about", r.kept, named, "It asks for the same as before ({category}), now about {symbols}.")
    if r.overview:
        return _route("company overview", "report", named, "It asks for an overview of {symbols}.", certain=sure)
    if r.bare:
        reason = "It only names {symbols}; a report tells most."
        return _route("company alone", "report", named, reason, certain=sure and not r.what_about)
    return _route("company", "report", named, "It names {symbols} and no particular figure.")


def _conversation(r: Reading) -> Route | None:
    """What only the conversation explains, or lacks its company."""
    if r.unmatched and (r.wanted or r.overview or r.what_about):
        return _route("unknown company", r.kept, (), "It seems to name a company that is not in the directory.")
    if r.earlier and r.wanted:
        reason = "It asks for {category} of the companies talked about before: {symbols}."
        return _route("follow-up for data", r.asked, r.earlier, reason)
    if r.refers_back or (r.earlier and r.understood and (r.overview or r.what_about)):
        return _route("follow-up", r.kept, r.earlier, "It points back to {symbols}.")
    if r.wanted and r.plain:
        return _route("data without a company", r.asked, (), "It asks for {category} and names no company.")
    if r.asks_overview and r.understood:
        return _route("overview without a company", "report", (), "It asks for an overview and names no company.")
    return None


def _route(rule: str, category: Category, symbols: tuple[str, ...], reason: str, *, certain: bool = False) -> Route:
    symbols = tuple(dict.fromkeys(symbols))
    listed = " and ".join(filter(None, [", ".join(symbols[:-1]), *symbols[-1:]]))
    return Route(category, symbols, certain, rule, reason.format(category=CATEGORY[category].spoken, symbols=listed))


# ------------------------------------------------------------------------------------------- reading


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """A question as the routing table sees it.

    Attributes:
        context: What the conversation carries over.
        symbols: Companies named.
        unmatched: Names that look like companies and are not known.
        company_certain: Whether each company is unmistakable.
        wanted: Kinds of figures asked for, in order of mention, without `report` and `chat`.
        overview: Whether an overview, analysis or comparison is asked for.
        plain: Whether no loose word decided.
        concept: Whether it asks what a term means.
        concept_understood: Whether every word of such a question was understood.
        understood: Whether every word of a question about a company was understood.
        bare: Whether nothing but a company is named.
        what_about: Whether it starts like `What about …` or `And …`.
        points_back: Whether it says `it`, `their`, `both`, …
        compares_with_earlier: Whether it compares a company with those talked about before.
        small_talk: Whether it is a greeting, thanks, a goodbye or a request for help, and nothing else.
        coverage: Whether it asks which companies or data there are.
        advice: Whether it asks what to buy or sell.
        forecast: Whether it asks about the future.
    """

    context: Context
    symbols: tuple[str, ...]
    unmatched: tuple[Unmatched, ...]
    company_certain: bool
    wanted: tuple[Category, ...]
    overview: bool
    plain: bool
    concept: bool
    concept_understood: bool
    understood: bool
    bare: bool
    what_about: bool
    points_back: bool
    compares_with_earlier: bool
    small_talk: bool
    coverage: bool
    advice: bool
    forecast: bool

    @property
    def earlier(self) -> tuple[str, ...]:
        """Companies talked about before."""
        return self.context.symbols

    @property
    def carried(self) -> Category | None:
        """The category of the conversation, if it was about a company."""
        return self.context.category if self.context.category != "chat" else None

    @property
    def asked(self) -> Category:
        """The one category that has all that is asked for."""
        if set(self.wanted) == {"income_statement", "company_financials"}:
            return "company_financials"
        return self.wanted[0] if len(self.wanted) == 1 else "report"

    @property
    def kept(self) -> Category:
        """The category asked for, or else that of the conversation."""
        return self.asked if self.wanted or self.overview else self.carried or "report"

    @property
    def refers_back(self) -> bool:
        """Whether it is about the companies talked about before and names no other."""
        return self.points_back and bool(self.earlier) and not self.symbols

    @property
    def asks_overview(self) -> bool:
        """Whether a plain word asks for an overview."""
        return self.overview and self.plain

    @property
    def unmistakable(self) -> bool:
        """Whether company, data word and every other word leave no doubt."""
        return self.company_certain and self.plain and self.understood


def read(question: str, context: Context) -> Reading:
    """Read a question. Bounded in time: only the first and last 1,000 characters count."""
    whole = len(question) <= 2 * _HALF
    text = question if whole else f"{question[:_HALF]} … {question[-_HALF:]}"
    found = _resolved(text)
    seen = scan(_masked(text, found.matches))
    categories, plain = seen.categories()
    wanted = _figures(categories)
    concept = not found.matches and _is_concept(seen, wanted, context)
    return Reading(
        context=context,
        symbols=found.symbols,
        unmatched=found.unmatched,
        company_certain=found.certain,
        wanted=wanted,
        overview="report" in categories,
        plain=plain,
        concept=concept,
        concept_understood=concept and whole and _concept_understood(seen),
        understood=whole and _company_understood(seen),
        bare=not categories and seen.covered(WORDS["bare_fillers"], seen.kinds["what about"]),
        what_about=seen.follows_on,
        points_back=bool(seen.kinds["points back"]),
        compares_with_earlier=bool(context.symbols) and _compares_back(seen, len(found.symbols)),
        small_talk=small_talk(text) is not None,
        coverage=bool(seen.kinds["coverage"]),
        advice=bool(seen.kinds["advice"]),
        forecast=len(seen.kinds["forecast"]) > len(seen.kinds["polite"]),
    )


def _figures(categories: Sequence[Category]) -> tuple[Category, ...]:
    distinct = dict.fromkeys(categories)
    distinct.pop("report", None)
    return tuple(distinct)


def _resolved(text: str) -> Resolution:
    found = directory().resolve(text)
    matches = (match for match in found.matches if not _is_a_term(match, text))
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
    inside = words(f"{before[0] if before else ''}{name}{after[0] if after else ''}")
    left = words(text[max(0, start - _NEAR) : before.start() if before else start])[-4:]
    right = words(text[after.end() + end if after else end : end + _NEAR])[:4]
    first, last = len(left), len(left) + len(inside)
    around = glossary().hits([*left, *inside, *right])
    enough = len(inside) if whole or inside != words(name) else len(inside) + 1
    return any(hit.start <= first and hit.end >= last and hit.end - hit.start >= enough for hit in around)


def _masked(text: str, matches: Sequence[Match]) -> str:
    for match in reversed(matches):
        text = f"{text[: match.start]} {COMPANY} {text[match.end :]}"
    return text


_YEAR = re.compile(r"(?:fy)?(?:19|20)\d\d")


def _is_concept(seen: Scan, wanted: tuple[Category, ...], context: Context) -> bool:
    if not seen.terms or any(_YEAR.fullmatch(token) for token in seen.tokens):  # a term has no year, a figure has
        return False
    definite = any(hit.start > 0 and seen.tokens[hit.start - 1] == "the" for hit in seen.terms)
    if definite and wanted == ("stock_price",):
        return False
    if wanted and context.symbols and (definite or seen.follows_on):
        return False
    if seen.kinds["concept"]:
        return True
    alone = seen.covered(frozenset({"a", "an", "and"}), seen.terms)
    return alone and not context.symbols and wanted != ("stock_price",)


def _concept_understood(seen: Scan) -> bool:
    asks = seen.kinds["concept"]
    fillers = WORDS["fillers"] | WORDS["concept_fillers"]
    return bool(asks) and seen.covered(fillers, [*seen.terms, *asks])


def _company_understood(seen: Scan) -> bool:
    plain = [hit for hit in seen.data if hit.value.plain]
    return not seen.negates and seen.covered(WORDS["fillers"], plain)


_PRONOUNS = ("it", "its", "they", "their", "theirs", "them", "itself")


def _compares_back(seen: Scan, named: int) -> bool:
    if not seen.kinds["compare"] or COMPANY not in seen.tokens:
        return False
    first = seen.tokens.index(COMPANY)
    before = [hit.phrase for hit in seen.kinds["points back"] if hit.start < first]
    if any(named == 1 or phrase in _PRONOUNS for phrase in before):  # "the stocks of A and B" are those of A and B
        return True
    objects = [hit for hit in seen.kinds["points back"] if hit.phrase not in ("its", "their", "theirs")]
    joined = first > 0 and seen.tokens[first - 1] in ("with", "to", "against", "vs", "versus", "than")
    return named == 1 and bool(objects or joined)
