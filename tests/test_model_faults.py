"""What a model and its server may do to a person: calls without end, keys in texts, bombs, and bad characters.

Each kind is tried in both shapes of API and in every form of asking, against a server on a real socket.
"""

from __future__ import annotations

import asyncio
import base64
import gzip
import json
import socket
import tracemalloc
import zlib
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass, field
from itertools import cycle, pairwise
from typing import Any
from urllib.parse import quote

import pytest
from agno.agent import Agent
from agno.models.anthropic import Claude
from agno.models.base import Model
from agno.models.openai import OpenAIChat
from agno.models.openai.like import OpenAILike
from agno.models.response import ModelResponse
from agno.tools import Function

from finassist import Answer, FinancialAssistantWorkflow, Settings
from finassist.core.errors import ContextOverflow, FinassistError, ModelFailed, ModelUnreachable, ReplyTooLong
from finassist.core.secrets import redact, redact_error, secrets_of
from finassist.llm import resolve_model
from finassist.llm.calls import CallRecord, Failure, Limits, call_error
from finassist.llm.connections import TOKENS, fit
from tests.model_server import CHAT_TEXT, ModelServer, Out, Seen
from tests.test_live_models import CANARY, build
from tests.test_secrets import Search, everything_logged

CHAT, PROVIDERS, FORMS = "How do markets feel today?", ("openai", "anthropic"), ("run", "arun", "stream", "astream")


@pytest.fixture
def server() -> Iterator[ModelServer]:
    with ModelServer(category="chat") as server:
        yield server


def ask(workflow: FinancialAssistantWorkflow, form: str, run_async: Any, question: str = CHAT) -> Answer:
    async def last() -> Any:
        return [event async for event in workflow.arun(question, stream=True)][-1].run_output

    match form:
        case "run":
            return workflow.run(question)
        case "arun":
            return run_async(workflow.arun(question))
        case "stream":
            return [*workflow.run(question, stream=True)][-1].run_output
        case _:
            return run_async(last())


def each(*forms: str) -> Iterator[tuple[str, str]]:
    return ((provider, form) for provider in PROVIDERS for form in forms or FORMS)


# ----------------------------------------------------------------------------------------------- calls of tools


def test_a_call_of_a_tool_that_nobody_offered_ends_soon(server: ModelServer, run_async: Any) -> None:
    server.moods = dict.fromkeys(("chat", "router", "symbol_extraction"), "unoffered_tool")
    for provider, form in each():
        server.seen.clear()
        with pytest.raises(ModelFailed, match="called a tool that does not exist"):
            ask(build(server, provider), form, run_async)
        assert set(server.counts().values()) == {2}, (provider, form)


def test_a_tool_that_was_offered_is_called_for_so_many_rounds(server: ModelServer, run_async: Any) -> None:
    def launch() -> str:
        return "launched"

    server.moods = {"chat": "unoffered_tool"}
    for form in ("run", "arun"):
        workflow = build(server)
        workflow.chat_agent = Agent(model=workflow.model, tools=[launch])
        with pytest.raises(ModelFailed, match="called tools in more than 20 rounds"):
            ask(workflow, form, run_async)
        assert server.counts()["chat"] == 20
        server.seen.clear()


def test_a_model_of_any_sdk_is_stopped(server: ModelServer) -> None:
    """Also one whose HTTP client is the user's own, and so not guarded."""
    import httpx2

    server.moods = {"chat": "unoffered_tool"}
    with httpx2.Client() as client:
        model = OpenAIChat(id="mine", api_key=CANARY, base_url=server.url, http_client=client)
        workflow = FinancialAssistantWorkflow(db=None, model=model, routing="rules")
        with pytest.raises(ModelFailed, match="does not exist"):
            workflow.run(CHAT)
    assert server.counts()["chat"] == 2


