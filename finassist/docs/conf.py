"""How the site is made, from Markdown (MyST) by Sphinx: `uv run --group docs python -m sphinx -W finassist/docs site`.

What `{made} NAME` on a page stands for is written by the function of that name, so that it cannot become untrue.
"""

from __future__ import annotations

import argparse
import inspect
import json
import re
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

from sphinx.util.docutils import SphinxDirective

import finassist
from finassist.apps.cli.options import program
from finassist.config.settings import KEYS, Settings
from finassist.config.sources import variable_of
from finassist.core import errors, events
from finassist.core.metrics import Metric
from finassist.core.metrics import catalogue as all_metrics

project, version = "finassist", finassist.__version__
project_copyright = "the authors of finassist, under the MIT licence"
extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.napoleon"]
myst_heading_anchors = 3
smartquotes_action = "D"  # dashes alone
default_role = "code"  # docstrings write code between single backticks, as Markdown does
autodoc_member_order = "bysource"
autodoc_typehints = "none"
autodoc_class_signature = "separated"  # what a class takes is among its arguments, with their meaning
napoleon_use_ivar = True

html_theme = "pydata_sphinx_theme"
html_title = "finassist"
html_context = {"default_mode": "auto"}
html_static_path = ["site.css"]
html_css_files = ["site.css"]
html_copy_source = html_show_sourcelink = False
html_sidebars = {"index": [], "tutorial": [], "notebooks": []}
html_theme_options = {
    "secondary_sidebar_items": ["page-toc"],
    "footer_start": ["copyright"],
    "footer_end": [],
    "pygments_light_style": "a11y-high-contrast-light",
    "pygments_dark_style": "a11y-high-contrast-dark",
}


AGNOS = {
    "WorkflowStarted": "The run began.",
    "RunContent": "Words of a chat, in `content`.",
    "WorkflowCompleted": "The run ended; its answer is stored.",
    "WorkflowError": "The run failed; `error` says why.",
    "WorkflowCancelled": "The run was stopped.",
}
"""What Agno's own events mean here."""


def catalogue() -> Iterator[str]:
    """Every metric that a question can name."""
    shown = [each for each in all_metrics().values() if each.kind != "assumption"]
    rows = ([*_named(each), f"{each.about} {_code(each.formula)}"] for each in shown)
    yield from _table((f"{len(shown)} metrics", "unit", "meaning, and formula"), rows)


def assumptions() -> Iterator[str]:
    """What a valuation assumes."""
    shown = [each for each in all_metrics().values() if each.kind == "assumption"]
    rows = ([*_named(each), "computed" if each.value is None else each.value, each.about] for each in shown)
    yield from _table(("assumption", "unit", "if you say nothing", "meaning"), rows)


def settings() -> Iterator[str]:
    """Every setting and key."""
    fields = Settings.model_fields
    rows = ((_code(variable_of(name)), _default(name), fields[name].description) for name in fields if name not in KEYS)
    yield from _table(("variable", "default", "meaning"), rows)
    keys = ((_code(variable_of(name)), fields[name].description) for name in KEYS)
    yield from ("", "Keys; the same names with the prefix `FINASSIST_` win over them:", "")
    yield from _table(("variable", "of"), keys)


def helps(parser: argparse.ArgumentParser | None = None) -> Iterator[str]:
    """The help of a command, or of each below it."""
    parser = parser or program()
    below = [action for action in parser._actions if isinstance(action, argparse._SubParsersAction)]
    if not below or parser.get_default("command"):
        parser.formatter_class = lambda prog: argparse.RawDescriptionHelpFormatter(prog, width=80)
        text = parser.format_help().partition("\nexit codes:")[0]
        yield f"## {parser.prog}\n\n```text\n{text.rstrip()}\n```\n"
    for action in below:
        for each in action.choices.values():
            yield from helps(each)


def exit_codes() -> Iterator[str]:
    """What the epilog of every help says."""
    yield f"```text\n{(program().epilog or '').strip()}\n```"


def notebooks() -> Iterator[str]:
    """What each notebook says at its top."""
    for path in sorted((Path(__file__).parents[2] / "notebooks").glob("*.ipynb")):
        top = "".join(json.loads(path.read_text(encoding="utf-8"))["cells"][0]["source"])
        top = re.sub(r"\[([^]]+)\]\([^)]+\)", r"\1", top)  # a link would lead out of the site
        whom = next(line for line in top.splitlines() if line.startswith("*For ") and "to read" in line)
        yield f"- **{path.stem[:2]} {top.splitlines()[0].strip('# ')}**, `notebooks/{path.name}`. {whom}"


def tree() -> Iterator[str]:
    """The tree of errors, as the docstring of their module draws it."""
    lines = (inspect.getdoc(errors) or "").splitlines()
    yield from ("```text", *(line.removeprefix("    ") for line in lines if line.startswith("    ")), "```")


def of_events() -> Iterator[str]:
    """Every event of a stream, in the order of `RunResponse`."""
    rows = (
        (_code(kind.event), _code(kind.__name__), AGNOS.get(kind.event) or _first_line(kind)) for kind in events.KINDS
    )
    yield from _table(("`event`", "class", "meaning"), rows)


def _table(head: Sequence[str], rows: Iterable[Sequence[Any]]) -> Iterator[str]:
    for row in (head, ["---"] * len(head), *rows):
        yield f"| {' | '.join(str(cell).replace('|', '&#124;') for cell in row)} |"


def _first_line(thing: Any) -> str:
    return (inspect.getdoc(thing) or "").partition("\n")[0]


def _named(metric: Metric) -> list[str]:
    return [f"{metric.title} {_code(metric.id)}", metric.unit]


def _code(text: str) -> str:
    return f"`{text}`" if text else ""


def _default(name: str) -> str:
    field = Settings.model_fields[name]
    if name in ("home", "cache_folder"):
        return "a folder of yours"
    if field.default in ("", None) or field.default_factory is not None:
        return "not set"
    return _code(str(field.default).lower().removesuffix(".0"))


class Made(SphinxDirective):
    """`{made} catalogue`: what `catalogue()` writes."""

    required_arguments = 1

    def run(self) -> list[Any]:
        """Sphinx calls this for each place."""
        makers = (notebooks, catalogue, assumptions, settings, helps, exit_codes, tree, of_events)
        lines = {maker.__name__: maker for maker in makers}[self.arguments[0]]()
        return self.parse_text_to_nodes("\n".join(lines), allow_section_headings=True)


def setup(app: Any) -> None:
    """Sphinx calls this."""
    app.add_directive("made", Made)
