"""What an evaluation found: cases with their grades, by kind, as frames, and side by side with another."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from math import comb
from statistics import median
from typing import TYPE_CHECKING, Any, Final, Literal

from finassist.core.cases import Case
from finassist.core.formatting import escape_markdown
from finassist.reporting.frames import SCHEMAS, first_columns, typed
from finassist.reporting.markdown import table_lines

if TYPE_CHECKING:
    from finassist.reporting.frames import DataFrame

CHECKS: Final = ("answer", "refusal", "companies", "period", "faithful")
"""What is graded: the answer itself, that it is refused or not, whom and when it is about, and each figure in it."""

_ALL: Final = "all"
_SHOWN: Final = 20
_SHARES: Final = {name: f"{name}_share" for name in CHECKS}
_RIGHT: Final = {name: name if name == "faithful" else f"{name}_right" for name in CHECKS}


@dataclass(frozen=True)
class Graded:
    """One case and how it went.

    Attributes:
        case: The question and what is right.
        checks: Each of `CHECKS` that applies, and whether it holds.
        headline: What the answer said first.
        error: Class name and message of what was raised instead of an answer; empty if nothing was.
        seconds: How long it took.
        tokens: Of models, in and out; `None` where a model does not say, and after an error.
        cost: US dollars; `None` where no price is known, and after an error.
    """

    case: Case
    checks: dict[str, bool] = field(default_factory=dict[str, bool])
    headline: str = ""
    error: str = ""
    seconds: float = 0.0
    tokens: int | None = None
    cost: float | None = None

    @property
    def passed(self) -> bool:
        """Whether all that applies holds."""
        return not self.error and all(self.checks.values())

    @property
    def wrong(self) -> str:
        """What does not hold, in a word each; or the error."""
        return self.error or ", ".join(name for name, holds in self.checks.items() if not holds)


@dataclass(frozen=True)
class Evaluation:
    """Graded answers to a set of questions.

    Attributes:
        graded: Each case and how it went, in the order of the set.
        about: The model, the provider and the routing that answered.

    Example:
        >>> import finassist
        >>> result = finassist.evaluate(set=[finassist.Case("What was Apple's net margin in FY2023?", right="25.3%")])
        >>> result.share, result.table["n_passed"].tolist()
        (1.0, [1, 1])
    """

    graded: tuple[Graded, ...]
    about: str = ""

    @property
    def share(self) -> float:
        """Which part of the cases passed: 1.0 is all of them."""
        return sum(each.passed for each in self.graded) / len(self.graded)

    @property
    def failed(self) -> tuple[Graded, ...]:
        """The cases that did not pass."""
        return tuple(each for each in self.graded if not each.passed)

    @property
    def table(self) -> DataFrame:
        """One row a kind of question, and one of all; `finassist.describe("evaluation_kinds")` has the columns."""
        return typed(map(_kind_row, self._kinds(), self._parts()), SCHEMAS["evaluation_kinds"])

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready form: what answered, the part that passed, and each case."""
        return {"about": self.about, "share": self.share, "cases": [_row(graded) for graded in self.graded]}

    def to_frame(self, *, full: bool = False) -> DataFrame:
        """One row a case.

        Args:
            full: All columns, which `finassist.describe("evaluation")` lists; by default the six to look at first.
        """
        return first_columns(typed(map(_row, self.graded), SCHEMAS["evaluation"]), "evaluation", full=full)

    def compare(self, other: Evaluation) -> Comparison:
        """This one and another side by side, over the cases that both have.

        Args:
            other: Of another model, or other settings.
        """
        theirs = {each.case.id: each for each in other.graded}
        pairs = [(each, theirs[each.case.id]) for each in self.graded if each.case.id in theirs]
        return Comparison(tuple(pairs), (self.about, other.about))

    def to_markdown(self) -> str:
        """How many passed, a table by kind, and what failed."""
        passed = len(self.graded) - len(self.failed)
        lines = [f"{passed} of {len(self.graded)} cases passed ({self.share:.1%}): {self.about}.", ""]
        lines += [
            _markdown(self.table, ["kind", "n_cases", "n_passed", *_SHARES.values(), "seconds", "tokens", "cost"])
        ]
        return "\n".join([*lines, *_listed(map(_line, self.failed))])

    def __repr__(self) -> str:
        return f"<Evaluation of {len(self.graded)} cases: {self.share:.1%} passed>"

    def __str__(self) -> str:
        return self.to_markdown()

    def _repr_html_(self) -> str:
        from finassist.reporting.sanitize import safe_html

        return safe_html(self.to_markdown())

    def _kinds(self) -> list[str]:
        return [*dict.fromkeys(each.case.kind for each in self.graded), _ALL]

    def _parts(self) -> Iterator[Evaluation]:
        for kind in self._kinds():
            yield Evaluation(tuple(each for each in self.graded if kind in (each.case.kind, _ALL)))


