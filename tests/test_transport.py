"""The transport against a real server that misbehaves: every failure has a name, and the key stays where it belongs."""

from __future__ import annotations

import asyncio
import gc
import json
import logging
import pickle
import subprocess
import sys
import traceback
import tracemalloc
import weakref
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
import stamina
from hypothesis import given
from hypothesis import strategies as st
from pydantic import SecretStr

from finassist.core import errors
from finassist.core.concurrency import InFlight, bridge
from finassist.core.secrets import redact
from finassist.providers.http.answers import Refusal, explain, read_retry_after
from finassist.providers.http.cache import Cache
from finassist.providers.http.endpoint import make_limiter
from finassist.providers.http.transport import Payload, Transport
from tests import servers
from tests.servers import Act, Gate, Request, Script, Server, answer
from tests.suspensions import Suspensions

CANARY = "canary/7f3Q+9zK"
QUOTE = [{"symbol": "AAPL", "price": 101.25}]
LONG = [{"symbol": "AAPL", "price": number} for number in range(200)]


@pytest.fixture(autouse=True)
def no_waiting() -> Iterator[None]:
    """Retries are made, but not waited for."""
    with stamina.set_testing(True, attempts=10, cap=True):
        yield


def make(server: Server | str, **options: Any) -> Transport:
    base = server if isinstance(server, str) else f"{server.url}/stable"
    return Transport(**{"name": "Acme Data", "base_url": base, "secret": SecretStr(CANARY), "timeout": 5.0, **options})


async def ask(transport: Transport, symbol: str = "AAPL", **options: Any) -> Payload:
    return await transport.get_json("quote", {"symbol": symbol}, **{"kind": "quote", **options})


async def outcome(transport: Transport) -> Payload | errors.DataError:
    try:
        return await ask(transport)
    except errors.DataError as error:
        return error
    finally:
        await transport.aclose()


def told(script: Script, run_async: Any, **options: Any) -> tuple[Any, Server]:
    """What a transport makes of a server."""
    with Server(script) as server:
        return run_async(outcome(make(server, **options))), server


# ---------------------------------------------------------------------------------------------- good answers


def test_an_answer_comes_with_exact_numbers_its_time_and_the_key_was_sent(run_async: Any) -> None:
    before = datetime.now(UTC)
    payload, server = told(answer(QUOTE), run_async)
    assert payload.data == [{"symbol": "AAPL", "price": Decimal("101.25")}]
    assert before <= payload.fetched_at <= datetime.now(UTC)
    assert payload.cached is False
    [request] = server.requests
    assert (request.path, request.query) == ("/stable/quote", {"symbol": "AAPL", "apikey": CANARY})


@pytest.mark.parametrize(
    ("act", "data"),
    [
        (servers.gzipped(QUOTE), [{"symbol": "AAPL", "price": Decimal("101.25")}]),
        (answer(b"\xef\xbb\xbf[1]"), [1]),
        (answer([]), []),
        (answer("[1]", headers={"Content-Type": "text/html"}), [1]),
        (answer([{"text": "x" * 300_000}]), [{"text": "x" * 300_000}]),
    ],
    ids=["gzip", "byte order mark", "empty list", "wrong content type", "large"],
)
def test_unusual_answers_that_are_data(act: Act, data: Any, run_async: Any) -> None:
    payload, _ = told(act, run_async)
    assert payload.data == data


def test_connections_are_kept(run_async: Any) -> None:
    async def scene(server: Server) -> None:
        transport = make(server)
        for number in range(10):
            await ask(transport, f"S{number}")
        await transport.aclose()

    with Server(answer(QUOTE)) as server:
        run_async(scene(server))
    assert (len(server.requests), server.connections) == (10, 1)


# ------------------------------------------------------------------------------------------- every failure


def said(words: str, status: int) -> Act:
    return answer({"Error Message": words}, status=status)