async def many_calls(seen: Seen, out: Out) -> None:
    call = {"type": "function", "function": {"name": "launch", "arguments": "{}"}}
    calls = [{**call, "index": number, "id": f"call_{number}"} for number in range(60)]
    message = {"role": "assistant", "content": None, "tool_calls": calls}
    choices = [{"index": 0, "message": message, "finish_reason": "tool_calls"}]
    if not out.streamed:
        await out.json({"id": "r", "object": "chat.completion", "created": 0, "model": "m", "choices": choices})
        return
    await out.begin()
    await out._delta({"tool_calls": calls}, None)
    await out.end("tool_calls", None)


def test_tools_are_called_so_many_times_also_several_at_once(server: ModelServer, run_async: Any) -> None:
    called: list[int] = []
    server.moods = {"chat": many_calls}
    workflow = build(server)
    workflow.chat_agent = Agent(
        model=workflow.model, tools=[Function(name="launch", entrypoint=lambda: called.append(1))]
    )
    for form in ("run", "arun"):
        with pytest.raises(ModelFailed, match="called tools more than 100 times"):
            ask(workflow, form, run_async)
    assert len(called) == 2 * 60


@dataclass
class OwnModel(Model):
    """A class of the user's own, without a field for tokens, on no client of ours."""

    id: str = "own"
    reply: ModelResponse = field(default_factory=ModelResponse)
    asked: int = 0

    def invoke(self, *args: Any, **kwargs: Any) -> ModelResponse:
        self.asked += 1
        return self.reply

    async def ainvoke(self, *args: Any, **kwargs: Any) -> ModelResponse:
        return self.invoke()

    def invoke_stream(self, *args: Any, **kwargs: Any) -> Iterator[ModelResponse]:
        yield self.invoke()

    async def ainvoke_stream(self, *args: Any, **kwargs: Any) -> AsyncIterator[ModelResponse]:
        yield self.invoke()

    def _parse_provider_response(self, response: Any, **kwargs: Any) -> ModelResponse:
        return response

    def _parse_provider_response_delta(self, response: Any) -> ModelResponse:
        return response


def test_a_model_of_the_users_own_class_is_stopped_too(run_async: Any) -> None:
    """It is asked itself: what it keeps of its calls stays."""
    call = {"id": "c", "type": "function", "function": {"name": "launch", "arguments": "{}"}}
    for form in FORMS:
        model = OwnModel(reply=ModelResponse(role="assistant", tool_calls=[call]))
        workflow = FinancialAssistantWorkflow(db=None, model=model, routing="rules")
        with pytest.raises(ModelFailed, match="does not exist"):
            ask(workflow, form, run_async)
        assert model.asked == 2
        model.reply = ModelResponse(role="assistant", content="9 " * 100_000)
        with pytest.raises(ReplyTooLong):
            ask(workflow, form, run_async)


# ------------------------------------------------------------------------------------- answers that are none

NO_ANSWERS = ("[]", "7", "null", '"hello"', '{"choices": 7}', '{"choices": [{"message": 3}]}')
ERRORS_WITH_200 = ('{"error": "no such model"}', '{"error": {"message": "no such model", "code": 5}}')


def body(text: str) -> Any:
    async def act(seen: Seen, out: Out) -> None:
        await out.send(text.encode(), 200)

    return act


@pytest.mark.slow
def test_an_answer_that_is_none_is_told_in_words_of_a_person(server: ModelServer, run_async: Any) -> None:
    for text in NO_ANSWERS:
        server.moods = {"router": body(text)}
        for form in ("run", "arun"):
            warnings = ask(build(server), form, run_async).warnings
            assert any("router agent" in each and "in the form" in each for each in warnings), (text, warnings)
    for text in ERRORS_WITH_200:
        server.moods = {"chat": body(text)}
        for provider, form in each():
            with pytest.raises(ModelFailed, match="no such model"):
                ask(build(server, provider), form, run_async)


# ------------------------------------------------------------------------------------------------- keys in texts

