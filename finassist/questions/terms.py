"""Joined figures as a tree, and the tree as one expression over catalogue ids. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from itertools import pairwise, product

from finassist.core.metrics import Binary, Expression, Number, anchors, described, parse, parts, unit_of
from finassist.core.periods import Period
from finassist.core.query import Query


class NoFit(Exception):
    """The words are no arithmetic of this grammar."""


@dataclass(frozen=True, slots=True)
class Figure:
    """A metric with its own periods and companies, or a number."""

    metric: str
    periods: tuple[str, ...] = ()
    companies: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Fold:
    """Something done to one operand: its change, its average, its total."""

    name: str
    operand: Tree
    periods: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Joined:
    """Two operands joined by a sign; `share` takes the right one as a part of the left one."""

    sign: str
    left: Tree
    right: Tree


type Tree = Figure | Fold | Joined


def filled(tree: Tree, like: Tree) -> Tree:
    """The tree with what it leaves out taken from another: `its average over 2020`, `than in 2021`."""
    match tree:
        case Figure(metric="", companies=(company, *_)) if isinstance(like, Joined):
            return _of_another(like, company, tree.periods)
        case Figure(metric=""):
            periods = tree.periods or first_periods(like)
            filled = replace(tree, metric=metric_of(like), periods=periods)
            return Fold(like.name, filled) if isinstance(like, Fold) else filled
        case Fold(operand=Figure(metric="") as figure):
            return replace(tree, operand=replace(figure, metric=metric_of(like)))
        case _:
            return tree


def _of_another(tree: Tree, company: str, periods: tuple[str, ...]) -> Tree:
    """`A over B as a multiple of Y's`: the whole tree again, for another company."""
    match tree:
        case Figure():
            return replace(tree, companies=(company,), periods=periods or tree.periods) if not _number(tree) else tree
        case Fold(operand=operand):
            return replace(tree, operand=_of_another(operand, company, periods))
        case Joined(left=left, right=right):
            left, right = (_of_another(each, company, periods) for each in (left, right))
            return replace(tree, left=left, right=right)


def _number(tree: Figure) -> bool:
    return tree.metric[:1].isdigit()


def metric_of(tree: Tree) -> str:
    """The first metric of a tree."""
    match tree:
        case Figure(metric=metric):
            return metric
        case Fold(operand=operand):
            return metric_of(operand)
        case Joined(left=left):
            return metric_of(left)


def in_one_unit(sign: str, left: Tree, right: Tree) -> Tree:
    """`A minus B over C` in words: where dollars less a ratio have no unit, it is what A less B is over C."""
    if not isinstance(right, Joined) or right.sign != "/":
        return Joined(sign, left, right)
    first, above, below = (metric_of(each) for each in (left, right.left, right.right))
    if not above or not below or described(first).unit != described(above).unit:
        return Joined(sign, left, right)
    if described(f"{above} / {below}").unit == described(first).unit:
        return Joined(sign, left, right)
    return Joined("/", Joined(sign, left, right.left), right.right)


@dataclass(slots=True)
class Writer:
    """A tree as an expression over catalogue ids.

    Attributes:
        tree: The tree.
        around: Periods that stand outside it.
        symbol: The company that is meant where a figure names none.
        fold: What is done to a figure of several periods where the tree does not say.
        used: Every period in use.
        plain: Whether figures are written without their period.
    """

    tree: Tree
    around: tuple[str, ...]
    symbol: str
    fold: str = ""
    used: list[str] = field(default_factory=list[str])
    plain: bool = False

    def __post_init__(self) -> None:
        self.around = self.around or first_periods(self.tree)

    def formula(self) -> str:
        """The whole tree; a period that all its figures share is left to the query."""
        text = self._text(self.tree)
        if len(set(self.used)) == 1:
            self.plain = True
            text = self._text(self.tree)
        return text

    def latest(self) -> list[str]:
        """The last period in use, which names the result."""
        return list(in_order(each for each in self.used if "-" not in each)[-1:])

    def _text(self, tree: Tree) -> str:
        match tree:
            case Figure():
                return self._figure(tree)
            case Fold():
                return self._folded(tree)
            case Joined(sign="more", left=left, right=right):
                return f"{self._inner(left)} / {self._inner(right)} - 1"
            case Joined(sign="share", left=left, right=right):
                return f"{self._inner(right)} / {self._inner(self._whole(left))}"
            case Joined(sign=sign, left=left, right=right):
                return f"{self._inner(left)} {sign} {self._inner(right)}"

    def _inner(self, tree: Tree) -> str:
        """The text of an operand, in brackets where it is more than one term."""
        return bracketed(self._text(tree))

    def _whole(self, tree: Tree) -> Tree:
        """What a share is a part of: the total of all periods."""
        return Fold("sum", tree) if isinstance(tree, Figure) and len(tree.periods or self.around) > 1 else tree

    def _folded(self, fold: Fold) -> str:
        periods = fold.periods or first_periods(fold.operand) or self.around
        if isinstance(fold.operand, Figure) and fold.name == "sum" and len(fold.operand.companies) > 1:
            return replace(self, fold="sum", used=self.used)._figure(fold.operand)
        if fold.name in ("sum", "mean"):
            each = [self._in(fold.operand, period) for period in periods]
            if len(each) < 2 and fold.name == "mean":
                return self._of_two_year_ends(fold.operand)
            if len(each) < 2:
                return self._text(fold.operand)
            total = " + ".join(map(bracketed, each))
            return total if fold.name == "sum" else f"({total}) / {len(each)}"
        if fold.name == "percent" and len(periods) == 1 and isinstance(fold.operand, Figure):
            return self._in(fold, periods[0])
        if not periods:
            raise NoFit
        periods = in_order(periods)
        first = self._in(fold.operand, periods[0], before=len(periods) == 1)
        last = self._in(fold.operand, periods[-1])
        first, last = bracketed(first), bracketed(last)
        return f"{last} / {first} - 1" if fold.name == "percent" else f"{last} - {first}"

    def _of_two_year_ends(self, tree: Tree) -> str:
        """The average of one year: of a balance, that of its two ends."""
        if not isinstance(tree, Figure) or described(tree.metric).kind != "stock":
            raise NoFit
        return self._text(replace(tree, metric=f"avg({tree.metric})"))

    def _in(self, tree: Tree, period: str, *, before: bool = False) -> str:
        """The tree in one period, or in the year before it."""
        match tree:
            case Figure(metric=metric, companies=companies):
                if _is_number(metric):
                    return metric
                text = self._at(f"prev({metric})" if before else metric, period)
                return " + ".join(self._of(text, (each,)) for each in companies) or text
            case Fold(name="percent", operand=Figure() as figure) if not before:
                return self._in(replace(figure, metric=f"growth({figure.metric})"), period)
            case Joined(sign=sign, left=left, right=right) if sign in "+-*/":
                one, other = (bracketed(self._in(each, period, before=before)) for each in (left, right))
                return f"{one} {sign} {other}"
            case _:
                raise NoFit

    def _figure(self, figure: Figure) -> str:
        if _is_number(figure.metric):
            return figure.metric
        periods = figure.periods or self.around
        if len(periods) > 1:
            if not self.fold:
                raise NoFit
            return self._folded(Fold(self.fold, figure))
        text = self._at(figure.metric, periods[0]) if periods else bracketed(figure.metric)
        if len(figure.companies) > 1:
            if self.fold != "sum":
                raise NoFit
            return " + ".join(self._of(text, (company,)) for company in figure.companies)
        return self._of(text, figure.companies)

    def _at(self, metric: str, period: str) -> str:
        self.used.append(period)
        if any(each.period for each in anchors(parse(metric))):
            self.used += [each.period for each in anchors(parse(metric)) if each.period]
            return metric
        return bracketed(metric) if self.plain else f"at({metric}, '{period}')"

    def _of(self, text: str, companies: tuple[str, ...]) -> str:
        return f"of({text}, '{companies[0]}')" if companies and companies[0] != self.symbol else text


def _is_number(metric: str) -> bool:
    if not metric:
        raise NoFit
    return metric[0].isdigit()


def bracketed(text: str) -> str:
    """The text of an operand, in brackets where it is more than one term."""
    return f"({text})" if isinstance(parse(text), Binary) else text


def in_order(periods: Iterable[str]) -> tuple[str, ...]:
    """Periods, the earliest first."""
    found = sorted(map(Period.parse, periods), key=lambda each: (each.year, each.number, each.kind == "year"))
    return tuple(map(str, found))


def first_periods(tree: Tree) -> tuple[str, ...]:
    """The first periods that a tree names."""
    return next((each for each in _periods_in(tree) if each), ())


def _periods_in(tree: Tree) -> Iterator[tuple[str, ...]]:
    match tree:
        case Figure(periods=periods):
            yield periods
        case Fold(operand=operand, periods=periods):
            yield periods
            yield from _periods_in(operand)
        case Joined(left=left, right=right):
            yield from _periods_in(left)
            yield from _periods_in(right)


# ------------------------------------------------------------------------------------- figures of a conversation

_MOST = 6


def figures_of(queries: Sequence[Query]) -> tuple[Figure, ...]:
    """The figures that queries show, each with the period and the company of its own; none of a long list.

    Example:
        >>> figures_of([Query(metrics=["revenue"], companies=["AAPL"], periods=["FY2022", "FY2023"])])[1]
        Figure(metric='revenue', periods=('FY2023',), companies=('AAPL',))
    """
    found = [figure for query in queries for figure in _shown(query)]
    return tuple(found) if len(found) <= _MOST else ()


def _shown(query: Query) -> Iterator[Figure]:
    periods = query.periods or ["latest"]
    single = not any(":" in text or text.startswith("last ") for text in periods)
    if query.scope != "named" or not query.metrics or not query.companies or not single or query.where:
        return
    if query.operation == "none":
        for metric, symbol, period in product(query.metrics, query.companies, periods):
            yield Figure(metric, (period,), (symbol,))
        return
    for symbol in query.companies if query.operation == "growth" else query.companies[:1]:
        if len(query.metrics) == 1 and (formula := _made(query, periods)):
            yield Figure(formula, in_order(periods)[-1:], (symbol,))


def _made(query: Query, periods: Sequence[str]) -> str:
    """The formula of a change, a sum or a difference; empty where none says the same."""
    [metric] = query.metrics
    if query.operation in ("growth", "difference") and (len(query.companies) == 1 or query.operation == "growth"):
        points = query.operation == "difference" or described(metric).unit == "percent"
        if len(periods) == 1:
            return f"{bracketed(metric)} - prev({metric})" if points else f"growth({metric})"
        first, last = (f"at({metric}, '{period}')" for period in in_order(periods)[:: len(periods) - 1])
        return f"{last} - {first}" if points else f"{last} / {first} - 1"
    if query.operation in ("sum", "mean") and len(query.companies) == 1:
        total = " + ".join(f"at({metric}, '{period}')" for period in in_order(periods))
        return total if query.operation == "sum" else f"({total}) / {len(periods)}"
    sign = {"sum": " + ", "difference": " - "}.get(query.operation)
    if sign and len(periods) == 1 and len(query.companies) > 1:
        return sign.join(f"of({metric}, '{symbol}')" for symbol in query.companies)
    return ""


def pair_of(figures: Sequence[Figure]) -> tuple[Figure, Figure] | None:
    """The last two figures side by side of which neither is made of the other, as a growth is of what grew."""
    pairs = list(pairwise(figures))
    return next((pair for pair in reversed(pairs) if len({each.metric.isidentifier() for each in pair}) == 1), None)


def query_of(done: str, figures: Sequence[Figure]) -> Query | None:
    """One query for the figures, as the operations of a query say it best, or a formula."""
    symbols = list(dict.fromkeys(symbol for each in figures for symbol in each.companies))
    periods = list(dict.fromkeys(period for each in figures for period in each.periods))
    same = len({each.metric for each in figures}) == 1 and (len(symbols) == 1) != (len(periods) == 1)
    if same and done != "times" and (len(symbols) == 1 or done not in ("growth", "cagr")):
        return _of_one(figures[0].metric, done, symbols, periods)
    signs = {"times": "/", "sum": "+", "difference": "-", "growth": "more"}
    if done not in signs or (done == "growth" and (len(figures) != 2 or len({each.metric for each in figures}) > 1)):
        return None
    tree: Tree = figures[0]
    for each in figures[1:]:
        tree = Joined("more", each, tree) if done == "growth" else Joined(signs[done], tree, each)
    writer = Writer(tree, (), symbols[0])
    formula = writer.formula()
    formula = f"times({formula})" if done == "times" and described(formula).unit == "percent" else formula
    return Query(metrics=[formula], companies=symbols[:1], periods=writer.latest())


def _of_one(metric: str, done: str, symbols: Sequence[str], periods: Sequence[str]) -> Query:
    """The same figure in several periods or of several companies."""
    ordered = periods if len(periods) == 1 else in_order(periods)
    if metric == "price" and len(periods) > 1:
        metric, done = ("price_change", "none") if done == "growth" else (metric, done)
        ordered = [f"{ordered[0]}:{ordered[-1]}"] if done in ("none", "difference", "cagr") else ordered
    values = {"metrics": [metric], "companies": list(symbols), "periods": list(ordered), "operation": done}
    return Query.model_validate(values)


def _adds_unlike(tree: Expression) -> bool:
    """`EPS + net margin`: figures of different units in a sum or a difference."""
    if not isinstance(tree, Binary) or tree.sign not in "+-":
        return False
    units = {unit_of(tree.left), unit_of(tree.right)}
    numbers = isinstance(tree.left, Number) or isinstance(tree.right, Number)
    return not numbers and len(units) > 1 and bool(units & {"USD", "USD/share", "shares"})


def senseless(formula: str) -> bool:
    """Whether a ratio is divided by an amount (`(revenue / total assets) / revenue`), or unlike figures are added."""
    tree = parse(formula)
    if isinstance(tree, Binary) and tree.sign == "*" and unit_of(tree) == "days":
        return "USD" in (unit_of(tree.left), unit_of(tree.right))
    if any(_adds_unlike(each) for each in parts(tree)):
        return True
    quotients = (each for each in parts(tree) if isinstance(each, Binary) and each.sign == "/")
    return any(
        unit_of(each.right) == "USD" and unit_of(each.left) in ("percent", "points", "times")
        for each in quotients
        if not isinstance(each.left, Number)
    )
