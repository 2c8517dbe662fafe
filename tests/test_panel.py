"""`frames.panel`: figure for figure what a query over all companies has, and never a 0 for one that is not there."""

from __future__ import annotations

from typing import Any

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import finassist
from finassist import EmbeddedProvider, FinancialAssistantWorkflow, FMPProvider, FrameProvider, Query, Settings, frames
from finassist.core.errors import InputError, InvalidQuery, NotOffered, UnknownSymbol
from finassist.core.metrics import catalogue, lines

WORKFLOW = FinancialAssistantWorkflow(db=None)
YEARLY = [
    name
    for name, about in catalogue().items()
    if about.kind not in ("price", "assumption") and "beta" not in lines(name)
]
LINES = ("revenue", "net_income", "equity", "operating_cash_flow", "income_tax", "gross_profit", "inventory", "capex")
AMOUNTS = st.recursive(
    st.sampled_from(LINES),
    lambda inner: st.one_of(
        st.builds("({} {} {})".format, inner, st.sampled_from("+-"), inner),
        st.builds("{}({})".format, st.sampled_from(("avg", "prev", "ttm", "latest")), inner),
    ),
    max_leaves=3,
)
METRICS = st.one_of(
    st.sampled_from(YEARLY),
    st.builds("{} / {}".format, AMOUNTS, AMOUNTS),
    st.builds("growth({})".format, st.one_of(AMOUNTS, st.sampled_from(("net_margin", "roe", "eps_diluted")))),
)


def ranked(metric: str, period: str, **more: Any) -> dict[str, float]:
    """The figures of a query over all companies."""
    asked = Query(intent="rank", metrics=[metric], scope="universe", order=1, limit=600, periods=[period], **more)
    facts = WORKFLOW.query(asked).facts
    return {fact.symbol: float(fact.value) for fact in facts if fact.field == metric and fact.value is not None}


def test_all_companies_and_years_are_one_frame() -> None:
    found = frames.panel("net_margin")
    assert (found.index.name, list(found.columns)) == ("symbol", [f"FY{year}" for year in range(2014, 2026)])
    assert {"AAPL", "GOOGL", "GOOG", "BRK-B"} - {*found.index} == {"GOOG"}, "one share class each"
    assert len(found) > 500
    assert found.notna().sum().sum() > 5_000
    assert {str(each) for each in found.dtypes} == {"Float64"}
    assert found.attrs == {"metric": "net_margin", "label": "net margin", "unit": "ratio", "as_of": ""}
    assert finassist.frames.panel is frames.panel


@settings(max_examples=15, deadline=None)
@given(METRICS, st.integers(2014, 2025), st.sampled_from((None, "2021-03-01", "2024-06-30")))
def test_it_agrees_to_the_last_digit_with_the_query(metric: str, year: int, day: str | None) -> None:
    found = frames.panel(metric, "all", f"FY{year - 1}:FY{year}", as_of=day)
    assert found[f"FY{year}"].dropna().to_dict() == ranked(metric, f"FY{year}", as_of=day)


@pytest.mark.slow
@pytest.mark.parametrize("metric", YEARLY[::4])
def test_metrics_of_every_kind_agree(metric: str) -> None:
    found = frames.panel(metric, periods="FY2014:FY2024")
    for period in ("FY2016", "FY2023"):
        assert found[period].dropna().to_dict() == ranked(metric, period)


@pytest.mark.parametrize(
    ("metric", "period"),
    [("price", "2024-03"), ("price", "2017-05"), ("total_return", "FY2020"), ("pe", "2024-05"), ("pe", "2018-06"),
     ("net_margin", "Q1 2025"), ("total_assets", "Q2 2024"), ("fcf_yield", "FY2022")],
)  # fmt: skip
def test_prices_multiples_and_quarters_agree_too(metric: str, period: str) -> None:
    other = "Q3 2023" if period.startswith("Q") else "2019-11"
    assert frames.panel(metric, "all", [other, period])[period].dropna().to_dict() == ranked(metric, period)


def test_prices_of_months_are_their_last_closes() -> None:
    found = frames.panel("price", ["AAPL", "KO"], "2020-11:2021-02")
    assert list(found.columns) == ["2020-11", "2020-12", "2021-01", "2021-02"]
    closes = EmbeddedProvider().to_frame("prices_monthly").set_index(["symbol", "date"])["close"]
    for symbol in found.index:
        own = closes[symbol]
        own = own[[str(day)[:7] in found.columns for day in own.index]]
        assert found.loc[symbol].tolist() == pytest.approx(own.tolist())


def test_what_makes_no_sense_is_not_there_and_the_long_form_says_why() -> None:
    companies, years = ["JPM", "AAPL", "HD", "GOOG"], "FY2019:FY2024"
    for metric in ("gross_margin", "roe", "growth(equity)"):
        wide, long = (frames.panel(metric, companies, years, tidy=tidy) for tidy in (False, True))
        assert len(long) == wide.size
        assert list(wide.index) == companies
        again = long.pivot(index="symbol", columns="period", values="value").loc[companies, wide.columns]
        pd.testing.assert_frame_equal(wide, again, check_names=False, check_index_type=False, check_column_type=False)
        absent = long[long["value"].isna()]
        assert len(absent)
        assert absent["note"].str.len().gt(10).all()
        assert set(absent["status"]) <= {"missing", "not_reported", "not_meaningful"}
        assert frames.by_year(long).xs("AAPL").iloc[0].tolist() == wide.loc["AAPL"].tolist()
    equity = frames.panel("equity", ["HD"], years).loc["HD"]
    assert frames.panel("roe", ["HD"], years).loc["HD"].isna().tolist() == (equity < 0).tolist()
    assert (equity < 0).any()


