"""What a run did and when: kept with a stored run, and written as spans of OpenTelemetry where that is asked for."""

from __future__ import annotations

import asyncio
import json
import os
import sqlite3
import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from agno.models.openai import OpenAIChat
from agno.run.base import RunStatus
from agno.run.cancel import get_active_runs
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import get_current_span, get_tracer

from finassist import Answer, FinancialAssistantWorkflow, MissingExtra, Settings, trace
from tests.fmp_server import KEY as FMP_KEY
from tests.fmp_server import fmp, fmp_server
from tests.model_server import ModelServer
from tests.servers import Server, answer, hang_up
from tests.worlds import Held, ScriptedModel, ScriptedProvider, World

# ------------------------------------------------------------------------------------- timelines of stored runs


def same_timeline(restored: Answer, live: Answer) -> bool:
    spans = restored.spans()
    return (
        len(spans) > 1
        and spans.equals(live.spans())
        and str(restored.timeline) == str(live.timeline)
        and (restored.tasks, restored.duration) == (live.tasks, live.duration)
    )


@pytest.mark.parametrize("question", ["Compare Apple and Microsoft", "What is EBITDA?", "What was Apple's net margin?"])
def test_a_stored_answer_has_the_timeline_of_the_live_one(question: str, tmp_path: Path, run_async: Any) -> None:
    workflow = FinancialAssistantWorkflow(db=tmp_path / "s.db", metadata={"desk": "rates"})
    live = [workflow.run(question), run_async(workflow.arun(question))]
    restored = FinancialAssistantWorkflow(db=tmp_path / "s.db", session_id=workflow.session_id).answers()
    assert all(map(same_timeline, restored, live))
    assert {tuple(answer.metadata.items()) for answer in (*live, *restored)} == {(("desk", "rates"),)}


RESTORED = """
import sys
from finassist import FinancialAssistantWorkflow
[answer] = FinancialAssistantWorkflow(db=sys.argv[1], session_id=sys.argv[2]).answers()
print(answer.spans().to_json())
print(answer.timeline)
"""


@pytest.mark.slow
def test_it_is_the_same_in_another_process(stored_workflow: FinancialAssistantWorkflow, tmp_path: Path) -> None:
    live = stored_workflow.run("Compare Apple and Microsoft")
    command = [sys.executable, "-c", RESTORED, str(tmp_path / "sessions.db"), stored_workflow.session_id]
    spans, _, picture = subprocess.run(command, capture_output=True, text=True, check=True).stdout.partition("\n")
    assert (spans, picture.strip()) == (live.spans().to_json(), str(live.timeline))


def test_a_run_that_failed_and_one_that_was_stopped_have_theirs(tmp_path: Path) -> None:
    broken = World(chat="fails", sources={"quote AAPL": "refuses"})
    workflow = FinancialAssistantWorkflow(
        db=tmp_path / "s.db", model=ScriptedModel(broken), provider=ScriptedProvider(broken)
    )
    partly = workflow.run("What is Apple's stock price?", session_id="partly")
    with pytest.raises(Exception, match="overloaded"):
        workflow.run("What is EBITDA?", session_id="failed")
    left = workflow.run("Tell me about Tesla", stream=True, session_id="stopped")
    next(event for event in left if event.event == "FetchStarted")
    left.close()
    statuses = {
        name: dict(workflow.answers(name)[0].spans()[["name", "status"]].to_numpy().tolist())
        for name in ("partly", "failed", "stopped")
    }
    assert same_timeline(workflow.answers("partly")[0], partly)
    assert (statuses["partly"]["run"], statuses["partly"]["quote AAPL"]) == ("completed", "error")
    assert (statuses["failed"]["run"], statuses["failed"]["chat"]) == ("error", "error")
    assert (statuses["stopped"]["understand"], statuses["stopped"]["gather"]) == ("completed", "cancelled")
    workflow.close()


@pytest.mark.parametrize("stored", [None, {}, {"finassist_tasks": "[[1]]"}, {"finassist_tasks": "[["}])
def test_a_run_of_an_older_version_or_with_a_damaged_timeline_is_read(stored: Any, tmp_path: Path) -> None:
    workflow = FinancialAssistantWorkflow(db=tmp_path / "s.db")
    live = workflow.run("What is Apple's stock price?")
    with sqlite3.connect(tmp_path / "s.db") as connection:
        [(text,)] = connection.execute("SELECT run_data FROM agno_runs")
        changed = json.dumps({**json.loads(text), "metadata": stored})
        connection.execute("UPDATE agno_runs SET run_data = ?", [changed])
    connection.close()
    [answer] = workflow.answers()
    assert answer.facts == live.facts
    assert answer.spans()[["name", "status"]].to_numpy().tolist() == [["run", "completed"]]
    assert len(text) - len(changed) < 0.2 * len(text), "a timeline is a small part of what is stored"
    workflow.close()


