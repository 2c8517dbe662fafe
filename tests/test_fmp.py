"""`FMPProvider`: what it asks, how it fails, and that its report is the report from our own data."""

from __future__ import annotations

import asyncio
import copy
import pickle
import re
from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from agno.tools.finance import FinanceTools, Quote

from finassist import FinancialAssistantWorkflow
from finassist.core.concurrency import bridge
from finassist.core.errors import (
    AuthError,
    BadPayload,
    BridgeError,
    ConfigurationError,
    InvalidSymbol,
    NotOffered,
    PlanError,
    QuotaExhausted,
    SourceTimeout,
    UnknownSymbol,
)
from finassist.core.facts import FIELDS, Fact
from finassist.providers.base import Periods, fetch_facts
from finassist.providers.embedded import EmbeddedProvider
from finassist.providers.fmp import FMPProvider
from finassist.providers.fmp.rows import statement_facts
from finassist.providers.http.cache import Cache
from finassist.providers.values import changes
from tests.fmp_server import ASKED, KEY, STATEMENT_PATHS, fixture, fmp, fmp_server
from tests.servers import answer, silent

# ------------------------------------------------------------------------------------------- the provider

CALLS: list[tuple[str, tuple[Any, ...]]] = [
    ("search_symbols", ("fruit",)),
    ("get_quote", ("AAPL",)),
    ("get_price_history", ("AAPL", "1y", "1mo")),
    ("get_company_profile", ("AAPL",)),
    ("get_key_metrics", ("AAPL",)),
    ("get_financials", ("AAPL", "income", "annual", 2)),
    ("get_financials", ("AAPL", "income", "quarterly", 2)),
    ("get_financials", ("AAPL", "income", "ttm")),
    ("get_news", ("AAPL", 1)),
    ("get_analyst_recommendations", ("AAPL",)),
]


def test_each_capability_works_alike_in_both_forms(run_async: Any) -> None:
    with fmp_server() as server:
        provider = fmp(server)
        assert {name for name, _ in CALLS} == provider.capabilities
        for name, args in CALLS:
            waited, awaited = getattr(provider, name)(*args), run_async(getattr(provider, f"a{name}")(*args))
            assert waited == awaited
            assert waited
            assert getattr(waited, "facts", None) == getattr(awaited, "facts", None)


ANSWERS = {
    "quote": ("aget_quote", ()),
    "history": ("aget_price_history", ("2y", "1mo")),
    "profile": ("aget_company_profile", ()),
    "income": ("aget_financials", ("income", "annual", 5)),
    "balance_sheet": ("aget_financials", ("balance_sheet", "annual", 5)),
    "cash_flow": ("aget_financials", ("cash_flow", "annual", 5)),
}


@pytest.mark.parametrize("need", ANSWERS)
def test_a_report_gets_the_facts_that_answers_carry(need: Any, run_async: Any) -> None:
    method, args = ANSWERS[need]
    with fmp_server() as server:
        provider = fmp(server)
        found = run_async(fetch_facts(provider, need, "AAPL", limit=5))
        answer = run_async(getattr(provider, method)("AAPL", *args))
    answers = answer if isinstance(answer, list) else [answer]
    assert found == [fact for each in answers for fact in each.facts]
    assert found


class Half(FMPProvider):
    """Quotes at half the price."""

    async def aget_quote(self, symbol: str) -> Any:
        quote = await super().aget_quote(symbol)
        return Quote(symbol=symbol, price=(quote.price or 0) / 2, currency="USD", as_of=quote.as_of)


def test_what_a_subclass_answers_is_what_a_report_gets(run_async: Any) -> None:
    with fmp_server() as server:
        halved, plain = fmp(server, Half), fmp(server)
        replaced = fmp(server)
        replaced.aget_quote = halved.aget_quote
        for provider, price in ((halved, "60.25"), (replaced, "60.25"), (plain, "120.5")):
            facts = {fact.field: fact for fact in run_async(fetch_facts(provider, "quote", "AAPL"))}
            assert facts["price"].value == Decimal(price)
        assert run_async(fetch_facts(halved, "history", "AAPL")) == run_async(fetch_facts(plain, "history", "AAPL"))


def test_the_sync_form_works_on_a_thread_whose_loop_is_running(run_async: Any) -> None:
    with fmp_server() as server:
        provider = fmp(server)

        async def cell() -> float | None:
            return provider.get_quote("aapl").price

        assert run_async(cell()) == 120.5


def test_the_sync_form_refuses_to_wait_for_itself() -> None:
    with fmp_server() as server:
        provider = fmp(server)

        async def inside() -> None:
            provider.get_quote("AAPL")

        with pytest.raises(BridgeError, match="await aget_quote"):
            asyncio.run_coroutine_threadsafe(inside(), bridge.loop).result()


def test_requests_name_what_is_wanted(run_async: Any) -> None:
    with fmp_server() as server:
        run_async(fmp(server, plan="starter").aget_financials("$aapl", "income", "annual", 8))
        run_async(fmp(server).aget_financials("AAPL", "income", "annual", 8))
        first, second = server.requests
    assert first.query == {"symbol": "AAPL", "period": "annual", "limit": "8", "apikey": KEY}
    assert second.query["limit"] == "5"


