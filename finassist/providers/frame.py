"""`FrameProvider`: statements and prices of your own, from a DataFrame, a CSV or an Excel file, asked about by ticker.

    >>> import pandas as pd
    >>> rows = pd.DataFrame({"period": ["FY2025"], "period_end": ["2025-12-31"], "revenue": [1010000]})
    >>> provider = FrameProvider(rows, symbol="LEMON", source="Lemonade ledger")
    >>> provider.get_financials("LEMON")[0].items
    {'revenue': 1010000}

A table of statements has one row for each company and period: `symbol`, `period` (`FY2025`, `2025`, `Q1 2026`),
`period_end` (or `date`), optionally `currency`, and a column for each line under finassist's name or a common one. A
table of prices has `symbol`, `date` and `close`. Only periods that are over are read. Nothing is loaded where a cell
cannot be read: the error names file, column and row.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date
from decimal import Decimal
from difflib import get_close_matches
from pathlib import Path
from typing import Any, cast

from agno.tools.finance import ProviderStatus
from msgspec.structs import replace

from finassist.analysis.calendar import Member
from finassist.analysis.peers import candidates
from finassist.core.errors import BadPayload, ConfigurationError, InvalidSymbol, MissingColumn, UnknownSymbol
from finassist.core.facts import FIELDS, Fact, canonical, snake
from finassist.core.text import did_you_mean, visible
from finassist.providers.base import Need, Periods, UniverseScope
from finassist.providers.to_agno import FactProvider
from finassist.providers.values import (
    currency,
    day,
    day_of_fact,
    figure,
    fiscal_period,
    last_price,
    number,
    of_newest,
)
from finassist.reporting.files import own_table
from finassist.symbols import announce, directory
from finassist.symbols.company import Company, normalise_symbol

_ABOUT = ("symbol", "name", "period", "period_end", "date", "currency", "sector", "industry", "filed")
_SLIP = 0.88
"""How much a column must look like a known one to be a slip of the pen."""
_PERIOD = re.compile(r"(?:FY ?)?(?P<year>(?:19|20)\d\d)|Q(?P<quarter>[1-4])[ -]?(?P<of>(?:19|20)\d\d)")
_YEAR_FIRST = re.compile(r"(\d{4})[ -]?(Q[1-4])")
_GUESSED = "the table gives no last day: taken for the end of a calendar quarter or year"


class FrameProvider(FactProvider):
    """Figures of a table, under the tickers that stand in it.

    Args:
        data: A DataFrame, or the path of a `.csv`, `.xlsx` or `.parquet` file; several in a list.
        symbol: The company of a table without a column `symbol`.
        currency: The currency of a table without a column `currency`.
        source: What answers name as the source; by default the file's name.

    Raises:
        MissingColumn: A table lacks a column that it needs, or has no line at all.
        BadPayload: A cell cannot be read, or a row stands twice; the message names file, column and row.

    Example:
        >>> import pandas as pd
        >>> closes = pd.DataFrame({"date": ["2026-01-02", "2026-01-05"], "close": [3.09, 3.12]})
        >>> FrameProvider(closes, symbol="LEMON").get_quote("LEMON").price
        3.12
    """

    id = "frame"
    name = "your table"
    _frequencies = ("annual", "quarterly")
    capabilities = frozenset({"get_quote", "get_price_history", "get_company_profile", "get_financials"})

    def __init__(self, data: Any, *, symbol: str = "", currency: str = "USD", source: str = "") -> None:
        tables = cast("Sequence[Any]", data) if isinstance(data, (list, tuple)) else [data]
        if not tables:
            raise ConfigurationError("There is no table in the list. Give a DataFrame, or the path of a file.")
        found: dict[str, Fact] = {}
        self._names: dict[str, Member] = {}
        for each in tables:
            table = _Table(each, symbol, currency, source)
            for fact in table.facts():
                if fact.key in found:
                    raise BadPayload(
                        f"{table.name} repeats {fact.key}, which another table has. Leave one of them out."
                    )
                found[fact.key] = fact
            self._names |= {s: m for s, m in table.members.items() if s not in self._names or m.name != s}
        for member in self._names.values():
            _check_name(member)
        self._facts = tuple(found.values())
        announce(Company(member.symbol, member.name, "", "") for member in self._names.values())

    def status(self) -> ProviderStatus:
        """Always usable: there is nothing to reach."""
        return ProviderStatus(ok=True, detail=f"{len(self._names)} companies, {len(self._facts)} figures")

    def members(self) -> Mapping[str, Member]:
        """The companies of the tables."""
        return self._names

    async def fetch_facts(self, need: Need, symbol: str, periods: Periods) -> list[Fact]:
        """The figures of one need; statements newest first, prices oldest first."""
        own = self._of(symbol)
        closes = [fact for fact in own if fact.field == "price"]
        if need == "profile":
            member = self._names[own[0].symbol]
            texts = {"name": member.name, "sector": member.sector, "industry": member.sub_industry}
            blank = Fact(symbol=member.symbol, field="", statement="profile", source=own[0].source)
            return [replace(blank, field=name, text=text) for name, text in texts.items() if text]
        if need == "history":
            return [replace(fact, field="close") for fact in closes]
        if need == "quote":
            return last_price(closes)
        whole = "FY" if periods.frequency == "annual" else "Q"
        mine = [fact for fact in own if fact.statement == need and fact.period.startswith(whole)]
        mine.sort(key=lambda fact: fact.period_end or date.min, reverse=True)
        return of_newest(mine, periods.limit)

    async def fetch_figures(self, symbol: str) -> list[Fact]:
        """Every annual and quarterly figure of a company."""
        return [fact for fact in self._of(symbol) if fact.statement != "price"]

    async def fetch_closes(self, symbol: str) -> list[Fact]:
        """Its closes, oldest first."""
        return [fact for fact in self._of(symbol) if fact.statement == "price"]

    async def fetch_universe(self, scope: UniverseScope) -> list[Fact]:
        """Some lines of every company."""
        return self.universe_facts(scope)

    def universe_facts(self, scope: UniverseScope) -> list[Fact]:
        """Some lines of every company, and its closes where days are asked."""
        own, near = self._names.get(scope.peers_of), self._names.keys()
        if own:
            near = {each.symbol for each in candidates(own, self._names.values())}
        wanted = {*scope.lines, "price"} if scope.days else scope.lines
        return [fact for fact in self._facts if fact.symbol in near and fact.field in wanted]

    def _of(self, symbol: str) -> list[Fact]:
        wanted = normalise_symbol(symbol)
        found = [fact for fact in self._facts if fact.symbol == wanted]
        if not found:
            known = ", ".join(list(self._names)[:10])
            raise UnknownSymbol(f"{wanted} is not in {self.name}. It has {known}.{did_you_mean(wanted, self._names)}")
        return sorted(found, key=lambda fact: fact.period_end or date.min)


def _check_name(member: Member) -> None:
    """Check that a company with a name of its own has not the ticker of another, whose figures these would seem."""
    listed = directory().lookup(member.symbol)
    if listed is None or not listed.cik or member.name == member.symbol:
        return
    meant = map(directory().lookup, directory().resolve(member.name).symbols)
    if all(each is None or each.name != listed.name for each in meant):
        both = f"{member.symbol} is the ticker of {listed.name}, and the table calls it {member.name}"
        raise BadPayload(f"{both}. Give it another symbol.")


class _Table:
    """One table as facts."""

    def __init__(self, data: Any, symbol: str, money: str, source: str) -> None:
        self.frame = own_table(data)
        self.name = Path(data).name if isinstance(data, (str, Path)) else "the DataFrame"
        self.source = source or (self.name if isinstance(data, (str, Path)) else "your table")
        self.symbol, self.money = symbol, money
        self.members: dict[str, Member] = {}
        self.first_row = 2 if isinstance(data, (str, Path)) else 1  # row 1 of a file holds the names of the columns
        self.columns: dict[str, str] = {str(column): _name(str(column)) for column in self.frame.columns}
        self._ends: dict[tuple[str, str], date] = {}
        self._labels: dict[tuple[str, str, date], str] = {}
        self._check()

    def _check(self) -> None:
        names = [_name(str(column)) for column in self.frame.columns]
        there = f"It has {', '.join(f'“{column}”' for column in list(self.columns)[:8])}."
        if "symbol" not in names and not self.symbol:
            raise MissingColumn(f'{self.name} has no column “symbol”. Add one, or give symbol="…". {there}')
        if not {"date", "period", "period_end"} & set(names):
            raise MissingColumn(f"{self.name} has no column “period”, “period_end” or “date”. Add one. {there}")
        twice = next((name for name in names if names.count(name) > 1), None)
        if twice:
            both = " and ".join(f"“{column}”" for column in self.frame.columns if _name(str(column)) == twice)
            raise BadPayload(f"{self.name}: the columns {both} both hold {twice}. Leave one of them out.")
        if not set(names) & FIELDS.keys() - {"name", "currency", "sector", "industry"}:
            raise MissingColumn(f"{self.name} has no column of figures, such as “revenue” or “close”. Add one. {there}")
        for column, name in self.columns.items():
            if name not in FIELDS and name not in _ABOUT and (near := get_close_matches(name, FIELDS, 1, _SLIP)):
                raise MissingColumn(f"{self.name}: “{column}” is no known column. Did you mean “{near[0]}”?")

    def facts(self) -> Iterator[Fact]:
        seen: dict[str, int] = {}
        filled = self.frame.astype(object).where(self.frame.notna(), None)
        for place, row in enumerate(filled.to_dict("records"), start=self.first_row):
            given = {self.columns[str(column)]: value for column, value in row.items()}
            if all(map(_empty, given.values())):
                continue
            for fact in self._row(given, place):
                if fact.key in seen:
                    quarters = "" if _text(given.get("period")) else ", or name quarters in a column “period”"
                    raise BadPayload(
                        f"{self.name}, rows {seen[fact.key]} and {place}: both hold {fact.field} of {fact.symbol} for "
                        f"{fact.period}. Leave one of them out{quarters if fact.period.startswith('FY') else ''}."
                    )
                seen[fact.key] = place
                yield fact
        if not seen:
            raise BadPayload(f"{self.name} holds no figure. Fill in its rows.")

    def _row(self, given: Mapping[str, Any], place: int) -> Iterable[Fact]:
        symbol = self._symbol(given, place)
        own = Member(
            symbol, _text(given.get("name")) or symbol, "", _text(given.get("sector")), _text(given.get("industry"))
        )
        self.members.setdefault(symbol, own)
        last = self._last_day(given, place)
        period, end = self._period(symbol, given, last, place)
        if end > date.today():
            ends = f"its period ends on {end}, which is still to come"
            raise BadPayload(f"{self.name}, row {place}: {ends}. Leave the row out, or give its true last day.")
        filed = self._day_in(given, "filed", place)
        if filed and filed < end:
            raise self._bad_cell(place, "filed", given["filed"], f"is before the period's end, {end}. Correct it.")
        blank = Fact(
            symbol=symbol, field="", statement="income", period=period, period_end=end, source=self.source,
            as_of=filed, currency=self._currency(given, place), note=None if last else _GUESSED,
        )  # fmt: skip
        for name, value in given.items():
            if name not in FIELDS or name in _ABOUT or _empty(value):
                continue
            of_day = FIELDS[name].statement == "price"
            if of_day and not last:
                raise self._bad_cell(place, name, value, "is of no day. Give it one, in a column “date”.")
            yield self._figure(day_of_fact(blank, end) if of_day else blank, name, value, place)

    def _symbol(self, given: Mapping[str, Any], place: int) -> str:
        try:
            return normalise_symbol(_text(given.get("symbol")) or self.symbol)
        except InvalidSymbol as error:
            if "symbol" not in given:
                raise
            raise self._bad_cell(place, "symbol", given["symbol"], "is no ticker. Write AAPL or BRK.B.") from error

    def _currency(self, given: Mapping[str, Any], place: int) -> str | None:
        text = _text(given.get("currency"))
        found = currency(text or self.money)
        if text and found is None:
            raise self._bad_cell(place, "currency", text, "is no currency. Write USD or EUR.")
        return found

    def _figure(self, blank: Fact, name: str, value: Any, place: int) -> Fact:
        field, read = FIELDS[name], _number(value)
        made = figure(replace(blank, field=field.name, statement=field.statement), read)
        if not made.known or made.value is None:
            whole = isinstance(number(read), Decimal)
            of_price = "is not above zero" if field.statement == "price" else "is negative"
            raise self._bad_cell(place, name, value, f"{of_price if whole else 'is no number'}. Correct it.")
        return made

    def _bad_cell(self, place: int, name: str, value: Any, why: str) -> BadPayload:
        column = next(column for column, own in self.columns.items() if own == name)
        shown = "an empty cell" if _empty(value) else f"{value!r:.40}"
        return BadPayload(f"{self.name}, row {place}, column “{column}”: {shown} {why}")

    def _period(self, symbol: str, given: Mapping[str, Any], last: date | None, place: int) -> tuple[str, date]:
        """The name of the row's period and its last day, where it is not given that of a calendar quarter or year."""
        text = _text(given.get("period")).removesuffix(".0")
        found = _PERIOD.fullmatch(_YEAR_FIRST.sub(r"\2 \1", text.upper()))
        if text and found is None:
            raise self._bad_cell(place, "period", text, "is no period. Write FY2025 or Q1 2026.")
        if found is None:
            if last is None:
                raise BadPayload(f"{self.name}, row {place}: it has neither a period nor its last day. Add one.")
            return fiscal_period(None, last), last
        label = f"FY{found['year']}" if found["year"] else f"Q{found['quarter']} {found['of']}"
        month = 3 * int(found["quarter"] or 4)
        end = last or date(int(label[-4:]), month, 31 if month in (3, 12) else 30)
        self._check_end(symbol, label, end, given, place)
        return label, end

    def _check_end(self, symbol: str, label: str, end: date, given: Mapping[str, Any], place: int) -> None:
        """Check that a last day can be that of the period, and of no other one."""
        if not (0 if label.startswith("FY") else -1) <= end.year - int(label[-4:]) <= 1:
            column = _day_column(given)
            raise self._bad_cell(place, column, given[column], f"is not in {label}. Correct it.")
        same = self._ends.setdefault((symbol, label), end) == end
        if not same or self._labels.setdefault((symbol, label[0], end), label) != label:
            raise BadPayload(
                f"{self.name}, row {place}: {label} to {end} contradicts another row. Correct one of them."
            )

    def _last_day(self, given: Mapping[str, Any], place: int) -> date | None:
        """The last day of the row's period, or the day of its prices."""
        column = _day_column(given)
        found = self._day_in(given, column, place)
        if found is None and column == "date" and _empty(given.get("period")):
            raise self._bad_cell(place, "date", given["date"], "is no day. Write 2025-12-31.")
        return found

    def _day_in(self, given: Mapping[str, Any], name: str, place: int) -> date | None:
        """The day in an optional column."""
        found = _day(given.get(name))
        if found is None and not _empty(given.get(name)):
            raise self._bad_cell(place, name, given[name], "is no day. Write 2025-12-31.")
        return found


def _name(column: str) -> str:
    plain = snake(column)
    if plain in ("ticker", "company_symbol"):
        return "symbol"
    if plain in ("fiscal_year", "year", "fiscal_period"):
        return "period"
    known = plain if plain in _ABOUT else canonical(column) or plain
    return "price" if known == "close" else known


def _day_column(given: Mapping[str, Any]) -> str:
    return "date" if "date" in given and _empty(given.get("period_end")) else "period_end"


def _empty(value: Any) -> bool:
    return value is None or not str(value).strip()


def _text(value: Any) -> str:
    return "" if _empty(value) else " ".join(visible(str(value)).split())


def _day(value: Any) -> date | None:
    return None if _empty(value) else day(value.to_pydatetime() if hasattr(value, "to_pydatetime") else value)


def _number(value: Any) -> object:
    """A number, also where a text is one; a text that is none stays as it is."""
    if isinstance(value, str) and re.fullmatch(r"\s*-?(\d{1,3}(,\d{3})+|\d+)(\.\d+)?([eE][+-]?\d{1,3})?\s*", value):
        return Decimal(value.replace(",", "").strip())
    return value
