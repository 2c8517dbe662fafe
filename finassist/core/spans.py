"""The spans of a run, where it is traced; a run that is not traced pays nothing for them.

    finassist.run ─┬─ understand ─┬─ router ─────────── chat MODEL ─── POST
                   │              └─ symbol_extraction ─ chat MODEL ─── POST
                   ├─ gather ──────── fetch NEED ─────── GET
                   ├─ compose, or chat
                   └─ store

Steps come from the events of the run, the rest from `measured`. OpenTelemetry is imported only where a run is traced.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable, Generator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from contextvars import ContextVar, Token
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from agno.exceptions import RunCancelledException

from finassist.core.events import FlowEvent, StepCompleted, StepStarted
from finassist.core.secrets import Secrets, redact

if TYPE_CHECKING:
    from opentelemetry.trace import Span, Tracer

type Attributes = dict[str, Any]

_CURRENT: Final[ContextVar[RunTrace | None]] = ContextVar("finassist_trace", default=None)
_CANCELLED: Final = (asyncio.CancelledError, GeneratorExit, KeyboardInterrupt, RunCancelledException)
_CONTENT: Final = frozenset({"input.value", "output.value", "exception.message", "finassist.symbol"})
"""Attributes that hold what was asked or found."""

_NUMBER: Final = re.compile(r"\d{3,}")


def measured(name: str, attributes: Attributes, *, step: str = "") -> AbstractContextManager[object]:
    """Inside, a span of the run under way: part of a step, or by default of the span around it.

    Its attributes are read once more at the end, so that results can be added.

    Example:
        >>> span = {"finassist.need": "income"}
        >>> with measured("fetch income", span, step="gather"):
        ...     span["finassist.facts"] = 12
    """
    trace = _CURRENT.get()
    return trace.measured(name, step, attributes) if trace else nullcontext()


@contextmanager
def sent(method: str, url: Any) -> Generator[Attributes]:
    """`measured` for an HTTP request: where it goes; of its path no number, and of its query nothing.

    Example:
        >>> from yarl import URL
        >>> with sent("GET", URL("https://data.sec.gov/companyfacts/CIK0000320193.json?key=s3cret")) as span:
        ...     span["url.template"]
        '/companyfacts/CIK{number}.json'
    """
    where = {"server.address": url.host, "server.port": url.port}
    span: Attributes = {"http.request.method": method, **where, "url.template": _NUMBER.sub("{number}", url.path)}
    with measured(method, span):
        yield span


# -------------------------------------------------------------------------------------------------- of one run


class Writer(NamedTuple):
    """Who writes the spans of runs, whether also what was asked and found, and what ends it when another begins."""

    tracer: Tracer
    content: bool
    close: Callable[[], None]


_active: list[Writer] = []


def is_traced() -> bool:
    """Whether runs are traced now."""
    return bool(_active)


def write_with(writer: Writer) -> None:
    """From now on this writes the spans of runs; what did so before is closed."""
    before, _active[:] = _active[:], [writer]
    for each in before:
        each.close()


def stop_writing(writer: Writer) -> None:
    """Trace no further run with it."""
    if _active == [writer]:
        _active.clear()


def begin(name: str, secrets: Callable[[], Secrets], attributes: Attributes) -> RunTrace | None:
    """The trace of a run that begins now; `None` where tracing is off."""
    return RunTrace(_active[0], name, secrets(), attributes) if _active else None


class RunTrace:
    """The spans of one run, written as they end. What is under way when the run ends, ends with it, the same way."""

    def __init__(self, writer: Writer, name: str, secrets: Secrets, attributes: Attributes) -> None:
        self._writer, self._secrets = writer, secrets
        self._steps: dict[str, Span] = {}
        self._root = self._opened(name, attributes)

    def attach(self) -> tuple[Token[RunTrace | None], Any]:
        """From now on, what is measured in this context is part of the trace; so are spans of other libraries."""
        from opentelemetry.context import attach
        from opentelemetry.trace import set_span_in_context

        return _CURRENT.set(self), attach(set_span_in_context(self._root))

    @contextmanager
    def attached(self) -> Generator[None]:
        """`attach`, and back again."""
        from opentelemetry.context import detach

        ours, theirs = self.attach()
        try:
            yield
        finally:
            detach(theirs)
            _CURRENT.reset(ours)

    def see(self, event: FlowEvent) -> None:
        """A step begins or ends."""
        name = str(getattr(event, "step_name", ""))
        if isinstance(event, StepStarted):
            self._steps[name] = self._opened(name, {}, self._steps.get(event.parent or ""))
        elif isinstance(event, StepCompleted) and (span := self._steps.pop(name, None)):
            self._closed(span, {}, "" if event.outcome == "completed" else event.outcome)

    @contextmanager
    def measured(self, name: str, step: str, attributes: Attributes) -> Generator[None]:
        """Inside, a span: part of a step, or of the span around it."""
        from opentelemetry.context import attach, detach
        from opentelemetry.trace import set_span_in_context

        span = self._opened(name, attributes, self._steps.get(step))
        around = attach(set_span_in_context(span))
        problem = ""
        try:
            yield
        except BaseException as error:
            problem = problem_of(error)
            raise
        finally:
            detach(around)
            self._closed(span, attributes, problem)

    def end(self, attributes: Attributes, problem: str = "") -> None:
        """The run is over."""
        while self._steps:
            self._closed(self._steps.popitem()[1], {}, problem)
        self._closed(self._root, attributes, problem)

    def _opened(self, name: str, attributes: Attributes, parent: Span | None = None) -> Span:
        from opentelemetry.trace import SpanKind, set_span_in_context

        kind = SpanKind.CLIENT if "server.address" in attributes else SpanKind.INTERNAL
        within = set_span_in_context(parent) if parent else None
        shown = self._allowed({"openinference.span.kind": "CHAIN", **attributes})
        return self._writer.tracer.start_span(name, within, kind, shown)

    def _closed(self, span: Span, attributes: Attributes, problem: str) -> None:
        from opentelemetry.trace import StatusCode

        refused = int(attributes.get("http.response.status_code", 0)) >= 400
        problem = problem or str(attributes.get("error.type") or (refused and "refused") or "")
        status = "completed" if not problem else problem if problem == "cancelled" else "error"
        span.set_attributes(self._allowed({**attributes, "finassist.status": status}))
        if status == "error":
            span.set_attribute("error.type", problem)
            span.set_status(StatusCode.ERROR, problem)
        elif status == "completed":
            span.set_status(StatusCode.OK)
        span.end()

    def _allowed(self, attributes: Attributes) -> Attributes:
        """What may stand in a span."""
        shown = {
            name: value
            for name, value in attributes.items()
            if value not in (None, "") and (self._writer.content or name not in _CONTENT)
        }
        return {name: redact(each, self._secrets) if isinstance(each, str) else each for name, each in shown.items()}


def problem_of(error: BaseException) -> str:
    """What a span says of the error that ended it: its kind, never its words."""
    return "cancelled" if isinstance(error, _CANCELLED) else type(error).__name__
