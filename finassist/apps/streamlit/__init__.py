"""A page over the same workflow, events and answers: the script of `finassist streamlit`, run again at every click."""

from __future__ import annotations

import hmac
import os
import time
from collections.abc import Iterable, Mapping, Sequence
from hashlib import sha256
from typing import Any, Final
from uuid import uuid4

import streamlit
from pydantic import SecretStr

from finassist.answer import Answer
from finassist.apps import EXAMPLES
from finassist.apps.serve import PAGE_TOKEN
from finassist.config.settings import KEYS, ROUTINGS, Routing, Settings
from finassist.config.sources import variable_of
from finassist.core.errors import FinassistError
from finassist.core.events import RunResponse
from finassist.core.query import Query
from finassist.core.state import RunState, reduce
from finassist.llm import MODELS
from finassist.providers.registry import SOURCES
from finassist.reporting.files import safe_csv
from finassist.reporting.html import conversation_html, without_follow_ups
from finassist.reporting.markdown import conversation_markdown
from finassist.reporting.sanitize import escape, safe_html
from finassist.reporting.timeline import in_short, summary_of, timeline_svg
from finassist.workflow import FinancialAssistantWorkflow

st: Any = streamlit
_REDRAW_SECONDS: Final = 0.1
# The newest question can be at the top and the text field at the bottom, whatever is between. No text stands alone
# here as a docstring of a constant: Streamlit would show it.
_STYLE: Final = """<style>
.st-key-newest { min-height: calc(100vh - 12rem); scroll-margin-top: 4.5rem }
:has(> .st-key-ask) { position: sticky; bottom: 0; z-index: 9 }
.stMainBlockContainer { padding-bottom: 0 }
.st-key-ask { padding-bottom: 1.5rem; backdrop-filter: blur(12px) }
</style>"""
_TO_THE_TOP: Final = """<script>/* {once} */ {
  const follow = () => document.querySelector(".st-key-newest")?.scrollIntoView(); // what is above it still changes
  const timer = setInterval(follow, 100), stop = () => clearInterval(timer);
  for (const kind of ["wheel", "touchmove", "pointerdown", "keydown"]) addEventListener(kind, stop, { once: true });
  setTimeout(stop, 5000);
}</script>"""


def main() -> None:
    """Draw the page."""
    st.set_page_config(page_title="finassist", layout="wide")
    workflow, session_id = sidebar()
    answers = workflow.answers(session_id)
    exports(answers)
    st.html(_STYLE)
    turns = st.container()
    typed = st.container(key="ask").chat_input("Ask about a company, for example: Compare Apple and Microsoft")
    question = typed or st.session_state.pop("asked", None)
    with turns:
        for answer in answers:
            with st.container(key=None if question or answer is not answers[-1] else "newest"):
                show(answer, suggests=answer is answers[-1] and not question)
        if question:
            with st.container(key="newest"):
                ask(question, workflow, session_id)
        elif not answers:
            welcome()


def welcome() -> None:
    """What one sees at first, with questions to begin with."""
    st.html("<h2>Ask a financial question</h2><p>Every figure of the answer has a unit, a period and a source.</p>")
    buttons("example", ((text, text) for text in EXAMPLES))


def ask(asked: str | Sequence[Query], workflow: FinancialAssistantWorkflow, session_id: str) -> None:
    """Ask, show the run while it works, and store the answer in the conversation."""
    question = asked if isinstance(asked, str) else "; ".join(map(str, asked))
    to_the_top(question)
    asks(question)
    live = _Live(question)
    try:
        if isinstance(asked, str):
            events = workflow.run(asked, stream=True, session_id=session_id)
        else:
            events = workflow.query(asked, stream=True, session_id=session_id)
        for event in events:
            live.see(event)
    except FinassistError as error:
        st.error(str(error))
    else:
        st.session_state.fresh = True
        st.rerun()


def show(answer: Answer, *, suggests: bool) -> None:
    """An answer; what may be asked next is in its card or, for one that `suggests`, on buttons."""
    if suggests and st.session_state.pop("fresh", False):
        to_the_top(answer.run_id)
    asks(str(answer.input or ""))
    st.html((without_follow_ups(answer) if suggests else answer).to_html())
    with st.expander(in_short(answer.timeline.state)):
        st.image(str(answer.timeline), width="stretch")
    if suggests and (readings := [choice for choice in answer.choices if [*choice.queries] != answer.queries]):
        st.caption("Did you mean?")
        buttons("reading", ((label, queries) for label, queries in readings))
    if suggests:
        buttons("next", ((text, text) for text in answer.follow_ups))


