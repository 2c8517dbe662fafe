"""Any Agno finance provider's answers as facts: nothing is made up, and nothing crashes."""

from __future__ import annotations

import asyncio
from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from agno.tools.finance import (
    CompanyProfile,
    FinanceProvider,
    FinanceProviderError,
    FinancialStatement,
    PriceBar,
    PriceHistory,
    Quote,
)
from agno.tools.finance.base import ALL_CAPABILITIES
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from finassist.core.errors import BadPayload, DataError, InvalidSymbol, NotEmbedded, NotOffered, UnknownSymbol
from finassist.core.facts import Fact
from finassist.providers.base import NEEDS, Need, Periods, fetch_facts
from finassist.providers.embedded import EmbeddedProvider


class Canned(FinanceProvider):
    """A user's own provider: answers every question with the same thing, or raises it."""

    id = "canned"
    name = "Canned data"
    capabilities = ALL_CAPABILITIES

    def __init__(self, answer: Any) -> None:
        self.answer = answer
        self.asked: list[dict[str, Any]] = []

    async def _answer(self, symbol: str, **given: Any) -> Any:
        self.asked.append({"symbol": symbol, **given})
        if isinstance(self.answer, BaseException):
            raise self.answer
        return self.answer

    aget_quote = aget_company_profile = aget_financials = aget_price_history = _answer


def fetch(answer: Any, need: Need, symbol: str = "ACME", **given: Any) -> list[Fact]:
    return asyncio.run(fetch_facts(Canned(answer), need, symbol, **given))


def row(items: Any, **given: Any) -> FinancialStatement:
    made: dict[str, Any] = {"statement": "income", "period": "annual", "report_period": "2025-12-31", **given}
    return FinancialStatement("ACME", made.pop("statement"), made.pop("period"), items=items, **made)


def by_field(facts: list[Fact]) -> dict[str, Fact]:
    assert len({fact.key for fact in facts}) == len(facts)
    return {fact.field: fact for fact in facts}


# Statements of plain providers


def test_a_plain_statement_becomes_facts_in_our_words() -> None:
    facts = by_field(fetch([row({"Total Revenue": 1200.0, "diluted_eps": 0.1}, currency="EUR")], "income"))
    revenue = facts["revenue"]
    assert (revenue.value, revenue.unit, revenue.currency) == (Decimal(1200), "EUR", "EUR")
    assert (revenue.period, revenue.period_end) == ("FY2025", date(2025, 12, 31))
    assert (revenue.source, revenue.as_of, revenue.status) == ("Canned data", None, "reported")
    assert (facts["eps_diluted"].value, facts["eps_diluted"].unit) == (Decimal("0.1"), "EUR/share")


def test_payments_are_turned_positive_and_say_so() -> None:
    items = {"capital_expenditure": -12.0, "operating_cash_flow": -3.0, "repurchase_of_capital_stock": -5}
    facts = by_field(fetch([row(items, statement="cash_flow", currency="USD")], "cash_flow"))
    assert facts["capex"].value == 12
    assert facts["buybacks"].value == 5
    assert "negative" in (facts["capex"].note or "")
    assert facts["operating_cash_flow"].value == -3


def test_a_name_with_another_meaning_on_this_statement_is_not_ours() -> None:
    items = {"inventory": 7.0, "operating_cash_flow": 1.0}
    facts = by_field(fetch([row(items, statement="cash_flow")], "cash_flow"))
    assert "inventory" not in facts
    assert facts["cash_flow_inventory"].unit == ""


def test_of_two_names_for_one_field_the_closest_takes_it() -> None:
    facts = by_field(fetch([row({"operating_revenue": 1.0, "total_revenue": 2.0}, currency="USD")], "income"))
    assert facts["revenue"].value == 2
    assert sorted(facts) == ["income_operating_revenue", "revenue"]


