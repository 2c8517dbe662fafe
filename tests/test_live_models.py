"""Live models on real sockets: the OpenAI and Anthropic SDKs against a scripted server, well and badly behaved."""

from __future__ import annotations

import asyncio
import gc
import logging
import threading
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from agno.agent import Agent
from agno.models.openai import OpenAIChat
from agno.run.agent import RunContentEvent

from finassist import Answer, FinancialAssistantWorkflow, Settings
from finassist.core.errors import (
    ContextOverflow,
    FinassistError,
    MalformedReply,
    ModelAuthError,
    ModelError,
    ModelFailed,
    ModelOverloaded,
    ModelRefused,
    ModelTimeout,
    ModelUnreachable,
    ReplyTooLong,
    TruncatedReply,
)
from finassist.llm import resolve_model
from finassist.llm.calls import CallRecord, Failure, Limits, call_error, recording
from finassist.llm.transport import Caller, Exchange, LimitReached
from tests.model_server import CHAT_TEXT, CHAT_WORDS, FAULTS, ModelServer

CANARY = "sk-canary-0123456789abcdef"
FIGURES, CHAT = "Tell me about the iPhone maker", "What is EBITDA?"


@pytest.fixture
def server() -> Iterator[ModelServer]:
    with ModelServer() as server:
        yield server


@pytest.fixture(scope="module", autouse=True)
def nothing_is_left_open() -> Iterator[None]:
    yield
    gc.collect()  # a socket or session that nobody closed says so here, and warnings are errors


def build(server: ModelServer, provider: str = "openai", db: Any = None, **more: Any) -> FinancialAssistantWorkflow:
    limits = {"model_retries": 0, "model_timeout": 10.0, **more}
    settings = Settings(openai_api_key=CANARY, anthropic_api_key=CANARY, **limits)
    where = server.url if provider.startswith("openai") else server.origin
    model = resolve_model(provider, settings, base_url=where)
    return FinancialAssistantWorkflow(db=db, model=model, settings=settings, routing="model", session_id="live")


def ask(workflow: FinancialAssistantWorkflow, question: str, form: str, run_async: Any) -> Answer:
    """The same question in either form; the answer, or the error raised."""
    return workflow.run(question) if form == "run" else run_async(workflow.arun(question))


FORMS = ("run", "arun")  # streamed or not: the twins tests compare


# ------------------------------------------------------------------------------------------- when all is well


@pytest.mark.parametrize("provider", ["openai", "anthropic"])
@pytest.mark.parametrize("form", FORMS)
def test_a_report_that_a_model_routes(server: ModelServer, provider: str, form: str, run_async: Any) -> None:
    workflow = build(server, provider)
    answer = ask(workflow, FIGURES, form, run_async)
    assert (answer.category, answer.symbols, answer.decided_by) == ("report", ["AAPL"], "model")
    assert answer.models == {"router": workflow.model.id, "symbol_extraction": workflow.model.id}
    assert answer.facts
    assert not answer.warnings
    assert server.counts() == {"router": 1, "symbol_extraction": 1}


@pytest.mark.parametrize("provider", ["openai", "anthropic"])
@pytest.mark.parametrize("form", FORMS)
def test_tokens_and_known_costs_are_on_the_metrics(
    server: ModelServer, provider: str, form: str, run_async: Any
) -> None:
    server.category = "chat"
    prices = {"mine": {"input": 1000, "output": 5000, "as_of": "2026-11-01", "source": "a contract"}}
    workflow = build(server, f"{provider}:mine", model_prices=prices)
    answer = ask(workflow, CHAT, form, run_async)
    used = {name: step.metrics for name, step in answer.metrics.steps.items()}
    assert set(used) == set(answer.models) == {"router", "symbol_extraction", "chat"}
    for metrics in used.values():
        assert (metrics.input_tokens, metrics.output_tokens) == (100, 20)
        assert metrics.cost == pytest.approx(0.2)