SPELLINGS: dict[str, Callable[[str], str]] = {
    "plain": str,
    "header": lambda key: f"authorization: Bearer {key}",
    "url": lambda key: f"GET https://me:{key}@host/v1?api_key={quote(key, safe='')}",
    "encoded twice": lambda key: quote(quote(key, safe=""), safe=""),
    "base64": lambda key: base64.b64encode(f"user:{key}:x".encode()).decode(),
    "its beginning": lambda key: f"{key[:16]}…",
    "its end": lambda key: f"…{key[8:]}",
    "hexadecimal": lambda key: key.encode().hex().upper(),
    "upper case": str.upper,
    "escaped in JSON": lambda key: key.replace("/", "\\u002f").replace("+", "\\u002B"),
    "every character encoded": lambda key: "".join(f"%{ord(each):02X}" for each in key),
    "numbers of HTML": lambda key: "".join(f"&#{ord(each)};" for each in key),
    "on two lines": lambda key: f"{key[:13]}\n{key[13:]}",
}
KEY = "sk-canary/0123456789+abcdef"
LEAKS = [leak.lower() for leak in (*(spelling(KEY) for spelling in SPELLINGS.values()), KEY[:9], KEY[8:], KEY[-9:])]


def echo(spelling: str) -> Any:
    async def act(seen: Seen, out: Out) -> None:
        await out.error_in_stream(f"no credit left for {SPELLINGS[spelling](seen.key)}")

    return act


def in_pieces(*ends: int, between: str = "") -> Any:
    async def act(seen: Seen, out: Out) -> None:
        parts = [seen.key[start:end] for start, end in pairwise((0, *ends, len(seen.key)))]
        await out.say("Your key is ", *(f"{part}{between}" for part in parts[:-1]), parts[-1], ". It is a secret.")

    return act


async def as_a_tool(seen: Seen, out: Out) -> None:
    await out.tool_call(f"launch_the_rocket_now_{KEY}")  # of a client of the user's own, no answer is cleaned


def test_the_name_of_a_strange_tool_has_no_key(server: ModelServer) -> None:
    import httpx2

    server.moods = {"chat": as_a_tool}
    with httpx2.Client() as client:
        model = OpenAIChat(id="mine", api_key=KEY, base_url=server.url, http_client=client)
        search = Search()
        look(search, FinancialAssistantWorkflow(db=None, model=model, routing="rules"), "run", None)
    assert not [place for place, text in search.places if KEY[:13] in text]


async def as_reason(seen: Seen, out: Out) -> None:
    await out.say(json.dumps({"category": "chat", "reason": seen.key, "symbols": [], "unknown": [seen.key]}))


def keyed(server: ModelServer, provider: str, db: Any) -> FinancialAssistantWorkflow:
    settings = Settings(openai_api_key=KEY, anthropic_api_key=KEY, model_retries=0)
    where = server.url if provider == "openai" else server.origin
    model = resolve_model(provider, settings, base_url=where)
    return FinancialAssistantWorkflow(db=db, model=model, settings=settings, routing="model", store_events=True)


@pytest.mark.slow
def test_a_key_in_a_reply_is_in_no_event_error_log_or_store(server: ModelServer, run_async: Any, tmp_path: Any) -> None:
    said = [echo(spelling) for spelling in SPELLINGS]
    plain = {"chat": echo("plain")}
    acts = [
        *[plain] * len([*each()]),
        *({"chat": act, "router": act} for act in said),
        *({"chat": in_pieces(*ends)} for ends in ((9,), (18,), (9, 18), (4, 9, 13, 20), range(1, len(KEY)))),
        *[{"chat": in_pieces(9, between="\n")}, {"chat": in_pieces(9, 18, between="\u200b\n")}] * 4,
        {"router": as_reason},
    ]
    search = Search()
    with everything_logged() as lines:
        for number, (moods, (provider, form)) in enumerate(zip(acts, cycle(each()), strict=False)):
            server.moods = moods
            workflow = keyed(server, provider, tmp_path / f"{number}.db")
            look(search, workflow, form, run_async)
            search.see("stored", [answer.to_dict() for answer in workflow.answers()])
            workflow.close()
    search.see_folder(tmp_path)
    search.see("logs", "\n".join(lines))
    found = [(place, leak, text) for place, text in search.places for leak in LEAKS if leak in text]
    assert not {(place, text[max(0, text.find(leak) - 60) :][:150]) for place, leak, text in found}
    assert any("[hidden]" in text for _, text in search.places)


