"""Sources that do what none should: they block, cannot be cancelled, raise anything, or contradict themselves."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import textwrap
import threading
from collections.abc import Callable
from datetime import UTC, date, datetime
from types import ModuleType, SimpleNamespace
from typing import Any

import pandas as pd
import pytest
from agno.tools.finance import FinanceProvider, FinancialStatement, PriceBar, PriceHistory, Quote

from finassist import FinancialAssistantWorkflow, FrameProvider, Settings
from finassist.core.errors import BadPayload, DataError, SourceTimeout, Unreachable
from finassist.providers.base import Need, fetch_facts
from finassist.providers.registry import FallbackProvider, open_provider
from tests.fmp_server import fixture, fmp, fmp_server
from tests.worlds import ScriptedProvider, World

PRICE = "What is Apple's stock price?"
USUAL: dict[str, Any] = {"symbol": "AAPL", "price": 10.0, "currency": "USD", "as_of": "2026-01-15"}


class Plain(FinanceProvider):
    """Answers with what it is given; a function is called first."""

    id, name = "plain", "Plain source"
    capabilities = frozenset({"get_quote", "get_price_history", "get_financials"})

    def __init__(self, answer: Any) -> None:
        self.answer = answer

    async def aget_quote(self, symbol: str, *_: Any, **__: Any) -> Any:
        return self.answer(symbol) if callable(self.answer) else self.answer

    aget_price_history = aget_financials = aget_quote


def raising(error: BaseException) -> Callable[[str], Any]:
    def fail(symbol: str) -> Any:
        if symbol == "AAPL":
            raise error
        return Quote(**{**USUAL, "symbol": symbol})

    return fail


def ask(provider: Any, question: str = PRICE, **settings: Any) -> Any:
    workflow = FinancialAssistantWorkflow(db=None, model="offline", provider=provider, settings=Settings(**settings))
    return workflow.run(question, live=False)


def fetch(answer: Any, need: Need) -> Any:
    return asyncio.run(fetch_facts(Plain(answer), need, "AAPL"))


# -------------------------------------------------------------------------------------- blocking and never ending


def test_a_source_that_cannot_be_cancelled_is_left_behind() -> None:
    let = threading.Event()

    class Stubborn(Plain):
        async def aget_quote(self, symbol: str) -> Quote:
            while not let.is_set():
                try:
                    await asyncio.sleep(0.05)
                except asyncio.CancelledError:
                    continue
            return Quote(symbol=symbol)

    [gap] = ask(Stubborn(None), fetch_timeout=0.2).gaps
    let.set()
    assert (gap.error, "within 0.2 seconds" in gap.reason) == ("SourceTimeout", True)


BLOCKED = """
import threading
from finassist import FinancialAssistantWorkflow, FrameProvider, Settings
from agno.tools.finance import FinanceProvider

class Blocking(FinanceProvider):
    id, name = "blocking", "Blocking"
    capabilities = frozenset({"get_quote", "get_financials", "get_company_profile", "get_price_history"})
    def _wait(self, *_, **__): threading.Event().wait()
    get_quote = get_financials = get_company_profile = get_price_history = _wait

workflow = FinancialAssistantWorkflow(db="s.db", model="offline", provider=Blocking(),
                                      settings=Settings(fetch_timeout=0.5))
answers = [workflow.run(f"Tell me about {each}", live=False) for each in ("Apple", "Microsoft", "Nvidia")]
print([answer.saved for answer in answers], {gap.error for answer in answers for gap in answer.gaps})
"""


@pytest.mark.slow
def test_sync_sources_that_block_for_ever_hold_up_neither_the_database_nor_the_exit(tmp_path) -> None:
    """Their threads are nobody else's: those of asyncio are few, and waited for when a process ends."""
    code = [sys.executable, "-c", textwrap.dedent(BLOCKED)]
    done = subprocess.run(code, capture_output=True, text=True, check=True, timeout=600, cwd=tmp_path)
    assert done.stdout.strip() == "[True, True, True] {'SourceTimeout'}"


