"""What several questions of a batch need is fetched once: while it is under way, and afterwards."""

from __future__ import annotations

from collections import OrderedDict
from typing import TYPE_CHECKING, Final

from agno.tools.finance import FinanceProvider

from finassist.core.facts import Fact
from finassist.providers.base import Need, fetch_facts

if TYPE_CHECKING:
    from finassist.batch.budget import Tally
    from finassist.providers.http.inflight import InFlight

KEPT_FACTS: Final = 100_000
"""How many figures are kept for questions to come; some 40 MB."""

type Key = tuple[str, Need, int]


class Sharing:
    """The fetches of one batch. Failures are not kept. Belongs to one loop.

    Args:
        provider: Who is asked.
        kept: How many facts are kept for later, those used last.
    """

    def __init__(self, provider: FinanceProvider, kept: int = KEPT_FACTS) -> None:
        from finassist.providers.http.inflight import InFlight

        self.provider = provider
        self._room = kept
        self._found: OrderedDict[Key, list[Fact]] = OrderedDict()
        self._in_flight: InFlight[list[Fact]] = InFlight()

    async def facts(self, key: Key, tally: Tally) -> list[Fact]:
        """The facts of one need of one company, fetched now, under way already, or fetched before."""
        found = self._found.get(key)
        if found is None:
            return list(await self._in_flight.join(repr(key), lambda: self._fetch(key, tally)))
        self._found.move_to_end(key)
        return list(found)

    async def _fetch(self, key: Key, tally: Tally) -> list[Fact]:
        symbol, need, limit = key
        tally.begin_data()
        try:
            found = await fetch_facts(self.provider, need, symbol, limit=limit)
        except (SystemExit, KeyboardInterrupt) as error:
            # Raised in a task, either would end the whole loop, and with it the notebook's kernel.
            raise RuntimeError(f"{self.provider.name} tried to end the process ({type(error).__name__}).") from error
        self._keep(key, found)
        return found

    def _keep(self, key: Key, found: list[Fact]) -> None:
        self._found[key] = found
        self._room -= len(found)
        while self._room < 0 and self._found:
            _, dropped = self._found.popitem(last=False)
            self._room += len(dropped)


class SharedSource(FinanceProvider):
    """The provider as one question sees it: what others have fetched costs it nothing."""

    def __init__(self, sharing: Sharing, tally: Tally) -> None:
        self.id, self.name = sharing.provider.id, sharing.provider.name
        self.capabilities = sharing.provider.capabilities
        self._sharing, self._tally = sharing, tally

    async def fetch_facts(self, need: Need, symbol: str, limit: int) -> list[Fact]:
        """As `finassist.providers.base.fetch_facts`, which calls this."""
        return await self._sharing.facts((symbol, need, limit), self._tally)
