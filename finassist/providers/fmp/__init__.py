"""Live data from Financial Modeling Prep: `FMPProvider`."""

from finassist.providers.fmp.provider import FMPProvider

__all__ = ["FMPProvider"]
