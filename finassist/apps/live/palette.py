"""The look of a timeline, shared by the widget and the SVG: sizes, shapes, and one scoped style sheet.

A status is told by a shape and a texture, and by a colour. Colours are the page's where it has any (`--jp-*`). Where a
style sheet is dropped, as on GitHub, attributes remain: dark on white.
"""

from __future__ import annotations

from typing import Final

LOOK: Final = {
    "left": 33,
    "wide": 54,
    "top": 24,
    "row": 21,
    "bar": 10,
    "group": 4,
    "slim": 5,
    "indent": 13,
    "many": 40,
    "shapes": {
        "running": "M-3.5 0a3.5 3.5 0 1 0 7 0a3.5 3.5 0 1 0-7 0",
        "completed": "M-4 .5l2.8 3l5-7",
        "error": "M-3.5-3.5l7 7m0-7l-7 7",
        "cancelled": "M-3-3h6v6h-6z",
    },
}
"""Percent of the width where bars begin and how far they reach; pixels for heights; a shape for each status."""

FALLBACK: Final = {"running": "#1765cc", "completed": "#0f7d66", "error": "#b42318", "cancelled": "#6b7280"}
"""Colours of statuses on white."""

INK, DIM, LINE, PAPER = "#1b1f24", "#59636e", "#d7dce1", "#ffffff"

_DARK = "--tl-running:#6aa9ff;--tl-completed:#3fb99b;--tl-error:#ff8d7a;--tl-cancelled:#a3acb8"
_LIGHT = ";".join(f"--tl-{status}:{colour}" for status, colour in FALLBACK.items())

CSS: Final = f"""
.finassist-tl{{--tl-paper:var(--jp-layout-color0,{PAPER});--tl-ink:var(--jp-ui-font-color1,{INK});
--tl-dim:var(--jp-ui-font-color2,{DIM});--tl-line:var(--jp-border-color2,{LINE});{_LIGHT};
font:12px var(--jp-ui-font-family,system-ui,-apple-system,"Segoe UI",Roboto,sans-serif);display:block;width:100%}}
@media (prefers-color-scheme:dark){{.finassist-tl{{--tl-paper:var(--jp-layout-color0,#0f1318);
--tl-ink:var(--jp-ui-font-color1,#e6e9ed);--tl-dim:var(--jp-ui-font-color2,#9ba5b1);
--tl-line:var(--jp-border-color2,#323a44)}}
:root:not(:has([data-jp-theme-light="true"])) .finassist-tl{{{_DARK}}}}}
[data-jp-theme-light="false"] .finassist-tl{{{_DARK}}}
.finassist-tl .tl-paper{{fill:var(--tl-paper)}}
.finassist-tl text{{fill:var(--tl-ink);font-variant-numeric:tabular-nums}}
.finassist-tl .tl-dim{{fill:var(--tl-dim)}}
.finassist-tl .tl-grid{{stroke:var(--tl-line)}}
.finassist-tl .tl-running{{stroke:var(--tl-running)}}
.finassist-tl .tl-completed{{stroke:var(--tl-completed)}}
.finassist-tl .tl-error{{stroke:var(--tl-error)}}
.finassist-tl .tl-cancelled{{stroke:var(--tl-cancelled)}}
.finassist-tl .tl-critical{{stroke:var(--tl-ink)}}
""".strip()