PREMIUM = "Premium Query Parameter: 'Special Endpoint : This value set for 'period' is not available"
LIMIT = "Limit Reach . Please upgrade your plan"
# name: what the body says, the status, the error it means, words of its message, and whether a retry can help
MEANINGS: dict[str, tuple[str, int, type[errors.DataError], str, bool]] = {
    "wrong key": ("Invalid API KEY. Feel free", 401, errors.AuthError, "did not accept the API key", False),
    "wrong key with 200": ("Invalid API KEY. Feel free", 200, errors.AuthError, "did not accept the API key", False),
    "401 without words": ("", 401, errors.AuthError, "did not accept the API key", False),
    "plan, as plain text": (PREMIUM, 402, errors.PlanError, "'period' in your plan", False),
    "plan, with 200": (PREMIUM, 200, errors.PlanError, "'period' in your plan", False),
    "limit of the plan": ("The values for 'limit' must be", 402, errors.PlanError, "'limit'", False),
    "402 without words": ("", 402, errors.PlanError, "this kind of data", False),
    "legacy": ("Legacy Endpoint : no longer supported", 403, errors.PlanError, "closed this old address", False),
    "exclusive": ("Exclusive Endpoint : subscription", 403, errors.PlanError, "in your plan", False),
    "403 otherwise": ("Forbidden", 403, errors.AuthError, 'saying "Forbidden"', False),
    "not found": ("[]", 404, errors.NotFound, "nothing at this address", False),
    "request timeout": ("", 408, errors.Unreachable, "in trouble", True),
    "bad request": ("what?", 400, errors.BadPayload, 'status 400, saying "what"', False),
    "daily quota": (LIMIT, 429, errors.QuotaExhausted, "resets within 24", False),
    "daily quota with 200": (LIMIT, 200, errors.QuotaExhausted, "resets within 24", False),
    "bandwidth": ("Bandwidth Limit Reach . Please", 429, errors.QuotaExhausted, "last 30 days", False),
    "429 without a time": ("", 429, errors.RateLimited, "again in a minute", False),
    "unknown words": ("Sorry, <b>no</b>", 200, errors.BadPayload, 'error of its own, saying "Sorry, b no', False),
    "500": ("oops", 500, errors.Unreachable, "in trouble", True),
    "502 page": ("<html>Bad gateway</html>", 502, errors.Unreachable, "with status 502)", True),
    "503": ("[]", 503, errors.Unreachable, "in trouble", True),
    "501": ("", 501, errors.Unreachable, "in trouble", False),
    "no content": ("", 204, errors.BadPayload, "status 204", False),
    "redirect": ("", 302, errors.BadPayload, "redirects", False),
}


def test_a_status_and_its_words_mean_one_error_that_says_what_to_do() -> None:
    for name, (text, status, kind, words, may_pass) in MEANINGS.items():
        response = Refusal("Acme Data", status, text)
        error = explain(response)
        assert type(error) is kind, name
        assert words in str(error), name
        assert response.may_pass is may_pass, name
        check_words(error)


def test_a_time_to_wait_is_seconds_or_a_date_and_nonsense_is_none() -> None:
    now = datetime(2026, 8, 21, 12, tzinfo=UTC)
    for header in ("soon", "-5", "1e9", "", None, "9" * 40, "99999999999999", "Fri, 99 Foo 2026"):
        assert read_retry_after(header, now) is None, header
    for header in ("90", "Fri, 21 Aug 2026 12:01:30 GMT"):
        wait = read_retry_after(header, now)
        assert wait == timedelta(seconds=90)
        for text, kind in (("", errors.RateLimited), ("Limit Reach .", errors.QuotaExhausted)):
            response = Refusal("Acme Data", 429, text, now + timedelta(seconds=90))
            error: Any = explain(response)
            assert type(error) is kind
            assert (error.again_at, response.may_pass) == (now + timedelta(seconds=90), True)
            assert "2026-08-21 12:01 UTC" in str(error)
    assert read_retry_after("Fri, 21 Aug 2020 12:00:00 GMT", now) == timedelta(0)


def check_words(error: Exception) -> None:
    assert "Acme Data" in str(error)
    assert str(error).endswith((".", '"embedded".'))
    assert str(error).count(". ") >= 1, "what happened, and what to do next"