def asks(question: str) -> None:
    """A question, as the heading of its answer."""
    with st.chat_message("user"):
        st.html(f'<h2 style="font:inherit;padding:0;white-space:pre-wrap">{escape(question)}</h2>')


def buttons(kind: str, offered: Iterable[tuple[str, str | Sequence[Query]]]) -> None:
    """Beside each other, a button for each of these: what it says, and what a click asks."""
    with st.container(horizontal=True):
        for place, (label, asked) in enumerate(offered):
            if st.button(label, key=f"follow-{kind}-{place}"):
                st.session_state.asked = asked
                st.rerun()


def to_the_top(of: object) -> None:
    """Scroll the newest question to the top, once for each thing that it is `of`."""
    once = sha256(str(of).encode()).hexdigest()
    st.html(_TO_THE_TOP.replace("{once}", once), unsafe_allow_javascript=True)


class _Live:
    """A run while it works; redrawn ten times a second at most."""

    def __init__(self, question: str) -> None:
        self._state, self._drawn = RunState(question), 0.0
        self._bar = st.progress(0.0, text="Working on it")
        self._picture, self._words = st.empty(), st.empty()

    def see(self, event: RunResponse) -> None:
        """Take one event of the run."""
        self._state = reduce(self._state, event)
        if self._state.ended or time.monotonic() - self._drawn > _REDRAW_SECONDS:
            self._draw()

    def _draw(self) -> None:
        self._drawn = time.monotonic()
        done, known = self._state.progress
        self._bar.progress(done / known, text=summary_of(self._state))
        if self._state.tasks:
            self._picture.image(timeline_svg(self._state), width="stretch")
        if self._state.text:
            self._words.html(safe_html(self._state.text))


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
        frames = (answer.to_frame(full=True) for answer in answers if answer.facts)
        for number, frame in enumerate(frames, 1):
            label = f"Figures of answer {number} as CSV"
            st.download_button(label, safe_csv(frame), f"figures-{number}.csv", "text/csv")


def _workflow() -> FinancialAssistantWorkflow:
    """The workflow for the current choice; it lives as long as the tab, and so do keys typed here."""
    with st.expander("Model and data"):
        model = st.selectbox("Model", MODELS)
        source = st.selectbox("Data", SOURCES)
        routings = dict(ROUTINGS)
        routing = routings[st.selectbox("What understands a question", list(routings))]
    with st.expander("Keys"):
        typed: dict[str, str] = {name: _key(name) for name in KEYS}
        st.caption("Kept in memory for this tab only.")
    made = (_visitor(), model, source, routing, *typed.values())
    if st.session_state.get("made") != made:
        st.session_state.workflow = _opened(model, source, routing, typed)
        st.session_state.made = made
    workflow = st.session_state.workflow
    st.caption(f"In use: {workflow.model.id} · {workflow.provider.name}")
    return workflow


def _visitor() -> str | None:
    """Whose conversations are shown: of who signed in, or else of this tab; to the owner of the page, everybody's."""
    token, given = os.environ.get(PAGE_TOKEN, ""), st.query_params.get("owner", "")
    if token and hmac.compare_digest(given.encode(), token.encode()):
        return None
    user: Mapping[str, Any] = st.user.to_dict()
    if user.get("is_logged_in") and user.get("sub"):
        return f"{user.get('iss', '')} {user['sub']}"
    return st.session_state.setdefault("visitor", f"visitor {uuid4()}")


def _key(name: str) -> str:
    settings = Settings()
    there = f"set ({settings.origin(name)})" if getattr(settings, name) else "not set"
    return st.text_input(variable_of(name), type="password", placeholder=there)


def _opened(model: str, source: str, routing: Routing, typed: dict[str, str]) -> FinancialAssistantWorkflow:
    keys: dict[str, Any] = {name: SecretStr(key) for name, key in typed.items() if key.strip()}
    visitor = _visitor()
    try:
        return FinancialAssistantWorkflow(
            model=model, provider=source, routing=routing, settings=Settings(**keys), user_id=visitor
        )
    except FinassistError as error:
        st.error(str(error))
        kept: FinancialAssistantWorkflow | None = st.session_state.get("workflow")
        if kept and kept.user_id == visitor:
            return kept
        return FinancialAssistantWorkflow(model="offline", provider="embedded", routing=routing, user_id=visitor)


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


if __name__ == "__main__":
    main()
