"""The embedded provider: known figures, the four words for what is missing, prices, and both forms of every method."""

from __future__ import annotations

import asyncio
import inspect
import re
import shutil
import subprocess
import sys
from dataclasses import asdict
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from agno.tools.finance import FinanceProvider, FinanceTools

from finassist import FinancialAssistantWorkflow, Query
from finassist.apps.cli import main
from finassist.core.errors import DataError, FinassistError, InvalidSymbol, NotEmbedded, NotOffered, UnknownSymbol
from finassist.core.facts import EXPECTED, FIELDS, Fact
from finassist.core.formatting import ABSENCE, Scale, cell
from finassist.providers.base import UniverseScope, fetch_facts
from finassist.providers.embedded import EmbeddedProvider, figures, prices, tables
from finassist.providers.to_agno import SourcedQuote, SourcedStatement
from finassist.symbols.names import word_set

PROVIDER = EmbeddedProvider()
STATEMENTS = ("income", "balance_sheet", "cash_flow")
OLD = sorted(
    word_set(
        "AAPL ABBV AMD AMZN BA BAC BRK-B COST CRM CSCO CVX DIS GE GOOGL HD IBM INTC JNJ JPM "
        "KO LLY MA MCD META MSFT NFLX NKE NVDA ORCL PEP PG SNOW TSLA UNH V WMT XOM"
    )
)
"""The companies that have been embedded from the start."""

CALLS: list[tuple[str, tuple[Any, ...]]] = [
    ("search_symbols", ("micros", 3)),
    ("get_quote", ("AAPL",)),
    ("get_quote", ("GOOG",)),
    ("get_price_history", ("MSFT", "2y", "1mo")),
    ("get_price_history", ("LLY", "6mo", "1wk")),
    ("get_company_profile", ("BRK.B",)),
    ("get_key_metrics", ("JPM",)),
    *(("get_financials", ("NVDA", kind, "annual", 3)) for kind in STATEMENTS),
    ("get_financials", ("AAPL", "income", "quarterly", 2)),
    ("get_quote", ("../../x",)),
    ("get_financials", ("RIVN",)),
    ("get_financials", ("AAPL", "income", "ttm")),
]


def facts(symbol: str) -> dict[str, Fact]:
    return {fact.key: fact for fact in (*figures.facts_of(symbol), *figures.annual(symbol))}


def figure(key: str) -> Fact:
    return facts(key.partition("/")[0])[key]


# Figures