# One of each way an answer is judged by its status, and each way a body or a connection fails.
FAILURES: dict[str, tuple[Act, type[errors.DataError], str, int]] = {
    "wrong key": (said("Invalid API KEY.", 401), errors.AuthError, "did not accept the API key", 1),
    "wrong key with 200": (said("Invalid API KEY.", 200), errors.AuthError, "did not accept the API key", 1),
    "plan, as plain text": (answer(PREMIUM), errors.PlanError, "'period' in your plan", 1),
    "500": (answer("oops", status=500), errors.Unreachable, "in trouble", 3),
    "empty": (answer(""), errors.BadPayload, "an empty body", 1),
    "page": (answer("<html>Sign in</html>"), errors.BadPayload, "a web page", 1),
    "text": (answer("hello"), errors.BadPayload, "plain text", 1),
    "not UTF-8": (answer(b'["\xff"]'), errors.BadPayload, "not UTF-8", 1),
    "broken": (answer("[1,]"), errors.BadPayload, "JSON that is broken", 1),
    "deep": (answer("[" * 200_000 + "]" * 200_000), errors.BadPayload, "nested too deeply", 1),
    "truncated": (servers.truncated(LONG), errors.BadPayload, "JSON that breaks off", 1),
    "cut off": (servers.cut_off(LONG), errors.Unreachable, "broke off in the middle", 3),
    "closed": (servers.hang_up(), errors.Unreachable, "closed the connection", 3),
    "reset": (servers.reset(), errors.Unreachable, "closed the connection", 3),
    "reset in the body": (servers.reset(LONG), errors.Unreachable, "Acme Data", 3),
    "bomb": (servers.gzip_bomb(), errors.TooLarge, "more than 8 MB", 1),
    "not HTTP": (servers.raw(b"SSH-2.0-OpenSSH\r\n"), errors.BadPayload, "not HTTP", 1),
    "endless headers": (servers.raw(b"HTTP/1.1 200 OK\r\nX: " + b"x" * 100_000), errors.BadPayload, "not HTTP", 1),
    "unknown packing": (answer("[]", headers={"Content-Encoding": "br"}), errors.BadPayload, "cannot be unpacked", 1),
    "not packed": (answer("[]", headers={"Content-Encoding": "gzip"}), errors.BadPayload, "cannot be unpacked", 1),
}


@pytest.mark.parametrize("name", FAILURES)
def test_every_failure_has_a_name_and_says_what_to_do(name: str, run_async: Any) -> None:
    act, kind, words, requests = FAILURES[name]
    error, server = told(act, run_async)
    assert type(error) is kind
    assert words in str(error)
    check_words(error)
    assert len(server.requests) == requests


@pytest.mark.parametrize(
    ("name", "act", "requests"),
    [
        ("silent", servers.silent(), 2),
        ("stalled", servers.stalled(LONG), 2),
        ("dripping", servers.dripping(LONG), 1),
    ],
)
def test_a_request_ends_at_its_deadline(name: str, act: Act, requests: int, run_async: Any) -> None:
    error, server = told(act, run_async, timeout=0.8)
    assert type(error) is errors.SourceTimeout
    assert "Acme Data did not answer within 0.8 seconds" in str(error)
    assert len(server.requests) == requests, "a connection without a sign of life is given up for another"


@pytest.mark.parametrize("announced", [True, False])
def test_a_body_over_the_limit_is_not_read(announced: bool, run_async: Any) -> None:
    body = json.dumps(LONG)
    act = answer(body) if announced else servers.raw(servers.head(200, {}, None) + body.encode())
    error, _ = told(act, run_async, max_bytes=len(body) - 1)
    assert type(error) is errors.TooLarge
    payload, _ = told(act, run_async, max_bytes=len(body))
    assert len(payload.data) == 200


def test_a_bomb_does_not_fill_the_memory(run_async: Any) -> None:
    bomb = servers.gzip_bomb(60)
    tracemalloc.start()
    try:
        error, _ = told(bomb, run_async, max_bytes=1_000_000)
        assert tracemalloc.get_traced_memory()[1] < 20_000_000
    finally:
        tracemalloc.stop()
    assert type(error) is errors.TooLarge


