"""Every setting does something that a user can see. One test for each; a setting without one fails."""

from __future__ import annotations

import asyncio
import io
import re
from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from finassist import FinancialAssistantWorkflow, Settings, trace
from finassist.core.errors import (
    ConfigurationError,
    ModelError,
    QuestionTooLong,
    RateLimited,
    SourceTimeout,
    Unreachable,
)
from finassist.llm import resolve_model
from finassist.providers.fmp import FMPProvider
from finassist.providers.registry import open_provider
from finassist.providers.sec import SECProvider
from tests.fmp_server import KEY, fixture, fmp_server
from tests.model_server import ModelServer
from tests.sec_server import sec_server
from tests.servers import Gate, Server, answer, held, silent
from tests.worlds import ScriptedModel, ScriptedProvider, World

shown: Counter[str] = Counter()


def shows(*settings: str) -> Callable[[Any], Any]:
    """Marks the test that shows the effect of a setting."""
    shown.update(settings)
    return lambda test: test


def settings(tmp_path, **more: Any) -> Settings:
    return Settings(_env_file=None, cache_folder=tmp_path / "cache", home=tmp_path, fmp_api_key=KEY, **more)


def ask(question: str, **more: Any) -> Any:
    model = more.pop("model", "offline")
    return FinancialAssistantWorkflow(db=None, model=model, **more).run(question)


# ------------------------------------------------------------------------------------------ a workflow


@shows("home")
def test_home_is_where_sessions_are(tmp_path) -> None:
    chosen = Settings(home=tmp_path / "here")
    FinancialAssistantWorkflow(settings=chosen, model="offline", provider="embedded").run("What is EBITDA?")
    assert chosen.database == tmp_path / "here" / "sessions.db"
    assert chosen.database.stat().st_mode & 0o777 == 0o600


@shows("model", "provider")
def test_model_and_provider_are_what_is_asked(tmp_path) -> None:
    chosen = settings(tmp_path, model="openai:my-model", provider="fmp", openai_api_key=KEY)
    workflow = FinancialAssistantWorkflow(settings=chosen, db=None)
    assert (workflow.model.id, workflow.provider.id) == ("my-model", "fmp")


@shows("routing")
@pytest.mark.parametrize(("routing", "asked"), [("rules", 0), ("model", 1)])
def test_routing_decides_whether_a_model_is_asked(routing, asked) -> None:
    model = ScriptedModel(World())
    ask("Compare Apple and Microsoft", model=model, settings=Settings(routing=routing))
    assert bool(model.calls) == bool(asked)


@shows("narration")
@pytest.mark.parametrize("narration", [False, True])
def test_narration_asks_a_model_about_a_report(narration) -> None:
    model = ScriptedModel(World())
    ask("Compare Apple and Microsoft", model=model, settings=Settings(narration=narration))
    assert bool(model.calls) == narration


@shows("years")
@pytest.mark.parametrize("years", [1, 2, 5, 10])
def test_years_are_the_years_of_an_answer(years) -> None:
    answer = ask("What is Apple's income statement?", settings=Settings(years=years))
    there = min(years, len({fact.period for fact in answer.facts if fact.period.startswith("FY")}))
    shown = set(re.findall(r"\| (FY\d{4})", answer.content))
    assert len(shown) == there, "and not the year before, which is there for the growth"
    assert set(re.findall(r"<th[^>]*>(FY\d{4})", answer.to_html())) == shown


@shows("max_companies")
def test_max_companies_is_the_most_an_answer_is_about() -> None:
    found = ask("Compare Apple, Microsoft and Nvidia", settings=Settings(max_companies=2))
    assert len({fact.symbol for fact in found.facts}) <= 2


@shows("trace")
def test_trace_is_where_spans_go_and_its_password_is_not_shown() -> None:
    with Server(answer("")) as server:
        address = server.url.replace("://", "://me:hunter2-and-more@")
        chosen = Settings(trace=address)
        ask("What is Apple's stock price?", settings=chosen)
        with trace(InMemorySpanExporter()):  # ends the other
            assert [request.path for request in server.requests] == ["/v1/traces"]
    assert "hunter2" not in repr(chosen)


