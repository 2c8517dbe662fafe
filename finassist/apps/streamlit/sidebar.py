"""The sidebar: what is asked with, which conversation, and what to keep of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

import streamlit
from pydantic import SecretStr

from finassist.answer import Answer
from finassist.config.choices import MODELS, ROUTINGS, SOURCES
from finassist.config.settings import KEYS, Routing, Settings
from finassist.config.sources import variable_of
from finassist.core.errors import FinassistError
from finassist.reporting.export import conversation_html, conversation_markdown, safe_csv
from finassist.workflow import FinancialAssistantWorkflow

st: Any = streamlit


@dataclass(frozen=True, slots=True)
class Chosen:
    """What the sidebar says.

    Attributes:
        workflow: What to ask.
        session_id: The conversation.
        steps: Whether to show intermediate steps.
        streaming: Whether to show words as they come.
    """

    workflow: FinancialAssistantWorkflow
    session_id: str
    steps: bool
    streaming: bool


def sidebar() -> Chosen:
    """Draw it, and read it."""
    with st.sidebar:
        st.title("finassist")
        workflow = _workflow()
        session_id = _conversation(workflow)
        steps = st.toggle("Show intermediate steps", value=True)
        streaming = st.toggle("Show words as they come", value=True)
    return Chosen(workflow, session_id, steps, streaming)


def keep(answers: Sequence[Answer]) -> None:
    """Buttons that save the conversation, and its figures."""
    with st.sidebar, st.expander("Export", expanded=False):
        if not answers:
            st.caption("Ask something first.")
            return
        st.download_button("Conversation as Markdown", conversation_markdown(answers), "conversation.md")
        st.download_button("Conversation as HTML", conversation_html(answers), "conversation.html", "text/html")
        frames = [answer.to_frame() for answer in answers if answer.facts]
        for number, frame in enumerate(frames, 1):
            st.download_button(
                f"Figures of answer {number} as CSV", safe_csv(frame), f"figures-{number}.csv", "text/csv"
            )


def _workflow() -> FinancialAssistantWorkflow:
    """One for each choice; it lives as long as the tab, and so do keys typed here."""
    with st.expander("Model and data"):
        model = st.selectbox("Model", MODELS)
        source = st.selectbox("Data", SOURCES)
        who = dict(ROUTINGS)
        routing = who[st.selectbox("Who decides what is asked", list(who))]
    with st.expander("Keys"):
        typed: dict[str, str] = {name: st.text_input(variable_of(name), type="password") for name in KEYS}
        st.caption("Kept in memory for this tab only.")
        _show_keys(typed)
    made = (model, source, routing, *typed.values())
    if st.session_state.get("made") != made:
        st.session_state.workflow = _opened(model, source, routing, typed)
        st.session_state.made = made
    workflow = st.session_state.workflow
    st.caption(f"In use: {workflow.model.id} · {workflow.provider.name}")
    return workflow


def _opened(model: str, source: str, routing: Routing, typed: dict[str, str]) -> FinancialAssistantWorkflow:
    keys: dict[str, Any] = {name: SecretStr(key) for name, key in typed.items() if key.strip()}
    try:
        return FinancialAssistantWorkflow(model=model, provider=source, routing=routing, settings=Settings(**keys))
    except FinassistError as error:
        st.error(str(error))
        kept = st.session_state.get("workflow")
        return kept or FinancialAssistantWorkflow(model="offline", provider="embedded", routing=routing)


def _show_keys(typed: dict[str, str]) -> None:
    settings = Settings()
    for name in KEYS:
        there = settings.origin(name) if getattr(settings, name) else "not set"
        st.caption(f"{variable_of(name)}: {'typed here' if typed[name].strip() else there}")


def _conversation(workflow: FinancialAssistantWorkflow) -> str:
    """Which conversation goes on; a new one until another is chosen."""
    stored = workflow.sessions()
    titles = {str(row["session_id"]): _title(row) for row in stored.to_dict("records")}
    current: str = st.session_state.setdefault("session_id", str(uuid4()))
    if current not in titles:
        titles = {current: "This conversation", **titles}
    if st.button("New conversation", width="stretch"):
        st.session_state.session_id = str(uuid4())
        st.rerun()
    names = list(titles)
    picked = st.selectbox("Conversation", names, index=names.index(current), format_func=titles.__getitem__)
    if picked != current:
        st.session_state.session_id = picked
        st.rerun()
    return current


def _title(row: Mapping[Any, Any]) -> str:
    named = row["name"] if isinstance(row["name"], str) and row["name"] else row["first_question"]
    return f"{str(named)[:50]} ({row['turns']})"
