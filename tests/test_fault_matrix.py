"""Everything a data source can do wrong, on real sockets, under every kind of question and every form of asking.

One table (`FAULTS`) generates all tests; `test_the_table_covers_what_was_promised` fails for a fault without a row.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest

from finassist import Answer, FinancialAssistantWorkflow
from finassist.providers.fmp import FMPProvider
from tests.fmp_server import KEY, fixture, fmp, fmp_server
from tests.servers import (
    Act,
    Server,
    answer,
    cut_off,
    gzip_bomb,
    hang_up,
    raw,
    redirect,
    reset,
    silent,
    stalled,
    truncated,
)

QUOTE = "/quote"
SYMBOL = fixture(QUOTE)[0]["symbol"]
FORMS = ("run", "run streamed", "arun", "arun streamed")
QUESTIONS = ("report", "price", "chat")


@dataclass(frozen=True)
class Fault:
    """What the source does, and the error it has to end in; `""` where the answer is usable in part."""

    act: Callable[[], Any]
    error: str = ""


def _quote(**changes: Any) -> list[dict[str, Any]]:
    return [{**fixture(QUOTE)[0], **changes}]


def _without(*names: str) -> list[dict[str, Any]]:
    return [{name: value for name, value in fixture(QUOTE)[0].items() if name not in names}]


FAULTS: dict[str, Fault] = {
    "401": Fault(lambda: answer({"Error Message": "Invalid API KEY."}, status=401), "AuthError"),
    "402 with a text body": Fault(lambda: answer("Premium Query Parameter: upgrade", status=402), "PlanError"),
    "403 legacy": Fault(lambda: answer({"Error Message": "Legacy Endpoint : no longer supported"}, status=403), "*"),
    "404": Fault(lambda: answer([], status=404), "NotFound"),
    "429 Retry-After seconds": Fault(lambda: answer({}, status=429, headers={"Retry-After": "90"}), "RateLimited"),
    "429 Retry-After date": Fault(
        lambda: answer({}, status=429, headers={"Retry-After": "Wed, 21 Oct 2099 07:28:00 GMT"}), "*"
    ),
    "429 Retry-After garbage": Fault(lambda: answer({}, status=429, headers={"Retry-After": "soon"}), "*"),
    "429 Retry-After huge": Fault(lambda: answer({}, status=429, headers={"Retry-After": "9" * 40}), "*"),
    "429 without Retry-After": Fault(
        lambda: answer({"Error Message": "Limit Reach . Please upgrade your plan"}, status=429), "QuotaExhausted"
    ),
    "500": Fault(lambda: answer("oops", status=500), "Unreachable"),
    "502": Fault(lambda: answer("<html>bad gateway</html>", status=502), "Unreachable"),
    "503": Fault(lambda: answer("", status=503), "Unreachable"),
    "200 with an error object": Fault(lambda: answer({"Error Message": "Invalid API KEY."}), "*"),
    "an empty list": Fault(lambda: answer([]), "UnknownSymbol"),
    "truncated JSON": Fault(lambda: answer('[{"symbol": "A'), "BadPayload"),
    "HTML": Fault(lambda: answer("<html><script>alert(1)</script></html>"), "BadPayload"),
    "a byte order mark": Fault(lambda: answer(b"\xef\xbb\xbf[]"), "*"),
    "invalid UTF-8": Fault(lambda: answer(b'[{"symbol": "\xff\xfe"}]'), "BadPayload"),
    "wrong types": Fault(lambda: answer(_quote(price="a lot", change=[1], volume={"x": 1}, timestamp="now"))),
    "nulls": Fault(lambda: answer(_quote(price=None, change=None, previousClose=None))),
    "NaN": Fault(lambda: answer('[{"symbol": "%s", "price": NaN, "previousClose": Infinity}]' % SYMBOL)),  # noqa: UP031
    "missing fields": Fault(lambda: answer(_without("price", "change", "name"))),
    "extra fields": Fault(lambda: answer(_quote(surprise={"deep": [1, 2]}, **{"__proto__": 1}))),
    "another symbol's data": Fault(lambda: answer(_quote(symbol="ZZZZ")), "BadPayload"),
    "slow headers": Fault(silent, "SourceTimeout"),
    "slow body": Fault(lambda: stalled(fixture(QUOTE)), "SourceTimeout"),
    "reset": Fault(reset, "Unreachable"),
    "reset mid-body": Fault(lambda: reset(fixture(QUOTE)), "*"),
    "closed without an answer": Fault(hang_up, "Unreachable"),
    "closed mid-body": Fault(lambda: cut_off(fixture(QUOTE)), "*"),
    "truncated without a length": Fault(lambda: truncated(fixture(QUOTE)), "BadPayload"),
    "not HTTP": Fault(lambda: raw(b"SSH-2.0-OpenSSH\r\n"), "*"),
    "gzip bomb": Fault(gzip_bomb, "TooLarge"),
    "redirect to another host": Fault(lambda: redirect("http://192.0.2.1/steal"), "*"),
}

PROMISED = (
    "401", "402", "403 legacy", "404", "429 Retry-After seconds", "429 Retry-After date", "429 Retry-After garbage",
    "429 Retry-After huge", "429 without", "500", "502", "503", "200 with an error object", "empty list",
    "truncated JSON", "HTML", "byte order mark", "invalid UTF-8", "wrong types", "nulls", "NaN", "missing fields",
    "extra fields", "another symbol's data", "slow headers", "slow body", "reset", "closed mid-body", "gzip bomb",
    "redirect",
)  # fmt: skip


def test_the_table_covers_what_was_promised() -> None:
    for promise in PROMISED:
        assert any(promise in name for name in FAULTS), f"no row for {promise!r}; add one to FAULTS"


def ask(workflow: FinancialAssistantWorkflow, form: str, run_async: Any, question: str) -> Answer:
    async def streamed() -> None:
        async for _ in workflow.arun(question, stream=True):
            pass

    async def plain() -> None:
        await workflow.arun(question)

    async def bounded(work: Any) -> None:
        async with asyncio.timeout(30):
            await work

    match form:
        case "run":
            workflow.run(question)
        case "run streamed":
            for _ in workflow.run(question, stream=True):
                pass
        case "arun":
            run_async(bounded(plain()))
        case _:
            run_async(bounded(streamed()))
    return workflow.answers()[-1]


def build(server: Server, row: Fault) -> FinancialAssistantWorkflow:
    # Only a source that stalls is given up on, after half of this: short enough for a test, long enough for a machine
    # that does not get to run for a second or two.
    patience = 6.0 if row.error == "SourceTimeout" else 20.0
    return FinancialAssistantWorkflow(db=None, provider=fmp(server, timeout=patience))


QUESTION = {"report": f"${SYMBOL} report", "price": f"${SYMBOL} stock price", "chat": "What is EBITDA?"}


@pytest.mark.slow
@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("question", QUESTIONS)
@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_is_a_named_gap_and_nothing_else_suffers(fault: str, question: str, form: str, run_async: Any) -> None:
    row, faulty = FAULTS[fault], [True]
    act = row.act()
    assert isinstance(act, Act)
    with fmp_server() as server:
        healthy = server.script
        server.script = lambda request: act if faulty[0] and request.path == QUOTE else healthy(request)
        workflow = build(server, row)
        answered = ask(workflow, form, run_async, QUESTION[question])
        assert answered.status.value == "COMPLETED"
        assert answered.input == QUESTION[question], "the question is kept"
        check_gap(answered, row, question)
        check_nothing_leaks(answered, fault)
        faulty[0] = False
        again = ask(workflow, form, run_async, QUESTION[question])
        assert (again.status.value, again.gaps) == ("COMPLETED", [])


def check_gap(answered: Answer, row: Fault, question: str) -> None:
    if question == "chat":
        assert answered.gaps == []
        return
    assert all(fact.value != 0 or fact.status == "reported" for fact in answered.facts), "nothing becomes a zero"
    errors = {gap.error for gap in answered.gaps if "quote" in gap.need}
    if row.error == "*":
        assert errors, "the fault is a named gap"
    elif row.error:
        assert errors == {row.error}
    for gap in answered.gaps:
        assert gap.reason.rstrip(".").count(".") >= 1 or ";" in gap.reason, f"what to do next? {gap.reason}"
    if question == "report":
        assert {"income", "balance_sheet", "cash_flow"} <= {fact.statement for fact in answered.facts}


def check_nothing_leaks(answered: Answer, fault: str) -> None:
    shown = answered.to_markdown() + answered.to_html() + repr(answered.to_dict())
    assert KEY not in shown
    assert "<script" not in answered.to_html(), fault


# ------------------------------------------------------------------- faults before there is a connection

UNREACHABLE = {
    "connection refused": "http://127.0.0.1:9",
    "DNS failure": "https://no-such-host.invalid",
    "TLS failure": "https://127.0.0.1:{port}",
}


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("fault", UNREACHABLE)
def test_a_source_that_cannot_be_reached_is_said_once(fault: str, form: str, run_async: Any) -> None:
    with fmp_server() as server:
        url = UNREACHABLE[fault].format(port=server.port)
        provider = FMPProvider(KEY, base_url=url, attempts=1, timeout=5, cache=False, allow_custom_host=True)
        workflow = FinancialAssistantWorkflow(db=None, provider=provider)
        answered = ask(workflow, form, run_async, QUESTION["report"])
    assert answered.facts == []
    assert {gap.error for gap in answered.gaps} == {"Unreachable"}
    assert answered.content.startswith("There are no figures for")
    assert KEY not in answered.to_markdown()
