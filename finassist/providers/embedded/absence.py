"""Which word stands for an annual line that is not there, and why.

Four things are kept apart: the embedded data lacks the line (`missing`), the company's filings have none
(`not_reported`, said only where a filing was read), nothing was paid (`none_paid`), and such a company has no such line
(`not_meaningful`).
"""

from __future__ import annotations

from collections.abc import Container, Mapping
from datetime import date

from finassist.core.facts import Fact, Status
from finassist.core.fields import EXPECTED, Field
from finassist.providers.embedded.tables import SOURCE, CompanyRecord

NOT_EMBEDDED = "not in the embedded data"

_WITHOUT: Mapping[str, frozenset[str]] = {
    "bank": frozenset({"cost_of_revenue", "gross_profit", "operating_income", "current_assets", "current_liabilities",
                       "inventory", "capex"}),
    "insurer": frozenset({"cost_of_revenue", "gross_profit", "operating_income", "current_assets",
                          "current_liabilities", "inventory"}),
}  # fmt: skip
"""Lines such companies do not have. They are not missing: they have no meaning there."""

_OTHER_BASIS = ("equity_incl_nci", "noncontrolling_interest", "cash_incl_restricted", "liabilities_and_equity")
"""Lines that only say the same on another basis; their absence is not worth a word."""

_NOT_IN_FILINGS: Mapping[tuple[str, str], str] = {
    ("DIS", "operating_income"): "Disney reports operating income by segment only",
    ("V", "eps_diluted"): "Visa reports earnings per share for each of its share classes",
    ("V", "shares_diluted"): "Visa reports shares for each of its share classes",
}
"""Lines that were looked for in the filings and are not there as one figure."""


def blank(record: CompanyRecord, field: Field, period: str, end: date | None, known: Container[str]) -> Fact | None:
    """What stands where a company has no figure, or `None` for nothing at all.

    Args:
        record: The company.
        field: The line.
        period: The fiscal year.
        end: Its last day.
        known: The lines the company has in some embedded year.
    """
    found = _reason(record, field, known)
    if found is None:
        return None
    status, note = found
    return Fact(
        symbol=record.symbol,
        field=field.name,
        unit=field.unit,
        period=period,
        period_end=end,
        source=SOURCE,
        statement=field.statement,
        status=status,
        note=note,
    )


def _reason(record: CompanyRecord, field: Field, known: Container[str]) -> tuple[Status, str] | None:
    name = field.name
    if name in _WITHOUT.get(record.industry, ()):
        return (
            "not_meaningful",
            f"{'an' if record.industry == 'insurer' else 'a'} {record.industry}'s statements have no such line",
        )
    if why := _NOT_IN_FILINGS.get((record.symbol, name)):
        return "not_reported", f"no such line in the filings ({why})"
    if name not in _OTHER_BASIS and (name in known or name in EXPECTED[field.statement]):
        return "missing", NOT_EMBEDDED
    return None
