"""Typed queries over known facts: every operation, every kind of period, ranks and screens, and gaps with reasons."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from finassist.analysis.calendar import Member
from finassist.analysis.cube import Cube
from finassist.analysis.execute import execute
from finassist.analysis.needs import needed
from finassist.analysis.outcome import Outcome
from finassist.core.facts import Fact, Gap
from finassist.core.filters import Filter
from finassist.core.query import Query
from finassist.reporting.headline import headline

MEMBERS = {
    "ACME": Member("ACME", "Acme Inc.", sector="Energy"),
    "ZEN": Member("ZEN", "Zen Corp.", sector="Utilities"),
    "BANK": Member("BANK", "Bank Co.", industry="bank", sector="Financials"),
}
FIGURES: dict[tuple[str, str], list[int]] = {  # fiscal years 2021 to 2024
    ("ACME", "revenue"): [100, 110, 121, 133],
    ("ACME", "net_income"): [-10, 11, 24, 30],
    ("ACME", "total_assets"): [500, 520, 540, 560],
    ("ZEN", "revenue"): [200, 190, 180, 400],
    ("ZEN", "net_income"): [20, 19, 18, 20],
    ("BANK", "revenue"): [50, 50, 50, 50],
}
QUARTERS = {"ACME": [30, 32, 34, 37], "ZEN": [100, 100, 100, 100]}
ENDS = {"ACME": (9, 30), "ZEN": (6, 30), "BANK": (12, 31)}


def fact(symbol: str, field: str, period: str, end: date, value: int, unit: str = "USD") -> Fact:
    statement: Any = {"total_assets": "balance_sheet", "price": "price"}.get(field, "income")
    return Fact(
        symbol=symbol, field=field, period=period, period_end=end, value=Decimal(value), unit=unit, currency="USD",
        statement=statement, status="reported", source="a filing",
    )  # fmt: skip


def facts() -> list[Fact]:
    found = [
        fact(symbol, field, f"FY{year}", date(year, *ENDS[symbol]), value)
        for (symbol, field), values in FIGURES.items()
        for year, value in enumerate(values, 2021)
    ]
    for symbol, values in QUARTERS.items():
        month = ENDS[symbol][0]
        for number, value in enumerate(values, 1):
            months = 2024 * 12 + month - 1 - 3 * (4 - number)
            end = date(months // 12, months % 12 + 1, 30)
            found.append(fact(symbol, "revenue", f"Q{number} 2024", end, value))
    for month, price in ((1, 10), (6, 15), (12, 12)):
        day = date(2024, month, 15)
        found.append(fact("ACME", "price", str(day), day, price, "USD/share"))
    return found


def run(**values: Any) -> Outcome:
    return execute(Query(**values), Cube(facts(), MEMBERS))


def figure(**values: Any) -> float:
    found = run(**values).figure
    assert found is not None
    assert found.value is not None
    return round(float(found.value), 4)


ONE = {"companies": ["ACME"], "metrics": ["revenue"]}
BOTH = {"companies": ["ACME", "ZEN"], "metrics": ["revenue"], "periods": ["FY2024"]}
SPAN = {**ONE, "periods": ["FY2021:FY2024"]}


@pytest.mark.parametrize(
    ("query", "value"),
    [
        (ONE, 133),
        ({**ONE, "periods": ["FY2022"]}, 110),
        ({**ONE, "periods": ["latest-1"]}, 121),
        ({**ONE, "periods": ["Q2 2024"]}, 32),
        ({**ONE, "periods": ["latest quarter"]}, 37),
        ({**ONE, "periods": ["H1 2024"]}, 62),
        ({**ONE, "periods": ["9M 2024"]}, 96),
        ({**ONE, "periods": ["TTM"]}, 133),
        ({**ONE, "periods": ["CQ3 2024"]}, 37),
        ({"companies": ["ACME"], "metrics": ["price"], "periods": ["2024-06-15"]}, 15),
        ({"companies": ["ACME"], "metrics": ["net_margin"], "periods": ["FY2024"]}, 0.2256),
        ({"companies": ["ACME"], "metrics": ["net_income / total_assets"], "periods": ["FY2024"]}, 0.0536),
        ({**ONE, "periods": ["FY2024"], "operation": "growth"}, 0.0992),
        ({**SPAN, "operation": "growth"}, 0.33),
        ({**SPAN, "operation": "cagr"}, 0.0997),
        ({**SPAN, "operation": "difference"}, 33),
        ({**SPAN, "operation": "times"}, 1.33),
        ({**SPAN, "operation": "sum"}, 464),
        ({**SPAN, "operation": "mean"}, 116),
        ({**SPAN, "operation": "max"}, 133),
        ({**SPAN, "operation": "min"}, 100),
        ({"companies": ["ACME"], "metrics": ["net_margin"], "periods": ["FY2023", "FY2024"], "operation": "growth"},
         0.0272),
        ({**BOTH, "operation": "sum"}, 533),
        ({**BOTH, "operation": "mean"}, 266.5),
        ({**BOTH, "operation": "difference"}, -267),
        ({**BOTH, "operation": "times"}, 0.3325),
        ({**BOTH, "operation": "share"}, 0.2495),
        ({**BOTH, "intent": "compare"}, 400),
    ],
)  # fmt: skip
def test_a_query_has_one_figure(query: dict[str, Any], value: float) -> None:
    assert figure(**query) == pytest.approx(value, abs=1e-4)


@pytest.mark.parametrize(
    ("query", "reason"),
    [
        ({"companies": ["ACME"], "metrics": ["total_assets"], "periods": ["FY2021:FY2024"], "operation": "sum"},
         "cannot be added up"),
        ({"companies": ["ACME"], "metrics": ["net_income"], "periods": ["FY2022"], "operation": "growth"},
         "was not positive in FY2021"),
        ({"companies": ["ACME"], "metrics": ["net_income"], "periods": ["FY2021:FY2024"], "operation": "cagr"},
         "positive figures at both ends"),
        ({**ONE, "periods": ["FY2031"]}, "FY2031"),
        ({**ONE, "periods": ["2024-04"]}, "by quarter and by year"),
        ({"companies": ["ZEN"], "metrics": ["total_assets"]}, "not in the data"),
        ({"companies": ["ACME"], "metrics": ["price"], "periods": ["FY2021:FY2024"], "operation": "sum"},
         "cannot be added up over several periods"),
        ({"companies": ["ACME"], "metrics": ["net_margin"], "periods": ["FY2022:FY2024"], "operation": "cagr"},
         "ask for its change, which is in points"),
        ({"scope": "universe", "metrics": ["net_margin"], "operation": "sum"}, "cannot be added up over companies"),
        ({"companies": ["BANK"], "metrics": ["gross_margin"]}, "bank"),
        ({"scope": "universe", "sectors": ["Toys"], "metrics": ["revenue"]}, "Sectors: Energy, Financials, Utilities"),
    ],
)  # fmt: skip
def test_what_is_not_there_is_a_gap_with_its_reason(query: dict[str, Any], reason: str) -> None:
    outcome = run(**query)
    assert outcome.figure is None
    assert not outcome.rows
    assert reason in " ".join(gap.reason for gap in outcome.gaps)


@pytest.mark.parametrize("operation", ["sum", "share"])
def test_ratios_of_companies_are_shown_and_not_added(operation: str) -> None:
    outcome = run(companies=["ACME", "ZEN"], metrics=["net_margin"], periods=["FY2024"], operation=operation)
    assert outcome.figure is None
    assert len(outcome.rows) == 2
    assert [gap.reason for gap in outcome.gaps] == [
        "Net margin cannot be added up over companies; ask for its mean or for each one."
    ]


@pytest.mark.parametrize(
    ("period", "near"), [("FY2031", "FY2024"), ("FY2015", "FY2021"), ("2023-04", "FY2023"), ("Q3 2022", "FY2022")]
)
def test_a_gap_names_the_nearest_year_that_is_there(period: str, near: str) -> None:
    [gap] = run(companies=["ACME"], metrics=["net_margin"], periods=[period]).gaps
    assert gap.nearest == near
    assert near in gap.reason or "FY" in gap.reason
    assert Gap.from_dict(gap.to_dict()) == gap


def test_a_gap_of_one_company_leaves_the_other() -> None:
    outcome = run(companies=["ACME", "ZEN"], metrics=["total_assets"], periods=["FY2024"])
    assert [row.symbol for row in outcome.rows] == ["ACME"]
    assert [gap.symbol for gap in outcome.gaps] == ["ZEN"]


def test_a_change_of_a_ratio_is_in_points_and_a_derived_figure_names_its_inputs() -> None:
    found = run(companies=["ACME"], metrics=["net_margin"], periods=["FY2024"], operation="growth").figure
    assert found is not None
    assert found.unit == "points"
    margin = run(companies=["ACME"], metrics=["net_margin"], periods=["FY2024"]).figure
    assert margin is not None
    assert margin.inputs == ("ACME/net_income/FY2024", "ACME/revenue/FY2024")


def test_a_trend_goes_forward_in_time_whatever_the_order_of_the_periods() -> None:
    assert figure(**ONE, periods=["FY2024", "FY2021"], operation="growth") == 0.33


EVERYONE: dict[str, Any] = {"scope": "universe", "metrics": ["revenue"], "intent": "rank"}
RISING = {"where": [Filter(metric="growth(revenue)", comparator=">", number=0.05)], "periods": ["FY2022:FY2024"]}


@pytest.mark.parametrize(
    ("query", "symbols"),
    [
        ({**EVERYONE, "order": 1}, ["ZEN", "ACME", "BANK"]),
        ({**EVERYONE, "order": -1, "limit": 1}, ["BANK"]),
        ({**EVERYONE, "order": 1, "sectors": ["energy"]}, ["ACME"]),
        ({**EVERYONE, "order": 1, "operation": "growth"}, ["ZEN", "ACME", "BANK"]),
        ({**EVERYONE, "order": 1, "where": [Filter(metric="net_margin", comparator=">", number=0.1)]}, ["ACME"]),
        ({**EVERYONE, "where": [Filter(metric="revenue", comparator="between", number=40, upper=140)]},
         ["ACME", "BANK"]),
        ({**EVERYONE, "where": [Filter(metric="growth(revenue)", comparator=">", number=1)]}, ["ZEN"]),
        ({**EVERYONE, **RISING, "every": True}, ["ACME"]),
        ({**EVERYONE, **RISING}, ["ZEN", "ACME"]),
    ],
)  # fmt: skip
def test_ranks_and_screens_of_all_companies(query: dict[str, Any], symbols: list[str]) -> None:
    assert [row.symbol for row in run(**query).rows] == symbols


def test_a_screen_says_how_many_lack_the_figure() -> None:
    outcome = run(**EVERYONE, where=[Filter(metric="net_margin", comparator=">", number=0)])
    assert (outcome.considered, outcome.left_out, outcome.matches) == (3, 1, 2)


def test_only_what_a_query_needs_is_named() -> None:
    margin = needed(Query(metrics=["fcf_margin"], companies=["ACME"]))
    assert margin.lines == {"operating_cash_flow", "capex", "revenue"}
    assert not margin.prices
    multiple = needed(Query(metrics=["pe"], companies=["ACME"]))
    assert multiple.prices
    assert "eps_diluted" in multiple.lines
    assert needed(Query(metrics=["growth(revenue)"], scope="universe", periods=["FY2021:latest"])).since == 2019
    assert needed(Query(metrics=["revenue"], scope="universe")).since == -4  # before the year of the newest data


SENTENCES: list[tuple[dict[str, Any], str]] = [
    ({**ONE, "periods": ["FY2024"]}, "Acme's revenue was USD 133 in FY2024 (year ended 2024-09-30)."),
    ({"companies": ["ACME"], "metrics": ["net_income"], "periods": ["FY2021"]},
     "Acme's net loss was USD 10 in FY2021 (year ended 2021-09-30)."),
    ({"companies": ["ACME"], "metrics": ["net_margin"], "periods": ["FY2024"]},
     "Acme's net margin was 22.6% in FY2024 (year ended 2024-09-30): net income USD 30 / revenue USD 133."),
    ({**ONE, "periods": ["FY2024"], "operation": "growth"},
     "Acme's revenue grew 9.9% in FY2024, from USD 121 in FY2023 (ended 2023-09-30) to USD 133 in FY2024 "
     "(ended 2024-09-30)."),
    ({**SPAN, "operation": "cagr"},
     "Acme's revenue grew 10.0% a year (CAGR) from FY2021 to FY2024: from USD 100 to USD 133 over 3 years."),
    ({**SPAN, "operation": "max"},
     "Acme's revenue from FY2021 to FY2024 was highest in FY2024, at USD 133 (year ended 2024-09-30)."),
    (SPAN, "Acme's revenue rose from USD 100 in FY2021 (ended 2021-09-30) to USD 133 in FY2024 (ended 2024-09-30), "
     "rising every year."),
    ({**SPAN, "operation": "sum"},
     "Acme's revenue added up to USD 464 from FY2021 to FY2024 (years ended 2021-09-30 to 2024-09-30)."),
    ({**BOTH, "intent": "compare"},
     "Zen had the higher revenue in FY2024 (years ended 2024-06-30 to 2024-09-30): USD 400, against USD 133 at Acme."),
    ({**BOTH, "operation": "difference"},
     "Acme's revenue was USD 267 lower than Zen's in FY2024: USD 133 against USD 400. Their fiscal years end apart: "
     "2024-09-30 and 2024-06-30."),
    ({**BOTH, "operation": "sum"},
     "The combined revenue of Acme and Zen was USD 533 in FY2024 (years ended 2024-06-30 to 2024-09-30): "
     "Acme USD 133 and Zen USD 400."),
    ({"companies": ["ACME"], "metrics": ["total_assets / total_assets"], "periods": ["FY2024"], "operation": "growth"},
     "Acme's total assets as a share of total assets did not change in FY2024, from 100.0% "
     "in FY2023 (ended 2023-09-30) to 100.0% in FY2024 (ended 2024-09-30)."),
    ({**ONE, "periods": ["FY2024"], "unit": "USD thousands"},
     "Acme's revenue was USD 0.13 thousand in FY2024 (year ended 2024-09-30)."),
    ({**EVERYONE, "order": 1, "limit": 2},
     "The 2 companies with the highest revenue in FY2024: 1. Zen USD 400, 2. Acme USD 133."),
    ({**EVERYONE, "order": 1, "where": [Filter(metric="revenue", comparator=">", number=140)], "periods": ["FY2024"]},
     "1 company had revenue above USD 140 in FY2024: Zen (USD 400)."),
    ({"companies": ["ACME"], "metrics": ["price"], "periods": ["2024-06-15"]},
     "Acme's share price was USD 15.00 at the close on 2024-06-15."),
    ({**ONE, "periods": ["FY2024"], "language": "de"},
     "Umsatz von Acme im Geschäftsjahr 2024 (bis 2024-09-30): 133 US-Dollar."),
]  # fmt: skip


@pytest.mark.parametrize(("query", "sentence"), SENTENCES, ids=[sentence[:40] for _, sentence in SENTENCES])
def test_the_sentence_of_each_shape(query: dict[str, Any], sentence: str) -> None:
    assert headline(run(**query), MEMBERS) == sentence
