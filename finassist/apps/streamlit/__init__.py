"""A Streamlit page over the same workflow, the same events and the same answers: `finassist streamlit`.

    app.py        the script Streamlit runs: a conversation, and a question
    sidebar.py    model, source, keys, steps, conversations, export
    asking.py     one question while it is answered

There is no logic here: what a question means, what an answer says and how it looks is decided elsewhere.
"""
