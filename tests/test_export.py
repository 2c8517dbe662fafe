"""A conversation and its data as files: complete, readable, and harmless to the programs that open them."""

from __future__ import annotations

import csv
import io
import re

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from finassist.reporting.files import safe_csv
from finassist.reporting.html import conversation_html
from finassist.reporting.markdown import conversation_markdown
from finassist.reporting.sanitize import safe_markdown

from .test_html import Reader, Reply

QUESTIONS = ("What is Apple's stock price?", "Compare Apple and Microsoft", "What is EBITDA?")


@pytest.fixture(scope="module")
def answers():
    from finassist import FinancialAssistantWorkflow

    workflow = FinancialAssistantWorkflow(db=None, session_id="talk")
    for question in QUESTIONS:
        workflow.run(question)
    return workflow.answers("talk")


# ---------------------------------------------------------------------------------------- conversations


def test_markdown_has_every_question_and_answer_in_order(answers):
    text = conversation_markdown(answers)
    found = [text.index(f"## {question}") for question in QUESTIONS]
    assert found == sorted(found)
    assert "Apple's share price was USD 309.35 at the close on 2026-08-21." in text
    assert "Earnings before interest" in text
    assert "- Show the income statement of Apple" in text
    assert re.search(r"^### Apple Inc\. \(AAPL\)", text, re.MULTILINE), "headings stand below the question"


def test_markdown_of_a_report_loses_nothing(answers):
    report = str(answers[1].content)
    assert MarkdownIt().enable("table").render(safe_markdown(report)) == MarkdownIt().enable("table").render(report)


def test_html_is_one_page_with_a_card_for_every_answer(answers):
    page = conversation_html(answers)
    assert page.count('<article class="fin-answer">') == len(QUESTIONS)
    assert page.count("<style>") == 1
    assert "default-src &#x27;none&#x27;" in page
    assert page.index("stock price?") < page.index("Compare Apple") < page.index("EBITDA?")
    assert "prefers-color-scheme:dark" in page
    assert not re.search(r"url\(|@import|<script|<link|src=", page)


def test_an_empty_conversation_says_so():
    assert "Nothing has been asked yet." in conversation_markdown([])
    assert "Nothing has been asked yet." in conversation_html([])


def test_a_stopped_turn_says_so(answers):
    from dataclasses import replace

    from agno.run.base import RunStatus

    stopped = replace(answers[2], status=RunStatus.cancelled, content="Half a sent")
    assert "> **Note:** This run was stopped." in conversation_markdown([stopped])
    assert "This run was stopped." in conversation_html([stopped])


# ----------------------------------------------------------------------------------------------- markdown


@pytest.mark.parametrize(
    "text",
    [
        "# Title\n\nA *b* **c** ~~d~~ `e|f`\\\nnext",
        "1. one\n2. two\n   - nested\n\n     more\n",
        "> quoted\n>\n> - list",
        "```python\nprint('```')\n```\n\n    indented",
        "|a|b|\n|:-|-:|\n|x \\| y|`p|q`|",
        "[link](https://sec.gov/a(b)) and **[bold](https://sec.gov)**",
        "5 * 3 * 2, snake_case_name, a < b && c > d, 1. 2) - + # = 100% $5 and $6",
        "a\n- b\n1. c\n# d\n---\n\n\\- e\n\\# f\n1\\. g",
    ],
)
def test_ordinary_markdown_means_the_same_when_it_is_written_anew(text):
    reader = MarkdownIt("commonmark", {"html": False}).enable(["table", "strikethrough"])
    once = safe_markdown(text)
    assert _plain(reader.render(once)) == _plain(reader.render(text))
    assert safe_markdown(once) == once


def _plain(html: str) -> str:
    return re.sub(r'<pre><code class="[^"]*">', "<pre><code>", html).replace(' rel=""', "").replace("\n", " ")


