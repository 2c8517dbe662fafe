"""Untrusted text never runs and never loads anything, wherever it is shown.

Every payload goes through every surface. A parser that browsers agree with reads what comes out, and nothing may be in
it that is not on the lists here. `tests/browser/test_safety_in_browser.py` does the same in a real browser.
"""

from __future__ import annotations

import csv
import io
import re
from base64 import b64decode
from functools import cache
from itertools import chain

import html5lib
import pandas as pd
import pytest
from markdown_it import MarkdownIt

from finassist.apps.live import view
from finassist.reporting import html as style
from finassist.reporting import timeline
from finassist.reporting.files import safe_csv
from finassist.reporting.html import conversation_html
from finassist.reporting.plot import plot
from finassist.reporting.sanitize import safe_markdown

from .payloads import PAYLOADS, SURFACES, facts, markdown, reply
from .test_html import Reply

XMLNS = ("{http://www.w3.org/2000/xmlns/}xmlns", "http://www.w3.org/2000/svg")
HTML, SVG = "{http://www.w3.org/1999/xhtml}", "{http://www.w3.org/2000/svg}"


def words(*texts: str) -> set[str]:
    return set(" ".join(texts).split())


PROSE = words("p br hr h1 h2 h3 h4 h5 h6 ul ol li strong em s blockquote code pre table thead tbody tr th td a")
CARD = words("article div span b i sup small header footer section details summary style img")
DRAWN = words("svg g rect path line text tspan title desc style polygon circle")
ELEMENTS = {HTML + name for name in PROSE | CARD} | {SVG + name for name in DRAWN}
ATTRIBUTES = words(
    "class title scope role aria-label aria-hidden style data-t open start href rel tabindex alt src",
    "viewBox preserveAspectRatio width height d x y x1 x2 y1 y2 rx cx cy r points transform",
    "fill fill-opacity stroke stroke-width stroke-dasharray stroke-linecap stroke-opacity opacity",
    "font-family font-size font-weight text-anchor dominant-baseline pointer-events",
)
PLAIN_VALUES = re.compile(r"[\w\s.,%#()/:;-]*")
"""Of every attribute that is not text for a reader: no quotes, no entity, no scheme."""

TEXTS = {"title", "aria-label", "data-t", "alt"}
PICTURE = "data:image/svg+xml;base64,"
STYLE = re.compile(r"((left|width|bottom|height):-?\d+(\.\d+)?%;?)+|text-align: ?(left|right|center);?|display:none")
SHEETS = {style.CSS, view.CSS, timeline.CSS, timeline.BOX_CSS}
HIDDEN = re.compile("[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]")


@cache
def parser() -> html5lib.HTMLParser:
    return html5lib.HTMLParser(tree=html5lib.getTreeBuilder("etree"), namespaceHTMLElements=True)


def check(html: str, elements: set[str] = ELEMENTS, attributes: set[str] = ATTRIBUTES) -> None:
    """Raise where HTML has anything that is not on the lists."""
    assert not HIDDEN.search(html), "a control or bidi character"
    tree = parser().parseFragment(html)
    for element in tree.iter():
        assert element.tag == "DOCUMENT_FRAGMENT" or element.tag in elements, f"element {element.tag}"
        for name, value in element.attrib.items():
            if (name, value) == XMLNS:
                continue
            assert name in attributes, f"attribute {name}={value!r} of {element.tag}"
            check_value(name, value, element.attrib)
        if element.tag in (f"{HTML}style", f"{SVG}style"):
            assert element.text in SHEETS, "a style sheet that is not ours"


def check_value(name: str, value: str, beside: dict[str, str]) -> None:
    if name == "href":
        assert re.fullmatch(r"https://[\w.-]+\.[a-z]+(:\d+)?([/?#][^\s\"'<>]*)?", value), f"link to {value!r}"
        assert beside.get("rel") == "noopener noreferrer nofollow"
    elif name == "src":
        assert value.startswith(PICTURE), f"picture from {value!r:.80}"
        check(b64decode(value.removeprefix(PICTURE), validate=True).decode())
    elif name == "style":
        assert STYLE.fullmatch(value), f"style {value!r}"
    elif name not in TEXTS:
        assert PLAIN_VALUES.fullmatch(value), f"{name}={value!r}"
        assert not re.search(r"(?i)url|script|data:|expression", value), f"{name}={value!r}"


# ---------------------------------------------------------------------------------------------- the corpus


def test_the_corpus_is_large_and_has_no_text_twice():
    texts = [text for group in PAYLOADS.values() for text in group]
    assert len(texts) == len(set(texts))
    assert len(texts) >= 200


