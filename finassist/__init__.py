"""Ask a financial question in plain words; get an answer you can trust, look at and compute with.

    from finassist import FinancialAssistantWorkflow

    workflow = FinancialAssistantWorkflow()
    answer = await workflow.arun("Compare Apple and Microsoft")

Importing this package is cheap: every name below is loaded when it is first used.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from finassist.answer import Answer
    from finassist.batch.batch import Batch
    from finassist.batch.budget import Budget
    from finassist.checkup import doctor
    from finassist.configuration import configure
    from finassist.data.embedded import EmbeddedProvider
    from finassist.data.fmp import FMPProvider
    from finassist.errors import FinassistError
    from finassist.events import RunResponse
    from finassist.facts import Fact, Gap
    from finassist.frames import by_company, by_year, read_frame, write_frame
    from finassist.llm.offline import OfflineModel
    from finassist.llm.schemas import CATEGORIES as categories  # noqa: N811  the documented name
    from finassist.settings import Settings
    from finassist.variables import FinassistWarning
    from finassist.workflow import FinancialAssistantWorkflow

__version__ = "0.1.0"

__all__ = [
    "Answer",
    "Batch",
    "Budget",
    "EmbeddedProvider",
    "FMPProvider",
    "Fact",
    "FinancialAssistantWorkflow",
    "FinassistError",
    "FinassistWarning",
    "Gap",
    "OfflineModel",
    "RunResponse",
    "Settings",
    "by_company",
    "by_year",
    "categories",
    "configure",
    "doctor",
    "read_frame",
    "write_frame",
]

_HOME: Final = {
    "Answer": ("finassist.answer", "Answer"),
    "Batch": ("finassist.batch.batch", "Batch"),
    "Budget": ("finassist.batch.budget", "Budget"),
    "EmbeddedProvider": ("finassist.data.embedded", "EmbeddedProvider"),
    "FMPProvider": ("finassist.data.fmp", "FMPProvider"),
    "Fact": ("finassist.facts", "Fact"),
    "FinancialAssistantWorkflow": ("finassist.workflow", "FinancialAssistantWorkflow"),
    "FinassistError": ("finassist.errors", "FinassistError"),
    "FinassistWarning": ("finassist.variables", "FinassistWarning"),
    "Gap": ("finassist.facts", "Gap"),
    "OfflineModel": ("finassist.llm.offline", "OfflineModel"),
    "RunResponse": ("finassist.events", "RunResponse"),
    "Settings": ("finassist.settings", "Settings"),
    "by_company": ("finassist.frames", "by_company"),
    "by_year": ("finassist.frames", "by_year"),
    "categories": ("finassist.llm.schemas", "CATEGORIES"),
    "configure": ("finassist.configuration", "configure"),
    "doctor": ("finassist.checkup", "doctor"),
    "read_frame": ("finassist.frames", "read_frame"),
    "write_frame": ("finassist.frames", "write_frame"),
}


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module 'finassist' has no attribute {name!r}")
    module, attribute = _HOME[name]
    value = globals()[name] = getattr(import_module(module), attribute)
    return value


def load_ipython_extension(shell: Any) -> None:
    """`%load_ext finassist`: gives a notebook `%%ask` and `%finassist`."""
    from finassist.magics import load

    load(shell)


def unload_ipython_extension(shell: Any) -> None:
    """`%unload_ext finassist`."""
    from finassist.magics import unload

    unload(shell)


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__])
