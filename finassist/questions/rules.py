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

from dataclasses import dataclass, replace

from finassist.core.categories import CATEGORY
from finassist.core.categories import CategoryName as Category
from finassist.questions.parser import Context, Reading, read
from finassist.symbols.company import Unmatched

__all__ = ["Context", "Route", "route"]


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
