"""The wire between widgets and a front end, without a front end: what is sent is kept, what comes in is played.

`comm.create_comm` is the door that the comm package has for this; ipywidgets goes through it for every widget.
"""

from __future__ import annotations

import json
from collections.abc import Generator
from contextlib import contextmanager
from typing import Any

import comm
from comm.base_comm import BaseComm


class Wire:
    """Everything that widgets have told a front end."""

    def __init__(self) -> None:
        self.sent: list[tuple[str, dict[str, Any]]] = []

    def text(self) -> str:
        """All of it as one text, to look for what must not be in it."""
        return json.dumps([message for _, message in self.sent], default=str)

    def messages(self, widget: Any, kind: str) -> list[dict[str, Any]]:
        """The custom messages of one `type` that a widget has sent."""
        contents = [
            message["content"]
            for comm_id, message in self.sent
            if comm_id == widget.comm.comm_id and message.get("method") == "custom"
        ]
        return [content for content in contents if content.get("type") == kind]


@contextmanager
def recorded() -> Generator[Wire]:
    """Widgets made inside are on this wire."""
    wire = Wire()

    class Recorded(BaseComm):
        def publish_msg(self, msg_type: str, data: Any = None, *args: Any, **kwargs: Any) -> None:
            wire.sent.append((self.comm_id, dict(data or {})))

    before = comm.create_comm
    comm.create_comm = lambda *args, **kwargs: Recorded(*args, **kwargs)
    try:
        yield wire
    finally:
        comm.create_comm = before


def tell(widget: Any, **content: Any) -> None:
    """A custom message from the front end, as the kernel gets it."""
    data = {"method": "custom", "content": content}
    widget.comm.handle_msg({"content": {"comm_id": widget.comm.comm_id, "data": data}, "buffers": []})


def set_value(widget: Any, **state: Any) -> None:
    """Somebody types into a field, or chooses."""
    data = {"method": "update", "state": state, "buffer_paths": []}
    widget.comm.handle_msg({"content": {"comm_id": widget.comm.comm_id, "data": data}, "buffers": []})


def click(button: Any) -> None:
    """Somebody clicks."""
    tell(button, event="click")
