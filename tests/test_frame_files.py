"""Frames as files: what is written is read back, with every digit and every type; and a spreadsheet runs nothing."""

from __future__ import annotations

import re
from datetime import date
from decimal import Decimal
from pathlib import Path

import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from finassist.core.errors import MissingExtra
from finassist.core.facts import Fact
from finassist.reporting.files import read_frame, write_frame
from finassist.reporting.frames import SCHEMAS, facts_frame, typed

FORMS = (".parquet", ".csv", ".xlsx")

# What a cell of a spreadsheet can hold: no control characters, no lone surrogates, and nothing empty.
CELL = st.text(st.characters(exclude_categories=("C", "Z"), include_characters=" \n=+-@;'\""), min_size=1, max_size=20)
CELL = CELL.filter(lambda text: not re.search(r"(^|[\n;])\s*'", text) and text.isprintable() | ("\n" in text))
ANY_TEXT = st.text(st.characters(exclude_categories=("Cs",)), max_size=20)
DIGITS = st.decimals(allow_nan=False, allow_infinity=False, min_value=Decimal("-1e30"), max_value=Decimal("1e30"))
DAYS = st.dates(min_value=date(1800, 1, 1), max_value=date(2200, 12, 31))


def facts(text: st.SearchStrategy[str]) -> st.SearchStrategy[Fact]:
    names = st.sampled_from(["revenue", "price", "made_up"])
    states = st.sampled_from(["reported", "derived", "missing", "not_meaningful", "error"])
    optional = st.none() | text
    return st.builds(
        Fact, symbol=text, field=names, value=st.none() | DIGITS, unit=st.just("") | text, currency=optional,
        period=st.just("") | text, period_end=st.none() | DAYS, as_of=st.none() | DAYS, source=st.just("") | text,
        statement=st.just("income"), status=states, filing=optional, concept=optional, formula=optional,
        inputs=st.lists(text, max_size=3).map(tuple), note=optional, text=optional,
    )  # fmt: skip


def there_and_back(frame: pd.DataFrame, path: Path) -> pd.DataFrame:
    return read_frame(write_frame(frame, path))


def same(left: pd.DataFrame, right: pd.DataFrame) -> None:
    pd.testing.assert_frame_equal(right, left, check_exact=True)
    for name in set(left.columns) & {"exact", "inputs", "symbols"}:
        assert left[name].tolist() == right[name].tolist()
        assert [str(value) for value in left[name]] == [str(value) for value in right[name]], "also their digits"


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(rows=st.lists(facts(CELL), max_size=3), form=st.sampled_from(FORMS))
def test_figures_come_back_from_every_form(rows: list[Fact], form: str, tmp_path: Path) -> None:
    frame = facts_frame(rows)
    same(there_and_back(frame, tmp_path / f"facts{form}"), frame)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(rows=st.lists(facts(ANY_TEXT), max_size=4))
def test_parquet_keeps_any_text(rows: list[Fact], tmp_path: Path) -> None:
    frame = facts_frame(rows)
    same(there_and_back(frame, tmp_path / "facts.parquet"), frame)


HISTORY = [
    {
        "session_id": "s", "run_id": "r", "question": "=HYPERLINK(1)", "category": "chat", "symbols": ["A", "BRK-B"],
        "status": "COMPLETED", "started": 1_700_000_000, "latency": 0.25, "tokens_in": 5, "tokens_out": 7,
        "cost": 0.001, "saved": True, "models": "chat: offline", "decided_by": "rules", "gaps": 0,
    },
    {"session_id": "s", "run_id": "q", "symbols": [], "status": "CANCELLED", "saved": False},
]  # fmt: skip


@pytest.mark.parametrize("form", FORMS)
def test_histories_and_sessions_come_back(form: str, tmp_path: Path) -> None:
    sessions = typed([{"session_id": "x", "symbols": ["A"], "created_at": 5}], SCHEMAS["sessions"])
    for frame in (typed(HISTORY, SCHEMAS["history"]), sessions):
        same(there_and_back(frame, tmp_path / f"frame{form}"), frame)


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("name", sorted(SCHEMAS))
def test_an_empty_frame_keeps_its_types(form: str, name: str, tmp_path: Path) -> None:
    frame = typed([], SCHEMAS[name])
    same(there_and_back(frame, tmp_path / f"empty{form}"), frame)