def test_settings_apply_where_nothing_else_is_said(monkeypatch: pytest.MonkeyPatch, run_async: Any) -> None:
    monkeypatch.setenv("FINASSIST_FMP_PLAN", "premium")
    monkeypatch.setenv("FINASSIST_FMP_API_KEY", "another-key-987")
    monkeypatch.setenv("FINASSIST_CACHE", "false")
    monkeypatch.setenv("FINASSIST_HTTP_TIMEOUT", "0.5")
    with fmp_server({"/quote": silent()}) as server:
        provider = FMPProvider(base_url=server.url)
        assert provider.status().detail == "key set, premium plan"
        run_async(provider.aget_financials("AAPL", limit=30))
        assert server.requests[-1].query["limit"] == "30"
        assert server.requests[-1].query["apikey"] == "another-key-987"
        with pytest.raises(SourceTimeout):
            run_async(provider.aget_quote("AAPL"))
        assert provider.requests_today >= 2


def test_what_cannot_be_asked_is_not_asked(run_async: Any) -> None:
    with fmp_server() as server:
        provider = fmp(server)
        with pytest.raises(InvalidSymbol):
            run_async(provider.aget_quote("../../x"))
        with pytest.raises(NotOffered, match="annual, quarterly, ttm"):
            run_async(provider.aget_financials("AAPL", period="weekly"))
        with pytest.raises(NotOffered, match="interval"):
            run_async(provider.aget_price_history("AAPL", interval="1s"))
        assert not server.requests


@pytest.mark.parametrize(
    ("act", "error", "words"),
    [
        (answer({"Error Message": "Invalid API KEY. Look it up."}, status=401), AuthError, "key"),
        (answer("Premium Query Parameter: 'Special Endpoint : 'symbol' is not in your subscription", status=402),
         PlanError, "your starter plan"),
        (answer({"Error Message": "Limit Reach . Please upgrade"}, status=429), QuotaExhausted, "used up"),
        (answer([{"symbol": "MSFT"}]), BadPayload, "MSFT"),
        (answer([]), UnknownSymbol, "AAPL"),
    ],
    ids=["key", "plan", "quota", "other", "unknown"],
)  # fmt: skip
def test_failures_have_names_and_never_show_the_key(act: Any, error: Any, words: str, run_async: Any) -> None:
    with fmp_server({"/quote": act}) as server, pytest.raises(error, match=words) as caught:
        run_async(fmp(server, plan="starter").aget_quote("AAPL"))
    assert KEY not in str(caught.value)
    assert KEY not in repr(caught.value)


def test_metrics_survive_the_failure_of_one_of_two_sources(run_async: Any) -> None:
    with fmp_server({"/ratios-ttm": answer("Restricted Endpoint: upgrade", status=402)}) as server:
        metrics = run_async(fmp(server).aget_key_metrics("AAPL"))
        assert metrics.return_on_equity == 1.25
        assert metrics.pe_ratio is None
        assert any("plan" in note for note in metrics.notes)
    refused = answer("Restricted Endpoint: upgrade", status=402)
    with fmp_server({"/ratios-ttm": refused, "/key-metrics-ttm": refused}) as server, pytest.raises(PlanError):
        run_async(fmp(server).aget_key_metrics("AAPL"))


def test_a_kept_answer_says_so_and_a_wrong_one_is_not_kept(run_async: Any, tmp_path: Any) -> None:
    with fmp_server({"/profile": [{"symbol": "MSFT"}]}) as server:
        provider = fmp(server, cache=Cache(tmp_path))
        fresh, kept = (run_async(provider.aget_quote("AAPL")).facts[0].source for _ in range(2))
        assert kept == f"{fresh} (cached)"
        for _ in range(2):
            with pytest.raises(BadPayload):
                run_async(provider.aget_company_profile("AAPL"))
        assert [request.path for request in server.requests] == ["/quote", "/profile", "/profile"]


def test_without_a_key_it_says_how_to_get_one(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ConfigurationError, match=r"FMP_API_KEY.*provider=\"embedded\" needs no key"):
        FMPProvider()
    with pytest.raises(ConfigurationError):
        FMPProvider("  ")
    monkeypatch.setenv("FMP_API_KEY", KEY)
    assert FMPProvider().status().ok


def test_the_key_stays_inside() -> None:
    provider = FMPProvider(KEY, plan="premium")
    assert KEY not in repr(provider) + str(vars(provider)) + provider.status().detail
    assert copy.copy(provider) is provider
    assert copy.deepcopy(provider) is provider
    with pytest.raises(TypeError, match="never pickled"):
        pickle.dumps(provider)
    with pytest.raises(ConfigurationError, match="free, starter"):
        FMPProvider(KEY, plan="gold")  # type: ignore[arg-type]