@shows("max_text_length")
def test_max_text_length_is_the_longest_text_that_is_checked() -> None:
    workflow = FinancialAssistantWorkflow(db=None, settings=Settings(max_text_length=20, max_question_length=5))
    assert workflow.check("Apple's P/E is 12.")
    with pytest.raises(QuestionTooLong, match=r"The text has 21 .* FINASSIST_MAX_TEXT_LENGTH"):
        workflow.check("a" * 21)


@shows("max_question_length")
def test_max_question_length_is_the_longest_question() -> None:
    with pytest.raises(QuestionTooLong, match="FINASSIST_MAX_QUESTION_LENGTH"):
        ask("What is EBITDA?", settings=Settings(max_question_length=5))


@shows("fetch_timeout", "question_timeout")
@pytest.mark.parametrize(
    ("limits", "variable"),
    [
        ({"fetch_timeout": 0.05, "question_timeout": 30}, "FINASSIST_FETCH_TIMEOUT"),
        ({"fetch_timeout": 30, "question_timeout": 0.05}, "FINASSIST_QUESTION_TIMEOUT"),
    ],
)
def test_a_fetch_that_takes_too_long_is_a_gap_that_names_the_setting(limits, variable) -> None:
    slow = ScriptedProvider(World(sources={"quote AAPL": "slow"}), delay=20)
    found = ask("What is Apple's stock price?", provider=slow, settings=Settings(**limits))
    assert {gap.error for gap in found.gaps} == {"SourceTimeout"}
    assert all(variable in gap.reason for gap in found.gaps)


@shows("remembered_turns", "summary_after")
def test_turns_beyond_the_remembered_ones_are_summarised(tmp_path) -> None:
    summarised = []
    for after in (2, 50):
        chosen = Settings(remembered_turns=1, summary_after=after)
        workflow = FinancialAssistantWorkflow(
            settings=chosen, db=tmp_path / f"{after}.db", model=ScriptedModel(World()), provider="embedded"
        )
        for question in ("What is EBITDA?", "What is free cash flow?", "What is a dividend?"):
            workflow.run(question, session_id="mine")
        workflow.close()
        summarised.append(str(workflow.sessions().iloc[0]["summary"]))
    assert [text == "They talked." for text in summarised] == [True, False]


# -------------------------------------------------------------------------------------- a data source


@shows("fmp_api_key")
def test_the_key_of_a_source_is_sent_to_it(tmp_path) -> None:
    with fmp_server() as server:
        FMPProvider(base_url=server.url, settings=settings(tmp_path)).get_quote("AAPL")
    assert KEY in server.requests[0].query.values()


@shows("http_timeout")
def test_http_timeout_is_how_long_a_request_may_take(tmp_path) -> None:
    with Server(silent()) as server:
        provider = FMPProvider(base_url=server.url, settings=settings(tmp_path, http_timeout=0.1))
        with pytest.raises(SourceTimeout):
            provider.get_quote("AAPL")


@shows("http_attempts")
@pytest.mark.parametrize("attempts", [1, 2])
def test_http_attempts_is_how_often_a_request_is_sent(attempts, tmp_path) -> None:
    with Server(answer("trouble", status=503)) as server:
        provider = FMPProvider(base_url=server.url, settings=settings(tmp_path, http_attempts=attempts))
        with pytest.raises(Unreachable):
            provider.get_quote("AAPL")
    assert len(server.requests) == attempts


@shows("concurrency")
@pytest.mark.parametrize("limit", [1, 3])
def test_concurrency_is_how_many_requests_are_under_way(limit, tmp_path, run_async) -> None:
    gate = Gate()

    async def all_at_once() -> int:
        async with Server(lambda request: held(gate, answer(fixture(request.path)))) as server:
            provider = FMPProvider(base_url=server.url, settings=settings(tmp_path, concurrency=limit, cache=False))
            async with asyncio.TaskGroup() as group:
                for statement in ("income", "balance_sheet", "cash_flow"):
                    group.create_task(provider.aget_financials("AAPL", statement))
                await server.until(lambda: server.peak == limit)
                gate.open()
            return server.peak

    assert run_async(all_at_once()) == limit