@pytest.mark.parametrize("provider", ["openai", "anthropic"])
def test_chat_streams_sentence_by_sentence(server: ModelServer, provider: str) -> None:
    server.category, server.moods = "chat", {"chat": "gated"}
    words = []
    for event in build(server, provider).run(CHAT, stream=True):
        if isinstance(event, RunContentEvent):
            words.append(event.content)
            server.permit()  # the next word is sent only when this one has been seen
        elif event.event == "StepStarted" and event.step_name == "chat":
            server.permit()
    assert "".join(words) == CHAT_TEXT
    assert len(words) == len(CHAT_WORDS)


@pytest.mark.parametrize("provider", ["openai", "anthropic"])
def test_chat_streams_sentence_by_sentence_on_a_loop(server: ModelServer, provider: str, run_async: Any) -> None:
    server.category, server.moods = "chat", {"chat": "gated"}
    words = []

    async def consume() -> None:
        async for event in build(server, provider).arun(CHAT, stream=True):
            if isinstance(event, RunContentEvent):
                words.append(event.content)
                server.permit()
            elif event.event == "StepStarted" and event.step_name == "chat":
                server.permit()

    run_async(consume())
    assert "".join(words) == CHAT_TEXT
    assert len(words) == len(CHAT_WORDS)


@pytest.mark.parametrize("form", ["run", "arun"])
def test_fenced_json_is_read(server: ModelServer, form: str, run_async: Any) -> None:
    server.moods = {"router": "fenced", "symbol_extraction": "fenced"}
    answer = ask(build(server), FIGURES, form, run_async)
    assert (answer.decided_by, answer.symbols, answer.warnings) == ("model", ["AAPL"], [])


@pytest.mark.parametrize("form", ["run", "arun"])
def test_an_invented_ticker_is_said_and_never_a_company(server: ModelServer, form: str, run_async: Any) -> None:
    server.moods = {"symbol_extraction": "fake_ticker"}
    answer = ask(build(server), FIGURES, form, run_async)
    assert answer.symbols == ["AAPL"]
    assert "QQZZX" in answer.warnings[0]
    assert "QQZZX" in answer.content


# --------------------------------------------------------------------------------------------- every fault

ERRORS: dict[str, type[ModelError]] = {
    "401": ModelAuthError,
    "404": ModelFailed,
    "429": ModelOverloaded,
    "quota": ModelOverloaded,
    "500": ModelFailed,
    "503": ModelOverloaded,
    "529": ModelOverloaded,
    "context_overflow": ContextOverflow,
    "truncated_json": TruncatedReply,
    "length": TruncatedReply,
    "empty": MalformedReply,
    "refusal": ModelRefused,
    "html": MalformedReply,
    "broken_body": MalformedReply,
    "reset": ModelUnreachable,
    "silent": ModelTimeout,
    "dies": TruncatedReply,
    "ends_early": TruncatedReply,
    "never_ends": ModelTimeout,
    "floods": ReplyTooLong,
    "heartbeats": ModelTimeout,
    "endless_headers": ModelTimeout,
    "half_a_header": ModelTimeout,
    "stalls": ModelTimeout,
    "trickles": ModelTimeout,
    "bomb": ReplyTooLong,
    "error_in_stream": ModelFailed,
}
STRUCTURED_ONLY = {"prose", "unknown_category", "wrong_types"}
SLOW = {fault for fault, error in ERRORS.items() if error is ModelTimeout}


def test_every_fault_has_its_error() -> None:
    assert set(ERRORS) | STRUCTURED_ONLY == set(FAULTS)


def limits_for(fault: str) -> dict[str, Any]:
    return {"model_timeout": 0.3} if fault in SLOW else {}


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("fault", ERRORS)
def test_a_fault_in_chat_is_a_typed_error(server: ModelServer, fault: str, form: str, run_async: Any) -> None:
    if (fault, form) == ("endless_headers", "run"):
        pytest.skip("a sync client cannot be stopped while a head drips in")
    server.category, server.moods = "chat", {"chat": fault}
    workflow = build(server, **limits_for(fault))
    with pytest.raises(ERRORS[fault]) as raised:
        ask(workflow, CHAT, form, run_async)
    assert type(raised.value) is ERRORS[fault]
    assert CANARY not in everything(raised.value)
    [stored] = workflow.answers("live")
    assert (stored.input, stored.status.value) == (CHAT, "ERROR")
    server.moods = {}
    assert ask(workflow, CHAT, form, run_async).content == CHAT_TEXT


