"""A scripted server that speaks Chat Completions and Anthropic's Messages on a real socket, well or badly.

It runs on a loop of its own in a thread, so that sync and async callers can be tried alike. `moods` says how each
agent is answered; see `FAULTS` for the bad ones. A mood may also be a function that writes the answer itself.
Nothing in it waits for a while: it waits for a permit or for ever.
"""

from __future__ import annotations

import asyncio
import gzip
import json
import re
import threading
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

from tests.servers import Act, Request, Server

CHAT_WORDS = ("EBITDA is a measure of earnings. ", "It leaves out interest. ", "It leaves out taxes. ")
CHAT_TEXT = "".join(CHAT_WORDS).strip()
LATE = 0.9
BOMB = gzip.compress(bytes(20_000_000))
USAGE = {"prompt_tokens": 100, "completion_tokens": 20, "total_tokens": 120}

HTTP_FAULTS = {
    "401": (401, {"message": "Incorrect API key provided: {key}", "code": "invalid_api_key"}),
    "404": (404, {"message": "The model does not exist", "code": "model_not_found"}),
    "429": (429, {"message": "Rate limit reached", "code": "rate_limit_exceeded"}),
    "quota": (429, {"message": "You exceeded your current quota", "code": "insufficient_quota"}),
    "500": (500, {"message": "The server had an error"}),
    "503": (503, {"message": "The engine is overloaded"}),
    "529": (529, {"message": "Overloaded", "type": "overloaded_error"}),
    "context_overflow": (400, {"message": "maximum context length is 8192 tokens", "code": "context_length_exceeded"}),
}
STRUCTURE_FAULTS = ("prose", "truncated_json", "unknown_category", "wrong_types")
REPLY_FAULTS = ("empty", "refusal", "length", "html", "broken_body")
CONNECTION_FAULTS = ("reset", "silent", "dies", "ends_early", "never_ends", "floods", "heartbeats",
                     "endless_headers", "half_a_header", "stalls", "trickles", "bomb", "error_in_stream")  # fmt: skip
FAULTS = (*HTTP_FAULTS, *STRUCTURE_FAULTS, *REPLY_FAULTS, *CONNECTION_FAULTS)


@dataclass
class Seen:
    """One request as it arrived."""

    agent: str
    headers: Mapping[str, str]
    body: dict[str, Any]

    @property
    def key(self) -> str:
        """The key it came with."""
        return self.headers.get("authorization", "").removeprefix("Bearer ") or self.headers.get("x-api-key", "")


