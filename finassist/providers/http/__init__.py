"""How live data gets here: one warm, limited, strict and silent door to a provider's HTTP API."""

from finassist.providers.http.cache import Kind
from finassist.providers.http.payload import Payload
from finassist.providers.http.transport import Transport

__all__ = ["Kind", "Payload", "Transport"]
