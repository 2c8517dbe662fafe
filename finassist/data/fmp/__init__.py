"""Live data from Financial Modeling Prep: `FMPProvider`."""

from finassist.data.fmp.provider import FMPProvider

__all__ = ["FMPProvider"]
