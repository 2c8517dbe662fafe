"""The catalogue of metrics: what each is called, means, is computed from, is measured in, and where it makes no sense.

The rows are in `metrics.toml`; adding a metric is adding a row there. A metric without a formula is a line that
companies report or a figure of the market. A formula is arithmetic over other ids, with `avg(x)` (mean of this and the
year before), `prev(x)` (the year before), `growth(x)`, `ttm(x)` (trailing twelve months), `latest(x)` (latest fiscal
year), `at_end(x)` (market figure on the last day of the period), `mean5(x)` (mean of five years), `cagr3(x)`,
`cagr(x)` (compound growth a year over the asked span, else over five), `sqrt(x)` and `passed(x)` (1 where x is above
zero, else 0). In a query, `at(x, 'FY2022')` is the figure of another period and
`of(x, 'MSFT')` that of another company. An assumption is a metric of kind `assumption`: what a query assumes, else
what its row says.
"""

from __future__ import annotations

import ast
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache, lru_cache
from importlib.resources import files
from typing import Any, Literal

from finassist.core.periods import Period
from finassist.core.text import did_you_mean

Kind = Literal["flow", "stock", "ratio", "per_share", "count", "price", "assumption"]
Unit = Literal["USD", "USD/share", "shares", "percent", "times", "days", "points", "count", "number"]

LANGUAGES = ("en", "es", "de", "fr", "pt", "it", "zh", "ja")
FUNCTIONS = frozenset({"avg", "prev", "growth", "times", "ttm", "latest", "at_end", "mean5", "sqrt", "passed", "cagr",
                       "cagr3"})  # fmt: skip


@dataclass(frozen=True, slots=True)
class Metric:
    """One row of the catalogue."""

    id: str  # stable name (`"net_margin"`), used in queries and keys of facts
    label: str  # what a sentence calls it (`"net margin"`)
    unit: Unit  # `USD`, `USD/share`, `shares`, `percent` (0.25 is 25 %), `times` or `days`
    kind: Kind  # `flow` (a period), `stock` (a moment), `ratio`, `per_share`, `count`, `price` (needs a share price)
    formula: str = ""  # arithmetic over other ids, or empty for a reported line
    base: str = ""  # what the formula divides by or leaves out, where readings differ
    better: int = 0  # 1 where more is better, -1 where less is, 0 where neither
    report: str = ""  # its heading in the tables of a report, or empty where reports leave it out
    positive: str = ""  # the input that must be above zero for the figure to say something
    value: float | None = None  # of an assumption: what is taken where the query assumes nothing else
    between: tuple[float, ...] = ()  # limits of an assumption that is computed where the query assumes nothing
    model: str = ""  # of a model: how its steps are shown; without a formula it is a chain of steps over `rests_on`
    rests_on: str = ""  # ids that the steps of a chain begin with
    reading: str = ""  # what values of a score mean: `1.81 distress | 2.99 grey zone | safe`
    without: frozenset[str] = frozenset()  # industries in which the figure makes no sense: `bank`, `insurer`
    names: Mapping[str, tuple[str, ...]] | None = None  # what people call it, by language
    about: str = ""  # one or two sentences for somebody who meets the term for the first time

    @property
    def title(self) -> str:
        """The label as the beginning of a sentence or the head of a column."""
        return self.label[:1].upper() + self.label[1:]

    def summable(self) -> bool:
        """Whether figures of several periods may be added: a flow may, a balance or a ratio may not."""
        return self.kind == "flow" or self.id == "dividends_per_share"


MARKET_INPUTS: Mapping[str, Metric] = {
    "cover_shares": Metric("cover_shares", "shares outstanding", "shares", "count"),
    "trailing_eps": Metric("trailing_eps", "trailing EPS", "USD/share", "per_share"),
}
"""Inputs of formulas that are read from a company's latest filings and are no metrics of their own."""


@cache
def catalogue() -> Mapping[str, Metric]:
    """All metrics by id, in the order of the table.

    Example:
        >>> catalogue()["net_margin"].formula
        'net_income / revenue'
    """
    text = files("finassist.core").joinpath("metrics.toml").read_text(encoding="utf-8")
    return {name: _metric(name, row) for name, row in tomllib.loads(text).items()}


def _metric(name: str, row: Mapping[str, Any]) -> Metric:
    own = {key: value for key, value in row.items() if key not in LANGUAGES}
    own["between"] = tuple(row.get("between", ()))
    own["without"] = frozenset(row.get("without", "").split())
    return Metric(id=name, **own, names={lang: _names(row[lang]) for lang in LANGUAGES if lang in row})


def _names(text: str) -> tuple[str, ...]:
    return tuple(name.strip() for name in text.split("|") if name.strip())


# ------------------------------------------------------------------------------------------ expressions


@dataclass(frozen=True, slots=True)
class Number:
    """A constant of a formula."""

    value: float


@dataclass(frozen=True, slots=True)
class Ref:
    """Another metric, or an input such as `cover_shares`."""

    id: str


@dataclass(frozen=True, slots=True)
class Call:
    """A function of the formula language applied to an expression."""

    name: str
    argument: Expression


