"""A Streamlit page over the same workflow, events and answers: `finassist streamlit`."""
