"""When a zero of Financial Modeling Prep is a figure.

Its maintainers say that "0 means that the data does not exist", so a zero is by default
`"0 or not reported"`: shown in these words, and kept out of every ratio. It counts as a figure only where the
same answer proves it: where the other lines add up to a total on their own, nothing is left for this one.

| field                     | zero counts when                                                                 |
|---------------------------|----------------------------------------------------------------------------------|
| `noncontrolling_interest` | total equity is the shareholders' equity                                         |
| `income_tax`              | net income is the income before tax                                              |
| `inventory`               | cash, short-term investments and receivables are all the current assets          |
| `dividends_paid`          | debt and shares explain the whole financing cash flow                            |
| `change`, `change_percent`| the price is the previous close: both are computed from these two                |
| everything else           | never: a price, a count of shares, revenue, EPS of 0 cannot be told from "absent" |
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal

from finassist.providers.values import number

_PROOFS: Mapping[str, tuple[str, tuple[str, ...]]] = {
    "noncontrolling_interest": ("totalEquity", ("totalStockholdersEquity",)),
    "income_tax": ("netIncome", ("incomeBeforeTax",)),
    "inventory": ("totalCurrentAssets", ("cashAndShortTermInvestments", "netReceivables")),
    "dividends_paid": ("netCashProvidedByFinancingActivities", ("netDebtIssuance", "netStockIssuance")),
}


def zero_is_real(field: str, row: Mapping[str, object]) -> bool:
    """Whether the rest of the answer proves that this field is zero.

    Example:
        >>> zero_is_real("income_tax", {"netIncome": 90, "incomeBeforeTax": 90, "incomeTaxExpense": 0})
        True
        >>> zero_is_real("income_tax", {"netIncome": 90, "incomeTaxExpense": 0})
        False
    """
    if field not in _PROOFS:
        return False
    name, parts = _PROOFS[field]
    total = number(row.get(name))
    amounts = [amount for part in parts if isinstance(amount := number(row.get(part)), Decimal)]
    return isinstance(total, Decimal) and total != 0 and len(amounts) == len(parts) and sum(amounts) == total
