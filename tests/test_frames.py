"""DataFrames: tidy, exact, and of the same shape with and without rows."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from functools import partial

import pandas as pd
import pytest

from finassist import FinancialAssistantWorkflow
from finassist.core.facts import Fact
from finassist.reporting.frames import SCHEMAS, by_company, by_year, describe, facts_frame, spans_frame, typed

REVENUE = Fact(
    symbol="AAPL",
    field="revenue",
    value=Decimal("416161000000.10"),
    unit="USD",
    currency="USD",
    period="FY2025",
    period_end=date(2025, 9, 27),
    as_of=date(2025, 10, 31),
    source="10-K",
    statement="income",
)
ABSENT = Fact(
    symbol="AAPL", field="interest_expense", period="FY2025", statement="income", status="missing", note="gone"
)


SESSIONS = partial(typed, schema=SCHEMAS["sessions"])


def test_a_fact_is_a_row_with_every_digit():
    frame = facts_frame([REVENUE, ABSENT])
    assert frame.shape[0] == 2
    assert frame["exact"][0] == Decimal("416161000000.10")
    assert frame["value"][0] == pytest.approx(416161000000.10)
    assert frame["label"].tolist() == ["Revenue", "Interest expense"]
    assert frame["period_end"][0] == pd.Timestamp("2025-09-27")


def test_an_absent_figure_is_na_and_never_zero():
    row = facts_frame([REVENUE, ABSENT]).iloc[1]
    assert pd.isna(row["value"])
    assert row["exact"] is None
    assert pd.isna(row["as_of"])
    assert (row["status"], row["note"]) == ("missing", "gone")


def test_a_figure_that_is_not_known_is_not_shown_as_one():
    odd = Fact(symbol="A", field="revenue", value=Decimal(5), statement="income", status="error")
    assert facts_frame([odd])["value"].isna().all()


def test_arithmetic_and_pivots_work():
    frame = facts_frame([REVENUE, ABSENT])
    assert frame["value"].sum() == pytest.approx(416161000000.10)
    assert frame.pivot(index="field", columns="period", values="value").shape == (2, 1)


def test_spans_have_a_duration():
    run = {"name": "run", "parent": None, "start": 0.0, "end": 0.5, "status": "completed"}
    frame = spans_frame([run, {"name": "quote", "parent": "run", "start": 0.1, "end": None, "status": "running"}])
    assert frame["duration"][0] == 0.5
    assert pd.isna(frame["duration"][1])
    assert pd.isna(frame["parent"][0])


def test_times_may_be_seconds():
    frame = typed([{"session_id": "s", "created_at": 1_700_000_000}, {"session_id": "t"}], SCHEMAS["sessions"])
    assert frame["created_at"][0] == pd.Timestamp(1_700_000_000, unit="s", tz="UTC")
    assert pd.isna(frame["created_at"][1])


@pytest.mark.parametrize(
    ("make", "some"),
    [
        (facts_frame, [REVENUE]),
        (spans_frame, [{"name": "run", "start": 0.0, "end": 1.0, "status": "completed"}]),
        (SESSIONS, [{"session_id": "s", "turns": 2, "symbols": ["A"], "created_at": 5, "updated_at": None}]),
    ],
)
def test_an_empty_frame_has_the_same_columns_and_types(make, some):
    full, empty = make(some), make([])
    assert len(empty) == 0
    assert empty.dtypes.to_dict() == full.dtypes.to_dict()
    assert len(pd.concat([empty, full])) == 1


def test_types_are_the_documented_ones():
    types = facts_frame([]).dtypes
    assert str(types["value"]) == "Float64"
    assert str(types["symbol"]).startswith("str")
    assert str(types["as_of"]).startswith("datetime64")


# ------------------------------------------------------------------------------------------- what is seen


@pytest.fixture(scope="module")
def workflow():
    return FinancialAssistantWorkflow(db=None)


@pytest.mark.parametrize(
    ("question", "rows", "columns"),
    [
        ("What was Apple's net margin in FY2023?", ["AAPL"], ["net_margin", "period", "company"]),
        ("Apple's revenue in FY2024 and FY2025", ["FY2024", "FY2025"], ["revenue"]),
        ("How fast did Apple's revenue grow in FY2024?", ["FY2023", "FY2024"], ["revenue", "growth of revenue"]),
        ("Net margin of Apple and Boeing in FY2023 and FY2024", ["FY2023", "FY2024"], ["AAPL", "BA"]),
        ("Revenue and net income of Apple and Boeing in FY2023 and FY2024",
         [("AAPL", "FY2023"), ("AAPL", "FY2024"), ("BA", "FY2023"), ("BA", "FY2024")], ["revenue", "net_income"]),
        ("Revenue and net income of Boeing and Apple", ["BA", "AAPL"], ["revenue", "net_income", "period", "company"]),
        ("What sector is Nike in?", ["NKE"], ["sector", "period", "company"]),
        ("Compare Apple and Boeing", None, ["AAPL", "BA"]),
        ("Apple's income statement", None, [f"FY{year}" for year in range(2021, 2026)]),
        ("DuPont of Walmart", range(4), ["symbol", "field", "period", "value", "unit", "source"]),
        ("What is EBITDA?", [], []),
    ],
)  # fmt: skip
def test_the_result_is_the_table_one_wanted(workflow, question, rows, columns):
    table = workflow.run(question).result
    assert table.columns.tolist() == columns
    assert rows is None or table.index.tolist() == list(rows)
    assert rows is not None or "revenue" in table.index


def test_a_table_shows_words_and_holds_numbers(workflow):
    table = workflow.run("Revenue and interest expense of Apple in FY2023, FY2024 and FY2025").result
    for shown in (repr(table), table._repr_html_(), table.tail(2)._repr_html_(), repr(table[::-1])):
        assert "USD 391.0 billion" in shown.replace("\N{NO-BREAK SPACE}", " ")
    assert table["revenue"].tolist() == [383285e6, 391035e6, 416161e6]
    assert table["interest_expense"].isna().tolist() == [False, True, True]
    assert "391.035" in repr(table / 1e9), "what is computed is shown as it is"
    table.loc["FY2024", "revenue"] = 5.0
    assert "391.0" not in repr(table)


def test_a_frame_of_figures_begins_with_figures_and_ends_with_texts(workflow):
    frame = workflow.run("Tell me about Apple").to_frame()
    assert frame.columns.tolist() == ["symbol", "field", "period", "value", "unit", "source"]
    assert frame["value"].iloc[0] == 416161e6
    assert "Apple\N{NO-BREAK SPACE}Inc." in frame[frame["field"] == "name"]._repr_html_()
    assert f"{len(frame)} rows × 6 columns" in frame._repr_html_()


def test_itables_makes_tables_of_numbers_that_sort_by_value(workflow, capsys):
    itables = pytest.importorskip("itables")
    table = workflow.run("Revenue of Apple and Boeing").result
    itables.init_notebook_mode(all_interactive=True, connected=True)
    try:
        html = table._repr_html_()
    finally:
        itables.init_notebook_mode(all_interactive=False)
    assert "itables" in html
    assert "billion" not in html
    assert "billion" in table._repr_html_()


# ------------------------------------------------------------------------------------------------ schemas


def test_a_column_holds_the_same_kind_of_value_in_every_frame():
    kinds: dict[str, str] = {}
    for schema in SCHEMAS.values():
        for name, column in schema.items():
            assert kinds.setdefault(name, column.kind) == column.kind, f"{name}: files are read by names of columns"


@pytest.mark.parametrize("name", sorted(SCHEMAS))
def test_every_column_is_documented(name):
    table = describe(name)
    assert table["meaning"].str.len().gt(3).all()
    frame = typed([], SCHEMAS[name])
    assert frame.dtypes.astype(str).to_dict() == table["dtype"].to_dict()
    if name in ("facts", "spans", "history", "batch", "batch_facts"):
        assert all(column.unit for column in SCHEMAS[name].values() if column.kind in ("number", "decimal"))


def test_an_unknown_frame_is_said():
    with pytest.raises(KeyError, match="It is one of: metrics, facts"):
        describe("nonsense")


# ------------------------------------------------------------------------------------------------ pivots


def figure(symbol="ACME", field="revenue", year=2025, value="1", **more):
    period_end = date(year, 12, 31)
    given = {"unit": "USD", "period": f"FY{year}", "period_end": period_end, "source": f"10-K of {year}", **more}
    return Fact(
        symbol=symbol, field=field, value=None if value is None else Decimal(value), statement="income", **given
    )


TALL = facts_frame(
    [
        figure("ZEN", year=2025, value="7"),
        figure("ZEN", year=2024, value="6"),
        figure("ZEN", "net_income", year=2024, value="2"),
        figure("ACME", year=2024, value="5.10"),
        figure("ACME", year=2023, value=None, status="missing", unit="", note="gone"),
        figure("ACME", "price", value="3", unit="USD/share", period="2026-01-02", period_end=date(2026, 1, 2)),
        Fact(symbol="ACME", field="sector", statement="profile", text="Tools", period=""),
    ]
)


def test_years_are_columns_and_units_are_kept():
    table = by_year(TALL)
    assert table.columns.tolist() == ["FY2023", "FY2024", "FY2025"]
    assert table.index.names == ["symbol", "field", "unit"]
    assert table.index.tolist() == [("ZEN", "revenue", "USD"), ("ZEN", "net_income", "USD"), ("ACME", "revenue", "USD")]
    assert table.loc[("ACME", "revenue", "USD")].isna().tolist() == [True, False, True]
    assert table["FY2025"].dtype == "Float64"


def test_the_source_of_a_cell_is_at_its_place():
    table, sources, exact = by_year(TALL), by_year(TALL, show="source"), by_year(TALL, show="exact")
    assert sources.shape == table.shape == exact.shape
    assert sources.loc[("ACME", "revenue", "USD"), "FY2024"] == "10-K of 2024"
    assert str(exact.loc[("ACME", "revenue", "USD"), "FY2024"]) == "5.10"


def test_companies_are_columns_and_never_of_mixed_years():
    table = by_company(TALL)
    assert table.columns.tolist() == ["ZEN", "ACME"]
    assert table.loc[("revenue", "USD")].tolist() == [7.0, 5.1]
    assert by_company(TALL, show="period").loc[("revenue", "USD")].tolist() == ["FY2025", "FY2024"]
    assert ("net_income", "USD") not in table.index, "2024 is not the latest year of its company"
    assert table.loc[("price", "USD/share"), "ACME"] == 3.0
    assert by_company(TALL, "revenue", period="FY2024").loc[("revenue", "USD")].tolist() == [6.0, 5.1]


def test_currencies_are_in_rows_of_their_own():
    euro = facts_frame([figure("ZEN"), figure("ACME", unit="EUR")])
    assert by_company(euro).index.tolist() == [("revenue", "USD"), ("revenue", "EUR")]


def test_the_same_figure_twice_is_one_cell():
    twice = pd.concat([facts_frame([figure(value="1")]), facts_frame([figure(value="2")])])
    assert by_year(twice).to_numpy().tolist() == [[2.0]]
    assert by_company(twice).to_numpy().tolist() == [[2.0]]


def test_pivots_of_nothing_are_empty():
    assert by_year(facts_frame([])).empty
    assert by_company(facts_frame([])).empty


def test_pivots_say_what_is_not_there():
    with pytest.raises(KeyError, match="called ebitda"):
        by_year(TALL, "ebitda")
    with pytest.raises(KeyError, match="FY1999"):
        by_company(TALL, period="FY1999")
    with pytest.raises(KeyError, match="no frame of facts"):
        by_year(spans_frame([]))
