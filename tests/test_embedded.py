"""The embedded provider: exact figures, their sources, what is missing, and both forms of every method."""

from __future__ import annotations

import asyncio
import inspect
import json
import subprocess
import sys
from dataclasses import asdict
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from agno.tools.finance import FinanceProvider, FinanceTools

from finassist.analysis.metrics import derive
from finassist.core.errors import DataError, InvalidSymbol, NotEmbedded, NotOffered, UnknownSymbol
from finassist.core.facts import Fact, FactBook
from finassist.core.fields import FIELDS
from finassist.providers.embedded import data as embedded
from finassist.providers.embedded.provider import EmbeddedProvider
from finassist.providers.to_agno import SourcedQuote, SourcedStatement
from tests.tools import build_embedded as build

PROVIDER = EmbeddedProvider()
STATEMENTS = ("income", "balance_sheet", "cash_flow")
NO_TOTAL = ("ABBV", "AMD", "AMZN", "DIS", "INTC", "KO", "NKE", "ORCL", "WMT")
CALLS: list[tuple[str, tuple[Any, ...]]] = [
    ("search_symbols", ("micros", 3)),
    ("get_quote", ("AAPL",)),
    ("get_quote", ("GOOG",)),
    ("get_price_history", ("MSFT", "2y", "1mo")),
    ("get_price_history", ("LLY", "max", "1wk")),
    ("get_company_profile", ("BRK.B",)),
    ("get_key_metrics", ("JPM",)),
    *(("get_financials", ("NVDA", kind, "annual", 3)) for kind in STATEMENTS),
    ("get_quote", ("LLY",)),
    ("get_quote", ("../../x",)),
    ("get_financials", ("F",)),
    ("get_financials", ("AAPL", "income", "quarterly")),
]


def all_facts() -> list[Fact]:
    return [fact for symbol in embedded.symbols() for fact in _annual(symbol).facts]


def _annual(symbol: str) -> embedded.Annual:
    found = embedded.annual(symbol)
    assert found is not None
    return found


def figure(key: str) -> Fact:
    symbol = key.partition("/")[0]
    return next(fact for fact in _annual(symbol).facts if fact.key == key)


# Figures


@pytest.mark.parametrize(
    ("key", "value", "period_end"),
    [
        ("AAPL/revenue/FY2025", "416161000000", "2025-09-27"),
        ("AAPL/accounts_payable/FY2016", "37294000000", "2016-09-24"),
        ("MSFT/net_income/FY2025", "101832000000", "2025-06-30"),
        ("NVDA/revenue/FY2025", "130497000000", "2025-01-26"),
        ("JNJ/revenue/FY2021", "78740000000", "2022-01-02"),
        ("JPM/eps_diluted/FY2025", "20.02", "2025-12-31"),
        ("JPM/provision_for_credit_losses/FY2025", "14212000000", "2025-12-31"),
        ("META/dividends_paid/FY2023", "0", "2023-12-31"),
    ],
)
def test_known_figures_are_exact(key: str, value: str, period_end: str) -> None:
    fact = figure(key)
    assert str(fact.value) == value
    assert fact.period_end == date.fromisoformat(period_end)


def test_every_figure_has_unit_period_source_and_a_check() -> None:
    known = [fact for fact in all_facts() if fact.known]
    assert len(known) == 5757
    for fact in known:
        assert fact.unit == FIELDS[fact.field].unit
        assert fact.statement == FIELDS[fact.field].statement
        assert fact.source.startswith("SEC "), fact.key
        assert fact.period_end is not None, fact.key
        assert fact.currency == ("USD" if fact.unit.startswith("USD") else None)
        assert PROVIDER.verification(fact), fact.key


def test_a_filing_number_and_its_date_are_of_the_same_year() -> None:
    for fact in all_facts():
        if fact.filing and fact.as_of:
            assert fact.filing.split("-")[1] == f"{fact.as_of:%y}", fact.key


def test_zero_is_only_what_a_filer_tagged_as_zero() -> None:
    zeros = [fact for fact in all_facts() if fact.value == 0]
    assert len(zeros) == 38
    assert all(fact.concept for fact in zeros)


def test_payments_are_positive() -> None:
    paid = [fact for fact in all_facts() if FIELDS[fact.field].outflow and fact.value is not None]
    assert paid
    assert all(fact.value is not None and fact.value >= 0 for fact in paid)