@pytest.mark.parametrize(
    "harmful",
    [
        "<script>probe()</script>",
        "<p onclick=probe()>x</p>",
        "<a href=javascript:probe() rel='noopener noreferrer nofollow'>x</a>",
        "<a href=https://evil.example>x</a>",
        "<img src=https://evil.example/a.png>",
        "<img src='data:image/svg+xml;base64,PHN2ZyBvbmxvYWQ9cHJvYmUoKT48L3N2Zz4='>",
        "<img src='data:text/html;base64,eA=='>",
        "<p style='background:url(https://evil.example)'>x</p>",
        "<style>*{background:url(https://evil.example)}</style>",
        "<svg><use href='#x'></use></svg>",
        "<svg><path fill='url(https://evil.example)'></path></svg>",
        "<p title='\u202e'>x</p>",
        "<iframe></iframe>",
        "<p id=x>x</p>",
    ],
)
def test_the_check_finds_harm(harmful):
    with pytest.raises(AssertionError):
        check(harmful)


# ------------------------------------------------------------------------------------------------- surfaces


@pytest.mark.parametrize("surface", SURFACES)
def test_nothing_gets_through(surface):
    for payload in chain.from_iterable(PAYLOADS.values()):
        try:
            check(SURFACES[surface](payload))
        except AssertionError as error:
            pytest.fail(f"{surface} with {payload!r}: {error}")


@pytest.mark.parametrize("surface", [name for name in SURFACES if name != "timeline"])
def test_harmless_text_is_still_there(surface):
    html = SURFACES[surface]("plain words")
    assert "plain words" in html


def test_all_payloads_at_once_do_not_add_up():
    """Neighbours could open what the next one closes."""
    texts = [text for group in PAYLOADS.values() for text in group]
    for joined in ("".join(texts), "\n\n".join(texts), " | ".join(texts)):
        for surface in ("bubble", "question", "card of chat"):
            check(SURFACES[surface](joined))
    check(SURFACES["bubble"]("".join(reversed(texts))))


def test_exported_markdown_is_harmless_to_a_renderer_that_allows_html():
    reader = MarkdownIt("commonmark", {"html": True, "linkify": False}).enable(["table", "strikethrough"])
    links = {"rel"}
    for payload in chain.from_iterable(PAYLOADS.values()):
        text = markdown(payload)
        html = reader.render(text).replace('<a href="https://', '<a rel="noopener noreferrer nofollow" href="https://')
        try:
            check(html, {HTML + name for name in PROSE}, {"href", "title", "start", "style"} | links)
        except AssertionError as error:
            pytest.fail(f"Markdown with {payload!r}: {error}\n{text}")


@pytest.mark.parametrize("kind", PAYLOADS)
def test_exported_csv_has_no_formula(kind):
    frame = pd.DataFrame({"text": pd.array(PAYLOADS[kind], dtype="string"), "n": -1.5})
    [_, *rows] = csv.reader(io.StringIO(safe_csv(frame.rename(columns={"n": PAYLOADS[kind][0]}))))
    assert len(rows) == len(PAYLOADS[kind])
    for text, number in rows:
        assert number == "-1.5"
        plain = re.fullmatch(r"[+-]?\d+(\.\d+)?", text)
        assert plain or not re.search(r"(^|[\n;\t])[\s\"]*[=+\-@＝＋－＠]", text), repr(text)
        assert not HIDDEN.search(text.replace("\n", "")), repr(text)


@pytest.mark.parametrize("kind", PAYLOADS)
def test_texts_of_figures_are_only_text(kind):
    """Plotly reads tags, entities and mathematics in every text; Matplotlib reads mathematics."""
    for payload in PAYLOADS[kind][::4]:
        figure = plot(Reply(symbols=["ACME"], facts=facts(payload)), "revenue")
        texts = figure.layout.annotations[-1].text.replace("<br>", " ")
        shown = [texts, *figure.data[0].hovertext, figure.data[0].name]
        assert not any(re.search(r"[<>$]", text) for text in shown), payload


def test_a_page_forbids_in_the_browser_what_is_forbidden_here():
    page = conversation_html([reply("x", "report")])
    document = html5lib.parse(page)
    metas = [dict(element.attrib) for element in document.iter(f"{HTML}meta")]
    [policy] = [meta["content"] for meta in metas if meta.get("http-equiv") == "Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "script" not in policy
    assert {"name": "referrer", "content": "no-referrer"} in metas
    assert not [element for element in document.iter() if element.tag in (f"{HTML}script", f"{HTML}link")]


HARD_PIECES = ("![", "- a\n", "<img src=x onerror=probe()>\n\n")


def test_our_own_style_sheets_load_nothing():
    for sheet in (*SHEETS, style.PAGE):
        assert not re.search(r"(?i)url\(|@import|image-set|src\s*\(|expression|behavior|-moz-binding|</", sheet)


@pytest.mark.parametrize(
    "piece",
    ["word **b** [x](https://sec.gov) ", *(pytest.param(piece, marks=pytest.mark.slow) for piece in HARD_PIECES)],
)
def test_a_megabyte_of_text_is_shown_and_nothing_of_it_lost(piece):
    """Its beginning is read as Markdown; the rest is shown as it was written, and is as harmless."""
    text = piece * (1_000_000 // len(piece))
    html = SURFACES["bubble"](text)
    check(html)
    assert len(html) > 800_000
    exported = safe_markdown(text)
    assert len(exported) > 800_000
    assert "<img" not in exported.split("```")[0]
