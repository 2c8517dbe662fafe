"""Frames for work of your own: one metric of all companies in all years, facts as pivots, files to keep them in.

>>> frame = panel("net_income / avg(equity)", "Health Care", "FY2015:FY2025")
>>> frame.shape[1], f"{frame.loc['JNJ', 'FY2023']:.1%}"
(11, '48.3%')
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import date

from finassist.analysis.calendar import Member, as_known
from finassist.analysis.cube import Cube
from finassist.analysis.execute import in_sector, rankable
from finassist.analysis.needs import needed
from finassist.analysis.panel import columns_of, figures, query_of, values
from finassist.analysis.valuation import beyond
from finassist.core.errors import InvalidQuery, NotOffered, UnknownSymbol
from finassist.core.metrics import described
from finassist.core.periods import Period, parse_periods
from finassist.core.text import check_day, did_you_mean
from finassist.providers.base import UniverseScope
from finassist.providers.embedded import EmbeddedProvider
from finassist.providers.frame import FrameProvider
from finassist.reporting.files import read_frame as read_frame
from finassist.reporting.files import write_frame as write_frame
from finassist.reporting.frames import DataFrame, panel_frame
from finassist.reporting.frames import by_company as by_company
from finassist.reporting.frames import by_year as by_year
from finassist.reporting.frames import describe as describe
from finassist.reporting.frames import facts_frame as facts_frame


def panel(
    metric: str,
    universe: str | Sequence[str] = "all",
    periods: str | Sequence[str] = "FY2014:FY2025",
    *,
    as_of: date | str | None = None,
    tidy: bool = False,
    provider: EmbeddedProvider | FrameProvider | None = None,
) -> DataFrame:
    """One metric of many companies in many periods: the figures that a query over all companies has, as a frame.

    It reads files and computes, 20 to 200 ms for all companies and fiscal years, and waits for no one: so there is no
    async form. In an `async` function that must not be held up so long, `await asyncio.to_thread(panel, …)`.

    Args:
        metric: An id of the catalogue (`describe()` lists them) or an expression over ids.
        universe: `"all"` companies, one share class each; a sector or an industry; or ticker symbols in a list. The
            embedded companies are those of today's index: those that left it before are not there.
        periods: Fiscal years, quarters, or months for prices: `"FY2014:FY2025"`, `"Q1 2020:Q4 2024"`,
            `"2020-01:2024-12"`, or a list of periods.
        as_of: Only what was public on this day, as it was reported then; by default all, as restated since.
        tidy: One row a figure with unit, last day, as-of day, source and, where there is none, the reason, as
            `answer.to_frame()` has them; `period` is the period asked.
        provider: Whose figures: the embedded ones, or those of a `FrameProvider`, which has tables of your own.

    Returns:
        One row a company and one column a period. A figure that is not there or makes no sense is `<NA>`, and so is
        an amount in another currency than most. `frame.attrs` has the metric, its unit and `as_of`.

    Raises:
        InvalidQuery: There is no such metric, period, sector, or metric over all companies.
        UnknownSymbol: A symbol of the list is not covered.
        NotOffered: The provider answers about companies by name only.

    Example:
        >>> frame = panel("net_margin", ["AAPL", "MSFT", "JPM"], "FY2023:FY2025")
        >>> frame.round(3).loc["AAPL"].tolist(), frame.attrs["unit"]
        ([0.253, 0.24, 0.269], 'ratio')
        >>> panel("gross_margin", ["JPM"], ["FY2024"], tidy=True).loc[0, "note"]
        'Gross margin is not meaningful for a bank.'
    """
    source = EmbeddedProvider() if provider is None else provider
    if not hasattr(source, "universe_facts"):
        raise NotOffered(
            f"{source.name} is asked company by company. A panel needs provider=EmbeddedProvider() or FrameProvider(…)."
        )
    day, asked = check_day(as_of), _columns(periods)
    symbols = _symbols(universe, source.members(), source.name)
    cube = _cube(metric, asked, day, source)
    if tidy:
        return facts_frame(figures(metric, cube, symbols, asked))
    return _wide(metric, cube, symbols, asked, day)


def _columns(periods: str | Sequence[str]) -> list[Period]:
    try:
        return columns_of([parse_periods(each) for each in ([periods] if isinstance(periods, str) else periods)])
    except ValueError as error:
        raise InvalidQuery(str(error)) from None


def _symbols(universe: str | Sequence[str], members: Mapping[str, Member], name: str) -> list[str]:
    if not isinstance(universe, str):
        wanted = [symbol.strip().upper().replace(".", "-") for symbol in universe]
        if unknown := [symbol for symbol in wanted if symbol not in members]:
            raise UnknownSymbol(f"Not in {name}: {', '.join(unknown[:5])}.{did_you_mean(unknown[0], members)}")
        return list(dict.fromkeys(wanted))
    sectors = [] if universe == "all" else [universe]
    found = [each for each in members.values() if each.primary in ("", each.symbol) and in_sector(each, sectors)]
    if not found:
        known = ", ".join(sorted({each.sector for each in members.values() if each.sector}))
        raise InvalidQuery(f"No company is in “{universe[:40]}”. Write “all”, a list of symbols, or one of: {known}.")
    return sorted(each.symbol for each in found)


def _cube(metric: str, periods: Sequence[Period], day: date | None, source: EmbeddedProvider | FrameProvider) -> Cube:
    query = query_of(metric, periods, day)
    if not rankable(query, metric):
        raise InvalidQuery(f"{described(metric).title} is computed for companies that are named. Ask a workflow.")
    lines, _, since, days, quarters, back, year_ends = needed(query)
    found = source.universe_facts(UniverseScope(lines, since, days, quarters, back, year_ends))
    return Cube(found if day is None else as_known(found, day), source.members(), beyond=beyond)


def _wide(metric: str, cube: Cube, symbols: Sequence[str], periods: Sequence[Period], day: date | None) -> DataFrame:
    found = [*values(metric, cube, symbols, periods)]
    currencies = Counter(currency for *_, currency in found)
    usual = max(currencies, key=lambda each: currencies[each], default=None)
    known = {(symbol, period): float(value) for symbol, period, value, currency in found if currency == usual}
    frame = panel_frame(known, symbols, [*map(str, periods)])
    about = described(metric)
    unit = about.unit.replace("USD", usual or "") if about.unit.startswith("USD") else about.unit
    frame.attrs |= {"metric": metric, "label": about.label, "unit": "ratio" if unit == "percent" else unit,
                    "as_of": str(day or "")}  # fmt: skip
    return frame


__all__ = ["by_company", "by_year", "describe", "facts_frame", "panel", "read_frame", "write_frame"]
