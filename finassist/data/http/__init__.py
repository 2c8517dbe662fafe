"""How live data gets here: one warm, limited, strict and silent door to a provider's HTTP API."""

from finassist.data.cache import Kind
from finassist.data.http.payload import Payload
from finassist.data.http.transport import Transport

__all__ = ["Kind", "Payload", "Transport"]
