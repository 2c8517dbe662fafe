"""An answer as a workbook of Excel that computes: change a blue figure, and all that follows from it changes.

Figures of a source stand on the sheet Facts, blue, each with its source and filing. Those that were computed are
formulas on the sheet Calculation. The sheet Checks sets each beside the figure of the answer and turns red where they
differ.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from decimal import Decimal
from functools import partial
from typing import Any, Final, NamedTuple

from openpyxl import Workbook
from openpyxl.formatting.rule import Rule
from openpyxl.styles import Font
from openpyxl.styles.differential import DifferentialStyle

from finassist.core.facts import Fact
from finassist.reporting.asked import filing_url
from finassist.reporting.company import STATEMENT_TITLES
from finassist.reporting.markdown import question_of
from finassist.reporting.model_sheet import MODEL, ModelSheet
from finassist.reporting.spreadsheet import (
    BOLD,
    FORMULA,
    INPUT,
    LINK,
    RED,
    TITLE,
    WRAPPED,
    WRITTEN,
    font,
    format_of,
    formula,
    heading,
    new_sheet,
    put,
    title,
    unit_of,
    widths,
)
from finassist.reporting.workbook_plan import CALCULATION, FACTS, Plan

CHECKS = "Checks"
_COMMON: Final = (
    ("Symbol", 9), ("Company", 26), ("Figure", 34), ("Period", 16), ("Value", 15), ("Unit", 11), ("Currency", 9),
    ("Period end", 12),
)  # fmt: skip
_FACT_HEADS: Final = (
    *_COMMON, ("Known on", 12), ("Source", 36), ("Filing", 22), ("Status", 13), ("Note", 50),
)  # fmt: skip
_CALCULATION_HEADS: Final = (*_COMMON, ("Formula", 48), ("Note", 48))
_CHECK_HEADS: Final = (
    ("Symbol", 9), ("Figure", 46), ("Period", 16), ("Recomputed", 16), ("In the answer", 16), ("Difference", 14),
    ("Check", 10), ("Note", 50),
)  # fmt: skip


def workbook(answer: Any, companies: Iterable[Any] = ()) -> Workbook:
    """An answer as a workbook with live formulas, as `Answer.to_excel` writes it.

    Args:
        answer: The answer.
        companies: Its companies, each with `symbol`, `name` and `cik`, for names and links to filings.

    Example:
        >>> from finassist import FinancialAssistantWorkflow
        >>> answer = FinancialAssistantWorkflow(db=None).run("Apple's net margin in FY2023")
        >>> book = workbook(answer)
        >>> book.sheetnames, book["Calculation"]["E2"].value
        (['Answer', 'Facts', 'Calculation', 'Checks'], '=Facts!E3/Facts!E2')
    """
    model, book = ModelSheet.of(answer), Workbook()
    plan = Plan({fact.key: fact for fact in answer.facts}, {each.symbol: each for each in companies}, model)
    front: Any = book.active
    front.title = "Answer"
    if model:
        model.draw(book, partial(plan.draw, sheet=MODEL), partial(plan.cell, sheet=MODEL))
    _facts(book, plan)
    _calculation(book, plan)
    _front(front, plan, answer, _checks(book, plan))
    return book


# ----------------------------------------------------------------------------------------------------- sheets


def _facts(book: Workbook, plan: Plan) -> None:
    sheet = new_sheet(book, FACTS, _FACT_HEADS)
    for row, fact in enumerate(plan.given, 2):
        put(sheet, row, 1, plan.about(fact))
        plan.draw(sheet.cell(row, 5), fact, FACTS)
        put(sheet, row, 6, [unit_of(fact), fact.currency, fact.period_end, fact.as_of, fact.source, fact.filing])
        put(sheet, row, 12, [fact.status.replace("_", " "), plan.note(fact)])
        if url := filing_url(fact.filing or "", plan.filer(fact)):
            sheet.cell(row, 11).hyperlink, sheet.cell(row, 11).font = url, LINK


def _calculation(book: Workbook, plan: Plan) -> None:
    sheet = new_sheet(book, CALCULATION, _CALCULATION_HEADS)
    for row, fact in enumerate(plan.computed, 2):
        put(sheet, row, 1, plan.about(fact))
        plan.draw(sheet.cell(row, 5), fact, CALCULATION)
        put(sheet, row, 6, [unit_of(fact), fact.currency, fact.period_end, fact.formula, plan.note(fact)])


class _Check(NamedTuple):
    """A figure beside what it is in the answer."""

    fact: Fact
    title: str
    recomputed: str
    stored: Decimal
    note: str = ""


def _checks(book: Workbook, plan: Plan) -> str:
    """The sheet of checks; where their results stand, empty where there is nothing to check."""
    sheet, checks = new_sheet(book, CHECKS, _CHECK_HEADS), [*_recomputed(plan), *_balances(plan)]
    for row, check in enumerate(checks, 2):
        form = format_of(check.fact)
        put(sheet, row, 1, [check.fact.symbol, check.title, check.fact.period])
        formula(sheet.cell(row, 4), check.recomputed, form)
        put(sheet, row, 5, [float(check.stored)])
        sheet.cell(row, 5).font, sheet.cell(row, 5).number_format = WRITTEN, form
        formula(sheet.cell(row, 6), f"D{row}-E{row}", form)
        small = f"ABS(F{row})<=0.000000001*MAX(ABS(E{row}),0.001)"
        formula(sheet.cell(row, 7), f'IF(ISNUMBER(F{row}),IF({small},"ok","differs"),"differs")')
        put(sheet, row, 8, [check.note])
    if not checks:
        return ""
    sheet.conditional_formatting.add(f"A2:H{len(checks) + 1}", _red('$G2="differs"'))
    return f"{CHECKS}!G2:G{len(checks) + 1}"


def _red(condition: str) -> Rule:
    return Rule("expression", dxf=DifferentialStyle(fill=RED), formula=[condition])


def _recomputed(plan: Plan) -> Iterator[_Check]:
    for key, fact in plan.facts.items():
        if key in plan.formulas:
            yield _Check(fact, title(fact.field), plan.cell(key), fact.value or Decimal())
    if plan.model:
        yield from (_Check(*check) for check in plan.model.checks(plan.cell))


def _balances(plan: Plan) -> Iterator[_Check]:
    """Assets are liabilities and equity, as far as the lines of a source say all of it."""
    for assets in plan.given:
        if assets.field != "total_assets" or not assets.known:
            continue
        found = (plan.facts.get(f"{assets.symbol}/{name}/{assets.period}") for name in _CLAIMS)
        known = {fact.field: fact for fact in found if fact is not None and fact.known}
        if "equity_incl_nci" in known:
            known = {name: fact for name, fact in known.items() if name not in _CLAIMS[2:]}
        if "total_liabilities" in known and len(known) > 1:
            rest = (assets.value or Decimal()) - sum((fact.value or Decimal() for fact in known.values()), Decimal())
            note = "The rest is in none of these lines, such as noncontrolling interests." if rest else ""
            text = "-".join(plan.cell(fact.key) for fact in (assets, *known.values()))
            yield _Check(assets, "Total assets less liabilities and equity", text, rest, note)


_CLAIMS: Final = ("total_liabilities", "equity_incl_nci", "equity", "noncontrolling_interest")

# ------------------------------------------------------------------------------------------------ first sheet


def _front(sheet: Any, plan: Plan, answer: Any, checks: str) -> None:
    widths(sheet, (46, 26, 18, 18, 18, 18, 18, 18))
    lead = answer.headline or question_of(answer)
    put(sheet, 1, 1, [lead])
    sheet.merge_cells("A1:H1")
    sheet["A1"].font, sheet["A1"].alignment = TITLE, WRAPPED
    sheet.row_dimensions[1].height = 20 * (1 + len(lead) // 110)
    for line in _about(answer):
        if line[1]:
            _append(sheet, line)
    if checks:
        row, wrong = _append(sheet, ["Checks"]), f'COUNTIF({checks},"<>ok")'
        formula(sheet.cell(row, 2), f'IF({wrong}=0,"all hold",{wrong}&" differ: see the sheet Checks")')
        sheet.conditional_formatting.add(f"B{row}", _red(f"{wrong}>0"))
    asked = [plan.facts[key] for key in dict.fromkeys([*answer.rows, answer.figure]) if key in plan.facts]
    if plan.model:
        asked = [*plan.model.steps[::-1], *plan.model.assumptions]
    _listed(sheet, plan, asked) if asked else _by_year(sheet, plan, answer.years)
    _ending(sheet, answer)


def _about(answer: Any) -> Iterator[Sequence[Any]]:
    yield "Question", question_of(answer)
    yield from (("Understood as", str(query)) for query in answer.queries)
    yield "Known on", max((fact.as_of for fact in answer.facts if fact.as_of), default=None)
    yield from (("Note", note) for note in (*answer.notes(), *answer.warnings))


def _listed(sheet: Any, plan: Plan, facts: Iterable[Fact]) -> None:
    heading(sheet, ["Figure", "Company", "Period", "Value", "Unit", "Note"])
    for row, fact in enumerate(facts, sheet.max_row + 1):
        put(sheet, row, 1, [title(fact.field), plan.name(fact.symbol), fact.period])
        formula(sheet.cell(row, 4), plan.cell(fact.key), format_of(fact))
        put(sheet, row, 5, [unit_of(fact), fact.note])


def _by_year(sheet: Any, plan: Plan, years: int) -> None:
    """The figures of each company: those of fiscal years side by side, the others below."""
    known = [fact for fact in (*plan.given, *plan.computed) if fact.known and fact.field != "close"]
    for symbol in dict.fromkeys(fact.symbol for fact in known):
        own = [fact for fact in known if fact.symbol == symbol]
        shown = sorted({fact.period for fact in own if fact.period.startswith("FY")})[-years:]
        if shown:
            heading(sheet, [plan.name(symbol), *shown])
        for name, words in STATEMENT_TITLES.items():
            _statement(sheet, plan, words, [f for f in own if f.statement == name and f.period in shown], shown)
        if others := [fact for fact in own if not fact.period.startswith(("FY", "Q"))]:
            _listed(sheet, plan, others)


def _statement(sheet: Any, plan: Plan, name: str, facts: Sequence[Fact], years: Sequence[str]) -> None:
    rows: dict[str, int] = {}
    if facts:
        _append(sheet, [name[:1].upper() + name[1:]])
    for fact in facts:
        if fact.field not in rows:
            rows[fact.field] = _append(sheet, [title(fact.field)], FORMULA)
        cell = sheet.cell(rows[fact.field], 2 + years.index(fact.period))
        formula(cell, plan.cell(fact.key), format_of(fact))


def _ending(sheet: Any, answer: Any) -> None:
    if answer.gaps:
        heading(sheet, ["Missing", "Company", "Reason"])
    for gap in answer.gaps:
        _append(sheet, [title(gap.need), gap.symbol, gap.reason])
    heading(sheet, ["Colours"])
    for text, look in _COLOURS:
        _append(sheet, [text], look)


def _append(sheet: Any, values: Sequence[Any], look: Font = BOLD) -> int:
    row: int = sheet.max_row + 1
    put(sheet, row, 1, values)
    sheet.cell(row, 1).font = look
    return row


_COLOURS: Final = (
    ("Blue: a figure of a source, or an assumption. Change it, and all that follows from it changes.", INPUT),
    ("Black: a formula.", FORMULA),
    ("Black italic: written as a number; its note says why.", WRITTEN),
    ("Red: the formulas no longer give the figure of the answer.", font("9C0006")),
)
