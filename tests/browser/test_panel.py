"""The chat panel in JupyterLab: ask, watch, stop, go on, switch, keep, and every way to be clumsy."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import Gates
from tests.browser.pages import DARK, LIGHT, Lab, Notebook, barriers, below, poor_contrast, sideways
from tests.browser.panels import Panel

PRICE = "What is Apple's stock price?"
CASH = "What is free cash flow?"

pytestmark = pytest.mark.usefixtures("calm")


@pytest.fixture(scope="module")
def notebook(lab: Lab) -> Iterator[Notebook]:
    notebook = lab.new_notebook("panel.ipynb")
    notebook.run("from gated import gated_workflow\nworkflow = gated_workflow()")
    yield notebook
    notebook.close()


def test_ask_watch_and_follow_up(notebook: Notebook, gates: Gates, shoot: Callable[..., object]) -> None:
    panel = Panel.opened(notebook, "ask")
    expect(panel.welcome).to_be_visible()
    gates.shut("quote AAPL")
    turn = panel.ask(PRICE)
    expect(panel.welcome).to_be_hidden()
    expect(panel.stop).to_be_visible()
    expect(turn).to_contain_text("AAPL quote")
    shoot(panel.area, "panel while it works")
    gates.open()
    expect(turn.locator(".fin-answer")).to_contain_text("309.35")
    expect(panel.stop).to_be_hidden()
    turn.locator(".finassist-chat-follow-up").first.click()
    expect(panel.turns).to_have_count(2)
    second = panel.turns.nth(1)
    expect(second.locator(".fin-answer")).to_contain_text("Apple Inc.")
    expect(second.locator("summary", has_text=" tasks in ")).to_be_visible()
    assert below(second.locator(".fin-headline").first, second) < 120
    assert below(second, panel.area.locator(".finassist-chat-log")) < 30
    expect(turn.locator(".finassist-chat-follow-up")).to_have_count(0)
    expect(panel.turns.nth(1).locator(".finassist-chat-follow-up").first).to_be_visible()


def test_what_a_follow_up_means_is_remembered(notebook: Notebook) -> None:
    panel = Panel.opened(notebook, "remembered")
    panel.answered(PRICE, "309.35")
    panel.answered("What about Tesla?", "Tesla, Inc. (TSLA)")


def test_stop_keeps_what_had_arrived(notebook: Notebook, gates: Gates, shoot: Callable[..., object]) -> None:
    panel = Panel.opened(notebook, "stopped")
    gates.shut("words")
    turn = panel.ask(CASH)
    expect(turn).to_contain_text("The cash left")
    panel.stop.click()
    expect(turn).to_contain_text("This run was stopped.")
    expect(turn).to_contain_text("The cash left")
    expect(panel.stop).to_be_hidden()
    shoot(panel.area, "panel stopped")
    gates.open()
    panel.answered(CASH, "How to read it")


def test_enter_sends_shift_enter_does_not_and_a_turn_is_copied_asked_again_and_edited(notebook: Notebook) -> None:
    panel = Panel.opened(notebook, "keys")
    panel.question.press_sequentially("help")
    panel.question.press("Shift+Enter")
    panel.question.press_sequentially("me")
    expect(panel.question).to_have_value("help\nme")
    expect(panel.turns).to_have_count(0)
    panel.question.press("Enter")
    expect(panel.question).to_have_value("")
    turn = panel.turns.first
    turn.get_by_role("button", name="Copy this answer").click()
    expect(panel.word).to_have_text("Copied as Markdown.")
    turn.get_by_role("button", name="Ask this again").click()
    expect(panel.turns).to_have_count(2)
    turn.get_by_role("button", name="Edit this question").click()
    expect(panel.question).to_have_value("help\nme")
    expect(panel.question).to_be_focused()


def test_a_double_click_asks_once(notebook: Notebook) -> None:
    panel = Panel.opened(notebook, "double")
    panel.question.fill(PRICE)
    panel.send.dblclick()
    expect(panel.turns.locator(".fin-answer")).to_contain_text("309.35")
    expect(panel.stop).to_be_hidden()
    expect(panel.turns).to_have_count(1)


def test_what_is_sent_while_an_answer_is_made_is_kept(notebook: Notebook, gates: Gates) -> None:
    panel = Panel.opened(notebook, "busy")
    gates.shut("quote AAPL")
    turn = panel.ask(PRICE)
    expect(turn).to_contain_text("AAPL quote")
    panel.question.fill("help")
    panel.question.press("Enter")
    expect(panel.word).to_contain_text("still running")
    expect(panel.question).to_have_value("help")
    expect(panel.turns).to_have_count(1)
    gates.open()
    expect(turn.locator(".fin-answer")).to_contain_text("309.35")
    expect(panel.stop).to_be_hidden()
    panel.question.press("Enter")
    expect(panel.turns).to_have_count(2)


def test_companies_are_offered_while_typing(notebook: Notebook) -> None:
    panel = Panel.opened(notebook, "typing")
    panel.question.press_sequentially("price of Micros")
    option = panel.area.get_by_role("option", name="MSFT")
    expect(option).to_be_visible()
    panel.question.press("ArrowDown")
    expect(option).to_have_attribute("aria-selected", "true")
    panel.question.press("Enter")
    expect(panel.question).to_have_value("price of $MSFT ")
    expect(panel.turns).to_have_count(0)


def test_a_wrong_company_is_corrected(notebook: Notebook, shoot: Callable[..., object]) -> None:
    panel = Panel.opened(notebook, "corrected")
    turn = panel.answered(PRICE, "309.35")
    turn.locator(".finassist-chat-chip").first.click()
    search = turn.get_by_role("textbox", name="Another company")
    expect(search).to_be_focused()
    search.fill("Nvidia")
    shoot(panel.area, "panel correcting a company")
    turn.get_by_role("button", name="Ask about NVDA").click()
    expect(panel.turns.nth(1).locator(".fin-answer")).to_contain_text("Nvidia")


@pytest.mark.parametrize("theme", [LIGHT, DARK])
def test_a_reading_is_picked(lab: Lab, notebook: Notebook, theme: str, shoot: Callable[..., object]) -> None:
    lab.theme(theme)
    panel = Panel.opened(notebook, f"readings-{theme.split()[-1]}")
    turn = panel.answered("What was United's revenue in FY2024?", "Did you mean")
    shoot(panel.area, f"panel readings {theme}")
    assert poor_contrast(panel.area) == []
    turn.get_by_role("button", name="Ask for United Airlines").click()
    expect(panel.turns.nth(1).locator(".fin-answer")).to_contain_text("57.06 billion")
    expect(panel.stop).to_be_hidden()
    partly = panel.answered("What were Apple's blorbish net margin and revenue in FY2023?", "✗ “blorbish”")
    expect(partly.locator(".fin-answer")).to_contain_text("✓ FY2023")
    shoot(panel.area, f"panel checklist {theme}")
    lab.page.set_viewport_size({"width": 480, "height": 900})
    try:
        panel.answered("What was Nike's revenue in Q1 2024?", "Q1 2024 of the calendar year")
        shoot(panel.area, f"panel readings narrow {theme}")
        assert sideways(panel.area) == []
    finally:
        lab.page.set_viewport_size({"width": 1280, "height": 900})


def test_a_failure_is_told_in_words_and_the_next_question_works(
    notebook: Notebook, shoot: Callable[..., object]
) -> None:
    notebook.run(
        "class Broken(type(workflow.provider)):\n"
        "    async def fetch_facts(self, need, symbol, limit):\n"
        "        if symbol == 'MSFT':\n"
        "            raise RuntimeError('<img src=x onerror=alert(1)>')\n"
        "        return await super().fetch_facts(need, symbol, limit)\n"
        "broken = gated_workflow()\n"
        "broken.provider = Broken()"
    )
    panel = Panel.opened(notebook, "failing", workflow="broken", name="failing")
    turn = panel.ask("What is Microsoft's stock price?")
    expect(turn).to_contain_text("No answer.")
    expect(turn.get_by_role("button", name="Ask this again")).to_be_visible()
    shoot(panel.area, "panel failed")
    expect(panel.stop).to_be_hidden()
    panel.answered(PRICE, "309.35")


def test_conversations_are_switched_named_and_deleted(notebook: Notebook, shoot: Callable[..., object]) -> None:
    panel = Panel.opened(notebook, "first")
    first = "What is the stock price of Apple?"  # asked in no other conversation of this page
    panel.answered(first, "309.35")
    panel.tool("New").click()
    expect(panel.welcome).to_be_visible()
    expect(panel.question).to_be_focused()
    panel.answered("What is Ford's stock price?", "Ford")
    panel.tool("Past").click()
    expect(panel.sessions.first.get_by_role("button", name="Open")).to_be_focused()
    panel.page.keyboard.press("Escape")
    expect(panel.sessions.first).to_be_hidden()
    expect(panel.tool("Past")).to_be_focused()
    panel.page.keyboard.press("Enter")
    line = panel.sessions.filter(has_text=first)
    expect(line).to_have_count(1)
    shoot(panel.area, "panel conversations")

    current = panel.area.locator(".finassist-chat-session-current")
    current.get_by_role("button", name="Rename").click()
    current.get_by_role("textbox", name="Name of this conversation").fill("Cars <b>only</b>")
    current.get_by_role("button", name="Save").click()
    expect(panel.title).to_contain_text("Cars <b>only</b>")
    expect(current).to_contain_text("Cars <b>only</b>")

    current.get_by_role("button", name="Delete").click()
    expect(current).to_contain_text("cannot be undone")
    current.get_by_role("button", name="Keep it").click()
    expect(current).not_to_contain_text("cannot be undone")
    current.get_by_role("button", name="Delete").click()
    current.locator(".finassist-chat-danger").click()
    expect(panel.sessions.filter(has_text="Cars")).to_have_count(0)

    line.get_by_role("button", name="Open").click()
    expect(panel.turns.first).to_contain_text("309.35")
    assert "Ford" not in notebook.printed("print(list(workflow.sessions()['first_question']))")


def test_a_conversation_and_its_figures_are_saved_as_files(notebook: Notebook) -> None:
    panel = Panel.opened(notebook, "kept")
    panel.tool("Download").click()
    panel.area.get_by_role("button", name="Download: Figures as CSV").click()
    expect(panel.notice).to_contain_text("Ask something first")
    panel.answered(PRICE, "309.35")
    found = {}
    for kind in ("Conversation as Markdown", "Conversation as HTML", "Figures as CSV"):
        with panel.page.expect_download() as download:
            panel.area.get_by_role("button", name=f"Download: {kind}").click()
        saved = download.value
        found[saved.suggested_filename.rpartition(".")[2]] = saved.path().read_text(encoding="utf-8")
    assert set(found) == {"md", "html", "csv"}
    assert all("309.35" in text for text in found.values())
    assert "<script" not in found["html"]


def test_settings_are_chosen_in_the_panel_and_change_no_other(notebook: Notebook, shoot: Callable[..., object]) -> None:
    panel = Panel.opened(notebook, "settings")
    panel.tool("Model").click()
    key = panel.area.get_by_label("OpenAI", exact=True)
    expect(key).to_have_attribute("type", "password")
    key.fill("sk-canary-in-the-browser")
    key.press("Enter")
    expect(key).to_have_value("")
    line = panel.area.locator(".finassist-keys-line").filter(has_text="OpenAI")
    expect(line).to_contain_text("Apply uses it")
    panel.area.get_by_role("button", name="Forget the key of OpenAI").click()
    expect(line).to_contain_text("not set")
    shoot(panel.area, "panel settings")
    panel.area.get_by_label("Routing").select_option("always the rules")
    panel.area.get_by_role("button", name="Apply").click()
    panel.answered(PRICE, "309.35")
    assert notebook.printed("print(workflow.routing, panel.workflow.routing)") == "auto rules\n"
    assert "canary" not in str(notebook.save())


def test_everything_works_by_keyboard_and_shows_where_one_is(notebook: Notebook) -> None:
    panel = Panel.opened(notebook, "keyboard")
    panel.tool("New").focus()
    passed: list[str] = []
    for _ in range(12):
        passed.append(panel.page.evaluate("() => finassistTests.focused()"))
        if "Your question" in passed[-1]:
            break
        panel.page.keyboard.press("Tab")
    assert [name.split(":")[0] for name in passed[:4]] == ["New conversation", "Past conversations", *passed[2:4]]
    assert "Your question" in passed[-1], passed
    panel.page.keyboard.type("What is Apple's stock price?")
    panel.page.keyboard.press("Enter")
    expect(panel.turns.locator(".fin-answer")).to_contain_text("309.35")
    expect(panel.question).to_be_focused()
    expect(panel.turns.locator(".finassist-chat-follow-up").last).to_be_visible()
    panel.page.keyboard.press("Shift+Tab")
    panel.page.keyboard.press("Enter")
    expect(panel.turns.nth(1).locator(".fin-answer")).to_be_visible()
    assert panel.area.evaluate("area => finassistTests.focusRings(area)") == []


@pytest.mark.parametrize("theme", [LIGHT, DARK])
def test_an_answer_is_rated_by_keyboard(lab: Lab, notebook: Notebook, theme: str, shoot: Callable[..., object]) -> None:
    lab.theme(theme)
    session = f"rated-{theme.split()[-1]}"
    panel = Panel.opened(notebook, session)
    panel.answered(PRICE, "309.35")
    right, wrong = (panel.area.get_by_role("button", name=f"This answer is {word}") for word in ("right", "wrong"))
    why = panel.area.get_by_role("textbox", name="Why, or what is right")
    expect(why).to_be_hidden()
    right.focus()
    panel.page.keyboard.press("Tab")
    expect(wrong).to_be_focused()
    panel.page.keyboard.press("Enter")
    expect(wrong).to_have_attribute("aria-pressed", "true")
    expect(right).to_have_attribute("aria-pressed", "false")
    panel.page.keyboard.press("Tab")
    expect(why).to_be_focused()
    panel.page.keyboard.type("It was 310 USD.")
    panel.page.keyboard.press("Enter")
    expect(panel.area.get_by_role("status").filter(has_text="Saved with this answer.")).to_be_visible()
    expect(panel.turns).to_have_count(1)
    stored = f"workflow.answers({session!r})[0].feedback"  # the reason is kept after the thumb
    kept = notebook.printed(
        f"import asyncio\nwhile not {stored}.reason:\n    await asyncio.sleep(0.05)\nprint({stored})"
    )
    assert "Feedback(thumb='down', reason='It was 310 USD.')" in kept
    assert poor_contrast(panel.area) == []
    shoot(panel.area, f"panel rated {theme}")
    lab.page.set_viewport_size({"width": 480, "height": 900})
    try:
        shoot(panel.area, f"panel rated narrow {theme}")
        assert sideways(panel.area) == []
    finally:
        lab.page.set_viewport_size({"width": 1280, "height": 900})
    again = Panel.opened(notebook, session)
    expect(again.area.get_by_role("button", name="This answer is wrong")).to_have_attribute("aria-pressed", "true")
    expect(again.area.get_by_role("textbox", name="Why, or what is right")).to_have_value("It was 310 USD.")


@pytest.mark.parametrize("theme", [LIGHT, DARK])
def test_the_panel_is_readable_in_both_themes(
    lab: Lab, notebook: Notebook, theme: str, shoot: Callable[..., object]
) -> None:
    lab.theme(theme)
    panel = Panel.opened(notebook, f"themes-{theme.split()[-1]}")
    assert poor_contrast(panel.area) == []
    panel.answered("Compare the stock prices of Apple and Microsoft", "309.35")
    shoot(panel.area, f"panel {theme}")
    assert poor_contrast(panel.area) == []
    for tool in ("Past", "Download", "Model"):
        panel.tool(tool).click()
        expect(panel.tool(tool)).to_have_attribute("aria-expanded", "true")
        expect(panel.area.locator(".finassist-chat-drawer:visible")).to_have_count(1)
        assert poor_contrast(panel.area) == []
        assert barriers(panel.area) == []
    shoot(panel.area, f"panel settings {theme}")


def test_the_panel_fits_a_narrow_screen(lab: Lab, notebook: Notebook, shoot: Callable[..., object]) -> None:
    panel = Panel.opened(notebook, "narrow")
    panel.answered("Compare the stock prices of Apple and Microsoft", "309.35")
    panel.tool("Model").click()
    lab.page.set_viewport_size({"width": 480, "height": 900})
    try:
        shoot(panel.area, "panel narrow")
        assert sideways(panel.area) == []
    finally:
        lab.page.set_viewport_size({"width": 1280, "height": 900})


def test_after_a_restart_the_panel_says_so_and_runs_again(notebook: Notebook) -> None:
    panel = Panel.opened(notebook, "restarted")
    panel.answered(PRICE, "309.35")
    notebook.restart()
    expect(panel.word).to_contain_text("Run this cell again")
    notebook.run("from gated import gated_workflow\nworkflow = gated_workflow()")
    again = Panel.opened(notebook, "restarted")
    expect(again.turns.first).to_contain_text("309.35")
    again.answered("What about Tesla?", "Tesla")