# ---------------------------------------------------------------------------------------------- raising


class Odd(BaseException):
    pass


class Wordless(Exception):
    def __str__(self) -> str:
        raise RuntimeError("no words")


@pytest.mark.parametrize("error", [Odd(), GeneratorExit(), Wordless(), BaseExceptionGroup("g", [KeyboardInterrupt()])])
def test_whatever_a_source_raises_concerns_its_question_alone(error: BaseException, tmp_path) -> None:
    workflow = FinancialAssistantWorkflow(db=None, provider=Plain(raising(error)), routing="rules")
    batch = workflow.run_many(["$AAPL price", "$MSFT price"], ledger=tmp_path / "batch.db", live=False)
    assert batch.frame["status"].tolist() == ["failed", "completed"]
    with pytest.raises(Exception):  # noqa: B017  a bug is raised, as an exception that a cell survives
        workflow.run(PRICE, live=False)


def _in_yfinance() -> Exception:
    """A bug of yfinance itself, as it meets answers that it did not expect."""
    scope: dict[str, Any] = {"__name__": "yfinance.scrapers.quote"}
    exec("def read(answer=None): return answer['chart']", scope)
    try:
        scope["read"]()
    except TypeError as error:
        return error
    raise AssertionError


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (TimeoutError(), SourceTimeout),
        (ConnectionResetError("gone"), Unreachable),
        (
            type("ClientConnectorError", (Exception,), {"__module__": "aiohttp.client_exceptions"})("refused"),
            Unreachable,
        ),
        (_in_yfinance(), Unreachable),
    ],
    ids=["time", "connection", "aiohttp", "yfinance"],
)
def test_what_a_network_does_to_a_source_of_ones_own_is_a_gap_and_the_next_is_asked(
    error: Exception, kind: type[DataError]
) -> None:
    [gap] = ask(Plain(raising(error))).gaps
    assert gap.error == kind.__name__
    assert "20 seconds" not in gap.reason, "it failed at once"
    answer = ask(FallbackProvider([Plain(raising(error)), ScriptedProvider(World(), 0)]))
    assert "USD 12.50" in answer.content


# -------------------------------------------------------------------------------------- figures that cannot be


@pytest.mark.parametrize("price", [-4.0, 0.0])
def test_a_price_of_zero_or_below_is_none(price: float) -> None:
    answer = ask(Plain(Quote(**{**USUAL, "price": price})))
    assert not [fact for fact in answer.facts if fact.field == "price" and fact.value is not None]
    assert "USD" not in answer.content


def statement(**changed: Any) -> FinancialStatement:
    usual: dict[str, Any] = {
        "symbol": "AAPL", "statement": "income", "period": "annual", "report_period": "2025-12-31",
        "fiscal_period": "FY2025", "currency": "USD", "items": {"revenue": 5e9, "shares_diluted": 1e9},
    }  # fmt: skip
    return FinancialStatement(**{**usual, **changed})


def test_a_negative_number_of_shares_is_an_error() -> None:
    [shares] = [
        f for f in fetch([statement(items={"revenue": 1, "shares_diluted": -5})], "income") if "shares" in f.field
    ]
    assert (shares.value, shares.status, shares.note) == (None, "error", "the source gave a negative number")


def test_a_label_that_contradicts_its_day_is_not_believed() -> None:
    [annual, _] = fetch([statement(fiscal_period="FY2019")], "income")
    assert annual.period == "FY2025"


# -------------------------------------------------------------------------------------------- contradictions


def test_one_period_twice_counts_once_and_with_other_figures_not_at_all() -> None:
    assert len(fetch([statement(), statement()], "income")) == 2
    with pytest.raises(BadPayload, match="two different statements of AAPL for FY2025"):
        fetch([statement(), statement(items={"revenue": 6e9})], "income")


