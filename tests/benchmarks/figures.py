"""Answers in the shape of Financial Modeling Prep, about a company that does not exist; pure.

They have as many fields as the real ones and as many rows as are asked for, so that reading them, composing a report
of them and storing it cost what they cost with live data. The totals add up.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta
from typing import Any

type Row = dict[str, Any]

_MILLION = 1_000_000
_NEWEST, _EARLIEST = 2025, 1990

# In millions, of the newest year; what is not named is 0 there, as the source writes what it does not know.
_INCOME = {
    "revenue": 90_000, "costOfRevenue": 50_000, "grossProfit": 40_000, "researchAndDevelopmentExpenses": 8_000,
    "sellingGeneralAndAdministrativeExpenses": 7_000, "operatingExpenses": 15_000, "costAndExpenses": 65_000,
    "depreciationAndAmortization": 3_000, "ebitda": 28_000, "ebit": 25_000, "operatingIncome": 25_000,
    "totalOtherIncomeExpensesNet": 1_000, "interestExpense": 500, "incomeBeforeTax": 26_000, "incomeTaxExpense": 6_000,
    "netIncomeFromContinuingOperations": 20_000, "netIncome": 20_000, "bottomLineNetIncome": 20_000,
    "weightedAverageShsOut": 4_000, "weightedAverageShsOutDil": 4_000,
}  # fmt: skip
_BALANCE = {
    "cashAndCashEquivalents": 8_000, "shortTermInvestments": 6_000, "cashAndShortTermInvestments": 14_000,
    "netReceivables": 9_000, "accountsReceivables": 9_000, "inventory": 2_000, "otherCurrentAssets": 3_000,
    "totalCurrentAssets": 28_000, "propertyPlantEquipmentNet": 12_000, "goodwill": 5_000,
    "goodwillAndIntangibleAssets": 5_000, "longTermInvestments": 15_000, "otherNonCurrentAssets": 10_000,
    "totalNonCurrentAssets": 42_000, "totalAssets": 70_000, "totalPayables": 11_000, "accountPayables": 11_000,
    "shortTermDebt": 3_000, "otherCurrentLiabilities": 6_000, "totalCurrentLiabilities": 20_000,
    "longTermDebt": 16_000, "otherNonCurrentLiabilities": 9_000, "totalNonCurrentLiabilities": 25_000,
    "totalLiabilities": 45_000, "commonStock": 15_000, "retainedEarnings": 10_000, "totalStockholdersEquity": 25_000,
    "totalEquity": 25_000, "totalLiabilitiesAndTotalEquity": 70_000, "totalInvestments": 21_000, "totalDebt": 19_000,
    "netDebt": 11_000,
}  # fmt: skip
_CASH = {
    "netIncome": 20_000, "depreciationAndAmortization": 3_000, "stockBasedCompensation": 2_000,
    "changeInWorkingCapital": 1_000, "netCashProvidedByOperatingActivities": 26_000,
    "investmentsInPropertyPlantAndEquipment": -4_000, "purchasesOfInvestments": -9_000,
    "salesMaturitiesOfInvestments": 8_000, "netCashProvidedByInvestingActivities": -5_000, "netDebtIssuance": -2_000,
    "longTermNetDebtIssuance": -2_000, "netStockIssuance": -14_000, "netCommonStockIssuance": -14_000,
    "commonStockRepurchased": -14_000, "netDividendsPaid": -4_000, "commonDividendsPaid": -4_000,
    "netCashProvidedByFinancingActivities": -20_000, "netChangeInCash": 1_000, "cashAtEndOfPeriod": 8_000,
    "cashAtBeginningOfPeriod": 7_000, "operatingCashFlow": 26_000, "capitalExpenditure": -4_000, "freeCashFlow": 22_000,
}  # fmt: skip
_UNKNOWN = {
    "/income-statement": "generalAndAdministrativeExpenses sellingAndMarketingExpenses otherExpenses netInterestIncome "
    "interestIncome nonOperatingIncomeExcludingInterest netIncomeFromDiscontinuedOperations "
    "otherAdjustmentsToNetIncome netIncomeDeductions",
    "/balance-sheet-statement": "otherReceivables prepaids intangibleAssets taxAssets otherAssets otherPayables "
    "accruedExpenses capitalLeaseObligationsCurrent taxPayables deferredRevenue capitalLeaseObligationsNonCurrent "
    "deferredRevenueNonCurrent deferredTaxLiabilitiesNonCurrent otherLiabilities capitalLeaseObligations treasuryStock "
    "preferredStock additionalPaidInCapital accumulatedOtherComprehensiveIncomeLoss otherTotalStockholdersEquity "
    "minorityInterest",
    "/cash-flow-statement": "deferredIncomeTax accountsReceivables inventory accountsPayables otherWorkingCapital "
    "otherNonCashItems acquisitionsNet otherInvestingActivities shortTermNetDebtIssuance commonStockIssuance "
    "netPreferredStockIssuance preferredDividendsPaid otherFinancingActivities effectOfForexChangesOnCash "
    "incomeTaxesPaid interestPaid",
}
_STATEMENTS: Mapping[str, Mapping[str, int]] = {
    "/income-statement": _INCOME,
    "/balance-sheet-statement": _BALANCE,
    "/cash-flow-statement": _CASH,
}
_PRICES = {
    "price": 120.5, "change": 0.5, "changePercentage": 0.41667, "volume": 31_000_000, "marketCap": 482_000 * _MILLION,
}  # fmt: skip


def answer(path: str, query: Mapping[str, str]) -> list[Row]:
    """The rows the made-up source has at a path; none where it has nothing.

    Example:
        >>> [row["fiscalYear"] for row in answer("/income-statement", {"symbol": "AAPL", "limit": "2"})]
        ['2025', '2024']
        >>> answer("/elsewhere", {"symbol": "AAPL"})
        []
    """
    symbol = query.get("symbol", "")
    if path in _STATEMENTS:
        years = range(_NEWEST, max(_NEWEST - int(query.get("limit", "5")), _EARLIEST), -1)
        return [_statement(path, symbol, year) for year in years]
    match path:
        case "/quote":
            return [_quote(symbol)]
        case "/profile":
            return [_profile(symbol)]
        case "/historical-price-eod/full":
            return _history(symbol, date.fromisoformat(query["from"]), date.fromisoformat(query["to"]))
        case _:
            return []


def _statement(path: str, symbol: str, year: int) -> Row:
    share = 100 - 4 * (_NEWEST - year)  # percent of the newest year's figures
    figures = {name: amount * _MILLION * share // 100 for name, amount in _STATEMENTS[path].items()}
    filed = f"{year + 1}-02-01"
    head: Row = {
        "date": f"{year}-12-31", "symbol": symbol, "reportedCurrency": "USD", "cik": "0000000000", "filingDate": filed,
        "acceptedDate": f"{filed} 18:01:14", "fiscalYear": str(year), "period": "FY",
    }  # fmt: skip
    tail = {"eps": 5.0, "epsDiluted": 5.0} if path == "/income-statement" else {}
    return head | figures | dict.fromkeys(_UNKNOWN[path].split(), 0) | tail


def _quote(symbol: str) -> Row:
    return {
        "symbol": symbol, "name": "Fictional Goods Inc.", **_PRICES, "dayLow": 118.25, "dayHigh": 121.75,
        "yearHigh": 131.5, "yearLow": 88.125, "priceAvg50": 115.5, "priceAvg200": 109.25, "exchange": "NASDAQ",
        "open": 119.5, "previousClose": 120, "timestamp": int(datetime.now(UTC).timestamp()),
    }  # fmt: skip


def _profile(symbol: str) -> Row:
    return {
        "symbol": symbol, **_PRICES, "beta": 1.05, "lastDividend": 1.0, "range": "88.125-131.5",
        "averageVolume": 30_000_000, "companyName": "Fictional Goods Inc.", "currency": "USD", "cik": "0000000000",
        "isin": "XX0000000000", "cusip": "000000000", "exchangeFullName": "NASDAQ Global Select", "exchange": "NASDAQ",
        "industry": "Orchards", "website": "https://example.org", "description": "Makes goods that do not exist. " * 20,
        "ceo": "A. Nobody", "sector": "Agriculture", "country": "US", "fullTimeEmployees": "12500", "phone": "000",
        "address": "1 Nowhere Road", "city": "Nowhere", "state": "CA", "zip": "00000",
        "image": "https://example.org/x.png", "ipoDate": "2001-01-02", "defaultImage": False, "isEtf": False,
        "isActivelyTrading": True, "isAdr": False, "isFund": False,
    }  # fmt: skip


def _history(symbol: str, first: date, last: date) -> list[Row]:
    days = [last - timedelta(back) for back in range((last - first).days + 1)]
    return [_bar(symbol, day) for day in days if day.weekday() < 5]


def _bar(symbol: str, day: date) -> Row:
    close = 100 + day.toordinal() % 40 / 2
    return {
        "symbol": symbol, "date": day.isoformat(), "open": close - 1, "high": close + 2, "low": close - 2,
        "close": close, "volume": 30_000_000, "change": 1, "changePercent": 0.8, "vwap": close,
    }  # fmt: skip
