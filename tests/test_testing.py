"""The lab: trouble on dials, the same in both forms; runs recorded and played back without keys."""

from __future__ import annotations

import asyncio
import threading
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from finassist import FinancialAssistantWorkflow
from finassist.config.settings import Settings
from finassist.core.errors import FinassistError, InputError
from finassist.llm.calls import Limits
from finassist.testing import (
    DATA_FAILURES,
    MODEL_FAILURES,
    Dials,
    FaultyModel,
    FaultyProvider,
    Recorder,
    ReplayModel,
    ReplayProvider,
    Stopwatch,
    Tape,
)

QUESTION = "Compare the stock prices of Apple and Microsoft"
PATIENT = Settings(fetch_timeout=10, model_timeout=10, model_retries=0, question_timeout=30)
HASTY = Settings(fetch_timeout=0.3, model_timeout=0.3, model_retries=0, question_timeout=5)


def workflow(**options: Any) -> FinancialAssistantWorkflow:
    return FinancialAssistantWorkflow(db=None, **{"settings": PATIENT, **options})


def waits(failure: str) -> Settings:
    """Short for what hangs, and only for that: a busy machine may not get to run for so long."""
    return HASTY if failure == "hang" else PATIENT


def limits(failure: str) -> Limits:
    return Limits.of(waits(failure))


def outcome(answer: Any) -> tuple[Any, ...]:
    gaps = sorted((gap.symbol, gap.need, gap.error) for gap in answer.gaps)
    return answer.content, answer.category, answer.symbols, answer.facts, gaps, answer.status.value


# ------------------------------------------------------------------------------------------------ dials


@given(
    seed=st.integers(0, 50),
    rate=st.floats(0, 1),
    calls=st.lists(st.sampled_from(["quote AAPL", "income MSFT", "router"]), max_size=12),
)
def test_trouble_depends_on_what_is_asked_never_on_the_order(seed: int, rate: float, calls: list[str]) -> None:
    there, back = (Dials(latency=1, jitter=0.5, failure_rate=rate, failure="quota", seed=seed) for _ in range(2))
    met = [(call, there.trouble(call)) for call in calls]
    for call in set(calls):
        assert [trouble for other, trouble in met if other == call] == [
            back.trouble(call) for _ in range(calls.count(call))
        ]


def test_the_failure_rate_is_kept_roughly_and_exactly_at_its_ends() -> None:
    def failed(rate: float) -> int:
        dials = Dials(failure_rate=rate, failure="quota", seed=3)
        return sum(bool(dials.trouble(f"quote {n}").failure) for n in range(400))

    assert failed(0) == 0
    assert 120 < failed(0.5) < 280
    assert failed(1) == 400


@pytest.mark.parametrize(
    "wrong", [{"latency": -1}, {"jitter": -0.1}, {"failure_rate": 1.5}, {"failure_rate": float("nan")}]
)
def test_dials_that_make_no_sense(wrong: dict[str, float]) -> None:
    with pytest.raises(InputError):
        Dials(**wrong)  # type: ignore[arg-type]


def test_an_unknown_failure_is_refused_at_once_with_the_known_ones() -> None:
    for make in (FaultyProvider, FaultyModel):
        with pytest.raises(InputError, match=r"no failure 'explodes'.*hang"):
            make(dials=Dials(failure="explodes"))


# ---------------------------------------------------------------------------------------------- sources


@pytest.mark.parametrize("failure", [*DATA_FAILURES, "hang"])
def test_every_failure_of_a_source_is_one_behaviour(failure: str, run_async: Any) -> None:
    def build() -> FinancialAssistantWorkflow:
        provider = FaultyProvider("embedded", Dials(failure=failure, only="quote MSFT"))
        return workflow(provider=provider, settings=waits(failure))

    if failure == "bug":
        with pytest.raises(TypeError, match="simulated bug"):
            build().run(QUESTION)
        with pytest.raises(TypeError, match="simulated bug"):
            run_async(build().arun(QUESTION))
        return
    answer = build().run(QUESTION)
    assert outcome(answer) == outcome(run_async(build().arun(QUESTION)))
    assert [(gap.symbol, gap.need) for gap in answer.gaps] == [("MSFT", "price")]
    assert answer.gaps[0].error != "NotInData", "the reason is the source's own"
    assert any(fact.symbol == "AAPL" and fact.field == "price" for fact in answer.facts)