def test_unknown_items_are_kept_without_a_unit() -> None:
    items = {"taxRateForCalcs": 0.2, "filing_url": "https://example.org", "revenue": 1, "": 4, "tax rate for calcs": 9}
    facts = by_field(fetch([row(items)], "income"))
    assert (facts["tax_rate_for_calcs"].value, facts["tax_rate_for_calcs"].unit) == (Decimal("0.2"), "")
    assert facts["tax_rate_for_calcs_2"].value == 9
    assert (facts["filing_url"].text, facts["filing_url"].value) == ("https://example.org", None)
    assert facts["unnamed"].value == 4


@pytest.mark.parametrize(
    ("value", "status"),
    [
        (None, "missing"),
        (float("nan"), "missing"),
        (Decimal("NaN"), "missing"),
        (Decimal("sNaN"), "missing"),
        (float("inf"), "error"),
        (True, "error"),
        ("12", "error"),
        ([1], "error"),
        (10**40, "error"),
        (-(10**40), "error"),
        (Decimal("-1e31"), "error"),
        (Decimal("1e999999"), "error"),
    ],
)
def test_what_is_no_number_is_never_a_figure(value: Any, status: str) -> None:
    fact = by_field(fetch([row({"net_income": value, "revenue": 1})], "income"))["net_income"]
    assert (fact.value, fact.status, fact.known) == (None, status, False)
    assert fact.note


def test_a_missing_currency_is_said_not_guessed() -> None:
    revenue = by_field(fetch([row({"revenue": 5})], "income"))["revenue"]
    assert (revenue.value, revenue.unit, revenue.currency) == (5, "", None)
    assert "currency" in (revenue.note or "")


@pytest.mark.parametrize(
    ("fiscal", "end", "period"),
    [
        ("FY2025", "2026-02-01", "FY2025"),
        ("2024-FY", "2024-09-28", "FY2024"),
        ("FY", "2024-09-28", "FY2024"),
        (None, "2022-01-02", "FY2021"),
        (None, "2026-01-31", "FY2026"),
        ("FY2023", None, "FY2023"),
    ],
)
def test_the_fiscal_year_is_the_sources_label_else_its_last_day(
    fiscal: str | None, end: str | None, period: str
) -> None:
    [fact] = fetch([row({"revenue": 1}, fiscal_period=fiscal, report_period=end)], "income")
    assert fact.period == period


def test_two_statements_of_one_year_do_not_hide_each_other() -> None:
    rows = [row({"revenue": 2}, report_period="2025-12-31"), row({"revenue": 1}, report_period="2025-03-31")]
    assert [fact.period for fact in fetch(rows, "income")] == ["FY2025", "2025-03-31"]


@pytest.mark.parametrize(
    ("fiscal", "period"), [("2025-Q2", "Q2 2025"), ("Q2 2025", "Q2 2025"), (None, "2025-06-30"), ("2025", "2025-06-30")]
)
def test_a_quarter_is_never_taken_for_a_year(fiscal: str | None, period: str) -> None:
    answer = row({"revenue": 1}, period="quarterly", fiscal_period=fiscal, report_period="2025-06-30")
    periods = Periods(4, "quarterly")
    [fact] = asyncio.run(fetch_facts(Canned([answer]), "income", "ACME", periods))
    assert fact.period == period


def test_the_question_reaches_the_provider() -> None:
    provider = Canned([row({"revenue": 1})])
    asyncio.run(fetch_facts(provider, "income", "ACME", limit=2))
    assert provider.asked == [{"symbol": "ACME", "statement": "income", "period": "annual", "limit": 2}]


# Quotes, histories, profiles of plain providers


