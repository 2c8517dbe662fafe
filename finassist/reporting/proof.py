"""Why a figure is what it is: the tree from it down to what was filed, each computed figure recomputed. Pure."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final, Literal

from finassist.core.errors import InputError
from finassist.core.facts import Fact
from finassist.core.formatting import ABSENCE, listed
from finassist.core.formulas import agree, arithmetic, as_code, computed
from finassist.core.metrics import catalogue, described
from finassist.core.query import Query
from finassist.core.text import did_you_mean
from finassist.reporting.words import Words, capital

State = Literal["right", "wrong", "given", "assumed", "open", "absent"]

MARKS: Final[Mapping[State, str]] = {
    "right": "✓", "wrong": "✗", "given": "•", "assumed": "○", "open": "?", "absent": "–",
}  # fmt: skip
_COUNTED: Final[Mapping[State, str]] = {
    "right": "recomputed and correct",
    "wrong": "recomputed and wrong",
    "given": "as reported",
    "assumed": "assumed",
    "open": "not checked",
    "absent": "not there",
}
_FILED: Final = frozenset({"income", "balance_sheet", "cash_flow"})
_ACCESSION = re.compile(r"\d{10}-\d\d-\d{6}")
_MOST_ROOTS = 25
_MOST_WRITTEN = 6
_CLOSES = re.compile(r"(\d+) (?:daily |month-end )?(?:closes|returns)").search
_DECIMAL = re.compile(r'Decimal\("([^"]+)"\)')
_WORDS = Words({}, Query())


@dataclass(frozen=True, slots=True)
class Step:
    """One figure of a proof.

    Attributes:
        fact: The figure.
        state: `"right"` or `"wrong"` where it was recomputed from its inputs, `"given"` where a source reports it,
            `"assumed"` where the query or a model assumes it, `"open"` where it rests on more than its inputs,
            `"absent"` where there is no figure.
        said: How it was computed, and what came of it, or where it comes from.
        recomputed: The figure recomputed.
        url: Its filing at the SEC.
        inputs: What it was computed from.
        again: Whether its inputs stand further up in the proof.
    """

    fact: Fact
    state: State
    said: tuple[str, ...] = ()
    recomputed: Decimal | None = None
    url: str = ""
    inputs: tuple[Step, ...] = ()
    again: bool = False

    @property
    def title(self) -> str:
        """Whose figure of what it is, and when."""
        of = [self.fact.symbol] if self.fact.symbol else []
        if (self.fact.formula or "").endswith(" figures"):
            of = list(dict.fromkeys(each.fact.symbol for each in self.inputs)) or of
        whose = listed(of) if 0 < len(of) <= _MOST_WRITTEN else f"{len(of) or 'all'} companies"
        return f"{title_of(self.fact.field)} of {whose}, {self.fact.period}"

    @property
    def figure(self) -> str:
        """The figure: every digit of a reported one."""
        return exact(self.fact) if self.state in ("given", "assumed") else _rounded(self.fact)

    @property
    def mark(self) -> str:
        """`✓`, `✗`, or why neither."""
        return MARKS[self.state]

    def steps(self) -> Iterator[Step]:
        """This figure and all below it."""
        yield self
        for each in self.inputs:
            yield from each.steps()

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready form; figures are strings, so that no digit is lost."""
        recomputed = None if self.recomputed is None else str(self.recomputed)
        own = {
            "state": self.state,
            "said": list(self.said),
            "computed": recomputed,
            "url": self.url,
            "again": self.again,
        }
        return {"fact": self.fact.to_dict(), **own, "inputs": [each.to_dict() for each in self.inputs]}


