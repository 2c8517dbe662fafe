"""What a person can choose from on a page: models, sources, and who decides what is asked."""

from __future__ import annotations

from typing import Final

from finassist.config.settings import Routing
from finassist.llm.catalogue import PROVIDERS

MODELS: Final = ("auto", "offline", *PROVIDERS)
SOURCES: Final = ("auto", "embedded", "fmp", "fmp, embedded", "sec", "sec, embedded", "yfinance", "financial_datasets")
ROUTINGS: Final[tuple[tuple[str, Routing], ...]] = (
    ("rules where certain, else the model", "auto"),
    ("always the model", "model"),
    ("always the rules", "rules"),
)
