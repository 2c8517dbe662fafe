"""Any answer of Financial Modeling Prep as facts: exact figures, zeros, dates, and values that are none."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from finassist.core.errors import (
    BadPayload,
    DataError,
    UnknownSymbol,
)
from finassist.core.facts import FIELDS, Fact, canonical
from finassist.providers import to_agno
from finassist.providers.base import Periods
from finassist.providers.fmp.parse import (
    history_facts,
    parse_metrics,
    parse_news,
    parse_recommendations,
    parse_search,
    profile_facts,
    quote_facts,
)
from finassist.providers.fmp.rows import NAMES, Asked, statement_facts
from tests.fmp_server import ASKED, DAY, STATEMENT_PATHS, fixture


def by_key(facts: Any) -> dict[str, Fact]:
    return {f"{fact.field}/{fact.period}": fact for fact in facts}


def statements(rows: list[dict[str, Any]], statement: Any = "income", period: str = "annual", limit: int = 5) -> Any:
    return to_agno.statements(statement_facts(rows, ASKED, statement, period, limit), period)


def parse_quote(rows: Any, asked: Asked) -> to_agno.SourcedQuote:
    return to_agno.quote(quote_facts(rows, asked))


def parse_history(rows: Any, asked: Asked, period: str, interval: str) -> to_agno.SourcedHistory:
    periods = Periods(span=period, interval=interval, whole_bars=True)
    return to_agno.history(history_facts(rows, asked, periods), period, interval)


def parse_profile(rows: Any, asked: Asked) -> to_agno.SourcedProfile:
    return to_agno.profile(profile_facts(rows, asked))


# ------------------------------------------------------------------------------------------- statements


def test_a_statement_figure_is_exact_and_says_where_it_came_from() -> None:
    [newest, *_] = statements(fixture("/income-statement"))
    revenue = by_key(newest.facts)["revenue/FY2025"]
    assert revenue == Fact(
        symbol="AAPL", field="revenue", value=Decimal("80000000000"), unit="USD", currency="USD", period="FY2025",
        period_end=date(2025, 9, 27), as_of=date(2025, 10, 30), statement="income",
        source="Financial Modeling Prep, test, filed 2025-10-30, fetched 2026-01-20",
    )  # fmt: skip
    assert [s.fiscal_period for s in statements(fixture("/income-statement"))] == ["FY2025", "FY2024", "FY2023"]
    assert newest.items["eps_diluted"] == 8.05
    assert newest.currency == "USD"


def test_payments_are_positive_and_totals_keep_their_sign() -> None:
    facts = by_key(statements(fixture("/cash-flow-statement"), "cash_flow")[0].facts)
    assert facts["capex/FY2025"].value == Decimal("1900000000")
    assert facts["dividends_paid/FY2025"].value == Decimal("3000000000")
    assert facts["financing_cash_flow/FY2025"].value == Decimal("-24200000000")
    assert not facts["capex/FY2025"].note


def test_amounts_keep_the_currency_that_is_named() -> None:
    row = {**fixture("/income-statement")[0], "reportedCurrency": "EUR"}
    revenue = by_key(statements([row])[0].facts)["revenue/FY2025"]
    assert (revenue.currency, revenue.unit) == ("EUR", "EUR")
    del row["reportedCurrency"]
    revenue = by_key(statements([row])[0].facts)["revenue/FY2025"]
    assert revenue.currency is None
    assert revenue.unit == ""
    assert "currency" in (revenue.note or "")


def test_quarters_and_twelve_months_have_their_own_periods() -> None:
    quarters = statements(fixture("/income-statement-quarter"), period="quarterly")
    assert [row.fiscal_period for row in quarters] == ["Q1 2026", "Q4 2025"]
    [twelve] = statements(fixture("/income-statement-ttm"), period="ttm")
    assert (twelve.fiscal_period, twelve.report_period, twelve.items["revenue"]) == ("TTM", "2025-12-27", 81500000000)


def test_other_periods_than_asked_for_are_refused() -> None:
    with pytest.raises(BadPayload, match="'Q1' instead of a fiscal year"):
        statements(fixture("/income-statement-quarter"))
    with pytest.raises(BadPayload, match="'FY' instead of a quarter"):
        statements(fixture("/income-statement"), period="quarterly")


@pytest.mark.parametrize(
    ("given", "label"),
    [
        ("2025", "FY2025"),
        (2025, "FY2025"),
        (None, "FY2025"),
        ("2011", "FY2025"),
        ("2031", "FY2025"),
        ("soon", "FY2025"),
        ("2026", "FY2025"),
    ],
)
def test_a_fiscal_year_is_named_by_its_last_day_where_the_source_says_otherwise(given: Any, label: str) -> None:
    row = {**fixture("/income-statement")[0], "fiscalYear": given}
    assert statements([row])[0].fiscal_period == label


def test_a_restated_year_appears_once_as_filed_last() -> None:
    first = fixture("/income-statement")[0]
    later = {**first, "filingDate": "2026-01-05", "revenue": 1}
    [only] = statements([first, later])
    assert only.items["revenue"] == 1


def test_a_filing_date_before_the_end_of_the_period_is_not_believed() -> None:
    row = {**fixture("/income-statement")[0], "filingDate": "2025-01-01"}
    assert statements([row])[0].facts[0].as_of is None


def test_rows_without_any_date_are_no_statement() -> None:
    with pytest.raises(BadPayload, match="without a date"):
        statements([{"symbol": "AAPL", "revenue": 5}])


def test_names_are_those_of_the_vocabulary() -> None:
    for statement, names in NAMES.items():
        for field, theirs in names.items():
            assert FIELDS[field].statement == statement
            assert {canonical(name, FIELDS[field].statement) for name in theirs} == {field}


# ------------------------------------------------------------------------------------------------ zeros


def test_a_zero_is_not_reported_unless_the_answer_proves_it() -> None:
    facts = by_key(statements(fixture("/balance-sheet-statement"), "balance_sheet")[0].facts)
    goodwill, minority = facts["goodwill/FY2025"], facts["noncontrolling_interest/FY2025"]
    assert (goodwill.value, goodwill.status, goodwill.note) == (None, "missing", "0 or not reported")
    assert (minority.value, minority.status, minority.note) == (Decimal(0), "reported", None)


@pytest.mark.parametrize(
    ("statement", "field", "changes"),
    [
        ("income", "income_tax", {"incomeTaxExpense": 0, "netIncome": 70, "incomeBeforeTax": 70}),
        ("balance_sheet", "inventory",
         {"inventory": 0, "totalCurrentAssets": 9, "cashAndShortTermInvestments": 5, "netReceivables": 4}),
        ("cash_flow", "dividends_paid",
         {"netDividendsPaid": 0, "netCashProvidedByFinancingActivities": -7, "netDebtIssuance": -2,
          "netStockIssuance": -5}),
    ],
)  # fmt: skip
def test_a_zero_counts_where_the_other_lines_leave_no_room(statement: str, field: str, changes: dict[str, int]) -> None:
    row = {**fixture(STATEMENT_PATHS[statement])[0], **changes}
    fact = by_key(statements([row], statement)[0].facts)[f"{field}/FY2025"]
    assert (fact.value, fact.status) == (Decimal(0), "reported")
    for name in list(changes)[1:]:
        for other in (changes[name] + 1, 0, None):
            unproved = {**row, name: other}
            assert by_key(statements([unproved], statement)[0].facts)[f"{field}/FY2025"].status == "missing"
    nothing = {**row, **dict.fromkeys(changes, 0)}
    found = by_key(statements([nothing], statement)[0].facts)[f"{field}/FY2025"]
    assert (found.value, found.status) == (None, "missing"), "zeros that add up to zero prove nothing"


# ----------------------------------------------------------------------------------------------- prices


def test_a_quote_is_of_its_day_with_an_exact_change() -> None:
    quote = parse_quote(fixture("/quote"), ASKED)
    facts = by_key(quote.facts)
    assert facts["price/2026-01-17"].value == Decimal("120.5")
    assert facts["price/2026-01-17"].unit == "USD/share"
    assert facts["change/2026-01-17"].value == Decimal("0.5")
    assert facts["change_percent/2026-01-17"].value == Decimal("0.5") / 120
    assert facts["market_cap/2026-01-17"].value == Decimal("241000000000")
    assert quote.as_of == "2026-01-17"
    assert quote.change_percent == pytest.approx(0.416667)


def test_a_price_that_did_not_move_changed_by_zero() -> None:
    row = {**fixture("/quote")[0], "previousClose": 120.5, "change": 0, "changePercentage": 0}
    change = by_key(parse_quote([row], ASKED).facts)["change/2026-01-17"]
    assert (change.value, change.known) == (Decimal(0), True)
    row["previousClose"] = 0
    change = by_key(parse_quote([row], ASKED).facts)["change/2026-01-17"]
    assert (change.value, change.note) == (None, "0 or not reported")


@pytest.mark.parametrize("stamp", [None, 0, -5, "1758571201", 10**18, True])
def test_a_quote_without_a_usable_time_is_of_the_day_it_was_fetched(stamp: Any) -> None:
    price = parse_quote([{**fixture("/quote")[0], "timestamp": stamp}], ASKED).facts[0]
    assert price.as_of == DAY
    assert "does not say of when" in (price.note or "")


def test_after_hours_belong_to_the_trading_day() -> None:
    late = {**fixture("/quote")[0], "timestamp": 1784246399}  # 23:59:59 UTC, 19:59:59 in New York, in summer
    later = {**late, "timestamp": 1784247000}  # ten minutes later, already the next day in UTC
    assert parse_quote([late], ASKED).facts[0].as_of == parse_quote([later], ASKED).facts[0].as_of == date(2026, 7, 16)


def test_a_price_of_zero_or_below_is_none() -> None:
    row = {**fixture("/quote")[0], "price": 0, "open": -3}
    facts = by_key(parse_quote([row], ASKED).facts)
    assert facts["price/2026-01-17"].status == "missing"
    assert facts["open/2026-01-17"].status == "error"


def test_dollars_are_assumed_only_on_us_exchanges() -> None:
    row = {**fixture("/quote")[0], "exchange": "LSE"}
    price = parse_quote([row], ASKED).facts[0]
    assert price.currency is None
    assert "currency" in (price.note or "")


def test_a_history_has_the_last_close_of_each_month() -> None:
    history = parse_history(fixture("/historical-price-eod/full"), ASKED, "2y", "1mo")
    closes = [(fact.period, fact.value) for fact in history.facts]
    assert closes == [("2025-11-28", 112), ("2025-12-31", Decimal("117.25")), ("2026-01-16", Decimal("120.5"))]
    january = history.bars[-1]
    assert (january.open, january.high, january.low, january.volume) == (119, 122.5, 117.5, 60000001)
    weeks = parse_history(fixture("/historical-price-eod/full"), ASKED, "2y", "1wk")
    assert [bar.date for bar in weeks.bars] == ["2025-11-28", "2025-12-31", "2026-01-16"]
    assert len(parse_history(fixture("/historical-price-eod/full"), ASKED, "5d", "1d").bars) == 5


# ---------------------------------------------------------------------------------- company and opinions


def test_a_profile_reads_employees_from_a_text_and_keeps_only_web_addresses() -> None:
    profile = parse_profile(fixture("/profile"), ASKED)
    assert (profile.employees, profile.location, profile.website) == (12500, "Nowhere, CA", "https://example.org")
    broken = {**fixture("/profile")[0], "fullTimeEmployees": "many", "website": "javascript:alert(1)", "sector": None}
    facts = {fact.field: fact for fact in parse_profile([broken], ASKED).facts}
    assert {facts[name].status for name in ("employees", "website", "sector")} == {"missing"}


def test_metrics_and_opinions() -> None:
    metrics = parse_metrics([(fixture("/key-metrics-ttm"), ASKED), (fixture("/ratios-ttm"), ASKED)])
    assert (metrics.pe_ratio, metrics.return_on_equity, metrics.dividend_yield) == (15, 1.25, None)
    found = {fact.field: fact for fact in metrics.facts}
    assert (found["pe_ratio"].period, found["pe_ratio"].unit) == ("TTM", "times")
    assert found["dividend_yield"].note == "0 or not reported"
    advice = parse_recommendations([(fixture("/grades-consensus"), ASKED), (fixture("/price-target-consensus"), ASKED)])
    assert (advice.strong_sell, advice.num_analysts, advice.target_mean, advice.consensus) == (0, 32, 128.25, "Buy")
    nobody = dict.fromkeys(("strongBuy", "buy", "hold", "sell", "strongSell"), 0)
    silent = parse_recommendations([([nobody], ASKED)])
    assert silent.buy is None
    assert silent.num_analysts is None


def test_news_and_search() -> None:
    news = parse_news(fixture("/news/stock"), ASKED, 10)
    assert [(item.title, item.url, item.source) for item in news] == [
        ("Fruit <b>ripens</b>", "https://example.org/fruit", "Nowhere Times"),
        ("Fruit picked", None, "example.org"),
    ]
    assert parse_news([], ASKED, 10) == []
    found = parse_search([(fixture("/search-symbol"), ASKED), (fixture("/search-name"), ASKED)], 5)
    assert [match.symbol for match in found] == ["AAPL", "FFRT.L"]


# --------------------------------------------------------------------------------- answers that are none

PARSERS: dict[str, Callable[[Any], Any]] = {
    "/income-statement": lambda data: statements(data),
    "/balance-sheet-statement": lambda data: statements(data, "balance_sheet"),
    "/cash-flow-statement": lambda data: statements(data, "cash_flow"),
    "/income-statement-ttm": lambda data: statements(data, period="ttm"),
    "/quote": lambda data: parse_quote(data, ASKED),
    "/profile": lambda data: parse_profile(data, ASKED),
    "/historical-price-eod/full": lambda data: parse_history(data, ASKED, "1y", "1mo"),
    "/key-metrics-ttm": lambda data: parse_metrics([(data, ASKED)]),
    "/ratios-ttm": lambda data: parse_metrics([(data, ASKED)]),
    "/grades-consensus": lambda data: parse_recommendations([(data, ASKED)]),
    "/price-target-consensus": lambda data: parse_recommendations([(data, ASKED)]),
    "/news/stock": lambda data: parse_news(data, ASKED, 5),
    "/search-name": lambda data: parse_search([(data, ASKED)], 5),
}
ABOUT_ONE = [path for path in PARSERS if path != "/search-name"]


@pytest.mark.parametrize("path", ABOUT_ONE)
def test_data_about_another_symbol_is_refused(path: str) -> None:
    rows = fixture(path)
    rows[-1]["symbol"] = "MSFT"
    with pytest.raises(BadPayload, match="MSFT"):
        PARSERS[path](rows)


@pytest.mark.parametrize("path", [path for path in ABOUT_ONE if path != "/news/stock"])
def test_an_empty_list_means_an_unknown_symbol(path: str) -> None:
    with pytest.raises(UnknownSymbol, match="AAPL"):
        PARSERS[path]([])


def test_an_unknown_symbol_comes_with_a_suggestion() -> None:
    with pytest.raises(UnknownSymbol, match=r"knows no symbol APPL\. Did you mean .*AAPL"):
        parse_quote([], Asked("APPL", "quote", DAY))


@pytest.mark.parametrize("data", [None, 5, "text", {"Error Message": "no"}, [5], [None], [[]], ["x"]])
@pytest.mark.parametrize("path", PARSERS)
def test_what_is_no_list_of_objects_is_refused(path: str, data: Any) -> None:
    with pytest.raises(BadPayload):
        PARSERS[path](data)


CAN_BE_ZERO = {
    *("noncontrolling_interest", "income_tax", "inventory", "dividends_paid", "change", "change_percent"),
    *("strong_buy", "buy", "hold", "sell", "strong_sell"),
}
JUNK = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.integers(min_value=10**30)
    | st.decimals()
    | st.floats()
    | st.text(max_size=8)
    | st.sampled_from(["NaN", "2025-02-30", "9" * 5000, "-0", Decimal("NaN"), Decimal("-0"), "2025-09-27"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=4,
)


@given(st.data())
def test_any_value_in_any_field_is_a_fact_or_a_named_error(data: st.DataObject) -> None:
    path = data.draw(st.sampled_from(sorted(PARSERS)))
    rows = fixture(path)
    row = data.draw(st.sampled_from(rows))
    broken = data.draw(st.dictionaries(st.sampled_from(sorted(row)), JUNK, min_size=1, max_size=4))
    row.update(broken)
    for name in data.draw(st.sets(st.sampled_from(sorted(row)), max_size=3)):
        del row[name]
    try:
        found = PARSERS[path](rows)
    except DataError as error:
        assert str(error).endswith((".", "?"))
        return
    for each in found if isinstance(found, list) else [found]:
        for fact in getattr(each, "facts", ()):
            assert fact.value is None or fact.value.is_finite()
            assert (fact.value is None) == (not fact.known) or fact.text
            assert fact.value != 0 or fact.field in CAN_BE_ZERO


@given(st.data())
def test_an_absent_field_is_never_a_figure(data: st.DataObject) -> None:
    statement = data.draw(st.sampled_from(sorted(NAMES)))
    field, theirs = data.draw(st.sampled_from(sorted(NAMES[statement].items())))
    row = fixture(STATEMENT_PATHS[statement])[0]
    gone = data.draw(st.sampled_from(["absent", None]))
    for name in theirs:
        row.pop(name) if gone == "absent" else row.update({name: None})
    fact = by_key(statements([row], statement)[0].facts)[f"{field}/FY2025"]
    assert (fact.value, fact.status) == (None, "missing")
