"""The chat panel without a browser: messages of a front end are played, and what it would get is read."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from agno.run.base import RunStatus
from agno.run.cancel import cancel_run, get_active_runs
from ipywidgets.widgets.widget import _instances

from finassist import Feedback, FinancialAssistantWorkflow, Settings
from finassist.apps.chat import ChatPanel
from finassist.apps.chat.companies import completions
from finassist.apps.chat.conversation import AT_ONCE, NOT_STORED
from finassist.apps.chat.drawers import AT_ONCE as CONVERSATIONS
from finassist.apps.live.view import LONGEST_SHOWN
from finassist.core.errors import InvalidSessionId, SessionError
from finassist.sessions.history import Conversations
from finassist.sessions.store import Store, open_store
from tests.wire import Wire, click, recorded, set_value, tell
from tests.worlds import Held, ScriptedModel, ScriptedProvider, World

PRICE = "What is Apple's stock price?"
CASH = "What is free cash flow?"


@pytest.fixture
def wire() -> Iterator[Wire]:
    with recorded() as wire:
        yield wire


class Talking(ScriptedModel):
    """A model that says a sentence, and the rest when the test lets it."""

    def __init__(self, words: str = "One. Two three four.") -> None:
        super().__init__(World(category="chat", symbols=()))
        self.words, self.said, self.let = words, asyncio.Event(), asyncio.Event()

    async def ainvoke_stream(self, *args: Any, **kwargs: Any) -> Any:
        first, _, rest = self.words.partition(" ")
        yield await self.said_as(f"{first} ")
        await self.let.wait()
        yield await self.said_as(rest)

    async def said_as(self, text: str) -> Any:
        from agno.models.response import ModelResponse

        self.said.set()
        return ModelResponse(role="assistant", content=text)


class Unreadable:
    """An event that no view can draw."""

    def __getattribute__(self, name: str) -> Any:
        raise ValueError(name)


async def send(panel: ChatPanel, text: str) -> None:
    """Type and press Enter; returns when the panel has received it."""
    tell(panel.composer, type="send", text=text)
    await turns_of_the_loop()


async def turns_of_the_loop() -> None:
    for _ in range(3):
        await asyncio.sleep(0)


async def asked(panel: ChatPanel, *questions: str) -> None:
    for question in questions:
        await send(panel, question)
        await panel.idle()


async def pressed(panel: ChatPanel, *buttons: Any) -> None:
    for button in buttons:
        click(button)
        await turns_of_the_loop()
        await panel.idle()


@pytest.fixture
def play(run_async: Callable[[Any], Any], wire: Wire) -> Callable[[Callable[[Wire], Any]], Any]:
    """Run a story on a loop, with the wire of its widgets."""
    return lambda story: run_async(story(wire))


def markup(widget: Any) -> str:
    """Everything that a widget and what is in it shows."""
    own = [getattr(widget, name, "") for name in ("value", "description")]
    return "".join([*(part for part in own if isinstance(part, str)), *map(markup, getattr(widget, "children", ()))])


# --------------------------------------------------------------------------------------------- asking


def test_a_question_gets_a_bubble_an_answer_chips_and_follow_ups(play, workflow) -> None:
    async def story(wire: Wire) -> None:
        panel = workflow.chat()
        await asked(panel, PRICE)
        [turn] = panel.conversation.turns
        assert turn.answer.symbols == ["AAPL"]
        assert "What is Apple&#x27;s stock price?" in markup(turn.widget)
        assert "309.35" in markup(turn.widget)
        assert [chip.description for chip in turn.chips.chips] == ["AAPL · Apple Inc."]
        assert wire.messages(panel.composer, "accepted") == [{"type": "accepted", "text": PRICE}]
        assert panel.composer.busy is False
        suggested = turn.follow_ups[0]
        assert markup(turn.widget).count(suggested.description) == 1
        await pressed(panel, suggested)
        assert [each.question for each in panel.conversation.turns] == [PRICE, suggested.description]
        assert not turn.follow_ups
        await pressed(panel, turn.tools["copy"], turn.tools["edit"])
        assert wire.messages(panel.composer, "copy") == [{"type": "copy", "text": turn.answer.to_markdown()}]
        assert wire.messages(panel.composer, "edit") == [{"type": "edit", "text": PRICE}]
        assert [str(answer.input) for answer in workflow.answers()] == [PRICE, suggested.description]
        await pressed(panel, turn.tools["again"])
        assert panel.conversation.turns[-1].question == PRICE
        panel.close()

    play(story)


def test_readings_are_buttons_and_a_click_asks_one(play, stored_workflow) -> None:
    async def story(wire: Wire) -> None:
        panel = stored_workflow.chat()
        await asked(panel, "What was United's revenue in FY2024?")
        [turn] = panel.conversation.turns
        assert "Did you mean" in markup(turn.widget)
        airline = next(each for each in turn.choices if "United Airlines" in each.description)
        await pressed(panel, airline)
        picked = panel.conversation.turns[-1]
        assert (picked.question, picked.answer.symbols) == ("revenue of UAL in FY2024", ["UAL"])
        assert not turn.choices, "only the last turn offers them"
        await asked(panel, "What was Nike's revenue in Q1 2024?")
        [calendar] = panel.conversation.turns[-1].choices
        assert calendar.description == "Q1 2024 of the calendar year", "the fiscal quarter is the answer shown"
        panel.close()
        again = stored_workflow.chat()
        await again.idle()
        assert [each.description for each in again.conversation.turns[-1].choices] == [calendar.description]
        again.close()

    play(story)


def test_a_double_click_asks_once_and_what_is_sent_meanwhile_is_kept(play) -> None:
    async def story(wire: Wire) -> None:
        held = Held()
        panel = ChatPanel(FinancialAssistantWorkflow(db=None, provider=held))
        await send(panel, PRICE)
        await send(panel, PRICE)
        await held.asked_for.wait()
        await send(panel, "help")
        [refused] = wire.messages(panel.composer, "refused")
        assert refused["text"] == "help"
        assert "still running" in refused["why"]
        held.let.set()
        await panel.idle()
        assert [turn.question for turn in panel.conversation.turns] == [PRICE]
        panel.close()

    play(story)


def test_what_cannot_be_asked_is_refused_in_words_and_kept(play, workflow) -> None:
    async def story(wire: Wire) -> None:
        panel = workflow.chat()
        texts = ["", "  \n ", "x" * 10_001]
        await asked(panel, *texts)
        refused = wire.messages(panel.composer, "refused")
        assert [message["text"] for message in refused] == texts
        assert all(message["why"].endswith((".", "”.")) for message in refused)
        assert not panel.conversation.turns
        await asked(panel, PRICE)
        assert panel.conversation.turns[0].answer.symbols == ["AAPL"]
        panel.close()

    play(story)


def test_stop_keeps_what_had_arrived_and_it_is_there_again_later(play, stored_workflow) -> None:
    async def story(wire: Wire) -> None:
        talking = Talking("Cash. <b>That</b> is left.")
        workflow = FinancialAssistantWorkflow(db=stored_workflow.store.sync.db_file, model=talking, routing="model")
        panel = workflow.chat("stopped")
        await send(panel, "Tell me something")
        await talking.said.wait()
        await turns_of_the_loop()
        tell(panel.composer, type="stop")
        tell(panel.composer, type="stop")
        await turns_of_the_loop()
        await panel.idle()
        [turn] = panel.conversation.turns
        assert turn.answer.status == RunStatus.cancelled
        assert turn.answer.content == "Cash."
        assert "This run was stopped." in markup(turn.widget)
        spans = turn.answer.spans()
        assert spans["end"].notna().all()
        assert spans["end"].max() == turn.answer.duration == turn.answer.events[-1].elapsed
        [stored] = workflow.answers("stopped")
        assert stored.spans().equals(spans)
        assert (stored.status, stored.content.strip()) == (RunStatus.cancelled, "Cash.")
        again = workflow.chat("stopped")
        await again.idle()
        assert "Cash" in markup(again.conversation.widget)
        assert "This run was stopped." in markup(again.conversation.widget)
        talking.let.set()
        await asked(panel, "Tell me more")
        assert panel.conversation.turns[1].answer.status == RunStatus.completed
        panel.close()
        again.close()

    play(story)


def test_a_run_that_is_cancelled_elsewhere_is_shown_as_stopped(play) -> None:
    async def story(wire: Wire) -> None:
        talking = Talking()
        workflow = FinancialAssistantWorkflow(db=None, model=talking, routing="model")
        panel = workflow.chat("elsewhere")
        await send(panel, "Tell me something")
        await talking.said.wait()
        await turns_of_the_loop()
        for run_id in get_active_runs():
            cancel_run(run_id)
        await panel.idle()
        assert panel.conversation.turns[0].answer.content == "One."
        panel.close()

    play(story)


def test_a_failure_is_shown_in_the_panel_and_the_next_click_works(play) -> None:
    async def story(wire: Wire) -> None:
        model = ScriptedModel(World(category="chat", symbols=(), chat="fails"))
        panel = ChatPanel(FinancialAssistantWorkflow(db=None, model=model))
        await asked(panel, "Tell me something")
        [turn] = panel.conversation.turns
        assert "No answer." in markup(turn.widget)
        assert panel.last_error is not None
        model.world = World(category="chat", symbols=())
        again = turn.tools["again"]
        await pressed(panel, again)
        assert panel.conversation.turns[1].answer.content.strip() == "one two three four"
        panel.close()

    play(story)


def test_a_bug_is_named_without_its_message_which_may_hold_anything(play) -> None:
    async def story(wire: Wire) -> None:
        provider = ScriptedProvider(World(sources={"quote AAPL": "bug"}))
        panel = ChatPanel(FinancialAssistantWorkflow(db=None, provider=provider))
        await asked(panel, PRICE)
        assert "TypeError" in markup(panel.conversation.turns[0].widget)
        assert isinstance(panel.last_error, TypeError)
        panel.close()

    play(story)


def test_a_view_that_breaks_takes_no_answer_with_it(play, workflow) -> None:
    async def story(wire: Wire) -> None:
        panel = workflow.chat()
        await send(panel, PRICE)
        panel.conversation.turns[0].see(Unreadable())
        await panel.idle()
        assert "309.35" in markup(panel.conversation.widget)
        assert panel.last_error is not None
        panel.close()

    play(story)


@pytest.mark.slow
def test_a_long_text_is_cut_in_the_bubble_and_whole_in_the_export(play) -> None:
    async def story(wire: Wire) -> None:
        talking = Talking("word " * 60_000)
        talking.let.set()
        settings = Settings(max_reply_chars=2_000_000)
        panel = ChatPanel(FinancialAssistantWorkflow(db=None, model=talking, routing="model", settings=settings))
        await asked(panel, "Tell me everything")
        assert len(panel.conversation.turns[0].answer.content) > 290_000
        assert LONGEST_SHOWN < len(markup(panel.conversation.widget)) < 10 * LONGEST_SHOWN
        assert "more characters are not shown here" in markup(panel.conversation.widget)
        await panel.export("markdown")
        [file] = wire.messages(panel.composer, "download")
        assert len(file["text"]) > 290_000
        panel.close()

    play(story)


def test_panels_on_one_conversation_take_turns_and_one_that_waits_can_be_stopped(play) -> None:
    async def story(wire: Wire) -> None:
        held = Held()
        workflow = FinancialAssistantWorkflow(db=None, provider=held)
        one, other = workflow.chat("shared"), workflow.chat("shared")
        await send(one, PRICE)
        await held.asked_for.wait()
        await send(other, "What is Tesla's stock price?")
        tell(other.composer, type="stop")
        await other.idle()
        assert NOT_STORED in markup(other.conversation.widget)
        assert not other.composer.busy
        held.let.set()
        await one.idle()
        await asked(other, "What is Tesla's stock price?")
        assert [answer.symbols for answer in workflow.answers("shared")] == [["AAPL"], ["TSLA"]]
        one.close()
        other.close()

    play(story)


# -------------------------------------------------------------------------------- typing and correcting


def test_companies_are_offered_for_what_is_being_typed(play, workflow) -> None:
    async def story(wire: Wire) -> None:
        panel = workflow.chat()
        tell(panel.composer, type="complete", text="micros")
        tell(panel.composer, type="complete", text="the")
        await turns_of_the_loop()
        first, second = wire.messages(panel.composer, "options")
        assert first["options"][0] == {"symbol": "MSFT", "name": "Microsoft Corp.", "exchange": "Nasdaq"}
        assert second["options"] == []
        panel.close()

    play(story)


def test_the_company_that_is_meant_comes_first_and_ordinary_words_offer_none() -> None:
    meant = {
        "$aapl": "AAPL",
        "Target": "TGT",
        "$brk.b": "BRK-B",
        "Apple": "AAPL",
        "nvid": "NVDA",
        "msft": "MSFT",
        "ge": "GE",
        "TSLA": "TSLA",
        "$T": "T",
    }
    assert {typed: completions(typed)[0].symbol for typed in meant} == meant
    silent = ("", "$", "what", "What", "is", "revenue", "ON", "it", "x" * 60)
    assert [typed for typed in silent if completions(typed)] == []


def test_a_wrong_company_is_changed_and_the_question_asked_again(play, workflow) -> None:
    async def story(wire: Wire) -> None:
        panel = workflow.chat()
        await asked(panel, PRICE)
        chips = panel.conversation.turns[0].chips
        await pressed(panel, chips.chips[0])
        assert chips.chooser.layout.display is None
        set_value(chips.search, value="Nvidia")
        await turns_of_the_loop()
        assert chips.options.children[0].description == "NVDA · NVIDIA Corp."
        await pressed(panel, chips.options.children[0])
        assert panel.conversation.turns[1].question == "What is $NVDA's stock price?"
        assert panel.conversation.turns[1].answer.symbols == ["NVDA"]
        assert chips.chooser.layout.display == "none"
        panel.close()

    play(story)


def test_a_name_that_could_not_be_placed_is_asked_for(play, workflow) -> None:
    async def story(wire: Wire) -> None:
        panel = workflow.chat()
        await asked(panel, "Compare Apple and Microsft")
        chips = panel.conversation.turns[0].chips
        assert chips.chips[1].description == "“Microsft”: which company?"
        await pressed(panel, chips.chips[1])
        await pressed(panel, chips.options.children[0])
        assert panel.conversation.turns[1].answer.symbols == ["AAPL", "MSFT"]
        panel.close()

    play(story)


def test_a_follow_up_that_names_no_company_is_corrected_too(play, workflow) -> None:
    async def story(wire: Wire) -> None:
        panel = workflow.chat()
        await asked(panel, PRICE, "And its income statement?")
        chips = panel.conversation.turns[1].chips
        await pressed(panel, chips.chips[0])
        set_value(chips.search, value="TSLA")
        await turns_of_the_loop()
        await pressed(panel, chips.options.children[0])
        assert panel.conversation.turns[2].answer.symbols == ["TSLA"]
        assert panel.conversation.turns[2].answer.category == "income_statement"
        panel.close()

    play(story)


# ------------------------------------------------------------------------------------- conversations


def test_a_conversation_is_restored_named_deleted_and_a_new_one_begun(play, stored_workflow) -> None:
    async def story(wire: Wire) -> None:
        await stored_workflow.arun(PRICE, session_id="old")
        panel = stored_workflow.chat("old")
        await panel.idle()
        assert [turn.question for turn in panel.conversation.turns] == [PRICE]
        assert panel.conversation.turns[0].follow_ups
        await pressed(panel, panel.header.tools["new"])
        assert not panel.conversation.turns
        await asked(panel, CASH)
        await pressed(panel, panel.header.tools["conversations"])
        assert {line.open.description for line in panel.picker.lines} == {CASH, PRICE}

        await pressed(panel, line_of(panel, "old").rename)
        await panel.list_conversations()  # as when the drawer opens again: what was begun is still there
        set_value(line_of(panel, "old").name, value="  <b>Apple</b> \n things ")
        await pressed(panel, line_of(panel, "old").save)
        assert line_of(panel, "old").open.description == "<b>Apple</b> things"
        await pressed(panel, line_of(panel, "old").rename)
        await pressed(panel, line_of(panel, "old").save)  # the name it has
        assert "Save" not in markup(panel.picker.widget)

        await pressed(panel, line_of(panel, "old").open)
        assert panel.session_id == "old"
        assert "&lt;b&gt;Apple" in markup(panel.header.widget)

        await pressed(panel, panel.header.tools["conversations"])
        line = line_of(panel, "old")
        await pressed(panel, line.delete)
        assert len(stored_workflow.sessions()) == 2, "nothing is deleted before it is confirmed"
        await pressed(panel, line.confirm)
        assert list(stored_workflow.sessions()["first_question"]) == [CASH]
        assert panel.session_id != "old"
        assert not panel.conversation.turns
        panel.close()

    play(story)


def test_a_thumb_and_a_reason_are_kept_with_the_answer(play, stored_workflow) -> None:
    async def story(wire: Wire) -> None:
        panel = stored_workflow.chat("rated")
        await asked(panel, PRICE)
        rating = panel.conversation.turns[0].rating
        assert [thumb.tooltip for thumb in rating.thumbs.values()] == ["This answer is right", "This answer is wrong"]
        assert rating.reason.layout.display == "none"
        await pressed(panel, rating.thumbs["down"])
        assert rating.reason.layout.display is None
        set_value(rating.reason, value="  310 USD \ud83d <b>really</b>")
        await turns_of_the_loop()
        await panel.idle()
        assert "Saved" in markup(rating.widget)
        await asked(panel, CASH)
        assert rating.widget in every(panel.conversation.turns[0].widget), "only suggestions go with the next turn"
        panel.close()

        again = FinancialAssistantWorkflow(db=stored_workflow.store.sync.db_file).chat("rated")
        await again.idle()
        first, second = (turn.rating for turn in again.conversation.turns)
        assert (first.reason.value, second.reason.value) == ("310 USD  <b>really</b>", "")
        assert "finassist-chat-pressed" in first.thumbs["down"]._dom_classes
        assert second.reason.layout.display == "none"
        await pressed(again, first.thumbs["down"])
        assert [answer.feedback for answer in stored_workflow.answers("rated")] == [None, None]
        again.close()

    play(story)


def test_of_two_thumbs_pressed_quickly_the_last_counts(play, workflow) -> None:
    async def story(wire: Wire) -> None:
        panel = workflow.chat()
        await asked(panel, PRICE)
        rating = panel.conversation.turns[0].rating
        click(rating.thumbs["up"])
        click(rating.thumbs["down"])
        await turns_of_the_loop()
        await panel.idle()
        assert workflow.answers()[0].feedback == Feedback("down")
        pressed_ones = [name for name, each in rating.thumbs.items() if "finassist-chat-pressed" in each._dom_classes]
        assert pressed_ones == ["down"]
        panel.close()

    play(story)


def test_a_thumb_that_cannot_be_kept_is_not_shown_as_kept(play, stored_workflow) -> None:
    async def story(wire: Wire) -> None:
        panel = stored_workflow.chat("gone")
        await asked(panel, PRICE)
        await Conversations(stored_workflow.store, stored_workflow.locks).delete("gone")
        rating = panel.conversation.turns[0].rating
        await pressed(panel, rating.thumbs["up"])
        assert "not stored" in panel.notice.value
        assert "finassist-chat-pressed" not in rating.thumbs["up"]._dom_classes
        panel.close()

    play(story)


def test_a_closed_panel_leaves_no_widget(play, workflow) -> None:
    async def story(wire: Wire) -> None:
        before = set(_instances)
        panel = workflow.chat()
        await asked(panel, PRICE, CASH)
        await pressed(panel, *(turn.rating.thumbs["up"] for turn in panel.conversation.turns))
        panel.close()
        left = {name: each for name, each in _instances.items() if name not in before}
        assert not left, sorted(type(each).__name__ for each in left.values())

    play(story)


def test_old_conversations_are_listed_when_asked_for(play, workflow) -> None:
    async def story(wire: Wire) -> None:
        for number in range(CONVERSATIONS + 1):
            await workflow.arun("help", session_id=f"talk-{number}")
        panel = workflow.chat("new")
        await pressed(panel, panel.header.tools["conversations"])
        assert len(panel.picker.lines) == CONVERSATIONS
        await pressed(panel, panel.picker.older)
        assert len(panel.picker.lines) == CONVERSATIONS + 1
        assert panel.picker.older.layout.display == "none"
        panel.close()

    play(story)


def test_turns_of_one_conversation_never_appear_in_the_next(play, workflow) -> None:
    async def story(wire: Wire) -> None:
        for number in range(4):
            await workflow.arun(f"help {number}", session_id="one")
        await workflow.arun(PRICE, session_id="two")
        for steps in (0, 1, 2, 5, 11):
            panel = workflow.chat("one")
            for _ in range(steps):
                await asyncio.sleep(0)
            await panel.open_conversation("two")
            await panel.idle()
            assert [turn.question for turn in panel.conversation.turns] == [PRICE]
            panel.close()

    play(story)


def line_of(panel: ChatPanel, session_id: str) -> Any:
    return next(line for line in panel.picker.lines if line.conversation.session_id == session_id)


def test_of_a_long_conversation_the_last_turns_are_shown_first(play, workflow) -> None:
    async def story(wire: Wire) -> None:
        for number in range(AT_ONCE + 3):
            await workflow.arun(f"help {number}", session_id="long")
        panel = workflow.chat("long")
        await panel.idle()
        assert len(panel.conversation.turns) == AT_ONCE
        assert panel.conversation.earlier.description == "Show earlier turns (3)"
        await pressed(panel, panel.conversation.earlier)
        assert [turn.question for turn in panel.conversation.turns] == [
            f"help {number}" for number in range(AT_ONCE + 3)
        ]
        assert panel.conversation.earlier.layout.display == "none"
        assert len(panel.conversation.answers) == AT_ONCE + 3
        panel.close()

    play(story)


def test_while_an_answer_is_made_the_conversation_is_not_left(play) -> None:
    async def story(wire: Wire) -> None:
        held = Held()
        panel = ChatPanel(FinancialAssistantWorkflow(db=None, provider=held), session_id="busy")
        await send(panel, PRICE)
        await held.asked_for.wait()
        for leave in (panel.new, lambda: panel.callbacks.start(panel.open_conversation("other"))):
            leave()
            await turns_of_the_loop()
            assert panel.session_id == "busy"
            assert "still running" in panel.notice.value
        await panel.delete_conversation("busy")
        assert "still running" in panel.notice.value
        held.let.set()
        await panel.idle()
        assert panel.conversation.turns[0].answer is not None
        panel.close()

    play(story)


def test_a_store_that_cannot_be_read_is_reported_in_words(play, tmp_path) -> None:
    async def story(wire: Wire) -> None:
        workflow = FinancialAssistantWorkflow(db=tmp_path / "sessions.db")
        workflow.store = Store(None, None)
        panel = workflow.chat()
        await panel.idle()
        assert "sync only" in panel.notice.value or "could not be reached" in panel.notice.value
        panel.close()

    play(story)


def test_an_id_that_cannot_be_one_is_refused_at_once(wire, workflow) -> None:
    with pytest.raises(InvalidSessionId):
        workflow.chat("../../etc")


# --------------------------------------------------------------------------------- settings and keys


def test_a_typed_key_is_used_and_is_nowhere_on_the_wire(play, workflow) -> None:
    async def story(wire: Wire) -> None:
        panel = workflow.chat()
        drawer = panel.settings
        await pressed(panel, panel.header.tools["settings"])
        tell(drawer.fields, type="key", name="openai_api_key", value="sk-canary-0123456789")
        await turns_of_the_loop()
        assert states(drawer)["openai_api_key"] == "taken; Apply uses it"
        set_value(drawer.model, value="openai")
        await pressed(panel, drawer.apply)
        assert panel.workflow.settings.key("openai") == "sk-canary-0123456789"
        assert panel.workflow.model.id.startswith("gpt")
        assert states(drawer)["openai_api_key"] == "set here, in memory only"
        assert workflow.settings.key("openai") is None, "the workflow that was given stays as it is"

        tell(drawer.fields, type="forget", name="openai_api_key")
        set_value(drawer.model, value="offline")
        await turns_of_the_loop()
        await pressed(panel, drawer.apply)
        assert panel.workflow.settings.key("openai") is None
        assert panel.workflow.model.id == "offline"
        assert "canary" not in wire.text()
        assert "canary" not in repr(vars(drawer)) + repr(panel.workflow.settings)
        panel.close()

    play(story)


def states(drawer: Any) -> dict[str, str]:
    return {line["name"]: line["state"] for line in drawer.fields.lines}


def test_a_setting_that_cannot_be_used_is_explained_and_changes_nothing(play, workflow) -> None:
    async def story(wire: Wire) -> None:
        panel = workflow.chat()
        await pressed(panel, panel.header.tools["settings"])
        for field, value, words in (
            (panel.settings.model, "gpt-5000", "There is no model"),
            (panel.settings.provider, "bloomberg", "There is no data provider"),
        ):
            set_value(field, value=value)
            await pressed(panel, panel.settings.apply)
            assert words in panel.notice.value
            assert panel.workflow is workflow
            set_value(field, value="as given")
        await asked(panel, PRICE)
        assert panel.conversation.turns[0].answer.symbols == ["AAPL"]
        panel.close()

    play(story)


def test_a_key_that_cannot_be_used_is_refused_without_repeating_it(play, workflow) -> None:
    async def story(wire: Wire) -> None:
        panel = workflow.chat()
        await pressed(panel, panel.header.tools["settings"])
        tell(panel.settings.fields, type="key", name="fmp_api_key", value="canary with spaces")
        tell(panel.settings.fields, type="key", name="home", value="/somewhere")
        await turns_of_the_loop()
        await pressed(panel, panel.settings.apply)
        assert "cannot be used" in panel.notice.value
        assert "canary" not in wire.text()
        panel.close()

    play(story)


def test_other_choices_are_asked_from_then_on_in_the_same_conversation(play, workflow) -> None:
    async def story(wire: Wire) -> None:
        panel = workflow.chat("same")
        await asked(panel, PRICE)
        await pressed(panel, panel.header.tools["settings"])
        drawer = panel.settings
        set_value(drawer.routing, index=2)
        await pressed(panel, drawer.apply)
        assert (panel.workflow.routing, workflow.routing) == ("rules", "auto")
        assert panel.workflow.chat_agent is workflow.chat_agent
        await asked(panel, "and its income statement?")
        assert panel.conversation.turns[1].answer.symbols == ["AAPL"]
        assert len(workflow.answers("same")) == 2
        panel.close()

    play(story)


# ------------------------------------------------------------------------------ files, and what is left


def test_a_conversation_is_saved_as_files(play, workflow) -> None:
    async def story(wire: Wire) -> None:
        panel = workflow.chat()
        buttons = panel.exports.buttons
        await pressed(panel, buttons["csv"])
        assert "Ask something first" in panel.notice.value
        await asked(panel, "help")
        await pressed(panel, buttons["csv"])
        assert "no figures yet" in panel.notice.value
        await asked(panel, PRICE)
        await pressed(panel, *buttons.values())
        files = wire.messages(panel.composer, "download")
        assert [file["name"] for file in files] == [f"finassist-help.{kind}" for kind in ("md", "html", "csv")]
        assert all("309.35" in file["text"] for file in files)
        assert panel.notice.value == ""
        panel.close()

    play(story)


def test_a_closed_panel_is_quiet_and_stops_what_it_asked(play) -> None:
    async def story(wire: Wire) -> None:
        held = Held()
        workflow = FinancialAssistantWorkflow(db=None, provider=held)
        panel = workflow.chat("closed")
        await send(panel, PRICE)
        await held.asked_for.wait()
        send_again = panel.composer.comm
        panel.close()
        panel.close()
        await panel.idle()
        sent = len(wire.sent)
        data = {"method": "custom", "content": {"type": "send", "text": "help"}}
        send_again.handle_msg({"content": {"comm_id": send_again.comm_id, "data": data}, "buffers": []})
        await turns_of_the_loop()
        assert len(wire.sent) == sent
        [stored] = workflow.answers("closed")
        assert stored.status == RunStatus.cancelled

    play(story)


def test_messages_from_another_thread_are_heard_on_the_panels_loop(play, workflow) -> None:
    async def story(wire: Wire) -> None:
        panel = workflow.chat()
        thread = threading.Thread(target=lambda: tell(panel.composer, type="send", text=PRICE))
        thread.start()
        await asyncio.to_thread(thread.join)
        await turns_of_the_loop()
        await panel.idle()
        assert panel.conversation.turns[0].answer.symbols == ["AAPL"]
        panel.close()

    play(story)


def test_messages_that_make_no_sense_do_no_harm(play, workflow) -> None:
    async def story(wire: Wire) -> None:
        panel = workflow.chat()
        for message in ({}, {"type": "send"}, {"type": "nonsense"}, {"type": "complete"}, {"type": 3}):
            tell(panel.composer, **message)
        await turns_of_the_loop()
        await panel.idle()
        assert not panel.conversation.turns
        assert panel.last_error is None
        panel.close()

    play(story)


def test_what_people_and_models_write_is_never_markup(play) -> None:
    probe = "<img src=x onerror=alert(1)><script>alert(1)</script>"

    async def story(wire: Wire) -> None:
        talking = Talking(probe)
        talking.let.set()
        panel = ChatPanel(FinancialAssistantWorkflow(db=None, model=talking, routing="model"), session_id="unsafe")
        await asked(panel, f"Say {probe}")
        await panel.rename_conversation("unsafe", probe)
        panel.say(probe)
        await pressed(panel, panel.header.tools["conversations"])
        for widget in every(panel):
            if type(widget).__name__ == "HTML":
                assert "<img src=x" not in widget.value
                assert "<script" not in widget.value
        panel.close()

    play(story)


def every(widget: Any) -> Iterator[Any]:
    yield widget
    for child in getattr(widget, "children", ()):
        yield from every(child)


def test_a_saved_notebook_has_text_in_place_of_the_panel(wire, workflow) -> None:
    panel = workflow.chat()
    bundle = panel._repr_mimebundle_()
    assert "run this cell" in bundle["text/plain"]
    assert "run this cell" in bundle["text/html"]
    assert "application/vnd.jupyter.widget-view+json" in bundle
    tell(panel.composer, type="send", text=PRICE)
    assert "JupyterLab" in panel.notice.value, "without a loop it says where it works"
    panel.close()


# ------------------------------------------------------------------------------------- conversations.py


@pytest.mark.parametrize("kind", ["memory", "file"])
def test_conversations_of_every_store(run_async, tmp_path, kind: str) -> None:
    async def story() -> None:
        workflow = FinancialAssistantWorkflow(db=None if kind == "memory" else tmp_path / "s.db")
        talks = Conversations(workflow.store, workflow.locks)
        assert await talks.recent() == []
        await workflow.arun(PRICE, session_id="one")
        await workflow.arun(CASH, session_id="two")
        await talks.rename("one", "Fruit")
        assert {each.session_id: each.name for each in await talks.recent()} == {"one": "Fruit", "two": CASH}
        conversation, answers = await talks.read("one")
        assert (conversation.name, conversation.symbols, conversation.turns) == ("Fruit", ("AAPL",), 1)
        assert [str(answer.input) for answer in answers] == [PRICE]
        with pytest.raises(SessionError, match="Ask something in it"):
            await talks.rename("nowhere", "x")
        await talks.delete("one")
        assert [each.session_id for each in await talks.recent()] == ["two"]
        assert (await talks.read("one"))[1] == []

    run_async(story())


def test_an_answer_that_was_complete_when_it_was_stopped_stays_complete(run_async, workflow) -> None:
    async def story() -> None:
        talks = Conversations(workflow.store, workflow.locks)
        answer = await workflow.arun(PRICE, session_id="one")
        whole = await talks.keep_partial("one", answer.run_id, "Appl")
        assert whole.content == answer.content == workflow.answers("one")[0].content
        assert await talks.keep_partial("one", "nowhere", "text") is None

    run_async(story())


def test_users_see_only_their_own_conversations(run_async, tmp_path) -> None:
    async def story() -> None:
        workflow = FinancialAssistantWorkflow(db=tmp_path / "s.db", user_id="ann")
        await workflow.arun(PRICE, session_id="one")
        other = Conversations(workflow.store, workflow.locks, "bob")
        assert await other.recent() == []
        assert (await other.read("one"))[1] == []
        await other.delete("one")
        assert len(workflow.answers("one")) == 1

    run_async(story())


def test_conversations_of_an_async_database(run_async, tmp_path) -> None:
    async def story() -> None:
        file = open_store(tmp_path / "s.db")
        workflow = FinancialAssistantWorkflow(db=tmp_path / "s.db")
        talks = Conversations(Store(None, file.native), workflow.locks)
        await workflow.arun(PRICE, session_id="one")
        assert [each.name for each in await talks.recent()] == [PRICE]

    run_async(story())
