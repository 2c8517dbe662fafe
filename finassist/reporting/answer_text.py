"""An answer to a query as Markdown: the sentence, at most one small table, what is not there, and the sources."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from finassist.analysis.outcome import Outcome, Row
from finassist.analysis.points import Member
from finassist.core.facts import Fact, Gap
from finassist.core.formatting import escape_markdown
from finassist.core.metrics import described
from finassist.reporting.sentence_words import Words, short_name
from finassist.reporting.sentences_ranked import metric_words

_MOST_ROWS = 25
_MOST_SOURCES = 4


def answer_text(
    lead: str,
    outcomes: Sequence[Outcome],
    gaps: Sequence[Gap],
    facts: Iterable[Fact],
    members: Mapping[str, Member],
    corrected: Sequence[tuple[str, str]] = (),
) -> str:
    """The whole answer; the sentence comes first and stands alone where it says everything.

    Args:
        lead: The sentences that answer.
        outcomes: What the queries gave.
        gaps: What was asked and is not there, where the sentence does not say it.
        facts: Every figure shown or used.
        members: Companies by symbol.
        corrected: Words that were read as others.
    """
    read = ", ".join(f"“{word}” as {members[right].name if right in members else right}" for word, right in corrected)
    blocks = [escape_markdown(lead, 4000)]
    blocks += [f"*Read {escape_markdown(read)}.*"] if read else []
    blocks += [table for outcome in outcomes if (table := _table(outcome, members))]
    unsaid = [gap for gap in gaps if gap.reason not in lead]
    blocks += ["Not there: " + " ".join(escape_markdown(gap.reason, 600) for gap in unsaid)] if unsaid else []
    named = _sources(facts)
    blocks += [f"Source: {escape_markdown(named)}."] if named else []
    return "\n\n".join(block for block in blocks if block) + "\n"


def _table(outcome: Outcome, members: Mapping[str, Member]) -> str:
    """The asked figures as a table, where a sentence is not the better form."""
    rows = outcome.rows[:_MOST_ROWS]
    if len(rows) < 3 or outcome.query.intent == "judge":
        return ""
    words = Words(members, outcome.query)
    metrics = list(dict.fromkeys(row.metric for row in rows))
    symbols = list(dict.fromkeys(row.symbol for row in rows))
    if len(metrics) > 1:
        return _by_metric(rows, metrics, words)
    title = described(metrics[0]).title if outcome.shape != "order" else _cap(metric_words(outcome.query, rows[0]))
    other = {(row.symbol, row.metric): row for row in outcome.more}
    more = [metric for metric in outcome.query.metrics[1:] if any(key[1] == metric for key in other)]
    head = [*(["Company"] if len(symbols) > 1 else []), "Period", title, *(described(metric).title for metric in more)]
    body: list[list[str]] = []
    for row in rows:
        beside = [
            words.figure(other[row.symbol, metric].fact) if (row.symbol, metric) in other else "n/a" for metric in more
        ]
        name = [_name(row.symbol, members)] if len(symbols) > 1 else []
        body.append([*name, _period(row), words.figure(row.fact), *beside])
    return _markdown(head, body, left=1 + (len(symbols) > 1))


def _by_metric(rows: Sequence[Row], metrics: Sequence[str], words: Words) -> str:
    columns = list(dict.fromkeys((row.symbol, row.fact.period) for row in rows))
    if len(columns) > 6:
        return ""
    cells = {(row.metric, row.symbol, row.fact.period): words.figure(row.fact) for row in rows}
    head = ["", *(f"{words.name(symbol)} {period}" for symbol, period in columns)]
    body = [[described(m).title, *(cells.get((m, *column), "n/a") for column in columns)] for m in metrics]
    return _markdown(head, body, left=1)


def _markdown(head: Sequence[str], body: Sequence[Sequence[str]], left: int) -> str:
    align = [":--"] * left + ["--:"] * (len(head) - left)
    lines = [head, align, *body]
    return "\n".join(
        "| " + " | ".join(cell if cell in (":--", "--:") else escape_markdown(cell) for cell in line) + " |"
        for line in lines
    )


def _period(row: Row) -> str:
    end = row.fact.period_end
    fiscal = row.fact.period.startswith(("FY", "Q", "H", "9M"))
    return f"{row.fact.period} (to {end})" if fiscal and end else row.fact.period


def _name(symbol: str, members: Mapping[str, Member]) -> str:
    return f"{short_name(members[symbol].name)} ({symbol})" if symbol in members else symbol


def _sources(facts: Iterable[Fact]) -> str:
    """Where the reported figures come from, each source once."""
    found = dict.fromkeys(_source(fact) for fact in facts if _of_source(fact))
    listed = list(found)
    others = len(listed) - _MOST_SOURCES
    more = f" and {others} more {'filing' if others == 1 else 'filings'}" if others > 0 else ""
    return "; ".join(listed[:_MOST_SOURCES]) + more


def _of_source(fact: Fact) -> bool:
    """Whether a source gave the figure, or made it of what was filed, and not this answer."""
    made = fact.status == "derived" and bool(fact.filing or fact.concept or not fact.inputs)
    return bool(fact.source) and (made or fact.status in ("reported", "none_paid"))


def _source(fact: Fact) -> str:
    if fact.filing:
        dated = "filed" in fact.source or not fact.as_of
        return f"{fact.source} {fact.filing}" + ("" if dated else f" of {fact.as_of}")
    return f"{fact.source}" + (f", first known {fact.as_of}" if fact.as_of and fact.statement != "price" else "")


def _cap(text: str) -> str:
    return text[:1].upper() + text[1:]
