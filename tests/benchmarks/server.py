"""A data server on this machine that takes `delay` seconds per answer, and counts its connections.

It runs in a process of its own, so that its work is not counted as ours: `LocalServer` starts it, and it ends when
its input ends, also where the bench was killed. `GET /counts` says how many connections asked for data, and how often.
"""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from functools import cache
from typing import Any, Self
from urllib.parse import parse_qsl, urlsplit
from urllib.request import urlopen

from tests.benchmarks.figures import answer

COUNTS = "/counts"


class Counting:
    """Answers every request after a delay; keeps connections open."""

    def __init__(self, delay: float) -> None:
        self.delay, self.connections, self.requests = delay, 0, 0

    async def talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Serve one connection until the client leaves."""
        known = False
        try:
            while True:
                target = (await reader.readuntil(b"\r\n\r\n")).split(b" ", 2)[1].decode("ascii")
                data = target != COUNTS
                self.connections += data and not known
                self.requests += data
                known |= data
                if data:
                    await asyncio.sleep(self.delay)
                writer.write(self._whole(target))
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()

    def _whole(self, target: str) -> bytes:
        counts = {"connections": self.connections, "requests": self.requests}
        body = json.dumps(counts).encode() if target == COUNTS else _body(target)
        head = f"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
        return head.encode() + body


@cache
def _body(target: str) -> bytes:
    """Written once: the server shall cost no more than the wait."""
    parts = urlsplit(target)
    return json.dumps(answer(parts.path, dict(parse_qsl(parts.query)))).encode()


async def serve(delay: float) -> None:
    """Serve until the input ends; the first line of output is the port."""
    server = await asyncio.start_server(Counting(delay).talk, "127.0.0.1", 0, backlog=1024)
    print(server.sockets[0].getsockname()[1], flush=True)
    await asyncio.to_thread(sys.stdin.read)
    server.close()


class LocalServer:
    """The server, started in a process of its own and ended with the block.

    Example:
        >>> with LocalServer(delay=0) as server:
        ...     server.counts()
        {'connections': 0, 'requests': 0}
    """

    def __init__(self, delay: float) -> None:
        self.delay, self.url = delay, ""

    def __enter__(self) -> Self:
        command = [sys.executable, "-m", "tests.benchmarks.server", str(self.delay)]
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        assert self._process.stdout
        port = self._process.stdout.readline().strip()
        if not port:
            self.__exit__()
            raise RuntimeError("The bench's data server did not start. Run it alone: python -m tests.benchmarks.server")
        self.url = f"http://127.0.0.1:{port}"
        return self

    def __exit__(self, *_: object) -> None:
        self._process.communicate()  # closes its input, which ends it

    def counts(self) -> dict[str, Any]:
        """Connections that asked for data, and requests for data, so far."""
        with urlopen(self.url + COUNTS) as response:
            return json.load(response)


if __name__ == "__main__":
    asyncio.run(serve(float(sys.argv[1]) if len(sys.argv) > 1 else 0.05))