@dataclass(frozen=True, slots=True)
class At:
    """An expression in a period of its own, or of a company of its own."""

    argument: Expression
    period: str = ""
    symbol: str = ""


@dataclass(frozen=True, slots=True)
class Binary:
    """Two expressions joined by `+`, `-`, `*` or `/`."""

    sign: str
    left: Expression
    right: Expression


type Expression = Number | Ref | Call | At | Binary

_YEAR = (Number(365.0), Number(360.0))  # its days, in formulas of days
_SIGNS: Mapping[type[ast.operator], str] = {ast.Add: "+", ast.Sub: "-", ast.Mult: "*", ast.Div: "/"}
_LONGEST = 500
LARGEST = 1e30


@lru_cache(maxsize=4096)
def parse(text: str) -> Expression:
    """A formula as a tree.

    Raises:
        ValueError: It is no arithmetic over known ids; the message says which part.

    Example:
        >>> parse("net_income / avg(equity)")
        Binary(sign='/', left=Ref(id='net_income'), right=Call(name='avg', argument=Ref(id='equity')))
    """
    if len(text) > _LONGEST:
        raise ValueError(f"“{text[:80]}…” has {len(text):,} characters; a formula has at most {_LONGEST}.")
    try:
        tree = ast.parse(text, mode="eval").body
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        raise ValueError(f"“{text[:80]}” is no formula. Join metric ids with + - * / and brackets.") from None
    return _node(tree)


def _node(node: ast.expr) -> Expression:
    match node:
        case ast.Constant(value=int() | float() as value) if abs(value) < LARGEST:
            return Number(float(value))
        case ast.Name(id=name):
            return Ref(known_id(name))
        case ast.BinOp(left=left, op=op, right=right) if type(op) in _SIGNS:
            return Binary(_SIGNS[type(op)], _node(left), _node(right))
        case ast.UnaryOp(op=ast.USub(), operand=operand):
            return Binary("-", Number(0.0), _node(operand))
        case ast.Call(func=ast.Name(id=name), args=[argument], keywords=[]) if name in FUNCTIONS:
            return Call(name, _node(argument))
        case ast.Call(func=ast.Name(id="at"), args=[argument, ast.Constant(value=str(period))], keywords=[]):
            return At(_node(argument), period=str(Period.parse(period)))
        case ast.Call(func=ast.Name(id="of"), args=[argument, ast.Constant(value=str(symbol))], keywords=[]):
            return At(_node(argument), symbol=symbol.upper())
        case _:
            raise ValueError(f"“{ast.unparse(node)[:80]}” cannot stand in a formula. Use ids, + - * / and brackets.")


def known_id(name: str) -> str:
    """A metric id, if there is such a metric.

    Raises:
        ValueError: There is none.
    """
    if name in catalogue() or name in MARKET_INPUTS:
        return name
    hint = did_you_mean(name.lower(), catalogue())
    lists = "`finassist.describe()` and `finassist query --metrics` list them."
    raise ValueError(f"There is no metric “{name[:60]}”.{hint} {lists}")


def parts(expression: Expression) -> Iterator[Expression]:
    """An expression and all that it is made of, from left to right."""
    yield expression
    match expression:
        case Call(argument=argument) | At(argument=argument):
            yield from parts(argument)
        case Binary(left=left, right=right):
            yield from parts(left)
            yield from parts(right)
        case Number() | Ref():
            pass


def references(expression: Expression) -> Iterator[str]:
    """Ids that an expression names, without looking into their own formulas."""
    return (part.id for part in parts(expression) if isinstance(part, Ref))


def anchors(expression: Expression) -> Iterator[At]:
    """The parts of an expression that are of a period or a company of their own."""
    return (part for part in parts(expression) if isinstance(part, At))


@cache
def lines(formula: str | Expression) -> tuple[str, ...]:
    """The reported lines and market inputs that a metric or expression rests on in the end, in order.

    Example:
        >>> lines("fcf_margin")
        ('operating_cash_flow', 'capex', 'revenue')
    """
    found: list[str] = []
    for name in references(parse(formula) if isinstance(formula, str) else formula):
        metric = catalogue().get(name)
        if metric and (metric.formula or metric.rests_on):
            below = [*([metric.formula] if metric.formula else []), *metric.rests_on.split()]
            found += [line for part in below for line in lines(part)]
        elif metric is None or metric.value is None:
            found.append(name)
    return tuple(dict.fromkeys(found))


def described(text: str) -> Metric:
    """The metric of an id, or one made up for an expression, with the unit and kind that follow from its parts.

    Example:
        >>> described("net_income / shares_diluted").unit, described("capex / revenue").unit
        ('USD/share', 'percent')
    """
    if text in catalogue():
        return catalogue()[text]
    unit, kind = _dimension(parse(text))
    return Metric(id=text, label=spoken(text), unit=unit, kind=kind, formula=text)


def unit_of(expression: Expression) -> Unit:
    """The unit of an expression."""
    return _dimension(expression)[0]


