"""`SECProvider`: what companies filed, read from tagged figures, each with its filing."""

from __future__ import annotations

import random
from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from finassist import FinancialAssistantWorkflow, Settings
from finassist.core.errors import (
    AuthError,
    BadPayload,
    ConfigurationError,
    NotFound,
    NotOffered,
    RateLimited,
    TooLarge,
    UnknownSymbol,
)
from finassist.core.facts import FIELDS, Fact
from finassist.providers.base import Periods, fetch_facts
from finassist.providers.http.cache import Cache
from finassist.providers.http.endpoint import make_limiter
from finassist.providers.registry import open_provider
from finassist.providers.sec import SECProvider
from finassist.providers.sec.companyfacts import Asked
from finassist.providers.sec.statements import TAGS, statement_facts
from finassist.symbols import directory
from tests.sec_server import CONTACT, FACTS, SUBMISSIONS, YEARS, company_facts, sec, sec_server, submissions
from tests.servers import answer

APPLE = directory().lookup("AAPL")
assert APPLE
ASKED = Asked(APPLE, date(2026, 1, 20))


def us_gaap() -> dict[str, Any]:
    return company_facts()["facts"]["us-gaap"]


def table(facts: dict[str, Any], statement: Any, period: str = "annual", limit: int = 10) -> dict[str, Fact]:
    """Facts by field and period."""
    made = statement_facts(facts, ASKED, statement, Periods(limit, period))
    return {f"{fact.field} {fact.period}": fact for fact in made}


def values(facts: dict[str, Fact], field: str) -> dict[str, Any]:
    return {fact.period: fact.value for fact in facts.values() if fact.field == field and fact.known}


# ----------------------------------------------------------------------------------------------- reading


def test_of_a_figure_that_was_filed_several_times_the_latest_counts() -> None:
    income = table(us_gaap(), "income")
    assert values(income, "revenue") == {"FY2024": 720, "FY2023": 610, "FY2022": 500}
    restated = income["revenue FY2023"]
    assert restated.source == "SEC EDGAR, 10-K filed 2024-11-01, fetched 2026-01-20"
    assert (restated.as_of, restated.filing, restated.concept) == (
        date(2024, 11, 1),
        "0000000000-24-110100",
        "Revenues",
    )
    assert (restated.period_end, restated.unit, restated.currency) == (YEARS[2023], "USD", "USD")


def test_a_loss_is_negative_and_a_tagged_zero_is_a_zero() -> None:
    assert values(table(us_gaap(), "income"), "net_income")["FY2023"] == -60
    assert values(table(us_gaap(), "cash_flow"), "buybacks") == {"FY2024": 7, "FY2023": 0, "FY2022": 5}


def test_balance_sheets_are_of_the_last_day_of_the_year() -> None:
    assert values(table(us_gaap(), "balance_sheet"), "total_assets") == {"FY2024": 1200, "FY2023": 1100, "FY2022": 1000}


def test_what_a_reader_expects_and_nobody_tagged_is_not_reported_and_other_lines_are_left_out() -> None:
    income = table(us_gaap(), "income")
    missing = income["pretax_income FY2024"]
    assert (missing.status, missing.value, missing.note) == ("not_reported", None, "not tagged in the filings")
    assert "noninterest_revenue FY2024" not in income


def test_three_months_are_taken_as_reported_or_as_the_difference_of_two_longer_periods() -> None:
    income, cash = (table(us_gaap(), statement, "quarterly", 4) for statement in ("income", "cash_flow"))
    assert values(income, "revenue") == {"Q4 2024": 220, "Q3 2024": 180, "Q2 2024": 170, "Q1 2024": 150}
    assert values(cash, "operating_cash_flow") == {"Q4 2024": 30, "Q3 2024": 25, "Q2 2024": 25, "Q1 2024": 20}
    assert (income["revenue Q3 2024"].status, income["revenue Q4 2024"].status) == ("reported", "derived")
    assert income["revenue Q4 2024"].formula == "the year to 2024-09-28 - the year to date to 2024-06-29"
    assert values(income, "eps_diluted") == {"Q1 2024": Decimal("0.04")}, "per share nothing can be subtracted"
    sheet = table(us_gaap(), "balance_sheet", "quarterly", 4)
    assert values(sheet, "total_assets") == {"Q4 2024": 1200, "Q3 2024": 1130, "Q2 2024": 1120, "Q1 2024": 1110}