@pytest.mark.parametrize(
    ("key", "value", "end"),
    [
        ("AAPL/revenue/FY2025", "416161000000", "2025-09-27"),
        ("AAPL/revenue/FY2024", "391035000000", "2024-09-28"),
        ("AAPL/net_income/FY2022", "99803000000", "2022-09-24"),
        ("AAPL/eps_diluted/FY2021", "5.61", "2021-09-25"),
        ("AAPL/total_assets/FY2023", "352583000000", "2023-09-30"),
        ("AAPL/operating_cash_flow/FY2018", "77434000000", "2018-09-29"),
        ("MSFT/revenue/FY2025", "281724000000", "2025-06-30"),
        ("MSFT/net_income/FY2025", "101832000000", "2025-06-30"),
        ("MSFT/eps_diluted/FY2023", "9.68", "2023-06-30"),
        ("MSFT/operating_income/FY2024", "109433000000", "2024-06-30"),
        ("NVDA/revenue/FY2025", "130497000000", "2025-01-26"),
        ("NVDA/net_income/FY2024", "29760000000", "2024-01-28"),
        ("GOOGL/revenue/FY2023", "307394000000", "2023-12-31"),
        ("GOOGL/net_income/FY2022", "59972000000", "2022-12-31"),
        ("GOOGL/eps_diluted/FY2021", "5.61", "2021-12-31"),
        ("AMZN/revenue/FY2023", "574785000000", "2023-12-31"),
        ("AMZN/net_income/FY2022", "-2722000000", "2022-12-31"),
        ("AMZN/operating_cash_flow/FY2024", "115877000000", "2024-12-31"),
        ("META/revenue/FY2022", "116609000000", "2022-12-31"),
        ("META/net_income/FY2023", "39098000000", "2023-12-31"),
        ("TSLA/revenue/FY2023", "96773000000", "2023-12-31"),
        ("TSLA/net_income/FY2021", "5519000000", "2021-12-31"),
        ("JPM/net_income/FY2023", "49552000000", "2023-12-31"),
        ("JPM/eps_diluted/FY2024", "19.75", "2024-12-31"),
        ("JPM/total_assets/FY2022", "3665743000000", "2022-12-31"),
        ("WMT/revenue/FY2024", "648125000000", "2024-01-31"),
        ("WMT/net_income/FY2023", "11680000000", "2023-01-31"),
        ("KO/revenue/FY2022", "43004000000", "2022-12-31"),
        ("KO/net_income/FY2023", "10714000000", "2023-12-31"),
        ("PEP/revenue/FY2023", "91471000000", "2023-12-30"),
        ("XOM/net_income/FY2022", "55740000000", "2022-12-31"),
        ("CVX/net_income/FY2022", "35465000000", "2022-12-31"),
        ("NFLX/revenue/FY2023", "33723297000", "2023-12-31"),
        ("PFE/revenue/FY2022", "100330000000", "2022-12-31"),
        ("UNH/revenue/FY2023", "371622000000", "2023-12-31"),
        ("HD/revenue/FY2023", "152669000000", "2024-01-28"),
        ("COST/revenue/FY2023", "242290000000", "2023-09-03"),
        ("JNJ/revenue/FY2021", "78740000000", "2022-01-02"),
        ("LLY/revenue/FY2023", "34124000000", "2023-12-31"),
        ("F/revenue/FY2023", "176191000000", "2023-12-31"),
        ("BA/net_income/FY2020", "-11873000000", "2020-12-31"),
        ("V/dividends_per_share/FY2024", "2.08", "2024-09-30"),
        ("GOOGL/eps_diluted/FY2018", "2.185", "2018-12-31"),
    ],
)
def test_known_figures_are_exact(key: str, value: str, end: str) -> None:
    fact = figure(key)
    assert (fact.value, fact.period_end) == (Decimal(value), date.fromisoformat(end))
    assert fact.known
    assert fact.source.startswith("SEC")


def test_every_old_company_has_what_a_reader_expects_of_five_years_or_says_why_not() -> None:
    there = expected = 0
    for symbol in OLD:
        found = facts(symbol)
        lines = {
            name for fact in found.values() if fact.known and fact.period.startswith("FY") for name in [fact.field]
        }
        for statement in STATEMENTS:
            for name in EXPECTED[statement]:
                years = [found.get(f"{symbol}/{name}/FY{year}") for year in range(2021, 2026)]
                assert all(years), (symbol, name)
                there += sum(fact.known for fact in years if fact) if name in lines else 0
                expected += sum(fact.status != "not_meaningful" for fact in years if fact) if name in lines else 0
    assert there / expected > 0.95


@pytest.mark.parametrize("symbol", ["AAPL", "JPM", "ALL", "SPG", "NVR", "GE"])
def test_every_figure_has_unit_period_source_and_a_check(symbol: str) -> None:
    for fact in figures.facts_of(symbol):
        assert fact.unit == FIELDS[fact.field].unit, fact.key
        assert fact.period_end, fact.key
        assert fact.source.startswith("SEC"), fact.key
        assert PROVIDER.verification(fact), fact.key
        assert fact.currency == ("USD" if fact.unit.startswith("USD") else None)
        assert (fact.status == "derived") == bool(fact.formula)
        assert fact.value is not None


def test_one_key_is_one_fact() -> None:
    for symbol in ("AAPL", "WMT", "GOOG", "FERG"):
        keys = [fact.key for fact in figures.facts_of(symbol)]
        assert len(set(keys)) == len(keys)


def test_derived_lines_are_what_their_formula_says() -> None:
    found = {fact.key: fact for fact in figures.facts_across(["total_liabilities", "total_assets", "equity"], 2015)}
    filled = [fact for fact in found.values() if fact.formula == "total_assets - equity"]
    assert len(filled) > 100
    for fact in filled:
        whole, part = (found[key].value for key in fact.inputs)
        assert whole is not None
        assert part is not None
        assert fact.value == whole - part