@settings(max_examples=15, deadline=None)
@given(seed=st.integers(0, 1000), rate=st.sampled_from([0.2, 0.5, 0.8]), failure=st.sampled_from(["quota", "plan"]))
def test_the_same_seed_is_the_same_trouble_in_both_forms(seed: int, rate: float, failure: str) -> None:
    def build() -> FinancialAssistantWorkflow:
        return workflow(provider=FaultyProvider("embedded", Dials(failure_rate=rate, failure=failure, seed=seed)))

    question = "Compare Apple and Microsoft"
    assert outcome(build().run(question)) == outcome(asyncio.run(build().arun(question)))


def test_dials_may_be_turned_while_a_run_is_under_way(run_async: Any) -> None:
    dials = Dials(failure="hang", only="quote MSFT")
    asked = workflow(provider=FaultyProvider("embedded", dials), settings=Settings(fetch_timeout=30))

    async def scene() -> Any:
        async for event in asked.arun(QUESTION, stream=True):
            if event.event == "FetchCompleted":
                break
        dials.failure = ""
        return await asked.arun(QUESTION)

    assert run_async(scene()).gaps == []


# ----------------------------------------------------------------------------------------------- models


@pytest.mark.parametrize("failure", MODEL_FAILURES)
@pytest.mark.parametrize("agent", ["router", "symbol_extraction"])
def test_every_failure_of_a_model_is_one_behaviour(failure: str, agent: str, run_async: Any) -> None:
    def build() -> FinancialAssistantWorkflow:
        model = FaultyModel("offline", Dials(failure=failure, only=agent), limits(failure))
        return workflow(model=model, routing="model", settings=waits(failure))

    answer = build().run("What is Apple's stock price?")
    assert outcome(answer) == outcome(run_async(build().arun("What is Apple's stock price?")))
    assert answer.status.value == "COMPLETED"
    invented = (agent, failure) == ("symbol_extraction", "invented")
    assert answer.symbols == ["AAPL"], "a ticker the model made up is no company, and takes no place"
    assert invented or answer.models[agent] == "rules"


@pytest.mark.parametrize("failure", ["overloaded", "unreachable", "hang"])
def test_a_chat_that_fails_says_why(failure: str, run_async: Any) -> None:
    def build() -> FinancialAssistantWorkflow:
        model = FaultyModel("offline", Dials(failure=failure, only="chat"), limits(failure))
        return workflow(model=model, settings=waits(failure))

    raised: list[str] = []
    for ask in (lambda: build().run("What is EBITDA?"), lambda: run_async(build().arun("What is EBITDA?"))):
        with pytest.raises(FinassistError) as error:
            ask()
        raised.append(f"{type(error.value).__name__}: {error.value}")
    assert raised[0] == raised[1]


# ------------------------------------------------------------------------------------ record and replay


def recorded(question: str, **options: Any) -> tuple[Any, Tape]:
    recorder = Recorder(**{"model": "offline", "provider": "embedded", **options})
    answer = workflow(model=recorder.model, provider=recorder.provider, routing="model").run(question)
    return answer, recorder.tape


def replayed(tape: Tape) -> FinancialAssistantWorkflow:
    model, provider = ReplayModel(tape, speed=50), ReplayProvider(tape, speed=50)
    return workflow(model=model, provider=provider, routing="model")


@pytest.mark.parametrize("question", ["Compare Apple and Microsoft", "What is EBITDA?"])
def test_a_run_is_played_back_and_says_so(question: str, tmp_path: Path, run_async: Any) -> None:
    answer, tape = recorded(question)
    tape = Tape.load(tape.save(tmp_path / "run.json"))
    for again in (replayed(tape).run(question), run_async(replayed(tape).arun(question))):
        assert (again.category, again.symbols) == (answer.category, answer.symbols)
        assert [(fact.key, fact.value) for fact in again.facts] == [(fact.key, fact.value) for fact in answer.facts]
        assert all("replayed" in model for model in again.models.values())
        given = [fact for fact in again.facts if fact.status == "reported"]
        assert all(fact.source.startswith(f"replayed from {tape.recorded}") for fact in given)
        if not answer.facts:
            assert again.content == answer.content