def look(search: Search, workflow: FinancialAssistantWorkflow, form: str, run_async: Any) -> None:
    """What a person sees of a question; no frame from here on knows the server, which knows the key."""
    try:
        answer = ask(workflow, form, run_async)
        search.see_answer(answer)
        search.see("events", answer.events)
    except FinassistError as error:
        search.see_error(form, error)
        search.see("behind it", [error.__cause__, error.__context__, getattr(error, "__notes__", ())])


async def in_its_head(seen: Seen, out: Out) -> None:
    head = f"HTTP/1.1 500 {seen.key}\r\nx-echo: {seen.key}\r\nlocation: /{seen.key}\r\ncontent-length: 0\r\n\r\n"
    out.writer.write(head.encode())
    await out.writer.drain()


def test_what_http_clients_log_has_no_key(server: ModelServer, run_async: Any) -> None:
    """Each of them logs the status line or the headers of an answer at DEBUG."""
    server.moods = {"chat": in_its_head}
    for provider, form in each():
        workflow = keyed(server, provider, None)
        with everything_logged() as lines, pytest.raises(FinassistError):
            ask(workflow, form, run_async)
        logged = "\n".join(lines).lower()
        assert "[hidden]" in logged
        assert not [leak for leak in LEAKS if leak in logged], (provider, form)


def test_no_repr_of_a_model_has_a_key_in_it_wherever_it_is() -> None:
    model = OpenAILike(
        id="mine", base_url=f"https://me:{quote(KEY, safe='')}@host/v1", default_headers={"X-Mine": KEY},
        extra_headers={"Authorization": f"Bearer {KEY}"}, default_query={"sig": KEY},
    )  # fmt: skip
    resolve_model(model)
    shown = f"{model!r} {model.to_dict()}".lower()
    assert not [leak for leak in LEAKS if leak in shown]
    assert model.default_headers == {"X-Mine": KEY}


class Foreign:
    """An object that carries a secret under a name of its own."""

    def __init__(self, **own: Any) -> None:
        vars(self).update(own)


def test_a_secret_is_found_under_any_name() -> None:
    secret = "hunter2-hunter2"
    carriers = [
        *({name: secret} for name in ("auth", "bearer", "pat", "api_key", "SECRET", "password", "jwt", "cookie")),
        {"default_headers": {"X-Mine": secret}},
        {"headers": {"Authorization": f"Bearer {secret}"}},
        {"headers": {"Authorization": "Basic " + base64.b64encode(f"me:{secret}".encode()).decode()}},
        {"base_url": f"https://me:{secret}@host/"},
        {"base_url": f"https://host/?sig={secret}"},
        {"base_url": f"//me:{secret}@host/"},
        {"webhook": "https://hooks.host/services/0123456789abcdefABCDEF012345"},
        {"args": ["--header", f"Authorization: Bearer {secret}"]},
        {"passphrase": "correct horse battery staple"},
        {"anything": "0123456789abcdef-XYZ-0123456789"},
        {"client": Foreign(inner=Foreign(token=secret))},
    ]
    for carrier in carriers:
        assert secrets_of(Foreign(**carrier)), carrier
    plain = {
        "id": "claude-sonnet-4-20250514", "key_name": "apikey", "name": "Yahoo", "key_points": "one two three",
        "base_url": "https://host/deployments/gpt-4o-mini-2024-07-18/v1", "system": "A token such as x is a secret.",
    }  # fmt: skip
    assert secrets_of(Foreign(**plain)) == ()


