"""The script that Streamlit runs from top to bottom, again after every click."""

from __future__ import annotations

from typing import Any

import streamlit

from finassist.apps.streamlit.asking import ask, show
from finassist.apps.streamlit.sidebar import keep, sidebar

st: Any = streamlit


def main() -> None:
    """Draw the page."""
    st.set_page_config(page_title="finassist", layout="wide")
    chosen = sidebar()
    answers = chosen.workflow.answers(chosen.session_id)
    keep(answers)
    typed = st.chat_input("Ask about a company, for example: Compare Apple and Microsoft")
    question = typed or st.session_state.pop("asked", None)
    for answer in answers:
        show(answer, chosen, suggests=answer is answers[-1] and not question)
    if question:
        ask(question, chosen)
    elif not answers:
        st.html("<h2>Ask a financial question</h2><p>Every figure of the answer has a unit, a period and a source.</p>")


if __name__ == "__main__":
    main()
