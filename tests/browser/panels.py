"""The chat panel as a person meets it: by the names its controls have for everybody."""

from __future__ import annotations

from playwright.sync_api import Locator, expect

from tests.browser.pages import Notebook


class Panel:
    """A chat panel on the page."""

    def __init__(self, area: Locator) -> None:
        self.area, self.page = area, area.page
        self.question = area.get_by_role("textbox", name="Your question")
        self.send = area.get_by_role("button", name="Send", exact=True)
        self.stop = area.get_by_role("button", name="Stop", exact=True)
        self.turns = area.locator(".finassist-chat-turn")
        self.welcome = area.locator(".finassist-chat-welcome")
        self.title = area.locator(".finassist-chat-title")
        self.word = area.locator(".finassist-composer-word")
        self.notice = area.locator(".finassist-chat-notice")
        self.sessions = area.locator(".finassist-chat-session")

    @classmethod
    def opened(cls, notebook: Notebook, session: str, *, workflow: str = "workflow", name: str = "panel") -> Panel:
        """The panel that a new cell shows, ready to type into."""
        shown = notebook.run(f"{name} = {workflow}.chat({session!r})\n{name}")
        panel = cls(shown.locator(".finassist-chat"))
        expect(panel.question).to_be_visible()
        return panel

    def tool(self, name: str) -> Locator:
        """A button of the panel's head, by the beginning of its name."""
        return self.area.locator(f'.finassist-chat-head button[aria-label^="{name}"]')

    def ask(self, text: str) -> Locator:
        """Type a question and send it; returns its turn."""
        number = self.turns.count()
        self.question.fill(text)
        self.question.press("Enter")
        turn = self.turns.nth(number)
        expect(turn).to_contain_text(text)
        return turn

    def answered(self, text: str, containing: str) -> Locator:
        """Ask, and wait for an answer that contains something."""
        turn = self.ask(text)
        expect(turn).to_contain_text(containing)
        expect(self.stop).to_be_hidden()
        return turn
