"""What a user of `FinancialAssistantWorkflow` relies on: answers, conversation, routing, isolation, the sync form."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import threading
from decimal import Decimal
from typing import Any

import pytest
from agno.agent import Agent

from finassist import Answer, FinancialAssistantWorkflow, OfflineModel, describe
from finassist.core.errors import BridgeError
from tests.worlds import ScriptedModel, ScriptedProvider, World

# ------------------------------------------------------------------------------------------ the main job


def test_tell_me_about_apple(workflow: FinancialAssistantWorkflow, run_async: Any) -> None:
    answer = run_async(workflow.arun("Tell me about Apple"))
    assert isinstance(answer, Answer)
    assert (answer.category, answer.symbols, answer.status.value) == ("report", ["AAPL"], "COMPLETED")
    [revenue] = [fact for fact in answer.facts if fact.key == "AAPL/revenue/FY2025"]
    assert revenue.value == Decimal("416161000000")
    assert revenue.source
    assert revenue.as_of
    assert "2026-08-21" in answer.content, "an embedded price is labelled with its date"
    assert answer.gaps == []
    assert answer.follow_ups


@pytest.mark.parametrize(
    ("question", "category", "symbols"),
    [
        ("What is Apple's stock price?", "stock_price", ["AAPL"]),
        ("Show me Microsoft's income statement", "income_statement", ["MSFT"]),
        ("What do the financials of Nvidia look like?", "company_financials", ["NVDA"]),
        ("Compare Coca-Cola and Pepsi", "report", ["KO", "PEP"]),
        ("$TSLA price", "stock_price", ["TSLA"]),
        ("What is a P/E ratio?", "chat", []),
        ("Hello!", "chat", []),
    ],
)
def test_each_category(workflow: FinancialAssistantWorkflow, question: str, category: str, symbols: list[str]) -> None:
    answer = workflow.run(question)
    assert (answer.category, answer.symbols) == (category, symbols)
    assert answer.content


def test_every_figure_in_an_answer_has_unit_period_and_source(workflow: FinancialAssistantWorkflow) -> None:
    for fact in workflow.run("Compare Apple and JPMorgan").facts:
        if fact.known:
            assert fact.unit, fact
            assert fact.period, fact
            assert fact.source, fact
        else:
            assert fact.value is None, fact
            assert fact.text or fact.note or fact.status == "missing", fact


def test_a_company_that_is_not_embedded_is_said_to_be_so(workflow: FinancialAssistantWorkflow) -> None:
    answer = workflow.run("Tell me about Rivian")
    assert answer.symbols == ["RIVN"]
    assert answer.facts == []
    assert "not in the embedded set" in answer.content
    assert "FINASSIST_SEC_CONTACT" in answer.content, "it says the ways to live data"
    assert answer.gaps


def test_one_company_missing_leaves_the_other(workflow: FinancialAssistantWorkflow) -> None:
    answer = workflow.run("Compare Apple and Rivian")
    assert {fact.symbol for fact in answer.facts} == {"AAPL"}
    assert {gap.symbol for gap in answer.gaps} == {"RIVN"}
    assert "not in the embedded set" in answer.content


def test_a_misspelt_company_is_asked_about_and_never_guessed(workflow: FinancialAssistantWorkflow) -> None:
    answer = workflow.run("Tell me about Appel")
    assert answer.symbols == []
    assert "Did you mean" in answer.content
    assert "Apple" in answer.content


def test_a_data_question_without_a_company_asks_which(workflow: FinancialAssistantWorkflow) -> None:
    for question in ("What is the stock price?", "What was the net income in FY2023?", "How much did revenue grow?"):
        answer = workflow.run(question)
        assert answer.facts == []
        assert "Which company do you mean?" in answer.content, question
    assert workflow.run("What is a share price?").category == "chat", "a term is explained"


def test_a_statement_of_another_company_is_no_follow_up_of_a_price(workflow: FinancialAssistantWorkflow) -> None:
    workflow.run("What is Apple's stock price?")
    answer = workflow.run("What about the balance sheet of Microsoft?")
    assert (answer.category, answer.symbols) == ("company_financials", ["MSFT"])


# ------------------------------------------------------------------------------------------- conversation


def test_a_conversation(workflow: FinancialAssistantWorkflow) -> None:
    first, second, third = (
        workflow.run(question)
        for question in ("What is Apple's stock price?", "What about Tesla?", "and its income statement?")
    )
    assert (first.category, first.symbols) == ("stock_price", ["AAPL"])
    assert (second.category, second.symbols) == ("stock_price", ["TSLA"])
    assert (third.category, third.symbols) == ("income_statement", ["TSLA"])


@pytest.mark.parametrize("routing", ["auto", "model", "rules"])
def test_a_conversation_under_every_routing(routing: Any, run_async: Any) -> None:
    workflow = FinancialAssistantWorkflow(db=None, routing=routing)

    async def talk() -> Answer:
        await workflow.arun("What is Apple's stock price?")
        await workflow.arun("What is inflation?")
        return await workflow.arun("What about Tesla?")

    answer = run_async(talk())
    assert (answer.category, answer.symbols) == ("stock_price", ["TSLA"])


def test_a_term_in_a_conversation_about_a_company_is_explained(workflow: FinancialAssistantWorkflow) -> None:
    workflow.run("What is Apple's stock price?")
    answer = workflow.run("What is inflation now?")
    assert (answer.category, answer.symbols) == ("chat", [])
    assert "Inflation" in answer.content


def test_another_session_knows_nothing_of_this_one(workflow: FinancialAssistantWorkflow) -> None:
    workflow.run("What is Apple's stock price?", session_id="one")
    answer = workflow.run("and its income statement?", session_id="two")
    assert answer.symbols == []


# ------------------------------------------------------------------------------------------------ routing


def counting(world: World | None = None) -> tuple[ScriptedModel, Any]:
    world = world or World()
    model = ScriptedModel(world)
    return model, lambda routing: FinancialAssistantWorkflow(
        db=None, model=model, provider=ScriptedProvider(world), routing=routing
    )


FAILED = "rules because the model failed"


def test_auto_asks_no_model_when_rules_are_certain() -> None:
    model, build = counting()
    answer = build("auto").run("What is Apple's stock price?")
    assert (model.calls, answer.decided_by) == (0, "rules")


def test_auto_asks_the_model_otherwise_and_says_so() -> None:
    model, build = counting(World(category="stock_price"))
    answer = build("auto").run("How is the iPhone maker doing at the market?")
    assert (model.calls, answer.decided_by, answer.symbols) == (2, "model", ["AAPL"])
    assert answer.reason == "The model takes it for: stock price."
    assert answer.models == {"router": "scripted", "symbol_extraction": "scripted"}


def test_model_routing_always_asks_and_rules_routing_never() -> None:
    model, build = counting(World(category="stock_price"))
    assert build("model").run("What is Apple's stock price?").decided_by == "model"
    asked = model.calls
    assert build("rules").run("Would you kindly tell me Apple's stock price, whatever it is?").decided_by == "rules"
    assert (asked, model.calls) == (2, 2)


@pytest.mark.parametrize("mood", ["fails", "prose", "empty"])
def test_a_router_that_fails_leaves_it_to_the_rules_and_says_so(mood: str) -> None:
    _, build = counting(World(router=mood))
    answer = build("model").run("What is Apple's stock price?")
    assert (answer.category, answer.symbols, answer.decided_by) == ("stock_price", ["AAPL"], FAILED)
    assert "Rules decided instead" in answer.warnings[0]
    assert "Rules decided instead" in answer.content


def test_a_reply_of_the_wrong_form_is_told_in_plain_words() -> None:
    _, build = counting(World(router="prose", extraction="prose"))
    warnings = build("model").run("What is Apple's stock price?").warnings
    assert warnings == [
        f"The model of the {agent} agent did not name {what} in the form it was asked for. Ask again. "
        "Rules decided instead."
        for agent, what in (("router", "the kind of answer"), ("symbol_extraction", "the companies"))
    ]


def test_a_ticker_the_model_made_up_is_not_believed() -> None:
    _, build = counting(World(extraction="invents"))
    answer = build("model").run("Tell me about the iPhone maker")
    assert answer.symbols == ["AAPL"]
    assert any("QQZZX" in warning for warning in answer.warnings)


def test_an_agent_can_be_replaced(workflow: FinancialAssistantWorkflow) -> None:
    class Polite(OfflineModel):
        def invoke_stream(self, *args: Any, **kwargs: Any) -> Any:
            for part in ("How ", "do you do?"):
                yield self._parse_provider_response_delta(part)

        def _parse_provider_response_delta(self, response: Any) -> Any:
            from agno.models.response import ModelResponse

            return ModelResponse(role="assistant", content=str(response))

    workflow.chat_agent = Agent(name="chat", model=Polite(), telemetry=False)
    assert workflow.run("What is EBITDA?").content == "How do you do?"
    assert workflow.router_agent.name == "router"
    assert workflow.summary_agent.output_schema is not None


# ----------------------------------------------------------------------------------------------- isolation


def test_twenty_concurrent_questions_stay_apart(stored_workflow: FinancialAssistantWorkflow, run_async: Any) -> None:
    names = ["Apple", "Microsoft", "Nvidia", "Tesla", "Amazon", "Netflix", "Boeing", "Disney", "Nike", "Intel"] * 2

    async def all_at_once() -> list[Answer]:
        async with asyncio.TaskGroup() as group:
            tasks = [
                group.create_task(stored_workflow.arun(f"What is {name}'s stock price?", session_id=f"s{index}"))
                for index, name in enumerate(names)
            ]
        return [task.result() for task in tasks]

    answers = run_async(all_at_once())
    alone = {name: stored_workflow.run(f"What is {name}'s stock price?", session_id="alone") for name in set(names)}
    for index, (name, answer) in enumerate(zip(names, answers, strict=True)):
        assert answer.symbols == alone[name].symbols
        assert answer.content == alone[name].content
        assert {event.run_id for event in answer.events} == {answer.run_id}
        assert {event.session_id for event in answer.events} == {f"s{index}"}
        [stored] = stored_workflow.answers(f"s{index}")
        assert stored.run_id == answer.run_id


def test_concurrent_questions_of_one_session_take_turns(
    stored_workflow: FinancialAssistantWorkflow, run_async: Any
) -> None:
    async def both() -> None:
        async with asyncio.TaskGroup() as group:
            for name in ("Apple", "Tesla", "Nvidia"):
                group.create_task(stored_workflow.arun(f"What is {name}'s stock price?", session_id="shared"))

    run_async(both())
    assert [answer.symbols for answer in stored_workflow.answers("shared")] == [["AAPL"], ["TSLA"], ["NVDA"]]


# ---------------------------------------------------------------------------------------------- sync form


def test_run_inside_a_running_loop(workflow: FinancialAssistantWorkflow, run_async: Any) -> None:
    async def cell() -> Answer:
        return workflow.run("Tell me about Apple")

    assert run_async(cell()).symbols == ["AAPL"]


def test_run_in_threads(stored_workflow: FinancialAssistantWorkflow) -> None:
    answers: dict[str, Answer] = {}

    def ask(name: str) -> None:
        answers[name] = stored_workflow.run(f"Tell me about {name}", session_id=name)

    threads = [threading.Thread(target=ask, args=(name,)) for name in ("Apple", "Tesla", "Nvidia")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert {name: answer.symbols for name, answer in answers.items()} == {
        "Apple": ["AAPL"],
        "Tesla": ["TSLA"],
        "Nvidia": ["NVDA"],
    }


def test_run_inside_a_source_is_refused_instead_of_hanging() -> None:
    class Recursive(ScriptedProvider):
        async def aget_quote(self, symbol: str) -> Any:
            return FinancialAssistantWorkflow(db=None).run("What is Apple's stock price?")

    workflow = FinancialAssistantWorkflow(db=None, provider=Recursive(World()))
    with pytest.raises(BridgeError, match=r"await workflow\.arun"):
        workflow.run("What is Apple's stock price?")


def test_the_fetches_of_a_sync_run_are_concurrent() -> None:
    together = threading.Barrier(6)  # all six fetches have to be under way at once, or this never opens

    class Meeting(ScriptedProvider):
        async def _act(self, need: str, symbol: str, fine: Any) -> Any:
            await asyncio.to_thread(together.wait, 20)
            return fine

    answer = FinancialAssistantWorkflow(db=None, provider=Meeting(World())).run("Tell me about Apple")
    assert answer.gaps == []


def test_router_and_extraction_are_asked_at_the_same_time_in_arun(run_async: Any) -> None:
    async def scene() -> Answer:
        together = asyncio.Barrier(2)

        class Meeting(ScriptedModel):
            async def ainvoke(self, *args: Any, **kwargs: Any) -> Any:
                async with asyncio.timeout(20):
                    await together.wait()
                return await super().ainvoke(*args, **kwargs)

        world = World(category="stock_price")
        workflow = FinancialAssistantWorkflow(
            db=None, model=Meeting(world), provider=ScriptedProvider(world), routing="model"
        )
        return await workflow.arun("What about the iPhone maker?")

    assert run_async(scene()).decided_by == "model"


@pytest.mark.parametrize(("door", "arguments"), [("report", ()), ("alone", ("income_statement",)), ("chat", ())])
def test_the_named_flows_in_both_forms(
    workflow: FinancialAssistantWorkflow, run_async: Any, door: str, arguments: tuple[Any, ...]
) -> None:
    message = "Tell me about Apple" if door != "chat" else "What is EBITDA?"
    events = list(getattr(workflow, f"_run_{door}_flow")(message, *arguments))

    async def collect() -> list[Any]:
        return [event async for event in getattr(workflow, f"_arun_{door}_flow")(message, *arguments)]

    others = run_async(collect())
    assert sorted(event.event for event in events) == sorted(event.event for event in others)
    assert len({event.run_id for event in events}) == 1
    text = "".join(str(event.content) for event in events if event.event == "RunContent")
    assert text == "".join(str(event.content) for event in others if event.event == "RunContent")
    assert text


# -------------------------------------------------------------------------------------------- the answer


def test_an_answer_shows_itself_without_executing_anything(workflow: FinancialAssistantWorkflow) -> None:
    bundle = workflow.run("Tell me about Apple")._repr_mimebundle_()
    assert set(bundle) == {"text/plain", "text/html"}
    assert "<script" not in bundle["text/html"]
    assert "Apple" in bundle["text/plain"]


def test_an_answer_as_frames(workflow: FinancialAssistantWorkflow) -> None:
    answer = workflow.run("Compare Apple and Microsoft")
    facts = answer.to_frame()
    assert len(facts) == len(answer.facts)
    assert facts.columns.tolist() == ["symbol", "field", "period", "value", "unit", "source"]
    assert len(answer.to_frame(full=True).columns) == len(describe("facts"))
    spans = answer.spans()
    assert {"run", "understand", "gather", "compose", "income AAPL", "income MSFT"} <= set(spans["name"])
    assert (spans["end"] >= spans["start"]).all()
    assert set(spans["status"]) == {"completed"}


FAILS_FIRST = """
import asyncio, sys, threading
from finassist import FinancialAssistantWorkflow
from finassist.testing import Dials, FaultyModel

class Watch:
    seen = []
    def find_spec(self, name, path=None, target=None):
        if name == "agno.os.managers":
            self.seen.append(threading.current_thread() is threading.main_thread())

sys.meta_path.insert(0, Watch())
model = FaultyModel("offline", Dials(failure="overloaded", only="chat"))
workflow = FinancialAssistantWorkflow(db=None, model=model)

async def main():
    try:
        await workflow.arun("What is EBITDA?")
    except Exception as error:
        print(type(error).__name__, Watch.seen)

asyncio.run(main())
"""


@pytest.mark.slow
def test_what_agno_imports_for_a_failed_run_is_not_imported_on_the_loop() -> None:
    done = subprocess.run([sys.executable, "-c", FAILS_FIRST], capture_output=True, text=True, timeout=600)
    assert done.stdout.split() == ["ModelOverloaded", "[False]"], done.stderr