@pytest.mark.parametrize("form", FORMS)
def test_a_fault_in_routing_ends_in_the_rules(server: ModelServer, form: str, run_async: Any) -> None:
    for fault in (*sorted(STRUCTURED_ONLY), "503", "reset", "broken_body", "dies", "floods", "refusal", "trickles"):
        server.moods = {"router": fault, "symbol_extraction": fault}
        workflow = build(server, **limits_for(fault))
        answer = ask(workflow, "What is Apple's stock price?", form, run_async)
        assert (answer.category, answer.symbols) == ("stock_price", ["AAPL"])
        assert answer.decided_by == "rules because the model failed"
        assert answer.models == {"router": "rules", "symbol_extraction": "rules"}
        assert answer.facts
        assert len(answer.warnings) == 2
        assert all(warning.endswith("Rules decided instead.") for warning in answer.warnings)
        assert CANARY not in str(answer.warnings)


@pytest.mark.parametrize("form", FORMS)
def test_the_time_of_a_model_does_not_begin_anew_with_its_body(server: ModelServer, form: str, run_async: Any) -> None:
    server.category, server.moods = "chat", {"chat": "stalls_late"}
    with pytest.raises(ModelTimeout, match="no reply within 1 seconds"):
        ask(build(server, model_timeout=1.0), CHAT, form, run_async)


# ------------------------------------------------------------------------------- one request and its answer, pure


def exchange(**limits: Any) -> Exchange:
    request = httpx.Request("POST", "http://127.0.0.1", headers={"authorization": f"Bearer {CANARY}"})
    started = Exchange(httpx, Caller("mine", Limits(**limits), "MY_KEY"), request)
    started.begin()
    return started


def test_a_key_split_between_two_pieces_of_a_stream_is_hidden() -> None:
    reply = exchange()
    pieces = reply.feed(f'data: "{CANARY[:9]}'.encode()), reply.feed(f'{CANARY[9:]}"\n\ndata: é'.encode())
    assert b"".join((*pieces, reply.finish())) == 'data: "[hidden]"\n\ndata: é'.encode()


@pytest.mark.parametrize(
    ("status", "headers", "body", "again"),
    [
        (429, {}, "slow down", None),
        (429, {"retry-after": "2"}, "slow down", None),
        (429, {"retry-after": "11"}, "slow down", "false"),
        (429, {}, '{"error": {"code": "insufficient_quota"}}', "false"),
        (200, {"retry-after": "11"}, "{}", None),
    ],
)
def test_the_sdk_hears_when_another_try_is_of_no_use(status: int, headers: Any, body: str, again: str | None) -> None:
    answered = exchange().answer(httpx.Response(status, headers=headers), body.encode())
    assert answered.headers.get("x-should-retry") == again


def test_words_of_the_model_are_no_ending() -> None:
    reply = exchange()
    reply.feed(b'{"content": "\\"finish_reason\\": \\"length\\", \\"refusal\\": \\"no\\""}\n')
    reply.finish()
    assert (reply.record.ending, reply.record.refusal) == (None, False)
    reply.feed(b'{"finish_reason": "length"}\n')
    reply.finish()
    assert reply.record.ending == "length"


def test_a_stream_that_says_it_is_done_has_ended_whatever_it_gives_as_a_reason() -> None:
    for text in (b'{"finish_reason": null}\n\ndata: [DONE]\n', b'{"finish_reason": "end-of-turn"}\n'):
        reply = exchange()
        reply.feed(text)
        reply.finish()
        assert reply.record.ending


def test_a_place_far_out_in_a_list_is_no_answer() -> None:
    reply = exchange()
    reply.feed(b'{"tool_calls": [{"index": 10000000}]}\n')
    with pytest.raises(LimitReached, match="form that its API promises"):
        reply.finish()


def test_all_requests_of_a_question_to_a_model_share_its_time() -> None:
    with recording(CallRecord()) as record:
        caller = Caller("mine", Limits())
        assert record.deadline(caller, 1000) < record.deadline(Caller("other", Limits()), 1000)


