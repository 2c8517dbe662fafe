"""Test doubles for a workflow: slow, failing and lying sources and models, on dials; recorded runs; a stopwatch.

    >>> from finassist import FinancialAssistantWorkflow
    >>> from finassist.testing import Dials, FaultyProvider
    >>> dials = Dials(failure="unreachable", only="quote")
    >>> workflow = FinancialAssistantWorkflow(db=None, provider=FaultyProvider("embedded", dials))
    >>> [gap.error for gap in workflow.run("What is Apple's stock price?").gaps]
    ['Unreachable']

The dials may be turned while a run is under way.

    faults.py      any data source and any model, slow and failing as the dials say
    tapes.py       a run with its timing: recorded from real sources and models, played back without keys
    stopwatch.py   any concurrent work of yours, drawn as a timeline
"""

from __future__ import annotations

from finassist.testing.faults import DATA_FAILURES, MODEL_FAILURES, Dials, FaultyModel, FaultyProvider
from finassist.testing.stopwatch import Stopwatch
from finassist.testing.tapes import Recorder, ReplayModel, ReplayProvider, Tape

__all__ = [
    "DATA_FAILURES",
    "MODEL_FAILURES",
    "Dials",
    "FaultyModel",
    "FaultyProvider",
    "Recorder",
    "ReplayModel",
    "ReplayProvider",
    "Stopwatch",
    "Tape",
]
