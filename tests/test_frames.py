"""DataFrames: tidy, exact, and of the same shape with and without rows."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from types import SimpleNamespace

import pandas as pd
import pytest

from finassist.facts import Fact
from finassist.frames import events_frame, facts_frame, sessions_frame, spans_frame

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


def test_events_are_short_and_dated():
    data = {"event": "RunContent", "run_id": "r", "created_at": 1_700_000_000, "content": "x" * 5000}
    bare = SimpleNamespace(to_dict=lambda: {"event": "Routed"})
    frame = events_frame([SimpleNamespace(to_dict=lambda: data), bare])
    assert frame["created_at"][0] == pd.Timestamp(1_700_000_000, unit="s", tz="UTC")
    assert len(frame["content"][0]) <= 200
    assert pd.isna(frame["created_at"][1])


@pytest.mark.parametrize(
    ("make", "some"),
    [
        (facts_frame, [REVENUE]),
        (spans_frame, [{"name": "run", "start": 0.0, "end": 1.0, "status": "completed"}]),
        (events_frame, [SimpleNamespace(to_dict=lambda: {"event": "Routed", "created_at": 5})]),
        (sessions_frame, [{"session_id": "s", "turns": 2, "symbols": ["A"], "created_at": 5, "updated_at": None}]),
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