def test_a_redirect_is_not_followed_and_names_only_the_host(run_async: Any) -> None:
    with Server(answer(QUOTE)) as other:
        target = f"http://localhost:{other.port}/steal?apikey={CANARY}"
        for status in (301, 302, 307, 308):
            error, server = told(servers.redirect(target, status), run_async)
            assert type(error) is errors.BadPayload
            assert "redirects to localhost, which is not followed" in str(error)
            assert len(server.requests) == 1
    assert other.connections == 0


def test_connection_refused_name_not_found_and_no_tls(run_async: Any) -> None:
    with Server(answer(QUOTE)) as server:
        encrypted = make(f"https://127.0.0.1:{server.port}")
        assert "no secure connection" in str(run_async(outcome(encrypted)))
    refused = run_async(outcome(make(server)))
    unknown = run_async(outcome(make("https://no-such-host.invalid", allow_custom_host=True)))
    assert (type(refused), type(unknown)) == (errors.Unreachable, errors.Unreachable)
    assert "the connection was refused" in str(refused)
    assert "its name was not found" in str(unknown)


# ------------------------------------------------------------------------------------------------- retries


@pytest.mark.parametrize(
    "first",
    [
        answer("oops", status=500),
        answer("", status=429, headers={"Retry-After": "0.05"}),
        servers.hang_up(),
        servers.reset(),
        servers.cut_off(LONG),
    ],
)
def test_what_may_pass_is_asked_again(first: Act, run_async: Any) -> None:
    payload, server = told([first, answer([1])], run_async)
    assert payload.data == [1]
    assert len(server.requests) == 2


def test_the_time_to_wait_is_waited(run_async: Any, caplog: pytest.LogCaptureFixture) -> None:
    script = [answer("", status=429, headers={"Retry-After": "0.07"}), answer("", status=503), answer([1])]
    with stamina.set_testing(False):
        payload, server = told(script, run_async)
    assert payload.data == [1]
    asked, backed_off = (vars(record)["stamina.wait_for"] for record in caplog.records if record.name == "stamina")
    assert asked == 0.07
    assert 0.1 <= backed_off <= 0.5
    assert len(server.requests) == 3


def test_silence_is_asked_again_within_the_deadline(run_async: Any) -> None:
    payload, server = told([servers.silent(), answer([1])], run_async, timeout=1.0)
    assert payload.data == [1]
    assert len(server.requests) == 2


def test_a_time_beyond_the_deadline_is_named_and_not_waited_for(run_async: Any) -> None:
    again = datetime.now(UTC) + timedelta(hours=5)
    error, server = told(answer("", status=429, headers={"Retry-After": str(5 * 3600)}), run_async)
    assert type(error) is errors.RateLimited
    assert abs(error.again_at - again) < timedelta(minutes=1)
    assert len(server.requests) == 1


def test_attempts_have_one_owner_even_on_a_kept_connection(run_async: Any) -> None:
    async def scene(server: Server) -> None:
        transport = make(server)
        await ask(transport, "FIRST")
        with pytest.raises(errors.Unreachable):
            await ask(transport)
        assert transport.requests_today == len(server.requests) == 4
        await transport.aclose()

    with Server([answer(QUOTE), servers.hang_up()]) as server:
        run_async(scene(server))


# ---------------------------------------------------------------------------------- limits and shared requests


async def started(count: int, transport: Transport, *, same: bool) -> list[asyncio.Task[Payload]]:
    tasks = [asyncio.create_task(ask(transport, "AAPL" if same else f"S{number}")) for number in range(count)]
    await asyncio.sleep(0)
    return tasks


def by_symbol(request: Request) -> Act:
    return answer([{"symbol": request.query["symbol"]}])


