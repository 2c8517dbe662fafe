"""One vocabulary for every provider's field names."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from finassist.core.facts import FIELDS, canonical, fields_of, preference, snake
from finassist.core.formatting import label


@pytest.mark.parametrize(
    ("name", "ours"),
    [
        ("revenue", "revenue"),
        ("Total Revenue", "revenue"),
        ("totalRevenue", "revenue"),
        ("epsDiluted", "eps_diluted"),
        ("Diluted EPS", "eps_diluted"),
        ("diluted_average_shares", "shares_diluted"),
        ("weightedAverageShsOutDil", "shares_diluted"),
        ("netCashProvidedByOperatingActivities", "operating_cash_flow"),
        ("net_cash_flow_from_operations", "operating_cash_flow"),
        ("capitalExpenditure", "capex"),
        ("total_liabilities_net_minority_interest", "total_liabilities"),
        ("totalStockholdersEquity", "equity"),
        ("totalEquity", "equity_incl_nci"),
        ("shareholders_equity", "equity"),
        ("incomeBeforeTax", "pretax_income"),
        ("previousClose", "previous_close"),
        ("changePercentage", "change_percent"),
        ("mktCap", "market_cap"),
        ("a name nobody uses", None),
        ("", None),
    ],
)
def test_names_of_yahoo_financial_datasets_and_fmp_become_ours(name: str, ours: str | None) -> None:
    assert canonical(name) == ours


def test_a_name_counts_only_on_its_own_statement() -> None:
    """On a cash flow statement `inventory` is the change in inventory: not the balance-sheet line."""
    assert canonical("inventory", "balance_sheet") == "inventory"
    assert canonical("inventory", "cash_flow") is None
    assert canonical("accountsReceivables", "cash_flow") is None


def test_equity_with_and_without_minorities_are_two_fields() -> None:
    assert canonical("totalEquity") != canonical("totalStockholdersEquity")


def test_every_field_has_a_heading_and_a_known_unit() -> None:
    for name, field in FIELDS.items():
        assert name == field.name == snake(name)
        assert field.label
        assert field.unit in {"USD", "USD/share", "shares", "ratio", "times", ""}, name


def test_no_name_means_two_things() -> None:
    names = [name for field in FIELDS.values() for name in (field.name, *field.aliases)]
    assert len(names) == len(set(names))
    assert all(name == snake(name) for name in names)


def test_statements_partition_the_vocabulary_in_display_order() -> None:
    kinds = ("income", "balance_sheet", "cash_flow", "price", "profile")
    assert [field.name for kind in kinds for field in fields_of(kind)] == list(FIELDS)
    assert [field.name for field in fields_of("income")][:3] == ["revenue", "cost_of_revenue", "gross_profit"]


def test_labels_read_well_for_known_and_unknown_names() -> None:
    assert label("eps_diluted") == "Diluted EPS"
    assert label("deferred_tax_assets") == "Deferred tax assets"


def test_our_own_name_is_preferred_to_every_alias() -> None:
    for field in FIELDS.values():
        ranks = [preference(name, field) for name in (field.name, *field.aliases)]
        assert ranks == sorted(set(ranks))


@given(st.text(max_size=60))
def test_any_text_has_a_snake_case_form_that_stays_as_it_is(text: str) -> None:
    once = snake(text)
    assert snake(once) == once
    assert isinstance(label(text), str)
    assert canonical(text) is None or canonical(text) in FIELDS
