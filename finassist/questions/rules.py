"""Routing by rules: an ordered table, the first rule that applies decides.

`read` turns a question into a `Reading` (which companies, which data words, does it point back, …); `RULES`
says what each reading means. A route is *certain* only when the rule allows it, the company is unmistakable,
and every word of the question was understood; anything else is a best guess that a model may overrule.

Example:
    >>> found = route("What is Apple's stock price?")
    >>> found.category, found.symbols, found.certain, found.rule
    ('stock_price', ('AAPL',), True, 'company and data')
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from finassist.core.categories import CATEGORY
from finassist.core.categories import CategoryName as Category
from finassist.questions.parser import Context, Reading, read
from finassist.symbols.company import Unmatched

__all__ = ["RULES", "Context", "Route", "Rule", "route"]


@dataclass(frozen=True, slots=True)
class Route:
    """Where a question goes, and why.

    Attributes:
        category: The kind of answer.
        symbols: The companies it is about; empty when there are none or they could not be told.
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


@dataclass(frozen=True, slots=True)
class Rule:
    """One row of the table.

    Attributes:
        name: Short stable name.
        applies: Whether the rule speaks for a reading.
        category: The category, or how to tell it from the reading.
        reason: A sentence; `{category}` and `{symbols}` are filled in.
        about: Which companies: those `asked` about, those of the `earlier` conversation, `both`, or `none`.
        certain: When a model need not be asked.
    """

    name: str
    applies: Callable[[Reading], bool]
    category: Category | Callable[[Reading], Category]
    reason: str
    about: Literal["asked", "earlier", "both", "none"] = "asked"
    certain: Callable[[Reading], bool] = lambda reading: False


def _wanted(reading: Reading) -> Category:
    if set(reading.wanted) == {"income_statement", "company_financials"}:
        return "company_financials"
    return reading.wanted[0] if len(reading.wanted) == 1 else "report"


def _carried(reading: Reading) -> Category:
    if reading.wanted or reading.overview:
        return _wanted(reading)
    return reading.carried or "report"


# From the top: what is no question about a company, then companies, then what only the conversation explains.
RULES: tuple[Rule, ...] = (
    Rule(
        "small talk",
        lambda r: r.small_talk,
        "chat",
        "It is a greeting or a request for help.",
        about="none",
        certain=lambda r: True,
    ),
    Rule(
        "coverage",
        lambda r: r.coverage and not r.symbols,
        "chat",
        "It asks which companies or data there are.",
        about="none",
    ),
    Rule(
        "forecast",
        lambda r: r.forecast and bool(r.symbols or r.wanted or r.refers_back),
        "chat",
        "It asks about the future, which no data can answer.",
        about="both",
    ),
    Rule(
        "advice",
        lambda r: r.advice and bool(r.symbols or r.refers_back),
        "report",
        "It asks for advice on {symbols}: a report shows what to weigh, without recommending.",
        about="both",
    ),
    Rule(
        "concept",
        lambda r: r.concept and not r.symbols and not r.refers_back and not r.unmatched,
        "chat",
        "It asks what a term means, about no company.",
        about="none",
        certain=lambda r: r.concept_understood,
    ),
    Rule(
        "comparison with earlier",
        lambda r: r.compares_with_earlier,
        _wanted,
        "It compares with the companies talked about before: {symbols}.",
        about="both",
    ),
    Rule(
        "several kinds of data",
        lambda r: bool(r.symbols) and len(r.wanted) > 1,
        _wanted,
        "It asks for several kinds of figures about {symbols}: that takes {category}.",
    ),
    Rule(
        "company and data",
        lambda r: bool(r.symbols and r.wanted),
        _wanted,
        "It names {symbols} and asks for {category}.",
        certain=lambda r: r.unmistakable,
    ),
    Rule(
        "what about",
        lambda r: bool(r.symbols and r.carried) and (r.what_about or r.bare) and not r.asks_overview,
        _carried,
        "It asks for the same as before ({category}), now about {symbols}.",
    ),
    Rule(
        "company overview",
        lambda r: bool(r.symbols) and r.overview,
        "report",
        "It asks for an overview of {symbols}.",
        certain=lambda r: r.unmistakable,
    ),
    Rule(
        "company alone",
        lambda r: bool(r.symbols) and r.bare,
        "report",
        "It only names {symbols}; a report tells most.",
        certain=lambda r: r.unmistakable and not r.what_about,
    ),
    Rule(
        "company",
        lambda r: bool(r.symbols),
        "report",
        "It names {symbols} and no particular figure.",
    ),
    Rule(
        "unknown company",
        lambda r: bool(r.unmatched) and bool(r.wanted or r.overview or r.what_about),
        _carried,
        "It seems to name a company that is not in the directory.",
        about="none",
    ),
    Rule(
        "follow-up for data",
        lambda r: bool(r.earlier and r.wanted),
        _wanted,
        "It asks for {category} of the companies talked about before: {symbols}.",
        about="earlier",
    ),
    Rule(
        "follow-up",
        lambda r: r.refers_back or bool(r.earlier and r.understood and (r.overview or r.what_about)),
        _carried,
        "It points back to {symbols}.",
        about="earlier",
    ),
    Rule(
        "data without a company",
        lambda r: bool(r.wanted) and r.plain,
        _wanted,
        "It asks for {category} and names no company.",
        about="none",
    ),
    Rule(
        "overview without a company",
        lambda r: r.asks_overview and r.understood,
        "report",
        "It asks for an overview and names no company.",
        about="none",
    ),
    Rule("chat", lambda r: True, "chat", "It names no company and no figure.", about="none"),
)


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
    rule = next(rule for rule in RULES if rule.applies(reading))
    category = rule.category(reading) if callable(rule.category) else rule.category
    symbols = _about(rule, reading)
    return Route(
        category=category,
        symbols=symbols,
        certain=rule.certain(reading),
        rule=rule.name,
        reason=rule.reason.format(category=CATEGORY[category].spoken, symbols=_listed(symbols)),
        unmatched=reading.unmatched,
    )


def _about(rule: Rule, reading: Reading) -> tuple[str, ...]:
    chosen = {
        "asked": reading.symbols,
        "earlier": reading.earlier,
        "both": reading.joined,
        "none": (),
    }
    return chosen[rule.about]


def _listed(symbols: tuple[str, ...]) -> str:
    return " and ".join(filter(None, [", ".join(symbols[:-1]), *symbols[-1:]]))
