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
    from finassist.apps.cli.doctor import doctor
    from finassist.batch.batch import Batch
    from finassist.batch.budget import Budget
    from finassist.config.configure import configure
    from finassist.config.settings import Settings
    from finassist.config.sources import FinassistWarning
    from finassist.core.categories import CATEGORIES as categories  # noqa: N811  the documented name
    from finassist.core.errors import FinassistError
    from finassist.core.events import RunResponse
    from finassist.core.facts import Fact, Gap
    from finassist.llm.offline import OfflineModel
    from finassist.providers.embedded.provider import EmbeddedProvider
    from finassist.providers.fmp import FMPProvider
    from finassist.reporting.frames import by_company, by_year, read_frame, write_frame
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
    "EmbeddedProvider": ("finassist.providers.embedded.provider", "EmbeddedProvider"),
    "FMPProvider": ("finassist.providers.fmp", "FMPProvider"),
    "Fact": ("finassist.core.facts", "Fact"),
    "FinancialAssistantWorkflow": ("finassist.workflow", "FinancialAssistantWorkflow"),
    "FinassistError": ("finassist.core.errors", "FinassistError"),
    "FinassistWarning": ("finassist.config.sources", "FinassistWarning"),
    "Gap": ("finassist.core.facts", "Gap"),
    "OfflineModel": ("finassist.llm.offline", "OfflineModel"),
    "RunResponse": ("finassist.core.events", "RunResponse"),
    "Settings": ("finassist.config.settings", "Settings"),
    "by_company": ("finassist.reporting.frames", "by_company"),
    "by_year": ("finassist.reporting.frames", "by_year"),
    "categories": ("finassist.core.categories", "CATEGORIES"),
    "configure": ("finassist.config.configure", "configure"),
    "doctor": ("finassist.apps.cli.doctor", "doctor"),
    "read_frame": ("finassist.reporting.frames", "read_frame"),
    "write_frame": ("finassist.reporting.frames", "write_frame"),
}


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module 'finassist' has no attribute {name!r}")
    module, attribute = _HOME[name]
    value = globals()[name] = getattr(import_module(module), attribute)
    return value


def load_ipython_extension(shell: Any) -> None:
    """`%load_ext finassist`: gives a notebook `%%ask` and `%finassist`."""
    from finassist.apps.magics import load

    load(shell)


def unload_ipython_extension(shell: Any) -> None:
    """`%unload_ext finassist`."""
    from finassist.apps.magics import unload

    unload(shell)


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__])
