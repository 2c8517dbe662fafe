"""Questions about the risk of companies, portfolios of them, and their shares around a filing: to a `Query`. Pure."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace

from finassist.analysis.windows import WINDOW_METRICS
from finassist.core.query import TEARSHEET, Query
from finassist.questions.slots import Understanding, refuse

type Read = Callable[[str], Understanding]

_PART = re.compile(r"(?<![\w.])(\d{1,3}(?:\.\d+)?) ?(?:%|percent|per cent) (?:of |in |into |from )?(?=[$A-Z])")
_SPLIT = re.compile(r"(?<![\w/])\d\d(?:/\d\d)+(?= (?:portfolio|mix|split|blend|in|of)\b)")
_HALVES = re.compile(
    r"(?<!first )(?<!second )\b[Hh]alf (?:in )?([A-Z$][^?,]{1,30}?),?(?: and)? half (?:in )?(?=[A-Z$])"
)
_EQUAL = re.compile(r"\b(?:an? )?(?:simple )?\(?equal(?:ly)?[- ]weight(?:ed)?\b\)?,?", re.I)
_HELD = re.compile(r"\b(?:an? |the |my )?(?:portfolio|mix|split|blend)(?: (?:of|with|holding))?\b:?", re.I)
_SHEET = re.compile(
    r"\b(?:tear ?sheets?|risk (?:profile|figures|measures|metrics|sheet|summary|statistics|and return)|return and risk)"
    r"(?: (?:of|for|on))?\b|^\W*(?:(?:what(?:'s| is)|show(?: me)?|give me) )?(?:the )?risk (?:of|in) (?=[$A-Z\d])",
    re.I,
)
_RETURN = re.compile(r"\b(?<!total )(?<!annualised )(?<!annualized )(?<!monthly )returns?\b(?! with)", re.I)


def of_shares_in(text: str, read: Read) -> Understanding | None:
    """The understanding of a question about a tearsheet, a portfolio or a filing; `None` where it is about none."""
    return of_portfolio(text, read) or around_a_filing(text, read)


def of_portfolio(text: str, read: Read) -> Understanding | None:
    """The understanding of a question about a tearsheet or a portfolio; `None` where it is about neither.

    What is left of the question when its weights are taken out is read as any other.

    Example:
        >>> from finassist.questions.parser import understand
        >>> [str(each) for each in understand("60% AAPL and 40% MSFT in 2024: volatility").queries]
        ['volatility of 60% AAPL + 40% MSFT in 2024']
    """
    text = _HALVES.sub(r"50% \1 and 50% ", text)
    sheet, weights = _SHEET.search(text) is not None, _weights(text)
    if not (sheet or weights):
        return None
    rest = _SHEET.sub("", text)
    for pattern in (_PART, _SPLIT, _EQUAL, _HELD) if weights else ():
        rest = pattern.sub("", rest)
    found = read(_RETURN.sub("price change", rest))
    own = found.queries[0] if len(found.queries) == 1 else None
    if own and weights == [0.0] and own.operation == "mean" and not WINDOW_METRICS.intersection(own.metrics):
        return found  # the plain mean of figures of statements
    if own is None or not own.metrics or not WINDOW_METRICS.issuperset(own.metrics):
        found, sheet = read(f"volatility of {rest}"), True
        own = found.queries[0] if len(found.queries) == 1 else None
    if own is None or own.scope != "named" or not own.companies:
        return None
    metrics = (
        own.metrics if "price_change" in own.metrics or not _RETURN.search(rest) else ["price_change", *own.metrics]
    )
    return _asked(found, own.model_copy(update={"metrics": [*TEARSHEET] if sheet else metrics}), weights, sheet=sheet)


_FILING = re.compile(
    r"\b(?:around|after|before and after|following|since|on|to|at|upon|with|when)\b[^?.,;]{0,40}?"
    r"\b(?:(?P<year>10-?ks?|(?:annual|yearly) (?:report|filing)s?)|10-?qs?|quarterly (?:report|filing)s?"
    r"|filings?(?: date)?)\b",
    re.I,
)
_RESULTS = re.compile(
    r"\b(?:after|following|upon|(?:react|respond)(?:ed|s|ing)? to|reaction to|response to)\b[^?.,;]{0,30}?"
    r"\b(?:results|earnings)\b(?! growth| per)",
    re.I,
)
_MOVES = re.compile(r"\b(?:shares?|stocks?|price)\b|\breact", re.I)
_DAYS = re.compile(r"\b(?P<n>\d+|one|two|three|five|ten) (?:trading )?days?(?: after)?\b", re.I)
_NUMBERS = {"one": 1, "two": 2, "three": 3, "five": 5, "ten": 10}
_AROUND = re.compile(
    r"\b(?:how|what|did|does|do|has|have|had|was|were|is|the|shares?|stocks?|prices?|mov\w+|move|react\w*|perform\w*|chang\w+"
    r"|respond\w*|response|reaction|go|happened|around|after|before|following|since|on|to|at|upon|with|when|within|of|and|it|its|their"
    r"|last|latest|most|recent|10-?[kq]s?|annual|yearly|quarterly|reports?|results|earnings|filings?|filed|file|date|day|in|for|by)\b",
    re.I,
)


def around_a_filing(text: str, read: Read) -> Understanding | None:
    """The understanding of a question about a share around a filing: `how did it move after its FY2024 10-K?`."""
    filing = _FILING.search(text) or _RESULTS.search(text)
    if filing is None or not _MOVES.search(text):
        return None
    named = [_NUMBERS.get(each.lower()) or int(each) for each in _DAYS.findall(text)]
    found = read(f"revenue of {_AROUND.sub(' ', _DAYS.sub(' ', text))}")
    own = found.queries[0] if len(found.queries) == 1 else None
    if own is None or own.scope != "named" or not own.companies or own.metrics != ["revenue"] or own.unknown:
        return None
    periods = own.periods or ["latest" if filing.groupdict().get("year") else "latest quarter"]
    query = Query(intent="event", companies=own.companies, periods=periods, after=named or [1, 5])
    return replace(found, queries=(query,), decided="around a filing")


def _asked(found: Understanding, own: Query, weights: list[float], *, sheet: bool) -> Understanding:
    symbols = own.companies
    parts = [1 / len(symbols)] * len(symbols) if weights == [0.0] else weights
    if parts and len(parts) != len(symbols):
        reason = f"A portfolio needs a part for each company: {len(parts)} parts are named, and {', '.join(symbols)}"
        return refuse(", ".join(f"{part:.0%}" for part in parts), "portfolio", reason)
    changes = {"intent": "tearsheet" if sheet else "value", "order": 0, "operation": "none", "limit": None,
               "weights": dict(zip(symbols, parts, strict=True)) if parts else {}}  # fmt: skip
    return replace(found, queries=(own.model_copy(update=changes),), decided="tearsheet" if sheet else "portfolio")


def _weights(text: str) -> list[float]:
    """The parts of a portfolio, in order; one zero where they are equal, none where the text names none."""
    if _EQUAL.search(text):
        return [0.0]
    parts = [float(each) for each in _PART.findall(text)]
    if not parts and (split := _SPLIT.search(text)):
        parts = [float(each) for each in split.group().split("/")]
    return [part / 100 for part in parts] if len(parts) > 1 and abs(sum(parts) - 100) <= 0.5 else []
