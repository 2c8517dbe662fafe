"""Kinds of faults that public sources have, each made up small: labels, tags, currencies, share bases, empty rows."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest
from agno.tools.finance import PriceBar

from finassist.analysis.ratios import derive
from finassist.core.facts import Fact, FactBook
from finassist.providers import from_agno
from finassist.providers.base import Periods
from finassist.providers.sec.companyfacts import Asked, facts_of
from finassist.providers.sec.statements import statement_facts
from finassist.symbols import directory

APPLE = directory().lookup("AAPL")
assert APPLE
ASKED = Asked(APPLE, date(2026, 1, 20))


def row(value: float, end: str, days: int = 365, form: str = "10-K", **more: Any) -> dict[str, Any]:
    last = date.fromisoformat(end)
    filed = last + timedelta(days=46)
    start = {} if not days else {"start": str(last - timedelta(days=days - 1))}
    return {
        "end": end,
        "val": value,
        "filed": str(filed),
        "accn": f"0000000000-{filed:%y}-{filed:%m%d}00",
        "fy": last.year,
        "fp": "FY",
        "form": form,
        **start,
        **more,
    }


def year(value: float, y: int, **more: Any) -> dict[str, Any]:
    return row(value, f"{y}-12-31", 366 if y % 4 == 0 else 365, **more)


def made(statement: Any, period: str = "annual", **tags: Any) -> dict[str, Fact]:
    payload = {name: {"units": rows if isinstance(rows, dict) else {"USD": rows}} for name, rows in tags.items()}
    found = statement_facts(payload, ASKED, statement, Periods(10, period))
    return {f"{fact.field} {fact.period}": fact for fact in found}


# Labels


@pytest.mark.parametrize("slip", [2022, 2023, 2024])
def test_one_mistyped_fiscal_year_loses_and_renames_no_year(slip: int) -> None:
    rows = [year(100 + y - 2022, y, fy=y - 1 if y == slip else y) for y in range(2021, 2025)]
    found = made("income", Revenues=rows)
    assert [found[f"revenue FY{y}"].value for y in range(2021, 2025)] == [99, 100, 101, 102]
    assert all(found[f"revenue FY{y}"].period_end == date(y, 12, 31) for y in range(2021, 2025))


def test_a_filer_that_names_its_year_by_the_one_before_keeps_its_names() -> None:
    rows = [row(y, f"{y + 1}-02-01", 364, fy=y) for y in (2022, 2023, 2024)]
    found = made("income", Revenues=rows)
    assert [found[f"revenue FY{y}"].value for y in (2022, 2023, 2024)] == [2022, 2023, 2024]


def test_two_years_that_end_in_one_calendar_year_keep_their_own_names() -> None:
    rows = [row(1, "2021-01-09", 371, fy=2020), row(2, "2021-12-31", 356, fy=2021), row(3, "2022-12-31", fy=2022)]
    found = made("income", Revenues=rows)
    assert [found[f"revenue FY{y}"].value for y in (2020, 2021, 2022)] == [1, 2, 3]


@pytest.mark.parametrize("weeks", [(12, 12, 12, 16), (12, 12, 12, 17), (16, 12, 12, 12), (13, 13, 13, 13)])
def test_quarters_of_any_length_are_named_by_the_year_they_are_in(weeks: tuple[int, ...]) -> None:
    end, rows = date(2023, 12, 16), [row(52, "2023-12-16", 364)]
    for weeks_ in weeks:
        end += timedelta(weeks=weeks_)
        rows.append(row(weeks_, str(end), weeks_ * 7, "10-Q", fy=2031, fp="Q1"))  # mistyped
    rows.append(row(sum(weeks), str(end), sum(weeks) * 7))
    found = made(
        "income",
        "quarterly",
        Revenues=rows[:-2] + rows[-1:] + [rows[-2] | {"form": "10-K", "fp": "FY", "fy": end.year}],
    )
    assert [found[f"revenue Q{number} {end.year}"].value for number in (1, 2, 3, 4)] == list(weeks)


# Tags


@pytest.mark.parametrize(
    ("statement", "field", "tag", "unit"),
    [
        ("income", "revenue", "RevenueFromContractWithCustomerIncludingAssessedTax", "USD"),
        ("income", "revenue", "SalesRevenueGoodsNet", "USD"),
        ("income", "revenue", "RegulatedAndUnregulatedOperatingRevenue", "USD"),
        ("income", "revenue", "RealEstateRevenueNet", "USD"),
        ("income", "eps_diluted", "EarningsPerShareBasicAndDiluted", "USD/shares"),
        ("income", "shares_diluted", "WeightedAverageNumberOfShareOutstandingBasicAndDiluted", "shares"),
        ("balance_sheet", "receivables", "AccountsNotesAndLoansReceivableNetCurrent", "USD"),
        ("balance_sheet", "long_term_debt", "LongTermDebt", "USD"),
        ("balance_sheet", "cash_and_equivalents", "CashAndDueFromBanks", "USD"),
        ("cash_flow", "depreciation_amortization", "DepreciationAmortizationAndAccretionNet", "USD"),
        ("cash_flow", "buybacks", "PaymentsForRepurchaseOfEquity", "USD"),
    ],
)
def test_common_tags_are_read(statement: str, field: str, tag: str, unit: str) -> None:
    rows = [year(9, y) if statement != "balance_sheet" else row(9, f"{y}-12-31", 0) for y in (2023, 2024)]
    found = made(statement, **{tag: {unit: rows}, "NetIncomeLoss": [year(1, 2023), year(2, 2024)]})
    assert found[f"{field} FY2024"].value == 9


def test_a_line_of_contracts_below_the_profit_is_not_the_revenue() -> None:
    tag = "RevenueFromContractWithCustomerExcludingAssessedTax"
    found = made("income", **{tag: [year(5, 2024)], "NetIncomeLoss": [year(12, 2024)]})["revenue FY2024"]
    assert (found.value, found.status) == (None, "not_reported")
    assert "one line of revenue among others" in str(found.note)
    whole = made("income", **{tag: [year(5, 2024)], "NetIncomeLoss": [year(-12, 2024)]})["revenue FY2024"]
    assert whole.value == 5, "a young company may lose more than it sells"


def test_a_filer_that_changed_its_accounting_rules_is_read_by_the_new_ones() -> None:
    old = {"Assets": {"units": {"USD": [row(1, "2012-12-31", form="20-F")]}}}
    new = {"Revenue": {"units": {"EUR": [year(120, 2024, form="20-F")]}}}
    assert facts_of({"cik": 320193, "facts": {"us-gaap": old, "ifrs-full": new}}, ASKED) == new


def test_income_to_common_shareholders_says_so() -> None:
    found = made("income", NetIncomeLossAvailableToCommonStockholdersBasic=[year(9, 2024)], Revenues=[year(90, 2024)])
    assert (found["net_income FY2024"].value, found["net_income FY2024"].note) == (9, "after preferred dividends")


def test_a_lender_s_revenue_is_its_top_line_or_none() -> None:
    slice_ = {
        "RevenueFromContractWithCustomerExcludingAssessedTax": [year(620, 2024)],
        "NetIncomeLoss": [year(480, 2024)],
    }
    found = made("income", **slice_, RevenuesNetOfInterestExpense=[year(3610, 2024)])
    assert found["revenue FY2024"].value == 3610
    found = made("income", **slice_, InterestIncomeExpenseNet=[year(2000, 2024)], NoninterestIncome=[year(900, 2024)])
    assert (found["revenue FY2024"].value, found["revenue FY2024"].status) == (None, "not_reported")


def test_an_ifrs_filer_is_read_in_its_currency() -> None:
    rows = {"EUR": [year(120, 2024, form="20-F")]}
    ifrs = {"Revenue": {"units": rows}, "ProfitLoss": {"units": {"EUR": [year(12, 2024, form="20-F")]}}}
    facts = facts_of({"cik": int(ASKED.company.cik), "facts": {"dei": {}, "ifrs-full": ifrs}}, ASKED)
    found = {fact.key: fact for fact in statement_facts(facts, ASKED, "income", Periods(5))}
    assert (found["AAPL/revenue/FY2024"].value, found["AAPL/revenue/FY2024"].unit) == (120, "EUR")
    assert "minority" in (found["AAPL/net_income/FY2024"].note or "")


# Currencies, share bases, identities


def fact(
    field: str, value: str, statement: Any, period: str = "FY2024", currency: str | None = "USD", unit: str = "USD"
) -> Fact:
    end = date(2024, 12, 31) if period.startswith("FY") else date.fromisoformat(period)
    return Fact(
        symbol="ACME",
        field=field,
        value=Decimal(value),
        unit=unit if currency else "",
        currency=currency,
        period=period,
        period_end=end,
        as_of=end,
        statement=statement,
        source="test",
    )


def derived(*facts: Fact) -> dict[str, Fact]:
    return {made.field: made for made in derive(FactBook(facts), "ACME")}


def test_a_price_of_unknown_currency_makes_no_multiple() -> None:
    found = derived(
        fact("price", "1852", "price", "2025-03-03", None, "USD/share"),
        fact("eps_diluted", "1", "income", currency="GBP", unit="GBP/share"),
        fact("revenue", "30", "income", currency="GBP", unit="GBP"),
        Fact(
            symbol="ACME",
            field="shares_diluted",
            value=Decimal(4),
            unit="shares",
            period="FY2024",
            period_end=date(2024, 12, 31),
            statement="income",
        ),
    )
    assert found["pe_ratio"].status == "not_meaningful"
    assert "price is in a currency that is not known" in (found["pe_ratio"].note or "")
    assert found["price_to_sales"].value is None
    assert (found["market_cap"].currency, found["market_cap"].unit) == (None, "")


@pytest.mark.parametrize(("cap", "said"), [("60", "about 5 shares"), ("1500", "about 0.2 shares"), ("290", None)])
def test_a_price_of_another_kind_of_share_makes_no_multiple(cap: str, said: str | None) -> None:
    shares = Fact(
        symbol="ACME",
        field="shares_diluted",
        value=Decimal(5),
        unit="shares",
        period="FY2024",
        period_end=date(2024, 12, 31),
        statement="income",
    )
    found = derived(
        fact("price", "60", "price", "2025-03-03", unit="USD/share"),
        fact("market_cap", cap, "price", "2025-03-03"),
        fact("eps_diluted", "2.4", "income", unit="USD/share"),
        shares,
    )
    if said is None:
        assert found["pe_ratio"].value == 25
    else:
        assert found["pe_ratio"].status == "not_meaningful"
        assert said in (found["pe_ratio"].note or "")


def test_minorities_are_no_liabilities() -> None:
    known = [fact("total_assets", "100", "balance_sheet"), fact("equity", "40", "balance_sheet")]
    assert derived(*known)["total_liabilities"].value == 60
    earlier = fact("noncontrolling_interest", "5", "balance_sheet", "FY2023")
    assert "total_liabilities" not in derived(*known, earlier)


def test_an_empty_row_never_hides_a_close() -> None:
    nan = float("nan")
    rows = [("2025-02-28", nan), ("2025-03-31", 104.0), ("2025-03-31", nan), ("2025-04-30", nan), ("2025-04-30", 108.0)]
    found = from_agno.history("ACME", [PriceBar(date=day, close=close) for day, close in rows], "USD", "Plain")
    assert {fact.period: fact.value for fact in found} == {"2025-03-31": 104, "2025-04-30": 108}