def test_a_plain_quote_becomes_dated_facts() -> None:
    answer = Quote("ACME", price=10.5, currency="USD", change_percent=2.5, as_of="2026-08-21T20:00:00+00:00")
    facts = by_field(fetch(answer, "quote"))
    assert (facts["price"].value, facts["price"].unit) == (Decimal("10.5"), "USD/share")
    assert (facts["price"].period, facts["price"].as_of) == ("2026-08-21", date(2026, 8, 21))
    assert (facts["change_percent"].value, facts["change_percent"].unit) == (Decimal("0.025"), "ratio")
    assert (facts["volume"].status, facts["volume"].value) == ("missing", None)


def test_pence_are_not_pounds() -> None:
    assert by_field(fetch(Quote("ACME", price=80.0, currency="GBp"), "quote"))["price"].unit == "GBX/share"


def test_a_history_is_one_close_a_day_oldest_first() -> None:
    bars = [PriceBar("2026-02-27", close=3.0), PriceBar("2026-01-30T00:00", close=2.0), PriceBar("?", close=9.0)]
    facts = fetch(PriceHistory("ACME", "2y", "1mo", "USD", bars), "history")
    assert [(fact.field, fact.period, fact.value) for fact in facts] == [
        ("close", "2026-01-30", 2),
        ("close", "2026-02-27", 3),
    ]


def test_a_close_of_zero_or_below_is_none_and_hides_no_other_of_its_day() -> None:
    closes = [("2026-01-30", 2.0), ("2026-01-30", 0.0), ("2026-02-27", None), ("2026-02-27", 3.0), ("2026-03-31", -1.0)]
    bars = [PriceBar(at, close=close) for at, close in closes]
    facts = fetch(PriceHistory("ACME", "2y", "1mo", "USD", bars), "history")
    known = [("2026-01-30", 2), ("2026-02-27", 3), ("2026-03-31", None)]
    assert [(fact.period, fact.value) for fact in facts] == known
    assert facts[-1].note == "the source gave a negative number"


def test_a_profile_is_text_and_what_is_not_said_is_missing() -> None:
    facts = by_field(
        fetch(CompanyProfile("ACME", name="Acme", employees=12, market_cap=5.0, currency="USD"), "profile")
    )
    assert (facts["name"].text, facts["name"].status) == ("Acme", "reported")
    assert facts["sector"].status == "missing"
    assert facts["employees"].value == 12
    assert (facts["market_cap"].value, facts["market_cap"].unit) == (5, "USD")


# Answers that are none


@pytest.mark.parametrize("need", NEEDS)
@pytest.mark.parametrize("answer", [None, "Limit reached", 42, {"error": "no"}, [None], ["x"], [{"revenue": 1}]])
def test_what_is_not_data_is_a_bad_payload(need: Need, answer: Any) -> None:
    with pytest.raises(BadPayload, match="Canned data answered with"):
        fetch(answer, need)


def test_wrong_things_inside_a_right_answer_are_a_bad_payload() -> None:
    bars: Any = [{"close": 1}]
    with pytest.raises(BadPayload):
        fetch(PriceHistory("ACME", "2y", "1mo", "USD", bars), "history")
    nothing: Any = None
    with pytest.raises(BadPayload):
        fetch(PriceHistory("ACME", "2y", "1mo", "USD", nothing), "history")
    with pytest.raises(BadPayload):
        fetch([row("no items")], "income")
    with pytest.raises(BadPayload, match="without a date"):
        fetch([row({"revenue": 1}, report_period=None)], "income")
    with pytest.raises(BadPayload, match="no figure can be used"):
        fetch([row({"revenue": "n/a"})], "income")


@pytest.mark.parametrize(
    ("need", "answer"),
    [
        ("quote", Quote("OTHER", price=1.0)),
        ("profile", CompanyProfile("OTHER", name="Other")),
        ("history", PriceHistory("OTHER", "2y", "1mo", "USD", [PriceBar("2026-01-30", close=1.0)])),
        ("income", [FinancialStatement("OTHER", "income", "annual", "2025-12-31", items={"revenue": 1})]),
    ],
)
def test_another_companys_data_is_refused(need: Need, answer: Any) -> None:
    with pytest.raises(BadPayload, match="OTHER"):
        fetch(answer, need)


