"""Any data source, disturbed as the dials say."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from types import MappingProxyType
from typing import Final

from agno.tools.finance import FinanceProvider, ProviderStatus

from finassist.core.errors import (
    AuthError,
    BadPayload,
    InputError,
    NotFound,
    PlanError,
    QuotaExhausted,
    RateLimited,
    SourceTimeout,
    Unreachable,
)
from finassist.core.facts import Fact
from finassist.providers.base import Need, fetch_facts
from finassist.providers.registry import Provider, open_provider
from finassist.providers.waiting import WaitingProvider
from finassist.testing.dials import Dials, Trouble

_NEXT: Final = "This failure was made in the lab: turn its dials to change it."

DATA_FAILURES: Final = MappingProxyType[str, Callable[[str], BaseException]]({
    "unreachable": lambda call: Unreachable(f"The source of {call} could not be reached. {_NEXT}"),
    "timeout": lambda call: SourceTimeout(f"The source of {call} did not answer in time. {_NEXT}"),
    "rate_limited": lambda call: RateLimited(f"The source of {call} was asked too often. {_NEXT}"),
    "quota": lambda call: QuotaExhausted(f"The quota for {call} is used up. {_NEXT}"),
    "key": lambda call: AuthError(f"The key for {call} was not accepted. {_NEXT}"),
    "plan": lambda call: PlanError(f"The plan does not include {call}. {_NEXT}"),
    "not_found": lambda call: NotFound(f"The source has no page for {call}. {_NEXT}"),
    "bad_payload": lambda call: BadPayload(f"The source answered the request for {call} with nonsense. {_NEXT}"),
    "cancelled": lambda call: asyncio.CancelledError(),
    "bug": lambda call: TypeError(f"a bug, made in the lab, in the source of {call}"),
})  # fmt: skip
"""Failures of a source by name; besides, `"hang"` never answers."""

HANG: Final = "hang"


class FaultyProvider(WaitingProvider):
    """Hands on what another source delivers, slower and less reliably.

    Args:
        provider: The source: a name, a provider object, or several.
        dials: What is to happen; turn them at any time.

    Raises:
        InputError: The dials name a failure that sources do not have.

    Example:
        >>> provider = FaultyProvider("embedded", Dials(failure="quota", only="history"))
        >>> provider.name
        'finassist embedded data, disturbed'
    """

    id = "lab"

    def __init__(self, provider: Provider = "embedded", dials: Dials | None = None) -> None:
        self.inner: FinanceProvider = open_provider(provider)
        self.dials = dials or Dials()
        self.name = f"{self.inner.name}, disturbed"
        self.capabilities = self.inner.capabilities
        check_failure(self.dials, [*DATA_FAILURES, HANG])

    async def fetch_facts(self, need: Need, symbol: str, limit: int) -> list[Fact]:
        """One need of one company, if the dials let it through.

        Raises:
            DataError: The dials, or the source itself, made it fail.
        """
        call = f"{need} {symbol}"
        await self._disturb(call, self.dials.trouble(call))
        return await fetch_facts(self.inner, need, symbol, limit=limit)

    async def astatus(self) -> ProviderStatus:
        """That of the source."""
        return await self.inner.astatus()

    async def _disturb(self, call: str, trouble: Trouble) -> None:
        await asyncio.sleep(trouble.seconds)
        if trouble.failure == HANG:
            await asyncio.Event().wait()
        if trouble.failure:
            check_failure(self.dials, [*DATA_FAILURES, HANG])
            raise DATA_FAILURES[trouble.failure](call)


def check_failure(dials: Dials, known: list[str]) -> None:
    """Refuse a failure that nobody knows how to make.

    Raises:
        InputError: There is no such failure.
    """
    if dials.failure and dials.failure not in known:
        raise InputError(f"There is no failure {dials.failure!r:.40}. Use one of: {', '.join(known)}; or '' for none.")
