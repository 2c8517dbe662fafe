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
        ("symbol,date,open,close\nLEMON,2026-01-02,0,3\n", BadPayload, "row 2, column “open”: '0' is not above zero"),
        ("symbol,date,close,price\nLEMON,2026-01-02,3,3\n", BadPayload, "“close” and “price” both hold price"),
        (
            "symbol,name,year,period_end,revenue\nL,My stand,2025,2025-12-31,5\n",
            BadPayload,
            "L is the ticker of Loews Corp., and the table calls it My stand. Give it another symbol.",
        ),
        ("symbol,date,close\nLEMON,2999-01-02,3\n", BadPayload, "row 2: its period ends on 2999-01-02, which is still"),
        ("symbol,year,revenue\nLEMON,2099,3\n", BadPayload, "row 2: its period ends on 2099-12-31, which is still to"),
        ("symbol,year,close\nLEMON,2025,3\n", BadPayload, "row 2, column “close”: '3' is of no day"),
        ("symbol,year,period_end,revenue\nLEMON,2025,2024-12-31,1\n", BadPayload, "'2024-12-31' is not in FY2025"),
        (
            "symbol,year,date,revenue\nLEMON,2024,2025-12-31,1\nLEMON,2025,2025-12-31,2\n",
            BadPayload,
            "row 3: FY2025 to 2025-12-31 contradicts another row",
        ),
        (
            "symbol,period_end,revenue\nLEMON,2025-03-31,1\nLEMON,2025-06-30,2\n",
            BadPayload,
            "or name quarters in a column “period”",
        ),
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


def test_figures_with_a_date_are_of_the_year_that_ends_then_and_prices_of_that_day(tmp_path: Path) -> None:
    text = "symbol,date,period,revenue,close\nLEMON,2024-09-28,FY2024,3.9e11,5\nLEMON,2025-09-27,,4E+11,6\n"
    provider = FrameProvider(written(tmp_path, text))
    workflow = FinancialAssistantWorkflow(db=None, model="offline", provider=provider)
    revenue = workflow.run("What was the revenue of $LEMON in FY2025?", live=False)
    assert "USD 400.0 billion in FY2025 (year ended 2025-09-27)" in revenue.content
    assert "USD 390.0 billion" in workflow.run("What was the revenue of $LEMON in FY2024?", live=False).content
    assert "USD 6.00 at the close on 2025-09-27" in workflow.run("What is the price of $LEMON?", live=False).content


def test_a_last_day_that_is_not_given_is_said_to_be_a_guess() -> None:
    frame = pd.DataFrame({"symbol": "LEMON", "period": ["FY2024", "2025Q1"], "revenue": [4, 1]})
    provider = FrameProvider(frame)
    [year], [quarter] = (provider.get_financials("LEMON", period=each) for each in ("annual", "quarterly"))
    assert (year.report_period, quarter.report_period) == ("2024-12-31", "2025-03-31")
    assert all("the table gives no last day" in " ".join(each.notes) for each in (year, quarter))


def test_an_empty_file_and_an_empty_list_are_said_to_be_so(tmp_path: Path) -> None:
    pd.DataFrame().to_excel(tmp_path / "none.xlsx")
    with pytest.raises(BadPayload, match=r"none\.xlsx cannot be read as \.xlsx \(it is empty\)"):
        FrameProvider(tmp_path / "none.xlsx")
    with pytest.raises(ConfigurationError, match="no table in the list"):
        FrameProvider([])


def test_companies_are_ranked_screened_and_added_up_in_one_currency() -> None:
    names = ["LEMX", "MELX", "NUTX"]
    frame = pd.DataFrame({"symbol": names, "year": 2025, "period_end": "2025-12-31", "revenue": [5e6, 9e8, 4e6],
                          "currency": ["USD", "JPY", "USD"]})  # fmt: skip
    workflow = FinancialAssistantWorkflow(db=None, model="offline", provider=FrameProvider(frame))
    for question, right in {
        "Which company had the highest revenue in FY2025?": "LEMX had the highest revenue",
        "Which companies had revenue above 4.5 million in FY2025?": "1 company had revenue above USD 4.50 million",
        "What was the average revenue of all companies in FY2025?": "2 companies in FY2025 was USD 4.50 million",
        "How many companies had revenue above 1 million in FY2025?": "2 companies had revenue above",
    }.items():
        answer = workflow.run(question, live=False)
        assert right in answer.content
        assert [gap.reason for gap in answer.gaps] == [
            "Amounts in USD are compared; left out are those in another currency: MELX."
        ]


@pytest.mark.parametrize(
    ("symbol", "name"), [("L", "Loews Corporation"), ("GOOG", "Google"), ("AAPL", ""), ("KO", "Coke")]
)
def test_a_listed_company_may_have_figures_of_ones_own(symbol: str, name: str) -> None:
    frame = pd.DataFrame({"symbol": [symbol], "name": [name], "year": [2025], "revenue": [5]})
    assert FrameProvider(frame).get_financials(symbol)[0].items == {"revenue": 5}