def test_another_statement_or_period_is_refused() -> None:
    with pytest.raises(BadPayload, match="balance_sheet"):
        fetch([row({"total_assets": 1}, statement="balance_sheet")], "income")
    with pytest.raises(BadPayload, match="quarterly"):
        fetch([row({"revenue": 1}, period="quarterly")], "income")


def test_share_classes_are_the_same_company_however_they_are_written() -> None:
    facts = fetch(Quote("BRK.B", price=1.0, currency="USD"), "quote", "BRK-B")
    assert facts[0].symbol == "BRK-B"


@pytest.mark.parametrize(
    ("need", "answer"),
    [
        ("income", []),
        ("income", [row({"revenue": None})]),
        ("quote", Quote("ACME")),
        ("history", PriceHistory("ACME", "2y", "1mo")),
        ("profile", CompanyProfile("ACME")),
    ],
)
def test_an_empty_answer_is_never_a_success(need: Need, answer: Any) -> None:
    with pytest.raises(UnknownSymbol, match="ACME"):
        fetch(answer, need)


@pytest.mark.parametrize("need", NEEDS)
def test_a_provider_without_the_capability_does_not_offer_it(need: Need) -> None:
    provider = Canned(None)
    provider.capabilities = frozenset({"get_news"})
    with pytest.raises(NotOffered, match="does not offer"):
        asyncio.run(fetch_facts(provider, need, "ACME"))
    assert provider.asked == []


@pytest.mark.parametrize("need", NEEDS)
@pytest.mark.parametrize("bug", [TypeError("bug"), KeyError("bug"), ZeroDivisionError("bug")])
def test_a_providers_bug_passes_through_untouched(need: Need, bug: Exception) -> None:
    with pytest.raises(type(bug)) as caught:
        fetch(bug, need)
    assert caught.value is bug


def test_a_providers_own_refusal_is_a_data_error_in_its_words() -> None:
    with pytest.raises(DataError, match="Canned data: rate limit reached"):
        fetch(FinanceProviderError("rate limit reached"), "quote")
    with pytest.raises(NotOffered):
        fetch(Canned(None)._not_supported("get_quote"), "quote")


# Our own provider


@pytest.mark.parametrize("need", NEEDS)
def test_embedded_facts_arrive_as_they_are(need: Need) -> None:
    provider = EmbeddedProvider()
    facts = asyncio.run(fetch_facts(provider, need, "MSFT", limit=2))
    assert len({fact.key for fact in facts}) == len(facts)
    assert all(fact.source and fact.symbol == "MSFT" for fact in facts)
    if need in ("income", "balance_sheet", "cash_flow"):
        assert {fact.period for fact in facts} == {"FY2026", "FY2025"}
        assert any(fact.filing for fact in facts)


class HalvedWaiting(EmbeddedProvider):
    def get_quote(self, symbol: str) -> Any:
        return Quote(symbol, price=(super().get_quote(symbol).price or 0) / 2, currency="USD", as_of="2026-08-21")


class HalvedFacts(EmbeddedProvider):
    async def fetch_facts(self, need: Need, symbol: str, limit: int) -> list[Fact]:
        facts = await super().fetch_facts(need, symbol, limit)
        return [replace(fact, value=fact.value / 2) if fact.field == "price" and fact.value else fact for fact in facts]


@pytest.mark.parametrize("provider", [HalvedWaiting(), HalvedFacts()])
def test_what_a_subclass_of_ours_changes_is_heard(provider: EmbeddedProvider) -> None:
    quote = by_field(asyncio.run(fetch_facts(provider, "quote", "AAPL")))
    assert quote["price"].value == Decimal("309.35") / 2
    assert asyncio.run(fetch_facts(provider, "income", "AAPL")) == asyncio.run(
        fetch_facts(EmbeddedProvider(), "income", "AAPL")
    )