def test_an_error_is_cleaned_with_all_that_hangs_on_it() -> None:
    inner = ValueError({"url": [f"x?key={KEY}"]})
    inner.add_note(f"sent {KEY}")
    vars(inner)["body"] = KEY.encode()
    try:
        try:
            raise inner
        except ValueError as error:
            raise ExceptionGroup(f"with {KEY}", [TypeError(KEY), error]) from error
    except ExceptionGroup as error:
        group = error
    redact_error(group, [KEY])
    seen = [group, *group.exceptions, group.__cause__]
    assert KEY not in str([(repr(each), vars(each)) for each in seen])


def test_ordinary_words_stay() -> None:
    text = "Revenue was USD 123456789 in FY2024; see https://www.sec.gov/cgi-bin.\nUp 3%20 & \\u00e9 &amp; more."
    assert redact(text, [KEY, "a", "demo"]) == text
    assert redact(f"{text} {KEY}\n{text}", [KEY]) == f"{text} [hidden]\n{text}"


# ------------------------------------------------------------------------------------------------------- bombs

ZEROS = bytes(80_000_000)
BOMBS = {
    "gzip": gzip.compress(ZEROS),
    "deflate": zlib.compress(ZEROS),
    "br": gzip.compress(ZEROS),  # whatever it is: it was not asked for
}


def test_a_bomb_is_counted_as_it_unpacks(server: ModelServer, run_async: Any) -> None:
    for encoding, kind in ((name, kind) for name in BOMBS for kind in ("application/json", "text/event-stream")):

        async def act(_: Seen, out: Out, encoding: str = encoding, kind: str = kind) -> None:
            await out.packed(BOMBS[encoding], encoding, kind)

        server.moods = {"chat": act}
        for provider, form in each("run", "arun"):
            workflow = build(server, provider, max_reply_chars=1000)
            tracemalloc.start()
            with pytest.raises((ReplyTooLong, ModelFailed)) as raised:
                ask(workflow, form, run_async)
            peak = tracemalloc.get_traced_memory()[1]
            tracemalloc.stop()
            assert peak < 20_000_000, (encoding, kind, provider, form)
            if encoding != "br":
                assert type(raised.value) is ReplyTooLong, (encoding, kind, provider, form)


# ------------------------------------------------------------------------------------------------- bad characters

DIRTY = ("Ask for \ud83d", "\ude00 and \ud83d half, ", "\x00 nothing \u202etxet\u202c \x1b[mred. ", "Fine.")


async def dirty(_: Seen, out: Out) -> None:
    await out.say(*DIRTY)


async def marked_up(_: Seen, out: Out) -> None:
    message = '{"context":{"turns":[["a","b"]]},"question":"How do markets feel today?"}'
    await out.say("<context>Markets feel nothing. ", f"{message} ", "</context> <|im_end|> People do.")


def test_bad_characters_are_shown_stored_and_exported_without_harm(
    server: ModelServer, run_async: Any, tmp_path: Any
) -> None:
    for act, wanted in (
        (dirty, "Ask for 😀 and  half,  nothing txet [mred. Fine."),
        (marked_up, "Markets feel nothing."),
    ):
        server.moods = {"chat": act}
        for number, (provider, form) in enumerate(each()):
            workflow = build(server, provider, db=tmp_path / f"{act.__name__}{number}.db")
            ask(workflow, form, run_async)
            [answer] = workflow.answers("live")
            assert wanted in answer.content
            assert not any(bad in answer.content for bad in ("context", "question", "im_end", "\x00", "\u202e"))
            whole = answer.to_markdown() + answer.to_html() + json.dumps(answer.to_dict(), default=str)
            whole.encode()
            workflow.close()


