"""Ratios, growth and points: exact figures, honest absences, and laws that hold for any figures."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from finassist.analysis.insights import foremost, insights
from finassist.analysis.ratios import derive
from finassist.analysis.statements import CompanyFacts, report_ratios
from finassist.core.facts import Fact, FactBook
from finassist.core.formatting import figure, number, percent

MONEY = st.integers(min_value=-(10**9), max_value=10**9).map(lambda n: Decimal(n) * 1000)
INPUTS = sorted(
    {name for r in report_ratios().values() if r.kind != "price" for name in (r.top, r.bottom)} - {"free_cash_flow"}
)
INPUTS += ["operating_cash_flow", "capex"]


def fact(field: str, value: str | int | Decimal | None, year: int = 2025, **more) -> Fact:
    unit = "USD/share" if field in ("eps_diluted", "dividends_per_share") else "USD"
    given_ = {
        "symbol": "ACME",
        "field": field,
        "value": None if value is None else Decimal(value),
        "unit": "shares" if field.startswith("shares") else unit,
        "currency": "USD",
        "period": f"FY{year}",
        "period_end": date(year, 12, 31),
        "as_of": date(year + 1, 2, 1),
        "source": f"10-K of {year}",
        "statement": "income",
    }
    return Fact(**{**given_, **more})


def quote(field: str, value: str, day: date = date(2026, 8, 21), **more) -> Fact:
    return fact(
        field,
        value,
        **{"period": day.isoformat(), "period_end": day, "as_of": day, "unit": "USD/share", "statement": "price"}
        | more,
    )


def made(*facts: Fact) -> FactBook:
    return FactBook(derive(FactBook(facts), "ACME"))


def ratio(book: FactBook, field: str, period: str = "FY2025") -> Fact:
    found = book.get("ACME", field, period)
    assert found is not None, f"no {field} for {period}"
    return found


EXAMPLES = [
    ("gross_margin", {"gross_profit": "195201", "revenue": "416161"}, "0.469051641071604499"),
    ("operating_margin", {"operating_income": "30", "revenue": "120"}, "0.25"),
    ("net_margin", {"net_income": "30", "revenue": "120"}, "0.25"),
    ("fcf_margin", {"operating_cash_flow": "50", "capex": "20", "revenue": "120"}, "0.25"),
    ("rd_to_revenue", {"research_and_development": "12", "revenue": "120"}, "0.1"),
    ("roe", {"net_income": "30", "equity": "200"}, "0.15"),
    ("roa", {"net_income": "30", "total_assets": "600"}, "0.05"),
    ("current_ratio", {"current_assets": "150", "current_liabilities": "100"}, "1.5"),
    ("debt_to_equity", {"long_term_debt": "100", "equity": "200"}, "0.5"),
    ("liabilities_to_assets", {"total_liabilities": "400", "total_assets": "500"}, "0.8"),
    ("interest_cover", {"operating_income": "30", "interest_expense": "5"}, "6"),
    ("tax_rate", {"income_tax": "21", "pretax_income": "100"}, "0.21"),
    ("payout_ratio", {"dividends_paid": "15", "net_income": "30"}, "0.5"),
]


@pytest.mark.parametrize(("field", "figures", "expected"), EXAMPLES, ids=[e[0] for e in EXAMPLES])
def test_a_ratio_is_exact_dated_and_says_what_it_rests_on(field, figures, expected):
    found = ratio(made(*(fact(name, value) for name, value in figures.items())), field)
    assert (found.value, found.status) == (Decimal(expected), "derived")
    assert found.formula == report_ratios()[field].formula
    assert found.period_end == date(2025, 12, 31)
    assert found.as_of == date(2026, 2, 1)
    assert "10-K of 2025" in found.source
    used = {key.split("/")[1] for key in found.inputs}
    assert used <= {*figures, "free_cash_flow"}
    assert used == {report_ratios()[field].top, report_ratios()[field].bottom}


def test_growth_compares_with_the_year_before():
    found = ratio(made(fact("revenue", 400, 2024), fact("revenue", 500)), "revenue_growth")
    assert found.value == Decimal("0.25")
    assert found.inputs == ("ACME/revenue/FY2025", "ACME/revenue/FY2024")


@pytest.mark.parametrize(
    ("before", "now", "reason"),
    [
        (-10, 20, "net income of the year before is negative"),
        (0, 20, "net income of the year before is zero"),
        (10, -20, "net income turned negative"),
    ],
)
def test_growth_across_zero_is_not_meaningful(before, now, reason):
    found = ratio(made(fact("net_income", before, 2024), fact("net_income", now)), "net_income_growth")
    assert (found.value, found.status, found.note) == (None, "not_meaningful", reason)


@pytest.mark.parametrize(
    ("field", "figures", "reason"),
    [
        ("roe", {"net_income": 5, "equity": -3}, "equity is negative"),
        ("debt_to_equity", {"long_term_debt": 5, "equity": 0}, "equity is zero"),
        ("payout_ratio", {"dividends_paid": 5, "net_income": -3}, "net income is negative"),
        ("tax_rate", {"income_tax": -1, "pretax_income": -3}, "pretax income is negative"),
        ("interest_cover", {"operating_income": -5, "interest_expense": 2}, "operating income is negative"),
    ],
)
def test_a_zero_or_negative_base_is_not_meaningful(field, figures, reason):
    found = ratio(made(*(fact(name, value) for name, value in figures.items())), field)
    assert (found.value, found.status, found.note) == (None, "not_meaningful", reason)


def test_a_year_without_an_input_is_missing_and_a_ratio_without_any_is_left_out():
    book = made(fact("net_income", 5, 2024), fact("equity", 50, 2024), fact("net_income", 6))
    found = ratio(book, "roe")
    assert (found.value, found.status, found.note) == (None, "missing", "equity not in the data")
    assert not book.series("ACME", "gross_margin")


def test_the_two_bases_of_equity_are_never_mixed():
    assert not made(fact("net_income", 5), fact("equity_incl_nci", 50)).series("ACME", "roe")


def test_free_cash_flow_takes_capital_expenditure_off_whatever_its_sign():
    for capex in (20, -20):
        found = ratio(made(fact("operating_cash_flow", 50), fact("capex", capex)), "free_cash_flow")
        assert (found.value, found.unit, found.currency) == (Decimal(30), "USD", "USD")


def test_restated_years_are_not_compared_but_the_years_after_are():
    note = "FY2023 to FY2025 are restated, FY2021 and FY2022 are as first filed: FY2023 is not comparable with FY2022"
    book = made(fact("revenue", 90, 2022), fact("revenue", 100, 2023, note=note), fact("revenue", 110, 2024))
    broken, whole = ratio(book, "revenue_growth", "FY2023"), ratio(book, "revenue_growth", "FY2024")
    assert (broken.status, broken.value, broken.note) == ("not_meaningful", None, note)
    assert (whole.status, whole.value) == ("derived", Decimal("0.1"))


def test_a_provider_zero_that_may_be_absent_is_kept_out():
    zero = fact("long_term_debt", 0, note="0 or not reported")
    known = [fact("equity", 10), fact("equity", 10, 2024), fact("long_term_debt", 5, 2024)]
    found = ratio(made(zero, *known), "debt_to_equity")
    assert (found.value, found.status) == (None, "missing")
    assert "0 or not reported" in (found.note or "")


def test_figures_in_two_currencies_are_not_divided():
    found = ratio(made(fact("net_income", 5, currency="EUR"), fact("revenue", 50)), "net_margin")
    assert found.status == "not_meaningful"
    assert "EUR" in (found.note or "")


def test_fiscal_years_of_other_lengths_are_not_compared():
    early = fact("revenue", 50, 2024, period_end=date(2025, 6, 30))
    assert ratio(made(early, fact("revenue", 100)), "revenue_growth").status == "not_meaningful"


def test_total_liabilities_are_derived_only_with_the_formula_shown():
    assets = fact("total_assets", 100)
    plain = ratio(made(assets, fact("equity", 40)), "total_liabilities")
    both = ratio(made(assets, fact("equity", 40), fact("equity_incl_nci", 45)), "total_liabilities")
    assert (plain.value, plain.formula) == (Decimal(60), "total_assets - equity")
    assert "minority" in (plain.note or "")
    assert (both.value, both.formula) == (Decimal(55), "total_assets - equity_incl_nci")


def test_gross_profit_is_derived_only_where_cost_of_revenue_holds_the_costs():
    shop = made(fact("revenue", 100), fact("cost_of_revenue", 60), fact("operating_income", 20))
    insurer = made(fact("revenue", 100), fact("cost_of_revenue", 11), fact("operating_income", 5))
    assert ratio(shop, "gross_margin").value == Decimal("0.4")
    assert not insurer.series("ACME", "gross_margin")


def test_there_is_no_gross_profit_without_revenue():
    for revenue in ("0", "-10"):
        figures = (fact("revenue", revenue), fact("cost_of_revenue", "5"), fact("operating_income", "-5"))
        assert made(*figures).get("ACME", "gross_profit", "FY2025") is None, revenue
    figures = (fact("revenue", "1"), fact("cost_of_revenue", "5"), fact("operating_income", "-4"))
    assert ratio(made(*figures), "gross_profit").value == -4


def test_fiscal_years_are_a_year_apart_within_a_few_weeks():
    end = date(2025, 12, 31)
    for days, comparable in ((339, False), (340, True), (390, True), (391, False)):
        before = fact("revenue", "100", 2024, period_end=end - timedelta(days=days))
        growth = ratio(made(before, fact("revenue", "110", period_end=end)), "revenue_growth")
        assert growth.known is comparable, days


def test_a_year_counts_from_the_day_it_ends():
    earnings = (fact("eps_diluted", "4", 2024), fact("eps_diluted", "5"))
    for day, year in ((date(2025, 12, 30), "FY2024"), (date(2025, 12, 31), "FY2025")):
        multiple = ratio(made(*earnings, quote("price", "20", day)), "pe_ratio", day.isoformat())
        assert multiple.inputs[1] == f"ACME/eps_diluted/{year}"


def test_a_change_needs_a_close_above_zero():
    for previous in ("0", "-1"):
        book = made(quote("price", "20"), quote("previous_close", previous))
        assert list(book.series("ACME", "change")) == list(book.series("ACME", "change_percent")) == []
    book = made(quote("price", "0.03"), quote("previous_close", "0.01"))
    assert ratio(book, "change_percent", "2026-08-21").value == 2


def test_price_multiples_carry_the_price_s_date_and_name_the_year():
    day = "2026-08-21"
    book = made(
        quote("price", "300"),
        quote("previous_close", "250"),
        fact("eps_diluted", "7.5"),
        fact("shares_diluted", 1000),
        fact("revenue", 100_000),
        fact("dividends_per_share", "3"),
    )
    expected = {"pe_ratio": "40", "market_cap": "300000", "price_to_sales": "3", "dividend_yield": "0.01"}
    for field, value in {**expected, "change": "50", "change_percent": "0.2"}.items():
        found = ratio(book, field, day)
        assert (found.value, found.period_end, found.as_of) == (Decimal(value), date(2026, 8, 21), date(2026, 8, 21))
    assert "2026-08-21" in (ratio(book, "pe_ratio", day).note or "")
    assert "FY2025" in (ratio(book, "pe_ratio", day).note or "")
    assert "diluted shares of FY2025" in (ratio(book, "market_cap", day).note or "")


def test_a_price_is_never_set_against_a_year_that_had_not_ended():
    early = date(2025, 10, 16)
    book = made(quote("price", "20", early), fact("eps_diluted", 1, 2024), fact("eps_diluted", 2, 2025))
    found = ratio(book, "pe_ratio", early.isoformat())
    assert (found.value, "FY2024" in (found.note or "")) == (Decimal(20), True)


def test_a_loss_has_no_price_earnings_ratio():
    found = ratio(made(quote("price", "20"), fact("eps_diluted", -1)), "pe_ratio", "2026-08-21")
    assert (found.value, found.status) == (None, "not_meaningful")
    assert "diluted EPS is negative" in (found.note or "")


def test_a_published_market_value_of_the_day_is_used_and_not_replaced():
    published = quote("market_cap", "5000", unit="USD")
    book = made(quote("price", "20"), published, fact("shares_diluted", 1), fact("revenue", 1000))
    assert ratio(book, "price_to_sales", "2026-08-21").value == 5
    assert not book.series("ACME", "market_cap")


# ------------------------------------------------------------------------------------------------- laws


@st.composite
def books(draw) -> list[Fact]:
    names = draw(st.lists(st.sampled_from(INPUTS), unique=True, max_size=12))
    return [fact(name, draw(MONEY), year) for name in names for year in (2024, 2025) if draw(st.booleans())]


@given(books(), st.sampled_from(INPUTS))
def test_a_missing_input_never_yields_a_value(facts, absent):
    derived = derive(FactBook([f for f in facts if f.field != absent]), "ACME")
    computed = {f.key for f in derived if f.known}
    for found in derived:
        uses = [key for key in found.inputs if key.split("/")[1] == absent]
        assert set(uses) <= computed, "a figure that was not given was used"
        assert found.known or found.note, "an absence says why"


@given(books(), st.integers(min_value=1, max_value=10**6))
def test_ratios_do_not_depend_on_the_size_of_money(facts, k):
    small = derive(FactBook(facts), "ACME")
    large = derive(FactBook([fact(f.field, (f.value or 0) * k, int(f.period[2:])) for f in facts]), "ACME")
    assert [(f.key, f.status) for f in small] == [(f.key, f.status) for f in large]
    for one, other in zip(small, large, strict=True):
        if one.unit in ("ratio", "times"):
            assert one.value == other.value


@given(books(), st.randoms())
def test_the_order_of_facts_does_not_matter(facts, random):
    shuffled = list(facts)
    random.shuffle(shuffled)
    assert derive(FactBook(facts), "ACME") == derive(FactBook(shuffled), "ACME")


@given(books())
def test_a_figure_and_its_status_agree(facts):
    for found in derive(FactBook(facts), "ACME"):
        assert (found.value is not None) == (found.status == "derived")
        assert found.formula
        assert found.value is None or found.inputs


@given(books())
def test_deriving_again_changes_nothing(facts):
    first = FactBook([*facts, *derive(FactBook(facts), "ACME")])
    again = FactBook([*first, *derive(first, "ACME")])
    assert {f.key: f for f in first} == {f.key: f for f in again}


# ------------------------------------------------------------------------------------------------ points


def observed(*facts: Fact) -> dict[str, str]:
    book = FactBook([*facts, *derive(FactBook(facts), "ACME")])
    return {point.text: point.kind for point in insights(CompanyFacts(book, "ACME"))}


def test_points_cite_figures_with_their_period():
    facts = [fact("revenue", 100_000_000, 2024), fact("revenue", 150_000_000), fact("net_income", 60_000_000)]
    book = FactBook([*facts, *derive(FactBook(facts), "ACME")])
    found = insights(CompanyFacts(book, "ACME"))
    assert {p.text for p in found} >= {
        "Revenue grew by 50.0% to USD 150.0 million in FY2025.",
        "Net margin of 40.0% in FY2025: USD 60.0 million on revenue of USD 150.0 million.",
    }
    for point in found:
        assert "FY2025" in point.text


def test_points_look_at_both_sides():
    worse = observed(
        fact("revenue", 200, 2024),
        fact("revenue", 100),
        fact("net_income", -5_000_000),
        fact("current_assets", 1_000_000),
        fact("current_liabilities", 2_000_000),
    )
    assert set(worse.values()) == {"attention"}
    assert "The year closed with a loss: net income USD -5.0 million in FY2025." in worse
    assert any(text.startswith("Revenue fell by 50.0%") for text in worse)


def test_a_streak_of_growth_spans_the_years_a_report_shows():
    grown = [fact("revenue", 1_000_000 * year, year) for year in range(2018, 2026)]
    [text] = observed(*grown)
    assert text == "Revenue grew every year from USD 2.0 billion in FY2021 to USD 2.0 billion in FY2025."
    assert not observed(*grown[:3])


def test_stock_based_pay_and_falling_cash_flow_are_pointed_out():
    found = observed(
        fact("revenue", 100),
        fact("stock_based_compensation", 20),
        *(fact("operating_cash_flow", value, year) for value, year in ((50, 2024), (30, 2025))),
        *(fact("capex", 5, year) for year in (2024, 2025)),
    )
    texts = [text for text, kind in found.items() if kind == "attention"]
    assert [text.split()[0] for text in texts] == ["Free", "Stock-based"]
    assert "44.4%" in texts[0]
    assert "20.0%" in texts[1]


def test_leverage_of_a_bank_is_not_held_against_it():
    lever = [fact("total_liabilities", 92), fact("total_assets", 100)]
    assert observed(*lever) != {}
    assert observed(*lever, fact("provision_for_credit_losses", 1)) == {}


def test_no_points_without_figures_and_no_advice():
    assert insights(CompanyFacts([], "ACME")) == []
    texts = " ".join(
        observed(fact("net_income", 50), fact("revenue", 100), quote("price", "9"), fact("eps_diluted", "0.1"))
    )
    assert not {"buy", "sell", "hold", "should", "recommend"} & set(texts.lower().split())


def test_a_far_price_says_so():
    found = observed(quote("price", "100"), fact("eps_diluted", "2"))
    [text] = found
    assert (
        text == "The price of USD 100.00 on 2026-08-21 was 50.0 times diluted earnings of USD 2.00 per share in FY2025."
    )


@pytest.mark.parametrize(("value", "kind"), [("0.2", "strength"), ("0.05", None), ("-0.01", "attention")])
def test_the_latest_quarter_is_pointed_out(value: str, kind: str | None):
    quarter = {"period": "Q1 2026", "period_end": date(2026, 3, 31)}
    change = fact("growth(revenue)", value, **quarter, unit="ratio", currency=None, statement="ratio", status="derived")
    found = insights(CompanyFacts([fact("revenue", 100), fact("revenue", 30, **quarter), change], "ACME"))
    assert [(each.kind, each.facts[0].field) for each in found] == ([(kind, "growth(revenue)")] if kind else [])


# ------------------------------------------------------------------------------------------- insights of any figures


@given(books())
def test_every_insight_rests_on_facts_that_are_known(facts):
    book = FactBook([*facts, *derive(FactBook(facts), "ACME")])
    found = insights(CompanyFacts(book, "ACME"))
    for each in found:
        assert each.facts
        assert all(book.find(fact.key) == fact and fact.known for fact in each.facts)
        rest = each.text
        for fact_ in each.facts:
            value = abs(fact_.value or Decimal())
            forms = (figure(fact_), percent(value), number(value, 2), number(value, 1), fact_.period)
            for form in sorted(forms, key=len, reverse=True):
                rest = rest.replace(form, "")
        assert not any(letter.isdigit() for letter in rest), (each.text, rest)
    assert not found or facts


@given(books(), st.integers(min_value=1, max_value=4))
def test_the_foremost_insights_are_some_of_all_and_no_more_than_asked(facts, most):
    found = insights(CompanyFacts(FactBook([*facts, *derive(FactBook(facts), "ACME")]), "ACME"))
    first = foremost(found, most)
    assert len(first) == min(most, len(found))
    assert len(set(map(id, first))) == len(first)
    assert all(each in found for each in first)