def test_figures_restated_for_a_split_say_so() -> None:
    fact = figure("NVDA/eps_diluted/FY2020")
    assert fact.status == "derived"
    assert "split" in (fact.formula or "")


def test_derived_figures_name_inputs_that_exist() -> None:
    fact = figure("JPM/income_tax/FY2025")
    assert fact.formula == "pretax_income - net_income"
    before, net = (figure(key).value for key in fact.inputs)
    assert before is not None
    assert net is not None
    assert before - net == fact.value


@pytest.mark.parametrize(
    ("total", "parts"),
    [("revenue", ("gross_profit", "cost_of_revenue")), ("total_assets", ("liabilities_and_equity",)),
     ("total_assets", ("total_liabilities", "equity"))],
)  # fmt: skip
def test_accounting_identities_hold(total: str, parts: tuple[str, ...]) -> None:
    """Within 0.2 %, but for companies with minority, redeemable or convertible interests beside equity."""
    apart = {"BRK-B", "CVX", "NVDA", "SNOW", "TSLA", "UNH", "WMT", "XOM"} if "equity" in parts else set[str]()
    values = {fact.key: fact.value for fact in all_facts() if fact.value is not None}
    checked = 0
    for fact in all_facts():
        if fact.field != total or fact.value is None or fact.symbol in apart:
            continue
        found = [values.get(f"{fact.symbol}/{part}/{fact.period}") for part in parts]
        amounts = [amount for amount in found if amount is not None]
        if len(amounts) == len(parts):
            checked += 1
            assert abs(sum(amounts) - fact.value) <= fact.value * Decimal("0.002"), fact.key
    assert checked > 80


# What is missing, or needs a word


@pytest.mark.parametrize(
    "key",
    [
        "BRK-B/revenue/FY2025",
        "BRK-B/eps_diluted/FY2025",
        "DIS/operating_income/FY2025",
        "V/eps_diluted/FY2024",
        "V/shares_diluted/FY2024",
        "BAC/interest_expense/FY2024",
        "BAC/provision_for_credit_losses/FY2024",
        "BAC/income_tax/FY2024",
        "JPM/net_interest_income/FY2021",
        "XOM/shares_diluted/FY2025",
        *(f"{symbol}/pretax_income/FY2025" for symbol in ("AMD", "COST", "DIS", "INTC", "PEP")),
        *(f"{symbol}/current_assets/FY2025" for symbol in ("AMD", "COST", "DIS", "INTC", "PEP")),
        *(f"{symbol}/total_liabilities/FY2025" for symbol in NO_TOTAL),
    ],
)
def test_known_gaps_are_missing_with_a_reason(key: str) -> None:
    fact = figure(key)
    assert (fact.status, fact.value, fact.known) == ("missing", None, False)
    assert (fact.note or "").startswith("not reported in the embedded data")


@pytest.mark.parametrize("field", ["gross_profit", "operating_income", "current_assets", "current_liabilities"])
@pytest.mark.parametrize("symbol", ["JPM", "BAC"])
def test_lines_that_banks_do_not_have_are_not_meaningful(symbol: str, field: str) -> None:
    assert figure(f"{symbol}/{field}/FY2025").status == "not_meaningful"


def test_the_break_in_bank_of_america_is_on_both_sides() -> None:
    assert "not comparable with FY2023" in (figure("BAC/revenue/FY2022").note or "")
    assert "not comparable with FY2022" in (figure("BAC/net_income/FY2023").note or "")
    assert "not comparable" not in (figure("BAC/revenue/FY2024").note or "")


@pytest.mark.parametrize("symbol", ["UNH", "PG"])
def test_equity_that_includes_minorities_says_so(symbol: str) -> None:
    assert "noncontrolling" in (figure(f"{symbol}/equity/FY2024").note or "")


def test_revenue_without_kenvue_says_so() -> None:
    assert "Kenvue" in (figure("JNJ/revenue/FY2021").note or "")


# Statements


def test_statements_are_newest_first_and_limited() -> None:
    found = PROVIDER.get_financials("AAPL", "income", limit=3)
    assert [row.fiscal_period for row in found] == ["FY2025", "FY2024", "FY2023"]
    assert [row.report_period for row in found] == ["2025-09-27", "2024-09-28", "2023-09-30"]
    assert len(PROVIDER.get_financials("AAPL", limit=100)) == 10


