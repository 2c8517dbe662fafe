"""The embedded companies as members of a universe: every provider reads industry and sector here."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache

from finassist.analysis.points import Member
from finassist.providers.embedded import tables
from finassist.providers.embedded.prices import INDEX


@cache
def attributes() -> Mapping[str, Member]:
    """Name, industry and sector of each embedded company, and the index.

    Example:
        >>> attributes()["JPM"].industry, attributes()["GOOG"].primary
        ('bank', 'GOOGL')
    """
    found = {
        record.symbol: Member(
            record.symbol, record.name, record.industry, record.sector, record.sub_industry,
            "" if record.primary == record.symbol else record.primary,
        )
        for record in tables.companies().values()
    }  # fmt: skip
    return {**found, INDEX: Member(INDEX, "S&P 500", primary="none")}