def test_a_model_of_a_loss_says_so() -> None:
    long = frames.panel("graham_number", ["BA", "INTC"], ["FY2023", "FY2024"], tidy=True)
    losses = long[long["value"].isna()]
    assert set(losses["note"]) == {"Graham number is not meaningful: the company made a loss."}
    assert len(losses) == 3


def test_as_of_a_day_is_what_was_public_then() -> None:
    now, then, before = (frames.panel("revenue", ["JNJ", "GE"], "FY2020:FY2023", as_of=day)
                         for day in (None, "2024-02-01", "2021-12-01"))  # fmt: skip
    assert (now.loc["JNJ", "FY2021"], then.loc["GE", "FY2022"]) == (78_740_000_000, 76_555_000_000)
    assert before.loc["JNJ"].isna().tolist() == [False, True, True, True]
    assert then.isna().loc["GE", "FY2023"], "its report came a day later"
    assert now.loc["GE", "FY2023"] == 35_348_000_000
    assert (then.attrs["as_of"], now.attrs["as_of"]) == ("2024-02-01", "")


def test_a_table_of_your_own_with_losses_another_currency_and_a_changed_year() -> None:
    rows = pd.DataFrame(
        [("ZEST", "FY2023", "2023-12-31", "USD", 100.0, 50.0), ("ZEST", "FY2024", "2024-12-31", "USD", 110.0, -5.0),
         ("EURO", "FY2023", "2023-12-31", "EUR", 70.0, 7.0), ("EURO", "FY2024", "2024-12-31", "EUR", 77.0, 14.0),
         ("TURN", "FY2023", "2023-12-31", "USD", 40.0, 4.0), ("TURN", "FY2024", "2024-06-30", "USD", 60.0, 6.0)],
        columns=["symbol", "period", "period_end", "currency", "revenue", "net_income"],
    )  # fmt: skip
    provider, years = FrameProvider(rows), "FY2023:FY2024"

    def panel(metric: str) -> dict[str, list[float | None]]:
        found = frames.panel(metric, "all", years, provider=provider)
        return {symbol: [None if pd.isna(each) else round(each, 4) for each in row] for symbol, row in found.T.items()}

    assert panel("net_margin") == {"EURO": [0.1, 0.1818], "TURN": [0.1, 0.1], "ZEST": [0.5, -0.0455]}
    assert panel("growth(revenue)") == {"EURO": [None, 0.1], "TURN": [None, None], "ZEST": [None, 0.1]}
    assert panel("revenue") == {"EURO": [None, None], "TURN": [40, 60], "ZEST": [100, 110]}
    assert panel("revenue / net_income")["ZEST"] == [2, -22]
    assert panel("capex") == {symbol: [None, None] for symbol in ("EURO", "TURN", "ZEST")}
    long = frames.panel("revenue", "all", years, tidy=True, provider=provider)
    assert set(long.loc[long["symbol"] == "EURO", "currency"]) == {"EUR"}


def test_a_sector_an_industry_and_a_list_are_universes() -> None:
    everyone = frames.panel("roa", "all", ["FY2023"])
    energy, banks = (frames.panel("roa", name, ["FY2023"]) for name in ("Energy", "Diversified Banks"))
    assert {"XOM", "CVX"} <= {*energy.index} <= {*everyone.index}
    assert {"JPM", "BAC"} <= {*banks.index}
    assert len(banks) < 15
    assert [*frames.panel("roa", ["brk.b", "GOOG"], "FY2023").index] == ["BRK-B", "GOOG"]


@pytest.mark.parametrize(
    ("arguments", "error", "says"),
    [(("net_margn",), InvalidQuery, "net_margin"), (("roe", "Enegry"), InvalidQuery, "Energy"),
     (("roe", ["AAPL", "APPL"]), UnknownSymbol, "APPL"), (("roe", "all", "last 5 years"), InvalidQuery, "FY2014:"),
     (("roe", "all", "latest"), InvalidQuery, "another period for each company"),
     (("roe", "all", "2024-01-02:2024-03-01"), InvalidQuery, "2020-01:2024-12"),
     (("volatility",), InvalidQuery, "companies that are named")],
)  # fmt: skip
def test_what_cannot_be_asked_says_what_can(arguments: tuple[Any, ...], error: type[Exception], says: str) -> None:
    with pytest.raises(error, match=says):
        frames.panel(*arguments)


def test_other_providers_and_odd_days_are_refused() -> None:
    fmp: Any = FMPProvider(settings=Settings(fmp_api_key="key"))
    with pytest.raises(NotOffered, match=r"provider=EmbeddedProvider\(\) or FrameProvider"):
        frames.panel("roe", provider=fmp)
    with pytest.raises(InputError, match="2023-03-01"):
        frames.panel("roe", as_of="yesterday")
