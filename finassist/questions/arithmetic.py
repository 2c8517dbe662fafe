"""Arithmetic in words: "the ratio of the change in net income to the change in revenue", "its average over 2020-2021".

A question whose figures are joined in several steps is read by a small grammar over what the scan claimed:

    sum     := product (("plus" | "minus") product)*
    product := operand (("divided by" | "times") operand)*
    operand := number | "(" sum ")" | "ratio of" sum "to" sum | ("change in" | "average" | "total") operand | figure
    figure  := a metric with the periods and companies that stand beside it

It becomes one expression over catalogue ids, in which `at(x, 'FY2022')` is the figure of another period and
`of(x, 'MSFT')` that of another company. Whatever does not fit the grammar whole is left to the other rules.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import cast

from finassist.core.metrics import anchors, described, parse, references
from finassist.core.periods import Period, Span
from finassist.core.query import Query
from finassist.questions.arithmetic_parser import Kind, Parser, Token
from finassist.questions.expressions import lost_step, simplest, spelt
from finassist.questions.grammar import FILLERS, function_words, table_of
from finassist.questions.slots import Found, Slots, Understanding, owners, recall, refuse
from finassist.questions.terms import Figure, Fold, NoFit, Tree, Writer, bracketed, first_periods, in_order, senseless
from finassist.questions.tokenizer import Hit, words_of

_TABLE = table_of("arithmetic")
_WORDS: tuple[tuple[str, str, re.Pattern[str]], ...] = tuple(
    (kind, name, re.compile(rf"(?:{'|'.join(sorted(patterns, key=len, reverse=True))})(?![\w])"))
    for kind, rows in _TABLE.items()
    for name, patterns in rows.items()
    if kind != "usual"
)
_USUAL = frozenset(word for row in _TABLE["usual"].values() for text in row for word in text.split())


def arithmetic(slots: Slots) -> Understanding | None:
    """The queries of a question that joins figures in several steps, or `None` where it does not."""
    recall(slots)
    about = owners(slots)
    if not (slots.metrics or slots.operands) or not about or slots.language != "en" or _compares_all(slots):
        return None
    slots = replace(slots, about=about)
    in_percent = slots.unit == "percent" or "percent" in slots.low or "%" in slots.low
    tokens = [each if in_percent else _as_amount(each, slots) for each in _settled(list(_tokens(slots)))]
    if not any(token.kind in ("operator", "prefix", "frame") for token in tokens):
        return None
    if _two_companies(slots, tokens):
        return None
    if (defined := _defined_whole(slots, tokens) or _of_a_group(slots)) is not None:
        return defined
    for start in _starts(tokens):
        parser = Parser(tokens, start)
        try:
            trees = parser.question()
            parser.periods = parser.periods or next((each for tree in trees if (each := first_periods(tree))), ())
            trees = [parser.moved(tree) for tree in trees]
            queries = tuple(_query(slots, parser, tree) for tree in trees)
        except (NoFit, ValueError):
            continue
        return Understanding(queries, decided="arithmetic") if all(queries) else None
    return None


def _compares_all(slots: Slots) -> bool:
    """`Which one kept more of it …`: all companies of the conversation are compared, by other rules."""
    which = slots.directions and any(hit.value == "which" for hit in slots.sets)
    return bool(which and not slots.companies and len(slots.memory.companies) > 1)


def _as_amount(token: Token, slots: Slots) -> Token:
    """`How much larger was …`: an amount, unless the question asks for percent."""
    amount = token.value == "percent_more" and slots.low.startswith("how much", token.start)
    return replace(token, value="much_more") if amount else token


def _two_companies(slots: Slots, tokens: Sequence[Token]) -> bool:
    """`How much more revenue than Pfizer did Merck make?`: one figure of two companies, which other rules compare."""
    metrics = {token.value for token in tokens if token.kind == "metric"}
    periods = {period for token in tokens for period in token.periods}
    steps = any(token.kind in ("operator", "prefix") or token.value == "percent_more" for token in tokens)
    return len(metrics) == 1 and len(slots.about) == 2 and len(periods) < 2 and not steps


def _defined_whole(slots: Slots, tokens: Sequence[Token]) -> Understanding | None:
    """`did its cash flow cover its dividends (cash flow / dividends)`: the formula that the question gives is all."""
    metrics = [token.value for token in tokens if token.kind == "metric"]
    formulas = [value for value in metrics if not value.isidentifier()]
    if len(formulas) != 1 or len(metrics) < 3 or not any(token.kind == "frame" for token in tokens):
        return None
    if not set(metrics) - {formulas[0]} <= set(references(parse(formulas[0]))):
        return None
    parser = Parser(tokens)
    parser.question_frame()
    periods = [period for token in tokens for period in token.periods]
    query = Query(metrics=[parser.finish(formulas[0])], companies=slots.about[:1], periods=periods[:1])
    return Understanding((query,), decided="arithmetic")


_GROUP = re.compile(r"\b(?:together|in aggregate|combined|collectively|jointly|as a group|pooled)\b")
_MOVES = re.compile(
    r"\b(?:change[ds]?|more|less|gr[eo]w|grown|rise|rose|fall|fell|increase[ds]?|decrease[ds]?|higher|lower)\b"
)


def _of_a_group(slots: Slots) -> Understanding | None:
    """`Add A's and B's revenue together for 2021 and for 2024. By what % did it change?`: the change of their sum."""
    metrics = {hit.value for hit in slots.metrics}
    moves = _GROUP.search(slots.low) and _MOVES.search(slots.low)
    counted = any(isinstance(each.value, Span) and each.value.start is None for each in slots.points)
    if not moves or not slots.several or len(metrics) != 1 or len(slots.points) > 2 or counted:
        return None
    periods = in_order(period for each in slots.points for period in listed(each.value))
    if len(periods) < 2:
        return None
    [metric] = metrics
    formula = " + ".join([bracketed(metric), *(f"of({metric}, '{symbol}')" for symbol in slots.about[1:])])
    operation = "growth" if re.search(r"%|percent", slots.low) else "difference"
    query = Query(
        metrics=[formula], companies=slots.about[:1], periods=[periods[0], periods[-1]], operation=operation,
        unit=slots.unit, decimals=slots.decimals,
    )  # fmt: skip
    return Understanding((query,), decided="arithmetic")


def _starts(tokens: Sequence[Token]) -> Iterator[int]:
    """Where the arithmetic may begin: at once, or behind a name and a colon, behind `as`, or in a later sentence."""
    yield 0
    for index, token in enumerate(tokens):
        if index and (token.fresh or tokens[index - 1].value in ("as", "taking", "if")):
            yield index


def _query(slots: Slots, parser: Parser, tree: Tree) -> Query:
    common = Query(companies=slots.about[:1], unit=slots.unit, decimals=slots.decimals)
    writer = Writer(tree, parser.periods, slots.about[0], parser.fold)
    if isinstance(tree, Fold) and isinstance(tree.operand, Figure):
        return _of_one(tree, tree.operand, writer, parser, common)
    formula = writer.formula()
    named = {slots.about[0], *(each.symbol for each in anchors(parse(formula)))}
    if not (slots.operands or _compound(formula, parser)) or not named.issuperset(slots.about):
        raise NoFit
    metric = _as_measured(formula) if slots.unit == "percent" else parser.finish(_as_measured(formula))
    if slots.unit == "times" and described(metric).unit == "percent":
        metric = f"times({metric})"
    return common.model_copy(update={"metrics": [metric], "periods": writer.latest()})


def _as_measured(formula: str) -> str:
    """The metric of that formula where it is measured in times, as net debt / EBITDA is."""
    known = simplest(formula)
    return known if described(known).unit == "times" else formula


def _of_one(tree: Fold, figure: Figure, writer: Writer, parser: Parser, common: Query) -> Query:
    """A change of one figure, which the operations of a query say best."""
    if tree.name != "net" and not (tree.name == "percent" and parser.listed):
        raise NoFit
    periods = tree.periods or figure.periods or writer.around
    ends = list(dict.fromkeys([*periods[:1], *periods[-1:]]))
    operation = "difference" if tree.name == "net" else "growth"
    return common.model_copy(update={"metrics": [figure.metric], "periods": ends, "operation": operation})


def _compound(formula: str, parser: Parser) -> bool:
    """Whether it takes more than the other rules can do: figures of several periods or companies in one formula."""
    own = {(each.period, each.symbol) for each in anchors(parse(formula))}
    steps = len(re.findall(r" [-+*/] ", formula))
    return len(own) > 1 or steps > 1 or (steps == 1 and (parser.joined or "growth(" in formula))


# -------------------------------------------------------------------------------------------- what was not read

_PERFORMS = ("sum", "difference", "times", "share")
_LEFT, _RIGHT = ("metric", "period", "company", "number", ")"), ("metric", "period", "company", "number", "(", "prefix")


_ALL_READ = ("arithmetic", "definition with a figure")


def unread(slots: Slots, found: Understanding) -> Understanding | None:
    """A refusal where the question joins figures and what was understood joins fewer, or what has no sense."""
    if wrong := next((each for query in found.queries for each in query.metrics if senseless(each)), ""):
        if " + " in wrong and "(" not in wrong:  # `EPS plus net margin`: both are asked
            apart = (query.model_copy(update={"metrics": wrong.split(" + ")}) for query in found.queries)
            return replace(found, queries=tuple(apart))
        words = described(wrong).label.replace("_", " ")  # some labels are formulas
        reason = f"“{words}” joins figures of different units. Ask for the two figures apart"
        return refuse(words, "not understood", reason, "no sense")
    if not (words := _lost(slots, found)):
        return None
    example = "Query(companies=['DE'], metrics=[\"at(net_income, 'FY2023') / at(revenue, 'FY2022')\"])"
    reason = (
        f"“{words}” joins figures in a way that was not understood. Ask for one step, as in “Apple: net income divided"
        f" by revenue in FY2023”, or give the formula, as in {example}"
    )
    return refuse(words, "not understood", reason, "arithmetic not read")


def _lost(slots: Slots, found: Understanding) -> str:
    """The words that join figures where what was understood joins fewer."""
    kinds = {described(each).kind for query in found.queries for each in query.metrics}
    if "per dollar of" in slots.low and kinds and "ratio" not in kinds:
        return "per dollar of"
    if words := next((words for each in found.queries if (words := lost_step(slots, each))), ""):
        return words
    if slots.language != "en" or not slots.metrics or not found.queries or found.decided in _ALL_READ:
        return ""
    asked = _asked(slots)
    joined = max(_steps(query) for query in found.queries)
    return slots.text[asked[0].start : asked[-1].end].strip() if len(asked) > joined else ""


def _asked(slots: Slots) -> list[Token]:
    """The words and signs that join two figures of the question."""
    tokens = [token for token in _settled(list(_tokens(slots))) if token.kind != "word"]
    found: list[Token] = []
    for index, token in enumerate(tokens):
        before, after = (tokens[at].kind if 0 <= at < len(tokens) else "" for at in (index - 1, index + 1))
        per = slots.low.startswith("per ", token.start)
        if token.kind == "operator" and not per and before in _LEFT and after in _RIGHT:
            found.append(token)
        if token.kind == "prefix" and token.value in ("subtract", "add"):
            found.append(token)
    return found


def _steps(query: Query) -> int:
    """How many joins a query performs; a rate a year performs all that a question can ask."""
    if query.operation == "cagr":
        return sys.maxsize
    signs = [len(re.findall(r" [-+*/] |avg\(", spelt(each))) for each in query.metrics]
    return max(signs, default=0) + (query.operation in _PERFORMS)


# ---------------------------------------------------------------------------------------------- tokens


def _tokens(slots: Slots) -> Iterator[Token]:
    metrics = {hit.start: Token("metric", hit.value, hit.start, _end(hit)) for hit in slots.metrics}
    periods = {
        each.start: Token("period", "", each.start, each.end, _of_price(slots, each) or listed(each.value))
        for each in slots.periods
    }
    companies = {hit.start: Token("company", hit.value.symbol, hit.start, hit.end) for hit in slots.companies}
    amounts = {hit.start: Token("strange", "", hit.start, hit.end) for hit in slots.amounts}
    operands = {
        hit.start: Token("metric", hit.value.metric, hit.start, hit.end, figure=hit.value) for hit in slots.operands
    }
    claimed = {**amounts, **companies, **periods, **metrics, **operands}
    at, low = 0, slots.low
    while at < len(low):
        token = claimed.get(at) or (_worded(low, at) if not low[at].isspace() else None)
        if token is not None and any(at < start < token.end for start in operands):
            token = None
        if token is not None:
            mark = _FRESH.search(low[:at])
            yield replace(token, fresh=mark[1] if mark else "")
        at = max(at + 1, token.end if token else 0)


def _of_price(slots: Slots, each: Found) -> tuple[str, ...]:
    """`the share price at the end of 2022 divided by EPS of 2022`: a price of that day, not of the fiscal year end."""
    nearest = min(slots.metrics, key=lambda hit: max(hit.start - each.end, each.start - hit.end), default=None)
    of_day = isinstance(each.value, Period) and each.value.kind == "end"
    return (str(each.value),) if of_day and nearest and nearest.value == "price" else ()


_FRESH = re.compile(r"([:.;?])\s+$")


def _end(hit: Hit[str]) -> int:
    """Where the words of a metric end; one that the question defines reaches to its definition."""
    return min(hit.end, hit.start + len(hit.words))


def _worded(low: str, at: int) -> Token | None:
    """The word at a place: one that joins, a number, a bracket, a filler, or a strange one."""
    if low[at] in "()":
        return Token("(" if low[at] == "(" else ")", low[at], at, at + 1)
    if at and low[at - 1].isalnum() and low[at].isalnum():
        return None
    matches = [(kind, name, pattern.match(low, at)) for kind, name, pattern in _WORDS]
    found = [(kind, name, match) for kind, name, match in matches if match and match.group()]
    if found:
        kind, name, match = max(found, key=lambda each: each[2].end())
        return Token(cast(Kind, kind), name, at, match.end())
    if quarter := _QUARTER.match(low, at):
        return Token("period", "", at, quarter.end(), (f"Q{_ORDINALS.index(quarter[1][:3]) % 4 + 1} ?",))
    if number := re.match(r"\d+(?:\.\d+)?(?![\w%])", low[at:]):
        return Token("number", number.group(), at, at + number.end())
    if low[at] in "?.,;:'\"%$-":
        return None
    word = words_of(low[at : at + 40])
    text = word[0].text if word else low[at]
    usual = text in FILLERS or text in function_words("en") or text in _USUAL
    return Token("word" if usual else "strange", text, at, at + max(len(text), 1))


_QUARTER = re.compile(r"(first|second|third|fourth|1st|2nd|3rd|4th) (?:fiscal )?quarter\b(?! of)")
_ORDINALS = ["fir", "sec", "thi", "fou", "1st", "2nd", "3rd", "4th"]


def _settled(tokens: list[Token]) -> list[Token]:
    """Tokens with the sense that what follows gives them: `over 2023` divides nothing; half a bracket is none."""
    found: list[Token] = []
    listing = False
    years = {text[-4:] for token in tokens for text in token.periods if not text.endswith("?")}
    for index, token in enumerate(tokens):
        if token.periods and token.periods[0].endswith("?"):
            quarter = f"{token.periods[0][:2]} {min(years)}" if len(years) == 1 else ""
            token = replace(token, kind="period" if quarter else "strange", periods=(quarter,) if quarter else ())
        after = next((each.kind for each in tokens[index + 1 :] if each.kind != "word"), "")
        if token.value == "percent" and index and tokens[index - 1].kind == "metric" and after == "period":
            token = replace(token, kind="strange", value="growth")
        previous = next((each for each in reversed(found) if each.kind != "word"), Token("word", "", 0, 0))
        earlier: set[str] = {each.kind for each in found}
        later: set[str] = {each.kind for each in tokens[index + 1 :]}
        listing = listing or (_is_dash(token) and previous.kind == "company" and earlier <= {"company", "word"})
        if _dash_before_owner(token, earlier, after, later) or (listing and _is_dash(token) and previous.periods):
            token = replace(token, kind="word", value="over")
        of_figure = previous.figure is not None and token.value == "minus"  # `that less 2022's`
        if token.kind == "operator" and not of_figure and _only_a_link(token, previous.kind, after):
            token = replace(token, kind="word", value="over")
        found.append(token)
    depth, kept = 0, list[Token]()
    for token in found:
        depth += {"(": 1, ")": -1}.get(token.kind, 0)
        if token.kind == ")" and depth < 0:
            depth = 0
            continue
        kept.append(token)
    return kept


def _dash_before_owner(token: Token, earlier: set[str], after: str, later: set[str]) -> bool:
    """`capex / revenue - Comcast 2023`: the dash stands before the one company, and no figure follows."""
    return _is_dash(token) and after == "company" and "company" not in earlier and not later & {"metric", "number"}


def _is_dash(token: Token) -> bool:
    return token.value == "minus" and token.end - token.start == 1


def _only_a_link(token: Token, before: str, after: str) -> bool:
    """Whether a sign joins no figures: `over 2023`, or a dash between a name and what is asked of it."""
    if token.value == "divide" and token.end - token.start == 1 and before == after == "company":
        return True
    dash = _is_dash(token)
    if dash and (before not in ("metric", ")", "number", "period") or (before == "period" and after != "metric")):
        return True
    spelt_out = token.value == "minus" and not dash and before == "period"
    return token.value in ("divide", "minus") and after == "period" and not spelt_out


def listed(value: Period | Span) -> tuple[str, ...]:
    """The single periods of a span, oldest first."""
    if isinstance(value, Period):
        return (str(replace(value, kind="year") if value.kind == "end" else value),)
    if value.start is None or value.start.kind != value.end.kind:
        return (str(value),)
    found, step = [value.start], value.start
    while str(step) != str(value.end) and len(found) < 12:
        step = step.moved(1)
        found.append(step)
    return tuple(map(str, found))
