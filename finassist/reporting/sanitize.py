"""Untrusted text as HTML, Markdown and cells of a spreadsheet that cannot execute, load or track anything.

Markdown is parsed and rewritten from its tokens, so nothing gets through that is not written here: no HTML, no
image, no mathematics or diagram, no link but `https`.
"""

from __future__ import annotations

import html
import re
from collections.abc import Iterator, Sequence
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from markupsafe import Markup

from finassist.core.formatting import clean, escape_markdown

if TYPE_CHECKING:
    from jinja2 import Environment
    from markdown_it import MarkdownIt
    from markdown_it.tree import SyntaxTreeNode

TAGS = frozenset(
    {"p", "br", "hr", "h1", "h2", "h3", "h4", "h5", "h6", "ul", "ol", "li", "strong", "em", "s",
     "blockquote", "code", "pre", "table", "thead", "tbody", "tr", "th", "td", "a"}
)  # fmt: skip
"""Every element that may appear; no images, frames, forms, styles or scripts."""

LONGEST_READ = 200_000
"""Characters of a text that are read as Markdown, which takes a second or so; no report of ours is as long."""

ATTRIBUTES = {"a": {"href"}, "th": {"style"}, "td": {"style"}, "ol": {"start"}}
_SPECIAL = re.compile("[&<>\"']")
_WHOLE = re.compile(
    r"(?<![\w-])(?:\d{4}-\d\d-\d\d|\d{10}-\d\d-\d{6}|[A-Z]{3} -?[\d,.]*\d(?: (?:m|b|tr)illion)?)(?![\w-])"
)
_LINK = re.compile(r"https://[^\s/?#@\\<>\"'`]+(?:[/?#][^\s\\<>\"'`]*)?")
_CONTROL = (code for code in (*range(0x20), *range(0x7F, 0xA0)) if code not in (0x09, 0x0A, 0x0D))
_HIDDEN = dict.fromkeys((*_CONTROL, 0x200E, 0x200F, 0x061C, *range(0x202A, 0x202F), *range(0x2066, 0x206A)))
"""Control characters, and those that turn the direction of text round."""


def safe_html(markdown: str) -> str:
    """Markdown from a model, a source or a person as HTML to show in a page.

    HTML in the text is shown as text, images become links or text, and links lead to `https` only, without
    telling the target where the reader came from. Of a very long text the end is shown as it was written.

    Example:
        >>> safe_html("**bold** <script>alert(1)</script>").strip()
        '<p><strong>bold</strong> &lt;script&gt;alert(1)&lt;/script&gt;</p>'
    """
    import nh3  # here, as the parser below: a line in a terminal needs neither

    text, rest = shortened(markdown)
    html_of_rest = f"<pre><code>{escape(rest)}</code></pre>" if rest else ""
    cleaned = nh3.clean(
        _renderer().render(text.translate(_HIDDEN)) + html_of_rest,
        tags=set(TAGS),
        attributes={tag: set(names) for tag, names in ATTRIBUTES.items()},
        attribute_filter=_listed,
        url_schemes={"https"},
        url_relative="deny",
        link_rel="noopener noreferrer nofollow",
        filter_style_properties={"text-align"},
        strip_comments=True,
    )
    return cleaned.translate(_HIDDEN)  # again: an entity may have stood for one


def escape(text: object) -> str:
    """Text for the inside of an element or of a quoted attribute, without control or bidi characters.

    Example:
        >>> escape('<b title="x">')
        '&lt;b title=&quot;x&quot;&gt;'
    """
    visible = str(text)
    if not visible.isprintable():
        visible = "".join(c for c in visible.translate(_HIDDEN) if c in "\n\t\u00a0" or c.isprintable())
    return html.escape(visible, quote=True) if _SPECIAL.search(visible) else visible


def whole(text: object) -> str:
    """Escaped text in which no line ends inside a date, a filing's number or an amount.

    Example:
        >>> whole("on 2026-08-21")
        'on <span class="fin-whole">2026-08-21</span>'
    """
    return _WHOLE.sub(r'<span class="fin-whole">\g<0></span>', escape(text))


def style_sheet(name: str) -> str:
    """A style sheet of the templates, without the comment at its beginning."""
    return _file(name).split("*/", 1)[1].strip()


def rendered(name: str, **values: Any) -> str:
    """A template, filled; whatever is not `Markup` is escaped, so a text is safe by its type."""
    return environment().get_template(name).render(**values)