@given(st.text(alphabet=st.sampled_from("ab <>&[]()!`*_~#-+=.:|\\\n\t$'\"/{}1:ht ps")))
def test_no_text_becomes_html_an_image_or_a_foreign_link(text):
    written = safe_markdown(text)
    for token in MarkdownIt("commonmark", {"html": True}).enable(["table", "strikethrough"]).parse(written):
        for child in [token, *(token.children or [])]:
            assert child.type not in ("html_block", "html_inline", "image", "math", "reference")
            assert child.type != "fence" or not child.info
            assert child.type != "link_open" or str(child.attrs["href"]).startswith("https://")


# ---------------------------------------------------------------------------------------------------- CSV


def read(text: str) -> list[list[str]]:
    return list(csv.reader(io.StringIO(text)))


@pytest.mark.parametrize(
    "start", [*"=+-@＝＋－＠", "\t=", "\r=", "\n=", " =", '"=', "'=", ";=", "a;=", "a\n=", "a\t@", "\t", "\r"]
)
def test_no_cell_begins_a_formula(start):
    [_, [name, cell]] = read(safe_csv(pd.DataFrame({"x": ["Acme"], start + "y": [f"{start}cmd|' /C calc'!A0"]})))
    assert name == "Acme"
    assert not re.search(r"(?:^|[;\t\n])[ \"]*[=+\-@＝＋－＠]", cell)
    assert cell[0] not in "\t\n"
    assert "cmd|' /C calc'!A0" in cell, "the text itself is kept"


def test_numbers_are_untouched(answers):
    frame = answers[1].to_frame(full=True)
    back = pd.read_csv(io.StringIO(safe_csv(frame)))
    assert back["value"].tolist() == pytest.approx(frame["value"].astype(float).tolist(), nan_ok=True, rel=0)
    exact = [None if pd.isna(value) else value for value in frame["exact"]]
    assert [row[frame.columns.get_loc("exact")] for row in read(safe_csv(frame))[1:]] == [
        "" if value is None else f"{value:f}" for value in exact
    ]
    assert read(safe_csv(pd.DataFrame({"a": ["-5.2", "+3", "1e-4", -7, 2.5, True]})))[1:] == [
        ["-5.2"], ["+3"], ["1e-4"], ["-7"], ["2.5"], ["True"],
    ]  # fmt: skip


def test_missing_is_empty_and_days_are_days():
    frame = pd.DataFrame({"day": pd.to_datetime(["2026-01-02", None]), "text": pd.array([None, "a"], dtype="string")})
    assert read(safe_csv(frame)) == [["day", "text"], ["2026-01-02", ""], ["", "a"]]


def test_lines_quotes_and_commas_inside_a_cell_stay_inside():
    told = 'one, "two"\r\nthree'
    assert read(safe_csv(pd.DataFrame({"a": [told], "b": [("x", "y")]})))[1] == ['one, "two"\nthree', "x; y"]


def test_a_cell_of_many_spaces_is_written_at_once():
    text = " " * 100_000 + "x"
    assert read(safe_csv(pd.DataFrame({"a": [text]})))[1] == [text]


def test_a_named_index_becomes_columns():
    frame = pd.DataFrame({"a": [1]}, index=pd.Index(["=x"], name="symbol"))
    assert read(safe_csv(frame)) == [["symbol", "a"], ["'=x", "1"]]


def test_sessions_and_spans_can_be_exported(workflow):
    answer = workflow.run("What is EBITDA?")
    assert read(safe_csv(workflow.sessions()))[1][0] == answer.session_id
    assert read(safe_csv(answer.spans()))[0][0] == "name"


def test_a_page_reads_well_for_a_parser():
    reply = Reply(category="chat", content="Hello **you**", follow_ups=["And?"])
    body = conversation_html([reply]).split("<body>")[1].split("</body>")[0]
    assert {"h1", "h2", "p", "strong"} <= Reader(body).tags
