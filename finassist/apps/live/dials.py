"""The dials of `finassist.testing` as widgets, to be turned while a run is under way."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

import ipywidgets  # pyright: ignore[reportMissingTypeStubs]

from finassist.testing.faults import DATA_FAILURES, HANG, MODEL_FAILURES, Dials

_w: Any = ipywidgets
_FAILURES: Final = tuple(dict.fromkeys([*DATA_FAILURES, *MODEL_FAILURES, HANG]))


def dials_view(dials: Dials) -> Any:
    """Sliders and choices that are bound to `dials`: a change counts for the next call."""
    box = _w.VBox([_bound(dials, name, title, make()) for name, (title, make) in _CONTROLS.items()])
    box.add_class("finassist-dials")
    return box


def _seconds() -> Any:
    return _w.FloatSlider(min=0, max=5, step=0.1, continuous_update=False)


def _part() -> Any:
    return _w.FloatSlider(min=0, max=1, step=0.05, readout_format=".0%", continuous_update=False)


def _failure() -> Any:
    return _w.Dropdown(options=[("none", ""), *((name.replace("_", " "), name) for name in _FAILURES)])


def _calls() -> Any:
    return _w.Text(placeholder="all calls; or: quote MSFT, history", continuous_update=False)


_CONTROLS: Final[dict[str, tuple[str, Callable[[], Any]]]] = {
    "latency": ("Latency (s)", _seconds),
    "jitter": ("Jitter (± s)", _seconds),
    "failure": ("Failure", _failure),
    "failure_rate": ("Failing calls", _part),
    "only": ("Only", _calls),
    "seed": ("Seed", _w.IntText),
}


def _bound(dials: Dials, name: str, title: str, control: Any) -> Any:
    control.description, control.style = title, {"description_width": "9em"}
    control.layout = _w.Layout(width="26em", max_width="100%")
    control.value = getattr(dials, name)
    control.observe(lambda change: setattr(dials, name, change["new"]), names="value")  # pyright: ignore[reportUnknownLambdaType]
    return control
