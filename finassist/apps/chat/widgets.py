"""The few ipywidgets a panel is built from, and callbacks that run on the panel's own loop and never raise.

ipywidgets has no types of its own: this is the one module that reaches into it. A widget is `Widget` everywhere else.
Descriptions of buttons and values of fields are set as text by the front end; only `html()` shows markup.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Iterable, Sequence
from pathlib import Path
from typing import Any, Final, cast

import anywidget
import ipywidgets  # pyright: ignore[reportMissingTypeStubs]
import traitlets

from finassist.core.concurrency import running_loop
from finassist.core.errors import FinassistError
from finassist.core.secrets import redact

_w: Any = ipywidgets

type Widget = Any
type Handler = Callable[..., Coroutine[Any, Any, None] | None]
type Guarded = Callable[..., Callable[..., None]]
"""Makes a callback for a widget; see `Callbacks.guarded`."""

VBox: Any = _w.VBox
NO_LOOP: Final = "This panel lives in a notebook: open it in a cell of JupyterLab, Jupyter Notebook or Voilà."


def html(markup: str = "", classes: str = "") -> Widget:
    """Markup that has been escaped or cleaned."""
    return _classed(_w.HTML(markup), classes)


def column(children: Iterable[Widget] = (), classes: str = "") -> Widget:
    """Widgets below each other."""
    return _classed(_w.VBox(list(children)), classes)


def row(children: Iterable[Widget] = (), classes: str = "") -> Widget:
    """Widgets beside each other."""
    return _classed(_w.HBox(list(children)), classes)


def button(text: str, on_click: Callable[..., None], *, tooltip: str = "", icon: str = "", classes: str = "") -> Widget:
    """A button; its tooltip is also its accessible name."""
    made = _w.Button(description=text, tooltip=tooltip or text, icon=icon)
    made.on_click(on_click)
    return _classed(made, f"button {classes}")


def text_field(
    on_change: Callable[..., None] | None = None,
    *,
    label: str,
    value: str = "",
    classes: str = "",
    at_once: bool = True,
) -> Widget:
    """One line to type in; `on_change` is called at every key, or where not `at_once`, when it is left or entered."""
    made = _w.Text(value=value, placeholder=label, tooltip=label, continuous_update=at_once)
    if on_change is not None:
        made.observe(on_change, names="value")
    return _classed(made, f"field search {classes}")


def slider(
    label: str, value: float, limits: tuple[float, float, float], form: str, on_change: Callable[..., None]
) -> Widget:
    """A number between two limits, in steps; `on_change` is called when it is let go."""
    low, high, step = limits
    made = _w.FloatSlider(value, min=low, max=high, step=step, description=label, readout_format=form)
    made.continuous_update, made.style.description_width, made.layout.width = False, "11em", "27em"
    made.observe(on_change, names="value")
    return _classed(made, "field")


def choice(label: str, options: Sequence[tuple[str, str]], value: str, tooltip: str) -> Widget:
    """One of a few, `(what is shown, value)`."""
    return _classed(_w.Dropdown(options=list(options), value=value, description=label, tooltip=tooltip), "field")


def suggestion(label: str, options: Sequence[str], value: str, tooltip: str) -> Widget:
    """One of a few, or anything typed."""
    made = _w.Combobox(options=list(options), value=value, description=label, tooltip=tooltip, ensure_option=False)
    return _classed(made, "field")


def show(widget: Widget, shown: bool) -> None:
    """Show it, or take it off the page and out of the tab order."""
    widget.layout.display = None if shown else "none"


def cut(text: str, limit: int) -> str:
    """The text, shortened with an ellipsis where it is longer than `limit` characters."""
    return text if len(text) <= limit else f"{text[: limit - 1]}…"


def _classed(widget: Widget, classes: str) -> Widget:
    for name in classes.split():
        widget.add_class(f"finassist-chat-{name}")
    return widget


class Callbacks:
    """Runs handlers of widgets on the loop that runs where the panel is built; `complain` shows what went wrong.

    A message of the front end may arrive on another thread, ipywidgets never awaits an `async` handler, and what a
    handler raises would only be logged. No sentence repeats one of the `secrets`.
    """

    def __init__(self, complain: Callable[[str], None], secrets: Callable[[], tuple[str, ...]]) -> None:
        self._complain, self._secrets = complain, secrets
        self._loop = running_loop()
        self._tasks: set[asyncio.Task[None]] = set()
        self.closed = False
        self.last_error: BaseException | None = None

    def guarded(self, handler: Handler, *values: Any) -> Callable[..., None]:
        """A callback for a widget, on any thread, that never raises; `values` replace what the front end passes."""

        def callback(*args: Any) -> None:
            self._loop = self._loop or running_loop()
            if self._loop is None:
                self._complain(NO_LOOP)
            elif not self.closed and not self._loop.is_closed():
                self._loop.call_soon_threadsafe(self._handle, handler, values or args)

        return callback

    def start(self, work: Coroutine[Any, Any, None]) -> None:
        """Run it as a task, referenced until it is done; call it on the panel's loop."""
        task = asyncio.ensure_future(self._watched(work))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    @property
    def ready(self) -> bool:
        """Whether a loop is running here."""
        return running_loop() is not None

    def close(self) -> None:
        """Cancel what is under way; later messages are ignored."""
        self.closed = True
        for task in self._tasks:
            task.cancel()

    async def idle(self) -> None:
        """Wait until nothing is under way."""
        while others := [task for task in self._tasks if task is not asyncio.current_task()]:
            await asyncio.wait(others)

    def describe(self, error: BaseException) -> str:
        """Keep the error as the last one; returns what went wrong and what to do next, without keys."""
        self.last_error = error
        if isinstance(error, FinassistError):
            return redact(str(error), self._secrets())
        return (
            f"Something unexpected went wrong ({type(error).__name__}). The next click works; if it happens again, "
            "report it with what `panel.last_error` says."
        )

    def _handle(self, handler: Handler, args: tuple[Any, ...]) -> None:
        if self.closed:
            return
        try:
            work = handler(*args)
        except Exception as error:  # noqa: BLE001  shown in the panel, where the person looks
            self._complain(self.describe(error))
        else:
            if work is not None:
                self.start(work)

    async def _watched(self, work: Coroutine[Any, Any, None]) -> None:
        try:
            await work
        except Exception as error:  # noqa: BLE001  see _handle
            words = self.describe(error)
            if not self.closed:
                self._complain(words)


