"""The sidebar: model, source and keys, the conversation, and its export."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import uuid4

import streamlit
from pydantic import SecretStr

from finassist.answer import Answer
from finassist.config.settings import KEYS, ROUTINGS, Routing, Settings
from finassist.config.sources import variable_of
from finassist.core.errors import FinassistError
from finassist.llm.catalogue import MODELS
from finassist.providers.registry import SOURCES
from finassist.reporting.frames import safe_csv
from finassist.reporting.html.card import conversation_html
from finassist.reporting.markdown import conversation_markdown
from finassist.workflow import FinancialAssistantWorkflow

st: Any = streamlit


def sidebar() -> tuple[FinancialAssistantWorkflow, str]:
    """Draw it; returns the workflow to ask, and the conversation."""
    with st.sidebar:
        st.title("finassist")
        workflow = _workflow()
        return workflow, _conversation(workflow)


def exports(answers: Sequence[Answer]) -> None:
    """Buttons that save the conversation and its figures."""
    with st.sidebar, st.expander("Export", expanded=False):
        if not answers:
            st.caption("Ask something first.")
            return
        st.download_button("Conversation as Markdown", conversation_markdown(answers), "conversation.md")
        st.download_button("Conversation as HTML", conversation_html(answers), "conversation.html", "text/html")
        frames = (answer.to_frame() for answer in answers if answer.facts)
        for number, frame in enumerate(frames, 1):
            label = f"Figures of answer {number} as CSV"
            st.download_button(label, safe_csv(frame), f"figures-{number}.csv", "text/csv")


def _workflow() -> FinancialAssistantWorkflow:
    """The workflow for the current choice; it lives as long as the tab, and so do keys typed here."""
    with st.expander("Model and data"):
        model = st.selectbox("Model", MODELS)
        source = st.selectbox("Data", SOURCES)
        routings = dict(ROUTINGS)
        routing = routings[st.selectbox("Who decides what is asked", list(routings))]
    with st.expander("Keys"):
        typed: dict[str, str] = {name: _key(name) for name in KEYS}
        st.caption("Kept in memory for this tab only.")
    made = (model, source, routing, *typed.values())
    if st.session_state.get("made") != made:
        st.session_state.workflow = _opened(model, source, routing, typed)
        st.session_state.made = made
    workflow = st.session_state.workflow
    st.caption(f"In use: {workflow.model.id} · {workflow.provider.name}")
    return workflow


def _key(name: str) -> str:
    settings = Settings()
    there = f"set ({settings.origin(name)})" if getattr(settings, name) else "not set"
    return st.text_input(variable_of(name), type="password", placeholder=there)


def _opened(model: str, source: str, routing: Routing, typed: dict[str, str]) -> FinancialAssistantWorkflow:
    keys: dict[str, Any] = {name: SecretStr(key) for name, key in typed.items() if key.strip()}
    try:
        return FinancialAssistantWorkflow(model=model, provider=source, routing=routing, settings=Settings(**keys))
    except FinassistError as error:
        st.error(str(error))
        kept = st.session_state.get("workflow")
        return kept or FinancialAssistantWorkflow(model="offline", provider="embedded", routing=routing)


def _conversation(workflow: FinancialAssistantWorkflow) -> str:
    """The open conversation; a new one until another is chosen."""
    titles = {str(row["session_id"]): _title(row) for row in workflow.sessions().to_dict("records")}
    current: str = st.session_state.setdefault("session_id", str(uuid4()))
    if current not in titles:
        titles = {current: "This conversation", **titles}
    if st.button("New conversation", width="stretch"):
        st.session_state.session_id = str(uuid4())
        st.rerun()
    place = list(titles).index(current)
    picked = st.selectbox("Conversation", list(titles), index=place, format_func=titles.__getitem__)
    if picked != current:
        st.session_state.session_id = picked
        st.rerun()
    return current


def _title(row: Mapping[Any, Any]) -> str:
    named = row["name"] if isinstance(row["name"], str) and row["name"] else row["first_question"]
    return f"{str(named)[:50]} ({row['turns']})"