def test_requests_at_the_same_time_are_limited(run_async: Any) -> None:
    gate = Gate()

    async def scene(server: Server) -> None:
        transport = make(server, concurrency=4)
        tasks = await started(20, transport, same=False)
        await server.until(lambda: len(server.requests) == 4)
        gate.open()
        answers = [await task for task in tasks]
        assert [payload.data[0]["symbol"] for payload in answers] == [f"S{number}" for number in range(20)]
        await transport.aclose()

    with Server(lambda request: servers.held(gate, by_symbol(request))) as server:
        run_async(scene(server))
    assert (server.peak, server.connections, len(server.requests)) == (4, 4, 20)


def test_identical_requests_under_way_are_shared(run_async: Any) -> None:
    gate = Gate()

    async def scene(server: Server) -> None:
        transport = make(server)
        tasks = await started(10, transport, same=True)
        await server.until(lambda: len(server.requests) == 1)
        for task in tasks[:5]:
            task.cancel()
        gate.open()
        assert [(await task).data for task in tasks[5:]] == [[1]] * 5
        assert all(task.cancelled() for task in tasks[:5])
        assert (await ask(transport)).data == [1], "a request that has ended is not shared"
        await transport.aclose()

    with Server(servers.held(gate, answer([1]))) as server:
        run_async(scene(server))
    assert len(server.requests) == 2


def test_shared_failures_are_raised_to_everybody(run_async: Any) -> None:
    async def scene(server: Server) -> None:
        transport = make(server)
        tasks = await started(3, transport, same=True)
        raised = [error for task in tasks if (error := (await asyncio.wait([task]))[0].pop().exception())]
        assert [type(error) for error in raised] == [errors.NotFound] * 3
        assert len({id(error) for error in raised}) == 3, "each has its own traceback"
        await transport.aclose()

    with Server(answer("", status=404)) as server:
        run_async(scene(server))
    assert len(server.requests) == 1


def test_when_the_last_one_leaves_the_request_ends(run_async: Any) -> None:
    async def scene(server: Server) -> None:
        transport = make(server)
        before = asyncio.all_tasks()
        tasks = await started(3, transport, same=True)
        await server.until(lambda: len(server.requests) == 1)
        for task in tasks:
            task.cancel()
        await asyncio.wait(tasks)
        assert asyncio.all_tasks() == before
        await server.until(lambda: server.open == 0)
        await transport.aclose()

    with Server(servers.silent()) as server:
        run_async(scene(server))


def test_work_that_is_given_up_has_ended_before_anybody_goes_on(run_async: Any) -> None:
    async def scene() -> None:
        flights, started, ended = InFlight[None](), asyncio.Event(), list[str]()

        async def work() -> None:
            try:
                started.set()
                await asyncio.Event().wait()
            finally:
                for _ in range(5):
                    await asyncio.sleep(0)
                ended.append("cleanly")

        task = asyncio.create_task(flights.join("key", work))
        await started.wait()
        task.cancel()
        await asyncio.sleep(0)
        task.cancel()  # an impatient caller
        with pytest.raises(asyncio.CancelledError):
            await task
        assert ended == ["cleanly"]

    run_async(scene())


def test_a_pace_that_cannot_be_kept_in_time_is_told(run_async: Any) -> None:
    async def scene(server: Server) -> None:
        transport = make(server, per_minute=2, timeout=0.3)
        await ask(transport, "FIRST")
        with pytest.raises(errors.RateLimited, match="as often as FINASSIST_PER_MINUTE allows"):
            await ask(transport, "SECOND")
        await transport.aclose()

    with Server(answer(QUOTE)) as server:
        run_async(scene(server))
    assert len(server.requests) == 1


@given(st.floats(1, 10_000))
def test_a_pace_holds_in_any_minute(per_minute: float) -> None:
    limiter = make_limiter(per_minute)
    assert limiter is not None
    at_once, later = limiter.max_rate, limiter.max_rate / limiter.time_period * 60
    assert at_once >= 1
    assert at_once + later <= max(per_minute, 2) * 1.000001


