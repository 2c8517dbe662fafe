"""What is asked of companies besides figures: their sector, the end of their fiscal year, the day of a report. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping

from finassist.core.query import Query
from finassist.questions.grammar import POINTS_BACK, SAID
from finassist.questions.operations import periods_of
from finassist.questions.slots import Slots, Understanding

_TOLD: Mapping[str, re.Pattern[str]] = {
    "sector": SAID["sector_of"], "headquarters": SAID["based_in"], "fiscal year end": SAID["year_end_of"],
    "filing day": SAID["filing_of"],
}  # fmt: skip
_QUARTERLY = re.compile(r"\b(?:10-?q|quarter(?:ly|s)?(?: (?:report|results|filing))?)\b")


def profile_of(slots: Slots) -> Understanding | None:
    """`what sector is Nike in?`, `when does its fiscal year end?`, `when was the last 10-K filed?`."""
    earlier = slots.memory.queries[0].companies if slots.memory.queries else list(slots.memory.companies)
    about = slots.about or (earlier if slots.says(POINTS_BACK["back"]) else [])
    words = {hit.words for hit in slots.metrics} - {"close", "closes"}  # `when does its financial year close?`
    if not about or words or slots.asks_all or slots.operations or slots.directions:
        return None
    explain = [name for name, pattern in _TOLD.items() if slots.says(pattern)]
    if not explain:
        return None
    periods = periods_of(slots) if slots.points else []
    latest = ["latest quarter"] if slots.says(_QUARTERLY) and "filing day" in explain else []
    query = Query(intent="profile", metrics=["total_assets"], companies=about, periods=periods or latest,
                  explain=explain, language=slots.language)  # fmt: skip
    return Understanding((query,), decided="profile")