def test_a_restatement_and_another_basis_are_noted() -> None:
    assert "not comparable with FY2023" in (figure("BAC/revenue/FY2022").note or "")
    assert "Kenvue" in (figure("JNJ/revenue/FY2021").note or "")
    assert "noncontrolling" in (figure("UNH/equity/FY2024").note or "")


def test_a_figure_is_known_from_the_day_it_was_first_filed() -> None:
    fact = figure("AAPL/revenue/FY2024")
    assert fact.as_of == date(2024, 11, 1)


# What is missing


@pytest.mark.parametrize(
    ("key", "status", "word"),
    [
        ("AMD/current_assets/FY2016", "missing", "not in the data"),
        ("DIS/operating_income/FY2024", "not_reported", "not reported"),
        ("NFLX/dividends_per_share/FY2024", "none_paid", "none paid"),
        ("BRK-B/dividends_paid/FY2022", "none_paid", "none paid"),
        ("JPM/gross_profit/FY2024", "not_meaningful", "not meaningful"),
        ("ALL/current_assets/FY2024", "not_meaningful", "not meaningful"),
    ],
)
def test_four_words_for_what_is_missing(key: str, status: str, word: str) -> None:
    fact = figure(key)
    assert (fact.status, cell(fact, Scale(Decimal(1), "")), ABSENCE[status]) == (status, word, word)
    assert fact.note
    assert (fact.value is None) == (status != "none_paid")


@pytest.mark.parametrize(
    ("question", "error", "said"),
    [
        ("Disney operating income FY2023", "NotReported", "is not reported for FY2023: no such line in the filings"),
        ("Disney operating margin in Q2 2025", "NotReported", "Disney reports operating income by segment only"),
        ("What is the P/E of Visa?", "NotReported", "Diluted EPS of Visa Inc. is not reported: no such line"),
        ("Nike operating income FY2023", "NotInData", "is not in the data"),
        ("Gross margin of JPMorgan FY2023", "NotMeaningful", "not meaningful for a bank"),
        ("Netflix dividends per share FY2024", "", "Netflix paid no dividends in FY2024 (year ended 2024-12-31)."),
    ],
)
def test_a_sentence_says_which_kind_of_missing_it_is(question: str, error: str, said: str) -> None:
    answer = FinancialAssistantWorkflow(db=None, model="offline").run(question, live=False)
    assert said in answer.content
    assert [gap.error for gap in answer.gaps] == ([error] if error else [])


@pytest.mark.parametrize(
    ("question", "value", "when"),
    [
        ("Apple revenue in calendar 2023", 385706000000, "in the twelve months to 2023-12-30 (TTM)"),
        ("Walmart revenue in calendar year 2023", 648125000000, "in FY2024 (year ended 2024-01-31)"),
        ("JPMorgan net income CY2023", 49552000000, "in FY2023 (year ended 2023-12-31)"),
        ("Apple total assets calendar 2023", 353514000000, "at the end of Q1 2024 (2023-12-30)"),
        ("Apple revenue in 2023", 383285000000, "in FY2023 (year ended 2023-09-30)"),
    ],
)
def test_a_year_of_the_calendar_is_read_where_it_is_asked(question: str, value: int, when: str) -> None:
    answer = FinancialAssistantWorkflow(db=None, model="offline").run(question, live=False)
    assert answer.value is not None
    assert (answer.value.value, when in answer.headline) == (value, True)


def test_a_table_of_an_answer_says_none_paid_in_words() -> None:
    workflow = FinancialAssistantWorkflow(db=None, model="offline")
    content = workflow.run("Netflix dividends per share FY2022 to FY2024", live=False).content
    assert "| FY2023 (to 2023-12-31) | none paid |" in content


