"""Questions with right answers, as values and in files: CSV, or the JSON Lines of Inspect AI."""

from __future__ import annotations

import csv
import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, fields, replace
from decimal import Decimal, InvalidOperation
from importlib.resources import files
from pathlib import Path
from typing import Any, Final, NamedTuple, Self, cast

from finassist.core.claims import Unit
from finassist.core.errors import InputError
from finassist.core.facts import Fact
from finassist.core.process import check_ordinary
from finassist.core.text import did_you_mean

REFUSED: Final = "refused"
"""What is right where a question has no answer."""

_SCALES: Final = {"thousand": 3, "million": 6, "billion": 9, "trillion": 12}
_UNITS: Final[Mapping[str, tuple[Unit, int]]] = {
    "%": ("percent", -2), "points": ("points", -2), "times": ("times", 0), "days": ("days", 0),
    "shares": ("count", 0), "": ("", 0),
}  # fmt: skip
_MONEY: Final = re.compile("[A-Z]{3}(?:/share)?")
_AMOUNT: Final = re.compile(
    rf"(?P<number>-?\d[\d,]*(?:\.\d+)?)\s*(?P<scale>{'|'.join(_SCALES)})?\s*"
    rf"(?P<unit>{_MONEY.pattern}|{'|'.join(map(re.escape, sorted(_UNITS, key=len, reverse=True)))})"
)
_WRITTEN: Final = {"ratio": ("%", 2), "points": ("points", 2), "count": ("", 0)}


class Amount(NamedTuple):
    """A number that an answer has to state."""

    value: Decimal  # in plain units; 25 % is 0.25
    slack: Decimal  # half of the last digit that is written
    unit: Unit  # what it is measured in; empty for a count or an index
    currency: str = ""  # ISO code of money

    @classmethod
    def of(cls, text: str) -> Self:
        """An amount from its text.

        Raises:
            InputError: It is none.

        Example:
            >>> Amount.of("25.3%").value, int(Amount.of("-1.5 billion USD").value)
            (Decimal('0.253'), -1500000000)
        """
        found = _AMOUNT.fullmatch(text.strip())
        if found is None:
            raise InputError(f"“{text[:60]}” is no amount. Write “25.3%”, “1.5 billion USD”, “1.2 times” or “refused”.")
        currency = currency_of(found["unit"])
        unit, power = ("money", 0) if currency else _UNITS[found["unit"]]
        power += _SCALES.get(found["scale"] or "", 0)
        value = Decimal(found["number"].replace(",", ""))
        half = Decimal(1).scaleb(int(value.as_tuple().exponent)) / 2
        return cls(value.scaleb(power), half.scaleb(power), unit, currency)


