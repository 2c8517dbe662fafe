"""The builder of the embedded data: its laws, what it fills, and sentences that name file, column and row."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from tests.tools import embedded_derived, embedded_laws, embedded_repairs
from tests.tools.build_embedded import BuildError, build


def rows(*given: tuple[str, str, int, float], part: str = "FY", **more: object) -> pd.DataFrame:
    base = {
        "fiscal_period": part,
        "first_filed": None,
        "filed": None,
        "form": "10-K",
        "first_value": float("nan"),
        "unit": "USD",
        "tag": "",
        "accession": "",
        "quality": "agreed",
        "note": "",
        "formula": "",
        "inputs": "",
    }
    days = {year: pd.Timestamp(year, 12, 31).date() for _, _, year, _ in given}
    return pd.DataFrame(
        [
            {
                **base,
                "symbol": symbol,
                "field": field,
                "fiscal_year": year,
                "value": value,
                "period_end": days[year],
                **more,
            }
            for symbol, field, year, value in given
        ]
    )


LINES = (
    "revenue",
    "net_income",
    "total_assets",
    "dividends_per_share",
    "shares_diluted",
    "dividends_paid",
    "eps_diluted",
)


def company(
    symbol: str = "ACME", year: int = 2024, scale: float = 1, **changed: float
) -> list[tuple[str, str, int, float]]:
    usual = {
        "revenue": 1e9,
        "net_income": 2e8,
        "total_assets": 3e9,
        "dividends_per_share": 1.0,
        "shares_diluted": 1e8,
        "dividends_paid": 1e8,
        "eps_diluted": 2.0,
    } | changed
    return [
        (symbol, field, year, usual[field] * (scale if field in ("revenue", "total_assets") else 1)) for field in LINES
    ]


COMPANIES = pd.DataFrame({"symbol": ["ACME", "OTHER"], "primary": ["ACME", "OTHER"]})
NO_SUSPECTS = pd.DataFrame(columns=["table", "verdict", "symbol", "field", "period", "why", "right_value"])


def test_a_law_refuses_a_contract_line_and_a_negative_payment() -> None:
    table, said = embedded_laws.annual(rows(*company(revenue=5e7), ("ACME", "capex", 2024, -3.0)), COMPANIES)
    assert not set(table.field) & {"revenue", "capex"}
    assert any("one contract line only" in line for line in said)
    assert any("ACME capex FY 2024 = -3: cannot be negative" in line for line in said)


def test_a_quarter_s_dividend_rate_is_refused_and_another_difference_doubted() -> None:
    quarters = [line for y in (2022, 2023, 2024) for line in company(year=y, dividends_per_share=0.25)]
    table, said = embedded_laws.annual(rows(*quarters), COMPANIES)
    assert "dividends_per_share" not in set(table.field)
    assert sum("one quarter's rate" in line for line in said) == 3
    table, _ = embedded_laws.annual(rows(*company(dividends_per_share=1.4)), COMPANIES)
    assert table.set_index("field").quality["dividends_per_share"] == "doubtful"


def test_a_year_far_from_its_neighbours_is_refused_from_a_single_source() -> None:
    years = [line for y, scale in ((2022, 1), (2023, 4), (2024, 1.1)) for line in company(year=y, scale=scale)]
    table, _ = embedded_laws.annual(rows(*years), COMPANIES)
    assert table[(table.field == "revenue") & (table.fiscal_year == 2023)].quality.tolist() == ["doubtful"]
    table, said = embedded_laws.annual(rows(*years, quality="single source"), COMPANIES)
    assert table[(table.field == "revenue") & (table.fiscal_year == 2023)].empty
    assert any("far from the years before and after" in line for line in said)


def test_quarters_that_miss_their_year_say_so() -> None:
    year = rows(("ACME", "revenue", 2024, 100.0))
    parts = [
        rows(("ACME", "revenue", 2024, value), part=f"Q{n}") for n, value in enumerate((20.0, 25.0, 25.0, 20.0), 1)
    ]
    table, _ = embedded_laws.quarterly(pd.concat(parts, ignore_index=True), year)
    assert all("do not add up" in note for note in table.note)


def test_a_line_that_is_another_one_is_left_out_of_quarters_too() -> None:
    row = {"symbol": "DIS", "fiscal_year": 2025, "period_end": "2025-03-29", "value": 1e9, "quality": "agreed"}
    table = pd.DataFrame(
        [
            row | {"field": field, "fiscal_period": part}
            for field in ("operating_income", "revenue")
            for part in ("Q1", "Q2")
        ]
    )
    kept, said = embedded_repairs.quarterly(table.assign(tag="", note=""), NO_SUSPECTS)
    assert set(kept.field) == {"revenue"}
    assert said == ["left out: DIS operating_income (2 periods): total segment operating income, no GAAP subtotal"]


def test_a_quarter_on_another_basis_says_so() -> None:
    tag = "NetCashProvidedByUsedInOperatingActivitiesContinuingOperations"
    row = {"symbol": "RTX", "field": "operating_cash_flow", "fiscal_year": 2025, "period_end": "2025-03-29"}
    usual = "NetCashProvidedByUsedInOperatingActivities"
    rows = [row | {"fiscal_period": part, "tag": each} for part, each in (("Q1", usual), ("Q2", tag))]
    kept, _ = embedded_repairs.quarterly(pd.DataFrame(rows).assign(quality="agreed", note="seen"), NO_SUSPECTS)
    assert list(kept.note) == ["seen", "seen; of continuing operations only"]


def test_two_companies_with_the_same_figures_stop_the_build() -> None:
    table = rows(
        *company(),
        *company("OTHER"),
        ("ACME", "operating_cash_flow", 2024, 5e8),
        ("OTHER", "operating_cash_flow", 2024, 5e8),
    )
    broken = embedded_laws.must_hold(table, table.head(0), COMPANIES)
    assert broken == ["ACME and OTHER share 4 figures"]
    negative = rows(("ACME", "shares_diluted", 2024, -5.0), unit="shares")
    assert embedded_laws.must_hold(negative, table.head(0), COMPANIES) == [
        "annual: ACME shares_diluted of 2024 is -5 shares"
    ]


def test_shares_that_no_split_explains_want_a_look_and_stop_the_build_when_they_are_many() -> None:
    def found(scale: float) -> tuple[list[str], list[str]]:
        table = rows(*company(year=2023), *company(year=2024, shares_diluted=scale * 1e8))
        return embedded_laws.shares(table), embedded_laws.must_hold(table, table.head(0), COMPANIES)

    jump = "ACME has {} times the diluted shares in FY2024 of the year before, and no split says why"
    assert found(1.3) == ([], [])
    assert found(2) == ([jump.format("2")], [])
    assert found(0.1) == ([jump.format("0.1")], [jump.format("0.1")])


def test_closes_on_two_bases_of_splits_stop_the_build() -> None:
    days = [pd.Timestamp(2024, month, 28) for month in (1, 2)]
    daily = pd.DataFrame({"ACME": [50.0, 51.0], "OTHER": [7.0, 7.1]}, index=days)
    monthly = pd.DataFrame(
        {"symbol": ["ACME", "ACME", "OTHER"], "date": [days[0].date(), days[1].date(), days[1].date()]}
    ).assign(close=[100.0, 51.0, 7.1])
    assert embedded_laws.closes(monthly, daily) == [
        "ACME: the month-end and the daily close part on 1 days, last on 2024-01-28"
    ]


def test_a_tag_on_another_basis_is_noted() -> None:
    debt = rows(("ACME", "long_term_debt", 2023, 5.0), tag="LongTermDebtAndCapitalLeaseObligations")
    plain = rows(("ACME", "long_term_debt", 2024, 5.0), tag="LongTermDebtNoncurrent")
    truth = pd.DataFrame(columns=["symbol", "field", "period", "value"])
    table, _ = embedded_repairs.annual(pd.concat([debt, plain], ignore_index=True), NO_SUSPECTS, truth)
    notes = dict(zip(table.fiscal_year, table.note, strict=True))
    assert notes == {2023: "includes finance (capital) leases", 2024: ""}


def test_an_identity_fills_only_where_it_always_held() -> None:
    known = [
        ("ACME", f, y, v)
        for y in (2022, 2023)
        for f, v in (("total_assets", 10.0), ("equity", 4.0), ("total_liabilities", 6.0))
    ]
    open_ = [("ACME", "total_assets", 2024, 12.0), ("ACME", "equity", 2024, 5.0)]
    filled, _, _ = embedded_derived.fill(rows(*known, *open_), rows().reindex(columns=rows(*known).columns))
    made = filled[(filled.field == "total_liabilities") & (filled.fiscal_year == 2024)].iloc[0]
    assert (made.value, made.quality, made.formula, made.inputs) == (
        7.0,
        "computed",
        "total_assets - equity",
        "total_assets equity",
    )
    minority = ("ACME", "noncontrolling_interest", 2021, 1.0)
    filled, _, _ = embedded_derived.fill(rows(*known, *open_, minority), rows().reindex(columns=rows(*known).columns))
    assert filled[(filled.field == "total_liabilities") & (filled.fiscal_year == 2024)].empty


def test_a_year_without_a_dividend_is_known_from_the_adjusted_closes() -> None:
    days = [day.date() for day in pd.date_range("2022-12-31", "2024-12-31", freq="ME")]
    ratio = [0.99] * 12 + [1.0] * 13
    monthly = pd.DataFrame(
        {"symbol": "ACME", "date": days, "close": 100.0, "adj_close": [100 * each for each in ratio]}
    )
    years = rows(("ACME", "revenue", 2023, 1.0), ("ACME", "revenue", 2024, 1.0))
    none = pd.DataFrame({"symbol": [], "ex_date": [], "amount": []})
    table, _ = embedded_derived.none_paid(years, monthly, none)
    found = table[table.quality == "none paid"]
    assert set(zip(found.field, found.fiscal_year, strict=True)) == {
        ("dividends_paid", 2024),
        ("dividends_per_share", 2024),
    }
    paid = pd.DataFrame({"symbol": ["ACME"], "ex_date": ["2024-03-01"], "amount": [0.001]})
    table, _ = embedded_derived.none_paid(years, monthly, paid)
    assert "none paid" not in set(table.quality)


def test_an_industry_follows_from_the_gics_sub_industry() -> None:
    given = ("Regional Banks", "Property & Casualty Insurance", "Retail REITs", "Insurance Brokers", "Semiconductors")
    assert [embedded_repairs.industry(each, "") for each in given] == ["bank", "insurer", "reit", "", ""]


# Bad input

FACTS = pd.DataFrame(
    {
        "symbol": ["ACME"],
        "field": ["revenue"],
        "fiscal_year": [2024],
        "fiscal_period": ["FY"],
        "period_end": ["2024-12-31"],
        "value": [1.0],
        "unit": ["USD"],
        "check": ["agree2"],
    }
)


def source(folder: Path, **changed: object) -> Path:
    for name in ("annual", "quarterly"):
        table = changed.get(name, FACTS)
        if isinstance(table, bytes):
            (folder / f"{name}.parquet").write_bytes(table)
        else:
            table.to_parquet(folder / f"{name}.parquet")  # type: ignore[attr-defined]
    text = "symbol,name,cik,exchange,sector,sub_industry,sic_description,headquarters,fiscal_year_end,"
    text += "in_sp500,shares_outstanding,shares_as_of\nACME,Acme,1,NYSE,,,,,1231,1,5,\n"
    (folder / "companies.csv").write_text(str(changed.get("companies", text)))
    return folder


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"annual": b"PAR1 cut"}, r"annual\.parquet cannot be read as Parquet"),
        ({"annual": FACTS.drop(columns="unit")}, r"annual\.parquet lacks the columns unit"),
        ({"annual": FACTS.assign(value=["a lot"])}, r"annual\.parquet, row 0, column value: 'a lot' is no number"),
        ({"companies": "symbol,name\nACME,Acme\n"}, r"companies\.csv lacks the column cik"),
        (
            {"companies": "symbol,name,cik,sector,sub_industry,shares_outstanding\nACME,Acme,1,,,-5\n"},
            r"companies\.csv, row 2, column shares_outstanding: -5 is no positive number",
        ),
        ({}, r"suspects\.csv cannot be read \(FileNotFoundError\)"),
    ],
)
def test_bad_input_is_named_and_nothing_is_written(tmp_path: Path, changed: dict[str, object], said: str) -> None:
    out = tmp_path / "out"
    with pytest.raises(BuildError, match=said):
        build(source(tmp_path, **changed), out)
    assert not out.exists()