# ----------------------------------------------------------------------------------------------------- spans

COMPARE = "Compare Apple and Microsoft"
RUN, STEPS = "finassist.run", ("understand", "gather", "compose", "store")


@pytest.fixture
def seen() -> Iterator[InMemorySpanExporter]:
    """Where the spans of a test arrive; whatever it traced has ended with it."""
    with traced() as exporter:
        yield exporter


class Arrivals(InMemorySpanExporter):
    """Knows how to wait for what is under way."""

    flush: Any = None


@contextmanager
def traced(**options: Any) -> Iterator[Arrivals]:
    exporter = Arrivals()
    with trace(exporter, **options) as handle:
        exporter.flush = handle.flush
        yield exporter


def arrived(exporter: Any) -> list[Any]:
    """The spans so far, in order of their beginning, each with the name of its parent."""
    exporter.flush()
    spans = sorted(exporter.get_finished_spans(), key=lambda span: span.start_time)
    exporter.clear()
    return spans


def tree(spans: list[Any]) -> Counter[tuple[str, str, str, str]]:
    """What is part of what, and how it ended."""
    names = {span.context.span_id: span.name for span in spans}
    return Counter(
        (
            span.name,
            names[span.parent.span_id] if span.parent else "",
            span.status.status_code.name,
            span.attributes["finassist.status"],
        )
        for span in spans
    )


def is_whole(spans: list[Any]) -> bool:
    """Whether every span is inside its parent in time, in one trace with one root."""
    known = {span.context.span_id: span for span in spans}
    inside = all(
        (parent := known[span.parent.span_id]).start_time <= span.start_time <= span.end_time <= parent.end_time
        for span in spans
        if span.parent
    )
    roots = [span for span in spans if not span.parent]
    return inside and len(roots) == 1 and {span.context.trace_id for span in spans} == {roots[0].context.trace_id}


def dump(spans: list[Any]) -> str:
    return "\n".join(span.to_json() for span in spans)


def test_both_forms_have_the_same_spans(seen: InMemorySpanExporter, run_async: Any) -> None:
    world = World(sources={"quote MSFT": "refuses"}, symbols=("AAPL", "MSFT"))

    def new() -> FinancialAssistantWorkflow:
        return FinancialAssistantWorkflow(
            db=None, model=ScriptedModel(world), provider=ScriptedProvider(world), routing="model"
        )

    for question in (COMPARE, "What is EBITDA?"):
        new().run(question)
        sync = arrived(seen)
        run_async(new().arun(question))
        assert is_whole(sync)
        assert tree(sync) == tree(arrived(seen))
        found = {(name, parent) for name, parent, _, _ in tree(sync)}
        assert {("understand", RUN), ("router", "understand"), ("chat scripted", "router"), ("store", RUN)} <= found
    new().run(COMPARE)
    failed = next(span for span in arrived(seen) if span.attributes.get("error.type"))
    assert (failed.name, failed.attributes["error.type"]) == ("fetch quote", "DataError")


def test_requests_are_part_of_what_needs_them(seen: InMemorySpanExporter, run_async: Any) -> None:
    with ModelServer() as models, fmp_server() as source:
        model = OpenAIChat(id="live", api_key=FMP_KEY, base_url=models.url)
        workflow = FinancialAssistantWorkflow(db=None, model=model, provider=fmp(source), routing="model")
        for ask in (workflow.run, lambda question: run_async(workflow.arun(question))):
            ask("$AAPL report")
            spans = arrived(seen)
            found = tree(spans)
            assert found["POST", "chat live", "OK", "completed"] == 2, "the router and the extraction"
            assert found["GET", "fetch income", "OK", "completed"] == 1
            assert is_whole(spans)
            [post, *_] = [span for span in spans if span.name == "POST"]
            assert post.attributes["url.template"] == "/v1/chat/completions"
            [chat, *_] = [span for span in spans if span.name == "chat live"]
            assert chat.attributes["gen_ai.usage.input_tokens"] == 100
        workflow.close()