@shows("per_minute")
def test_per_minute_paces_requests(tmp_path, run_async) -> None:
    async def one_of_two() -> int:
        async with fmp_server() as server:
            provider = FMPProvider(base_url=server.url, settings=settings(tmp_path, per_minute=1, http_timeout=0.3))
            await provider.aget_quote("AAPL")
            with pytest.raises(RateLimited):
                await provider.aget_company_profile("AAPL")
            return len(server.requests)

    assert run_async(one_of_two()) == 1


@shows("cache", "cache_folder", "quote_lifetime")
@pytest.mark.parametrize(
    ("more", "requests", "kept"), [({}, 1, 1), ({"quote_lifetime": 0}, 2, 0), ({"cache": False}, 2, 0)]
)
def test_an_answer_is_used_again_while_it_lives(more, requests, kept, tmp_path) -> None:
    with fmp_server() as server:
        for _ in range(2):
            FMPProvider(base_url=server.url, settings=settings(tmp_path, **more)).get_quote("AAPL")
    assert len(server.requests) == requests
    assert len(list(tmp_path.glob("cache/*.sqlite"))) == kept


KINDS = {
    "history": lambda provider: provider.get_price_history("AAPL"),
    "news": lambda provider: provider.get_news("AAPL"),
    "recommendations": lambda provider: provider.get_analyst_recommendations("AAPL"),
    "metrics": lambda provider: provider.get_key_metrics("AAPL"),
    "profile": lambda provider: provider.get_company_profile("AAPL"),
    "statement": lambda provider: provider.get_financials("AAPL"),
    "search": lambda provider: provider.search_symbols("Apple"),
}


@shows(*(f"{kind}_lifetime" for kind in KINDS))
@pytest.mark.parametrize("kind", KINDS)
def test_each_kind_has_its_own_lifetime(kind, tmp_path) -> None:
    counts = []
    for lifetime in (1_000, 0):
        with fmp_server() as server:
            for _ in range(2):
                chosen = settings(tmp_path / str(lifetime), **{f"{kind}_lifetime": lifetime})
                KINDS[kind](FMPProvider(base_url=server.url, settings=chosen))
        counts.append(len(server.requests))
    assert counts[1] == 2 * counts[0] > 0


@shows("fmp_plan")
def test_the_plan_decides_how_many_statements_are_asked_for(tmp_path) -> None:
    asked = []
    for plan in ("free", "premium"):
        with fmp_server() as server:
            provider = FMPProvider(base_url=server.url, settings=settings(tmp_path / plan, fmp_plan=plan))
            provider.get_financials("AAPL", limit=10)
        asked.append(server.requests[0].query["limit"])
    assert asked == ["5", "10"]


@shows("sec_contact")
def test_the_sec_is_told_whom_to_write_to(tmp_path) -> None:
    with sec_server() as server:
        chosen = settings(tmp_path, sec_contact="somebody@example.org")
        SECProvider(base_url=server.url, settings=chosen).get_company_profile("AAPL")
    assert "somebody@example.org" in server.requests[0].headers["user-agent"]


@shows("financial_datasets_api_key")
def test_the_key_of_financial_datasets_reaches_its_provider(monkeypatch) -> None:
    monkeypatch.delenv("FINANCIAL_DATASETS_API_KEY", raising=False)
    provider = open_provider("financial_datasets", Settings(_env_file=None, financial_datasets_api_key=KEY))
    assert provider.api_key == KEY  # type: ignore[attr-defined]


@shows("live")
@pytest.mark.parametrize(("live", "shown"), [("on", True), ("off", False), ("auto", False)])
def test_live_is_whether_a_run_shows_itself(live, shown, monkeypatch) -> None:
    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    monkeypatch.setattr("sys.stderr", terminal := Terminal())
    ask("What is Apple's stock price?", settings=Settings(_env_file=None, live=live), provider="embedded")
    assert ("Apple" in terminal.getvalue()) == shown