def test_a_note_on_a_figure_stands_below_the_sentence() -> None:
    workflow = FinancialAssistantWorkflow(db=None, model="offline")
    content = workflow.run("Walmart interest expense FY2024", live=False).content
    assert "To know: WMT interest expense FY2024: interest on debt only." in content
    content = workflow.run("Market cap of Meta", live=False).content
    assert "META market value 2026-08-21: with average diluted shares, not those of a cover page" in content
    assert "To know" not in workflow.run("Market cap of Apple", live=False).content
    content = workflow.run("Johnson & Johnson net margin FY2022", live=False).content
    assert "JNJ net income FY2022: includes Kenvue" in content


def test_nothing_was_paid_where_nothing_was_paid() -> None:
    assert figure("META/dividends_per_share/FY2022").status == "none_paid"
    assert figure("META/dividends_per_share/FY2024").value == Decimal("2")
    assert figure("NVDA/dividends_per_share/FY2024").status != "none_paid"
    paid = {fact.symbol for fact in figures.facts_across(["dividends_paid"], 2024) if fact.value}
    none = {fact.symbol for fact in figures.facts_across(["dividends_per_share"], 2024) if fact.status == "none_paid"}
    assert not {"KO", "JNJ", "MSFT", "NVDA", "AVGO", "T"} & none
    assert len(none - paid) > 40


# Statements


def test_statements_are_newest_first_and_limited() -> None:
    found = PROVIDER.get_financials("AAPL", limit=3)
    assert [each.fiscal_period for each in found] == ["FY2025", "FY2024", "FY2023"]
    assert all(isinstance(each, SourcedStatement) for each in found)


def test_quarters_are_statements_too() -> None:
    found = PROVIDER.get_financials("MSFT", "income", "quarterly", 2)
    assert [(each.fiscal_period, each.report_period) for each in found] == [
        ("Q4 2026", "2026-06-30"),
        ("Q3 2026", "2026-03-31"),
    ]


@pytest.mark.parametrize("kind", STATEMENTS)
def test_items_are_the_known_facts_and_missing_the_others(kind: str) -> None:
    [found] = PROVIDER.get_financials("JPM", kind, limit=1)
    assert isinstance(found, SourcedStatement)
    known = {fact.field for fact in found.facts if fact.known}
    assert set(found.items) == known
    assert set(found.missing) == {fact.field for fact in found.facts} - known


def test_what_is_not_offered_is_said() -> None:
    with pytest.raises(NotOffered, match="period 'ttm'"):
        PROVIDER.get_financials("AAPL", period="ttm")
    with pytest.raises(NotOffered, match="interval '5m'"):
        PROVIDER.get_price_history("AAPL", interval="5m")


# Prices


def test_a_quote_names_its_day_its_change_and_its_market_value() -> None:
    quote = PROVIDER.get_quote("AAPL")
    assert isinstance(quote, SourcedQuote)
    assert (quote.price, quote.previous_close, quote.as_of) == (309.35, 311.3, "2026-08-21")
    assert quote.change_percent == pytest.approx(-0.6264, abs=1e-4)
    assert quote.market_cap == pytest.approx(309.35 * 14_594_180_000)
    assert any("cover page" in note for note in quote.notes)


def test_without_a_cover_page_count_the_market_value_says_so() -> None:
    by_field = {fact.field: fact for fact in prices.quote("META")}
    assert "average diluted shares of FY2025" in (by_field["market_cap"].note or "")
    assert "market_cap" not in {fact.field for fact in prices.quote("BRK-B")}


@pytest.mark.parametrize(
    ("period", "interval", "first", "count"),
    [("5d", "1d", "2026-08-17", 5),
      ("1mo", "1wk", "2026-07-24", 5), ("ytd", "1mo", "2026-01-30", 8), ("5y", "1mo", "2021-08-31", 61)],
)  # fmt: skip
def test_a_period_ends_with_the_last_embedded_close(period: str, interval: str, first: str, count: int) -> None:
    found = PROVIDER.get_price_history("AAPL", period, interval)
    assert (found.bars[0].date, found.bars[-1].date, len(found.bars)) == (first, "2026-08-21", count)


def test_closes_keep_the_digits_of_the_source_and_one_split_basis() -> None:
    by_day = {fact.period: fact.value for fact in prices.closes("WMT")}
    assert by_day["2024-02-23"] == Decimal("58.52")  # 175.56 before the 3-for-1 split
    jumps = [abs(b.value / a.value - 1) for a, b in zip(prices.closes("WMT"), prices.closes("WMT")[1:], strict=False)]
    assert max(jumps) < Decimal("0.25")