def test_figures_from_before_a_split_are_not_compared_with_later_ones() -> None:
    income = table(us_gaap(), "income")
    assert values(income, "shares_diluted") == {"FY2024": 400, "FY2023": 404, "FY2022": 100}
    before = income["shares_diluted FY2022"]
    assert before.note == "as filed, before a share split; not comparable with FY2023, FY2024"
    assert income["eps_diluted FY2022"].note
    assert income["revenue FY2022"].note is None
    assert income["shares_diluted FY2023"].note is None


def test_a_tag_on_another_basis_says_so_and_equity_has_none() -> None:
    facts = us_gaap()
    facts["ProfitLoss"] = facts.pop("NetIncomeLoss")
    facts["StockholdersEquityIncludingPortionAttributableToNoncontrollingInterest"] = facts.pop("StockholdersEquity")
    assert table(facts, "income")["net_income FY2024"].note == "includes noncontrolling (minority) interests"
    sheet = table(facts, "balance_sheet")
    assert (sheet["equity FY2024"].status, sheet["equity_incl_nci FY2024"].value) == ("not_reported", 320)


@pytest.mark.parametrize("value", ["many", None, [1], True])
def test_what_is_no_number_is_never_one(value: object) -> None:
    facts = us_gaap()
    for line in facts["Revenues"]["units"]["USD"]:
        line["val"] = value
    found = table(facts, "income")["revenue FY2024"]
    assert (found.value, found.status) == (None, "error")


@settings(max_examples=10, deadline=None)
@given(seed=st.integers(0, 1000))
def test_the_order_of_lines_tells_nothing(seed: int) -> None:
    facts = us_gaap()
    for tag in facts.values():
        for lines in tag["units"].values():
            random.Random(seed).shuffle(lines)
    for statement in TAGS:
        for period in ("annual", "quarterly"):
            assert table(facts, statement, period) == table(us_gaap(), statement, period)


def test_every_field_is_of_the_vocabulary_and_on_its_statement() -> None:
    assert all(FIELDS[field].statement == statement for statement, fields in TAGS.items() for field in fields)


def test_another_reporting_currency_is_kept() -> None:
    facts = us_gaap()
    for tag in facts.values():
        tag["units"] = {unit.replace("USD", "EUR"): lines for unit, lines in tag["units"].items()}
    assert table(facts, "income")["revenue FY2024"].currency == "EUR"
    assert table(facts, "income")["eps_diluted FY2024"].unit == "EUR/share"


# ---------------------------------------------------------------------------------------------- the provider

CALLS: list[tuple[str, tuple[Any, ...]]] = [
    ("search_symbols", ("apple",)),
    ("get_company_profile", ("AAPL",)),
    ("get_financials", ("AAPL", "income", "annual", 2)),
    ("get_financials", ("AAPL", "cash_flow", "quarterly", 2)),
    ("get_sec_filings", ("AAPL", "10-K")),
]


def test_each_capability_works_alike_in_both_forms(run_async: Any) -> None:
    with sec_server() as server:
        provider = sec(server)
        assert {name for name, _ in CALLS} == provider.capabilities
        for name, args in CALLS:
            waited, awaited = getattr(provider, name)(*args), run_async(getattr(provider, f"a{name}")(*args))
            assert waited == awaited
            assert waited
    assert {request.headers["user-agent"] for request in server.requests} == {f"finassist {CONTACT}"}
    assert all(not request.query for request in server.requests)


def test_a_profile_and_filings() -> None:
    with sec_server() as server:
        profile = sec(server).get_company_profile("AAPL")
        [filing] = sec(server).get_sec_filings("AAPL", "10-K")
    assert (profile.name, profile.industry, profile.location) == (
        "Example Inc.", "Electronic Computers", "Example Town, CA",
    )  # fmt: skip
    assert profile.website is None, "no link that would run something"
    assert "sector" in profile.missing
    assert filing.url == "https://www.sec.gov/Archives/edgar/data/320193/000032019324000123/a-20240928.htm"


