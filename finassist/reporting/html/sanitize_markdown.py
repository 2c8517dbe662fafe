"""Untrusted Markdown as harmless Markdown, for files that other programs will render.

The text is parsed with the parser of `safe_html` and written anew from its tokens, so nothing gets through that is
not written here: no HTML, no image, no mathematics or diagram, no link but `https`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from markdown_it.tree import SyntaxTreeNode

from finassist.core.formatting import clean, escape_markdown
from finassist.reporting.html.sanitize import leads_out, parse, shortened

_MARKS = {"strong": "**", "em": "*", "s": "~~"}
_ALIGN = {"text-align:left": ":--", "text-align:right": "--:", "text-align:center": ":-:"}
_START = re.compile(r"^(\d{0,9})(?:([-+.)])(?=\s|$)|([#=]|--|:-))", re.MULTILINE)
"""What at the start of a line makes a list, a rule, a heading or a table of it."""

_LONGEST = 1_000_000


def safe_markdown(markdown: str, *, depth: int = 0) -> str:
    r"""Markdown from a model, a source or a person, written anew so that it marks up text and does nothing else.

    Args:
        markdown: The text.
        depth: By how many levels headings are lowered.

    Returns:
        GitHub-flavoured Markdown without an end of line at its end.

    Example:
        >>> safe_markdown("# A **b** <img src=x> ![c](https://d.example)", depth=1)
        '## A **b** &lt;img src=x&gt; \\![c](<https://d.example>)'
    """
    text, rest = shortened(markdown)
    return "\n\n".join([*_blocks(parse(text).children, depth), *([_code_block(rest)] if rest else [])])


def _blocks(nodes: Sequence[SyntaxTreeNode], depth: int) -> Iterator[str]:
    for node in nodes:
        text = _block(node, depth)
        if text.strip():
            yield text


def _block(node: SyntaxTreeNode, depth: int) -> str:
    match node.type:
        case "heading":
            return f"{'#' * min(int(node.tag[1:]) + depth, 6)} {_inside(node).replace('\n', ' ')}"
        case "fence" | "code_block":
            return _code_block(node.content)
        case "hr":
            return "---"
        case "blockquote":
            return "\n".join(f"> {line}".rstrip() for line in _joined(node, depth).split("\n"))
        case "bullet_list" | "ordered_list":
            start = int(node.attrs.get("start", 1))
            marks = (f"{start + i}." if node.type == "ordered_list" else "-" for i in range(len(node.children)))
            return "\n".join(_item(mark, item, depth) for mark, item in zip(marks, node.children, strict=True))
        case "table":
            return _table(node)
        case "paragraph":
            return _START.sub(r"\1\\\2\3", _inside(node))
        case _:
            return _joined(node, depth)


def _joined(node: SyntaxTreeNode, depth: int) -> str:
    return "\n\n".join(_blocks(node.children, depth))


def _inside(node: SyntaxTreeNode) -> str:
    """The text of a paragraph, a heading or a cell."""
    written = "".join(_inline(inline.children, frozenset()) for inline in node.children)
    return "\n".join(line.strip(" ") for line in written.split("\n"))


def _item(mark: str, item: SyntaxTreeNode, depth: int) -> str:
    tight = all(child.hidden for child in item.children if child.type == "paragraph")
    lines = ("\n" if tight else "\n\n").join(_blocks(item.children, depth)).split("\n")
    indent = " " * (len(mark) + 1)
    return "\n".join([f"{mark} {lines[0]}".rstrip(), *(f"{indent}{line}".rstrip() for line in lines[1:])])


def _table(table: SyntaxTreeNode) -> str:
    rows = [row for part in table.children for row in part.children]
    lines = [_row(_cell(cell) for cell in row.children) for row in rows]
    align = (_ALIGN.get(str(cell.attrs.get("style", "")), "---") for cell in rows[0].children)
    return "\n".join([lines[0], _row(align), *lines[1:]])


def _row(cells: Iterator[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _cell(cell: SyntaxTreeNode) -> str:
    """A cell on one line, in which every bar is escaped, also inside code."""
    return re.sub(r"(?<!\\)((?:\\\\)*)\|", r"\1\\|", _inside(cell).replace("\n", " "))


def _code_block(text: str) -> str:
    shown = "\n".join(_visible(line) for line in text.rstrip("\n").split("\n"))
    fence = "`" * (max((len(run) for run in re.findall("`+", shown)), default=0) + 1)
    return f"{fence:`<3}\n{shown}\n{fence:`<3}"


def _inline(nodes: Sequence[SyntaxTreeNode], within: frozenset[str]) -> str:
    parts = [_span(node, within) for node in nodes]
    return "".join(f"{part[:-1]}\\!" if part.endswith("!") else part for part in parts)


def _span(node: SyntaxTreeNode, within: frozenset[str]) -> str:
    match node.type:
        case "softbreak":
            return "\n"
        case "hardbreak":
            return "\\\n"
        case "code_inline":
            return _code(node.content)
        case "strong" | "em" | "s" if node.type not in within:
            mark = _MARKS[node.type]
            return f"{mark}{_inline(node.children, within | {node.type})}{mark}"
        case "link":
            text, href = _inline(node.children, within | {"link"}), str(node.attrs.get("href", ""))
            return f"[{text or 'link'}](<{href}>)" if leads_out(href) else text
        case "text":
            return _text(node.content)
        case _:
            return _inline(node.children, within)


def _text(text: str) -> str:
    """Escaped, with the spaces around it, which belong between this text and its neighbours."""
    inner = text.strip()
    if not inner:
        return " " if text else ""
    before, after = " " * text[0].isspace(), " " * text[-1].isspace()
    return f"{before}{escape_markdown(inner, _LONGEST)}{after}"


def _code(text: str) -> str:
    shown = _visible(text)
    mark = "`" * (max((len(run) for run in re.findall("`+", shown)), default=0) + 1)
    pad = " " if shown[:1] == "`" or shown[-1:] == "`" else ""
    return f"{mark}{pad}{shown}{pad}{mark}" if shown.strip() else ""


def _visible(line: str) -> str:
    """A line of code without control and bidi characters, its indentation kept."""
    lead = len(line) - len(line.lstrip(" "))
    return " " * lead + "".join(c if c.isprintable() else clean(c) for c in line[lead:])
