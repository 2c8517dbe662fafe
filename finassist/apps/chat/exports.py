"""A conversation and its figures as files that the browser saves."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable, Sequence
from importlib import import_module
from typing import Any, Final

from finassist.answer import Answer
from finassist.apps.chat.kit import bound, button, column, html, row
from finassist.core.errors import InputError
from finassist.core.facts import Fact

NOTHING: Final = "There is nothing to export yet. Ask something first."
NO_FIGURES: Final = "This conversation has no figures yet. Ask about a company, then export its data."


class Exports:
    """Three ways out of a conversation.

    Attributes:
        widget: What to show.
    """

    def __init__(
        self, export: Callable[[str], Any], guarded: Callable[[Callable[..., Any]], Callable[..., None]]
    ) -> None:
        kinds = (
            ("markdown", "Conversation as Markdown", "file-text"),
            ("html", "Conversation as HTML", "file-code"),
            ("csv", "Figures as CSV", "table"),
        )
        self.buttons = {
            kind: button(text, guarded(bound(export, kind)), icon=icon, tooltip=f"Download: {text}")
            for kind, text, icon in kinds
        }
        self.widget = column(
            [html("<h3>Export</h3>", "drawer-title"), row(self.buttons.values(), "options")], "drawer exports"
        )


async def exported(kind: str, name: str, answers: Sequence[Answer]) -> tuple[str, str, str]:
    """A file: its name, its type, its text. Made in a thread, as a long conversation takes a while.

    Raises:
        InputError: There is nothing to export.
    """
    if not answers:
        raise InputError(NOTHING)
    return await asyncio.to_thread(_EXPORTERS[kind], _file_name(name), answers)


async def warm_up() -> None:
    """Load in a thread what figures are written with, before somebody waits for it."""
    await asyncio.to_thread(import_module, "finassist.reporting.frames")


def _markdown(name: str, answers: Sequence[Answer]) -> tuple[str, str, str]:
    from finassist.reporting.export import conversation_markdown

    return f"{name}.md", "text/markdown;charset=utf-8", conversation_markdown(answers)


def _html(name: str, answers: Sequence[Answer]) -> tuple[str, str, str]:
    from finassist.reporting.export import conversation_html

    return f"{name}.html", "text/html;charset=utf-8", conversation_html(answers)


def _csv(name: str, answers: Sequence[Answer]) -> tuple[str, str, str]:
    from finassist.reporting.export import safe_csv
    from finassist.reporting.frames import facts_frame

    facts: dict[str, Fact] = {fact.key: fact for answer in answers for fact in answer.facts}
    if not facts:
        raise InputError(NO_FIGURES)
    return f"{name}.csv", "text/csv;charset=utf-8", safe_csv(facts_frame(facts.values()))


_EXPORTERS: Final = {"markdown": _markdown, "html": _html, "csv": _csv}


def _file_name(name: str) -> str:
    """A name that every file system takes."""
    plain = re.sub(r"[^\w-]+", "-", name, flags=re.ASCII).strip("-").lower()
    return f"finassist-{plain[:50].strip('-') or 'conversation'}"