FAILURES: list[tuple[Failure, type[ModelError]]] = [
    (Failure("timeout"), ModelTimeout),
    (Failure("too_long"), ReplyTooLong),
    (Failure("cut"), TruncatedReply),
    (Failure("unreachable"), ModelUnreachable),
    (Failure("rejected", status=401), ModelAuthError),
    (Failure("rejected", status=403), ModelAuthError),
    (Failure("rejected", "OPENAI_API_KEY not set"), ModelAuthError),
    (Failure("rejected", "No connected db.", 400), ModelAuthError),  # LiteLLM's proxy of a key that is not its own
    (Failure("rejected", "API key not valid. Please pass a valid API key.", 400), ModelAuthError),
    (Failure("rejected", "litellm.AuthenticationError: OpenAIException - Invalid API Key"), ModelAuthError),
    (Failure("rejected", "Invalid model name. Call `/v1/models` to see the models for your key.", 400), ModelFailed),
    (Failure("rejected", "InternalServerError: OpenAIException - Connection error.", 500), ModelUnreachable),
    (Failure("rejected", "Cannot connect to host 127.0.0.1:9199 [Connect call failed]"), ModelUnreachable),
    (Failure("rejected", status=413), ContextOverflow),
    (Failure("rejected", "maximum context length is 8192 tokens", 400), ContextOverflow),
    (Failure("rejected", status=429), ModelOverloaded),
    (Failure("rejected", status=503), ModelOverloaded),
    (Failure("rejected", status=529), ModelOverloaded),
    (Failure("rejected", status=404), ModelFailed),
    (Failure("rejected", status=500), ModelFailed),
    (Failure("rejected"), ModelFailed),
]


@pytest.mark.parametrize(("found", "expected"), FAILURES)
def test_each_failure_has_one_error(found: Failure, expected: type[ModelError]) -> None:
    error = call_error("chat", CallRecord(models=["a", "b", "a"], failure=found), "no reason")
    assert type(error) is expected
    assert "model a and b of the chat agent" in str(error)


def test_what_breaks_after_words_were_handed_on_is_a_truncated_reply() -> None:
    record = CallRecord(failure=Failure("unreachable"), said=7, broken=True)
    assert type(call_error("chat", record, "")) is TruncatedReply
    record.begin("another")  # nothing begins the reply again
    assert record.failure


ANTHROPIC_FAULTS = ("401", "429", "529", "refusal", "length", "ends_early", "never_ends", "floods", "silent")


@pytest.mark.parametrize("form", ["run", "arun"])
@pytest.mark.parametrize("fault", ANTHROPIC_FAULTS)
def test_anthropics_faults_have_the_same_names(server: ModelServer, fault: str, form: str, run_async: Any) -> None:
    server.category, server.moods = "chat", {"chat": fault}
    workflow = build(server, "anthropic", **limits_for(fault))
    with pytest.raises(ERRORS[fault]) as raised:
        ask(workflow, CHAT, form, run_async)
    assert type(raised.value) is ERRORS[fault]
    assert CANARY not in everything(raised.value)


@pytest.mark.parametrize(
    "url",
    ["https://no-such-host.invalid/v1", "https://127.0.0.1:{port}/v1", "http://127.0.0.1:9/v1"],
    ids=["DNS", "TLS", "refused"],
)
@pytest.mark.parametrize("form", FORMS)
def test_a_model_that_is_not_there_is_named(server: ModelServer, url: str, form: str, run_async: Any) -> None:
    settings = Settings(openai_api_key=CANARY, model_retries=0, model_timeout=10)
    port = server.origin.rpartition(":")[2]
    model = resolve_model("openai", settings, base_url=url.format(port=port))
    workflow = FinancialAssistantWorkflow(db=None, model=model, settings=settings)
    with pytest.raises(ModelUnreachable, match=r'cannot be reached.*model="offline"'):
        ask(workflow, "How do markets feel today?", form, run_async)


