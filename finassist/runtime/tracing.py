"""`finassist.trace(...)`: what runs do as spans of OpenTelemetry, in a local database or at any OTLP endpoint.

Nothing of the process changes: the tracer provider is our own, and OpenTelemetry is imported by `trace()` alone.
"""

from __future__ import annotations

import asyncio
import atexit
import logging
import os
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, suppress
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Self
from urllib.parse import urlsplit

from finassist.config.settings import Settings
from finassist.core.errors import MissingExtra
from finassist.core.process import hush_logs, quietly
from finassist.core.spans import Writer, is_traced, stop_writing, write_with
from finassist.sessions.store import Store, open_store

if TYPE_CHECKING:
    from agno.db.base import BaseDb
    from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
    from opentelemetry.sdk.trace.export import SpanExporter

    from finassist.reporting.frames import DataFrame

_LOGS: Final = (
    "opentelemetry.exporter.otlp.proto.http.trace_exporter",
    "opentelemetry.exporter.otlp.common.http",
    "opentelemetry.sdk._shared_internal",
    "urllib3.connectionpool",
)
_SECONDS: Final = 3.0  # for an endpoint to answer: so long the end of a process may wait for it
_EVERY: Final = 1_000  # milliseconds
_MOST_WAITING: Final = 8_192  # spans; a process that makes more in a second loses some


# --------------------------------------------------------------------------------------------------- for users


class Tracing(AbstractContextManager["Tracing", None]):
    """The handle of one `trace(...)`. `close()` ends it, and so does leaving a `with` block.

    Attributes:
        lost: How many spans did not arrive.
        problem: Why not, or `""`.
    """

    def __init__(
        self, provider: Any, place: str, delivery: _Delivery | None = None, *, content: bool, store: Store | None = None
    ) -> None:
        self._provider, self._place, self._delivery, self._store = provider, place, delivery, store
        self.writer = Writer(provider.get_tracer("finassist", version("finassist")), content, self.close)
        atexit.register(self.close)

    @property
    def lost(self) -> int:
        """How many spans did not arrive."""
        return self._delivery.lost if self._delivery else 0

    @property
    def problem(self) -> str:
        """Why spans did not arrive, or `""`."""
        return self._delivery.problem if self._delivery else ""

    def flush(self) -> None:
        """Wait until the spans of the runs so far have been sent."""
        self._provider.force_flush()

    def spans(self, run_id: str) -> DataFrame:
        """The spans of a run in the local database, as `answer.spans()` has those of its tasks."""
        from finassist.reporting.frames import spans_frame

        self.flush()
        return spans_frame(self._store.ask(lambda database: _rows(database, run_id)) if self._store else ())

    async def aspans(self, run_id: str) -> DataFrame:
        """`spans` for a running loop, which is not blocked meanwhile."""
        return await asyncio.to_thread(self.spans, run_id)

    def close(self) -> None:
        """Trace no further run, and send what is left: within three seconds, or not at all."""
        atexit.unregister(self.close)
        stop_writing(self.writer)
        if self._delivery:
            self._delivery.closing = True
            self._provider.shutdown()
        if self._store:
            self._store.close()

    async def aclose(self) -> None:
        """`close` for a running loop, which is not blocked meanwhile."""
        await asyncio.to_thread(self.close)

    def __exit__(self, *_: object) -> None:
        self.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.aclose()

    def __repr__(self) -> str:
        lost = f"; {self.lost:,} spans lost: {self.problem}" if self.lost else ""
        return f"<traces to {self._place}{lost}>"


def trace(
    to: BaseDb | str | Path | SpanExporter | TracerProvider = "local",
    *,
    content: bool = False,
    headers: Mapping[str, str] | None = None,
) -> Tracing:
    """Write what every run of this process does from now on as spans of OpenTelemetry.

    Spans of a run: understanding, each model call and HTTP request, each fetch, composing and storing. They have
    names, times, counts and statuses; no key, and no question, symbol or figure unless `content` asks for them.

    Args:
        to: `"local"` for the session database, in Agno's tables of traces, which AgentOS shows; another database as of
            a workflow; the address of an OTLP endpoint (`"http://localhost:4318"`), or `"otlp"` for the one that
            `OTEL_EXPORTER_OTLP_ENDPOINT` names; a span exporter; or a tracer provider of your own.
        content: Whether spans also have the question, the answer, symbols and messages of errors.
        headers: For the endpoint, such as its key.

    Returns:
        A handle: use it in a `with` or `async with` block, or call its `close()`. A later `trace()` ends this one.

    Raises:
        MissingExtra: OpenTelemetry is not installed.
        SessionError: The database cannot be opened.

    Example:
        >>> from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
        >>> from finassist import FinancialAssistantWorkflow, trace
        >>> seen = InMemorySpanExporter()
        >>> with trace(seen):
        ...     answer = FinancialAssistantWorkflow(db=None).run("What is Apple's stock price?")
        >>> [span.name for span in seen.get_finished_spans()]
        ['understand', 'fetch closes', 'gather', 'compose', 'store', 'finassist.run']
    """
    try:
        opened = _opened(to, headers, content=content)
    except ImportError as error:
        raise MissingExtra("Tracing needs OpenTelemetry. Run: pip install 'finassist[trace]'") from error
    write_with(opened.writer)
    return opened