# ------------------------------------------------------------------------------------------- a model


def chat_with(server: ModelServer, **more: Any) -> Any:
    chosen = Settings(_env_file=None, openai_api_key=KEY, **{"model_retries": 0, **more})
    model = resolve_model("openai:mine", chosen, base_url=server.url)
    return ask("What is EBITDA?", model=model, settings=chosen, provider="embedded")


@shows("model_timeout")
def test_model_timeout_is_how_long_a_model_may_take() -> None:
    with ModelServer({"chat": "silent"}) as server, pytest.raises(ModelError, match="FINASSIST_MODEL_TIMEOUT"):
        chat_with(server, model_timeout=0.3)


@shows("model_retries")
@pytest.mark.parametrize("retries", [0, 1])
def test_model_retries_is_how_often_an_overloaded_model_is_asked_again(retries) -> None:
    with ModelServer({"chat": "503"}) as server, pytest.raises(ModelError):
        chat_with(server, model_retries=retries)
    assert server.counts()["chat"] == 1 + retries


@shows("fallback_models")
def test_fallback_models_stand_in(monkeypatch) -> None:
    with ModelServer({"chat": "503"}) as server:
        monkeypatch.setenv("OPENAI_BASE_URL", server.url)
        chosen = Settings(
            _env_file=None, openai_api_key=KEY, model="openai:mine", model_retries=0,
            fallback_models="openai:second, openai:third",
        )  # fmt: skip
        with pytest.raises(ModelError):
            FinancialAssistantWorkflow(settings=chosen, provider="embedded", db=None).run("What is EBITDA?")
    assert [seen.body["model"] for seen in server.seen if seen.agent == "chat"] == ["mine", "second", "third"]


@shows("openai_base_url")
def test_openai_base_url_is_where_a_compatible_server_is_asked() -> None:
    with ModelServer() as server:
        chosen = Settings(_env_file=None, openai_base_url=server.url, model="openai:mine", model_retries=0)
        FinancialAssistantWorkflow(settings=chosen, provider="embedded", db=None).run("What is EBITDA?")
    [chat] = [seen for seen in server.seen if seen.agent == "chat"]
    assert chat.body["model"] == "mine"
    assert chat.headers["authorization"] == "Bearer none"  # no key of anybody's


@shows("max_reply_chars")
def test_max_reply_chars_is_how_much_of_a_reply_is_read() -> None:
    with ModelServer({"chat": "floods"}) as server, pytest.raises(ModelError, match="1,234"):
        chat_with(server, max_reply_chars=1_234)


@shows("model_prices")
@pytest.mark.parametrize("priced", [True, False])
def test_model_prices_put_a_cost_on_the_answer(priced) -> None:
    prices = {"mine": {"input": 2, "output": 8}} if priced else {}
    with ModelServer() as server:
        costs = [step.cost for step in _details(chat_with(server, model_prices=prices))]
    assert any(costs) == priced


def _details(answer: Any) -> list[Any]:
    return [step.metrics for step in answer.metrics.steps.values() if step.metrics]


@shows("anthropic_api_key", "openai_api_key", "groq_api_key")
@pytest.mark.parametrize("owner", ["anthropic", "openai", "groq"])
def test_the_key_of_a_model_is_the_one_it_is_asked_with(owner, monkeypatch) -> None:
    pytest.importorskip(owner)
    monkeypatch.delenv(f"{owner.upper()}_API_KEY", raising=False)
    assert resolve_model(owner, Settings(_env_file=None, **{f"{owner}_api_key": KEY})).api_key == KEY
    with pytest.raises(ConfigurationError, match=f"{owner.upper()}_API_KEY"):
        resolve_model(owner, Settings(_env_file=None))


def test_every_setting_has_a_test() -> None:
    assert sorted(set(Settings.model_fields) - set(shown)) == []
