"""What a person sees on a real terminal: colours, progress that goes away; and none of it where none is wanted."""

from __future__ import annotations

import fcntl
import os
import pty
import re
import struct
import subprocess
import sys
import termios
from pathlib import Path

import pytest

from finassist.__main__ import main

COLOUR = re.compile(r"\x1b\[[\d;]*3\dm")


RUN = """
import os, sys
from finassist.__main__ import main
for question, changed in (
    ("Tell me about Apple", {}), ("What is EBITDA?", {"NO_COLOR": "1"}), ("What is EBITDA?", {"TERM": "dumb"})
):
    os.environ.update({"NO_COLOR": "", "TERM": "xterm-256color", **changed})
    code = main(["ask", question])
    sys.stdout.write(f"<{code}>")
"""


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """Everything one process writes to a terminal of 90 columns: as usual, without colours, and to a dumb one."""
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 40, 90, 0, 0))
    clean = {name: value for name, value in os.environ.items() if name not in ("NO_COLOR", "FORCE_COLOR", "TERM")}
    process = subprocess.Popen(
        [sys.executable, "-c", RUN],
        stdin=theirs, stdout=theirs, stderr=theirs,
        env={**clean, "FINASSIST_HOME": str(tmp_path_factory.mktemp("home"))},
    )  # fmt: skip
    os.close(theirs)
    read = b""
    while True:
        try:
            read += os.read(ours, 65_536)
        except OSError:  # the terminal is closed
            break
    os.close(ours)
    assert process.wait(60) == 0, read.decode()
    *runs, rest = read.decode().split("<0>")
    assert (len(runs), rest) == (3, ""), read.decode()
    return runs


@pytest.mark.slow
def test_an_answer_is_formatted_and_its_progress_goes_away(written: list[str]) -> None:
    assert COLOUR.search(written[0])
    assert "| :-- |" not in written[0], "a table is drawn, not printed as Markdown"
    assert "\x1b[2K" in written[0], "the progress is erased"
    assert written[0].rstrip().splitlines()[-1].startswith("Continue this conversation with")


def test_a_long_answer_stands_once(written: list[str]) -> None:
    answer, _ = written[0].split("You could ask next:")
    last = answer.strip().splitlines()[-1]
    assert written[0].count(last) == 1, "what is higher than the terminal cannot be erased"


def test_colours_can_be_forced_without_a_terminal(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys) -> None:
    monkeypatch.setenv("FINASSIST_CACHE_FOLDER", str(tmp_path))
    monkeypatch.setenv("FINASSIST_HOME", str(tmp_path))
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.setenv("TERM", "xterm")
    assert main(["doctor"]) == 0
    assert "\x1b[32mok" in capsys.readouterr().out
    assert main(["ask", " "]) == 2
    assert "\x1b[1;31mfinassist:" in capsys.readouterr().err


def test_no_color_is_respected(written: list[str]) -> None:
    assert not COLOUR.search(written[1])
    assert "EBITDA" in written[1]


def test_a_dumb_terminal_gets_plain_lines(written: list[str]) -> None:
    assert "\x1b" not in written[2].replace("\x1b[2K", "")


@pytest.mark.slow
@pytest.mark.parametrize("arguments", [["batch", "--help"], ["history"], ["ask", "What is “EBITDA”?"]])
def test_an_encoding_that_has_less_is_no_reason_to_fail(arguments: list[str], tmp_path: Path) -> None:
    variables = {**os.environ, "PYTHONIOENCODING": "ascii", "FINASSIST_HOME": str(tmp_path)}
    done = subprocess.run([sys.executable, "-m", "finassist", *arguments], capture_output=True, env=variables)
    assert (done.returncode, done.stderr) == (0, b"")
    assert done.stdout.isascii()


def test_figures_as_csv(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys) -> None:
    monkeypatch.setenv("FINASSIST_HOME", str(tmp_path))
    assert main(["ask", "--csv", "What is Apple's revenue?"]) == 0
    header, first, *_ = capsys.readouterr().out.splitlines()
    assert header.startswith("symbol,field,period,value")
    assert first.startswith("AAPL,")


def test_markup_in_an_answer_is_text(capsys, monkeypatch: pytest.MonkeyPatch) -> None:
    from finassist.apps import terminal

    monkeypatch.setattr("sys.stdout.isatty", lambda: True, raising=False)
    terminal.show_markdown(
        "[red]x[/red] [here](https://evil.example/) \x1b]8;;https://evil.example/\x1b\\ ![i](https://e/)"
    )
    shown = capsys.readouterr().out
    assert "[red]x[/red]" in shown
    assert "\x1b]8" not in shown
