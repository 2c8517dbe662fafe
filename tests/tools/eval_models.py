"""The cases of models and of comparables: each right value by pandas and plain arithmetic, from the stored tables."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from math import sqrt
from typing import NamedTuple

import pandas as pd

from finassist.core.cases import Case
from tests.tools.eval_tables import Tables, amount

# ------------------------------------------------------------------------------------------------------ of a year

_NOPAT = "operating_income * (1 - income_tax / pretax_income)"
_CAPITAL = "(equity + long_term_debt - cash_and_equivalents)"
_FOUR = "{} * (current_assets - current_liabilities) / total_assets + {} * retained_earnings / total_assets"
_Z2 = f"{_FOUR.format(6.56, 3.26)} + 6.72 * operating_income / total_assets + 1.05 * equity / total_liabilities"

# Question, symbol, fiscal year, formula over the lines of a statement, unit, words that are there too.
_OF_YEAR: tuple[tuple[str, str, int, str, str, str], ...] = (
    ("DuPont analysis of Costco for FY2024", "COST", 2024, "net_income / equity", "%", "asset turnover"),
    ("Take Walmart's return on equity of FY2024 apart with DuPont", "WMT", 2024, "net_income / equity", "%",
     "equity multiplier"),
    ("Five-step DuPont of Microsoft for fiscal 2024", "MSFT", 2024, "net_income / equity", "%", "interest burden"),
    ("Why was Caterpillar's ROE so high in 2024?", "CAT", 2024, "net_income / equity", "%", "net margin"),
    ("Altman Z'' of Adobe in FY2024", "ADBE", 2024, _Z2, "", "safe"),
    ("What was Boeing's Altman Z''-score for 2023?", "BA", 2023, _Z2, "", "grey zone"),
    ("Graham number of Merck for FY2024", "MRK", 2024, "(22.5 * eps_diluted * equity / shares_diluted) ** 0.5",
     "USD/share", "price"),
    ("What was the Graham number of Chevron in 2023?", "CVX", 2023,
     "(22.5 * eps_diluted * equity / shares_diluted) ** 0.5", "USD/share", ""),
    ("ROIC minus WACC of Alphabet in FY2024 at a WACC of 9%", "GOOGL", 2024, f"{_NOPAT} / {_CAPITAL} - 0.09",
     "points", ""),
    ("Economic profit of Alphabet in FY2024 with a cost of capital of 9%", "GOOGL", 2024,
     f"{_NOPAT} - {_CAPITAL} * 0.09", "USD", ""),
    ("Sustainable growth rate of Caterpillar in FY2024", "CAT", 2024,
     "net_income / equity * (1 - dividends_paid / net_income)", "%", ""),
)  # fmt: skip

# Question, symbol, fiscal year.
_ALTMAN = (
    ("Altman Z-score of Boeing for 2024", "BA", 2024),
    ("How high was Adobe's Altman Z in FY2023?", "ADBE", 2023),
)
_PIOTROSKI = (
    ("Piotroski F-score of Microsoft in FY2024", "MSFT", 2024),
    ("How many of Piotroski's nine tests did Cisco pass in FY2025?", "CSCO", 2025),
    ("F-score of Adobe for fiscal 2023", "ADBE", 2023),
)


def altman(tables: Tables, symbol: str, year: int) -> float:
    """Altman's first score, with the market value at the end of the year: last close by the last quarter's shares."""
    of = tables.years.loc[(symbol, year)]
    end = str(tables.line(symbol, "revenue", "annual").set_index("fiscal_year")["period_end"][year])
    shares = tables.line(symbol, "shares_diluted", "quarterly")
    count = shares[shares["period_end"].astype(str) <= end].sort_values("period_end")["value"].iloc[-1]
    worth = tables.closes[symbol].dropna()[:end].iloc[-1] * count
    parts = _FOUR.format("1.2", "1.4") + " + 3.3 * operating_income / total_assets + revenue / total_assets"
    return tables.of(year, parts)[symbol] + 0.6 * worth / of["total_liabilities"]


def piotroski(tables: Tables, year: int) -> pd.Series:
    """How many of the nine tests each company passes, of those with all lines."""
    now, old, older = (tables.years.xs(of, level="fiscal_year") for of in (year, year - 1, year - 2))
    lines = ["net_income", "operating_cash_flow", "total_assets", "long_term_debt", "current_assets",
             "current_liabilities", "shares_diluted", "gross_profit", "revenue"]  # fmt: skip
    both = now[lines].dropna().index.intersection(old[lines].dropna().index)
    both = both.intersection(older["total_assets"].dropna().index)
    now, old, start = now.loc[both], old.loc[both], older.loc[both, "total_assets"]
    assets = old["total_assets"]
    tests = (
        now["net_income"] > 0,
        now["operating_cash_flow"] > 0,
        now["net_income"] / assets > old["net_income"] / start,
        now["operating_cash_flow"] > now["net_income"],
        now["long_term_debt"] / (now["total_assets"] + assets) < old["long_term_debt"] / (assets + start),
        now["current_assets"] / now["current_liabilities"] > old["current_assets"] / old["current_liabilities"],
        now["shares_diluted"] <= old["shares_diluted"],
        now["gross_profit"] / now["revenue"] > old["gross_profit"] / old["revenue"],
        now["revenue"] / assets > old["revenue"] / start,
    )
    return sum(test.astype(int) for test in tests)


# ------------------------------------------------------------------------------------------------ under assumptions


class Stated(NamedTuple):
    """A valuation with every assumption in the question."""

    question: str
    symbol: str
    growth: float
    wacc: float
    last: float
    margin: float
    years: int = 5
    session: str = ""


_DCF = (
    Stated("DCF of Merck with 4% growth, an 8% WACC, terminal growth of 2% and a cash flow margin of 20%", "MRK",
           0.04, 0.08, 0.02, 0.20),
    Stated("10-year DCF of Microsoft, assuming growth of 8%, a discount rate of 9%, terminal growth of 3% and an FCF "
           "margin of 30%", "MSFT", 0.08, 0.09, 0.03, 0.30, 10),
    Stated("What is Apple worth per share by a DCF with 6% growth, 9% WACC, 2.5% terminal growth and a margin of 28%?",
           "AAPL", 0.06, 0.09, 0.025, 0.28, 5, "value"),
    Stated("and at a WACC of 8%?", "AAPL", 0.06, 0.08, 0.025, 0.28, 5, "value"),
    Stated("with 4% growth instead", "AAPL", 0.04, 0.08, 0.025, 0.28, 5, "value"),
)  # fmt: skip
_IMPLIED = (
    Stated("Which growth does Microsoft's price imply at a WACC of 9%, terminal growth of 3% and a margin of 30%?",
           "MSFT", 0, 0.09, 0.03, 0.30),
    Stated("Reverse DCF of Merck: 8% discount rate, 2% terminal growth, 20% margin", "MRK", 0, 0.08, 0.02, 0.20),
)  # fmt: skip
# Question, symbol, growth of dividends, cost of equity.
_GORDON = (
    ("Gordon growth value of Coca-Cola with 4% dividend growth and a cost of equity of 7%", "KO", 0.04, 0.07),
    ("Dividend discount model for Procter & Gamble: growth 3%, required return 7%", "PG", 0.03, 0.07),
)


def dcf(tables: Tables, of: Stated) -> float:
    """Value of a share: cash flows of the years, a terminal value, with cash and without debt."""
    flow, total = tables.trailing(of.symbol, "revenue") * of.margin, 0.0
    for year in range(1, of.years + 1):
        flow *= 1 + of.growth
        total += flow / (1 + of.wacc) ** year
    total += flow * (1 + of.last) / (of.wacc - of.last) / (1 + of.wacc) ** of.years
    total += tables.latest(of.symbol, "cash_and_equivalents") - tables.latest(of.symbol, "long_term_debt")
    return total / float(tables.companies.loc[of.symbol, "shares_outstanding"])


def implied(tables: Tables, of: Stated) -> float:
    """The growth at which a share is worth its last close, by halving."""
    price, low, high = tables.closes[of.symbol].dropna().iloc[-1], -0.5, 1.0
    for _ in range(80):
        middle = (low + high) / 2
        low, high = (middle, high) if dcf(tables, of._replace(growth=middle)) < price else (low, middle)
    return low


# -------------------------------------------------------------------------------------------------------- of prices


def returns(tables: Tables, symbol: str, year: int) -> pd.DataFrame:
    """Daily returns of a share and of the S&P 500 in a calendar year."""
    index = tables.provider.to_frame("index")
    index = index[index["series"] == "S&P 500"]
    index = index.set_index(index["date"].astype(str))["value"]
    both = pd.DataFrame({"own": tables.closes[symbol], "index": index}).dropna()
    return both.pct_change().loc[f"{year}-01-01" : f"{year}-12-31"]


def beta(tables: Tables, symbol: str, year: int) -> float:
    daily = returns(tables, symbol, year)
    return daily["own"].cov(daily["index"]) / daily["index"].var()


def volatility(tables: Tables, symbol: str, year: int) -> float:
    return returns(tables, symbol, year)["own"].std() * sqrt(252)


# ------------------------------------------------------------------------------------------------------- the cases

_REFUSED = (
    ("DCF of JPMorgan", "bank"),
    ("Beneish M-score of Tesla", "property"),
    ("Piotroski score of Bank of America", "bank"),
)


def valued(tables: Tables) -> Iterator[Case]:
    """The cases of the kind `model`."""
    case = partial(Case, kind="model")
    for question, symbol, year, formula, unit, words in _OF_YEAR:
        right = number(tables.of(year, formula)[symbol], unit)
        yield case(question, right=right, companies=symbol, period=f"FY{year}", words=words)
    for question, symbol, year in _ALTMAN:
        yield case(question, right=number(altman(tables, symbol, year)), companies=symbol, period=f"FY{year}")
    for question, symbol, year in _PIOTROSKI:
        passed = piotroski(tables, year)[symbol]
        yield case(question, right=str(passed), companies=symbol, period=f"FY{year}", words="of 9")
    found = piotroski(tables, 2024)
    yield case("Companies with a Piotroski F-score of at least 8 in FY2024", period="FY2024",
               companies=" ".join(found[found >= 8].index))  # fmt: skip
    yield case("Cost of equity of Tesla with a beta of 2, a risk-free rate of 4% and a premium of 5%",
               right=amount(0.04 + 2 * 0.05, "%"), companies="TSLA")  # fmt: skip
    for question, symbol, growth, cost in _GORDON:
        paid = tables.line(symbol, "dividends_per_share", "annual").sort_values("fiscal_year")["value"].iloc[-1]
        yield case(question, right=amount(paid * (1 + growth) / (cost - growth), "USD/share"), companies=symbol)
    for how, unit, rows in ((dcf, "USD/share", _DCF), (implied, "%", _IMPLIED)):
        for row in rows:
            yield case(row.question, right=amount(how(tables, row), unit), companies=row.symbol, session=row.session)
    yield case("Tesla's beta in 2024", right=number(beta(tables, "TSLA", 2024)), companies="TSLA")
    yield case("How volatile was Nvidia's share in 2023?", right=amount(volatility(tables, "NVDA", 2023), "%"),
               companies="NVDA")  # fmt: skip
    for question, words in _REFUSED:
        yield case(question, right="refused", words=words)


def number(value: float, unit: str = "") -> str:
    """The text of an amount, of a plain number with its decimals."""
    return amount(value, unit) if unit else f"{value:.4f}"


_NET, _OPERATING = "net_income / revenue", "operating_income / revenue"

# Question, the company and its peers (or the company and a sub-industry), formula, what is stated.
_AGAINST: tuple[tuple[str, str, str, str], ...] = (
    ("Compare Merck's net margin with Pfizer and Lilly as peers", "MRK PFE LLY", _NET, "own median"),
    ("What is the median net margin of Pfizer's peers?", "PFE Pharmaceuticals", _NET, "median"),
    ("Is Pfizer more profitable than its peers?", "PFE Pharmaceuticals", _NET, "own median rank"),
    ("Net margin of Eli Lilly against its peers", "LLY Pharmaceuticals", _NET, "own median rank"),
    ("Where does Walmart rank among its peers by net margin?", "WMT Consumer Staples Merchandise Retail", _NET,
     "own rank"),
    ("Target's operating margin versus its peers Walmart, Costco and Dollar General", "TGT WMT COST DG", _OPERATING,
     "own median"),
    ("McDonald's operating margin vs peers", "MCD Restaurants", _OPERATING, "own median"),
    ("How does Gilead's net margin compare with its peers'?", "GILD Biotechnology", _NET, "own median rank"),
    ("Rank of Costco among its peers in net margin", "COST Consumer Staples Merchandise Retail", _NET, "own rank"),
    ("Peers of Merck", "MRK Pharmaceuticals", _NET, "peers"),
    ("Who are the competitors of Walmart?", "WMT Consumer Staples Merchandise Retail", _NET, "peers"),
    ("Which of Merck's peers has the highest net margin?", "MRK Pharmaceuticals", _NET, "best"),
)  # fmt: skip


def against(tables: Tables) -> Iterator[Case]:
    """The cases of the kind `comps`."""
    for question, among, formula, stated in _AGAINST:
        own, _, others = among.partition(" ")
        beside = tables.companies["sub_industry"] == others
        peers = list(tables.companies.index[beside].drop(own)) if beside.any() else others.split()
        figures = tables.trailing_of([own, *peers], formula)
        yield _compared(question, figures, stated)


def _compared(question: str, figures: pd.Series, stated: str) -> Case:
    own, peers = figures.index[0], figures.iloc[1:]
    states: dict[str, Callable[[], str]] = {
        "own": lambda: amount(figures.iloc[0], "%"),
        "median": lambda: amount(peers.median(), "%"),
    }
    right = "; ".join(states[each]() for each in stated.split() if each in states)
    place = 1 + int((peers > figures.iloc[0]).sum())
    words = f"rank {place} of {len(figures)}" if "rank" in stated else ""
    order = str(peers.idxmax()) if stated == "best" else ""
    companies = " ".join([str(own), *map(str, peers.index)])
    return Case(question, right=right, words=words, order=order, companies=companies, kind="comps")