@cache
def environment() -> Environment:
    """The one of all templates."""
    from jinja2 import Environment, FunctionLoader, StrictUndefined  # a first answer in words needs no template

    return Environment(loader=FunctionLoader(_template), autoescape=True, finalize=_escaped, undefined=StrictUndefined)


def _escaped(value: object) -> Markup:
    return value if isinstance(value, Markup) else Markup(escape(value))


def _template(name: str) -> str:
    """A template in one line: its indentation is for people, and between inline elements space would show."""
    return "".join(line.strip() for line in _file(name).splitlines())


def _file(name: str) -> str:
    return Path(__file__).with_name("templates").joinpath(name).read_text(encoding="utf-8")


def _listed(tag: str, name: str, value: str) -> str | None:
    """Keeps what is listed: the cleaner's own list of attributes for every element has more."""
    if name == "href":
        return value if leads_out(value) else None
    return value if name in ATTRIBUTES.get(tag, ()) or name == "rel" else None


def leads_out(href: str) -> bool:
    """Whether an address may be a link: `https` with a host, without a user name in front of it.

    Example:
        >>> leads_out("https://www.sec.gov/a"), leads_out("https://sec.gov@evil.example"), leads_out("https:a")
        (True, False, False)
    """
    return _LINK.fullmatch(href) is not None


def shortened(markdown: str) -> tuple[str, str]:
    """What is read as Markdown, and the rest of a text that is too long to be read in a moment."""
    if len(markdown) <= LONGEST_READ:
        return markdown, ""
    end = max(markdown.rfind("\n\n", 0, LONGEST_READ), LONGEST_READ // 2)
    return markdown[:end], markdown[end:]


def parse(markdown: str) -> SyntaxTreeNode:
    """The syntax tree of Markdown as `safe_html` reads it: HTML is text in it, and an image a link."""
    from markdown_it.tree import SyntaxTreeNode

    return SyntaxTreeNode(_renderer().parse(markdown.translate(_HIDDEN)))


@cache
def _renderer() -> MarkdownIt:
    from markdown_it import MarkdownIt

    options = {"html": False, "linkify": False, "typographer": False}
    return MarkdownIt("commonmark", options).enable(["table", "strikethrough"]).disable("image")


_MARKS = {"strong": "**", "em": "*", "s": "~~"}
_ALIGN = {"text-align:left": ":--", "text-align:right": "--:", "text-align:center": ":-:"}
_START = re.compile(r"^(\d{0,9})(?:([-+.)])(?=\s|$)|([#=]|--|:-))", re.MULTILINE)
"""What at the start of a line makes a list, a rule, a heading or a table of it."""

_LONGEST = 1_000_000


def safe_markdown(markdown: str, *, depth: int = 0) -> str:
    r"""Markdown from a model, a source or a person, rewritten so that it marks up text and does nothing else.

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
    """A line of code without control and bidi characters, with its indentation."""
    lead = len(line) - len(line.lstrip(" "))
    return " " * lead + "".join(c if c.isprintable() else clean(c) for c in line[lead:])


# ----------------------------------------------------------------------------------------- spreadsheets


_NUMBER = re.compile(r"[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d+)?")
_RUN = r"[^\S\n\t]*(?:[\"']+[^\S\n\t]*)?[=+\-@＝＋－＠]"
_FORMULA = re.compile(rf"^(?=[\n\t])|(?:(?<=[\n;\t])|^)(?={_RUN})")
_NEUTRALISED = re.compile(rf"^'(?=[\n\t])|(?:(?<=[\n;\t])|^)'(?={_RUN})")


def neutral(text: str) -> str:
    """A cell that no spreadsheet runs: an apostrophe stands before what it would take for a formula.

    That is what begins with `=`, `+`, `-` or `@` (or their full-width forms), also after spaces, tabs, quotes, an end
    of line, or a `;` at which some spreadsheets split. Text that is a plain number is not touched.

    Example:
        >>> neutral("=1+1"), neutral("-1.95")
        ("'=1+1", '-1.95')
    """
    lines = text.replace("\r\n", "\n").replace("\r", "\n")
    visible = "".join(c for c in lines if c in "\n\t" or c.isprintable())
    return visible if _NUMBER.fullmatch(visible) else _FORMULA.sub("'", visible)


def restored(text: str) -> str:
    """The text of such a cell without these apostrophes.

    Example:
        >>> restored("'=1+1"), restored("O'Neill")
        ('=1+1', "O'Neill")
    """
    return _NEUTRALISED.sub("", text) if "'" in text else text