def test_different_questions_are_never_taken_for_the_same(run_async: Any, tmp_path: Path) -> None:
    async def scene(server: Server) -> None:
        transport = make(server, cache=Cache(tmp_path))
        for params in ({"a": "1", "b": "2"}, {"a": "1\nb=2"}, {"a": '1", "b": "2'}, {"b": "1", "a": "2"}, {"a": "1"}):
            assert not (await transport.get_json("quote", params, kind="quote")).cached
        assert (await transport.get_json("quote", {"b": "2", "a": "1"}, kind="quote")).cached
        await transport.aclose()

    with Server(answer(QUOTE)) as server:
        run_async(scene(server))


# ------------------------------------------------------------------------------------------------ cancelling


STOPPED = {
    "fresh": answer(QUOTE),
    "retried": [answer("", status=503, headers={"Retry-After": "0.01"}), answer(LONG)],
    "waiting for more": servers.stalled(LONG),
    "reset": [servers.reset(LONG), answer(QUOTE)],
}


@pytest.mark.parametrize("name", STOPPED)
def test_cancelled_at_every_suspension_point(name: str, tmp_path: Path) -> None:
    script = STOPPED[name]
    counted: list[int] = []

    async def scene(server: Server, transport: Transport, at: int) -> bool:
        loop, before = asyncio.get_running_loop(), asyncio.all_tasks()
        suspensions = Suspensions(at, lambda: task.cancel())
        suspensions.install(loop)
        task, left = loop.create_task(ask(transport)), set[Any]()
        task.add_done_callback(lambda _: left.update(asyncio.all_tasks() - before))
        [done], _ = await asyncio.wait([task])
        loop.set_task_factory(None)
        assert not left, f"stopped at {at}: work goes on behind the caller's back"
        counted.append(suspensions.count)
        cut = done.cancelled() or done.exception() is not None
        server.script = answer([1])
        again = await transport.get_json("again", {}, kind="quote")
        assert again.data == [1], f"stopped at {at}: the transport is broken"
        await transport.aclose()
        await server.until(lambda: server.open == 0)
        return cut

    at, cuts = 1, 0
    while not counted or counted[-1] >= at - 1:
        with Server(script) as server:
            transport = make(server, timeout=0.2 if name == "waiting for more" else 5, cache=Cache(tmp_path / str(at)))
            cuts += asyncio.run(scene(server, transport, at))
        at += 1
    assert cuts >= 5, "the request was hardly ever cut off; the test proves nothing"


# ----------------------------------------------------------------------------------------- loops and endings


def test_one_transport_serves_several_loops_and_leaves_nothing_open() -> None:
    with Server(answer(QUOTE)) as server:
        transport = make(server)
        for _ in range(2):
            assert asyncio.run(ask(transport)).data
        for _ in range(2):
            assert asyncio.run_coroutine_threadsafe(ask(transport), bridge.loop).result(10).data
        assert server.connections == 3, "one for each loop"
        asyncio.run_coroutine_threadsafe(transport.aclose(), bridge.loop).result(10)
        asyncio.run(server.until(lambda: server.open == 0))
        gc.collect()


def test_loops_that_have_ended_are_forgotten() -> None:
    loops: weakref.WeakSet[asyncio.AbstractEventLoop] = weakref.WeakSet()

    async def scene(transport: Transport) -> None:
        loops.add(asyncio.get_running_loop())
        await ask(transport)

    with Server(answer(QUOTE)) as server:
        transport = make(server)
        for _ in range(5):
            asyncio.run(scene(transport))
        gc.collect()
        assert len(loops) <= 1
        asyncio.run(server.until(lambda: server.open == 0))


def test_a_transport_that_is_dropped_closes_its_connections(run_async: Any) -> None:
    async def scene(server: Server) -> None:
        transport = make(server)
        await ask(transport)
        assert server.open == 1
        del transport
        gc.collect()
        await server.until(lambda: server.open == 0)

    with Server(answer(QUOTE)) as server:
        run_async(scene(server))


def test_a_closed_transport_opens_again(run_async: Any) -> None:
    async def scene(server: Server) -> None:
        transport = make(server)
        for _ in range(2):
            await ask(transport)
            await transport.aclose()
            await transport.aclose()

    with Server(answer(QUOTE)) as server:
        run_async(scene(server))