def test_a_report_asks_once_for_all_statements_and_names_what_the_sec_has_not(run_async: Any) -> None:
    with sec_server() as server:
        workflow = FinancialAssistantWorkflow(db=None, provider=sec(server))
        answered = run_async(workflow.arun("Tell me about Apple"))
    assert sorted(request.path for request in server.requests) == [FACTS, SUBMISSIONS]
    assert {fact.statement for fact in answered.facts} >= {"income", "balance_sheet", "cash_flow"}
    assert {gap.need: gap.error for gap in answered.gaps} == {"quote": "NotOffered"}
    [growth] = [fact for fact in answered.facts if fact.key == "AAPL/eps_growth/FY2023"]
    assert (growth.status, "share split" in str(growth.note)) == ("not_meaningful", True)


def test_embedded_prices_stand_in_when_they_are_listed(run_async: Any) -> None:
    with sec_server() as server:
        workflow = FinancialAssistantWorkflow(db=None, provider=[sec(server), "embedded"])
        answered = run_async(workflow.arun("Tell me about Apple"))
    assert answered.gaps == []
    price = next(fact for fact in answered.facts if fact.field == "price")
    assert "SEC EDGAR: does not offer it" in price.source


def test_answers_are_kept(tmp_path: Any, run_async: Any) -> None:
    with sec_server() as server:
        first = run_async(fetch_facts(sec(server, cache=Cache(tmp_path)), "income", "AAPL"))
        again = run_async(fetch_facts(sec(server, cache=Cache(tmp_path)), "income", "AAPL"))
    assert len(server.requests) == 1
    assert again[0].source == f"{first[0].source} (cached)"


# ------------------------------------------------------------------------------------------------- failures

UNDECLARED = "<html><h1>Your Request Originates from an Undeclared Automated Tool</h1></html>"
THRESHOLD = "<html><h1>Request Rate Threshold Exceeded</h1></html>"


@pytest.mark.parametrize(
    ("reply", "error", "said"),
    [
        (answer(UNDECLARED, status=403), AuthError, "FINASSIST_SEC_CONTACT"),
        (answer(THRESHOLD, status=403), RateLimited, "fewer requests"),
        (answer("<Error>NoSuchKey</Error>", status=404), NotFound, "has nothing"),
        (company_facts() | {"cik": 1}, BadPayload, "another company"),
        (company_facts() | {"facts": {"ifrs-full": {"Assets": {}}}}, NotOffered, "IFRS"),
        (company_facts() | {"facts": {"us-gaap": {"Assets": []}}}, NotOffered, "US GAAP"),
        ({"cik": 320193}, BadPayload, "without facts"),
        ([], BadPayload, "object"),
        (answer("x" * 70_000_000), TooLarge, "64 MB"),
    ],
)
def test_what_can_go_wrong_has_its_name(reply: Any, error: type[Exception], said: str) -> None:
    with sec_server({FACTS: reply}) as server, pytest.raises(error, match=said) as raised:
        sec(server).get_financials("AAPL")
    assert type(raised.value) is error


@pytest.mark.parametrize("found", [[], {"cik": "1"}, submissions() | {"cik": None}])
def test_a_profile_of_somebody_else_is_refused(found: Any) -> None:
    with sec_server({SUBMISSIONS: found}) as server, pytest.raises(BadPayload):
        sec(server).get_company_profile("AAPL")


def test_a_symbol_that_nobody_has_is_not_asked_for() -> None:
    with sec_server() as server, pytest.raises(UnknownSymbol, match=r"no symbol QQZZX"):
        sec(server).get_financials("QQZZX")
    assert not server.requests


@pytest.mark.parametrize(("statement", "period"), [("income", "ttm"), ("equity", "annual")])
def test_what_is_not_offered_says_what_is(statement: str, period: str) -> None:
    with sec_server() as server, pytest.raises(NotOffered, match="Use one of"):
        sec(server).get_financials("AAPL", statement, period)


@pytest.mark.parametrize("contact", ["", "me", "a@b", "a@b.org\r\nX-Evil: 1", "a b@c.org", "é@example.org"])
def test_without_an_address_to_write_to_it_is_not_built(contact: str) -> None:
    with pytest.raises(ConfigurationError, match="FINASSIST_SEC_CONTACT"):
        open_provider("sec", Settings(sec_contact=contact))


def test_it_has_a_name_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FINASSIST_SEC_CONTACT", f" {CONTACT} ")
    assert isinstance(open_provider("sec"), SECProvider)


def test_no_more_than_ten_requests_leave_in_any_second() -> None:
    limiter = make_limiter(None, 10)
    assert limiter
    assert limiter.max_rate + limiter.max_rate / limiter.time_period <= 10  # a burst, and what flows back meanwhile
