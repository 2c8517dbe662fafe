"""What a person meets: command line, magics, chat panel, live view, Streamlit page."""
