"""Writes to a ledger from an event loop: in a thread, and what comes at the same time in one transaction."""

from __future__ import annotations

import asyncio
from typing import Any

from finassist.batch.ledger import Ledger, Operation
from finassist.core.tasks import settle


class Scribe:
    """Belongs to one loop. What it was given is written, also where whoever waits for it is cancelled."""

    def __init__(self, ledger: Ledger) -> None:
        self.ledger = ledger
        self._waiting: list[tuple[Operation, asyncio.Future[Any]]] = []
        self._writing: asyncio.Task[None] | None = None

    async def write(self, operation: Operation) -> Any:
        """What `operation(ledger)` returns, once it is committed.

        Raises:
            LedgerError: It could not be written.
        """
        done: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        self._waiting.append((operation, done))
        if self._writing is None:
            self._writing = asyncio.create_task(self._write(), name="finassist-ledger")
        return await done

    async def settle(self) -> None:
        """Wait until everything is written."""
        if self._writing is not None:
            await settle(self._writing)

    async def _write(self) -> None:
        while self._waiting:
            entries, self._waiting = self._waiting, []
            try:
                results = await asyncio.to_thread(self.ledger.transaction, [operation for operation, _ in entries])
            except Exception as error:  # noqa: BLE001  raised where each of them is waited for
                for _, done in entries:
                    if not done.done():
                        done.set_exception(error)
            else:
                for (_, done), result in zip(entries, results, strict=True):
                    if not done.done():
                        done.set_result(result)
        self._writing = None
