"""An answer as code: its lines give it again, and its notebook recomputes it in a real kernel."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import nbformat
import pytest

from finassist import Answer, FinancialAssistantWorkflow, MissingExtra

from .execute_notebooks import execute

WORKFLOW = FinancialAssistantWorkflow(db=None)
QUESTIONS = {
    "a figure": "What was Apple's net margin in FY2023?",
    "a comparison": "Compare the ROIC of Apple and Microsoft in FY2023",
    "a screen": "Which tech companies had a net margin above 30% in FY2024?",
    "a price": "What did $1,000 invested in Nvidia in 2020 become?",
    "as of a day": "What was Apple's net margin in FY2022 as known on 2023-03-01?",
    "several queries": "What was Apple's revenue in FY2023, and Nike's net margin in FY2022?",
    "a mean": "What was the average net margin of all companies in FY2023?",
    "a DCF": "DCF value of Apple",
    "a report": "Full report on Apple",
    "a statement": "Show the income statement of Nike",
}


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the code of an answer keeps its sessions."""
    monkeypatch.setenv("FINASSIST_HOME", str(tmp_path / "home"))


def ran(code: str) -> dict[str, Any]:
    """What code leaves behind."""
    names: dict[str, Any] = {}
    exec(compile(code, "answer.code", "exec"), names)
    return names


@pytest.mark.parametrize("question", QUESTIONS.values(), ids=QUESTIONS)
def test_the_code_of_an_answer_gives_it_again(question: str) -> None:
    answer = WORKFLOW.run(question)
    again: Answer = ran(answer.code)["answer"]
    assert {fact.key: fact.value for fact in again.facts} == {fact.key: fact.value for fact in answer.facts}
    assert (again.headline, again.rows, again.figure) == (answer.headline, answer.rows, answer.figure)
    assert again.content == answer.content


def test_the_code_of_a_follow_up_names_its_company() -> None:
    workflow = FinancialAssistantWorkflow(db=None)
    workflow.run("What was Nike's revenue in FY2023?")
    figure, report = workflow.run("and its net margin?"), workflow.run("Show its income statement")
    assert "metrics=['net_margin'], companies=['NKE'], periods=['FY2023']" in figure.code
    assert "workflow.run('Show the income statement of NKE')" in report.code


@pytest.mark.parametrize("kind", QUESTIONS)
def test_the_cells_of_a_notebook_run_and_check(kind: str, tmp_path: Path) -> None:
    answer = WORKFLOW.run(QUESTIONS[kind])
    notebook = answer.to_notebook(tmp_path / "answer.ipynb")
    nbformat.validate(nbformat.from_dict(notebook))
    assert json.loads((tmp_path / "answer.ipynb").read_text(encoding="utf-8")) == notebook
    code = [cell["source"] for cell in notebook["cells"] if cell["cell_type"] == "code"]
    recomputed = ran("\n".join(code))["recomputed"]
    derived = [fact for fact in answer.facts if fact.status == "derived" and fact.inputs and fact.known]
    assert {fact.key for fact in derived} <= recomputed.keys() | {*answer.rows}
    assert any("assert agrees(" in text for text in code)


def test_a_figure_that_changed_stops_the_notebook() -> None:
    notebook = WORKFLOW.run(QUESTIONS["a figure"]).to_notebook()
    code = "\n".join(cell["source"] for cell in notebook["cells"] if cell["cell_type"] == "code")
    with pytest.raises(AssertionError, match="AAPL/net_income/FY2023"):
        ran(code.replace("Decimal('96995000000')", "Decimal('96995000001')"))
    with pytest.raises(AssertionError):
        ran(code.replace("recomputed['AAPL/net_income/FY2023'] / ", "2 * recomputed['AAPL/net_income/FY2023'] / "))


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["a figure", "a comparison", "a screen", "a report", "a DCF"])
def test_a_notebook_runs_in_a_kernel(kind: str, tmp_path: Path) -> None:
    path = tmp_path / "answer.ipynb"
    WORKFLOW.run(QUESTIONS[kind]).to_notebook(path)
    done = execute(path, tmp_path / "root")
    assert all(cell.get("execution_count") for cell in done.cells if cell.cell_type == "code")


def test_without_a_browser_a_pdf_says_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(MissingExtra, match="Install one"):
        WORKFLOW.run(QUESTIONS["a figure"]).to_pdf(tmp_path / "answer.pdf")