def test_messages_say_what_to_do_next(server: ModelServer) -> None:
    server.category = "chat"
    advice = {"401": "Check OPENAI_API_KEY", "never_ends": "FINASSIST_MODEL_TIMEOUT", "floods": "Ask for less",
              "context_overflow": "begin a new session", "quota": "check plan and billing"}  # fmt: skip
    for fault, words in advice.items():
        server.moods = {"chat": fault}
        with pytest.raises(FinassistError, match=words):
            build(server, **limits_for(fault)).run(CHAT)


# -------------------------------------------------------------------------------------- retries and fallbacks


@pytest.mark.parametrize("form", ["run", "arun"])
@pytest.mark.parametrize("fault", ["429", "503", "reset"])
def test_an_overload_is_tried_again_once_by_one_owner(
    server: ModelServer, fault: str, form: str, run_async: Any
) -> None:
    server.category, server.moods = "chat", {"chat": f"once:{fault}"}
    answer = ask(build(server, model_retries=1), CHAT, form, run_async)
    assert answer.content == CHAT_TEXT
    assert server.counts()["chat"] == 2


@pytest.mark.parametrize("fault", ["401", "quota", "context_overflow"])
def test_what_no_retry_can_help_is_asked_once(server: ModelServer, fault: str) -> None:
    server.category, server.moods = "chat", {"chat": fault}
    with pytest.raises(ModelError):
        build(server, model_retries=2).run(CHAT)
    assert server.counts()["chat"] == 1


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("fault", ["503", "silent", "reset"])
def test_another_model_stands_in_and_the_answer_says_so(
    server: ModelServer, fault: str, form: str, run_async: Any
) -> None:
    settings = Settings(openai_api_key=CANARY, model_retries=0, **limits_for(fault))
    with ModelServer(category="chat") as other:
        second = OpenAIChat(id="second", api_key=CANARY, base_url=other.url)
        server.moods = dict.fromkeys(("router", "symbol_extraction", "chat"), fault)
        first = OpenAIChat(id="first", api_key=CANARY, base_url=server.url)
        workflow = FinancialAssistantWorkflow(db=None, model=[first, second], settings=settings, routing="model")
        answer = ask(workflow, CHAT, form, run_async)
    assert answer.content == CHAT_TEXT
    assert answer.models == {"router": "second", "symbol_extraction": "second", "chat": "second"}


@pytest.mark.parametrize("form", FORMS)
def test_the_offline_model_stands_in_and_the_answer_says_so(server: ModelServer, form: str, run_async: Any) -> None:
    server.moods = dict.fromkeys(("router", "symbol_extraction", "chat"), "503")
    live = OpenAIChat(id="first", api_key=CANARY, base_url=server.url)
    workflow = FinancialAssistantWorkflow(db=None, model=[live, "offline"], settings=Settings(model_retries=0))
    answer = ask(workflow, "What is EBITDA?", form, run_async)
    assert answer.content.startswith("**EBITDA**")
    assert answer.models == {"chat": "offline"}


def test_a_reply_that_has_begun_is_not_begun_again_by_another_model(server: ModelServer) -> None:
    server.category, server.moods = "chat", {"chat": "dies"}
    settings = Settings(openai_api_key=CANARY, model_retries=2)
    with ModelServer() as other:
        models = [OpenAIChat(id=name, api_key=CANARY, base_url=where.url)
                  for name, where in (("first", server), ("second", other))]  # fmt: skip
        workflow = FinancialAssistantWorkflow(db=None, model=models, settings=settings)
        with pytest.raises(TruncatedReply):
            workflow.run("Tell me a story about money")
        assert not other.seen
    assert server.counts()["chat"] == 1


# ------------------------------------------------------------------------------------------ loops and sockets


def test_one_model_serves_several_loops_and_threads(server: ModelServer) -> None:
    workflow = build(server)
    for _ in range(2):
        assert asyncio.run(workflow.arun(FIGURES)).decided_by == "model"
    assert workflow.run(FIGURES).decided_by == "model"
    thread = threading.Thread(target=lambda: asyncio.run(workflow.arun(FIGURES)))
    thread.start()
    thread.join()
    assert server.counts()["router"] == 4


