"""A laboratory for watching a workflow under bad weather: slow, failing and lying sources and models, on dials.

    >>> from finassist import FinancialAssistantWorkflow
    >>> from finassist.testing import Dials, FaultyProvider
    >>> dials = Dials(failure="unreachable", only="quote")
    >>> workflow = FinancialAssistantWorkflow(db=None, provider=FaultyProvider("embedded", dials))
    >>> [gap.error for gap in workflow.run("What is Apple's stock price?").gaps]
    ['Unreachable']

The dials may be turned while a run is under way; `dials.show()` shows them as widgets.

    dials.py       what is to happen to a call: latency, jitter, failures, on which calls, by which seed
    provider.py    any data source, disturbed
    model.py       any language model, disturbed
    tape.py        a run with its timing: recorded from real sources and models, played back without keys
    recording.py   the source and the model that record a tape
    replaying.py   the source and the model that play it
    stopwatch.py   any concurrent work of yours, drawn as a timeline
"""

from __future__ import annotations

from finassist.testing.dials import Dials
from finassist.testing.model import MODEL_FAILURES, FaultyModel
from finassist.testing.provider import DATA_FAILURES, FaultyProvider
from finassist.testing.recording import Recorder
from finassist.testing.replaying import ReplayModel, ReplayProvider
from finassist.testing.stopwatch import Stopwatch
from finassist.testing.tape import Tape

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