class _Scripted(anywidget.AnyWidget):
    """A part of the panel that is a script; `receive` takes its messages."""

    _esm = Path(__file__).with_name("panel.js")

    def __init__(self, receive: Callable[..., None]) -> None:
        super().__init__()
        self.on_msg(receive)  # pyright: ignore[reportUnknownMemberType]


class Composer(_Scripted):
    """A text area with Send, Stop and company suggestions; its script also adds roles and names to the panel."""

    _css = Path(__file__).with_name("panel.css")
    kind = traitlets.Unicode("composer").tag(sync=True)
    busy = traitlets.Bool(False).tag(sync=True)

    def tell(self, what: str, **details: Any) -> None:
        """Send a message to the script.

        Args:
            what: `"accepted"`: the `text` is being answered; `"refused"`: it stays, with the reason `why`;
                `"options"`: companies that the word `text` may be the beginning of; `"download"`: a file to save;
                `"edit"`: put this `text` into the text area; `"copy"`: put it on the clipboard; `"focus"`: put the
                cursor here, or into what has the class `where`; `"end"`: show the last turn.
            details: What belongs to it.
        """
        self.send({"type": what, **details})  # pyright: ignore[reportUnknownMemberType]

    def take_focus(self, where: str = "") -> None:
        """Put the cursor into the text area, or to the first control of this panel with or in the class `where`."""
        self.tell("focus", where=where)


class KeyFields(_Scripted):
    """One password field per key, with its state beside it; a key leaves its field in one message."""

    kind = traitlets.Unicode("keys").tag(sync=True)
    lines: Any = cast("Any", traitlets.List()).tag(sync=True)