def test_two_closes_of_one_day_are_none() -> None:
    bars = [PriceBar("2026-01-14", close=9.0), PriceBar("2026-01-14", close=90.0), PriceBar("2026-01-15", close=10.0)]
    facts = fetch(PriceHistory("AAPL", "2y", "1mo", "USD", bars), "history")
    assert [(fact.period, fact.value, fact.status) for fact in facts] == [
        ("2026-01-14", None, "error"), ("2026-01-15", 10, "reported")]  # fmt: skip


@pytest.mark.parametrize(
    ("path", "question", "change"),
    [
        ("/income-statement", "Apple income statement", {"revenue": 1}),
        ("/historical-price-eod/full", PRICE, {"close": 1}),
    ],
)
def test_live_rows_that_contradict_each_other_are_refused(path: str, question: str, change: dict[str, Any]) -> None:
    rows = fixture(path)
    with fmp_server({path: [rows[0] | change, *rows]}) as server:
        answer = ask(fmp(server), question)
    assert not [fact for fact in answer.facts if fact.value == 1]
    with fmp_server({path: [rows[0], *rows]}) as server:
        assert ask(fmp(server), question).facts, "the same twice is no contradiction"


# ------------------------------------------------------------------------------------------- the day of a price


@pytest.mark.parametrize("stamp", [None, "soon", lambda: datetime.now(UTC).isoformat()])
def test_a_price_without_a_day_is_not_called_a_close(stamp: Any) -> None:
    answer = ask(Plain(lambda symbol: Quote(**{**USUAL, "as_of": stamp() if callable(stamp) else stamp})))
    assert f"USD 10.00 as fetched on {date.today()}" in answer.content
    assert "does not say of when" in (answer.value.note or "")


@pytest.mark.parametrize("moment", [1_768_500_000, datetime(2026, 1, 15, 16, 0)])
def test_a_price_of_yahoo_carries_the_day_of_its_last_trade(moment: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    class Ticker:
        def __init__(self, *_: Any, **__: Any) -> None:
            self.fast_info = {"lastPrice": 10.0, "currency": "USD", "regularMarketPreviousClose": 9.0}

        def get_history_metadata(self) -> Any:
            return {"regularMarketTime": moment}

    package = ModuleType("yfinance")
    package.__spec__ = SimpleNamespace(name="yfinance")  # type: ignore[assignment]
    package.Ticker = Ticker  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "yfinance", package)
    assert "USD 10.00 at the close on 2026-01-15" in ask(open_provider("yfinance")).content


# ----------------------------------------------------------------------------------------------- lists of sources


def test_all_companies_of_a_list_of_sources_are_those_of_each() -> None:
    rows = {"symbol": ["LEMX", "AAPL"], "year": 2024, "period_end": "2024-12-31", "revenue": [9e14, 5e14]}
    table = FrameProvider(pd.DataFrame(rows))
    question = "Top 3 companies by revenue in FY2024"
    answers = [ask(provider, question) for provider in ([table, "embedded"], ["embedded", table])]
    named = [[row for row in ("LEMX", "Apple", "AAPL", "Walmart") if row in answer.content] for answer in answers]
    assert named == [["LEMX", "AAPL", "Walmart"], ["LEMX", "Walmart"]], "of one that both know, the first counts"


@pytest.mark.parametrize(
    ("said", "kind"),
    [
        ({"error": {"message": "Invalid API KEY"}}, "AuthError"),
        ([{"Error Message": "Limit Reach"}], "QuotaExhausted"),
        ({"status": "error", "code": 429, "message": "Limit Reach"}, "QuotaExhausted"),
    ],
)
def test_an_error_in_an_answer_of_another_shape_is_known_by_its_words(said: Any, kind: str) -> None:
    with fmp_server({"/income-statement": said}) as server:
        [gap] = ask(fmp(server), "Apple income statement").gaps
    assert gap.error == kind