@pytest.mark.slow
def test_a_process_that_just_ends_is_silent() -> None:
    code = """
import asyncio, sys
from finassist.core.concurrency import bridge
from finassist.providers.http.transport import Transport
transport = Transport(name="Acme", base_url=sys.argv[1], secret=None)
ask = lambda: transport.get_json("quote", {}, kind="quote")
asyncio.run_coroutine_threadsafe(ask(), bridge.loop).result(10)
asyncio.run(ask())
"""
    with Server(answer(QUOTE)) as server:
        arguments = [sys.executable, "-X", "dev", "-W", "error", "-c", code, server.url]
        done = subprocess.run(arguments, capture_output=True, text=True, timeout=600, check=True)
    assert (done.stdout, done.stderr) == ("", "")


# ------------------------------------------------------------------------------------------ cache and quota


def test_a_fresh_answer_is_used_again_and_shows_its_age(run_async: Any, tmp_path: Path) -> None:
    async def scene(server: Server) -> None:
        first, second = [make(server, cache=Cache(tmp_path)) for _ in range(2)]
        new, old = await ask(first), await ask(second)
        assert (new.cached, old.cached) == (False, True)
        assert new.data == old.data
        assert abs(new.fetched_at - old.fetched_at) < timedelta(seconds=5)
        assert not (await ask(second, "MSFT")).cached
        assert not (await second.get_json("profile", {"symbol": "AAPL"}, kind="profile")).cached
        await first.aclose()
        await second.aclose()

    with Server(answer(QUOTE)) as server:
        run_async(scene(server))
    assert len(server.requests) == 3


def refuse(data: Any) -> None:
    if data == [{"wrong": "shape"}]:
        raise errors.BadPayload("Acme Data sent another company. Ask again.")


@pytest.mark.parametrize("first", [answer("", status=404), answer([]), said("Limit Reach", 200)])
def test_what_is_no_full_answer_is_not_kept(first: Act, run_async: Any, tmp_path: Path) -> None:
    with Server([first, answer([2])]) as server:
        run_async(outcome(make(server, cache=Cache(tmp_path))))
        assert run_async(outcome(make(server, cache=Cache(tmp_path)))).data == [2]
    assert len(server.requests) == 2


def test_data_that_a_check_refuses_is_not_kept(run_async: Any, tmp_path: Path) -> None:
    async def scene(server: Server) -> None:
        transport = make(server, cache=Cache(tmp_path))
        with pytest.raises(errors.BadPayload, match="another company"):
            await ask(transport, check=refuse)
        assert (await ask(transport, check=refuse)).data == [{"right": "shape"}]
        server.script = answer([{"wrong": "shape"}])
        assert (await ask(transport, check=refuse)).cached
        await transport.aclose()

    with Server([answer([{"wrong": "shape"}]), answer([{"right": "shape"}])]) as server:
        run_async(scene(server))
    assert len(server.requests) == 2


# ---------------------------------------------------------------------------------------- where the key may go


@pytest.mark.parametrize(
    ("base_url", "words"),
    [
        ("https://evil.example/stable", "allow_custom_host=True"),
        ("http://financialmodelingprep.com/stable", "Use https"),
        ("https://financialmodelingprep.com.evil.example", "allow_custom_host=True"),
        ("https://user:pw@financialmodelingprep.com", "Leave out"),
        ("https://financialmodelingprep.com/stable?apikey=1", "Leave out"),
        ("ftp://financialmodelingprep.com", "not a web address"),
        ("financialmodelingprep.com/stable", "not a web address"),
        ("", "not a web address"),
        ("https://[::1", "not a web address"),
    ],
)
def test_the_key_goes_only_where_it_is_safe(base_url: str, words: str) -> None:
    with pytest.raises(errors.ConfigurationError, match=words):
        make(base_url)


def test_another_host_can_be_allowed_but_never_without_encryption() -> None:
    make("https://proxy.example/fmp", allow_custom_host=True)
    make("http://localhost:8080")
    make("http://[::1]:8080")
    with pytest.raises(errors.ConfigurationError, match="in the clear"):
        make("http://proxy.example/fmp", allow_custom_host=True)


