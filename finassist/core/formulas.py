"""The formula of a derived figure as arithmetic over the figures it names: recomputed, or written as code. Pure.

A formula names its inputs by their keys (`AAPL/revenue/FY2024 / AAPL/revenue/FY2023 - 1`), by field, in the order in
which it uses them (`net_income / avg(equity)`), by period (`FY2024 + Q1 2025 - Q1 2024`), or all at once (`mean of 4
figures`). What rests on more than its inputs, such as a deviation of daily returns, has no arithmetic.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal, DecimalException
from statistics import median, quantiles

from finassist.core.facts import Fact
from finassist.core.metrics import FUNCTIONS, parse, unit_of

_FOLD = re.compile(
    r"(sum|mean|median|upper quartile|lower quartile|place|share)(?: by linear interpolation)? of (\d+)"
    r"(?: figures| months| peers)?(?:, the highest first| below it, equal ones by half)?"
).fullmatch
"""A place and a share are of the first input among the others."""

_SHARE, _PRIOR = re.compile(r" / sum$"), re.compile(r"prior-year (\w+)")
_PLACE = re.compile(r"_(\d+)").fullmatch
_SIGNS: Mapping[type[ast.operator], str] = {
    ast.Add: "+", ast.Sub: "-", ast.Mult: "*", ast.Div: "/", ast.Pow: "^",
}  # fmt: skip
_STANDS_FOR = {"trailing_eps": ("eps_diluted",), "cover_shares": ("shares_diluted", "shares_basic")}
"""Inputs of the catalogue's formulas, and the lines that may take their place."""
_LONGEST = 20_000
_CLOSE = Decimal("1e-9")
"""Up to this part of it a recomputed figure may be another: roots and daily returns are computed in binary."""


@dataclass(frozen=True, slots=True)
class Operation:
    """A sign (`+ - * / ^`) or a function (`sum mean median passed within`) applied to parts."""

    name: str
    parts: tuple[Arithmetic, ...]


type Arithmetic = Decimal | str | Operation
"""A number, the key of a fact, or an operation on such."""


def arithmetic(formula: str, inputs: Sequence[Fact]) -> Arithmetic | None:
    """A formula over the keys of its inputs, or `None` where it rests on more than they are.

    Example:
        >>> def fact(field):
        ...     return Fact(symbol="A", field=field, value=Decimal(1), period="FY2025", statement="income")
        >>> arithmetic("net_income / revenue", [fact("net_income"), fact("revenue")])
        Operation(name='/', parts=('A/net_income/FY2025', 'A/revenue/FY2025'))
        >>> arithmetic("stdev(daily returns)", []) is None
        True
    """
    if len(formula) > _LONGEST:
        return None
    keys = tuple(fact.key for fact in inputs)
    if found := _FOLD(formula):
        return Operation(found[1], keys) if keys and int(found[2]) == len(keys) - (found[1] == "share") else None
    try:
        tree = ast.parse(_with_places(formula, inputs), mode="eval").body
        named = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}
        return _Reader(inputs, named).read(tree)
    except (SyntaxError, LookupError, RecursionError, MemoryError, ValueError):
        return None


def _with_places(formula: str, inputs: Sequence[Fact]) -> str:
    """The formula with the place of each input where it stands by key or by period."""
    places = {fact.key: f"_{at}" for at, fact in enumerate(inputs)}
    text = _SHARE.sub(f" / ({' + '.join(places)})", formula)
    for key in sorted(places, key=len, reverse=True):
        text = text.replace(key, places[key])
    periods = {fact.period: f"_{at}" for at, fact in enumerate(inputs)}
    parts = re.split(r" ([+-]) ", text)
    if all(part in periods for part in parts[::2]):
        return " ".join(periods.get(part, part) for part in parts)
    return _PRIOR.sub(r"prev(\1)", text).replace("^", "**")