@pytest.mark.parametrize("kind", STATEMENTS)
def test_items_are_the_known_facts_and_missing_the_others(kind: str) -> None:
    for symbol in embedded.symbols():
        for row in PROVIDER.get_financials(symbol, kind, limit=20):
            assert isinstance(row, SourcedStatement)
            assert {fact.field for fact in row.facts if fact.known} == set(row.items)
            assert {fact.field for fact in row.facts if not fact.known} == set(row.missing)
            assert all(fact.statement == kind for fact in row.facts)
            assert None not in row.items.values()


def test_what_is_not_offered_is_said() -> None:
    with pytest.raises(NotOffered, match="annual"):
        PROVIDER.get_financials("AAPL", period="quarterly")
    with pytest.raises(NotOffered, match="income, balance_sheet, cash_flow"):
        PROVIDER.get_financials("AAPL", "equity")
    with pytest.raises(NotOffered, match="1mo"):
        PROVIDER.get_price_history("AAPL", interval="5m")


# Prices


def test_a_quote_names_its_day_and_how_the_change_is_computed() -> None:
    quote = PROVIDER.get_quote("AAPL")
    facts = {fact.field: fact for fact in quote.facts}
    assert (quote.price, quote.previous_close, quote.as_of) == (309.35, 311.3, "2026-08-21")
    assert facts["price"].as_of == date(2026, 8, 21)
    assert facts["change"].value == Decimal("309.35") - Decimal("311.3")
    assert facts["change"].inputs == ("AAPL/price/2026-08-21", "AAPL/previous_close/2026-08-21")
    assert facts["change_percent"].value == pytest.approx(Decimal("-0.00626405"), abs=Decimal("1e-8"))
    assert quote.change_percent == pytest.approx(-0.626405)


def test_an_older_market_value_carries_its_own_date() -> None:
    quote = PROVIDER.get_quote("AAPL")
    cap = next(fact for fact in quote.facts if fact.field == "market_cap")
    assert quote.market_cap_as_of == cap.period == "2025-10-16"
    assert "older than the price" in (cap.note or "")
    assert "CC-BY-4.0" in cap.source


def test_the_older_snapshot_serves_only_where_there_is_nothing_newer() -> None:
    days = {symbol: embedded.quote(symbol)[0].period for symbol in embedded.priced_symbols() if embedded.quote(symbol)}
    assert {symbol for symbol, day in days.items() if day == "2025-10-16"} == {"GOOG", "BRK-A"}
    assert set(days.values()) == {"2025-10-16", "2026-08-21"}


def test_every_price_is_dated_and_sourced() -> None:
    for symbol in embedded.priced_symbols():
        found = [embedded.series(symbol, interval) for interval in ("1mo", "1wk")]
        bars = [fact for series in found for fact in series]
        for fact in (*embedded.quote(symbol), *bars):
            assert fact.known
            assert fact.source
            assert fact.period == str(fact.as_of)


def test_finer_bars_are_served_as_what_they_are() -> None:
    history = PROVIDER.get_price_history("MSFT", "6mo", "1d")
    assert history.interval == "1mo"
    assert "1d are not embedded" in history.notes[0]
    assert history.bars[-1].date == "2026-08-21"


def test_weekly_closes_are_labelled_as_adjusted() -> None:
    history = PROVIDER.get_price_history("LLY", "max", "1wk")
    assert len(history.bars) == 261
    assert {fact.field for fact in history.facts} == {"adjusted_close"}
    assert any("adjusted" in note for note in history.notes)


@pytest.mark.parametrize(
    ("period", "first"), [("1d", "2026-08-21"), ("ytd", "2026-01-30"), ("1y", "2025-08-29"), ("max", "2024-08-30")]
)
def test_a_period_ends_with_the_last_embedded_close(period: str, first: str) -> None:
    bars = PROVIDER.get_price_history("MSFT", period, "1mo").bars
    assert (bars[0].date, bars[-1].date) == (first, "2026-08-21")


# Symbols


@pytest.mark.parametrize("text", ["../../x", "", " ", "AAPL; DROP", "ÄPFEL"])
@pytest.mark.parametrize("method", ["get_quote", "get_financials", "get_company_profile", "get_key_metrics"])
def test_a_text_that_is_no_ticker_is_refused(method: str, text: str) -> None:
    with pytest.raises(InvalidSymbol):
        getattr(PROVIDER, method)(text)


