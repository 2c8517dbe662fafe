"""Ask a financial question in plain words; get an answer you can trust, look at and compute with.

    from finassist import FinancialAssistantWorkflow

    workflow = FinancialAssistantWorkflow()
    answer = await workflow.arun("Compare Apple and Microsoft")

Importing this package is cheap: every name below is loaded when it is first used.
"""
# ruff: noqa: F403  the imports below are for type checkers

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from finassist import frames as frames
    from finassist.answer import Answer as Answer
    from finassist.apps.checking import acheck as acheck
    from finassist.apps.checking import check as check
    from finassist.apps.cli.doctor import doctor as doctor
    from finassist.apps.tools import tools as tools
    from finassist.batch.batch import Batch as Batch
    from finassist.batch.budget import Budget as Budget
    from finassist.config import configure as configure
    from finassist.config.settings import Settings as Settings
    from finassist.config.sources import FinassistWarning as FinassistWarning
    from finassist.core.cases import Case as Case
    from finassist.core.cases import read_cases as read_cases
    from finassist.core.cases import write_cases as write_cases
    from finassist.core.claims import Claim as Claim
    from finassist.core.claims import Feedback as Feedback
    from finassist.core.claims import Finding as Finding
    from finassist.core.errors import *
    from finassist.core.events import *
    from finassist.core.facts import Fact as Fact
    from finassist.core.facts import Gap as Gap
    from finassist.core.filters import Filter as Filter
    from finassist.core.query import Query as Query
    from finassist.core.result import CATEGORIES
    from finassist.evals import aevaluate as aevaluate
    from finassist.evals import evaluate as evaluate
    from finassist.evals.evaluation import Comparison as Comparison
    from finassist.evals.evaluation import Evaluation as Evaluation
    from finassist.llm.offline import OfflineModel as OfflineModel
    from finassist.providers.embedded import EmbeddedProvider as EmbeddedProvider
    from finassist.providers.fmp import FMPProvider as FMPProvider
    from finassist.providers.frame import FrameProvider as FrameProvider
    from finassist.providers.registry import FallbackProvider as FallbackProvider
    from finassist.providers.sec import SECProvider as SECProvider
    from finassist.reporting.files import read_frame as read_frame
    from finassist.reporting.files import write_frame as write_frame
    from finassist.reporting.frames import by_company as by_company
    from finassist.reporting.frames import by_year as by_year
    from finassist.reporting.frames import describe as describe
    from finassist.reporting.markdown import Checked as Checked
    from finassist.reporting.sources import SourceComparison as SourceComparison
    from finassist.runtime.tracing import Tracing as Tracing
    from finassist.runtime.tracing import trace as trace
    from finassist.workflow import FinancialAssistantWorkflow as FinancialAssistantWorkflow

    categories = CATEGORIES

__version__ = "0.1.0"

_NAMES: Final = {
    "finassist.answer": "Answer",
    "finassist.apps.cli.doctor": "doctor",
    "finassist.apps.checking": "check acheck",
    "finassist.apps.tools": "tools",
    "finassist.batch.batch": "Batch",
    "finassist.batch.budget": "Budget",
    "finassist.config": "configure",
    "finassist.config.settings": "Settings",
    "finassist.config.sources": "FinassistWarning",
    "finassist.core.result": "categories",
    "finassist.core.errors": """
        FinassistError
        InputError EmptyQuestion QuestionTooLong NotText InvalidSessionId InvalidSymbol InvalidLimit InvalidQuery
        NotQuestions MissingColumn QuestionsFailed
        ConfigurationError UnknownProvider UnknownModel MissingExtra
        DataError UnknownSymbol NotEmbedded NotOffered AuthError PlanError QuotaExhausted RateLimited NotFound
        SourceTimeout Unreachable TooLarge BadPayload
        ModelError ModelFailed ModelAuthError ModelOverloaded ModelUnreachable ModelTimeout ContextOverflow
        ModelRefused MalformedReply TruncatedReply ReplyTooLong
        SessionError LedgerError LedgerInUse LedgerMismatch LedgerFull BudgetReached WorkerLost ClusterError
        BridgeError
    """,
    "finassist.core.events": """
        RunResponse StepStarted StepCompleted Routed SymbolResolved ChoicesOffered
        FetchStarted FetchCompleted FetchFailed RunContentEvent
        WorkflowStartedEvent WorkflowCompletedEvent WorkflowErrorEvent WorkflowCancelledEvent
    """,
    "finassist.core.facts": "Fact Gap",
    "finassist.core.cases": "Case read_cases write_cases",
    "finassist.core.claims": "Claim Feedback Finding",
    "finassist.core.filters": "Filter",
    "finassist.core.query": "Query",
    "finassist.evals.evaluation": "Comparison Evaluation",
    "finassist.evals": "aevaluate evaluate",
    "finassist.llm.offline": "OfflineModel",
    "finassist.providers.embedded": "EmbeddedProvider",
    "finassist.providers.registry": "FallbackProvider",
    "finassist.providers.fmp": "FMPProvider",
    "finassist.providers.frame": "FrameProvider",
    "finassist.providers.sec": "SECProvider",
    "finassist.reporting.markdown": "Checked",
    "finassist.reporting.files": "read_frame write_frame",
    "finassist.reporting.frames": "by_company by_year describe",
    "finassist.reporting.sources": "SourceComparison",
    "finassist.runtime.tracing": "Tracing trace",
    "finassist.workflow": "FinancialAssistantWorkflow",
}
_HOME: Final = {name: module for module, names in _NAMES.items() for name in names.split()}

__all__ = sorted(_HOME)  # pyright: ignore[reportUnsupportedDunderAll]  one list of names is enough


def __getattr__(name: str) -> Any:
    if name == "frames":
        return import_module("finassist.frames")
    if name not in _HOME:
        raise AttributeError(f"module 'finassist' has no attribute {name!r}")
    attribute = "CATEGORIES" if name == "categories" else name
    value = globals()[name] = getattr(import_module(_HOME[name]), attribute)
    return value


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__])


def load_ipython_extension(shell: Any) -> None:
    """`%load_ext finassist`: gives a notebook `%%ask` and `%finassist`."""
    from finassist.apps.magics import load

    load(shell)


def unload_ipython_extension(shell: Any) -> None:
    """`%unload_ext finassist`."""
    from finassist.apps.magics import unload

    unload(shell)
