"""What a report says when its source fails, on real sockets: once for each class of error, and for odd fields.

Which error an answer means is tested in `test_transport.py`, and that all forms of asking agree in the twins test.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest

from finassist import Answer, FinancialAssistantWorkflow
from finassist.core.errors import DataError
from finassist.providers.fmp import FMPProvider
from tests.fmp_server import KEY, fixture, fmp, fmp_server
from tests.servers import answer, gzip_bomb, stalled

QUOTE = "/quote"
SYMBOL = fixture(QUOTE)[0]["symbol"]
QUESTION = f"${SYMBOL} report"


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
    "wrong key": Fault(lambda: answer({"Error Message": "Invalid API KEY."}, status=401), "AuthError"),
    "plan": Fault(lambda: answer("Premium Query Parameter: upgrade", status=402), "PlanError"),
    "not found": Fault(lambda: answer([], status=404), "NotFound"),
    "too many": Fault(lambda: answer({}, status=429, headers={"Retry-After": "90"}), "RateLimited"),
    "quota": Fault(lambda: answer({"Error Message": "Limit Reach . Please upgrade"}, status=429), "QuotaExhausted"),
    "500": Fault(lambda: answer("oops", status=500), "Unreachable"),
    "an empty list": Fault(lambda: answer([]), "UnknownSymbol"),
    "HTML": Fault(lambda: answer("<html><script>alert(1)</script></html>"), "BadPayload"),
    "another symbol's data": Fault(lambda: answer(_quote(symbol="ZZZZ")), "BadPayload"),
    "slow body": Fault(lambda: stalled(fixture(QUOTE)), "SourceTimeout"),
    "gzip bomb": Fault(gzip_bomb, "TooLarge"),
    "wrong types": Fault(lambda: answer(_quote(price="a lot", change=[1], volume={"x": 1}, timestamp="now"))),
    "nulls": Fault(lambda: answer(_quote(price=None, change=None, previousClose=None))),
    "NaN": Fault(lambda: answer('[{"symbol": "%s", "price": NaN, "previousClose": Infinity}]' % SYMBOL)),  # noqa: UP031
    "missing fields": Fault(lambda: answer(_without("price", "change", "name"))),
    "extra fields": Fault(lambda: answer(_quote(surprise={"deep": [1, 2]}, **{"__proto__": 1}))),
}


def test_every_class_of_error_has_a_fault() -> None:
    elsewhere = {"NotEmbedded", "NotOffered"}
    assert {row.error for row in FAULTS.values() if row.error} == {
        kind.__name__ for kind in DataError.__subclasses__()
    } - elsewhere


@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_is_a_named_gap_and_nothing_else_suffers(fault: str, run_async: Any) -> None:
    row, faulty = FAULTS[fault], [True]
    act = row.act()
    with fmp_server() as server:
        healthy = server.script
        server.script = lambda request: act if faulty[0] and request.path == QUOTE else healthy(request)
        timeout = 2.0 if row.error == "SourceTimeout" else 20.0
        workflow = FinancialAssistantWorkflow(db=None, provider=fmp(server, timeout=timeout))
        answered = run_async(workflow.arun(QUESTION))
        assert answered.status.value == "COMPLETED"
        check_gap(answered, row)
        shown = answered.to_markdown() + answered.to_html() + repr(answered.to_dict())
        assert KEY not in shown
        assert "<script" not in answered.to_html()
        faulty[0] = False
        again = run_async(workflow.arun(QUESTION))
        assert (again.status.value, again.gaps) == ("COMPLETED", [])


def check_gap(answered: Answer, row: Fault) -> None:
    assert all(fact.value != 0 or fact.status == "reported" or fact.unit == "count" for fact in answered.facts), (
        "nothing becomes a zero"
    )
    if row.error:
        assert {gap.error for gap in answered.gaps if "quote" in gap.need} == {row.error}
    for gap in answered.gaps:
        assert gap.reason.rstrip(".").count(".") >= 1 or ";" in gap.reason, f"what to do next? {gap.reason}"
    assert {"income", "balance_sheet", "cash_flow"} <= {fact.statement for fact in answered.facts}


# ------------------------------------------------------------------- faults before there is a connection

UNREACHABLE = {
    "connection refused": "http://127.0.0.1:9",
    "DNS failure": "https://no-such-host.invalid",
    "TLS failure": "https://127.0.0.1:{port}",
}


@pytest.mark.parametrize("fault", UNREACHABLE)
def test_a_source_that_cannot_be_reached_is_named_once(fault: str, run_async: Any) -> None:
    with fmp_server() as server:
        url = UNREACHABLE[fault].format(port=server.port)
        provider = FMPProvider(KEY, base_url=url, attempts=1, timeout=5, cache=False, allow_custom_host=True)
        workflow = FinancialAssistantWorkflow(db=None, provider=provider)
        answered = run_async(workflow.arun(QUESTION))
    assert answered.facts == []
    assert {gap.error for gap in answered.gaps} == {"Unreachable"}
    assert answered.content.startswith("There are no figures for")
    assert KEY not in answered.to_markdown()