@dataclass(frozen=True)
class Case:
    """A question and what is right about its answer. What is empty is not graded.

    Attributes:
        question: What is asked.
        right: The amounts that the answer has to state, with semicolons between (`"391.0 billion USD; 25.3%"`), or
            `"refused"` where the data have no answer.
        order: The tickers that come first in the answer, in their order: of a ranking or of a comparison.
        companies: The tickers of all companies that the answer is about, in any order.
        period: Which period the figures are of, such as `"FY2024"`.
        words: Words that have to be there, with semicolons between; of a refusal in its reasons.
        kind: Which sort of question it is; results are counted by it.
        id: Its name, unique in a set.
        session: Cases of the same session are turns of one conversation.
        note: A remark for people; it is not graded.

    Example:
        >>> case = Case("What was Apple's net margin in FY2023?", right="25.3%", companies="AAPL", period="FY2023")
        >>> case.amounts[0].value, case.refused
        (Decimal('0.253'), False)
    """

    question: str
    right: str = ""
    order: str = ""
    companies: str = ""
    period: str = ""
    words: str = ""
    kind: str = "own"
    id: str = ""
    session: str = ""
    note: str = ""

    def __post_init__(self) -> None:
        if not self.question.strip():
            raise InputError("A case has no question.")
        if not (self.right or self.order or self.companies or self.words):
            raise InputError(f"“{self.question[:60]}”: say what is right, in right, order, companies or words.")
        _ = self.amounts

    @classmethod
    def of(cls, row: Mapping[str, Any]) -> Self:
        """A case from a row of a CSV file, or from a line in Inspect AI's form.

        Raises:
            InputError: A column is unknown, the question is missing, or what is right cannot be read.

        Example:
            >>> Case.of({"input": "Apple's revenue in FY2024?", "target": "391.0 billion USD"}).right
            '391.0 billion USD'
        """
        if "input" in row:
            own = row.get("metadata") or {"right": row.get("target")}
            row = {**own, "question": row["input"], "id": row.get("id")}
        if "" in row:
            raise InputError("A cell has no column above it. Put a text with commas in quotes.")
        names = [field.name for field in fields(cls)]
        for name in row:
            if name not in names:
                raise InputError(
                    f"A case has no column {name!r:.60}.{did_you_mean(str(name), names)} It has {', '.join(names)}."
                )
        return cls(**{"question": "", **{name: str(value).strip() for name, value in row.items() if value is not None}})

    @property
    def refused(self) -> bool:
        """Whether the right answer is that there is none."""
        return self.right == REFUSED

    @property
    def amounts(self) -> tuple[Amount, ...]:
        """What the answer has to state."""
        return () if self.refused else tuple(Amount.of(text) for text in _parts(self.right))

    @property
    def expected_words(self) -> tuple[str, ...]:
        """Words that have to be there."""
        return tuple(_parts(self.words))

    def to_dict(self) -> dict[str, str]:
        """What is not empty, by name."""
        return {name: value for name, value in asdict(self).items() if value}

    def to_inspect(self) -> dict[str, Any]:
        """The case as a sample of Inspect AI: `input`, `target` and `metadata`, from which `of` reads it back.

        Example:
            >>> Case("Apple's revenue in FY2024?", right="391.0 billion USD", id="a").to_inspect()["target"]
            '391.0 billion USD'
        """
        own = self.to_dict()
        target = self.right or self.order or self.companies or self.words
        return {"id": own.pop("id", ""), "input": own.pop("question"), "target": target, "metadata": own}


def right_of(right: Any, fact: Fact | None) -> dict[str, str]:
    """What a person says is right of an answer, as fields of a case: its own figure or companies by default.

    Example:
        >>> right_of(["MSFT", "AAPL"], None)
        {'order': 'MSFT AAPL'}
    """
    if right is None:
        known = fact.value if fact is not None else None
        return {"right": amount(known, fact.unit)} if fact is not None and known is not None else {}
    if isinstance(right, str):
        return {"right": right}
    if isinstance(right, Sequence):
        return {"order": " ".join(map(str, cast("Sequence[Any]", right)))}
    try:
        value = Decimal(str(right))
    except InvalidOperation as error:
        raise InputError(
            f"{right!r:.60} is nothing that an answer says. Give a text such as “25.3%”, a number, or tickers."
        ) from error
    return {"right": amount(value, fact.unit if fact is not None else "")}


def said_right(reason: str) -> str:
    """What is right of an answer that is rated down, by the reason for it.

    Raises:
        InputError: The reason states nothing that is right.

    Example:
        >>> said_right("26.9%")
        '26.9%'
    """
    try:
        return Case("An answer", right=reason).right
    except InputError:
        because = f" (“{reason[:60]}”)" if reason else ""
        raise InputError(
            f"This answer is rated down{because}. Say what is right instead, such as as_case(“25.3%”)."
        ) from None


def currency_of(unit: str) -> str:
    """The ISO code of a unit of money, per share or not; empty for another unit.

    Example:
        >>> currency_of("EUR/share"), currency_of("ratio")
        ('EUR', '')
    """
    return unit[:3] if _MONEY.fullmatch(unit) else ""


def amount(value: Decimal, unit: str) -> str:
    """A figure in the unit of a fact as the text of an amount, with every digit.

    Example:
        >>> amount(Decimal("0.253"), "ratio"), amount(Decimal(1500), "USD")
        ('25.3%', '1500 USD')
    """
    name, power = _WRITTEN.get(unit, (unit, 0))
    return f"{value.scaleb(power):f}{'' if name == '%' else ' '}{name}".strip()


