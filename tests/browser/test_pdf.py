"""A PDF of an answer, printed by the real Chromium: with pages and words, and nothing left behind."""

from __future__ import annotations

import asyncio
import re
import shutil
import subprocess
import tempfile
import threading
from collections.abc import Coroutine
from pathlib import Path
from typing import Any

import pytest

from finassist import FinancialAssistantWorkflow

WORKFLOW = FinancialAssistantWorkflow(db=None)
QUESTION = "What was Apple's net margin in FY2023?"


@pytest.fixture(autouse=True)
def desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where temporary files of these tests go."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    return tmp_path


def begun(desk: Path) -> bool:
    """Whether a browser has begun to print."""
    return any(desk.glob("finassist-pdf-*/profile"))


def apart(work: Coroutine[Any, Any, None]) -> None:
    """Run it on a loop of another thread: the pages of other browser tests keep one running on this."""
    thread = threading.Thread(target=lambda: asyncio.run(work))
    thread.start()
    thread.join()


def pages(path: Path) -> int:
    return len(re.findall(rb"/Type\s*/Page\b", path.read_bytes()))


def words(path: Path) -> str:
    if not shutil.which("pdftotext"):
        pytest.skip("The words of a PDF are read by pdftotext (Debian: `apt-get install poppler-utils`).")
    text = subprocess.run(["pdftotext", str(path), "-"], capture_output=True, text=True, check=True).stdout
    return "".join(text.split())


def test_a_pdf_has_the_words_of_the_answer(desk: Path) -> None:
    answer = WORKFLOW.run(QUESTION)
    path = answer.to_pdf(desk / "answer.pdf")
    assert pages(path) == 1
    assert list(desk.glob("finassist-pdf-*")) == []
    text = words(path)
    assert answer.headline.replace(" ", "") in text
    assert QUESTION.replace(" ", "") in text


def test_a_pdf_of_a_report_is_unfolded(desk: Path) -> None:
    path = desk / "report.pdf"
    apart(WORKFLOW.run("Full report on Apple").ato_pdf(path))
    assert pages(path) > 2
    text = words(path)
    assert all(title in text for title in ("Balancesheet", "Accountspayable", "Ratiosandgrowth", "Interestcover"))


def test_a_cancelled_pdf_leaves_no_process_and_no_file(desk: Path) -> None:
    async def cancelled() -> None:
        printing = asyncio.create_task(WORKFLOW.run(QUESTION).ato_pdf(desk / "answer.pdf"))
        while not begun(desk):
            await asyncio.sleep(0)
        printing.cancel()
        with pytest.raises(asyncio.CancelledError):
            await printing

    apart(cancelled())
    assert list(desk.iterdir()) == []
    running = subprocess.run(["ps", "-eo", "args"], capture_output=True, text=True, check=True).stdout
    assert str(desk) not in running