def test_a_ticker_outside_the_set_is_told_what_is_inside() -> None:
    with pytest.raises(NotEmbedded, match=r"F \(Ford.*AAPL, ABBV.*FMP_API_KEY"):
        PROVIDER.get_financials("F")
    with pytest.raises(NotEmbedded):
        PROVIDER.get_company_profile("F")


def test_an_unknown_ticker_is_unknown() -> None:
    with pytest.raises(UnknownSymbol, match="ZZZZQ"):
        PROVIDER.get_quote("ZZZZQ")


def test_a_symbol_with_only_some_pieces_works_for_those() -> None:
    assert PROVIDER.get_quote("GOOG").price == 251.88
    with pytest.raises(NotEmbedded, match="GOOGL"):
        PROVIDER.get_financials("GOOG")
    with pytest.raises(NotEmbedded, match="1wk"):
        PROVIDER.get_price_history("LLY", interval="1mo")
    with pytest.raises(NotEmbedded):
        PROVIDER.get_price_history("NKE", interval="1mo")
    assert "too thin" in PROVIDER.get_company_profile("brk.b").notes[0]
    assert PROVIDER.get_financials("BRK.B", "balance_sheet")[0].items["total_assets"] > 10**12


# Metrics


def test_key_metrics_are_computed_with_their_formula_and_year() -> None:
    metrics = PROVIDER.get_key_metrics("AAPL")
    revenue, income = figure("AAPL/revenue/FY2025").value, figure("AAPL/net_income/FY2025").value
    assert revenue is not None
    assert income is not None
    assert metrics.net_margin == pytest.approx(float(income / revenue))
    assert metrics.formulas["net_margin"] == "net_income / revenue (FY2025)"
    assert metrics.formulas["pe_ratio"].endswith("(2026-08-21)")
    assert {"gross_margin", "return_on_equity", "current_ratio", "free_cash_flow"} <= set(metrics.formulas)


def test_growth_across_the_break_of_bank_of_america_is_not_computed() -> None:
    derived = {fact.key: fact for fact in derive(FactBook(_annual("BAC").facts), "BAC")}
    assert not derived["BAC/revenue_growth/FY2023"].known
    assert derived["BAC/revenue_growth/FY2024"].known


def test_return_on_equity_never_mixes_the_two_bases() -> None:
    derived = {fact.key: fact for fact in derive(FactBook(_annual("KO").facts), "KO")}
    assert derived["KO/return_on_equity/FY2023"].known
    assert not derived["KO/return_on_equity/FY2022"].known


def test_metrics_a_bank_does_not_have_stay_empty() -> None:
    metrics = PROVIDER.get_key_metrics("JPM")
    assert metrics.current_ratio is None
    assert metrics.gross_margin is None
    assert metrics.net_margin is not None


# Both forms, fresh objects, Agno's toolkit


def outcome(method: str, given: tuple[Any, ...]) -> Any:
    try:
        made = getattr(PROVIDER, method)(*given)
        made = asyncio.run(made) if inspect.iscoroutine(made) else made
    except (DataError, InvalidSymbol) as error:
        return type(error), str(error)
    rows = made if isinstance(made, list) else [made]
    return [(type(row), asdict(row), getattr(row, "facts", ())) for row in rows]


@pytest.mark.parametrize(("method", "given"), CALLS)
def test_sync_and_async_are_the_same(method: str, given: tuple[Any, ...]) -> None:
    assert outcome(method, given) == outcome(f"a{method}", given)


def test_every_capability_has_a_native_async_form() -> None:
    for capability in (*PROVIDER.capabilities, "status"):
        mine = getattr(EmbeddedProvider, f"a{capability}")
        assert inspect.iscoroutinefunction(mine)
        assert mine is not getattr(FinanceProvider, f"a{capability}")


def test_changing_an_answer_does_not_change_the_next() -> None:
    first = PROVIDER.get_financials("AAPL", limit=1)[0]
    first.items["revenue"] = 0
    first.items.clear()
    quote = PROVIDER.get_quote("AAPL")
    quote.price = 0
    history = PROVIDER.get_price_history("AAPL", "max", "1mo")
    history.bars.clear()
    assert PROVIDER.get_financials("AAPL", limit=1)[0].items["revenue"] == 416161000000
    assert PROVIDER.get_quote("AAPL").price == 309.35
    assert PROVIDER.get_price_history("AAPL", "max", "1mo").bars