@dataclass(frozen=True, slots=True, repr=False)
class Proof:
    """The way from figures down to what was filed: a tree in a notebook cell, text with `str()`, JSON with `to_dict()`.

    Attributes:
        roots: The figures that are proved.

    Example:
        >>> from finassist import FinancialAssistantWorkflow
        >>> answer = FinancialAssistantWorkflow(db=None).run("What was Apple's net margin in FY2023?")
        >>> answer.why().holds, [step.fact.field for step in answer.why().steps()]
        (True, ['net_margin', 'net_income', 'revenue'])
    """

    roots: tuple[Step, ...]

    @property
    def holds(self) -> bool:
        """Whether no figure came out otherwise when it was recomputed."""
        return all(step.state != "wrong" for step in self.steps())

    def steps(self) -> Iterator[Step]:
        """Every figure, from the top down."""
        for root in self.roots:
            yield from root.steps()

    @property
    def summary(self) -> str:
        """How many figures were checked, and what came of it."""
        states = Counter(step.state for step in self.steps() if not step.again)
        found = [f"{states[state]} {words}" for state, words in _COUNTED.items() if states[state]]
        return f"{states.total()} {'figure' if states.total() == 1 else 'figures'}: {listed(found)}."

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready form."""
        return {"holds": self.holds, "summary": self.summary, "steps": [root.to_dict() for root in self.roots]}

    def __str__(self) -> str:
        return "\n".join([*(line for root in self.roots for line in _lines(root)), self.summary])

    def __repr__(self) -> str:
        return f"<Proof of {listed(root.fact.key for root in self.roots)}: {self.summary}>"

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, str]:
        from finassist.reporting.html import proof_html

        return {"text/plain": str(self), "text/html": proof_html(self)}


def prove(answer: Any, key: str | None, filers: Mapping[str, str]) -> Proof:
    """The proof of a figure of an answer: of a `Fact.key`, of a field in its latest period, or of what was asked.

    Raises:
        InputError: The answer has no such figure, or no key is given and it has no figure that was asked for.
    """
    tree = _Tree(answer.facts, filers)
    return Proof(tuple(map(tree.step, _chosen(answer, key))))


def proof_of(figures: Sequence[Fact], facts: Sequence[Fact], filers: Mapping[str, str]) -> Proof | None:
    """The proof of what an answer says: of what was computed from its figures, or of them."""
    used, shown = {key for fact in facts for key in fact.inputs}, {fact.key for fact in figures}
    tops = [fact.key for fact in facts if fact.key not in used and fact.known and fact.field != "close"]
    made = [key for key in tops if key not in shown]
    own = [key for key in tops if key in shown] if figures and figures[0].key in tops else [*shown][:1]
    tree = _Tree(facts, filers)
    return Proof(tuple(map(tree.step, (made or own)[:_MOST_ROOTS]))) if made or own else None


def _chosen(answer: Any, key: str | None) -> Sequence[str]:
    facts: list[Fact] = answer.facts
    if key is None:
        asked = [answer.value.key] if answer.value else answer.rows[:_MOST_ROOTS]
        if not asked:
            raise InputError(f"No single figure was asked for. Name one, such as why({_usual(facts)!r}).")
        return asked
    keys = {fact.key for fact in facts}
    if key in keys:
        return [key]
    own = [fact for fact in facts if fact.field == key]
    if not own:
        hint = did_you_mean(key, {fact.field for fact in facts} | keys)
        raise InputError(f"The answer has no figure “{key[:80]}”.{hint} Its facts and their keys: answer.to_frame().")
    asked = [fact.key for fact in own if fact.key in answer.rows]
    latest = {fact.symbol: fact.key for fact in sorted(own, key=lambda fact: (fact.known, str(fact.period_end)))}
    return (asked or list(latest.values()))[:_MOST_ROOTS]


def _usual(facts: Sequence[Fact]) -> str:
    derived = [fact.field for fact in facts if fact.status == "derived"]
    return "net_margin" if "net_margin" in derived else next(iter(derived), "revenue")


class _Tree:
    """The facts of an answer, and which of them were shown with their inputs already."""

    def __init__(self, facts: Iterable[Fact], filers: Mapping[str, str]) -> None:
        self._facts = {fact.key: fact for fact in facts}
        self._filers, self._shown = filers, set[str]()

    def step(self, key: str) -> Step:
        fact = self._facts[key]
        if key in self._shown and fact.inputs:
            return Step(fact, self._state(fact)[0], ("as above",), again=True)
        self._shown.add(key)
        state, said, recomputed = self._state(fact)
        inputs = [each for each in dict.fromkeys(fact.inputs) if each in self._facts]
        url = filing_url(fact.filing or "", self._filers.get(fact.symbol, ""))
        return Step(fact, state, said, recomputed, url, tuple(map(self.step, inputs)))

    def _state(self, fact: Fact) -> tuple[State, tuple[str, ...], Decimal | None]:
        """What becomes of a figure: whether it was recomputed, with which result, or where it comes from."""
        if not fact.known or fact.value is None or not fact.value.is_finite():
            return ("given", (fact.source,), None) if fact.text else ("absent", (_absence(fact),), None)
        if fact.status == "assumed":
            return "assumed", (fact.source,), None
        if fact.status != "derived" or not fact.inputs:
            if fact.status == "derived" and fact.statement not in _FILED:
                return "open", (f"computed from {_rest(fact)}, not checked here",), None
            return "given", (origin(fact),), None
        inputs = [self._facts[key] for key in fact.inputs if key in self._facts]
        made = readable(fact, inputs)
        if len(inputs) < len(fact.inputs):
            return "open", (made, f"{len(fact.inputs) - len(inputs)} of its inputs are not in the answer"), None
        values = {each.key: each.value for each in inputs if each.value is not None}
        formula = arithmetic(fact.formula or "", inputs)
        if formula is None or len(values) < len(set(fact.inputs)):
            return "open", (f"computed from {_rest(fact)}, not checked here",), None
        recomputed = computed(formula, values)
        if recomputed is not None and agree(fact.value, recomputed):
            return "right", (made, *_with_figures(formula, inputs)), recomputed
        said = (
            "which divides by zero"
            if recomputed is None
            else f"which is {_short(recomputed)}, not {_short(fact.value)}: "
        )
        apart = "" if recomputed is None else f"{_short(abs(fact.value - recomputed))} apart"
        return "wrong", (made, *_with_figures(formula, inputs), f"{said}{apart}"), recomputed


# -------------------------------------------------------------------------------------------------------------- words


def title_of(field: str) -> str:
    """The name of a figure as the head of a column: `Net margin`, `Revenue growth`."""
    how, of, metric = field.partition(" of ")
    if field in catalogue() or not of:
        return described(field).title if field in catalogue() else capital(spoken_or_id(field))
    return capital(f"{spoken_or_id(metric)} {'CAGR' if how == 'cagr' else how}")


def spoken_or_id(metric: str) -> str:
    """A metric in words, or its name where it is none of ours."""
    try:
        return described(metric).label
    except ValueError:
        return metric


def filing_url(filing: str, filer: str) -> str:
    """Where a filing is read; empty where its number or its filer is not known."""
    if not filer.isdecimal() or not _ACCESSION.fullmatch(filing):
        return ""
    return f"https://www.sec.gov/Archives/edgar/data/{int(filer)}/{filing}-index.htm"


def exact(fact: Fact) -> str:
    """A figure with all its digits and its unit.

    Example:
        >>> exact(Fact(symbol="A", field="revenue", value=Decimal("1234567.5"), unit="USD", statement="income"))
        '1,234,567.5 USD'
    """
    if fact.value is None:
        return fact.text or ABSENCE.get(fact.status, "")
    if fact.unit == "ratio":
        return f"{(fact.value * 100).normalize():f}%"
    return f"{fact.value.normalize():,f} {fact.unit}".strip()


def _rounded(fact: Fact) -> str:
    return _WORDS.figure(fact) if fact.value is not None else ABSENCE.get(fact.status, "")


def _absence(fact: Fact) -> str:
    return fact.note or ABSENCE.get(fact.status, "not in the data")


def origin(fact: Fact) -> str:
    """Where a reported figure comes from: source, day, accession number, the filer's own tag."""
    known = "" if not fact.as_of or str(fact.as_of) in fact.source else f"known {fact.as_of}"
    filed = f"accession {fact.filing}" if fact.filing else ""
    made = f"computed by the source: {fact.formula}" if fact.formula else ""
    return ", ".join(filter(None, (fact.source or "no source", known, filed, fact.concept, made)))


