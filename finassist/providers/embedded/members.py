"""What is known of companies besides their figures: name, sector, and the industries in which some ratios make no sense."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache

from finassist.analysis.points import Member
from finassist.providers.embedded import tables


@cache
def attributes() -> Mapping[str, Member]:
    """The embedded companies as members of a universe; every provider reads industry and sector here.

    Example:
        >>> attributes()["JPM"].industry, attributes()["GOOG"].primary
        ('bank', 'GOOGL')
    """
    index = Member(tables.INDEX, "S&P 500", primary="none")
    found = {
        record.symbol: Member(
            record.symbol, record.name, record.industry, record.sector, record.sub_industry,
            "" if record.primary == record.symbol else record.primary,
        )
        for record in tables.companies().values()
    }  # fmt: skip
    return {**found, tables.INDEX: index}