def trace_as_set(to: str, database: Any) -> None:
    """Begin what the setting `trace` asks for, where nothing is traced yet; `"local"` is the database of a workflow."""
    if to and not is_traced():
        trace(database if to == "local" else to)


def _opened(to: Any, headers: Mapping[str, str] | None, *, content: bool) -> Tracing:
    if hasattr(to, "get_tracer"):
        return Tracing(to, "the given provider", content=content)
    if hasattr(to, "export"):
        return Tracing(*_delivered(to, type(to).__name__), content=content)
    if isinstance(to, str) and (to == "otlp" or to.startswith(("http://", "https://"))):
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter

        timeout = None if "OTEL_EXPORTER_OTLP_TIMEOUT" in os.environ else _SECONDS
        exporter = OTLPSpanExporter(_endpoint(to), headers=headers, timeout=timeout)
        return Tracing(*_delivered(exporter, urlsplit(to).netloc.rpartition("@")[2] or to), content=content)
    from agno.tracing.exporter import DatabaseSpanExporter

    store = open_store(Settings().database if to == "local" else to)
    database = store.for_run()
    return Tracing(
        *_delivered(DatabaseSpanExporter(database), "the local database", database.get_span),
        content=content,
        store=store,
    )


def _endpoint(to: str) -> str | None:
    """The address that takes traces, from that of the endpoint; `None` for the one of the environment."""
    if to == "otlp" or to.endswith("/v1/traces"):
        return None if to == "otlp" else to
    return f"{to.rstrip('/')}/v1/traces"


def _delivered(exporter: Any, place: str, stored: Callable[[str], Any] | None = None) -> tuple[Any, str, _Delivery]:
    """A provider of our own that hands its spans to an exporter, in a thread."""
    from opentelemetry.sdk.resources import Resource
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import BatchSpanProcessor

    hush_logs(*_LOGS)
    delivery: Any = _Delivery(exporter, place, stored)
    name = os.environ.get("OTEL_SERVICE_NAME", "finassist")
    resource = Resource.create({"service.name": name, "service.version": version("finassist")})
    provider = TracerProvider(resource=resource, shutdown_on_exit=False)
    provider.add_span_processor(BatchSpanProcessor(delivery, _MOST_WAITING, _EVERY))
    return provider, place, delivery


@dataclass
class _Delivery:
    """An exporter whose failures never reach a run: they are counted, and logged once."""

    exporter: SpanExporter
    place: str
    stored: Callable[[str], Any] | None = None
    lost: int = 0
    problem: str = ""
    closing: bool = False

    def export(self, spans: Sequence[ReadableSpan]) -> Any:
        """Called in the thread of the processor, or in that of `flush`."""
        if self.closing and self.problem:  # the process wants to end
            return self._lose(spans, self.problem)
        try:
            result = quietly(lambda: self.exporter.export(spans))
            if result.name == "SUCCESS" and (self.stored is None or self.stored(_id(spans[-1]))):
                return result
        except Exception as error:  # noqa: BLE001  whatever an exporter raises, answers go on
            return self._lose(spans, type(error).__name__)
        return self._lose(spans, "no answer, or a refusal")

    def _lose(self, spans: Sequence[ReadableSpan], problem: str) -> Any:
        from opentelemetry.sdk.trace.export import SpanExportResult

        if not self.problem:
            words = "Traces do not reach %s (%s). Answers continue without them. Check the address, or close the trace."
            logging.getLogger("finassist").warning(words, self.place, problem)
        self.lost, self.problem = self.lost + len(spans), problem
        return SpanExportResult.FAILURE

    def shutdown(self) -> None:
        """Close the exporter."""
        with suppress(Exception):
            quietly(self.exporter.shutdown)

    def force_flush(self, timeout_millis: int = 30_000) -> bool:
        """Nothing waits here."""
        return True


def _id(span: ReadableSpan) -> str:
    return format(span.context.span_id, "016x") if span.context else ""


def _rows(database: Any, run_id: str) -> list[dict[str, Any]]:
    traces, _ = database.get_traces(run_id=run_id)
    spans = [span for each in traces for span in database.get_spans(trace_id=each.trace_id)]
    names = {span.span_id: span.name for span in spans}
    spans.sort(key=lambda span: span.start_time)
    return [
        {
            "name": span.name,
            "parent": names.get(span.parent_span_id),
            "start": (span.start_time - spans[0].start_time).total_seconds(),
            "end": (span.end_time - spans[0].start_time).total_seconds(),
            "status": span.attributes.get("finassist.status"),
        }
        for span in spans
    ]
