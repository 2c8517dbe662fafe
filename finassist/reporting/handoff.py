"""An answer as code: the few lines that give it, and a notebook that recomputes it from what was filed. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from finassist.core.facts import Fact
from finassist.core.formatting import clean, escape_markdown
from finassist.core.formulas import arithmetic, as_code
from finassist.core.metrics import catalogue
from finassist.core.query import Query
from finassist.core.result import category_of
from finassist.reporting.proof import exact, filing_url, origin, title_of
from finassist.reporting.words import MOST_NAMED, distinct, short_name

_SET_UP = """\
from decimal import Decimal
from statistics import median, quantiles

figure = {fact.key: fact.value for fact in answer.facts}


def agrees(recomputed, stored):
    return abs(recomputed - stored) <= Decimal("1e-9") * max(abs(recomputed), abs(stored), Decimal("1e-6"))
"""
_LONGEST = 2000


def code_of(answer: Any) -> str:
    """The lines of Python that give an answer: its queries, or the question of a document or a chat."""
    queries: Sequence[Query] = answer.queries
    if not queries:
        asked = f"answer = workflow.run({_question(answer)!r})"
        return f"from finassist import FinancialAssistantWorkflow\n\nworkflow = FinancialAssistantWorkflow()\n{asked}\n"
    texts = list(map(_query, queries))
    names = ["FinancialAssistantWorkflow", "Query"]
    names[:0] = ["Filter"] if any(query.where for query in queries) else []
    asked = texts[0] if len(texts) == 1 else f"[\n    {',\n    '.join(texts)},\n]"
    lines = [f"from finassist import {', '.join(sorted(names))}", "", "workflow = FinancialAssistantWorkflow()"]
    return "\n".join([*lines, f"answer = workflow.query({asked})"]) + "\n"


def _query(query: Query) -> str:
    """A query without the words it came from; a day as its text."""
    given = {name: value for name, value in query.__repr_args__() if name and name != "unknown"}
    if query.as_of:
        given["as_of"] = str(query.as_of)
    return f"Query({', '.join(f'{name}={value!r}' for name, value in given.items())})"


def _question(answer: Any) -> str:
    """The question where it names every company, else one that does: what it was in a conversation is not known."""
    asked, names = str(answer.input or ""), answer.company_names()
    low = asked.casefold()
    said = [symbol.casefold() in low or short_name(name).casefold() in low for symbol, name in names.items()]
    ask = category_of(answer.category).ask
    return asked if all(said) or not ask else ask.format(names=" and ".join(answer.symbols))


# --------------------------------------------------------------------------------------------------------- a notebook


def notebook_of(answer: Any) -> dict[str, Any]:
    """A notebook (nbformat 4.5) that asks again, checks what was filed, and recomputes each derived figure."""
    cells = [{"id": f"cell-{at}", **cell} for at, cell in enumerate(_cells(answer, answer.filers()), 1)]
    kernel = {"name": "python3", "display_name": "Python 3", "language": "python"}
    metadata = {"kernelspec": kernel, "language_info": {"name": "python"}}
    return {"cells": cells, "metadata": metadata, "nbformat": 4, "nbformat_minor": 5}


def _cells(answer: Any, filers: Mapping[str, str]) -> Iterator[dict[str, Any]]:
    facts = {fact.key: fact for fact in answer.facts if fact.known and fact.value is not None}
    made = {key: fact for key, fact in facts.items() if fact.status == "derived" and _formula(fact, facts) is not None}
    used = {key for fact in made.values() for key in fact.inputs} | {*answer.rows, answer.figure}
    given = [fact for key, fact in facts.items() if key not in made and key in used]
    title = clean(str(answer.headline or answer.input or "An answer"), _LONGEST)
    yield _markdown(
        f"# {escape_markdown(title, _LONGEST)}\n\nAsked: {escape_markdown(str(answer.input or ''), _LONGEST)}\n\n"
        "This notebook asks again, checks every figure it starts from, and recomputes the others, step by step. "
        "A figure that has changed since stops it at the step that it belongs to."
    )
    yield _code(answer.code)
    if not given:
        return
    yield _markdown(f"## What it starts from\n\nFigures as they were reported or assumed.\n\n{_table(given, filers)}")
    changed = "changed = [key for key, value in recomputed.items() if figure.get(key) != value]"
    yield _code(f"{_SET_UP}\n\nrecomputed = {{\n{''.join(map(_line, given))}}}\n{changed}\nassert not changed, changed")
    for field, several in _in_order(made, {fact.key for fact in given}):
        yield _markdown(_explained(field, several))
        yield _code("\n".join(line for fact in several for line in _computed(fact, facts)))
    if answer.value is not None:
        yield _markdown("## The answer")
        key = answer.value.key
        yield _code(f"assert agrees(recomputed[{key!r}], answer.value.value)\nprint(answer.headline)")


def _formula(fact: Fact, facts: Mapping[str, Fact]) -> Any:
    """The arithmetic of a figure, where all that it takes is there."""
    if not fact.inputs or not all(key in facts for key in fact.inputs):
        return None
    return arithmetic(fact.formula or "", [facts[key] for key in fact.inputs])


def _in_order(made: Mapping[str, Fact], known: set[str]) -> Iterator[tuple[str, list[Fact]]]:
    """The derived figures in an order in which each comes after its inputs; those of one field together."""
    waiting = dict(made)
    while waiting:
        ready = next((f for f in waiting.values() if known.issuperset(f.inputs)), None)
        if ready is None:
            return
        several = list[Fact]()
        while ready is not None:
            several.append(waiting.pop(ready.key))
            known.add(ready.key)
            own = (f for f in waiting.values() if f.field == several[0].field and known.issuperset(f.inputs))
            ready = next(own, None)
        yield several[0].field, several


def _explained(field: str, several: Sequence[Fact]) -> str:
    """What a figure is, and how it is computed."""
    metric = catalogue().get(field)
    symbols = distinct(fact.symbol for fact in several if fact.symbol)
    whose = ", ".join(symbols) if len(symbols) <= MOST_NAMED else f"{len(symbols)} companies"
    formulas = distinct(fact.formula or "" for fact in several if fact.inputs[0] not in (fact.formula or ""))
    how = f"\n\n`{formulas[0]}`" if len(formulas) == 1 and "`" not in formulas[0] else ""
    about = f"\n\n{metric.about}" if metric and metric.about else ""
    return f"### {escape_markdown(title_of(field))}: {escape_markdown(whose)}{about}{how}"


def _computed(fact: Fact, facts: Mapping[str, Fact]) -> Iterator[str]:
    text = as_code(_formula(fact, facts), lambda key: f"recomputed[{key!r}]")
    yield f"recomputed[{fact.key!r}] = {text}"
    yield f"assert figure[{fact.key!r}] == Decimal({str(fact.value)!r})"
    yield f"assert agrees(recomputed[{fact.key!r}], figure[{fact.key!r}])"


def _line(fact: Fact) -> str:
    return f"    {fact.key!r}: Decimal({str(fact.value)!r}),\n"


def _table(facts: Sequence[Fact], filers: Mapping[str, str]) -> str:
    rows = ["| figure | value | from |", "|:--|--:|:--|"]
    for fact in facts:
        url = filing_url(fact.filing or "", filers.get(fact.symbol, ""))
        source = escape_markdown(origin(fact))
        name = escape_markdown(f"{title_of(fact.field)} of {fact.symbol}, {fact.period}")
        rows.append(f"| {name} | {escape_markdown(exact(fact))} | {f'[{source}]({url})' if url else source} |")
    return "\n".join(rows)


def _markdown(text: str) -> dict[str, Any]:
    return {"cell_type": "markdown", "metadata": {}, "source": text}


def _code(text: str) -> dict[str, Any]:
    return {"cell_type": "code", "execution_count": None, "metadata": {}, "outputs": [], "source": text.rstrip("\n")}
