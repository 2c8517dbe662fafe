"""Workbooks of answers: a spreadsheet program recomputes every figure, and what comes from outside stays text."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import ironcalc
import pytest
from msgspec import structs
from openpyxl import load_workbook

from finassist import Answer, ConfigurationError, FinancialAssistantWorkflow, Query
from finassist.core.metrics import catalogue
from finassist.reporting.spreadsheet import title

COMPUTED = {
    "a figure": "Apple's ROE in FY2024",
    "a change": "Compare Apple and Microsoft revenue growth 2020 to 2024",
    "a rate": "Revenue CAGR of Apple from 2019 to 2024",
    "a mean": "Average net margin of Apple 2020 to 2024",
    "a median of many": "Median revenue of tech companies",
    "twelve months": "TTM net margin of Walmart",
    "a chain": "PEG of Nvidia",
    "a screen": "Which tech companies had a net margin above 30% in FY2024?",
    "a report": "Tell me about Nvidia",
    "a comparison": "Compare Apple and Microsoft",
}


class Spreadsheet:
    """A workbook in a spreadsheet program, recomputed."""

    def __init__(self, path: Path) -> None:
        self.book = load_workbook(path)
        self._model: Any = ironcalc.load_from_xlsx(str(path), "en", "UTC")
        self._model.evaluate()

    def value(self, sheet: str, row: int, column: int) -> Any:
        return self._model.get_cell_value(self.book.sheetnames.index(sheet), row, column)

    def change(self, sheet: str, row: int, column: int, value: float) -> None:
        self._model.set_user_input(self.book.sheetnames.index(sheet), row, column, str(value))
        self._model.evaluate()

    def rows(self, sheet: str) -> list[tuple[int, dict[str, Any]]]:
        """The rows of a sheet with their numbers, as its cells are written."""
        head, *rows = self.book[sheet].iter_rows()
        return [
            (at, {str(name.value): cell for name, cell in zip(head, row, strict=True)})
            for at, row in enumerate(rows, 2)
        ]

    def find(self, sheet: str, column: int, text: str) -> int:
        return next(cell.row for (cell,) in self.book[sheet].iter_rows(min_col=column, max_col=column)
                    if cell.value == text)  # fmt: skip


@pytest.fixture(scope="module")
def workflow() -> FinancialAssistantWorkflow:
    return FinancialAssistantWorkflow(db=None)


@pytest.fixture
def opened(workflow: FinancialAssistantWorkflow, tmp_path: Path) -> Any:
    def opened(question: str) -> tuple[Answer, Spreadsheet]:
        answer = workflow.run(question)
        return answer, Spreadsheet(answer.to_excel(tmp_path / "answer.xlsx"))

    return opened


@pytest.mark.parametrize("question", COMPUTED.values(), ids=COMPUTED)
def test_every_computed_figure_is_a_formula_that_gives_it(opened: Any, question: str) -> None:
    answer, sheet = opened(question)
    stored = {(f.symbol, f.period, f.formula): float(f.value) for f in answer.facts if f.known and f.inputs}
    found = {
        (row["Symbol"].value, row["Period"].value, row["Formula"].value): sheet.value("Calculation", at, 5)
        for at, row in sheet.rows("Calculation")
        if row["Value"].data_type == "f"
    }
    assert found == pytest.approx(stored, rel=1e-9, abs=1e-8)
    assert {sheet.value("Checks", at, 7) for at, _ in sheet.rows("Checks")} == {"ok"}
    assert sheet.value("Answer", sheet.find("Answer", 1, "Checks"), 2) == "all hold"


def test_a_changed_figure_changes_the_answer_and_its_check_turns_red(opened: Any) -> None:
    answer, sheet = opened("Apple's ROE in FY2024")
    asked, income = sheet.find("Answer", 1, "Return on equity"), sheet.find("Facts", 3, "Net income")
    before = sheet.value("Answer", asked, 4)
    assert before == pytest.approx(float(answer.value.value))
    sheet.change("Facts", income, 5, 2 * sheet.value("Facts", income, 5))
    assert sheet.value("Answer", asked, 4) == pytest.approx(2 * before)
    assert sheet.value("Checks", 2, 7) == "differs"
    assert sheet.value("Answer", sheet.find("Answer", 1, "Checks"), 2) == "1 differ: see the sheet Checks"
    [(cells, [rule])] = [(each.sqref, each.rules) for each in sheet.book["Checks"].conditional_formatting]
    assert (str(cells), rule.formula) == ("A2:H2", ['$G2="differs"'])


def test_facts_are_blue_with_their_source_and_filing_and_formulas_are_black(opened: Any) -> None:
    _, sheet = opened("Apple's ROE in FY2024")
    for _, row in sheet.rows("Facts"):
        assert row["Value"].font.color.rgb == "000000FF"
        assert row["Source"].value.startswith("SEC")
        assert row["Filing"].hyperlink.target.startswith("https://www.sec.gov/Archives/edgar/data/320193/")
    assert [row["Value"].font.color.rgb for _, row in sheet.rows("Calculation")] == ["00000000"]


def test_a_report_has_its_years_side_by_side_and_checks_that_it_balances(opened: Any) -> None:
    answer, sheet = opened("Tell me about Nvidia")
    revenue = sheet.find("Answer", 1, "Revenue")
    yearly = [fact for fact in answer.facts if fact.field == "revenue" and fact.period.startswith("FY")]
    reported = sorted(yearly, key=lambda fact: fact.period)
    shown = [sheet.value("Answer", revenue, column) for column in range(2, 2 + answer.years)]
    assert shown == [float(fact.value) for fact in reported[-answer.years :]]
    balances = [at for at, row in sheet.rows("Checks") if row["Figure"].value.startswith("Total assets less")]
    assert balances
    assert {sheet.value("Checks", at, 4) for at in balances} == {0.0}


def test_a_missing_figure_leaves_its_cell_empty_and_says_why(opened: Any) -> None:
    answer, sheet = opened("Tell me about Nvidia")
    missing = [fact for fact in answer.facts if not fact.known and fact.text is None]
    empty = [row for name in ("Facts", "Calculation") for _, row in sheet.rows(name) if row["Value"].value is None]
    assert len(empty) == len(missing) > 0
    assert all(row["Note"].value for row in empty)
    answer, sheet = opened("How many employees does Apple have?")
    assert sheet.find("Answer", 3, answer.gaps[0].reason)


def test_what_rests_on_more_than_the_facts_is_written_as_a_number_that_says_so(opened: Any) -> None:
    answer, sheet = opened("Volatility of Tesla in 2024")
    [(at, row)] = sheet.rows("Calculation")
    assert sheet.value("Calculation", at, 5) == pytest.approx(float(answer.value.value))
    assert row["Value"].font.italic
    assert "Written as a number" in row["Note"].value


@pytest.mark.parametrize("evil", ["=1+1", "+1+1", "-1+1", "@SUM(1)", "=cmd|' /C calc'!A0", "\t=1+1", "a\x07b"])
def test_text_from_outside_is_never_a_formula(workflow: FinancialAssistantWorkflow, tmp_path: Path, evil: str) -> None:
    answer = workflow.run("Apple's ROE in FY2024")
    answer.facts = [structs.replace(fact, note=evil, source=evil, filing=evil) for fact in answer.facts]
    strange = {"symbol": evil, "field": evil, "period": evil, "text": evil, "formula": evil, "filing": None}
    answer.facts += [structs.replace(answer.facts[0], inputs=(), **strange)]
    answer.headline, answer.input, answer.warnings = evil, evil, [evil]
    answer.gaps = [*workflow.run("How many employees does Apple have?").gaps]
    book = load_workbook(answer.to_excel(tmp_path / "evil.xlsx"))
    formulas = [cell.value for sheet in book for row in sheet.iter_rows() for cell in row if cell.data_type == "f"]
    assert len(formulas) > 4
    assert not [text for text in formulas if "cmd" in text or "1+1" in text or "SUM(1)" in text]
    assert not [cell for row in book["Facts"].iter_rows() for cell in row if cell.hyperlink]


def test_the_async_form_writes_the_same_beside_the_loop(
    workflow: FinancialAssistantWorkflow, tmp_path: Path, run_async: Any
) -> None:
    answer = workflow.run("Compare Apple and Microsoft revenue growth 2020 to 2024")

    async def written() -> bool:
        writing = asyncio.create_task(answer.ato_excel(tmp_path / "beside.xlsx"))
        await asyncio.sleep(0)
        beside = not writing.done()
        await writing
        return beside

    assert run_async(written())
    both = [answer.to_excel(tmp_path / "here.xlsx"), tmp_path / "beside.xlsx"]
    one, other = ([[[cell.value for cell in row] for row in sheet] for sheet in load_workbook(path)] for path in both)
    assert one == other


def test_the_name_ends_in_xlsx_and_its_folder_is_there(workflow: FinancialAssistantWorkflow, tmp_path: Path) -> None:
    answer = workflow.run("What is ROE?")
    with pytest.raises(ConfigurationError, match=r"must end in \.xlsx"):
        answer.to_excel(tmp_path / "answer.csv")
    with pytest.raises(ConfigurationError, match="no folder"):
        answer.to_excel(tmp_path / "absent" / "answer.xlsx")
    assert load_workbook(answer.to_excel(tmp_path / "answer.xlsx"))["Answer"]["A1"].value == "What is ROE?"


# ---------------------------------------------------------------------------------------------------- valuations


def modelled(workflow: FinancialAssistantWorkflow, tmp_path: Path, metric: str, symbol: str, **assume: float) -> Any:
    answer = workflow.query(Query(metrics=[metric], companies=[symbol], assume=assume))
    return answer, Spreadsheet(answer.to_excel(tmp_path / "model.xlsx"))


@pytest.mark.parametrize("metric", [each.id for each in catalogue().values() if each.model not in ("", "step")])
def test_every_model_is_live(workflow: FinancialAssistantWorkflow, tmp_path: Path, metric: str) -> None:
    answer, sheet = modelled(workflow, tmp_path, metric, "NVDA")
    results = [sheet.value("Checks", at, 7) for at, _ in sheet.rows("Checks")]
    if answer.value is None:
        assert sheet.find("Answer", 3, answer.gaps[0].reason)
        return
    assert len(results) == results.count("ok") > 0
    asked = sheet.find("Answer", 1, title(metric))
    assert sheet.value("Answer", asked, 4) == pytest.approx(float(answer.value.value), rel=1e-9)


@pytest.mark.parametrize(
    ("label", "name", "value"),
    [
        ("WACC", "wacc", 0.12),
        ("Terminal growth", "terminal_growth", 0.03),
        ("Forecast growth", "forecast_growth", 0.05),
        ("Forecast cash flow margin", "forecast_margin", 0.2),
        ("Equity risk premium", "equity_premium", 0.06),
        ("Marginal tax rate", "marginal_tax", 0.15),
    ],
)
def test_another_assumption_in_the_sheet_gives_the_value_that_a_query_with_it_gives(
    workflow: FinancialAssistantWorkflow, tmp_path: Path, label: str, name: str, value: float
) -> None:
    _, sheet = modelled(workflow, tmp_path, "dcf_value", "NVDA")
    expected = workflow.query(Query(metrics=["dcf_value"], companies=["NVDA"], assume={name: value}))
    sheet.change("Model", sheet.find("Model", 1, label), 2, value)
    figures = {fact.field: float(fact.value) for fact in expected.facts if fact.value is not None}
    for field in ("dcf_value", "terminal_value", "dcf_equity_value", "upside"):
        row = sheet.find("Model", 1, title(field))
        assert sheet.value("Model", row, 2) == pytest.approx(figures[field], rel=1e-9), field
    corner = sheet.find("Model", 1, "Value per share: WACC ↓, terminal growth →")
    grid = [sheet.value("Model", corner + row, 1 + column) for row in range(1, 6) for column in range(1, 6)]
    stored = [float(fact.value) for fact in expected.facts if fact.field == "dcf_sensitivity"]
    assert grid == pytest.approx(stored, rel=1e-9)
    base = sheet.find("Model", 1, "Low")
    scenarios = [float(fact.value) for fact in expected.facts if fact.field == "dcf_scenario"]
    assert [sheet.value("Model", base + at, 4) for at in range(3)] == pytest.approx(scenarios, rel=1e-9)


def test_assumptions_are_blue_and_years_stand_side_by_side(
    workflow: FinancialAssistantWorkflow, tmp_path: Path
) -> None:
    answer, sheet = modelled(workflow, tmp_path, "dcf_value", "NVDA", wacc=0.1, forecast_years=7)
    model = sheet.book["Model"]
    for label in ("WACC", "Terminal growth", "Marginal tax rate"):
        assert model.cell(sheet.find("Model", 1, label), 2).font.color.rgb == "000000FF"
    revenue = sheet.find("Model", 1, "Forecast revenue")
    yearly = [float(fact.value) for fact in answer.facts if fact.field == "forecast_revenue"]
    assert [sheet.value("Model", revenue, column) for column in range(2, 9)] == pytest.approx(yearly)
    assert len(yearly) == sheet.value("Model", sheet.find("Model", 1, "Forecast years"), 2) == 7
    assert model.cell(revenue, 3).value == f"=B{revenue}*(1+B{sheet.find('Model', 1, 'Forecast growth')})"


def test_a_model_that_cannot_be_made_has_its_reason_and_no_figure(
    workflow: FinancialAssistantWorkflow, tmp_path: Path
) -> None:
    answer, sheet = modelled(workflow, tmp_path, "dcf_value", "KO")
    assert answer.value is None
    assert "Model" not in sheet.book.sheetnames
    assert sheet.find("Answer", 3, answer.gaps[0].reason)