class _Reader:
    """Reads a formula from left to right and takes the inputs of each name in the order in which they are used."""

    def __init__(self, inputs: Sequence[Fact], named: set[str]) -> None:
        known = named.union(*(_STANDS_FOR.get(name, ()) for name in named))
        self._others = iter([fact.key for fact in inputs if fact.field not in known])
        self._keys = [fact.key for fact in inputs]
        self._left: dict[str, list[str]] = {}
        for fact in reversed(inputs):
            self._left.setdefault(fact.field, []).append(fact.key)

    def read(self, node: ast.expr) -> Arithmetic:
        match node:
            case ast.Constant(value=int() | float() as value):
                return Decimal(repr(value))
            case ast.Name(id=name):
                place = _PLACE(name)
                return self._keys[int(place[1])] if place else self._next(name)
            case ast.UnaryOp(op=ast.USub(), operand=ast.Constant(value=int() | float() as value)):
                return -Decimal(repr(value))
            case ast.UnaryOp(op=ast.USub(), operand=operand):
                return Operation("-", (Decimal(0), self.read(operand)))
            case ast.BinOp(left=left, op=op, right=right) if type(op) in _SIGNS:
                return Operation(_SIGNS[type(op)], (self.read(left), self.read(right)))
            case ast.Call(func=ast.Name(id="within"), args=[argument, *limits]):
                return Operation("within", (self.read(argument), *map(self.read, limits)))
            case ast.Call(func=ast.Name(id=name), args=[argument, *_]) if name in {*FUNCTIONS, "at", "of"}:
                return self._called(name, argument)
            case _:
                raise ValueError(ast.unparse(node))

    def _next(self, name: str) -> str:
        """The next input with a name, or the last one again where an input was named once for two uses.

        A name of no input, such as `multiple`, is the first of those that no name is of.
        """
        keys = next(filter(None, map(self._left.get, (name, *_STANDS_FOR.get(name, ())))), None)
        if keys is None and (other := next(self._others, None)):
            keys = self._left[name] = [other]
        if keys is None:
            raise LookupError(name)
        return keys.pop() if len(keys) > 1 else keys[0]

    def _called(self, name: str, argument: ast.expr) -> Arithmetic:
        each = tuple(self.read(argument) for _ in range(_USES.get(name, 1)))
        match name:
            case "avg" | "mean5":
                return Operation("mean", each)
            case "passed":
                return Operation("passed", each)
            case "sqrt":
                return Operation("^", (*each, Decimal("0.5")))
            case "growth" if _is_percentage(argument):
                return Operation("-", each[::-1])
            case "growth":
                return Operation("-", (Operation("/", each[::-1]), Decimal(1)))
            case "cagr3":
                third = Operation("/", (Decimal(1), Decimal(3)))
                return Operation("-", (Operation("^", (Operation("/", each), third)), Decimal(1)))
            case _:
                return each[0]


_USES = {"avg": 2, "growth": 2, "cagr3": 2, "mean5": 5}
"""How many inputs a function takes of each name: the year before and this one, or this one and those before."""


def _is_percentage(argument: ast.expr) -> bool:
    """Whether growth of it is a change in points."""
    try:
        return unit_of(parse(ast.unparse(argument))) == "percent"
    except ValueError:
        return False


# ------------------------------------------------------------------------------------------------------- recomputed


def computed(formula: Arithmetic, values: Mapping[str, Decimal]) -> Decimal | None:
    """The value of a formula from the values of its inputs, by key; `None` where it would divide by zero.

    Example:
        >>> computed(Operation("mean", ("a", "b")), {"a": Decimal(1), "b": Decimal(2)})
        Decimal('1.5')
    """
    try:
        found = _value(formula, values)
        return found if found.is_finite() else None
    except DecimalException:
        return None


def _value(formula: Arithmetic, values: Mapping[str, Decimal]) -> Decimal:
    match formula:
        case Decimal():
            return formula
        case str():
            return values[formula]
        case Operation(name=name, parts=parts):
            return _applied(name, [_value(part, values) for part in parts])


