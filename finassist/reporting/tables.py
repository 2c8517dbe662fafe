"""Tables as data: cells that keep their fact, numbered footnotes, and the unit a whole table is stated in."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from decimal import Decimal

from msgspec import Struct

from finassist.analysis.statements import is_fiscal_year
from finassist.core.facts import Fact
from finassist.core.formatting import Scale, cell, label, scaled, span

UNSCALED = Scale(Decimal(1), "")
"""For figures that a table never divides."""


class Cell(Struct, frozen=True, gc=False):
    """One place of a table: its text, the fact it shows, and the number of its footnote."""

    text: str
    fact: Fact | None = None
    mark: int | None = None


class Row(Struct, frozen=True, gc=False):
    """One line of a table."""

    label: str
    cells: tuple[Cell, ...]
    formula: str | None = None


@dataclass(frozen=True, slots=True)
class Table:
    """A table, with a title or without.

    Attributes:
        title: Its heading.
        unit: Currency and scale of all of it.
        columns: Heads of the columns.
        rows: Its lines.
        footnotes: Numbered from 1.
        notes: What holds for all of it.
        corner: What the first column names.
    """

    title: str
    unit: str
    columns: tuple[str, ...]
    rows: tuple[Row, ...]
    footnotes: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    corner: str = ""


@dataclass(slots=True)
class Footnotes:
    """Numbers the notes of a table: one footnote for each distinct note, naming its periods or companies."""

    notes: dict[str, list[str]] = field(default_factory=dict[str, list[str]])

    def mark(self, fact: Fact | None, where: str, formula: str | None = None, known: str = "") -> int | None:
        """Number of the footnote of a cell whose row has this formula; `None` where nothing needs saying.

        `known` is a note that the table says already.
        """
        if fact is None or (fact.note is None and fact.formula == formula):
            return None  # as most
        note = note_of(fact, formula)
        if not note or note == known:
            return None
        self.notes.setdefault(note, []).append(where)
        return list(self.notes).index(note) + 1

    def lines(self) -> tuple[str, ...]:
        """The footnotes in order, each saying where it applies."""
        return tuple(f"{_places(where)}: {note}" for note, where in self.notes.items())


def _places(where: Sequence[str]) -> str:
    return span(where) if all(is_fiscal_year(place) for place in where) else ", ".join(where)


def note_of(fact: Fact, formula: str | None) -> str:
    """What a cell must say beside its figure; `""` where the cell says it all."""
    note = fact.note or ""
    if fact.status == "none_paid" or (fact.status == "missing" and note.startswith("not in the ")):
        return ""  # the cell says as much
    if not fact.formula or fact.formula == formula or fact.status != "derived" or not fact.known:
        return note
    made = f"computed: {fact.formula.replace('_', ' ')}"
    return f"{made}; {note}" if note else made


def common_note(facts: Iterable[Fact | None]) -> str:
    """What every reported figure of a row or column says, so that it need be said once; `""` unless two or more do."""
    reported = [fact for fact in facts if fact and fact.known and fact.status == "reported"]
    first = reported[0].note if len(reported) > 1 else ""
    return first if first and all(fact.note == first for fact in reported) else ""


def row_formula(facts: Iterable[Fact | None]) -> str | None:
    """The one formula behind a row, or `None` where some of its figures were reported or computed otherwise."""
    formulas = {fact.formula for fact in facts if fact and (fact.known or fact.formula)}
    return formulas.pop() if len(formulas) == 1 else None


def common_scale(facts: Iterable[Fact | None]) -> Scale:
    """The scale that suits every money amount of a table."""
    return Scale.for_values([f.value for f in facts if f and f.known and f.value is not None and scaled(f)])


def currencies_of(facts: Iterable[Fact | None]) -> list[str]:
    """Currencies that occur, in alphabetical order."""
    return sorted({f.currency for f in facts if f and f.currency})


def unit_of(facts: Iterable[Fact | None], scale: Scale) -> str:
    """The table's header: currency, scale and what is not scaled."""
    found = [f for f in facts if f]
    currencies = currencies_of(found)
    money = " ".join(filter(None, (currencies[0] if len(currencies) == 1 else "Money in", scale.name)))
    if not any(scaled(f) for f in found):
        return f"{currencies[0]} per share" if len(currencies) == 1 else ""
    shares = f"; shares in {scale.name}" if scale.name and any(f.unit == "shares" for f in found) else ""
    each = "; per-share figures unscaled" if any(f.unit.endswith("/share") for f in found) else ""
    return money + shares + each


def with_currency(fact: Fact | None, scale: Scale, currencies: Sequence[str]) -> str:
    """A cell's text, led by its currency where a table mixes several."""
    text = cell(fact, scale)
    if len(currencies) < 2 or fact is None or not (fact.known and fact.currency):
        return text
    return f"{fact.currency} {text}"


def scale_of(fact: Fact, scale: Scale) -> Scale:
    """The scale of one line of a table that mixes units."""
    return scale if scaled(fact) and fact.unit != "shares" else UNSCALED


def heading(fact: Fact, scale: Scale) -> str:
    """A label with its unit, for a table that mixes units."""
    if not fact.known or not fact.currency:
        return label(fact.field)
    per = "per share" if fact.unit.endswith("/share") else scale.name
    return f"{label(fact.field)} ({' '.join(filter(None, (fact.currency, per)))})"
