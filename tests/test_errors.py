"""Bad input gets a typed error or a clear answer, the same in all four forms of asking, and loses nothing."""

from __future__ import annotations

import ast
import importlib.util
import os
import re
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import finassist
from finassist import FinancialAssistantWorkflow, FinassistError, Query
from finassist.core import errors, events
from finassist.core.text import check_question
from finassist.symbols.company import normalise_symbol
from tests.worlds import ScriptedModel, ScriptedProvider, World

FORMS = ("run", "run streamed", "arun", "arun streamed")


def ask(workflow: FinancialAssistantWorkflow, form: str, run_async: Any, question: Any, **options: Any) -> Any:
    async def streamed() -> list[Any]:
        return [event async for event in workflow.arun(question, stream=True, **options)]

    async def plain() -> Any:
        return await workflow.arun(question, **options)

    match form:
        case "run":
            return workflow.run(question, **options)
        case "run streamed":
            return list(workflow.run(question, stream=True, **options))
        case "arun":
            return run_async(plain())
        case _:
            return run_async(streamed())


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize(
    ("question", "error", "says"),
    [
        ("", errors.EmptyQuestion, "Ask something"),
        (" \n\t ", errors.EmptyQuestion, "Ask something"),
        ("\u200b\u202e\x00", errors.EmptyQuestion, "Ask something"),
        (None, errors.NotText, "Pass a string"),
        (42, errors.NotText, "not int"),
        (["Tell me about Apple"], errors.NotText, "not list"),
        ("x" * 100_000, errors.QuestionTooLong, "Shorten it"),
    ],
)
def test_questions_that_cannot_be_asked(
    workflow: FinancialAssistantWorkflow, run_async: Any, form: str, question: Any, error: type[Exception], says: str
) -> None:
    workflow.run("What is Apple's stock price?")
    with pytest.raises(error, match=says):
        ask(workflow, form, run_async, question)
    assert len(workflow.answers()) == 1, "the conversation is as it was"
    assert workflow.run("What about Tesla?").symbols == ["TSLA"]


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("session_id", ["", "../../x", "a b", "x" * 200, "naïve", "a\n"])
def test_session_ids_that_cannot_be_used(
    workflow: FinancialAssistantWorkflow, run_async: Any, form: str, session_id: str
) -> None:
    with pytest.raises(errors.InvalidSessionId, match="Choose another id"):
        ask(workflow, form, run_async, "What is EBITDA?", session_id=session_id)
    assert workflow.sessions().empty


def test_control_and_direction_characters_are_taken_out(workflow: FinancialAssistantWorkflow) -> None:
    answer = workflow.run("What is \u202eApple\u202c's\x07 stock price?")
    assert answer.input == "What is Apple's stock price?"
    assert answer.symbols == ["AAPL"]


@pytest.mark.parametrize("question", ["price of ../../x", "$../../etc/passwd price", "Tell me about '; DROP TABLE--"])
def test_hostile_symbols_reach_no_source(workflow: FinancialAssistantWorkflow, question: str) -> None:
    answer = workflow.run(question)
    assert answer.symbols == []
    assert answer.facts == []
    assert answer.content


@pytest.mark.parametrize("symbol", ["../../x", "", "AAPL;", "A" * 50, "ÄPL", "A B"])
def test_hostile_symbols_are_refused_by_name(symbol: str) -> None:
    with pytest.raises(errors.InvalidSymbol):
        normalise_symbol(symbol)


@settings(max_examples=200, deadline=None)
@given(st.one_of(st.text(), st.binary(), st.integers(), st.none()))
def test_any_question_is_checked_or_refused_in_words(question: Any) -> None:
    try:
        checked = check_question(question, 100)
    except errors.InputError as error:
        assert re.search(r"[.] ", str(error)), "the message ends with what to do next"
    else:
        assert checked
        assert checked == checked.strip()
        assert check_question(checked, 100) == checked


def test_an_unknown_keyword_is_refused_at_the_call_and_the_right_one_suggested(
    workflow: FinancialAssistantWorkflow,
) -> None:
    says = {
        "sesion_id": "Did you mean session_id",
        "yeras": "years belongs elsewhere: it is a setting",
        "years": "Settings",
        "budget": "run_many",
        "nonsense": "It takes stream, session_id",
    }
    for keyword, words in says.items():
        for call in (workflow.run, workflow.arun):
            options: dict[str, Any] = {keyword: 1}
            with pytest.raises(TypeError, match=words):
                call("What is EBITDA?", **options)


def test_errors_events_and_providers_are_public() -> None:
    named = {*finassist.__all__}
    tree = [errors.FinassistError]
    for kind in tree:
        tree += [sub for sub in kind.__subclasses__() if sub.__module__ == errors.__name__]
    assert {kind.__name__ for kind in tree} <= named
    assert {kind.__name__ for kind in events.KINDS} <= named
    assert {"EmbeddedProvider", "FMPProvider", "SECProvider", "FallbackProvider"} <= named
    assert all(getattr(finassist, name) is not None for name in named)


# --------------------------------------------------------------------------------------- configuration


@pytest.mark.parametrize(
    ("options", "error", "says"),
    [
        ({"provider": "nasdaq"}, errors.UnknownProvider, '"embedded"'),
        ({"model": "hal:9000"}, errors.UnknownModel, "offline"),
        ({"model": 42}, errors.UnknownModel, "offline"),
        ({"session_id": "../x"}, errors.InvalidSessionId, "Choose another id"),
    ],
)
def test_what_cannot_be_configured_says_what_can(options: dict[str, Any], error: type[Exception], says: str) -> None:
    with pytest.raises(error, match=says):
        FinancialAssistantWorkflow(db=None, **options)