def _applied(name: str, values: Sequence[Decimal]) -> Decimal:
    match name:
        case "sum":
            return sum(values, Decimal())
        case "mean":
            return sum(values, Decimal()) / len(values)
        case "median":
            return median(values)
        case "upper quartile" | "lower quartile":
            return quantiles(values, n=4, method="inclusive")[2 if name == "upper quartile" else 0]
        case "place":
            return Decimal(1 + sum(each > values[0] for each in values))
        case "share":
            own, *others = values
            return sum(((each < own) + Decimal(each == own) / 2 for each in others), Decimal()) / len(others)
        case "passed":
            return Decimal(values[0] > 0)
        case "within":
            value, low, high = values
            return min(max(value, low), high)
        case sign:
            return _OF_TWO[sign](*values)


_OF_TWO: Mapping[str, Callable[[Decimal, Decimal], Decimal]] = {
    "+": Decimal.__add__, "-": Decimal.__sub__, "*": Decimal.__mul__, "/": Decimal.__truediv__, "^": Decimal.__pow__,
}  # fmt: skip


def agree(stored: Decimal, recomputed: Decimal) -> bool:
    """Whether a recomputed figure is the stored one.

    Example:
        >>> agree(Decimal("0.25"), Decimal("0.2500000000001")), agree(Decimal("0.25"), Decimal("0.2501"))
        (True, False)
    """
    return abs(stored - recomputed) <= _CLOSE * max(abs(stored), abs(recomputed), Decimal("1e-6"))


# ---------------------------------------------------------------------------------------------------------- as code


def as_code(formula: Arithmetic, name: Callable[[str], str]) -> str:
    """A formula as Python over Decimals; `name` gives the code of an input.

    Example:
        >>> as_code(Operation("-", (Operation("/", ("b", "a")), Decimal(1))), str)
        'b / a - 1'
        >>> as_code(Operation("/", ("a", Operation("+", ("a", "b")))), str)
        'a / (a + b)'
    """
    match formula:
        case Decimal():
            return str(formula) if formula == int(formula) and abs(formula) < 1000 else f'Decimal("{formula}")'
        case str():
            return name(formula)
        case Operation(name=sign, parts=(Decimal() as above, Decimal() as below)) if sign in _RANK:
            return f'Decimal("{above}") {_PYTHON.get(sign, sign)} Decimal("{below}")'
        case Operation(name=sign, parts=(above, below)) if sign in _RANK:
            return f"{_side(above, sign, 0, name)} {_PYTHON.get(sign, sign)} {_side(below, sign, 1, name)}"
        case Operation(name=how, parts=parts):
            each = [as_code(part, name) for part in parts]
            words = {"all": ", ".join(each), "others": ", ".join(each[1:]), "sum": " + ".join(each)}
            return _WRITTEN[how].format(*each, **words, count=len(each), less=len(each) - 1)


_PYTHON = {"^": "**"}
_RANK = {"+": 1, "-": 1, "*": 2, "/": 2, "^": 3}
_WRITTEN = {
    "sum": "{sum}",
    "mean": "({sum}) / {count}",
    "median": "median([{all}])",
    "upper quartile": "quantiles([{all}], n=4, method='inclusive')[2]",
    "lower quartile": "quantiles([{all}], n=4, method='inclusive')[0]",
    "place": "Decimal(1 + sum(each > {0} for each in [{all}]))",
    "share": "sum((each < {0}) + Decimal(each == {0}) / 2 for each in [{others}]) / {less}",
    "passed": "Decimal({0} > 0)",
    "within": "min(max({0}, {1}), {2})",
}


def _side(part: Arithmetic, sign: str, at: int, name: Callable[[str], str]) -> str:
    """A side of a sign, in brackets where it binds less."""
    text = as_code(part, name)
    if not isinstance(part, Operation):
        return text
    own, outer = {**_RANK, "sum": 1, "mean": 2}.get(part.name, 9), _RANK[sign]
    return f"({text})" if own < outer or (own == outer and (at == 1 or sign == "^")) else text
