"""What a person meets: command line, magics, chat panel, live view, Streamlit page."""

from typing import Final

EXAMPLES: Final = (
    "Compare Apple and Microsoft",
    "Tell me about Nvidia",
    "What is Apple's stock price?",
    "What does free cash flow mean?",
)
"""What a person who has asked nothing yet is offered to ask."""
