"""The grammar of arithmetic in words: recursive descent over the tokens of a question. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

from finassist.core.metrics import Binary, described, parse, unit_of
from finassist.questions.terms import Figure, Fold, Joined, NoFit, Tree, filled, in_one_unit, metric_of

Kind = Literal[
    "metric", "period", "company", "number", "operator", "prefix", "frame", "verb", "(", ")", "word", "strange"
]  # fmt: skip


@dataclass(frozen=True, slots=True)
class Token:
    """One thing that a question names: a metric, a period, a company, a number, or a word that joins them."""

    kind: Kind
    value: str
    start: int
    end: int
    periods: tuple[str, ...] = ()
    fresh: str = ""
    figure: Figure | None = None


_JOINING = {
    "ratio": ("to", "/"), "quotient": ("and", "/"), "apart": ("and", "-"), "both": ("and", "+"), "add": ("to", "+"),
    "divided": ("by", "/"), "multiplied": ("by", "*"),
}  # fmt: skip
"""Words that stand before two figures, the word between them, and what is done."""
_ASKS = frozenset({"what", "how", "which", "did", "does", "was", "were", "is", "are"})


def _of_changes(formula: str) -> bool:
    """Whether one change in percent is divided by another: that is a multiple."""
    tree = parse(formula)
    return (
        isinstance(tree, Binary)
        and tree.sign == "/"
        and {unit_of(tree.left), unit_of(tree.right)} <= {"percent", "points"}
    )


@dataclass(slots=True)
class Parser:
    """Recursive descent over the tokens."""

    tokens: Sequence[Token]
    at: int = 0
    periods: tuple[str, ...] = ()
    fold: str = ""
    listed: bool = False
    _frame: str = ""
    _named: str = ""
    _until: str = ""
    _begin: int = 0

    def question(self) -> list[Tree]:
        """The whole question as one tree, or as several that share what is done."""
        for token in self.tokens[: self.at]:
            self.periods += token.periods
            self._named = token.value if token.kind == "metric" else self._named
        pooled = any(token.kind == "word" and token.value == "pool" for token in self.tokens)
        self.fold = "sum" if pooled else ""
        self._begin = self.at
        self._lead()
        trees = [self._compared(self._sum())]
        while isinstance(trees[0], Fold) and self._word("and"):
            self._skip()
            trees.append(replace(trees[0], operand=self._figure()))
        self.listed = len(trees) > 1
        self._rest()
        return trees

    def moved(self, tree: Tree) -> Tree:
        """`X / Y. How far did it fall between 2020 and 2023?`: the change of the whole."""
        return Fold("change", tree, self.periods) if self._moves() and isinstance(tree, Joined) else tree

    def _moves(self) -> bool:
        """Whether what follows asks how the result moved."""
        return any(token.kind == "verb" and token.value == "moved" for token in self._ahead())

    def _ahead(self) -> Sequence[Token]:
        """What follows, up to a remark in brackets."""
        end = next((at for at in range(self.at, len(self.tokens)) if self.tokens[at].kind == "("), len(self.tokens))
        return self.tokens[self.at : end]

    def question_frame(self) -> None:
        """Only how the question asks, without its arithmetic."""
        self._frame = next((token.value for token in self.tokens if token.kind == "frame"), "")

    def finish(self, formula: str) -> str:
        """The formula in the unit that the question asks for."""
        ratio = any(token.value in ("ratio", "quotient") and token.kind != "word" for token in self.tokens)
        ratio = ratio or any(token.value in ("multiple", "multiple_of") for token in self.tokens)
        times = self._frame == "times_more" or ratio or (self._named and described(self._named).unit == "times")
        percent = any(token.value in ("percent", "percentage", "rate", "margin") for token in self.tokens)
        percent = percent or bool(self._named and described(self._named).unit == "percent")
        times = (times and not percent) or _of_changes(formula)
        return f"times({formula})" if times and described(formula).unit == "percent" else formula

    @property
    def joined(self) -> bool:
        """Whether words join two figures: `the ratio of A to B`, `dividends plus buybacks`."""
        return any(
            (token.kind == "prefix" and token.value in ("ratio", "both", "divided", "multiplied", "add", "subtract"))
            or (token.kind == "operator" and token.value != "part_of")
            for token in self.tokens
        )

    def _compared(self, tree: Tree) -> Tree:
        """`did A exceed B`, `did A cover B`, `what share of A was paid in 2024`, `how much higher was it than`."""
        start = self.at
        self._skip()
        if self._is("frame"):
            self._frame = self._next().value
            self._skip()
            tree = replace(tree, periods=self._own_periods()) if isinstance(tree, Figure | Fold) else tree
        if self._frame == "share":
            return self._share(tree)
        if not self._is("verb"):
            if self._frame in ("percent_more", "times_more", "much_more", "money_more"):
                raise NoFit
            self.at = start
            return tree
        verb = self._next().value
        if verb in ("part", "into"):
            raise NoFit
        if verb == "moved" and self._frame in ("points_more", "money_more"):
            return Fold("net" if isinstance(tree, Figure) else "change", tree, self._own_periods())
        right = filled(self._sum(), tree)
        if verb == "cover" or self._frame == "times_more":
            return Joined("/", tree, right)
        if verb != "exceed" or not self._frame:
            raise NoFit
        return Joined("more" if self._frame == "percent_more" else "-", tree, right)

    def _share(self, tree: Tree) -> Tree:
        if self._is("metric", "prefix", "("):
            return Joined("/", self._terms(), tree)
        if not self._is("verb") or self.tokens[self.at].value not in ("part", "into"):
            raise NoFit
        if self._next().value == "into":
            return Joined("/", self._sum(), tree)
        part = self._own_periods()
        if part and isinstance(tree, Figure | Fold):
            return Joined("share", tree, Figure(metric_of(tree), part))
        return Joined("/", self._sum(), tree)

    # ------------------------------------------------------------------------------------- arithmetic

    def _terms(self) -> Tree:
        left = self._product()
        while (sign := self._sign("plus", "minus")) is not None:
            left = in_one_unit({"plus": "+", "minus": "-"}[sign], left, filled(self._product(), left))
        return left

    def _sum(self) -> Tree:
        left = self._terms()
        if self._sign("part_of", "multiple_of"):
            right = self._sum()
            return Joined("/", filled(left, right), filled(right, left))
        return left

    def _product(self) -> Tree:
        left = self._operand()
        while (sign := self._sign("divide", "quotient", "multiply")) is not None:
            left = Joined({"divide": "/", "quotient": "/", "multiply": "*"}[sign], left, self._operand())
        return left

    def _operand(self) -> Tree:
        self._skip()
        if self._is("("):
            self._next()
            inner = self._sum()
            self._skip()
            if not self._is(")"):
                raise NoFit
            self._next()
            return inner
        if self._is("number"):
            return Figure(self._next().value)
        if self._is("prefix"):
            return self._prefixed(self._next().value)
        figure = self._figure()
        if self._is("strange", "word") and self.tokens[self.at].value == "growth":
            self._next()
            periods, companies = self._beside()
            figure = replace(figure, periods=figure.periods + periods, companies=figure.companies + companies)
            return Fold("percent", figure)
        return figure

    def _prefixed(self, name: str) -> Tree:
        if name == "subtract":
            self._until = "from"
            right = self._terms()
            self._until = ""
            if not self._word("from"):
                raise NoFit
            left = self._terms()
            return Joined("-", left, filled(right, left))
        if name in _JOINING:
            left = self._terms()
            word, sign = _JOINING[name]
            if not self._word(word):
                if name not in ("apart", "both"):
                    raise NoFit
                return Fold("change" if name == "apart" else "sum", left)
            return Joined(sign, left, self._terms())
        operand = self._operand()
        if name != "sum" and self._sign("part_of"):
            operand = Joined("/", operand, self._operand())
        return Fold(name, operand)

    # ----------------------------------------------------------------------------------------- figures

    def _figure(self) -> Figure:
        """A metric with what stands before and behind it: `2024 free cash flow of AbbVie`."""
        periods, companies = self._beside(before=True)
        if not self._is("metric"):
            if not periods and not companies:
                raise NoFit
            return Figure("", periods, companies)
        token = self._next()
        own = token.figure or Figure(token.value)
        more, others = self._beside()
        return Figure(own.metric, own.periods + periods + more, own.companies + companies + others)

    def _beside(self, *, before: bool = False) -> tuple[tuple[str, ...], tuple[str, ...]]:
        """The periods and companies here, with the words that join them; `before` a metric these are all taken."""
        periods: tuple[str, ...] = ()
        companies: tuple[str, ...] = ()
        start = self.at
        begin = self.at
        while True:
            self._skip()
            if not before and any(token.fresh in (".", ";", "?") for token in self.tokens[begin : self.at + 1]):
                break
            if self._is("period"):
                periods += self._next().periods
            elif self._is("company"):
                companies += (self._next().value,)
            elif self._is("(") and (inside := self._bracketed()):
                periods += inside
            else:
                break
            start = self.at
        self.at = self.at if before and self._is("metric") else start
        return periods, companies

    def _bracketed(self) -> tuple[str, ...]:
        """Periods in brackets of their own: `average payables (FY2023 and FY2024)`."""
        end = next((i for i in range(self.at, len(self.tokens)) if self.tokens[i].kind == ")"), self.at)
        inside = self.tokens[self.at + 1 : end]
        if not inside or any(token.kind not in ("period", "word") for token in inside):
            return ()
        self.at = end + 1
        return tuple(period for token in inside for period in token.periods)

    def _own_periods(self) -> tuple[str, ...]:
        return self._beside()[0]

    # ------------------------------------------------------------------------------------------ tokens

    def _lead(self) -> None:
        """Companies, periods and a frame that stand before the arithmetic."""
        while (
            self.at < len(self.tokens)
            and not self._is_part()
            and (self._default() or not self._is("metric", "prefix", "(", "number"))
        ):
            token = self._next()
            if token.kind == "frame":
                self._frame = token.value
            elif token.kind == "period":
                self.periods += token.periods
            elif token.kind == "prefix":
                self.fold = token.value
            elif token.kind not in ("company", "word"):
                raise NoFit
        if self.at >= len(self.tokens):
            raise NoFit

    def _is_part(self) -> bool:
        """`the fourth quarter as a percentage of …`: a period that is the first operand."""
        after = next((each.value for each in self.tokens[self.at + 1 :] if each.kind != "word"), "")
        return self._is("period") and after == "part_of"

    def _default(self) -> bool:
        """`If we compare the two-year totals, by what percentage …`: what is done to each figure, said beforehand."""
        if not self._is("prefix") or self.tokens[self.at].value not in ("sum", "mean"):
            return False
        after = next((each.kind for each in self.tokens[self.at + 1 :] if each.kind != "word"), "")
        return after == "frame"

    def _rest(self) -> None:
        """Nothing but periods, companies, fillers, a name and a remark in brackets may follow."""
        computed = any(token.value in ("compute", "calculate", "formula") for token in self.tokens[: self.at])
        allowed: set[Kind] = {"word", "company", "period"}
        if computed:
            allowed |= {"metric", "prefix"}
        if self._moves():
            allowed |= {"frame", "verb"}
        asks = any(token.value in _ASKS for token in self._ahead())
        denied = False
        known = {token.value for token in self.tokens[: self.at] if token.kind == "metric"}
        if not asks and any(token.fresh for token in self.tokens[self._begin + 1 : self.at]):
            allowed |= {"metric"}
        for token in self._ahead():
            self.periods += token.periods
            if token.kind == "metric" and token.value in known and not asks:
                continue
            if token.fresh and not asks:
                allowed |= {"metric"}
            denied = denied or token.value == "not"
            if token.kind not in allowed and token.value != "points_more" and not (denied and token.kind == "prefix"):
                raise NoFit

    def _is(self, *kinds: Kind) -> bool:
        return self.at < len(self.tokens) and self.tokens[self.at].kind in kinds

    def _next(self) -> Token:
        self.at += 1
        return self.tokens[self.at - 1]

    def _skip(self) -> None:
        while self._is("word") and self.tokens[self.at].value != self._until:
            self.at += 1

    def _word(self, text: str) -> bool:
        """Take a word that stands next, with fillers before it; `to` may have been joined to a verb."""
        for index in range(self.at, min(self.at + 4, len(self.tokens))):
            token = self.tokens[index]
            if token.kind != "word":
                return False
            if token.value == text:
                self.at = index + 1
                return True
        return False

    def _sign(self, *names: str) -> str | None:
        start = self.at
        self._skip()
        if self._is("operator") and self.tokens[self.at].value in names:
            return self._next().value
        self.at = start
        return None
