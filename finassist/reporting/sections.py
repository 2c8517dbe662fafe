"""What a document consists of: sections that Markdown, HTML, terminals and exports only render."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

from finassist.core.facts import Fact
from finassist.reporting.charts import Panel
from finassist.reporting.coverage import sources
from finassist.reporting.tables import Table


@dataclass(frozen=True, slots=True)
class Note:
    """A sentence that qualifies what follows; `warning` makes it stand out."""

    text: str
    heading: str = ""
    warning: bool = False


@dataclass(frozen=True, slots=True)
class Headline:
    """The sentences that answer, as plain text; shown first and large."""

    text: str


@dataclass(frozen=True, slots=True)
class Text:
    """Markdown from a model, a person or a template; surfaces sanitise it."""

    markdown: str


@dataclass(frozen=True, slots=True)
class Bullets:
    """A titled list of plain sentences; it is left out where there are none."""

    title: str
    lines: tuple[str, ...]
    kind: Literal["", "strength", "attention"] = ""


@dataclass(frozen=True, slots=True)
class Tile:
    """A figure to see first, with what stands below it (its change, its year)."""

    fact: Fact
    beside: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Sources:
    """The facts that tables show (and those behind them), and those that only charts draw."""

    shown: tuple[Fact, ...]
    drawn: tuple[Fact, ...] = ()

    def bullets(self, *, charts: bool) -> Bullets:
        """The sources in words, for a surface with or without charts."""
        return Bullets("Sources", tuple(sources([*self.shown, *(self.drawn if charts else ())])))


@dataclass(frozen=True, slots=True)
class CompanySection:
    """One company's part: surfaces without tiles and charts show `as_of`, the others `as_of_short`.

    Attributes:
        title: Name and ticker.
        as_of: How current the figures are, with the price in words.
        as_of_short: The same where a tile shows the price.
        tiles: The figures to see first.
        sections: Notes, charts, insights and tables, in reading order.
        unfolded: How many tables are open where tables can be folded; `None` for all.
    """

    title: str
    as_of: str
    as_of_short: str
    tiles: tuple[Tile, ...]
    sections: tuple[Section, ...]
    unfolded: int | None = None

    def of(self, kind: type[Any]) -> list[Any]:
        """The sections of one type, in order."""
        return [section for section in self.sections if isinstance(section, kind)]


@dataclass(frozen=True, slots=True)
class Companies:
    """The parts of all companies, and the table that compares them; `titled` where each has a heading."""

    parts: tuple[CompanySection, ...]
    titled: bool = False
    compared: Table | None = None
    note: str = ""


type Section = Headline | Note | Text | Bullets | Table | Panel | Companies | Sources


@dataclass(frozen=True, slots=True)
class Document:
    """An answer ready to be rendered.

    Attributes:
        companies: Titles of the companies it is about.
        kind: What it is, such as `"income statement"`; `""` for a document without a title of its own.
        sections: What it consists of, in reading order.
    """

    companies: tuple[str, ...]
    kind: str
    sections: tuple[Section, ...]