TOOL_CALLS: list[tuple[str, dict[str, Any]]] = [
    ("search_symbols", {"query": "apple"}),
    ("get_quote", {"symbol": "aapl"}),
    ("get_price_history", {"symbol": "AAPL"}),
    ("get_company_profile", {"symbol": "AAPL"}),
    ("get_key_metrics", {"symbol": "AAPL"}),
    ("get_financials", {"symbol": "AAPL"}),
]


@pytest.mark.parametrize(("tool", "given"), TOOL_CALLS)
def test_agnos_toolkit_serves_every_tool_in_both_forms(tool: str, given: dict[str, Any]) -> None:
    tools = FinanceTools(provider="embedded", all=True)
    answer = getattr(tools, tool)(**given)
    assert answer == asyncio.run(getattr(tools, f"a{tool}")(**given))
    data = json.loads(answer)
    assert data["provider"] == "embedded"
    assert "error" not in data
    assert '"facts"' not in answer
    assert len(answer) < 10_000


def test_agnos_toolkit_offers_exactly_what_is_embedded() -> None:
    assert set(FinanceTools(provider=PROVIDER, all=True).registered_tools) == set(PROVIDER.capabilities)


def test_the_toolkit_passes_our_words_on(caplog: pytest.LogCaptureFixture) -> None:
    data = json.loads(FinanceTools(provider=PROVIDER, all=True).get_financials("F"))
    assert "not in the embedded set" in data["error"]


def test_a_fresh_process_reads_a_figure() -> None:
    code = (
        "from finassist.providers.embedded.provider import EmbeddedProvider;"
        "print(EmbeddedProvider().get_quote('MSFT').price, EmbeddedProvider().status().detail)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["483.24", "37", "companies,", "no", "key,", "no", "network"]


def test_quotes_keep_agnos_type() -> None:
    assert isinstance(PROVIDER.get_quote("AAPL"), SourcedQuote)


# The converter


ANNUAL = (
    "symbol,company,cik,fiscal_year,period_end,statement,field,value,unit,concept,accession,filed,"
    "filed_or_source,verified\n"
    "ACME,Acme Inc.,0000000001,2025,2025-12-31,income,revenue,1200.0,USD,Revenues,0000000001-26-000002,"
    '2026-02-01,"SEC companyfacts, 10-K filed 2026-02-01",SEC XBRL tagged value\n'
    "ACME,Acme Inc.,0000000001,2025,2025-12-31,income,eps_diluted,-0.50,USD/share,,0000000001-27-000002,"
    "2026-02-01,10-K iXBRL acme-10-k-2026-02-01.html,SEC XBRL tagged value\n"
)
OTHERS = {
    "quotes_2026-08-21.csv": "symbol,date,close,previous_close\nACME,2026-08-21,2.50,2.0\n",
    "quotes_2025-10-16.csv": "symbol,price,open,high,low,prev_close,market_cap,pe,volume,as_of\n",
    "month_end_closes.csv": "symbol,date,close\nACME,2026-07-31,2.10\n",
    "weekly_adjusted_closes_2018_2022.csv": "symbol,date,adj_close\n",
}


def source(folder: Path, annual: str) -> Path:
    for name, text in {"annual.csv": annual, **OTHERS}.items():
        (folder / name).write_text(text)
    return folder


def test_the_converter_keeps_values_exact_and_filings_that_fit(tmp_path: Path) -> None:
    build.main([str(source(tmp_path, ANNUAL)), "--out", str(tmp_path)])
    symbol, _, text = (tmp_path / "annual.jsonl").read_text().strip().partition("\t")
    data = json.loads(text)
    assert symbol == "ACME"
    assert [data["figures"][name][0][1] for name in ("revenue", "eps_diluted")] == ["1200", "-0.5"]
    assert [filing for _, _, filing, _ in data["sources"]] == ["0000000001-26-000002", ""]
    assert json.loads((tmp_path / "prices.jsonl").read_text().partition("\t")[2]) == {
        "quote": ["2026-08-21", "2.5", "2"],
        "month_ends": [["2026-07-31", "2.1"]],
    }


def test_the_converter_stops_at_a_field_it_does_not_know(tmp_path: Path) -> None:
    with pytest.raises(SystemExit, match="not in the vocabulary"):
        build.main([str(source(tmp_path, ANNUAL.replace("revenue", "turnover"))), "--out", str(tmp_path)])


def test_the_converter_needs_a_source() -> None:
    with pytest.raises(SystemExit):
        build.main([])