def kind_of(expression: Expression) -> Kind:
    """The kind of an expression."""
    return _dimension(expression)[1]


def _dimension(expression: Expression) -> tuple[Unit, Kind]:
    match expression:
        case Number():
            return "times", "ratio"
        case Ref(id=name):
            metric = MARKET_INPUTS.get(name) or catalogue()[name]
            return metric.unit, metric.kind
        case Call(name="growth", argument=argument):
            unit, kind = _dimension(argument)
            return "points" if unit == "percent" else "percent", "price" if kind == "price" else "ratio"
        case Call(name="times"):
            return "times", "ratio"
        case Call(name="cagr" | "cagr3"):
            return "percent", "ratio"
        case Call(name="passed"):
            return "count", "ratio"
        case Call(name="at_end", argument=argument):
            return _dimension(argument)[0], "stock"
        case Call(argument=argument) | At(argument=argument):
            return _dimension(argument)
        case Binary(sign="/", left=left, right=right):
            return _quotient(left, right)
        case Binary(sign="*", left=left, right=right):
            return _product(left, right)
        case Binary(sign="-", left=left, right=right) if _dimension(left) == _dimension(right) == ("percent", "ratio"):
            return "points", "ratio"
        case Binary(left=left, right=right):
            return _dimension(right if isinstance(left, Number) else left)


def _product(left: Expression, right: Expression) -> tuple[Unit, Kind]:
    (unit, kind), (other, _) = _dimension(left), _dimension(right)
    if left in _YEAR or right in _YEAR:
        return "days", "ratio"
    if Number(100.0) in (left, right) and "percent" in (unit, other):
        return "times", "ratio"
    if {unit, other} == {"USD/share", "shares"}:
        return "USD", kind
    return unit if other == "times" else other, kind


def _quotient(left: Expression, right: Expression) -> tuple[Unit, Kind]:
    (above, kind), (below, _) = _dimension(left), _dimension(right)
    if left in _YEAR or (above == "days" != below):
        return "days", "ratio"
    if isinstance(right, Number):
        return above, kind
    if below == "shares":
        return "USD/share", "per_share"
    if (above, below) == ("USD", "USD/share"):
        return "shares", "count"
    return ("percent", "ratio") if above == below and kind != "price" else ("times", "ratio")


@cache
def spoken(text: str) -> str:
    """A metric or expression in words.

    Example:
        >>> spoken("growth(revenue)"), spoken("(net_income + depreciation_amortization) / revenue")
        ('revenue growth', '(net income + depreciation and amortization) / revenue')
    """
    if text in catalogue():
        return catalogue()[text].label
    match parse(text):
        case Binary(sign="+" | "-" as sign, left=Ref() as left, right=Ref() as right):
            return f"{_spoken(left)} {'plus' if sign == '+' else 'less'} {_spoken(right)}"
        case expression:
            return _spoken(expression)


def _in_period(period: str) -> str:
    if period.startswith("end "):
        return f"at the {period.replace('end', 'end of')}"
    return f"{'on' if period.count('-') == 2 else 'in'} {period}"


def _spoken(expression: Expression, inner: bool = False) -> str:
    match expression:
        case Number(value=value):
            return f"{value:g}"
        case Ref(id=name):
            return (MARKET_INPUTS.get(name) or catalogue()[name]).label
        case Call(name="growth" | "cagr" as name, argument=argument):
            return f"{_spoken(argument)} {'growth' if name == 'growth' else 'CAGR'}"
        case Call(name="times", argument=Binary(left=left, right=right)):
            return f"ratio of {_spoken(left, True)} to {_spoken(right, True)}"
        case Call(name="times", argument=argument):
            return _spoken(argument, inner)
        case Call(name=name, argument=argument):
            return f"{_FUNCTION_WORDS[name]} {_spoken(argument, True)}"
        case At(argument=argument, period=period, symbol=symbol):
            return f"{_spoken(argument, True)} {_in_period(period) if period else f'of {symbol}'}"
        case Binary("-", At(last, to, ""), At(first, start, "")) if last == first and to and start:
            return f"change in {_spoken(last, True)} from {start} to {to}"
        case Binary(sign="/", left=left, right=Ref(id="shares_diluted")):
            return f"{_spoken(left, True)} per diluted share"
        case Binary(sign="/", left=Ref(id=above), right=Ref(id=below)) if (
            above in catalogue() and below in catalogue() and not inner
        ):
            same = catalogue()[above].unit == catalogue()[below].unit
            return f"{_spoken(Ref(above))} as a share of {_spoken(Ref(below))}" if same else f"{above} / {below}"
        case Binary(sign=sign, left=left, right=right):
            text = f"{_spoken(left, sign in '*/')} {sign} {_spoken(right, sign in '*/-')}"
            return f"({text})" if inner else text


_FUNCTION_WORDS = {
    "avg": "average", "prev": "prior-year", "ttm": "trailing", "latest": "latest", "at_end": "year-end",
    "mean5": "five-year average", "sqrt": "square root of", "passed": "test of", "cagr3": "three-year CAGR of",
}  # fmt: skip
