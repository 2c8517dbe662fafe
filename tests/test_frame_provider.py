"""`FrameProvider`: figures of one's own under a ticker of one's own; bad tables are named by file, column and row."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import pandas as pd
import pytest

from finassist import FinancialAssistantWorkflow, FrameProvider
from finassist.core.errors import BadPayload, ConfigurationError, MissingColumn, UnknownSymbol

TABLE = """\
symbol,name,year,period_end,revenue,cost_of_revenue,net_income,eps_diluted
LEMON,Lemonade Stand Ltd.,2023,2023-12-31,812000,395000,96000,1.92
LEMON,Lemonade Stand Ltd.,2024,2024-12-31,905000,441000,,2.21
LEMON,Lemonade Stand Ltd.,2025,2025-12-31,"1,010,000",498000,131000,2.62
"""
PRICES = "symbol,date,close\nLEMON,2026-01-02,3.09\nLEMON,2026-01-05,3.12\n"


def written(folder: Path, text: str, name: str = "ledger.csv") -> Path:
    path = folder / name
    path.write_text(text)
    return path


def test_a_ticker_of_ones_own_is_asked_about_by_its_name(tmp_path: Path) -> None:
    provider = FrameProvider([written(tmp_path, TABLE), written(tmp_path, PRICES, "prices.csv")])
    workflow = FinancialAssistantWorkflow(db=None, model="offline", provider=provider)
    answer = workflow.run("What was the revenue of $LEMON in FY2025?", live=False)
    assert answer.content.startswith("Lemonade Stand's revenue was USD 1.01 million in FY2025")
    [revenue] = [fact for fact in answer.facts if fact.key == "LEMON/revenue/FY2025"]
    assert (revenue.value, revenue.source) == (Decimal(1010000), "ledger.csv")
    assert "3.12" in workflow.run("What is the price of $LEMON?", live=False).content
    report = workflow.run("Tell me about $LEMON", live=False).content
    assert "Lemonade Stand Ltd." in report
    assert "not in the data" in report


def test_a_frame_with_names_of_other_sources_and_quarters_is_read() -> None:
    frame = pd.DataFrame({"Ticker": ["LEMON"] * 2, "Period": ["Q1 2026", "FY2025"], "Total Revenue": [10, 40],
                          "periodEnd": pd.to_datetime(["2026-03-31", "2025-12-31"])})  # fmt: skip
    provider = FrameProvider(frame, currency="EUR")
    [quarter] = provider.get_financials("LEMON", period="quarterly")
    assert (quarter.items, quarter.currency, quarter.report_period) == ({"revenue": 10}, "EUR", "2026-03-31")
    with pytest.raises(UnknownSymbol, match="It has LEMON"):
        provider.get_financials("MELON")


@pytest.mark.parametrize(
    ("text", "error", "said"),
    [
        ("year,revenue\n2025,1\n", MissingColumn, "ledger.csv has no column “symbol”"),
        ("symbol,revenue\nLEMON,1\n", MissingColumn, "no column “period”"),
        ("symbol,year,sweetness\nLEMON,2025,1\n", MissingColumn, "no column of figures"),
        (
            "symbol,year,revenue\nLEMON,2024,1\nLEMON,2025,a lot\n",
            BadPayload,
            "row 3, column “revenue”: 'a lot' is no number",
        ),
        ("symbol,year,Shares Diluted\nLEMON,2025,-5\n", BadPayload, "row 2, column “Shares Diluted”: '-5' is negative"),
        (
            "symbol,year,revenue\nLEMON,2025,1\nLEMON,2025,2\n",
            BadPayload,
            "rows 2 and 3: both hold revenue of LEMON for FY2025",
        ),
        ("symbol,period,revenue\nLEMON,spring,1\n", BadPayload, "row 2, column “period”: 'spring' is no period"),
        ("symbol,date,close\nLEMON,soon,1\n", BadPayload, "row 2, column “date”: 'soon' is no day"),
        (
            "symbol,year,revenue,Total Revenue\nLEMON,2025,1,1\n",
            BadPayload,
            "“revenue” and “Total Revenue” both hold revenue",
        ),
        ("", BadPayload, "ledger.csv cannot be read"),
        ("symbol;year;revenue\nLEMON;2025;1\n", MissingColumn, "It has “symbol;year;revenue”"),
        (
            "symbol,year,revenue,revnue\nLEMON,2025,1,2\n",
            MissingColumn,
            "“revnue” is no known column. Did you mean “revenue”",
        ),
        ("symbol,year,revenue,revenue\nLEMON,2025,1,2\n", BadPayload, "“revenue” and “revenue” both hold revenue"),
        ("symbol,year,revenue\n\nLEMON,2025,1,7\n", BadPayload, "Expected 3 fields in line 3, saw 4"),
        ("symbol,year,revenue\n", BadPayload, "holds no figure"),
        ("symbol,year,revenue\n\n,2025,1\n", BadPayload, "row 3, column “symbol”: an empty cell is no ticker"),
        ("symbol,year,revenue\nA stand,2025,1\n", BadPayload, "row 2, column “symbol”: 'A stand' is no ticker"),
        ("symbol,year,currency,revenue\nLEMON,2025,dollars,1\n", BadPayload, "“currency”: 'dollars' is no currency"),
        ("symbol,year,filed,revenue\nLEMON,2025,soon,1\n", BadPayload, "row 2, column “filed”: 'soon' is no day"),
        ("symbol,year,filed,revenue\nLEMON,2025,2025-03-01,1\n", BadPayload, "before the period's end, 2025-12-31"),
        ("symbol,year,period_end,revenue\nLEMON,2025,1999-12-31,1\n", BadPayload, "'1999-12-31' is not in FY2025"),
        ("symbol,date,close\nLEMON,2026-01-02,-3\n", BadPayload, "row 2, column “close”: '-3' is not above zero"),
    ],
)
def test_a_bad_table_is_named_by_file_column_and_row(
    tmp_path: Path, text: str, error: type[Exception], said: str
) -> None:
    with pytest.raises(error) as caught:
        FrameProvider(written(tmp_path, text))
    assert said in str(caught.value)


def test_what_is_no_table_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="is no table"):
        FrameProvider(3)
    with pytest.raises(BadPayload, match=r"There is no file none\.csv"):
        FrameProvider(tmp_path / "none.csv")
    (tmp_path / "cut.parquet").write_bytes(b"PAR1")
    with pytest.raises(BadPayload, match=r"cut\.parquet cannot be read"):
        FrameProvider(tmp_path / "cut.parquet")


def test_cells_that_hold_no_single_value_are_named_and_empty_ones_are_none(tmp_path: Path) -> None:
    lists = pd.DataFrame({"symbol": ["LEMON"], "year": [2025], "revenue": [[1, 2]]})
    lists.to_parquet(tmp_path / "lists.parquet")
    with pytest.raises(BadPayload, match=r"lists\.parquet, row 2, column “revenue”: .* is no number"):
        FrameProvider(tmp_path / "lists.parquet")
    with pytest.raises(BadPayload, match="the DataFrame, row 1, column “date”: an empty cell is no day"):
        FrameProvider(pd.DataFrame({"symbol": ["LEMON"], "date": [pd.NaT], "close": [3]}))
    gaps = pd.DataFrame({"symbol": ["LEMON"] * 2, "year": [2024, 2025], "revenue": pd.array([1, None], dtype="Int64")})
    assert [statement.fiscal_period for statement in FrameProvider(gaps).get_financials("LEMON")] == ["FY2024"]