@dataclass(frozen=True)
class Comparison:
    """Two evaluations of the same cases.

    Attributes:
        pairs: Each case as it went first and second.
        about: What answered first, and what second.
    """

    pairs: tuple[tuple[Graded, Graded], ...]
    about: tuple[str, str]

    @property
    def gained(self) -> tuple[Graded, ...]:
        """Cases that only the second passed."""
        return tuple(second for first, second in self.pairs if second.passed and not first.passed)

    @property
    def lost(self) -> tuple[Graded, ...]:
        """Cases that only the first passed."""
        return tuple(second for first, second in self.pairs if first.passed and not second.passed)

    @property
    def p_value(self) -> float:
        """How often chance alone would part them as far: McNemar's exact test on the cases that only one passed."""
        return mcnemar(len(self.gained), len(self.lost))

    def to_frame(self, *, full: bool = False) -> DataFrame:
        """One row a kind of question, and one of all.

        Args:
            full: All columns, which `finassist.describe("comparison")` lists; by default the six to look at first.
        """
        return first_columns(typed(self._rows(), SCHEMAS["comparison"]), "comparison", full=full)

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready form: what answered, the p value, and a row a kind of question."""
        return {"about": list(self.about), "p_value": self.p_value, "kinds": self._rows()}

    def _rows(self) -> list[dict[str, Any]]:
        kinds = [*dict.fromkeys(first.case.kind for first, _ in self.pairs), _ALL]
        return [
            _compared_row(kind, [pair for pair in self.pairs if kind in (pair[0].case.kind, _ALL)]) for kind in kinds
        ]

    def to_markdown(self) -> str:
        """What differs, the chance of it, a table by kind, and the cases that only one passed."""
        first, second = self.about
        lines = [
            f"First: {first}.",
            "",
            f"Second: {second}.",
            "",
            f"Of {len(self.pairs)} cases the second gained {len(self.gained)} and lost {len(self.lost)} "
            f"(McNemar's exact test: p = {self.p_value:.3g}).",
            "",
            _markdown(self.to_frame(full=True), list(SCHEMAS["comparison"])),
        ]
        parted = [(word, each) for word, some in (("gained", self.gained), ("lost", self.lost)) for each in some]
        return "\n".join([*lines, *_listed(f"{word} {_line(each)}" for word, each in parted)])

    def __repr__(self) -> str:
        parted = f"{len(self.gained)} gained, {len(self.lost)} lost, p = {self.p_value:.3g}"
        return f"<Comparison of {len(self.pairs)} cases: {parted}>"

    def __str__(self) -> str:
        return self.to_markdown()

    def _repr_html_(self) -> str:
        from finassist.reporting.sanitize import safe_html

        return safe_html(self.to_markdown())


def mcnemar(gained: int, lost: int) -> float:
    """The two-sided p value of McNemar's exact test: how likely a fair coin falls as unevenly, or more so.

    Example:
        >>> mcnemar(5, 5), round(mcnemar(8, 1), 4)
        (1.0, 0.0391)
    """
    number, fewer = gained + lost, min(gained, lost)
    tail = sum(comb(number, count) for count in range(fewer + 1))
    return min(1.0, 2 * tail / 2**number)


def _line(graded: Graded) -> str:
    return f"{graded.case.id}: {graded.case.question}{f' [{graded.wrong}]' if graded.wrong else ''}"


def _listed(texts: Iterable[str]) -> Iterator[str]:
    lines = [f"- {escape_markdown(text)}" for text in texts]
    yield from lines[:_SHOWN]
    if len(lines) > _SHOWN:
        yield f"- … and {len(lines) - _SHOWN} more in to_frame() of the evaluation."


def _row(graded: Graded) -> dict[str, Any]:
    return {
        **{name: getattr(graded.case, name) for name in ("id", "kind", "question", "right")},
        "passed": graded.passed,
        **{_RIGHT[name]: holds for name, holds in graded.checks.items()},
        "wrong": graded.wrong or None,
        "headline": graded.headline,
        "seconds": graded.seconds,
        "tokens": graded.tokens,
        "cost": graded.cost,
    }


def _kind_row(kind: str, part: Evaluation) -> dict[str, Any]:
    graded = part.graded
    held = {name: [each.checks[name] for each in graded if name in each.checks] for name in CHECKS}
    return {
        "kind": kind,
        "n_cases": len(graded),
        "n_passed": len(graded) - len(part.failed),
        "share": part.share,
        **{_SHARES[name]: sum(values) / len(values) for name, values in held.items() if values},
        **_spent(graded),
    }


def _compared_row(kind: str, pairs: Sequence[tuple[Graded, Graded]]) -> dict[str, Any]:
    both, sides = Comparison(tuple(pairs), ("", "")), list(zip(*pairs, strict=True))
    return {
        "kind": kind,
        "n_cases": len(pairs),
        "first": sum(first.passed for first, _ in pairs),
        "second": sum(second.passed for _, second in pairs),
        "gained": len(both.gained),
        "lost": len(both.lost),
        "p_value": both.p_value,
        **{
            f"{name}_{side}": value
            for side, graded in zip(("first", "second"), sides, strict=True)
            for name, value in _spent(graded).items()
        },
    }


def _spent(graded: Sequence[Graded]) -> dict[str, Any]:
    """What an answer took: the time of the one in the middle, and all tokens and dollars."""
    return {
        "seconds": median(each.seconds for each in graded),
        "tokens": known_sum([each.tokens for each in graded]),
        "cost": known_sum([each.cost for each in graded]),
    }


def _markdown(frame: DataFrame, columns: Sequence[str]) -> str:
    rows = [[_cell(name, row[name]) for name in columns] for row in frame.to_dict("records")]
    return table_lines(map(_title, columns), [":--", *["--:"] * (len(columns) - 1)], *rows) + "\n"


def _title(column: str) -> str:
    return column.removesuffix("_share").removeprefix("n_").replace("_", " ")


def _cell(name: str, value: Any) -> str:
    if isinstance(value, str):
        return escape_markdown(value)
    if value is None or value != value or str(value) == "<NA>":
        return "–"
    return f"{value:.0%}" if name.endswith("_share") else f"{value:.3g}" if isinstance(value, float) else str(value)


def known_sum[N: (int, float)](numbers: Sequence[N | None]) -> N | Literal[0] | None:
    """Their sum, unless one is not known."""
    known = [number for number in numbers if number is not None]
    return sum(known) if len(known) == len(numbers) else None
