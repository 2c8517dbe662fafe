"""Untrusted text as HTML that cannot execute, load or track anything."""

from __future__ import annotations

import html
import re
from functools import cache

import nh3
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
    return html.escape(visible, quote=True)


def whole(text: object) -> str:
    """Escaped text in which no line ends inside a date, a filing's number or an amount.

    Example:
        >>> whole("on 2026-08-21")
        'on <span class="fin-whole">2026-08-21</span>'
    """
    return _WHOLE.sub(r'<span class="fin-whole">\g<0></span>', escape(text))


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
    return SyntaxTreeNode(_renderer().parse(markdown.translate(_HIDDEN)))


@cache
def _renderer() -> MarkdownIt:
    options = {"html": False, "linkify": False, "typographer": False}
    return MarkdownIt("commonmark", options).enable(["table", "strikethrough"]).disable("image")
