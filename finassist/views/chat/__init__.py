"""The chat panel: `workflow.chat()`."""

from finassist.views.chat.panel import ChatPanel

__all__ = ["ChatPanel"]
