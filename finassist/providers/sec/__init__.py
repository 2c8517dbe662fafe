"""The keyless primary source: what US companies filed with the SEC, as its EDGAR system serves it."""

from finassist.providers.sec.provider import SECProvider

__all__ = ["SECProvider"]
