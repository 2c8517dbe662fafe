"""The chat panel: `workflow.chat()`."""

from finassist.apps.chat.panel import ChatPanel

__all__ = ["ChatPanel"]
