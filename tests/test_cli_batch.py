"""`finassist batch`: the questions of a file into a file, with limits, resumed, and wrong input said."""

from __future__ import annotations

import csv
import io
from pathlib import Path

import pandas as pd
import pytest

from finassist.__main__ import main
from finassist.reporting.files import read_frame

QUESTIONS = ["What is Apple's stock price?", "What is EBITDA?"]


@pytest.fixture(autouse=True)
def own_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FINASSIST_HOME", str(tmp_path / "home"))
    monkeypatch.chdir(tmp_path)


def questions_csv(text: str = "question,id\n“What is Apple's stock price?”,1\nWhat is EBITDA?,2\n") -> str:
    Path("questions.csv").write_text(text, encoding="utf-8")
    return "questions.csv"


def test_answers_go_into_a_file_and_figures_into_another(capsys) -> None:
    done = main(["batch", questions_csv(), "--out", "answers.parquet", "--facts", "facts.csv"])
    assert done == 0, capsys.readouterr().err
    answers, facts = read_frame("answers.parquet"), read_frame("facts.csv")
    assert answers["status"].tolist() == ["completed", "completed"]
    assert answers["category"].tolist() == ["stock_price", "chat"]
    assert set(facts["question"]) == {answers["question"][0]}
    assert facts["exact"].notna().any()
    said = capsys.readouterr()
    assert said.out == ""
    assert "answers.parquet: 2 answers\n" in said.err
    assert f"facts.csv: {len(facts)} figures\n" in said.err


def test_quiet_is_quiet(capsys) -> None:
    assert main(["batch", questions_csv(), "--out", "answers.parquet", "--quiet"]) == 0
    assert capsys.readouterr() == ("", "")


def test_without_a_file_answers_are_csv_on_the_output(capsys) -> None:
    assert main(["batch", questions_csv()]) == 0
    rows = list(csv.DictReader(io.StringIO(capsys.readouterr().out)))
    assert [row["status"] for row in rows] == ["completed", "completed"]


def test_a_table_has_values_and_headlines_and_whole_texts_on_demand(capsys) -> None:
    asked = "question\nWhat was Apple's net margin in FY2023?\nTell me about Apple\n"
    assert main(["batch", questions_csv(asked)]) == 0
    margin, report = csv.DictReader(io.StringIO(capsys.readouterr().out))
    assert (margin["value"][:5], margin["unit"], margin["period"]) == ("0.253", "ratio", "FY2023")
    assert margin["headline"].startswith("Apple's net margin was 25.3% in FY2023")
    assert report["headline"].startswith("Apple's revenue rose")
    assert "answer" not in margin
    assert main(["batch", questions_csv(asked), "--full"]) == 0
    *_, report = csv.DictReader(io.StringIO(capsys.readouterr().out))
    assert report["answer"].startswith("# Apple Inc. (AAPL): financial report")


@pytest.mark.parametrize("name", ["q.csv", "q.tsv", "q.txt", "q.parquet", "q.xlsx", "-"])
def test_questions_come_from_many_kinds_of_files(name: str, capsys, monkeypatch) -> None:
    frame, path = pd.DataFrame({"ask": QUESTIONS, "other": ["a,b", 'c"d']}), Path(name)
    match path.suffix:
        case ".csv":
            path.write_text("\ufeff" + frame.to_csv(index=False, sep=";"), encoding="utf-8")
        case ".tsv":
            frame.to_csv(path, index=False, sep="\t")
        case ".parquet":
            frame.to_parquet(path)
        case ".xlsx":
            frame.to_excel(path, index=False)
        case _:
            path.write_text("\n\n".join(QUESTIONS)) if name != "-" else None
            monkeypatch.setattr("sys.stdin", io.StringIO("\n".join(QUESTIONS)))
    assert main(["batch", name, "--column", "ask", "--out", "answers.csv"]) == 0, capsys.readouterr().err
    assert read_frame("answers.csv")["question"].tolist() == QUESTIONS


def test_failures_and_blanks_are_rows_and_an_exit_code(capsys) -> None:
    assert main(["batch", questions_csv('question\nWhat is EBITDA?\n""\n'), "--out", "answers.csv"]) == 1
    assert read_frame("answers.csv")["error"].tolist()[1] == "EmptyQuestion"
    assert "1 of 2 questions failed" in capsys.readouterr().err


def test_a_budget_stops_and_the_same_command_goes_on(capsys) -> None:
    command = ["batch", questions_csv(), "--out", "answers.csv"]
    assert main([*command, "--budget-calls", "0"]) == 1
    assert "budget of 0 data calls" in capsys.readouterr().err
    assert "unasked" in read_frame("answers.csv")["status"].tolist()
    assert main(command) == 0
    assert read_frame("answers.csv")["status"].tolist() == ["completed", "completed"]


def test_an_interrupted_batch_says_how_to_go_on(capsys, monkeypatch) -> None:
    def interrupted(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("finassist.workflow.FinancialAssistantWorkflow.run_many", interrupted)
    assert main(["batch", questions_csv()]) == 130
    assert capsys.readouterr().err == "finassist: Stopped. Run the same command again to resume.\n"


def test_an_estimate_asks_nobody(capsys) -> None:
    assert main(["batch", questions_csv(), "--estimate", "--out", "answers.csv"]) == 0
    assert capsys.readouterr().out.startswith("2 questions (2 distinct): about ")
    assert not Path("answers.csv").exists()


def test_a_finished_ledger_is_read_back(capsys) -> None:
    for _ in range(2):
        assert main(["batch", questions_csv(), "--ledger", "mine.db", "--out", "answers.csv"]) == 0
    assert Path("mine.db").exists()


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["questions.csv", "--column", "nope"], 2, "no column 'nope'. It has question, id"),
        (["questions.csv", "--out", "answers.doc"], 2, "must end in .parquet, .csv, .xlsx"),
        (["questions.csv", "--out", "no/such/answers.csv"], 2, "no folder"),
        (["questions.csv", "--concurrency", "0"], 2, "concurrency"),
        (["questions.csv", "--budget-dollars", "-1"], 2, "dollars"),
        (["absent.csv"], 1, "No such file or directory: absent.csv"),
        (["broken.xlsx"], 2, "cannot be read as a table"),
        (["empty.csv"], 2, "it is empty"),
    ],
)
def test_what_cannot_be_done_is_said_before_anybody_is_asked(arguments, code: int, said: str, capsys) -> None:
    questions_csv()
    Path("broken.xlsx").write_text("no zip")
    Path("empty.csv").write_text("")
    assert main(["batch", *arguments]) == code
    printed = capsys.readouterr()
    assert said in printed.err
    assert "Traceback" not in printed.err
    assert printed.out == ""