class ModelServer(Server):
    """Use as a context manager; `url` is the base URL to give to an OpenAI SDK, `origin` that for Anthropic's."""

    def __init__(
        self, moods: dict[str, Any] | None = None, category: str = "report", symbols: tuple[str, ...] = ("AAPL",)
    ) -> None:
        super().__init__(self._chosen, path="/v1")
        self.moods, self.category, self.symbols = moods or {}, category, symbols
        self.words: tuple[str, ...] = ("iPhone maker",)
        self.slots: dict[str, Any] = {}
        self.chat: list[str] = []
        self.narration: list[str] = []
        self.seen: list[Seen] = []
        self.hung_up = threading.Event()
        self._permits = asyncio.Semaphore(0)

    @property
    def origin(self) -> str:
        return self.url.removesuffix("/v1")

    def permit(self) -> None:
        """Let a reply in the mood `gated` go on by one word."""
        self._loop.call_soon_threadsafe(self._permits.release)

    def counts(self) -> Counter[str]:
        return Counter(request.agent for request in self.seen)

    # -------------------------------------------------------------------------------------- serving

    def _chosen(self, request: Request) -> Act:
        body = json.loads(request.body or b"{}")
        seen = Seen(_agent(body), request.headers, body)
        self.seen.append(seen)
        return Act(partial(self._perform, seen))

    async def _perform(self, seen: Seen, request: Request, _: Any, writer: asyncio.StreamWriter) -> bool:
        mood = self.moods.get(seen.agent, "fine")
        if isinstance(mood, str) and mood.startswith("once:"):
            mood = mood.removeprefix("once:") if self.counts()[seen.agent] == 1 else "fine"
        out = Out(writer, streamed=bool(seen.body.get("stream")), anthropic=request.path.endswith("/messages"))
        try:
            await self._answer(seen, mood, out)
        except _HangUp:
            return False
        except asyncio.CancelledError:
            self.hung_up.set()  # the client has left in the middle
            raise
        return True

    async def _answer(self, seen: Seen, mood: Any, out: Out) -> None:
        if callable(mood):
            await mood(seen, out)
        elif mood in HTTP_FAULTS:
            status, error = HTTP_FAULTS[mood]
            error = {**error, "message": error["message"].replace("{key}", seen.key)}
            await out.json({"type": "error", "error": {"type": "error", **error}}, status)
        elif mood == "reset":
            out.writer.transport.abort()
            raise _HangUp
        elif mood == "silent":
            await _for_ever()
        elif mood == "endless_headers":
            await out.headers_for_ever()
        elif mood == "half_a_header":
            out.writer.write(b"HTTP/1.1 200 OK\r\ncontent-le")
            await _for_ever()
        elif mood in ("stalls", "stalls_late"):
            await asyncio.sleep(LATE if mood == "stalls_late" else 0)
            await out.begin_a_body()
            await _for_ever()
        elif mood == "trickles":
            await out.begin_a_body()
            while True:
                await out.chunk(b" ")
                await asyncio.sleep(0.05)
        elif mood == "html":
            await out.send(b"<html><h1>Bad gateway</h1></html>", 200, "text/html")
        elif mood == "broken_body":
            await out.send(b'{"choices": [{"mess', 200)
        elif mood == "bomb":
            await out.packed(BOMB, "gzip")
        elif mood == "error_in_stream":
            await out.error_in_stream(f"no credit left for {seen.key}")
        elif mood == "unoffered_tool":
            await out.tool_call()
        else:
            await self._reply(seen, mood, out)

    async def _reply(self, seen: Seen, mood: str, out: Out) -> None:
        text, ending, refusal = self._says(seen.agent, mood)
        if out.streamed:
            await out.begin()
            for word in _words(text):
                if mood == "gated":
                    await self._permits.acquire()
                await out.word(word)
            await out.go_on(mood)
            await out.end(None if mood == "ends_early" else ending, refusal)
        elif mood in ("dies", "ends_early"):
            await out.half({"choices": text})
        elif mood in ("never_ends", "floods", "heartbeats"):
            await out.trickle_for_ever(fast=mood == "floods")
        else:
            await out.whole(text, ending, refusal)

    def _says(self, agent: str, mood: str) -> tuple[str, str, str | None]:
        text = self._fine(agent, mood)
        match mood:
            case "prose" | "html":
                return "Well, let me think about that.", "stop", None
            case "truncated_json" | "length":
                return text[: len(text) // 2], "length", None
            case "fenced":
                return f"```json\n{text}\n```", "stop", None
            case "wrong_types":
                return '{"category": 7, "symbols": "AAPL", "reason": []}', "stop", None
            case "empty":
                return "", "stop", None
            case "refusal":
                return "", "stop", "I can't help with that."
            case _:
                return text, "stop", None

    def _fine(self, agent: str, mood: str) -> str:
        category = "poetry" if mood == "unknown_category" else self.category
        symbols = [*self.symbols, *(["QQZZX"] if mood == "fake_ticker" else [])]
        if mood == "unknown_category" and agent == "symbol_extraction":
            return json.dumps({"tickers": symbols})
        return {
            "router": json.dumps({"category": category, "reason": "as scripted", **self.slots}),
            "symbol_extraction": json.dumps({"symbols": symbols, "words": self.words, "unknown": []}),
            "summary": json.dumps({"summary": "They talked.", "topics": ["AAPL"]}),
        }.get(agent) or _scripted(self.narration if agent == "narration" else self.chat)


class _HangUp(Exception):
    pass


@dataclass
class Out:
    """Writes a reply in the form asked for."""

    writer: asyncio.StreamWriter
    streamed: bool
    anthropic: bool

    async def send(self, body: bytes, status: int, kind: str = "application/json") -> None:
        self.writer.write(_head(status, kind, f"content-length: {len(body)}") + body)
        await self.writer.drain()

    async def json(self, data: Any, status: int = 200) -> None:
        await self.send(json.dumps(data).encode(), status)

    async def half(self, data: Any) -> None:
        body = json.dumps(data).encode()
        self.writer.write(_head(200, "application/json", f"content-length: {len(body) * 2}") + body)
        await self.writer.drain()
        raise _HangUp

    async def go_on(self, mood: str) -> None:
        """After the words of a stream: as its mood wants."""
        if mood == "dies":
            raise _HangUp
        endless = {
            "never_ends": lambda: self.word("and "),
            "floods": lambda: self.word("and so on " * 50),
            "heartbeats": lambda: self.chunk(b": still here\n\n"),
        }
        while mood in endless:
            await endless[mood]()
            await asyncio.sleep(0 if mood == "floods" else 0.005)

    async def headers_for_ever(self) -> None:
        self.writer.write(b"HTTP/1.1 200 OK\r\n")
        while not self.writer.is_closing():
            self.writer.write(b"x-more: x\r\n")
            await self.writer.drain()
            await asyncio.sleep(0.02)  # slowly enough for no client to find the head too large
        raise _HangUp

    async def begin_a_body(self) -> None:
        self.writer.write(_head(200, "text/event-stream" if self.streamed else "application/json",
                                "transfer-encoding: chunked"))  # fmt: skip
        await self.chunk(b": thinking\n\n" if self.streamed else b'{"choices": [{"mess')

    async def trickle_for_ever(self, *, fast: bool) -> None:
        self.writer.write(_head(200, "application/json", "transfer-encoding: chunked"))
        while True:
            await self.chunk(b" " * (100_000 if fast else 1))
            await asyncio.sleep(0 if fast else 0.005)

    async def whole(self, text: str, ending: str, refusal: str | None) -> None:
        if self.anthropic:
            reason = {"stop": "end_turn", "length": "max_tokens"}[ending]
            content = [{"type": "text", "text": text}] if text else []
            usage = {"input_tokens": 100, "output_tokens": 20}
            await self.json(_message(content, "refusal" if refusal else reason, usage))
            return
        message = {"role": "assistant", "content": None if refusal else text, "refusal": refusal}
        choice = {"index": 0, "message": message, "finish_reason": ending}
        await self.json({"id": "r", "object": "chat.completion", "created": 0, "model": "m",
                                "choices": [choice], "usage": USAGE})  # fmt: skip

    async def packed(self, body: bytes, encoding: str, kind: str = "application/json") -> None:
        self.writer.write(_head(200, kind, f"content-encoding: {encoding}\r\ncontent-length: {len(body)}"))
        self.writer.write(body)
        await self.writer.drain()

    async def error_in_stream(self, text: str) -> None:
        """An error in the middle of a 200, or as its whole body."""
        if not self.streamed:
            await self.json({"type": "error", "error": {"message": text}})
            return
        kind = "event: error\n" if self.anthropic else ""
        error = {"type": "error", "error": {"type": "api_error", "message": text}}
        await self.send(f"{kind}data: {json.dumps(error)}\n\n".encode(), 200, "text/event-stream")

    async def tool_call(self, name: str = "launch") -> None:
        if self.anthropic:
            await self._tool_use(name)
            return
        function = {"name": name, "arguments": "{}"}
        call = {"index": 0, "id": "call_1", "type": "function", "function": function}
        if self.streamed:
            await self.begin()
            await self._delta({"tool_calls": [call]}, None)
            await self.end("tool_calls", None)
        else:
            message = {"role": "assistant", "content": None, "tool_calls": [call]}
            choice = {"index": 0, "message": message, "finish_reason": "tool_calls"}
            await self.json({"id": "r", "object": "chat.completion", "created": 0, "model": "m", "choices": [choice]})

    async def _tool_use(self, name: str) -> None:
        usage, block = {"input_tokens": 100, "output_tokens": 20}, {"type": "tool_use", "id": "toolu_1", "name": name}
        if not self.streamed:
            await self.json(_message([{**block, "input": {}}], "tool_use", usage))
            return
        self.writer.write(_head(200, "text/event-stream", "transfer-encoding: chunked"))
        delta = {"type": "input_json_delta", "partial_json": "{}"}
        for event in (
            {"type": "message_start", "message": _message([], None, usage)},
            {"type": "content_block_start", "index": 0, "content_block": {**block, "input": {}}},
            {"type": "content_block_delta", "index": 0, "delta": delta},
            {"type": "content_block_stop", "index": 0},
            {"type": "message_delta", "delta": {"stop_reason": "tool_use", "stop_sequence": None}, "usage": usage},
            {"type": "message_stop"},
        ):
            await self._event(event)
        self.writer.write(b"0\r\n\r\n")
        await self.writer.drain()

    async def say(self, *pieces: str) -> None:
        """A reply in these pieces."""
        if not self.streamed:
            await self.whole("".join(pieces), "stop", None)
            return
        await self.begin()
        for piece in pieces:
            await self.word(piece)
        await self.end("stop", None)

    async def begin(self) -> None:
        self.writer.write(_head(200, "text/event-stream", "transfer-encoding: chunked"))
        if self.anthropic:
            await self._event({"type": "message_start", "message": _message([], None, {"input_tokens": 100,
                                                                                     "output_tokens": 0})})  # fmt: skip
            block = {"type": "text", "text": ""}
            await self._event({"type": "content_block_start", "index": 0, "content_block": block})

    async def word(self, word: str) -> None:
        if self.anthropic:
            delta = {"type": "text_delta", "text": word}
            await self._event({"type": "content_block_delta", "index": 0, "delta": delta})
        else:
            await self._delta({"content": word}, None)

    async def end(self, ending: str | None, refusal: str | None) -> None:
        if self.anthropic and ending:
            reason = "refusal" if refusal else {"stop": "end_turn", "length": "max_tokens"}[ending]
            await self._event({"type": "content_block_stop", "index": 0})
            await self._event({"type": "message_delta", "delta": {"stop_reason": reason, "stop_sequence": None},
                               "usage": {"output_tokens": 20}})  # fmt: skip
            await self._event({"type": "message_stop"})
        elif ending:
            await self._delta({"refusal": refusal} if refusal else {}, ending)
            await self.chunk(b"data: " + json.dumps({**_CHUNK, "choices": [], "usage": USAGE}).encode() + b"\n\n")
            await self.chunk(b"data: [DONE]\n\n")
        self.writer.write(b"0\r\n\r\n")
        await self.writer.drain()

    async def _delta(self, delta: dict[str, Any], ending: str | None) -> None:
        choice = {"index": 0, "delta": delta, "finish_reason": ending}
        await self.chunk(b"data: " + json.dumps({**_CHUNK, "choices": [choice]}).encode() + b"\n\n")

    async def _event(self, data: dict[str, Any]) -> None:
        await self.chunk(f"event: {data['type']}\ndata: {json.dumps(data)}\n\n".encode())

    async def chunk(self, data: bytes) -> None:
        self.writer.write(f"{len(data):x}\r\n".encode() + data + b"\r\n")
        await self.writer.drain()
        if self.writer.is_closing():
            raise _HangUp


_CHUNK = {"id": "r", "object": "chat.completion.chunk", "created": 0, "model": "m"}


def _message(content: list[Any], reason: str | None, usage: dict[str, int]) -> dict[str, Any]:
    return {"id": "r", "type": "message", "role": "assistant", "model": "m", "content": content,
            "stop_reason": reason, "stop_sequence": None, "usage": usage}  # fmt: skip


def _head(status: int, kind: str, length: str) -> bytes:
    return f"HTTP/1.1 {status} Whatever\r\ncontent-type: {kind}\r\n{length}\r\n\r\n".encode()


def _agent(body: dict[str, Any]) -> str:
    text = json.dumps({name: value for name, value in body.items() if name not in ("messages", "system")})
    for agent, schema in (("router", "category"), ("symbol_extraction", "symbols"), ("summary", "topics")):
        if f'"{schema}"' in text:
            return agent
    return "narration" if "two to four sentences" in json.dumps(body) else "chat"


def _scripted(texts: list[str]) -> str:
    return texts.pop(0) if texts else "".join(CHAT_WORDS)


def _words(text: str) -> list[str]:
    """Sentences, or the words of a single one."""
    return re.findall(r"[^.]+\. ?", text) if ". " in text else re.findall(r"\S+\s*", text)


async def _for_ever() -> None:
    await asyncio.Event().wait()
