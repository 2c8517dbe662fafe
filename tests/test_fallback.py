"""Several providers in order: the next is asked only because it was listed, and every figure says who delivered it."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from agno.tools.finance import FinanceProvider, ProviderStatus
from agno.tools.finance.base import NotSupportedError

from finassist import FinancialAssistantWorkflow, Settings
from finassist.core.errors import (
    ConfigurationError,
    DataError,
    InvalidSymbol,
    NotOffered,
    PlanError,
    QuotaExhausted,
    RateLimited,
    SourceTimeout,
    UnknownProvider,
    Unreachable,
)
from finassist.providers.base import NEEDS, fetch_facts
from finassist.providers.embedded import EmbeddedProvider
from finassist.providers.fmp import FMPProvider
from finassist.providers.registry import REASONS, FallbackProvider, open_provider
from finassist.providers.to_agno import SourcedQuote
from tests.fmp_server import KEY, PATHS, fmp, fmp_server
from tests.servers import answer
from tests.worlds import ScriptedProvider, World

USED_UP = answer({"Error Message": "Limit Reach . Please upgrade your plan"}, status=429)
NOT_IN_PLAN = answer("Premium Query Parameter: upgrade your subscription", status=402)


def scripted(mood: str, symbol: str = "AAPL", **options: Any) -> ScriptedProvider:
    """A source in the same mood about every need."""
    return ScriptedProvider(World(sources={f"{need} {symbol}": mood for need in NEEDS}), **options)


def report(*providers: FinanceProvider) -> Any:
    return FinancialAssistantWorkflow(provider=list(providers), db=None)  # type: ignore[arg-type]


# --------------------------------------------------------------------------------------------- opening


def test_names_lists_and_objects_open_alike(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FMP_API_KEY", KEY)
    mine = EmbeddedProvider()
    listed = [open_provider("fmp, embedded"), open_provider(["fmp", mine]), open_provider(("fmp", "embedded"))]
    for each in listed:
        assert isinstance(each, FallbackProvider)
        assert [type(one) for one in each.providers] == [FMPProvider, EmbeddedProvider]
    assert open_provider(["embedded"]).id == open_provider("embedded,").id == "embedded"
    assert open_provider(mine) is mine


def test_auto_is_live_data_where_there_is_a_key_and_never_both(monkeypatch: pytest.MonkeyPatch) -> None:
    assert isinstance(open_provider("auto"), EmbeddedProvider)
    monkeypatch.setenv("FINASSIST_SEC_CONTACT", "someone@example.org")
    found = open_provider("auto")
    assert getattr(found, "providers", [found])[0].id == "sec", "prices are those of yfinance if that is installed"
    monkeypatch.setenv("FMP_API_KEY", KEY)
    assert isinstance(open_provider("auto"), FMPProvider)


@pytest.mark.parametrize("name", ["fmp", "sec", "financial_datasets"])
def test_a_missing_key_is_named_before_the_first_request(name: str) -> None:
    with pytest.raises(ConfigurationError, match=r"Set|set"):
        open_provider(name)


@pytest.mark.parametrize("nothing", ["", " , ", [], ()])
def test_an_empty_list_is_refused(nothing: Any) -> None:
    with pytest.raises(ConfigurationError, match="Name one"):
        open_provider(nothing)


@pytest.mark.parametrize("wrong", ["bloomberg", "embedded,bloomberg", ["embedded", 5], 5, None, [None]])
def test_what_is_no_provider_is_named(wrong: Any) -> None:
    with pytest.raises(UnknownProvider, match=r"\"embedded\".*\"fmp\""):
        open_provider(wrong)


def test_a_provider_without_its_key_is_refused_when_opened() -> None:
    with pytest.raises(ConfigurationError, match="FMP_API_KEY"):
        open_provider("fmp,embedded")


def test_the_environment_can_list_providers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FMP_API_KEY", KEY)
    monkeypatch.setenv("FINASSIST_PROVIDER", "fmp,embedded")
    workflow = FinancialAssistantWorkflow(db=None)
    assert workflow.provider.name == "Financial Modeling Prep, then finassist embedded data"


# -------------------------------------------------------------------------------------------- in a report


def test_each_need_falls_back_by_itself_and_every_figure_says_so(run_async: Any) -> None:
    with fmp_server({"/income-statement": NOT_IN_PLAN}) as server:
        workflow = report(fmp(server), EmbeddedProvider())
        waited, awaited = workflow.run("Tell me about Apple"), run_async(workflow.arun("Tell me about Apple"))
    assert waited.content == awaited.content
    assert not waited.gaps
    sources = {fact.statement: fact.source for fact in waited.facts if fact.inputs == () and fact.source}
    assert sources["income"].startswith("finassist embedded data: ")
    assert sources["income"].endswith("(Financial Modeling Prep: not part of the plan)")
    assert sources["balance_sheet"].startswith("Financial Modeling Prep, balance sheet, filed")
    assert "Financial Modeling Prep: not part of the plan" in waited.content.partition("## Sources")[2]


def test_nobody_else_is_asked_where_nothing_failed(run_async: Any) -> None:
    second = scripted("fine")
    with fmp_server() as server:
        found = run_async(report(fmp(server), second).arun("Tell me about Apple"))
    assert not second.asked
    assert all("Scripted" not in fact.source for fact in found.facts)


def test_figures_of_a_plain_provider_carry_its_own_name(run_async: Any) -> None:
    with fmp_server(dict.fromkeys(PATHS, USED_UP)) as server:
        found = run_async(report(fmp(server), scripted("fine")).arun("What is Apple's stock price?"))
    price = next(fact for fact in found.facts if fact.field == "price")
    assert price.source == "Scripted source (Financial Modeling Prep: quota used up)"
    assert price.value == 12.5


def test_a_listed_provider_that_fails_too_leaves_every_cause(run_async: Any) -> None:
    with fmp_server(dict.fromkeys(PATHS, USED_UP)) as server:
        found = run_async(report(fmp(server), scripted("refuses")).arun("Tell me about Apple"))
    assert found.content.startswith("There are no figures for")
    assert {gap.error for gap in found.gaps} == {"DataError"}
    for gap in found.gaps:
        assert "used up" in gap.reason
        assert "is refused" in gap.reason


# ---------------------------------------------------------------------------------------- who is asked next


@pytest.mark.parametrize("mood", ["refuses", "times_out", "malformed", "bad", "empty", "other_symbol"])
@pytest.mark.parametrize("need", NEEDS)
def test_every_kind_of_failure_goes_on_to_the_next(mood: str, need: Any, run_async: Any) -> None:
    providers = FallbackProvider([scripted(mood), scripted("fine")])
    facts = run_async(fetch_facts(providers, need, "AAPL"))
    assert facts
    assert all("Scripted source (Scripted source: " in fact.source for fact in facts)


def test_a_bug_is_not_a_reason_to_ask_somebody_else(run_async: Any) -> None:
    second = scripted("fine")
    with pytest.raises(TypeError, match="bug in quote"):
        run_async(fetch_facts(FallbackProvider([scripted("bug"), second]), "quote", "AAPL"))
    assert not second.asked


def test_what_is_asked_for_wrongly_is_not_asked_twice(run_async: Any) -> None:
    second = scripted("fine", "../x")
    with pytest.raises(InvalidSymbol):
        run_async(FallbackProvider([EmbeddedProvider(), second]).aget_quote("../x"))
    assert not second.asked


def test_a_cancellation_stops_everything(run_async: Any) -> None:
    second = scripted("fine")

    async def cancel() -> None:
        first = scripted("fine", delay=60)
        task = asyncio.create_task(FallbackProvider([first, second]).aget_quote("AAPL"))
        while not first.asked:
            await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    run_async(cancel())
    assert not second.asked


def test_a_slow_provider_leaves_time_for_the_next(run_async: Any) -> None:
    providers = FallbackProvider([scripted("fine", delay=60), scripted("fine")], timeout=0.01)
    [price, *_] = run_async(fetch_facts(providers, "quote", "AAPL"))
    assert price.source.endswith("(Scripted source: did not answer in time)")


def test_the_time_of_a_fetch_is_shared_among_the_providers(monkeypatch: pytest.MonkeyPatch) -> None:
    listed = [scripted("fine"), scripted("fine")]
    assert open_provider(listed, Settings(fetch_timeout=8)).timeout == 4
    assert open_provider(listed, Settings(fetch_timeout=8, question_timeout=2)).timeout == 1
    monkeypatch.setenv("FINASSIST_FETCH_TIMEOUT", "5")
    assert FallbackProvider(listed).timeout == 2.5


def test_the_last_provider_has_all_the_time_there_is(run_async: Any) -> None:
    providers = FallbackProvider([scripted("refuses"), scripted("fine", delay=0.05)], timeout=0.001)
    assert run_async(fetch_facts(providers, "quote", "AAPL"))


def test_failing_alike_is_that_failure_and_failing_variously_names_all(run_async: Any) -> None:
    with pytest.raises(SourceTimeout, match=r"No listed provider delivered it\. .*took too long"):
        run_async(fetch_facts(FallbackProvider([scripted("times_out")] * 2), "quote", "AAPL"))
    with pytest.raises(DataError, match=r"took too long\. Ask again\. .*is refused") as caught:
        run_async(fetch_facts(FallbackProvider([scripted("times_out"), scripted("refuses")]), "quote", "AAPL"))
    assert type(caught.value) is DataError
    with pytest.raises(SourceTimeout, match=r"^quote of AAPL took too long"):
        run_async(fetch_facts(FallbackProvider([scripted("times_out")]), "quote", "AAPL"))


def test_every_named_failure_has_its_few_words() -> None:
    assert set(DataError.__subclasses__()) <= set(REASONS)


# ----------------------------------------------------------------------------------- as an Agno provider


def test_agnos_answers_come_from_the_first_that_has_one(run_async: Any) -> None:
    with fmp_server({"/quote": USED_UP}) as server:
        providers = FallbackProvider([fmp(server), EmbeddedProvider()])
        quote, again = providers.get_quote("AAPL"), run_async(providers.aget_quote("AAPL"))
        assert providers.get_news("AAPL")[0].title == "Fruit <b>ripens</b>"
    assert isinstance(quote, SourcedQuote)
    assert quote == again
    assert "Financial Modeling Prep: quota used up; asked finassist embedded data instead" in quote.notes
    assert all("quota used up" in fact.source for fact in quote.facts)


def test_a_provider_is_passed_over_for_what_it_does_not_offer() -> None:
    with fmp_server() as server:
        providers = FallbackProvider([EmbeddedProvider(), fmp(server)])
        assert providers.capabilities == fmp(server).capabilities
        assert providers.get_analyst_recommendations("AAPL").consensus == "Buy"
    with pytest.raises(NotSupportedError):
        providers.get_insider_trades("AAPL")
    with pytest.raises(NotOffered, match="news"):
        asyncio.run(FallbackProvider([EmbeddedProvider()]).aget_news("AAPL"))


def test_statements_carry_the_remark_on_each_row() -> None:
    with fmp_server({"/income-statement": NOT_IN_PLAN}) as server:
        rows = FallbackProvider([fmp(server, plan="free"), EmbeddedProvider()]).get_financials("AAPL", limit=2)
    assert len(rows) == 2
    for row in rows:
        assert any("not part of the plan" in note for note in row.notes)  # type: ignore[attr-defined]


def test_status_names_each_and_is_good_when_one_is(run_async: Any) -> None:
    class Broken(EmbeddedProvider):
        name = "broken"

        def status(self) -> ProviderStatus:
            return ProviderStatus(ok=False, detail="gone")

    both = FallbackProvider([Broken(), EmbeddedProvider()])
    assert both.status() == run_async(both.astatus())
    assert both.status().ok
    assert both.status().detail.startswith("broken: gone; finassist embedded data: ")
    assert not FallbackProvider([Broken()]).status().ok


def test_errors_keep_their_kind_for_a_single_provider(run_async: Any) -> None:
    with fmp_server({"/quote": NOT_IN_PLAN}) as server, pytest.raises(PlanError):
        run_async(FallbackProvider([fmp(server)]).aget_quote("AAPL"))
    with fmp_server({"/quote": USED_UP}) as server, pytest.raises(QuotaExhausted):
        run_async(FallbackProvider([fmp(server), fmp(server)]).aget_quote("AAPL"))


class Foreign(EmbeddedProvider):
    """Raises what Agno's providers let through from the packages they ask with."""

    id, name = "foreign", "Yahoo"

    def __init__(self, problem: Exception) -> None:
        self.problem = problem

    async def aget_quote(self, symbol: str) -> Any:
        raise self.problem


YAHOO_LIMIT = type("YFRateLimitError", (Exception,), {"__module__": "yfinance.exceptions"})
NO_DNS = type("DNSError", (OSError,), {"__module__": "curl_cffi.requests.exceptions"})


@pytest.mark.parametrize(("problem", "named"), [(YAHOO_LIMIT(), RateLimited), (NO_DNS("host"), Unreachable)])
def test_exceptions_of_the_packages_that_agno_asks_with_are_failures_of_the_source(
    problem: Exception, named: type[DataError], run_async: Any
) -> None:
    with pytest.raises(named, match="Yahoo"):
        run_async(fetch_facts(Foreign(problem), "quote", "AAPL"))
    both = FallbackProvider([Foreign(problem), EmbeddedProvider()])
    assert REASONS[named] in run_async(fetch_facts(both, "quote", "AAPL"))[0].source
    assert run_async(both.aget_quote("AAPL")).price
    with pytest.raises(KeyError):
        run_async(fetch_facts(FallbackProvider([Foreign(KeyError("a bug")), EmbeddedProvider()]), "quote", "AAPL"))
