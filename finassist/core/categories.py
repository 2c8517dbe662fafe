"""The kinds of answers, and the kinds of figures that each needs: one frozen record for each category."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal, get_args

CategoryName = Literal["income_statement", "company_financials", "stock_price", "report", "chat"]
NeedName = Literal["profile", "income", "balance_sheet", "cash_flow", "quote", "history"]

CATEGORIES: Final[tuple[CategoryName, ...]] = get_args(CategoryName)
NEEDS: Final[tuple[NeedName, ...]] = get_args(NeedName)

YEARS_SHOWN: Final = 5
"""Fiscal years in an answer, where the settings do not say otherwise."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Category:
    """One kind of answer.

    Attributes:
        name: What users and models call it.
        needs: The figures that are fetched for each company.
    """

    name: CategoryName
    needs: tuple[NeedName, ...] = ()


_ALL: Final = (
    Category(name="income_statement", needs=("income",)),
    Category(name="company_financials", needs=("income", "balance_sheet", "cash_flow", "quote")),
    Category(name="stock_price", needs=("quote", "history")),
    Category(name="report", needs=NEEDS),
    Category(name="chat"),
)

CATEGORY: Final[dict[str, Category]] = {category.name: category for category in _ALL}
"""The record of each category, by name."""
