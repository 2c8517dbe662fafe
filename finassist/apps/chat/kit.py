"""The few ipywidgets a panel is built from, each made in one typed line.

ipywidgets has no types of its own: this is the one place that reaches into it. A widget is `Widget` everywhere else.
Descriptions of buttons and values of fields are set as text by the front end; only `html()` shows markup.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

import ipywidgets  # pyright: ignore[reportMissingTypeStubs]

_w: Any = ipywidgets

type Widget = Any
type Click = Callable[..., None]

VBox: Any = _w.VBox


def classed(widget: Widget, classes: str) -> Widget:
    """The widget with CSS classes `finassist-chat-…`; several with spaces between."""
    for name in classes.split():
        widget.add_class(f"finassist-chat-{name}")
    return widget


def html(markup: str = "", classes: str = "") -> Widget:
    """Markup that was escaped or cleaned by whoever made it."""
    return classed(_w.HTML(markup), classes)


def column(children: Iterable[Widget] = (), classes: str = "") -> Widget:
    """Widgets below each other."""
    return classed(_w.VBox(list(children)), classes)


def row(children: Iterable[Widget] = (), classes: str = "") -> Widget:
    """Widgets beside each other."""
    return classed(_w.HBox(list(children)), classes)


def button(text: str, on_click: Click, *, tooltip: str = "", icon: str = "", classes: str = "") -> Widget:
    """A button; what it says besides its text is its tooltip, which screen readers read where there is no text."""
    made = _w.Button(description=text, tooltip=tooltip or text, icon=icon)
    made.on_click(on_click)
    return classed(made, f"button {classes}")


def text_field(on_change: Click | None = None, *, label: str, value: str = "", classes: str = "") -> Widget:
    """One line to type in; `on_change` is called at every key."""
    made = _w.Text(value=value, placeholder=label, tooltip=label)
    if on_change is not None:
        made.observe(on_change, names="value")
    return classed(made, f"field {classes}")


def choice(label: str, options: Sequence[tuple[str, str]], value: str, tooltip: str) -> Widget:
    """One of a few, `(what is shown, value)`."""
    made = _w.Dropdown(options=list(options), value=value, description=label, tooltip=tooltip)
    return classed(made, "field")


def suggestion(label: str, options: Sequence[str], value: str, tooltip: str) -> Widget:
    """One of a few, or anything typed."""
    made = _w.Combobox(options=list(options), value=value, description=label, tooltip=tooltip, ensure_option=False)
    return classed(made, "field")


def switch(label: str, value: bool, tooltip: str) -> Widget:
    """On or off."""
    made = _w.Checkbox(value=value, description=label, tooltip=tooltip, indent=False)
    return classed(made, "switch")


def show(widget: Widget, shown: bool) -> None:
    """Show it or take it off the page, and out of the order of the keyboard."""
    widget.layout.display = None if shown else "none"


def bound(handler: Callable[..., Any], *values: Any) -> Callable[..., Any]:
    """The handler for these values, whatever the front end tells besides."""
    return lambda *_: handler(*values)


def discard(widget: Widget) -> None:
    """Close it and everything in it, so that neither side of the wire keeps it."""
    for child in getattr(widget, "children", ()):
        discard(child)
    for part in (widget, getattr(widget, "layout", None), getattr(widget, "style", None)):
        if part is not None:
            part.close()
