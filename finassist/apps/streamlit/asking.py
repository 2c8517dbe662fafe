"""One question while it is answered, and answers that were given."""

from __future__ import annotations

import time
from typing import Any, Final

import streamlit

from finassist.answer import Answer
from finassist.apps.streamlit.sidebar import Chosen
from finassist.core.errors import FinassistError
from finassist.core.events import RunResponse
from finassist.core.state import RunState, reduce
from finassist.reporting.html.card import without_follow_ups
from finassist.reporting.html.sanitize import safe_html
from finassist.reporting.html.timeline import timeline_svg
from finassist.reporting.timeline import summary_of

st: Any = streamlit
_REDRAW_SECONDS: Final = 0.1


def ask(question: str, chosen: Chosen) -> None:
    """Ask, show the work meanwhile, and leave the answer in the stored conversation."""
    with st.chat_message("user"):
        st.text(question)
    with st.chat_message("assistant"):
        live = _Live(question, chosen)
        try:
            for event in chosen.workflow.run(question, stream=True, session_id=chosen.session_id):
                live.see(event)
        except FinassistError as error:
            st.error(str(error))
        else:
            st.rerun()


def show(answer: Answer, chosen: Chosen, *, suggests: bool) -> None:
    """An answer of the conversation; what may be asked next stands in its card or, where it `suggests`, on buttons."""
    with st.chat_message("user"):
        st.text(str(answer.input or ""))
    with st.chat_message("assistant"):
        st.html((without_follow_ups(answer) if suggests else answer).to_html())
        if chosen.steps and answer.run_id == st.session_state.get("watched_run"):
            with st.expander("How it came about"):
                st.image(st.session_state.watched_svg, width="stretch")
        for place, follow_up in enumerate(answer.follow_ups if suggests else ()):
            if st.button(follow_up, key=f"follow-{answer.run_id}-{place}"):
                st.session_state.asked = follow_up
                st.rerun()


class _Live:
    """What is shown of a run while it goes on; redrawn ten times a second at most."""

    def __init__(self, question: str, chosen: Chosen) -> None:
        self._state, self._chosen, self._drawn = RunState(question), chosen, 0.0
        self._bar = st.progress(0.0, text="Working on it")
        self._picture = st.empty()
        self._words = st.empty()

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
        if self._chosen.steps and self._state.tasks:
            self._picture.image(timeline_svg(self._state), width="stretch")
        if self._chosen.streaming and self._state.text:
            self._words.html(safe_html(self._state.text))