def test_connections_stay_warm_and_close_with_their_loop(server: ModelServer) -> None:
    workflow = build(server)

    async def several() -> int:
        for _ in range(4):
            await workflow.arun(FIGURES)
        return server.connections

    assert asyncio.run(several()) == 2  # router and extraction, side by side
    asyncio.run(server.until(lambda: not server.open))


@pytest.mark.parametrize("form", FORMS)
def test_an_agent_that_a_user_put_in_place_of_ours_is_served_on_every_loop(
    server: ModelServer, form: str, run_async: Any
) -> None:
    """Agno's own model keeps one async client, which belongs to the loop that asked first."""
    server.category = "chat"
    workflow = build(server, model_timeout=1.0)
    workflow.chat_agent = Agent(model=OpenAIChat(id="theirs", api_key=CANARY, base_url=server.url), telemetry=False)
    for _ in range(2):
        answer = ask(workflow, CHAT, form, lambda work: asyncio.run(work))
        assert (answer.content, answer.models["chat"]) == (CHAT_TEXT, "theirs")
    server.moods = {"chat": "silent"}
    with pytest.raises(ModelTimeout, match="1 seconds"):
        ask(workflow, CHAT, form, run_async)


def test_summaries_are_written_on_the_private_loop_with_the_same_model(server: ModelServer, tmp_path: Any) -> None:
    workflow = build(server, db=tmp_path / "s.db", summary_after=2, remembered_turns=1)

    async def talk() -> None:
        for _ in range(3):
            await workflow.arun(FIGURES)

    asyncio.run(talk())
    workflow.close()
    assert server.counts()["summary"] >= 1
    assert "They talked." in str(workflow.get_session("live").session_data)


@pytest.mark.parametrize("provider", ["openai", "anthropic"])
def test_cancelling_mid_stream_hangs_up(server: ModelServer, provider: str, run_async: Any) -> None:
    server.category, server.moods = "chat", {"chat": "gated"}
    workflow = build(server, provider)

    async def begin_and_cancel() -> None:
        server.permit()
        async for event in workflow.arun(CHAT, stream=True):
            if isinstance(event, RunContentEvent):
                break

    run_async(begin_and_cancel())
    assert server.hung_up.wait(10)
    server.moods = {}
    assert workflow.run(CHAT).content == CHAT_TEXT


def test_leaving_a_sync_stream_hangs_up(server: ModelServer) -> None:
    server.category, server.moods = "chat", {"chat": "gated"}
    server.permit()
    for event in build(server).run(CHAT, stream=True):
        if isinstance(event, RunContentEvent):
            server.permit()
            break
    assert server.hung_up.wait(10)


# ------------------------------------------------------------------------------------------------- secrets


def everything(error: BaseException) -> str:
    """Whatever a person or a log could see of an error and of all that led to it."""
    chain: list[BaseException] = []
    while error is not None and error not in chain:
        chain.append(error)
        error = error.__cause__ or error.__context__
    return " ".join(f"{error} {error!r} {vars(error)} {getattr(error, 'body', '')}" for error in chain)


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("provider", ["openai", "anthropic"])
def test_a_key_that_a_server_repeats_is_nowhere(
    server: ModelServer, provider: str, form: str, run_async: Any, tmp_path: Any, caplog: pytest.LogCaptureFixture
) -> None:
    loggers = [logging.getLogger(name) for name in ("agno", "openai", "anthropic", "httpx", "httpx2", "aiohttp", "")]
    levels = [logger.level for logger in loggers]
    for logger in loggers:
        logger.setLevel(logging.DEBUG)
        logger.addHandler(caplog.handler)
    try:
        server.category, server.moods = "chat", {"chat": "401"}
        workflow = build(server, provider, db=tmp_path / "s.db")
        with pytest.raises(ModelAuthError) as raised:
            ask(workflow, CHAT, form, run_async)
    finally:
        for logger, level in zip(loggers, levels, strict=True):
            logger.setLevel(level)
            logger.removeHandler(caplog.handler)
    sent = server.seen[-1].headers
    assert CANARY in sent.get("authorization", "") + sent.get("x-api-key", "")
    assert CANARY not in everything(raised.value) + caplog.text
    assert all(CANARY.encode() not in path.read_bytes() for path in tmp_path.iterdir())