def test_every_company_at_once() -> None:
    scope = UniverseScope(frozenset({"revenue"}), 2024, (date.max,))
    found = asyncio.run(PROVIDER.fetch_universe(scope))
    revenue = {fact.symbol for fact in found if fact.key.endswith("/revenue/FY2024")}
    assert len(revenue) > 480
    assert len({fact.symbol for fact in found if fact.field == "price"}) > 490


# Coverage


@pytest.mark.parametrize("method", ["get_quote", "get_company_profile", "get_key_metrics", "get_financials"])
@pytest.mark.parametrize("text", ["../../x", "", "A B", "x" * 40])
def test_a_text_that_is_no_ticker_is_refused(method: str, text: str) -> None:
    with pytest.raises(InvalidSymbol):
        getattr(PROVIDER, method)(text)


def test_a_ticker_outside_the_set_is_told_the_ways_to_live_data() -> None:
    with pytest.raises(NotEmbedded, match=r"(?s)FINASSIST_SEC_CONTACT.*yfinance"):
        PROVIDER.get_quote("RIVN")


def test_an_unknown_ticker_is_unknown() -> None:
    with pytest.raises(UnknownSymbol, match="Did you mean"):
        PROVIDER.get_quote("APPL")


def test_another_share_class_has_statements_and_says_where_its_prices_are() -> None:
    assert PROVIDER.get_financials("GOOG", limit=1)[0].items["revenue"] == 402836000000
    with pytest.raises(NotEmbedded, match="under GOOGL"):
        PROVIDER.get_quote("GOOG")


def test_key_metrics_are_computed_with_their_formula_and_year() -> None:
    found = PROVIDER.get_key_metrics("AAPL")
    assert found.net_margin == pytest.approx(0.26915, abs=1e-5)
    assert found.formulas["net_margin"] == "net_income / revenue (FY2025)"
    assert PROVIDER.get_key_metrics("JPM").gross_margin is None


def test_a_profile_has_sector_and_seat() -> None:
    found = PROVIDER.get_company_profile("MSFT")
    assert (found.sector, found.cik, found.location) == ("Information Technology", "0000789019", "Redmond, Washington")


# Both forms


def told(call: Any) -> Any:
    try:
        found = call()
    except FinassistError as error:
        return type(error), str(error)
    return [asdict(each) for each in found] if isinstance(found, list) else asdict(found)


@pytest.mark.parametrize(("method", "given"), CALLS)
def test_sync_and_async_are_the_same(method: str, given: tuple[Any, ...]) -> None:
    assert told(lambda: getattr(PROVIDER, method)(*given)) == told(
        lambda: asyncio.run(getattr(PROVIDER, f"a{method}")(*given))
    )


def test_every_capability_has_a_native_async_form() -> None:
    for name in PROVIDER.capabilities:
        assert inspect.iscoroutinefunction(getattr(PROVIDER, f"a{name}"))
        assert getattr(EmbeddedProvider, f"a{name}") is not getattr(FinanceProvider, f"a{name}")


def test_changing_an_answer_does_not_change_the_next() -> None:
    first = PROVIDER.get_financials("AAPL", limit=1)[0]
    first.items.clear()
    assert PROVIDER.get_financials("AAPL", limit=1)[0].items


def test_agnos_toolkit_serves_the_embedded_data() -> None:
    tools = FinanceTools(provider="embedded")
    assert "391035000000" in tools.get_financials("AAPL", limit=2)
    assert "not in the embedded set" in tools.get_quote("RIVN")


