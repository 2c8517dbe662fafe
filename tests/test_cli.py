"""The command line as a person or a script uses it: what it prints, where, and how it exits."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from openpyxl import load_workbook

import finassist
from finassist.__main__ import main


@pytest.fixture(autouse=True)
def own_home(tmp_path, monkeypatch) -> None:
    monkeypatch.setenv("FINASSIST_HOME", str(tmp_path / "home"))
    monkeypatch.chdir(tmp_path)


def finassist_process(*arguments: str, **options) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "finassist", *arguments], capture_output=True, text=True, check=False, **options
    )


def test_it_prints_an_answer_and_what_to_ask_next(capsys) -> None:
    assert main(["ask", "What is Apple's stock price?"]) == 0
    printed = capsys.readouterr()
    assert printed.out.startswith("Apple's share price was USD 309.35"), "the sentence first"
    assert "You could ask next:" in printed.out
    assert printed.err == ""


def test_markdown_is_the_answer_and_nothing_else(capsys) -> None:
    assert main(["ask", "--markdown", "What is Apple's stock price?"]) == 0
    printed = capsys.readouterr().out
    assert printed.startswith("Apple's share price was USD 309.35")
    assert "--session" not in printed


def test_a_workbook_is_written_too(tmp_path, capsys) -> None:
    path = tmp_path / "price.xlsx"
    assert main(["ask", "--excel", str(path), "What is Apple's stock price?"]) == 0
    printed = capsys.readouterr()
    assert printed.out.startswith("Apple's share price was USD 309.35")
    assert "price.xlsx: a workbook with live formulas" in printed.err
    assert load_workbook(path)["Answer"]["A1"].value.startswith("Apple's share price was USD 309.35")
    assert main(["ask", "--excel", str(tmp_path / "price.csv"), "What is Apple's stock price?"]) != 0
    printed = capsys.readouterr()
    assert (printed.out, "must end in .xlsx" in printed.err) == ("", True), "nothing is asked"


def test_json_has_exact_figures_with_their_sources(capsys) -> None:
    assert main(["ask", "--json", "What is Apple's stock price?"]) == 0
    answer = json.loads(capsys.readouterr().out)
    [price] = [fact for fact in answer["facts"] if fact["field"] == "price"]
    assert (answer["symbols"], answer["status"], answer["saved"]) == (["AAPL"], "COMPLETED", True)
    assert isinstance(price["value"], str)
    assert price["as_of"]
    assert price["source"]


def test_readings_to_pick_from_are_listed(capsys) -> None:
    main(["ask", "What was Nike's revenue in Q1 2024?"])
    assert "Did you mean:\n  Q1 2024 of the fiscal year\n  Q1 2024 of the calendar year\n" in capsys.readouterr().out
    main(["ask", "--json", "What was Nike's revenue in Q1 2024?"])
    choices = json.loads(capsys.readouterr().out)["choices"]
    assert [each["queries"][0]["periods"] for each in choices] == [["Q1 2024"], ["CQ1 2024"]]


def test_a_stream_prints_the_same_text(capsys) -> None:
    main(["ask", "--markdown", "What is EBITDA?"])
    whole = capsys.readouterr().out
    assert main(["ask", "--stream", "What is EBITDA?"]) == 0
    assert capsys.readouterr().out.strip() == whole.strip()


def test_a_json_stream_is_one_event_a_line_with_one_terminal_event(capsys) -> None:
    assert main(["ask", "--json", "--stream", "Tell me about Apple"]) == 0
    events = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    kinds = [event["event"] for event in events]
    assert kinds[0] == "WorkflowStarted"
    assert [kind for kind in kinds if kind in ("WorkflowCompleted", "WorkflowError")] == [kinds[-1]]
    assert len({event["run_id"] for event in events}) == 1


def test_a_conversation_goes_on_in_its_session(capsys) -> None:
    main(["ask", "--session", "mine", "What is Apple's stock price?"])
    main(["ask", "--session", "mine", "What about Tesla?"])
    assert "Tesla" in capsys.readouterr().out.split("--session mine")[1]


@pytest.mark.parametrize(
    ("arguments", "variables", "said"),
    [
        (["ask", "  "], {}, "empty"),
        (["ask", "--session", "a b", "Hello"], {}, "session id"),
        (["ask", "Hello"], {"FINASSIST_MODEL": "no-such-model"}, "no-such-model"),
        (["ask", "Hello"], {"FINASSIST_PROVIDER": "no-such-source"}, "no-such-source"),
    ],
)
def test_what_cannot_be_understood_exits_with_2_and_a_sentence(arguments, variables, said, monkeypatch, capsys) -> None:
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    assert main(arguments) == 2
    printed = capsys.readouterr()
    assert printed.err.startswith("finassist: ")
    assert said in printed.err
    assert "Traceback" not in printed.err
    assert printed.out == ""


def test_what_cannot_be_done_exits_with_1(monkeypatch, tmp_path, capsys) -> None:
    (tmp_path / "a-file").write_text("")
    monkeypatch.setenv("FINASSIST_HOME", str(tmp_path / "a-file"))
    assert main(["ask", "Hello"]) == 1
    assert "FINASSIST_HOME" in capsys.readouterr().err


OUT_OF_RANGE = (
    "query --metric revenue --limit 0", "query --metric revenue --limit -3", "history --last -5", "eval --min 2",
    "eval --min nan", "mcp --http --port 99999", "serve --port -1", "streamlit --port 65536",
)  # fmt: skip


@pytest.mark.parametrize(
    "arguments",
    [[], ["ask"], ["no-such-command"], ["ask", "--json", "--markdown", "Hello"], *map(str.split, OUT_OF_RANGE)],
)
def test_wrong_usage_exits_with_2(arguments, capsys) -> None:
    with pytest.raises(SystemExit, match="2"):
        main(arguments)
    assert "usage: finassist" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["query", "--metric", "revenue+" * 3000 + "revenue", "--company", "AAPL"], 2, "at most 500"),
        (["query", "--metric", "1" + "0" * 400, "--company", "AAPL"], 2, "formula"),
        (["query", "--metric", "revenue", "--where", "net_margin > 1e999"], 2, "finite"),
        (["query", "--metric", "revenue", "--where", "pe between 5 and 1"], 2, "lower number first"),
        (["query", "--metric", "dcf_value", "--company", "AAPL", "--assume", "growth"], 2, "Write growth=0.05"),
        (["query", "--metric", "dcf_value", "--company", "AAPL", "--assume", "groth=1%"], 2, "Did you mean growth?"),
        (["query", "--metric", "dcf_value", "--company", "AAPL", "--assume", "wacc=9"], 2, "5% is written 0.05"),
        (["data", "--sector", "Nowhere"], 1, "Sectors: Communication Services"),
    ],
)
def test_a_query_that_no_figure_answers_is_a_sentence(arguments, code, said, capsys) -> None:
    assert main(arguments) == code
    printed = capsys.readouterr()
    assert said in printed.err
    assert printed.out == ""


def test_a_file_that_is_no_database_is_a_sentence_and_nothing_else(tmp_path, capfd) -> None:
    (tmp_path / "notes.db").write_text("no database")
    assert main(["history", "--db", str(tmp_path / "notes.db")]) == 1
    printed = capfd.readouterr()
    assert printed.err.startswith("finassist: The session database")
    assert printed.out + printed.err.removesuffix("\n") == printed.err.splitlines()[0]


@pytest.mark.slow
@pytest.mark.parametrize(("closed", "code"), [("check - <&-", 2), ("check Hello >&-", 0), ("check - <&- 2>&-", 2)])
def test_streams_may_be_closed(closed, code) -> None:
    done = subprocess.run(["bash", "-c", f"{sys.executable} -m finassist {closed}"], capture_output=True, text=True)
    assert done.returncode == code
    assert "Traceback" not in done.stderr


def test_lists_are_json_where_it_is_asked_for(capsys) -> None:
    assert main(["query", "--metrics", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)[0]["id"] == "revenue"


def test_help_names_every_command(capsys) -> None:
    with pytest.raises(SystemExit, match="0"):
        main(["--help"])
    printed = capsys.readouterr().out
    assert all(
        f"\n    {command}" in printed for command in ("ask", "batch", "sessions", "history", "doctor", "cache", "lab")
    )
    assert "exit codes" in printed


@pytest.mark.parametrize(
    ("question", "code"),
    [
        ("What is Apple's stock price?", 0),
        ("Compare Apple and Rivian", 0),  # one of the two is something
        ("What is EBITDA?", 0),  # asks for no figure
        ("What is Rivian's stock price?", 1),  # not among the embedded figures
        ("What is Foobarium's stock price?", 1),  # nothing of that name
    ],
)
def test_an_answer_without_a_figure_exits_with_1(question, code, capsys) -> None:
    assert main(["ask", question]) == code
    assert capsys.readouterr().out


@pytest.mark.parametrize("form", [["--json"], ["--csv"], ["--stream"], ["--stream", "--json"]])
def test_every_form_exits_alike(form, capsys) -> None:
    assert main(["ask", *form, "What is Apple's stock price?"]) == 0
    assert main(["ask", *form, "What is Rivian's stock price?"]) == 1
    assert capsys.readouterr().out


def test_an_interrupt_exits_with_130(monkeypatch, capsys) -> None:
    def interrupted(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(finassist.FinancialAssistantWorkflow, "run", interrupted)
    assert main(["ask", "Hello"]) == 130
    assert capsys.readouterr().err == "finassist: Stopped.\n"


@pytest.mark.parametrize("arguments", [["--help"], ["ask", "--help"]])
def test_help_says_how_it_exits(arguments, capsys) -> None:
    with pytest.raises(SystemExit, match="0"):
        main(arguments)
    printed = capsys.readouterr().out
    assert all(f"\n  {code} " in printed for code in (0, 1, 2, 130))


def test_advice_is_put_into_words_for_a_terminal(monkeypatch, capsys) -> None:
    assert main(["ask", "What is Rivian's stock price?"]) == 1
    printed = capsys.readouterr()
    assert "set FINASSIST_SEC_CONTACT and use" in printed.out, "to be copied, so without the marks of Markdown"
    assert "FINASSIST_PROVIDER=yfinance." in printed.err
    monkeypatch.setenv("FINASSIST_MODEL", "openai")
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    assert main(["ask", "Hello"]) == 2
    assert "FINASSIST_MODEL=offline." in capsys.readouterr().err


def test_a_terminal_obeys_nothing_in_an_answer(capsys) -> None:
    main(["ask", "What is \x1b[31mEBIT\u202eDA?"])
    assert not {"\x1b", "\u202e", "\x9b"} & set(capsys.readouterr().out)


def test_the_version_in_a_fresh_process() -> None:
    done = finassist_process("--version")
    assert (done.returncode, done.stdout) == (0, f"finassist {finassist.__version__}\n")


def test_lab_says_how_to_install_jupyterlab(monkeypatch, capsys) -> None:
    monkeypatch.setitem(sys.modules, "jupyterlab", None)
    assert main(["lab"]) == 1
    assert "pip install 'finassist[notebook]'" in capsys.readouterr().err


def test_lab_opens_jupyterlab_on_the_notebooks_and_hands_on_its_exit_code(tmp_path) -> None:
    package = tmp_path / "path" / "jupyterlab"
    package.mkdir(parents=True)
    (package / "__init__.py").write_text("")
    (package / "__main__.py").write_text("import sys; print(sys.argv[1]); sys.exit(7)")
    notebooks = tmp_path / "notebooks"
    notebooks.mkdir()
    (notebooks / "mine.ipynb").write_text("{}")
    done = finassist_process("lab", env={"PYTHONPATH": f"{tmp_path / 'path'}:{Path(finassist.__file__).parents[1]}"})
    assert (done.stdout.strip(), done.returncode) == (str(notebooks), 7)


def test_a_reader_that_goes_away_is_no_traceback_and_a_misspelt_variable_one_line(tmp_path) -> None:
    variables = {**os.environ, "FINASSIST_ROUTNG": "rules", "FINASSIST_CACHE_FOLDER": str(tmp_path)}
    with subprocess.Popen(
        [sys.executable, "-m", "finassist", "cache"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=variables,
    ) as process:
        process.stdout.close()
        note = "Note: finassist reads no variable FINASSIST_ROUTNG. Did you mean FINASSIST_ROUTING?\n"
        assert process.stderr.read() == note
    assert process.returncode == 1


def test_nothing_is_imported_needlessly() -> None:
    heavy = ("IPython", "aiohttp", "anywidget", "babel", "ipywidgets", "jinja2", "markdown_it", "nh3", "pandas")
    code = (
        "import sys; from finassist.__main__ import main; print(main(['ask', ' ']), 'agno' in sys.modules)\n"
        f"main(['ask', 'What is EBITDA?']); print(set({heavy}) & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    first, *_, last = done.stdout.splitlines()
    assert (first, last) == ("2 False", "set()"), "an empty question needs no Agno, an answer no widgets"
    assert done.stderr.startswith("finassist: The question is empty.")


@pytest.mark.parametrize(
    ("arguments", "meant"),
    [(["sesions"], "sessions"), (["ask", "--jsn", "Hello"], "--json"), (["sessions", "delet", "x"], "delete")],
)
def test_a_misspelt_option_or_command_is_suggested(arguments, meant, capsys) -> None:
    with pytest.raises(SystemExit, match="2"):
        main(arguments)
    assert f"Did you mean {meant}?" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "said"),
    [(["What is EBITDA?"], 'finassist ask "…"'), (["ask", "What", "is"], "quotes"), (["xyzzy"], "Commands: ask, ")],
)
def test_a_question_without_its_command_or_quotes_is_put_right(arguments, said, capsys) -> None:
    with pytest.raises(SystemExit, match="2"):
        main(arguments)
    assert said in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "kind", "code"),
    [
        (["ask", "--json", " "], "EmptyQuestion", 2),
        (["ask", "--json"], "Usage", 2),
        (["aks", "--json"], "Usage", 2),
        (["query", "--metric", "nope", "--json"], "InvalidQuery", 2),
        (["data", "--sector", "Nowhere", "--json"], "Failed", 1),
        (["batch", "absent.csv", "--json"], "FileNotFoundError", 1),
        (["sessions", "delete", "nope", "--json"], "Failed", 1),
    ],
)
def test_an_error_is_json_where_it_is_asked_for(arguments, kind, code, capsys) -> None:
    try:
        ended = main(arguments)
    except SystemExit as error:
        ended = error.code
    printed = capsys.readouterr()
    error = json.loads(printed.out)["error"]
    assert (ended, error["type"], error["exit_code"]) == (code, kind, code)
    assert error["message"] in printed.err


@pytest.mark.parametrize(
    ("command", "key"),
    [("cache", "folder"), ("cache clear", "removed"), ("config trust", "sets"), ("check Hello", None),
     ("data", "symbol"), ("config show", "setting"), ("doctor", "checks"), ("query --metrics", "formula"),
     ("sessions", None), ("history", None), ("eval --export cases.csv", "cases"), ("batch questions.txt", "answers"),
     ("batch questions.txt --estimate", "distinct")],
)  # fmt: skip
def test_every_command_can_print_json(command, key, tmp_path, monkeypatch, capsys) -> None:
    monkeypatch.setenv("FINASSIST_CACHE_FOLDER", str(tmp_path / "cache"))
    Path(".env").write_text("FINASSIST_YEARS=3")
    Path("questions.txt").write_text("What is EBITDA?")
    assert main([*command.split(), "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    first = found[:1] if isinstance(found, list) else [found]
    assert all(key in each for each in first)
    assert first or key is None


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_a_shell_completes_commands_and_options(shell, capsys) -> None:
    assert main(["completion", shell]) == 0
    script = capsys.readouterr().out
    assert all(word in script for word in ("sessions", "rename", "concurrency"))
    if shell == "bash":
        asked = f'{script}\nCOMP_WORDS=(finassist ses); COMP_CWORD=1; _shtab_finassist; echo "${{COMPREPLY[*]}}"'
        assert subprocess.run(["bash", "-c", asked], capture_output=True, text=True).stdout == "sessions\n"


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_what_ends_the_command_ends_the_streamlit_page(number, tmp_path) -> None:
    package = tmp_path / "path" / "streamlit"
    package.mkdir(parents=True)
    (package / "__init__.py").write_text("")
    (package / "__main__.py").write_text("import signal; print('serving', flush=True); signal.pause()")
    with subprocess.Popen(
        [sys.executable, "-m", "finassist", "streamlit", "--headless", "--json"],
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True,
        env={"PYTHONPATH": f"{tmp_path / 'path'}:{Path(finassist.__file__).parents[1]}"},
    ) as process:  # fmt: skip
        address = json.loads("".join(iter(process.stdout.readline, "}\n")) + "}")["address"]
        assert address.startswith("http://127.0.0.1:8501/?owner=")
        assert process.stdout.readline() == "serving\n"
        process.send_signal(number)
        assert process.communicate(timeout=600)[0] == "", "both have closed the output"
    assert process.returncode == 128 + signal.SIGTERM
