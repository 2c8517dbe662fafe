"""What an answer is handed on as: code, a notebook, a workbook, a PDF; `finassist.reporting` makes what they give."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

from finassist.core.process import WORKBOOK, check_new_file, written_whole


class HandedOn:
    """The part of an answer that other programs, and people without this one, go on with."""

    @property
    def code(self) -> str:
        """The few lines of Python that give this answer, as they can be run.

        Example:
            >>> from finassist import FinancialAssistantWorkflow
            >>> FinancialAssistantWorkflow(db=None).run("What was Apple's net margin in FY2023?").code.splitlines()[-1]
            "answer = workflow.query(Query(metrics=['net_margin'], companies=['AAPL'], periods=['FY2023']))"
        """
        from finassist.reporting.handoff import code_of

        return code_of(self)

    def to_notebook(self, path: str | Path | None = None) -> dict[str, Any]:
        """A notebook that asks again and recomputes every derived figure from what was filed, with asserts.

        Args:
            path: Where to write it, such as `"answer.ipynb"`; by default nowhere.

        Returns:
            The notebook, as nbformat's JSON.
        """
        from finassist.reporting.handoff import notebook_of

        notebook = notebook_of(self)
        if path is not None:
            Path(path).write_text(json.dumps(notebook, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
        return notebook

    def to_excel(self, path: str | Path) -> Path:
        """Write a workbook with live formulas: change a blue figure, and all that follows from it changes.

        The sheet Facts has the figures with their sources and filings, Calculation a formula for each that was
        computed, Checks turns red where a formula no longer gives the figure of this answer, and a valuation has a
        sheet Model with its assumptions.

        Args:
            path: Ends in `.xlsx`. A file that is there is replaced, once the new one is whole.

        Raises:
            MissingExtra: The packages of `finassist[export]` are not installed.
            ConfigurationError: The name does not end in `.xlsx`, or its folder is not there.

        Example:
            >>> from tempfile import TemporaryDirectory
            >>> from finassist import FinancialAssistantWorkflow
            >>> answer = FinancialAssistantWorkflow(db=None).run("Apple's net margin in FY2023")
            >>> with TemporaryDirectory() as folder:
            ...     answer.to_excel(f"{folder}/margin.xlsx").name
            'margin.xlsx'
        """
        target = check_new_file(path, WORKBOOK)
        from finassist.reporting.workbook import workbook
        from finassist.symbols import directory

        answer: Any = self
        symbols = dict.fromkeys(fact.symbol for fact in answer.facts)
        companies = [company for symbol in symbols if (company := directory().lookup(symbol))]
        return written_whole(target, workbook(answer, companies).save)

    async def ato_excel(self, path: str | Path) -> Path:
        """`to_excel` in a thread, beside the running loop."""
        return await asyncio.to_thread(self.to_excel, path)

    def to_pdf(self, path: str | Path) -> Path:
        """Print the answer as a PDF with a Chromium or Chrome on this computer; nothing is loaded from a network.

        Raises:
            MissingExtra: There is no such browser; the message says what to install.
            ConfigurationError: The browser made no PDF.
        """
        from finassist.core.browser import printed

        return printed(self._paper(), path)

    async def ato_pdf(self, path: str | Path) -> Path:
        """`to_pdf` on the running loop."""
        from finassist.core.browser import aprinted

        return await aprinted(self._paper(), path)

    def _paper(self) -> str:
        from finassist.reporting.html import paper_html

        answer: Any = self
        return paper_html(answer)