@pytest.mark.parametrize(
    "path", ["//evil.example/x", "http://evil.example", "../x", "a?b", "a#b", "a b", "", "a\\b", "%2e"]
)
def test_a_path_cannot_lead_elsewhere(path: str, run_async: Any) -> None:
    async def scene(server: Server) -> None:
        transport = make(server)
        with pytest.raises(ValueError, match="plain names"):
            await transport.get_json(path, {}, kind="quote")
        await transport.aclose()

    with Server(answer(QUOTE)) as server:
        run_async(scene(server))
    assert server.connections == 0


@pytest.mark.parametrize("limit", [{"timeout": 0}, {"attempts": 0}, {"concurrency": -1}, {"per_minute": 0}])
def test_limits_are_positive(limit: dict[str, float]) -> None:
    with pytest.raises(errors.ConfigurationError, match="positive"):
        make("http://localhost", **limit)


# ------------------------------------------------------------------------------------------------ the canary


ECHO = f"Invalid request for https://x/quote?apikey=canary%2F7f3Q%2B9zK and {CANARY}"
ECHOES: dict[str, Act | Callable[[], Act]] = {
    **{name: act for name, (act, *_) in FAILURES.items()},
    "echoed with 400": answer(ECHO, status=400),
    "echoed with 200": said(ECHO, 200),
    "echoed with 500": said(ECHO, 500),
    "echoed in JSON": answer([{"symbol": "AAPL", "url": f"https://x/?apikey={CANARY}"}]),
    "echoed in headers": answer("", status=302, headers={"Location": f"https://{CANARY}.example/{CANARY}"}),
    "echoed as a time": answer("", status=429, headers={"Retry-After": CANARY}),
    "echoed as HTTP": servers.raw(f"{CANARY}\r\n\r\n".encode()),
    "echoed as packing": answer("[]", headers={"Content-Encoding": CANARY}),
    "timeout": servers.stalled(LONG),
}


def seen(error: BaseException) -> str:
    """All that anybody could print of an error, local variables included."""
    printed = traceback.TracebackException.from_exception(error, capture_locals=True, compact=False)
    return "".join(printed.format()) + repr(error) + repr(error.args) + repr(vars(error))


@pytest.mark.parametrize("name", ECHOES)
def test_the_key_is_never_shown(name: str, run_async: Any, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    for logger in list(logging.Logger.manager.loggerDict):
        caplog.set_level(logging.DEBUG, logger)
    with Server(ECHOES[name]) as server:
        transport = make(server, cache=Cache(tmp_path), timeout=0.3 if name == "timeout" else 5)

        async def scene() -> Payload | errors.DataError:
            asyncio.get_running_loop().set_debug(True)
            return await outcome(transport)

        result = run_async(scene())
    texts = [repr(result), repr(transport), repr(vars(transport)), caplog.text]
    texts += [repr(record.__dict__) for record in caplog.records]
    texts += [str(path) + path.read_bytes().decode("latin-1") for path in tmp_path.iterdir()]
    if isinstance(result, errors.DataError):
        assert result.__cause__ is None
        assert result.__context__ is None
        texts += [seen(result), pickle.dumps(result).decode("latin-1")]
    for text in texts:
        assert "7f3Q" not in text
        assert "9zK" not in text
    assert server.requests[0].query["apikey"] == CANARY, "the key was there to leak"


def test_a_transport_is_not_pickled() -> None:
    with pytest.raises(TypeError, match="Build it where it is used"):
        pickle.dumps(make("http://localhost"))


def test_errors_survive_a_pickle() -> None:
    error = errors.RateLimited("Too many. Wait.", again_at=datetime(2026, 8, 21, tzinfo=UTC))
    again = pickle.loads(pickle.dumps(error))
    assert (str(again), again.again_at) == (str(error), error.again_at)


def test_a_public_word_is_not_a_secret() -> None:
    assert redact("a demo of democracy", ["demo", ""]) == "a demo of democracy"
    assert redact(f"{CANARY} {CANARY}x", [CANARY]) == "[hidden] [hidden]x"
