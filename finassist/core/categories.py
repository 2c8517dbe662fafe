"""The kinds of answers and the kinds of data they need: one frozen record for each."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal, get_args

from finassist.core.facts import Statement

CategoryName = Literal["income_statement", "company_financials", "stock_price", "report", "chat"]
NeedName = Literal["profile", "income", "balance_sheet", "cash_flow", "quote", "history"]
QueryNeedName = Literal["figures", "closes", "universe"]

CATEGORIES: Final[tuple[CategoryName, ...]] = get_args(CategoryName)
NEEDS: Final[tuple[NeedName, ...]] = get_args(NeedName)

YEARS_SHOWN: Final = 5
"""Fiscal years in an answer, where the settings do not say otherwise."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Category:
    """One kind of answer.

    Attributes:
        name: What users and models call it.
        title: Heading of its document, in lower case.
        needs: The data that is fetched for each company.
        statements: The statements it shows.
        prices: Whether it shows the price, and with it ratios such as P/E.
        meaning: Which questions belong to it, for a model that sorts questions.
        spoken: The object of "It asks for …".
        plural: The same for several questions, in a summary.
        ask: A question that leads to it; `{names}` stands for the companies.
        concept: A question about a term that fits after it.
    """

    name: str
    title: str
    needs: tuple[NeedName, ...] = ()
    statements: tuple[Statement, ...] = ()
    prices: bool = False
    meaning: str = ""
    spoken: str = ""
    plural: str = ""
    ask: str = ""
    concept: str = "What is return on equity?"

    @property
    def whole(self) -> bool:
        """Whether it shows a company as a whole, with key figures and all ratios."""
        return len(self.statements) > 1


_ALL: Final = (
    Category(
        name="income_statement",
        title="income statement",
        needs=("income",),
        statements=("income",),
        meaning="revenue, costs, profit, earnings or earnings per share of a company.",
        spoken="income statement figures",
        plural="income statements",
        ask="Show the income statement of {names}",
        concept="What is operating margin?",
    ),
    Category(
        name="company_financials",
        title="financial statements",
        needs=("income", "balance_sheet", "cash_flow", "quote"),
        statements=("income", "balance_sheet", "cash_flow"),
        prices=True,
        meaning="balance sheet, cash flow, debt, margins, ratios or several statements of a company.",
        spoken="the financial statements and ratios",
        plural="financial statements and ratios",
        ask="Show the balance sheet and cash flow of {names}",
    ),
    Category(
        name="stock_price",
        title="stock price",
        needs=("quote", "history"),
        prices=True,
        meaning="the price, quote or price history of a share.",
        spoken="the share price",
        plural="share prices",
        ask="What is the stock price of {names}?",
        concept="What is a P/E ratio?",
    ),
    Category(
        name="report",
        title="financial report",
        needs=NEEDS,
        statements=("income", "balance_sheet", "cash_flow"),
        prices=True,
        meaning="an overview, analysis or comparison of companies, or a company and no particular figure.",
        spoken="a report",
        plural="company reports",
        ask="Give me a full report on {names}",
    ),
    Category(
        name="chat",
        title="chat",
        meaning="everything else: concepts, definitions, greetings, help, opinions and forecasts.",
        spoken="an explanation",
        plural="general questions",
    ),
)

CATEGORY: Final[dict[str, Category]] = {category.name: category for category in _ALL}
"""The record of each category, by name."""


def category_of(name: str) -> Category:
    """The record of a category; for another name, such as that of a need, one that shows nothing.

    Example:
        >>> category_of("stock_price").needs, category_of("history").needs
        (('quote', 'history'), ())
    """
    return CATEGORY.get(name) or Category(name=name, title=name)


@dataclass(frozen=True, slots=True)
class Need:
    """One kind of data about a company.

    Attributes:
        name: What users, providers and gaps call it.
        title: What documents call it.
        short: What progress views call it.
    """

    name: str
    title: str
    short: str


NEED: Final[dict[str, Need]] = {
    need.name: need
    for need in (
        Need("profile", "company profile", "profile"),
        Need("income", "income statement", "income statement"),
        Need("balance_sheet", "balance sheet", "balance sheet"),
        Need("cash_flow", "cash flow statement", "cash flow"),
        Need("quote", "stock price", "quote"),
        Need("history", "price history", "price history"),
        Need("figures", "figures by year and quarter", "figures"),
        Need("closes", "closing prices", "closing prices"),
        Need("universe", "figures of all companies", "all companies"),
        Need("symbol", "", "symbol"),  # no data: the gap of a company that was not recognised
    )
}
"""The record of each need, by name."""


def need_title(name: str) -> str:
    """What documents call a need, also one of a provider's own.

    Example:
        >>> need_title("quote"), need_title("earnings_call")
        ('stock price', 'earnings call')
    """
    return NEED[name].title if name in NEED else name.replace("_", " ")