def test_words_are_played_back_piece_by_piece(run_async: Any) -> None:
    recorder = Recorder(model="offline", provider="embedded")
    live = workflow(model=recorder.model, provider=recorder.provider)
    words = [event.content for event in live.run("What is EBITDA?", stream=True) if event.event == "RunContent"]
    again = workflow(model=ReplayModel(recorder.tape, speed=50), provider="embedded")

    async def listen() -> list[Any]:
        return [e.content async for e in again.arun("What is EBITDA?", stream=True) if e.event == "RunContent"]

    assert run_async(listen()) == words
    assert len(words) > 5


def test_failures_are_recorded_and_played_back() -> None:
    provider = FaultyProvider("embedded", Dials(failure="quota", only="history"))
    answer, tape = recorded("Tell me about Apple", provider=provider)
    again = replayed(tape).run("Tell me about Apple")
    assert [gap.error for gap in again.gaps] == [gap.error for gap in answer.gaps] == ["QuotaExhausted"]


def test_what_is_not_on_the_tape_is_said() -> None:
    _, tape = recorded("What is Apple's stock price?")
    with pytest.raises(FinassistError):
        replayed(tape).run("What is EBITDA?")
    with pytest.raises(InputError, match="Ask one of: What is Apple's stock price"):
        tape.find("router: something else", 0)


def test_a_tape_holds_no_secret(tmp_path: Path) -> None:
    _, tape = recorded("What is Apple's stock price?")
    tape.provider = "a source that leaks canary-key-123456"
    assert "canary" not in tape.save(tmp_path / "run.json", secrets=["canary-key-123456"]).read_text(encoding="utf-8")


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"format": "finassist tape", "version": 99}', "\x00", "null"])
def test_a_file_that_is_no_tape(text: str, tmp_path: Path) -> None:
    file = tmp_path / "no.json"
    file.write_text(text, encoding="utf-8")
    with pytest.raises(InputError, match="no tape"):
        Tape.load(file)
    with pytest.raises(InputError, match=r"cannot be read.*Check the path"):
        Tape.load(tmp_path / "absent.json")


@pytest.mark.parametrize("speed", [0, -1, float("nan")])
def test_a_speed_that_makes_no_sense(speed: float) -> None:
    for player in (ReplayModel, ReplayProvider):
        with pytest.raises(InputError, match="speed"):
            player(Tape("a model", "a source"), speed=speed)


# -------------------------------------------------------------------------------------------- stopwatch


def test_a_stopwatch_draws_tasks_and_threads_with_the_way_they_ended(run_async: Any) -> None:
    watch = Stopwatch("five ways to end")

    async def scene() -> None:
        with watch.task("group"):
            hanging = asyncio.create_task(watch.timed("hangs", asyncio.sleep(60), parent="group"))
            await watch.timed("naps", asyncio.sleep(0), parent="group")
            with pytest.raises(ValueError, match="no good"), watch.task("fails", parent="group"):
                raise ValueError("no good")
            thread = threading.Thread(target=watch.task("thread", parent="group")(lambda: None))
            thread.start()
            thread.join()
            hanging.cancel()
            await asyncio.wait([hanging])

    run_async(scene())
    ended = {task.name: task.status for task in watch.state.tasks}
    assert ended == {
        "group": "completed",
        "hangs": "cancelled",
        "naps": "completed",
        "fails": "error",
        "thread": "completed",
    }
    assert "no good" in next(task.detail for task in watch.state.tasks if task.name == "fails")
    assert watch.seconds > 0
    assert "hangs" in str(watch.timeline)


def test_every_task_of_a_stopwatch_has_a_name_of_its_own() -> None:
    watch = Stopwatch()
    with watch.task("once"):
        pass
    with pytest.raises(InputError, match="name of its own"), watch.task("once"):
        pass