@pytest.mark.parametrize("options", [{"provider": "yfinance"}, {"model": "ollama:some-model"}])
def test_a_missing_package_is_named_with_its_extra(options: dict[str, Any]) -> None:
    package = next(iter(options.values())).split(":")[0]
    assert importlib.util.find_spec(package) is None, f"{package} is installed: name a package that is not"
    with pytest.raises(errors.MissingExtra, match=rf"finassist\[{package}\]"):
        FinancialAssistantWorkflow(db=None, **options)


# --------------------------------------------------------------------------------- models and sources


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize(
    ("mood", "error"),
    [("fails", errors.ModelFailed), ("empty", errors.MalformedReply)],
)
def test_a_chat_model_that_fails_is_an_error_and_the_question_is_kept(
    run_async: Any, form: str, mood: str, error: type[Exception]
) -> None:
    workflow = FinancialAssistantWorkflow(db=None, model=ScriptedModel(World(chat=mood)))
    with pytest.raises(error, match=r"Ask again"):
        ask(workflow, form, run_async, "What is EBITDA?")
    [stored] = workflow.answers()
    assert (stored.input, stored.status.value) == ("What is EBITDA?", "ERROR")
    assert "was stopped" not in stored.to_markdown()


@pytest.mark.parametrize("form", FORMS)
def test_a_source_that_fails_is_a_named_gap_and_the_rest_stands(run_async: Any, form: str) -> None:
    world = World(sources={"quote AAPL": "refuses", "cash_flow AAPL": "malformed", "history AAPL": "cancels_itself"})
    workflow = FinancialAssistantWorkflow(db=None, provider=ScriptedProvider(world))
    ask(workflow, form, run_async, "Tell me about Apple")
    [answer] = workflow.answers()
    assert {gap.need for gap in answer.gaps} == {"quote", "cash_flow", "history"}
    assert {fact.statement for fact in answer.facts if fact.status == "reported"} >= {"income", "balance_sheet"}
    assert "quote of AAPL is refused" in answer.content
    assert all(fact.value != 0 for fact in answer.facts)


def test_a_price_that_fails_is_no_reason_for_a_figure_that_is_not_there() -> None:
    world = World(sources={"quote AAPL": "refuses", "history AAPL": "refuses"})
    workflow = FinancialAssistantWorkflow(db=None, provider=ScriptedProvider(world))
    revenue = Query(metrics=["revenue"], companies=["AAPL"], periods=["FY2016"])
    answer = workflow.query([revenue, Query(metrics=["price"], companies=["AAPL"])])
    reasons = {gap.need: gap.reason for gap in answer.gaps}
    assert "refused" in reasons["price"]
    assert "FY2016" in reasons["revenue"]
    assert "refused" not in reasons["revenue"]


def test_all_sources_failing_gives_no_report_and_lists_the_causes(run_async: Any) -> None:
    world = World(
        sources={
            f"{need} AAPL": "refuses"
            for need in ("profile", "income", "balance_sheet", "cash_flow", "quote", "history")
        }
    )
    answer = FinancialAssistantWorkflow(db=None, provider=ScriptedProvider(world)).run("Tell me about Apple")
    assert answer.facts == []
    assert answer.content.startswith("There are no figures for Apple")
    assert answer.content.count("is refused") == 6


# ------------------------------------------------------------------------------------------ the tree


def every_error() -> list[type[Exception]]:
    found = [value for value in vars(errors).values() if isinstance(value, type) and issubclass(value, FinassistError)]
    return sorted(found, key=lambda error: error.__name__)


def test_the_tree_in_the_docstring_is_the_tree() -> None:
    drawn = set(re.findall(r"\b([A-Z]\w+)\b", errors.__doc__.split("Each message")[0]))
    assert {error.__name__ for error in every_error()} <= drawn


def test_one_except_catches_everything() -> None:
    assert every_error()
    for error in every_error():
        assert issubclass(error, FinassistError)
        assert str(error("What is wrong. What to do.")) == "What is wrong. What to do."


def test_every_message_in_the_source_says_what_to_do_next() -> None:
    """A message is at least two sentences: what is wrong, and what next."""
    names = {error.__name__ for error in every_error()}
    for path in Path(finassist.__file__).parent.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Raise) and isinstance(node.exc, ast.Call):
                name = getattr(node.exc.func, "id", "")
                parts = [
                    n.value for n in ast.walk(node.exc) if isinstance(n, ast.Constant) and isinstance(n.value, str)
                ]
                text = "".join(parts)
                if name in names and len(text) > 40:
                    assert re.search(r"[.?;:] ?", text), f"{path.name}:{node.lineno} {text}"


def test_telemetry_is_off(workflow: FinancialAssistantWorkflow, monkeypatch: pytest.MonkeyPatch) -> None:
    assert os.environ["AGNO_TELEMETRY"] == "false"
    workflow.run("What is EBITDA?")
    for agent in (workflow.router_agent, workflow.chat_agent, workflow.summary_agent, workflow.symbol_extraction_agent):
        assert agent.telemetry is False
    assert workflow.telemetry is False


def test_our_runs_are_quiet_and_other_agno_runs_are_not(
    capfd: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    from agno.utils.log import logger

    with pytest.raises(errors.ModelFailed):
        FinancialAssistantWorkflow(db=None, model=ScriptedModel(World(chat="fails"))).run("What is EBITDA?")
    captured = capfd.readouterr()
    assert "Traceback" not in captured.out + captured.err
    assert "overloaded" not in captured.out + captured.err
    logger.warning("somebody else's run")
    assert "somebody else's run" in capfd.readouterr().out + caplog.text