@pytest.mark.parametrize("form", FORMS)
def test_columns_of_ones_own_stay(form: str, tmp_path: Path) -> None:
    frame = facts_frame([Fact(symbol="A", field="revenue", statement="income", value=Decimal(3))])
    frame = frame.assign(mine=[1.5], word=["-x"])
    back = there_and_back(frame, tmp_path / f"own{form}")
    assert (back["mine"].item(), back["word"].item()) == (1.5, "-x")


def test_files_that_pandas_wrote_by_itself_are_read_too(tmp_path: Path) -> None:
    figure = Fact(symbol="A", field="revenue", statement="income", value=Decimal("1.10"), inputs=("A/x/FY1", "A/y/FY1"))
    frame = facts_frame([figure, Fact(symbol="B", field="made_up", statement="income", status="missing")])
    frame.to_parquet(tmp_path / "plain.parquet")
    frame.to_csv(tmp_path / "plain.csv", index=False)
    frame.to_excel(tmp_path / "plain.xlsx", index=False)
    for form in FORMS:
        back = read_frame(tmp_path / f"plain{form}")
        assert back.drop(columns=["exact"]).equals(frame.drop(columns=["exact"])), form
        assert back["exact"].tolist() == [Decimal("1.10"), None]


def test_pandas_reads_what_was_written_here(tmp_path: Path) -> None:
    frame = facts_frame([Fact(symbol="A", field="revenue", statement="income", value=Decimal("1.10"))])
    assert pd.read_parquet(write_frame(frame, tmp_path / "facts.parquet"))["exact"].tolist() == ["1.10"]


def test_a_spreadsheet_finds_no_formula(tmp_path: Path) -> None:
    from openpyxl import load_workbook

    evil = ["=1+1", "+1+1", "-1+1", "@SUM(1)", '=cmd|"/C calc"!A0', "\t=1"]
    frame = facts_frame([Fact(symbol=text, field="revenue", statement="income", note=text) for text in evil])
    sheet = load_workbook(write_frame(frame, tmp_path / "evil.xlsx")).worksheets[0]
    assert {cell.data_type for row in sheet.iter_rows() for cell in row} <= {"s", "inlineStr", "n"}
    text = write_frame(frame, tmp_path / "evil.csv").read_text("utf-8-sig")
    assert not re.search(r'(^|,)"?[=+@\-]', text, re.MULTILINE)


def test_a_text_that_does_not_fit_a_cell_is_cut_with_a_warning(tmp_path: Path) -> None:
    frame = facts_frame([Fact(symbol="A", field="revenue", statement="income", note="x" * 40_000)])
    with pytest.warns(UserWarning, match="too long, truncated"):
        write_frame(frame, tmp_path / "long.xlsx")
    assert len(there_and_back(frame, tmp_path / "long.csv")["note"].item()) == 40_000


def test_a_file_that_was_changed_is_said(tmp_path: Path) -> None:
    path = tmp_path / "facts.csv"
    path.write_text("symbol,exact\nA,many\n")
    with pytest.raises(ValueError, match=r"'exact' holds something that is no decimal"):
        read_frame(path)


def test_the_name_says_the_form(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"must end in \.parquet, \.csv, \.xlsx"):
        write_frame(facts_frame([]), tmp_path / "facts.doc")
    with pytest.raises(FileNotFoundError):
        read_frame(tmp_path / "absent.csv")


@pytest.mark.parametrize(("form", "package"), [(".parquet", "pyarrow"), (".xlsx", "openpyxl")])
def test_a_package_that_is_missing_is_named(form: str, package: str, tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, package, None)
    for use in (lambda: write_frame(facts_frame([]), tmp_path / f"a{form}"), lambda: read_frame(tmp_path / f"a{form}")):
        with pytest.raises(MissingExtra, match=rf"{package}.*finassist\[export\]"):
            use()


def test_a_write_that_fails_leaves_the_old_file(tmp_path: Path, monkeypatch) -> None:
    path = write_frame(typed(HISTORY, SCHEMAS["history"]), tmp_path / "history.csv")
    before = path.read_bytes()

    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "write_text", full)
    with pytest.raises(OSError, match="No space left"):
        write_frame(typed([], SCHEMAS["history"]), path)
    assert path.read_bytes() == before
    assert [each.name for each in tmp_path.iterdir()] == ["history.csv"]