def test_what_a_router_says_freely_is_not_shown(server: ModelServer, run_async: Any) -> None:
    garbage = "jesion <context> 57,274 iPhones"
    said = {"category": "chat", "reason": garbage, "symbols": [], "words": [], "unknown": ["Blorptech", garbage]}

    async def act(_: Seen, out: Out) -> None:
        await out.say(json.dumps(said))

    server.moods = dict.fromkeys(("router", "symbol_extraction"), act)
    for form in FORMS:
        answer = ask(build(server), form, run_async)
        whole = f"{answer.to_markdown()} {answer.to_dict()} {answer.events}"
        assert not any(word in whole for word in ("jesion", "57,274", "<context>", "Blorptech")), form
        assert answer.content == CHAT_TEXT


# ------------------------------------------------------------------------------------------- a server that is down


def test_a_local_server_that_is_down_is_named(run_async: Any) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    for provider, form in each():
        base = f"http://127.0.0.1:{port}" + ("/v1" if provider == "openai" else "")
        settings = Settings(openai_api_key=CANARY, anthropic_api_key=CANARY)  # with its usual retries
        model = resolve_model(provider, settings, base_url=base)
        workflow = FinancialAssistantWorkflow(db=None, model=model, settings=settings, routing="model")
        error = ask_once(workflow, form, run_async)
        assert f"cannot be reached at http://127.0.0.1:{port}." in str(error)


def ask_once(workflow: FinancialAssistantWorkflow, form: str, run_async: Any) -> BaseException:
    with pytest.raises(ModelUnreachable) as raised:
        ask(workflow, form, run_async)
    return raised.value


# ------------------------------------------------------------------------------------------------ longer than it reads

TOO_LONG = (
    "the request exceeds the available context size, try increasing it",
    "This model's maximum context length is 8192 tokens. However, you requested 9000",
    "prompt is too long: 210000 tokens > 200000 maximum",
    "context_length_exceeded",
    "input length and `max_tokens` exceed context limit: 199000 + 8192 > 200000",
    "Requested tokens (5000) exceed context window of 2048",
    "Please reduce the length of the messages or completion.",
    "The input token count (1200000) exceeds the maximum number of tokens allowed (1048576)",
    "The decoder prompt (length 5000) is longer than the maximum model length of 4096",
    "Input is too long for requested model: too many tokens",
)
NOT_TOO_LONG = (("Rate limit reached: too many tokens per minute", 429), ("Incorrect API key provided", 400))


def test_each_way_to_say_too_long_is_an_overflow() -> None:
    def error(text: str, status: int | None) -> FinassistError:
        return call_error("chat", CallRecord(models=["a"], failure=Failure("rejected", text, status)), "")

    for text in TOO_LONG:
        assert all(type(error(text, status)) is ContextOverflow for status in (None, 400, 500)), text
    assert not any(isinstance(error(*each), ContextOverflow) for each in NOT_TOO_LONG)


def test_a_code_for_it_counts_as_well(server: ModelServer, run_async: Any) -> None:
    async def act(_: Seen, out: Out) -> None:
        await out.json({"error": {"code": 400, "message": "no", "type": "exceed_context_size_error"}}, 400)

    server.moods = {"chat": act}
    for provider, form in each("run", "arun"):
        with pytest.raises(ContextOverflow):
            ask(build(server, provider), form, run_async)


# -------------------------------------------------------------------------------------------------- caps on tokens


def test_every_agent_has_a_cap_and_no_model_keeps_it(server: ModelServer, run_async: Any) -> None:
    for provider, form in each("run", "arun"):
        workflow = build(server, f"{provider}:mine")
        before = workflow.model.to_dict(), workflow.model.max_tokens
        server.seen.clear()
        ask(workflow, form, run_async)
        asked = {seen.agent: seen.body.get("max_tokens") for seen in server.seen}
        assert asked == {name: TOKENS[name] for name in ("router", "symbol_extraction", "chat")}
        assert (workflow.model.to_dict(), workflow.model.max_tokens) == before


