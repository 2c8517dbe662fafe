"""`finassist sessions`, `history` and `cache`: what was asked before, and what is kept."""

from __future__ import annotations

import csv
import io
import json
import re
from pathlib import Path

import pytest

from finassist import FinancialAssistantWorkflow, Settings
from finassist.__main__ import main
from tests.fmp_server import fmp, fmp_server


@pytest.fixture
def db(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """A file with two conversations."""
    monkeypatch.setenv("FINASSIST_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("FINASSIST_CACHE_FOLDER", str(tmp_path / "cache"))
    path = str(tmp_path / "talks.db")
    workflow = FinancialAssistantWorkflow(db=path)
    workflow.run("What is Apple's stock price?", session_id="apple")
    workflow.run("=1+1 What is EBITDA?", session_id="words")
    workflow.close()
    return path


def test_conversations_are_listed_one_a_line(db: str, capsys) -> None:
    assert main(["sessions", "--db", db]) == 0
    header, *lines = capsys.readouterr().out.splitlines()
    assert header.split() == ["session", "id", "name", "turns", "last", "question", "symbols", "updated", "at", "(UTC)"]
    assert sorted(line.split()[0] for line in lines) == ["apple", "words"]


@pytest.mark.parametrize("arguments", [["sessions", "--json", "list"], ["sessions", "list", "--json"]])
def test_options_may_stand_before_or_after_the_list(arguments: list[str], db: str, capsys) -> None:
    assert main([*arguments, "--db", db]) == 0
    assert {each["session_id"] for each in json.loads(capsys.readouterr().out)} == {"apple", "words"}
    assert main([arguments[0], "--db", db, *arguments[1:]]) == 0


def test_csv_has_every_column_and_no_formula(db: str, capsys) -> None:
    assert main(["history", "--csv", "--db", db]) == 0
    rows = list(csv.DictReader(io.StringIO(capsys.readouterr().out)))
    assert {"latency", "tokens_in", "cost", "models"} <= rows[0].keys()
    assert {row["question"] for row in rows} == {"'=1+1 What is EBITDA?", "What is Apple's stock price?"}


def test_history_is_the_latest_first(db: str, capsys) -> None:
    assert main(["history", "--db", db, "-n", "1"]) == 0
    assert len(capsys.readouterr().out.splitlines()) == 2
    assert main(["history", "--db", db]) == 0
    header, *lines = capsys.readouterr().out.splitlines()
    assert {"started (UTC)", "latency (s)", "cost (USD)"} <= set(re.split(r" {2,}", header.strip()))
    assert all("COMPLETED" in line for line in lines)
    FinancialAssistantWorkflow(db=db).run("Which companies had a net margin above 30% in FY2024?")
    assert main(["history", "--db", db, "-n", "1"]) == 0
    assert re.search(r"(\w+, ){4}\w+ and \d+ more", capsys.readouterr().out)


def test_a_conversation_is_printed_renamed_and_deleted(db: str, capsys) -> None:
    assert main(["sessions", "show", "apple", "--db", db]) == 0
    assert "What is Apple's stock price?" in capsys.readouterr().out
    assert main(["sessions", "rename", "apple", "The fruit", "--db", db]) == 0
    assert main(["sessions", "--db", db]) == 0
    assert "The fruit" in capsys.readouterr().out
    assert main(["sessions", "delete", "apple", "--yes", "--db", db]) == 0
    assert capsys.readouterr().out == "Deleted apple and its 1 answer.\n"
    assert main(["sessions", "--db", db]) == 0
    assert "apple" not in capsys.readouterr().out


def test_what_is_done_to_a_conversation_is_said_as_json_too(db: str, capsys) -> None:
    def told(*arguments: str) -> dict:
        assert main(["sessions", *arguments, "--json", "--db", db]) == 0
        return json.loads(capsys.readouterr().out)

    assert [each["question"] for each in told("show", "apple")["answers"]] == ["What is Apple's stock price?"]
    assert told("rename", "apple", "The fruit") == {"session_id": "apple", "name": "The fruit"}
    assert told("delete", "apple", "--yes") == {"session_id": "apple", "deleted": 1}


def test_nothing_is_deleted_unasked(db: str, capsys, monkeypatch) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO("y\n"))
    assert main(["sessions", "delete", "apple", "--db", db]) == 2
    assert "--yes" in capsys.readouterr().err
    terminal = io.StringIO("no\n")
    terminal.isatty = lambda: True  # type: ignore[method-assign]
    monkeypatch.setattr("sys.stdin", terminal)
    assert main(["sessions", "delete", "apple", "--db", db]) == 1
    assert len(FinancialAssistantWorkflow(db=db).sessions()) == 2


@pytest.mark.parametrize("command", [["show", "nope"], ["delete", "nope", "--yes"], ["rename", "nope", "x"]])
def test_a_conversation_that_is_not_there_is_said(command: list[str], db: str, capsys) -> None:
    assert main(["sessions", *command, "--db", db]) == 1
    printed = capsys.readouterr()
    assert printed.err.startswith("finassist: ")
    assert printed.out == ""


def test_a_database_that_cannot_be_used_is_said_without_its_password(db: str, capsys) -> None:
    assert main(["sessions", "--db", "postgresql://ann:c4nary-word@127.0.0.1:1/x"]) == 1
    printed = capsys.readouterr()
    assert "127.0.0.1:1/x" in printed.err
    assert "c4nary-word" not in printed.err + printed.out


def test_the_cache_is_shown_and_cleared(db: str, capsys) -> None:
    assert main(["cache"]) == 0
    assert capsys.readouterr().out.startswith("0 answers, 0.0 MB, in ")
    with fmp_server() as server:
        fmp(server, cache=None, settings=Settings()).get_quote("AAPL")
    assert main(["cache", "show"]) == 0
    assert capsys.readouterr().out.startswith("1 answer, ")
    assert main(["cache", "clear"]) == 0
    assert "Removed 1 answer from" in capsys.readouterr().out


def test_an_env_file_is_trusted_in_one_step(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["config", "trust"]) == 2
    assert "There is no file .env in this folder or its project" in capsys.readouterr().err
    (tmp_path / ".env").write_text("FINASSIST_MODEL=ollama\nFMP_API_KEY=canary")
    assert main(["config", "trust"]) == 0
    assert f"{tmp_path / '.env'}, which sets FINASSIST_MODEL, FMP_API_KEY." in capsys.readouterr().out
    assert main(["config"]) == 0
    said = capsys.readouterr().out
    assert re.search(r"model +ollama +\.env", said)
    assert "canary" not in said