@pytest.mark.slow
def test_a_fresh_process_reads_a_figure_without_pandas() -> None:
    script = (
        "import sys; from finassist.providers.embedded import EmbeddedProvider as P; p = P();"
        "print(p.get_quote('MSFT').price, len(p.get_financials('KO', limit=3)), 'pandas' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["483.24", "3", "False"]


@pytest.mark.slow
def test_the_first_question_blocks_no_loop_and_opens_the_files_once() -> None:
    async def first() -> list[list[Fact]]:
        return await asyncio.gather(*(fetch_facts(PROVIDER, "income", symbol) for symbol in ("KO", "PEP", "MCD", "GE")))

    script = (
        "import asyncio, time\n"
        "from finassist.providers.embedded import EmbeddedProvider as P\n"
        "from finassist.providers.embedded import tables\n"
        "async def main():\n"
        "    ahead = asyncio.create_task(P().aget_quote('MSFT'))\n"
        "    await asyncio.sleep(0)\n"
        "    print(tables.loaded(), (await ahead).price, tables.loaded())\n"
        "asyncio.run(main())\n"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["False", "483.24", "True"]
    assert all(asyncio.run(first()))


# Damaged files


def test_a_damaged_or_foreign_file_is_named(tmp_path: Path) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    whole = Path(tables.__file__).parent / "files" / "companies.parquet"
    cut = tmp_path / "annual.parquet"
    shutil.copy(whole, cut)
    cut.write_bytes(cut.read_bytes()[:-200])
    with pytest.raises(ValueError):
        tables.opened(cut, ("symbol",))
    pq.write_table(pa.table({"ticker": [1]}), cut)
    with pytest.raises(DataError, match=r"annual\.parquet lacks the column symbol"):
        tables.opened(cut, ("symbol",))
    pq.write_table(pa.table({"symbol": ["AAPL"], "value": ["a lot"]}), cut)
    with pytest.raises(DataError, match=r"annual\.parquet holds string in the column value, not double"):
        tables.opened(cut, ("symbol", "value"))


def test_every_column_that_is_read_is_held_against_the_file() -> None:
    for name in tables.TABLES:
        assert set(tables._NEEDED.get(name, ())) <= set(tables.names_of(name)), name


# The universe


def test_the_universe_is_records_and_a_frame() -> None:
    found = PROVIDER.universe()
    apple = found["AAPL"]
    assert (apple.sector, apple.in_sp500, apple.first_year, apple.last_year) == (
        "Information Technology",
        True,
        2014,
        2025,
    )
    assert apple.market_value == pytest.approx(309.35 * 14_594_180_000)
    frame = found.to_frame()
    assert frame.loc["JPM", "industry"] == "Diversified Banks"
    assert frame["in_sp500"].sum() == 503
    assert (frame["last_year"] >= 2024).sum() > 510


def test_a_whole_table_is_a_frame_with_quality_marks() -> None:
    frame = PROVIDER.to_frame()
    assert frame.loc[("AAPL", "revenue", 2025, "FY"), "value"] == 416161000000
    assert set(frame["quality"]) == {*figures.QUALITY, "none paid"} - {"four quarters add up"}
    assert PROVIDER.to_frame("splits").columns.tolist() == ["symbol", "date", "ratio"]
    with pytest.raises(NotOffered, match="Use one of: annual"):
        PROVIDER.to_frame("bonds")


def test_the_command_line_shows_what_is_embedded(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["data"]) == 0
    assert re.search(r"^companies +520$", capsys.readouterr().out, re.MULTILINE)
    assert main(["data", "brk.b", "--csv"]) == 0
    assert "Berkshire Hathaway" in capsys.readouterr().out
    assert main(["data", "RIVN"]) == 1


@pytest.mark.parametrize("period", ["last 3 months", "last 30 days", "TTM", "YTD", "2024", "2025-03:latest"])
def test_a_screen_of_stocks_over_a_window_has_the_figures_of_each_company_alone(period: str) -> None:
    workflow = FinancialAssistantWorkflow(db=None)
    ranked = workflow.query(
        Query(intent="rank", metrics=["price_change"], scope="universe", periods=[period], order=1, limit=3)
    )
    assert len(ranked.result) == 3
    exact = {fact.key: fact.value for fact in ranked.facts}
    for symbol, key in zip(ranked.result.index, ranked.rows, strict=True):
        alone = workflow.query(Query(metrics=["price_change"], companies=[symbol], periods=[period])).value
        assert alone is not None
        assert alone.value == exact[key]