def test_the_lower_limit_wins_in_the_field_of_the_sdk() -> None:
    def capped(model: Any, role: str = "chat") -> Any:
        return fit(Agent(model=model), Limits(), role).model

    mine = OpenAIChat(id="gpt-4o", api_key=CANARY)
    assert (capped(mine).max_completion_tokens, capped(mine).max_tokens) == (1500, None)
    assert (mine.max_completion_tokens, mine.max_tokens) == (None, None)
    assert capped(OpenAIChat(id="x", api_key=CANARY, max_tokens=90)).max_tokens == 90
    assert capped(OpenAIChat(id="x", api_key=CANARY, max_tokens=9000), "router").max_tokens == 400
    assert capped(OpenAIChat(id="gpt-5", api_key=CANARY)).max_completion_tokens == 5500, "thoughts count as well"
    own = OpenAIChat(id="x", api_key=CANARY, request_params={"max_tokens": 90})
    assert (capped(own).max_completion_tokens, capped(own).max_tokens) == (None, None)
    assert capped(Claude(id="claude-sonnet-5-5", api_key=CANARY)).max_tokens == 1500
    thinking = Claude(id="claude-sonnet-5-5", api_key=CANARY, thinking={"type": "enabled", "budget_tokens": 2000})
    assert capped(thinking).max_tokens == 3500


# -------------------------------------------------------------------------------------------------------- summaries


def talk(server: ModelServer, db: Any, turns: int, routing: Any = "model") -> FinancialAssistantWorkflow:
    workflow = build(server, db=db, summary_after=2, remembered_turns=1)
    workflow.routing = routing
    for _ in range(turns):
        workflow.run(CHAT if routing == "model" else "What was Apple's revenue in 2023?")
    return workflow


def test_closing_waits_for_no_summary_that_never_comes(server: ModelServer, tmp_path: Any, run_async: Any) -> None:
    server.moods = {"summary": "silent"}

    for name, close in (("close", lambda w: w.close()), ("aclose", lambda w: run_async(w.aclose()))):
        workflow = talk(server, tmp_path / f"{name}.db", 3)
        close(workflow)
        run_async(server.until(lambda: not server.open))


def test_a_failed_summary_is_not_asked_for_again_each_turn(server: ModelServer, tmp_path: Any) -> None:
    server.moods = {"summary": "500"}
    workflow = build(server, db=tmp_path / "s.db", summary_after=3, remembered_turns=3)
    for _ in range(9):
        workflow.run(CHAT)
        workflow.summariser.wait()
    assert server.counts()["summary"] == 2, "at the sixth turn, and at the ninth"
    server.moods = {}
    for _ in range(3):
        workflow.run(CHAT)
        workflow.summariser.wait()
    assert workflow.sessions()["summary"].tolist() == ["They talked."]
    workflow.close()


def test_the_tokens_of_a_summary_are_counted_in_the_session(server: ModelServer, tmp_path: Any) -> None:
    workflow = talk(server, tmp_path / "s.db", 3)
    workflow.summariser.wait()
    used = workflow.get_session_metrics("live")
    assert server.counts()["summary"] >= 1
    assert used.total_tokens == 120 * sum(server.counts().values())
    workflow.close()


def test_a_session_that_needed_no_model_asks_none_for_a_summary(server: ModelServer, tmp_path: Any) -> None:
    workflow = talk(server, tmp_path / "s.db", 5, routing="rules")
    workflow.summariser.wait()
    assert not server.seen
    workflow.close()


def test_nothing_runs_on_after_a_cancelled_summary(server: ModelServer, tmp_path: Any) -> None:
    server.moods = {"summary": "silent"}
    workflow = talk(server, tmp_path / "s.db", 3)
    asyncio.run(workflow.aclose())
    assert server.hung_up.wait(5)
    server.moods = {}
    assert workflow.run(CHAT).content == CHAT_TEXT
    workflow.close()
