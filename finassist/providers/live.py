"""What providers over HTTP have in common: a transport that is counted, closed, and neither copied nor pickled."""

from __future__ import annotations

from typing import Any, NoReturn, Self

from finassist.providers.http.transport import Transport
from finassist.providers.to_agno import FactProvider


class LiveProvider(FactProvider):
    """A provider that asks one HTTP API."""

    _transport: Transport

    def __reduce__(self) -> NoReturn:
        raise TypeError(f"A {type(self).__name__} may hold a key and is never pickled. Build it where it is used.")

    def __copy__(self) -> Self:
        return self

    def __deepcopy__(self, _: dict[int, Any]) -> Self:
        return self

    @property
    def requests_today(self) -> int:
        """Requests made by this provider since midnight UTC."""
        return self._transport.requests_today

    def close(self) -> None:
        """Have every loop close its connections; they open again when needed."""
        self._transport.close()

    async def aclose(self) -> None:
        """Close the connections of the running loop; they open again when needed."""
        await self._transport.aclose()