def test_agno_finds_it_by_name(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FMP_API_KEY", KEY)
    assert isinstance(FinanceTools(provider="fmp").provider, FMPProvider)


# ---------------------------------------------------------------------------------------------- end to end


def ours(path: str, statement: str) -> list[Fact]:
    """The fixture's figures, told as our own data would tell them; what is zero there is not reported here."""
    facts = statement_facts(fixture(path), ASKED, statement, "annual", 5)
    return [
        Fact(**{**_fields(fact), "source": f"SEC 10-K of {fact.period}", "note": _absent(fact)})
        for fact in facts
    ]  # fmt: skip


def _fields(fact: Fact) -> dict[str, Any]:
    names = ("symbol", "field", "value", "unit", "currency", "period", "period_end", "as_of", "statement", "status")
    return {name: getattr(fact, name) for name in names}


def _absent(fact: Fact) -> str | None:
    return None if fact.known else "not reported in this form in the filings"


class OurData(EmbeddedProvider):
    """The made-up company as embedded data."""

    async def fetch_facts(self, need: Any, symbol: str, periods: Periods) -> list[Fact]:
        if need in STATEMENT_PATHS:
            return ours(STATEMENT_PATHS[need], need)
        if need == "history":
            closes = {date(2025, 11, 28): "112", date(2025, 12, 31): "117.25", date(2026, 1, 16): "120.5"}
            return [self._price(symbol, "close", value, day) for day, value in closes.items()]
        if need == "profile":
            return await super().fetch_facts(need, symbol, periods)
        values = {"price": "120.5", "previous_close": "120", "open": "119.5", "high": "121.75", "low": "118.25",
                  "volume": "31000000", "market_cap": "241000000000", "fifty_two_week_high": "131.5",
                  "fifty_two_week_low": "88.125"}  # fmt: skip
        facts = {name: self._price(symbol, name, value, date(2026, 1, 17)) for name, value in values.items()}
        return [*facts.values(), *changes(facts["price"], facts["previous_close"])]

    async def fetch_figures(self, symbol: str) -> list[Fact]:
        return []  # no quarters, as with the other source

    async def fetch_closes(self, symbol: str) -> list[Fact]:
        return []

    @staticmethod
    def _price(symbol: str, field: str, value: str, day: date) -> Fact:
        unit = FIELDS[field].unit
        return Fact(
            symbol=symbol, field=field, value=Decimal(value), unit=unit, currency="USD" if "USD" in unit else None,
            period=day.isoformat(), period_end=day, as_of=day, source="published prices", statement="price",
        )  # fmt: skip


def told(content: str) -> str:
    """A report without its sources and without words on why a figure is absent."""
    return re.sub(r"## Sources\n.*", "", content, flags=re.S)


def test_the_report_is_the_same_whatever_the_source() -> None:
    question = "Give me a full report on Apple"
    with fmp_server() as server:
        live = FinancialAssistantWorkflow(provider=fmp(server), db=None).run(question)
    embedded = FinancialAssistantWorkflow(provider=OurData(), db=None).run(question)
    assert "## Sources" in live.content
    assert not live.gaps
    assert told(live.content) == told(embedded.content)
    assert {fact.key: fact.value for fact in live.facts if fact.known and fact.statement != "profile"} == {
        fact.key: fact.value for fact in embedded.facts if fact.known and fact.statement != "profile"
    }


def test_figures_are_answered_by_a_source_of_whole_statements() -> None:
    with fmp_server() as server, FinancialAssistantWorkflow(provider=fmp(server), db=None) as workflow:
        price = workflow.run("What is Apple's stock price?")
        margin = workflow.run("What is Apple's net margin?")
        highest = workflow.run("Which company has the highest revenue?")
    assert price.headline == "Apple's share price was USD 120.50 at the close on 2026-01-17."
    assert "Source: Financial Modeling Prep" in price.content
    assert margin.headline.startswith("Apple's net margin was ")
    assert {fact.field for fact in margin.facts} == {"net_margin", "net_income", "revenue"}
    assert (highest.facts, [gap.error for gap in highest.gaps]) == ([], ["NotOffered"])
    assert "about companies by name" in highest.content


def test_a_report_from_both_forms_names_its_source(run_async: Any) -> None:
    with fmp_server() as server:
        workflow = FinancialAssistantWorkflow(provider=fmp(server), db=None)
        waited = workflow.run("Tell me about Apple")
        awaited = run_async(workflow.arun("Tell me about Apple"))
    assert waited.content == awaited.content
    assert "Financial Modeling Prep, income statement, filed 2025-10-30, fetched" in waited.content
    assert KEY not in waited.content + str(waited.to_dict())


def test_all_refused_gives_no_report_but_the_cause_once(run_async: Any) -> None:
    invalid = answer({"Error Message": "Invalid API KEY."}, status=401)
    with fmp_server(dict.fromkeys([*STATEMENT_PATHS.values(), "/quote", "/profile", "/historical-price-eod/full"],
                                  invalid)) as server:  # fmt: skip
        found = run_async(FinancialAssistantWorkflow(provider=fmp(server), db=None).arun("Tell me about Apple"))
    assert found.content.startswith("There are no figures for")
    assert found.content.count("API key") == 1
    assert {gap.error for gap in found.gaps} == {"AuthError"}
    assert not found.facts
