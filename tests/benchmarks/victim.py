"""A batch in a process of its own, to be killed: `python -m tests.benchmarks.victim LEDGER LOG COUNT CONCURRENCY`.

It asks `COUNT` questions about as many companies of a source on this machine. The source appends a line to `LOG` for
each company it is asked about, before it answers: what was asked how often is known whatever becomes of the process.
With a fifth argument, a ticker, the process kills itself where that company is asked about.
"""

from __future__ import annotations

import asyncio
import os
import signal
import sqlite3
import subprocess
import sys
from collections import Counter
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from time import sleep

from agno.tools.finance import FinanceProvider, FinancialStatement

from finassist.symbols import directory
from finassist.workflow import FinancialAssistantWorkflow

_DELAY, _LOOK = 0.004, 0.002


class LoggingSource(FinanceProvider):
    """Knows the revenue of every company, and writes down who was asked about."""

    id = "logging"
    name = "Logging source"
    capabilities = frozenset({"get_financials"})

    def __init__(self, log: Path, poison: str = "") -> None:
        self._log = os.open(log, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        self._poison = poison

    async def aget_financials(
        self, symbol: str, statement: str = "income", period: str = "annual", limit: int = 4
    ) -> list[FinancialStatement]:
        """One year of it."""
        os.write(self._log, f"{symbol}\n".encode())
        if symbol == self._poison:
            os.kill(os.getpid(), signal.SIGKILL)
        await asyncio.sleep(_DELAY)
        year = FinancialStatement(
            symbol=symbol, statement=statement, period="annual", report_period="2025-12-31", fiscal_period="FY2025",
            currency="USD", items={"revenue": 100.0, "net_income": 10.0},
        )  # fmt: skip
        return [year]


def symbols(count: int) -> list[str]:
    """So many tickers: those of letters alone first."""
    known = [each.symbol for each in directory().companies()]
    return sorted(known, key=lambda symbol: not symbol.isalpha())[:count]


def ask(ledger: Path, log: Path, count: int, concurrency: int, poison: str = "") -> None:
    """Ask all questions, from wherever the ledger is."""
    workflow = FinancialAssistantWorkflow(db=None, provider=LoggingSource(log, poison), routing="rules")
    questions = [f"Income statement of ${symbol}" for symbol in symbols(count)]
    workflow.run_many(questions, ledger=ledger, concurrency=concurrency, live=False)


@dataclass(frozen=True)
class Survival:
    """A batch that is killed and called again.

    Attributes:
        folder: Where its ledger and its log are.
        count: Questions.
        concurrency: Asked at the same time.
        poison: A ticker that kills its process, or none.
    """

    folder: Path
    count: int
    concurrency: int
    poison: str = ""

    @property
    def ledger(self) -> Path:
        """The ledger of the batch."""
        return self.folder / "batch.db"

    def call(self, kill_at: int | None = None) -> int:
        """Call once, to the end or until so many questions are recorded; the exit code, negative for a signal."""
        arguments = [str(self.ledger), str(self._log), str(self.count), str(self.concurrency), self.poison]
        process = subprocess.Popen([sys.executable, "-m", "tests.benchmarks.victim", *arguments])
        while kill_at is not None and self.recorded() < kill_at and process.poll() is None:
            sleep(_LOOK)
        if kill_at is not None:
            process.kill()
        return process.wait()

    def recorded(self) -> int:
        """How many questions the ledger has an outcome for."""
        try:
            with closing(sqlite3.connect(f"{self.ledger.as_uri()}?mode=ro", uri=True)) as db:
                return db.execute("SELECT count(*) FROM questions WHERE at IS NOT NULL").fetchone()[0]
        except sqlite3.OperationalError:  # not made yet
            return 0

    def asked(self) -> Counter[str]:
        """How often the source was asked about each company."""
        return Counter(self._log.read_text().split()) if self._log.exists() else Counter()

    @property
    def _log(self) -> Path:
        return self.folder / "asked.log"


if __name__ == "__main__":
    ask(Path(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3]), int(sys.argv[4]), *sys.argv[5:6])
