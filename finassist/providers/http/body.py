"""Reading a body with a limit on what comes out, so that a small answer cannot fill the memory."""

from __future__ import annotations

import zlib

import aiohttp

_CHUNK = 64 * 1024
_GZIP = 31  # window bits that make zlib expect a gzip header
_ENCODINGS = {"": None, "identity": None, "gzip": _GZIP, "x-gzip": _GZIP}

ACCEPTED = "gzip"


class Overflow(Exception):
    """The body is larger than the limit."""


class Undecodable(ValueError):
    """The body is compressed in a way that was not asked for, or is damaged."""


async def read_body(response: aiohttp.ClientResponse, limit: int) -> bytes:
    """The decoded body, of at most `limit` bytes.

    Raises:
        Overflow: There is more.
        Undecodable: It cannot be decompressed.
        aiohttp.ClientError: The connection broke.
    """
    decoder = _Decoder(response.headers.get("Content-Encoding", ""), limit)
    if (response.content_length or 0) > limit:
        raise Overflow
    async for chunk in response.content.iter_chunked(_CHUNK):
        decoder.feed(chunk)
    return decoder.finish()


class _Decoder:
    """Collects a body, decompressed if need be, and never holds more than the limit."""

    def __init__(self, encoding: str, limit: int) -> None:
        name = encoding.strip().lower()
        if name not in _ENCODINGS:
            raise Undecodable
        window = _ENCODINGS[name]
        self._inflate = None if window is None else zlib.decompressobj(window)
        self._limit = limit
        self._parts = bytearray()

    def feed(self, chunk: bytes) -> None:
        room = self._limit - len(self._parts) + 1
        try:
            self._parts += chunk if self._inflate is None else self._inflate.decompress(chunk, room)
        except zlib.error:
            raise Undecodable from None
        if len(self._parts) > self._limit:
            raise Overflow

    def finish(self) -> bytes:
        if self._inflate is not None and self._parts and not self._inflate.eof:
            raise Undecodable
        return bytes(self._parts)