def _parts(text: str) -> list[str]:
    return [part.strip() for part in text.split(";") if part.strip()]


# ------------------------------------------------------------------------------------------------------- files

type CaseSet = str | Path | Iterable[Case | Mapping[str, Any]]
"""Cases, dictionaries of their fields, or the name of a file of them."""

_COLUMNS: Final = ("id", "kind", "question", "right", "order", "companies", "period", "words", "session", "note")
_LONGEST: Final = 200


def read_cases(source: CaseSet | None = None, kinds: Sequence[str] = ()) -> list[Case]:
    """The cases of a set, each with an id.

    Args:
        source: A `.csv` file with a column `question` and those of `Case`; a `.jsonl` file in Inspect AI's form, a
            sample a line; cases, or dictionaries of their fields; by default the embedded set.
        kinds: Only these kinds of questions.

    Raises:
        InputError: The file is of another sort, a case cannot be used, there is no such kind, or there are no cases.

    Example:
        >>> [case.id for case in read_cases([{"question": "Apple's revenue?", "companies": "AAPL"}])]
        ['1']
    """
    cases = [replace(case, id=case.id or str(number)) for number, case in enumerate(_cases(source), 1)]
    _check(cases, kinds)
    return [case for case in cases if not kinds or case.kind in kinds]


def write_cases(cases: Iterable[Case], path: str | Path) -> None:
    """Write cases to a file: `.csv`, or `.jsonl` in Inspect AI's form. `read_cases` reads both.

    Raises:
        InputError: The name of the file ends otherwise.
        OSError: A pipe or a device has this name.
    """
    path = check_ordinary(Path(path))
    match path.suffix.lower():
        case ".jsonl":
            lines = [json.dumps(each.to_inspect(), ensure_ascii=False) for each in cases]
            path.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
        case ".csv":
            with path.open("w", encoding="utf-8", newline="") as file:
                rows = csv.DictWriter[str](file, _COLUMNS)
                rows.writeheader()
                rows.writerows(asdict(each) for each in cases)
        case _:
            raise _other_file(path)


def _cases(source: CaseSet | None) -> Iterable[Case]:
    if source is None:
        source = Path(str(files("finassist.evals"))) / "cases.jsonl"
    if isinstance(source, str | Path):
        return _of_file(Path(source))
    return (each if isinstance(each, Case) else Case.of(each) for each in source)


def _of_file(path: Path) -> list[Case]:
    try:
        text = check_ordinary(path).read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise InputError(
            f"{path.name} is not in UTF-8. Save it again as UTF-8, in a spreadsheet “CSV UTF-8”."
        ) from error
    except OSError as error:
        reason = error.strerror or type(error).__name__
        raise InputError(f"{path.name} cannot be read ({reason}). Give the path of a .csv or .jsonl file.") from error
    rows: Iterable[Mapping[str, Any]]
    match path.suffix.lower():
        case ".jsonl":
            rows = map(json.loads, filter(str.strip, text.splitlines()))
        case ".csv":
            rows = csv.DictReader(text.splitlines(keepends=True), restkey="")
        case _:
            raise _other_file(path)
    found: list[Case] = []
    try:
        for row in rows:
            found.append(Case.of(row))
    except (ValueError, TypeError, AttributeError, csv.Error) as error:  # InputError is a ValueError
        raise InputError(f"{path.name}, case {len(found) + 1}: {str(error)[:_LONGEST]}") from error
    return found


def _other_file(path: Path) -> InputError:
    return InputError(f"{path.name} is no file of cases. Its name has to end in .csv or .jsonl.")


def _check(cases: Sequence[Case], kinds: Sequence[str]) -> None:
    if not cases:
        raise InputError("The set has no cases. Write one question a row, with what is right about its answer.")
    there = list(dict.fromkeys(case.kind for case in cases))
    if unknown := [kind for kind in kinds if kind not in there]:
        raise InputError(f"The set has no kind {unknown[0]!r:.60}. It has {', '.join(there)}.")
    ids = [case.id for case in cases]
    if twice := next((name for name in ids if ids.count(name) > 1), None):
        raise InputError(f"Two cases have the id {twice!r:.60}. Give each its own, or none.")
