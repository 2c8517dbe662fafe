"""Why something asked is not there, in the language of the question, and what there is instead. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from finassist.analysis.calendar import Member
from finassist.analysis.outcome import Outcome
from finassist.core.facts import Gap
from finassist.core.query import Unknown
from finassist.reporting.asked import labels
from finassist.reporting.words import short_name


def in_language(outcome: Outcome, members: Mapping[str, Member]) -> Outcome:
    """The outcome whose commonest reason, a figure that is not there, is in the language of the query."""
    said, periods = labels(outcome.query.language), ", ".join(outcome.query.periods)
    if said is None or not periods:
        return outcome

    def translated(gap: Gap) -> Gap:
        if gap.error != "NotInData" or gap.symbol not in members:
            return gap
        name = short_name(members[gap.symbol].name)
        return replace(gap, reason=said.missing(gap.need, name, periods, gap.nearest) or gap.reason)

    return replace(outcome, gaps=tuple(map(translated, outcome.gaps)))


def refusal(each: Unknown, language: str) -> Gap:
    """The gap of words that ask for what is not in the data, with what there is instead."""
    reason = each.reason if each.reason.rstrip().endswith((".", "!", "?")) else f"{each.reason}."
    quoted = f" (asked: “{each.words.strip()}”)" if each.words.strip().lower() not in reason.lower() else ""
    said = own.refused(each.topic, each.words.strip()) if (own := labels(language)) else ""
    near = "" if said else _NEAREST.get(each.topic, "")
    reason = said or f"{reason[:-1]}{quoted}."
    return Gap(symbol="", need=each.topic, reason=reason, error="NotUnderstood", nearest=near)


_NEAREST = {
    "segment": "the figures of the whole company",
    "geography": "the figures of the whole company",
    "forecast": "the figures of the latest fiscal year",
    "intraday price": "the price at the close",
    "valuation model": "multiples such as P/E and EV/EBITDA",
}
"""What there is instead of a topic that is not in the data."""