@pytest.mark.parametrize("content", [False, True])
def test_what_stands_in_spans(content: bool, run_async: Any) -> None:
    tracing = traced(content=content, headers={"key": FMP_KEY})
    with ModelServer() as models, fmp_server() as source, tracing as exporter:
        models.moods = {"chat": "401"}  # its answer repeats the key
        model = OpenAIChat(id="live", api_key=FMP_KEY, base_url=models.url)
        workflow = FinancialAssistantWorkflow(db=None, model=model, provider=fmp(source), routing="model")
        answer = workflow.run("$AAPL report for Zanzibar", session_id="s")
        models.category, models.symbols = "chat", ()
        with pytest.raises(Exception, match="key"):
            run_async(workflow.arun("Why is the sky blue over Zanzibar?"))
        text = dump(arrived(exporter))
        workflow.close()
    assert FMP_KEY not in text
    figure = str(next(fact.value for fact in answer.facts if fact.field == "revenue"))[:6]
    for said in ("Zanzibar", "AAPL", "finassist.symbol", "did not accept"):
        assert (said in text) == content, said
    assert content or figure not in text


def test_runs_at_the_same_time_and_in_threads_stay_apart(seen: InMemorySpanExporter) -> None:
    workflow = FinancialAssistantWorkflow(db=None)

    async def several() -> None:
        async with asyncio.TaskGroup() as group:
            for index in range(16):
                group.create_task(workflow.arun(COMPARE, session_id=f"a{index}"))

    # One loop: Agno's register of runs has one lock, which two loops at the same time cannot share.
    threads = [threading.Thread(target=lambda: asyncio.run(several()))]
    threads += [threading.Thread(target=workflow.run, args=(COMPARE,), kwargs={"session_id": f"t{n}"}) for n in (1, 2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    by_trace: dict[int, list[Any]] = {}
    for span in arrived(seen):
        by_trace.setdefault(span.context.trace_id, []).append(span)
    assert len(by_trace) == 18
    first, *others = by_trace.values()
    assert is_whole(first)
    assert all(tree(spans) == tree(first) for spans in others)


def test_a_batch_has_a_trace_for_each_question(seen: InMemorySpanExporter, tmp_path: Path) -> None:
    questions = [f"What was {name}'s revenue?" for name in ("Apple", "Tesla", "Nvidia", "nobody")]
    FinancialAssistantWorkflow(db=None).run_many(questions, ledger=tmp_path / "b.db", live=False)
    spans = arrived(seen)
    roots = [span for span in spans if not span.parent]
    assert len(roots) == len({span.context.trace_id for span in spans}) == 4
    assert {span.name for span in spans} >= {RUN, "understand", "gather", "fetch figures", "compose"}


def test_a_text_that_is_checked_has_a_trace(seen: InMemorySpanExporter, run_async: Any) -> None:
    workflow = FinancialAssistantWorkflow(db=None)
    workflow.check("Apple's revenue was USD 391 billion in FY2024.")
    sync = arrived(seen)
    run_async(workflow.acheck("Apple's revenue was USD 391 billion in FY2024."))
    assert tree(sync) == tree(arrived(seen))
    assert ("fetch figures", "gather", "OK", "completed") in tree(sync)


def test_a_run_that_is_stopped_or_fails_has_complete_spans(seen: InMemorySpanExporter, run_async: Any) -> None:
    def ended() -> dict[str, str]:
        spans = arrived(seen)
        assert is_whole(spans)
        return {span.name: span.attributes["finassist.status"] for span in spans}

    left = FinancialAssistantWorkflow(db=None).run(COMPARE, stream=True)
    next(event for event in left if event.event == "FetchStarted")
    left.close()
    stopped = {"understand": "completed", "gather": "cancelled", "store": "completed", RUN: "cancelled"}
    assert ended().items() >= stopped.items()

    async def cancelled() -> None:
        source = Held()
        task = asyncio.create_task(FinancialAssistantWorkflow(db=None, provider=source).arun("Apple's stock price?"))
        await source.asked_for.wait()
        task.cancel()
        await asyncio.wait([task])

    run_async(cancelled())
    assert ended().items() >= {"fetch quote": "cancelled", "gather": "cancelled", RUN: "cancelled"}.items()

    for world in (World(chat="fails"), World(sources={"quote AAPL": "bug"})):
        workflow = FinancialAssistantWorkflow(db=None, model=ScriptedModel(world), provider=ScriptedProvider(world))
        question = "What is EBITDA?" if world.chat == "fails" else "Apple's stock price?"
        with pytest.raises(Exception, match=r"overloaded|bug"):
            workflow.run(question)
        sync = ended()
        with pytest.raises(Exception, match=r"overloaded|bug"):
            run_async(workflow.arun(question))
        assert sync[RUN] == "error"
        assert ended() == sync


def test_a_run_in_the_background_has_a_trace(seen: InMemorySpanExporter, run_async: Any) -> None:
    async def scene() -> Any:
        run = await FinancialAssistantWorkflow(db=None).arun(COMPARE, background=True)
        while run.status not in (RunStatus.completed, RunStatus.error) or run.run_id in get_active_runs():
            await asyncio.sleep(0.01)
        return run

    run = asyncio.run(scene())
    spans = arrived(seen)
    assert is_whole(spans)
    assert next(span.attributes["agno.run.id"] for span in spans if not span.parent) == run.run_id


def test_a_summary_is_part_of_the_run_that_caused_it(seen: InMemorySpanExporter) -> None:
    settings = Settings(summary_after=2, remembered_turns=1)
    workflow = FinancialAssistantWorkflow(db=None, model=ScriptedModel(World(chat="fine")), settings=settings)
    for _ in range(3):
        workflow.run("What is EBITDA?")
    workflow.summariser.wait()
    spans = arrived(seen)
    traces = {span.context.trace_id for span in spans if span.attributes.get("gen_ai.agent.name") == "summary"}
    assert traces
    assert traces < {span.context.trace_id for span in spans if span.name == RUN}
    workflow.close()


# ----------------------------------------------------------------------------------------------------- places


class Instrumented(ScriptedProvider):
    """A source that some other library traces too."""

    async def _act(self, need: str, symbol: str, fine: Any) -> Any:
        with get_tracer("theirs", tracer_provider=self.provider).start_as_current_span("theirs"):
            return await super()._act(need, symbol, fine)


def test_spans_of_others_are_around_and_inside_ours() -> None:
    exporter, provider = InMemorySpanExporter(), TracerProvider(shutdown_on_exit=False)
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    source = Instrumented(World())
    source.provider = provider
    with trace(provider), get_tracer("app", tracer_provider=provider).start_as_current_span("page") as page:
        FinancialAssistantWorkflow(db=None, provider=source).run("What is Apple's stock price?")
        assert get_current_span() is page, "the context of the caller is as it was"
    found = {(name, parent) for name, parent in names_of(exporter.get_finished_spans())}
    assert {("page", ""), (RUN, "page"), ("theirs", "fetch quote"), ("theirs", "fetch history")} <= found
    provider.shutdown()


def names_of(spans: Any) -> list[tuple[str, str]]:
    names = {span.context.span_id: span.name for span in spans}
    return [(span.name, names[span.parent.span_id] if span.parent else "") for span in spans]


def test_an_otlp_endpoint_gets_them(workflow: FinancialAssistantWorkflow) -> None:
    with Server(answer(b"")) as server, trace(server.url, headers={"x-key": "canary-key-0123456789"}) as handle:
        run_id = workflow.run(COMPARE).run_id
        handle.flush()
        assert handle.lost == 0
        assert "canary" not in repr(handle)
    bodies = [ExportTraceServiceRequest.FromString(request.body) for request in server.requests]
    assert {request.path for request in server.requests} == {"/v1/traces"}
    assert {request.headers["x-key"] for request in server.requests} == {"canary-key-0123456789"}
    [resource] = [each for body in bodies for each in body.resource_spans]
    spans = [span for scope in resource.scope_spans for span in scope.spans]
    assert {RUN, *STEPS, "fetch income"} <= {span.name for span in spans}
    root = next(span for span in spans if span.name == RUN)
    assert run_id in {each.value.string_value for each in root.attributes}


BROKEN = """
import sys, finassist
workflow = finassist.FinancialAssistantWorkflow(db=None)
for where in sys.argv[1:]:
    handle = finassist.trace(where)
    assert workflow.run("Compare Apple and Microsoft").facts
    handle.flush()
    assert handle.lost == 21 and handle.problem, handle
"""


@pytest.mark.slow
def test_a_broken_endpoint_costs_its_spans_alone() -> None:
    """No server at all, refusals, and a server that hangs up: each is one line in the log."""
    with Server(answer("no", status=500)) as out, Server(answer("no", status=401)) as shut, Server(hang_up()) as cut:
        command = [sys.executable, "-W", "error", "-c", BROKEN, "http://127.0.0.1:9", out.url, shut.url, cut.url]
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=600)
    assert done.returncode == 0, done.stderr
    lines = done.stderr.splitlines()
    assert len(lines) == 4
    assert all("Traces do not reach 127.0.0.1" in line for line in lines)


class Broken(InMemorySpanExporter):
    def export(self, spans: Any) -> Any:
        raise ValueError("bug of an exporter")


def test_a_bug_of_an_exporter_is_counted(workflow: FinancialAssistantWorkflow, caplog: Any) -> None:
    with trace(Broken()) as handle:
        assert workflow.run("What is EBITDA?").saved
        handle.flush()
        assert (handle.lost, handle.problem) == (5, "ValueError")
        assert "5 spans lost: ValueError" in repr(handle)
    assert [record.name for record in caplog.records] == ["finassist"]


@pytest.mark.parametrize("form", ["run", "arun"])
def test_the_local_database_keeps_them(form: str, tmp_path: Path, run_async: Any) -> None:
    workflow = FinancialAssistantWorkflow(db=tmp_path / "s.db")

    async def on_a_loop() -> tuple[Answer, Any]:
        async with trace(tmp_path / "s.db") as handle:
            answer = await workflow.arun(COMPARE)
            return answer, await handle.aspans(answer.run_id)

    if form == "run":
        with trace(tmp_path / "s.db") as handle:
            answer = workflow.run(COMPARE)
            frame = handle.spans(answer.run_id)
            assert handle.spans("another").empty
    else:
        answer, frame = run_async(on_a_loop())
    assert frame.loc[0, ["name", "status"]].tolist() == [RUN, "completed"]
    assert set(STEPS) <= set(frame[frame["parent"] == RUN]["name"])
    assert set(frame[frame["parent"] == "gather"]["name"]) >= {"fetch income", "fetch quote"}
    [found], _ = workflow.store.for_run().get_traces(session_id=answer.session_id)
    assert (found.run_id, found.status, found.workflow_id) == (answer.run_id, "OK", "finassist")
    workflow.close()


@pytest.mark.slow
def test_commands_write_them_where_the_setting_says(tmp_path: Path) -> None:
    (tmp_path / "questions.txt").write_text("What is EBITDA?\nWhat is Apple's stock price?\n")
    environment = {**os.environ, "FINASSIST_TRACE": "local", "FINASSIST_HOME": str(tmp_path)}
    for arguments in (["ask", COMPARE], ["batch", "questions.txt", "--ledger", "ledger.db"]):
        command = [sys.executable, "-m", "finassist", *arguments]
        done = subprocess.run(command, capture_output=True, check=False, timeout=600, env=environment, cwd=tmp_path)
        assert done.returncode == 0, done.stderr
    workflow = FinancialAssistantWorkflow(db=tmp_path / "sessions.db")
    found, _ = workflow.store.for_run().get_traces()
    assert [each.name for each in found] == [RUN] * 3
    workflow.close()


OFF = """
import sys, finassist
workflow = finassist.FinancialAssistantWorkflow(db=None)
workflow.run("What is Apple's stock price?")
assert not [name for name in sys.modules if name.startswith("opentelemetry")]
handle = finassist.trace(sys.argv[1])
from opentelemetry import context, trace
workflow.run("What is Apple's stock price?")
assert isinstance(trace.get_tracer_provider(), trace.ProxyTracerProvider), "no global provider"
assert not context.get_current()
handle.close()
workflow.run("What is Apple's stock price?")
assert len(handle.spans(workflow.answers()[1].run_id)) > 5 and handle.spans(workflow.answers()[2].run_id).empty
"""


@pytest.mark.slow
def test_nothing_of_the_process_changes(tmp_path: Path) -> None:
    command = [sys.executable, "-W", "error", "-c", OFF, str(tmp_path / "t.db")]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=600)
    assert (done.returncode, done.stderr) == (0, "")


def test_without_opentelemetry_it_is_said(monkeypatch: Any) -> None:
    monkeypatch.setitem(sys.modules, "opentelemetry.sdk.resources", None)
    with pytest.raises(MissingExtra, match=r"finassist\[trace\]"):
        trace(InMemorySpanExporter())