def readable(fact: Fact, inputs: Sequence[Fact]) -> str:
    """The formula with the names of inputs in place of their keys."""
    text, several = fact.formula or "", len({each.symbol for each in inputs}) > 1
    for each in sorted(inputs, key=lambda each: len(each.key), reverse=True):
        whose = f" of {each.symbol}" if several else ""
        text = text.replace(each.key, f"{title_of(each.field)}{whose} {each.period}")
    return f"= {text.replace('_', ' ')}"


def _with_figures(formula: Any, inputs: Sequence[Fact]) -> Iterator[str]:
    """The formula with figures in place of names, where it is short."""
    if len(inputs) <= _MOST_WRITTEN:
        values = {each.key: _short(each.value or Decimal()) for each in inputs}
        yield "= " + _DECIMAL.sub(r"\1", as_code(formula, values.__getitem__)).replace("**", "^")


def _short(value: Decimal) -> str:
    """A figure inside a formula: a large one to the cent, a small one to eight digits."""
    text = f"{value:,.2f}" if abs(value) >= _LARGE else f"{value.normalize():,.8g}"
    return text.removesuffix(".00")


_LARGE = 10_000


def _rest(fact: Fact) -> str:
    """What a figure rests on besides its inputs."""
    closes = _CLOSES(fact.formula or "")
    return f"{closes[0]} ({fact.formula})" if closes else fact.formula or "more than its inputs"


def _lines(step: Step) -> Iterator[str]:
    """The lines of a figure and of all below it, drawn as a tree."""
    yield f"{step.title}: {step.figure} {step.mark}"
    below = "│ " if step.inputs else "  "
    for line in (*step.said, step.url):
        if line:
            yield f"{below} {line}"
    for at, each in enumerate(step.inputs):
        last = at == len(step.inputs) - 1
        head, *rest = _lines(each)
        yield f"{'└' if last else '├'}─ {head}"
        yield from (f"{' ' if last else '│'}  {line}" for line in rest)
