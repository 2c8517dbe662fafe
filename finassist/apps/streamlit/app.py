"""The script that Streamlit runs from top to bottom, again after every click."""

from __future__ import annotations

import time
from typing import Any, Final

import streamlit

from finassist.answer import Answer
from finassist.apps.streamlit.sidebar import exports, sidebar
from finassist.core.errors import FinassistError
from finassist.core.events import RunResponse
from finassist.core.state import RunState, reduce
from finassist.reporting.html.card import without_follow_ups
from finassist.reporting.html.sanitize import safe_html
from finassist.reporting.html.timeline import timeline_svg
from finassist.reporting.timeline import summary_of
from finassist.workflow import FinancialAssistantWorkflow

st: Any = streamlit
_REDRAW_SECONDS: Final = 0.1


def main() -> None:
    """Draw the page."""
    st.set_page_config(page_title="finassist", layout="wide")
    workflow, session_id = sidebar()
    answers = workflow.answers(session_id)
    exports(answers)
    typed = st.chat_input("Ask about a company, for example: Compare Apple and Microsoft")
    question = typed or st.session_state.pop("asked", None)
    for answer in answers:
        show(answer, suggests=answer is answers[-1] and not question)
    if question:
        ask(question, workflow, session_id)
    elif not answers:
        st.html("<h2>Ask a financial question</h2><p>Every figure of the answer has a unit, a period and a source.</p>")


def ask(question: str, workflow: FinancialAssistantWorkflow, session_id: str) -> None:
    """Ask, show the work meanwhile, and leave the answer in the stored conversation."""
    with st.chat_message("user"):
        st.text(question)
    with st.chat_message("assistant"):
        live = _Live(question)
        try:
            for event in workflow.run(question, stream=True, session_id=session_id):
                live.see(event)
        except FinassistError as error:
            st.error(str(error))
        else:
            st.rerun()


def show(answer: Answer, *, suggests: bool) -> None:
    """An answer; what may be asked next is in its card or, for one that `suggests`, on buttons."""
    with st.chat_message("user"):
        st.text(str(answer.input or ""))
    with st.chat_message("assistant"):
        st.html((without_follow_ups(answer) if suggests else answer).to_html())
        if answer.run_id == st.session_state.get("watched_run"):
            with st.expander("How it came about"):
                st.image(st.session_state.watched_svg, width="stretch")
        for place, follow_up in enumerate(answer.follow_ups if suggests else ()):
            if st.button(follow_up, key=f"follow-{answer.run_id}-{place}"):
                st.session_state.asked = follow_up
                st.rerun()


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
        if self._state.ended:
            st.session_state.watched_run = event.run_id
            st.session_state.watched_svg = timeline_svg(self._state)

    def _draw(self) -> None:
        self._drawn = time.monotonic()
        done, known = self._state.progress
        self._bar.progress(done / known, text=summary_of(self._state))
        if self._state.tasks:
            self._picture.image(timeline_svg(self._state), width="stretch")
        if self._state.text:
            self._words.html(safe_html(self._state.text))


if __name__ == "__main__":
    main()