def test_embedded_refusals_keep_their_class() -> None:
    with pytest.raises(NotEmbedded):
        asyncio.run(fetch_facts(EmbeddedProvider(), "income", "RIVN"))
    with pytest.raises(InvalidSymbol):
        asyncio.run(fetch_facts(EmbeddedProvider(), "quote", "../x"))


# The law

numbers = st.floats() | st.integers() | st.decimals() | st.just(0)
anything = numbers | st.none() | st.booleans() | st.text(max_size=8) | st.lists(st.integers(), max_size=2)
names = st.sampled_from(["revenue", "Total Revenue", "capex", "inventory", "eps", "weird"]) | st.text(max_size=8)
texts = st.none() | st.text(max_size=12) | st.sampled_from(["2025-12-31", "FY2024", "USD", "GBp"]) | anything


def mostly(value: Any) -> st.SearchStrategy[Any]:
    return st.integers(0, 19).flatmap(lambda roll: texts if roll == 0 else st.just(value))


symbols = mostly("ACME")
days = st.dates().map(str) | st.sampled_from(["2025-12-31", "2026-01-02"])
statements = st.builds(
    FinancialStatement,
    symbol=symbols,
    statement=mostly("income"),
    period=mostly("annual"),
    report_period=days | texts,
    fiscal_period=texts,
    currency=texts,
    items=st.dictionaries(names | st.integers(), numbers | anything, max_size=5),
)
quotes = st.builds(Quote, symbol=symbols, price=anything, change_percent=anything, currency=texts, as_of=days | texts)
bars = st.builds(PriceBar, date=days, close=numbers | anything)
histories = st.builds(
    PriceHistory,
    symbol=symbols,
    period=texts,
    interval=texts,
    currency=texts,
    bars=st.lists(bars, min_size=1, max_size=4) | st.just([]),
)
profiles = st.builds(CompanyProfile, symbol=symbols, name=texts, employees=anything, market_cap=anything)
asked: dict[Need, st.SearchStrategy[Any]] = {
    "income": st.lists(statements, max_size=3),
    "quote": quotes,
    "history": histories,
    "profile": profiles,
}
questions = st.sampled_from(list(asked)).flatmap(lambda need: st.tuples(st.just(need), asked[need]))
misfits = st.tuples(st.sampled_from(NEEDS), st.one_of(*asked.values()) | texts)


def leaves(answer: Any) -> list[Any]:
    """Every value a generated answer holds."""
    if isinstance(answer, (list, tuple)):
        return [leaf for part in answer for leaf in leaves(part)]
    if isinstance(answer, dict):
        return leaves(list(answer.values()))
    return leaves(list(vars(answer).values())) if hasattr(answer, "__dataclass_fields__") else [answer]


def is_zero(value: Any) -> bool:
    if isinstance(value, bool) or not isinstance(value, (int, float, Decimal)):
        return False
    return not (isinstance(value, Decimal) and value.is_nan()) and value == 0


def facts_or_refusal(answer: Any, need: Need) -> list[Fact] | DataError:
    try:
        return fetch(answer, need)
    except DataError as error:
        return error


@settings(max_examples=300, deadline=None)
@given(question=questions | misfits)
def test_any_answer_is_facts_or_a_data_error_and_never_a_zero_out_of_nothing(question: tuple[Need, Any]) -> None:
    need, answer = question
    facts = facts_or_refusal(answer, need)
    if isinstance(facts, DataError):
        assert str(facts).endswith(".")
        return
    assert facts
    assert len({fact.key for fact in facts}) == len(facts)
    for fact in facts:
        assert (fact.value is not None) == fact.known
        assert fact.value is None or fact.value.is_finite()
        assert fact.known or fact.text is not None or fact.note
        assert fact.source == "Canned data"
    if not any(is_zero(leaf) for leaf in leaves(answer)):
        assert all(fact.value != 0 for fact in facts)
