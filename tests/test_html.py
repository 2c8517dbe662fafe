"""The card: self-contained, readable, and nothing in it that executes, loads or misleads."""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from decimal import Decimal
from html.parser import HTMLParser

import pytest
from agno.run.base import RunStatus
from hypothesis import given
from hypothesis import strategies as st

from finassist import FinancialAssistantWorkflow
from finassist.core.facts import Fact, Gap
from finassist.reporting.asked import sections
from finassist.reporting.document import Cited
from finassist.reporting.html import answer_html, section_html
from finassist.reporting.sanitize import escape, safe_html
from finassist.symbols.names import word_set

from .test_report import CATEGORIES, embedded

CARD = word_set(
    "article div style header footer section h2 h3 p br span b i strong sup table thead tbody tr th td ul ol li "
    "details summary svg rect path"
)
CARD_ATTRIBUTES = word_set(
    "class title scope role aria-label aria-hidden style data-t viewbox preserveaspectratio fill stroke stroke-width "
    "x y width height d"
)
PROSE = word_set("p br hr h1 h2 h3 h4 h5 h6 ul ol li strong em s blockquote code pre table thead tbody tr th td a")


@dataclass
class Reply:
    """The fields a card reads."""

    category: str = "report"
    symbols: list[str] = field(default_factory=lambda: ["AAPL"])
    facts: list[Fact] = field(default_factory=list)
    gaps: list[Gap] = field(default_factory=list)
    follow_ups: list[str] = field(default_factory=list)
    content: str = ""
    run_id: str = "run-1"
    session_id: str = "session-1"


class Reader(HTMLParser):
    """Collects elements, attributes and text, and checks that elements are closed in order."""

    def __init__(self, html: str) -> None:
        super().__init__(convert_charrefs=True)
        self.tags: set[str] = set()
        self.attributes: list[tuple[str, str, str]] = []
        self.open: list[str] = []
        self.text = ""
        self.feed(html)
        self.close()
        assert not self.open, f"not closed: {self.open}"

    def handle_starttag(self, tag, attrs):
        self.tags.add(tag)
        self.attributes += [(tag, name, value or "") for name, value in attrs]
        if tag not in ("br", "hr"):
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.tags.add(tag)
        self.attributes += [(tag, name, value or "") for name, value in attrs]

    def handle_endtag(self, tag):
        assert self.open.pop() == tag, f"{tag} closed out of order"

    def handle_data(self, data):
        if "style" not in self.open:
            self.text += f"{data} "


def card(category: str = "report", *symbols: str, **more) -> str:
    symbols = symbols or ("AAPL",)
    return answer_html(Reply(category=category, symbols=list(symbols), facts=embedded(*symbols)[1], **more))


@pytest.mark.parametrize("category", CATEGORIES)
@pytest.mark.parametrize("symbols", [("AAPL",), ("JPM", "TSLA"), ("BRK-B",)])
def test_a_card_is_well_formed_and_uses_only_harmless_elements(category, symbols):
    html = card(category, *symbols)
    read = Reader(html)
    assert read.tags <= CARD
    assert {name for _, name, _ in read.attributes} <= CARD_ATTRIBUTES
    assert all(re.fullmatch(r"[\d.%:;a-z-]+", value) for _, name, value in read.attributes if name == "style")
    assert not re.search(r"url\(|@import|https?:|javascript:|<script", html)
    assert len(html) < 300_000


def test_a_report_shows_headlines_chart_figures_sources_and_dates():
    html = card(follow_ups=["What is return on equity?"])
    read = Reader(html)
    for text in ("AAPL", "USD 416.2 bn", "309.35", "2026-08-21", "What is return on equity?", "run run-1", "416,161"):
        assert text in read.text
    assert re.search(r"accession\s+0000320193-25-000079", read.text)
    assert html.count('<rect class="fin-a"') == html.count('<rect class="fin-b"') == 5  # a bar a year


def test_a_card_without_a_price_begins_with_the_last_close():
    closes = [fact for fact in embedded("AAPL")[1] if fact.field == "close"]
    read = Reader(answer_html(Reply(category="stock_price", symbols=["AAPL"], facts=closes)))
    assert "Last close USD 309.35 per share on 2026-08-21" in " ".join(read.text.split())
    assert "Last close" not in Reader(card("stock_price")).text


def test_a_report_has_its_sources_as_numbered_links_over_the_columns_and_in_one_list():
    html = FinancialAssistantWorkflow(db=None).run("Tell me about Apple", live=False).to_html()
    read = Reader(html)
    links = re.findall(r'\[<a href="(https://www\.sec\.gov/[^"]+)"[^>]*>(\d+)</a>\]', html)
    listed = re.findall(r'<li>(?:<a href="([^"]*)"[^>]*>)?', html.partition("<ol>")[2].partition("</ol>")[0])
    assert len(links) > 10
    assert all(listed[int(number) - 1] == url for url, number in links)
    assert not [value for tag, name, value in read.attributes if tag == "td" and name == "title"]
    assert any(
        "net_income / revenue" in value for tag, name, value in read.attributes if (tag, name) == ("th", "title")
    )


def test_a_table_of_a_question_tells_the_source_of_a_figure_on_hover():
    answer = FinancialAssistantWorkflow(db=None).run("Revenue of Apple and Microsoft in FY2023, FY2024 and FY2025")
    titles = [value for tag, name, value in Reader(answer.to_html()).attributes if (tag, name) == ("td", "title")]
    assert any("416161000000 USD" in each and "SEC 10-K filed 2025-10-31" in each for each in titles)


def test_companies_stand_side_by_side():
    read = Reader(card("report", "AAPL", "MSFT"))
    assert [v for _, n, v in read.attributes if v == "fin-company"] == ["fin-company"] * 2
    assert "Side by side" in read.text
    assert "fiscal years end on different days" in read.text


def test_gaps_and_a_stopped_run_are_named():
    gap = Gap(symbol="AAPL", need="quote", reason="The source did not answer.")
    stopped = replace(FinancialAssistantWorkflow(db=None).run("Hello"), gaps=[gap], status=RunStatus.cancelled)
    read = Reader(stopped.to_html())
    assert "AAPL, stock price: The source did not answer." in read.text
    assert "This run was stopped." in read.text


def test_an_answer_without_figures_shows_its_text():
    read = Reader(answer_html(Reply(category="stock_price", symbols=["ZZZ"], content="No **price** for ZZZ.")))
    assert "No price for ZZZ ." in re.sub(r"\s+", " ", read.text).replace("ZZZ.", "ZZZ .")
    assert "fin-chart" not in [value for _, _, value in read.attributes]


def test_what_the_text_says_is_not_said_again():
    reason = "F (Ford Motor Co.) is not in the embedded set."
    gap = Gap(symbol="F", need="profile, income", reason=reason)
    read = Reader(answer_html(Reply(symbols=["F"], content=f"There are no figures.\n\n- {reason}", gaps=[gap])))
    assert read.text.count(reason) == 1
    assert "What is missing" not in read.text


def test_a_page_that_drops_the_style_shows_no_loose_words():
    words = Reader(card()).text
    assert 'data-t="USD billions"' in card()
    assert "USD billions" not in words
    assert re.search(r"Revenue\s+USD 416\.2 bn\s+FY2025", words)


def test_a_line_never_ends_inside_a_figure_or_a_date():
    html = card()
    for text in ("2026-08-21", "0000320193-25-000079", "USD 416.2 billion", "USD 309.35"):
        assert f'<span class="fin-whole">{text}</span>' in html


def test_no_class_is_one_of_the_page_around():
    classes = {name for _, kind, value in Reader(card()).attributes if kind == "class" for name in value.split()}
    assert classes
    assert all(name.startswith("fin-") for name in classes)


def test_the_style_is_scoped_and_knows_both_themes():
    style = card().split("<style>")[1].split("</style>")[0]
    selectors = re.findall(r"([^{}]+)\{", re.sub(r"@(media|container)[^{]*\{", "", style))
    assert all(".fin-answer" in selector for selector in selectors)
    assert "light-dark(" in style
    assert "--jp-layout-color0" in style


@given(st.text())
def test_any_text_is_safe(text):
    assert Reader(safe_html(text)).tags <= PROSE
    assert Reader(f'<p title="{escape(text)}">{escape(text)}</p>').tags == {"p"}


def test_ordinary_markdown_is_kept():
    html = safe_html("# A\n\n- **b** `c`\n\n| x | y |\n|--|--:|\n| 1 | 2 |\n\n[d](https://sec.gov)")
    assert {"h1", "li", "strong", "code", "table", "td", "a"} <= Reader(html).tags


def test_a_card_of_one_sentence_has_nothing_to_hover_over() -> None:
    workflow = FinancialAssistantWorkflow(db=None)
    assert "Hover over a figure" not in answer_html(workflow.run("What was Apple's net margin in FY2023?"))
    assert "Hover over a figure" in answer_html(workflow.run("Net margin of Apple and Microsoft and Nvidia in FY2023"))


def test_what_is_missing_is_named_in_words_where_the_card_lists_what_was_asked() -> None:
    card = answer_html(FinancialAssistantWorkflow(db=None).run("Should I buy Ford?"))
    assert "P/E of F: P/E is not meaningful" in card


def test_sources_are_numbered_links_to_the_filings() -> None:
    workflow = FinancialAssistantWorkflow(db=None)
    answer = workflow.run("What was Apple's net margin in FY2023?", live=False)
    address = "https://www.sec.gov/Archives/edgar/data/320193/0000320193-25-000079-index.htm"
    assert f"Source: [SEC 10-K filed 2025-10-31]({address})." in answer.to_markdown()
    assert f'<a href="{address}"' in answer.to_html()
    several = workflow.run("revenue of Apple 2019 to 2024", live=False).to_markdown()
    assert "Sources: (1) [SEC 10-K filed 2021-10-29](https://www.sec.gov/" in several
    assert "; (4) [SEC" in several


def test_a_filing_with_a_number_of_another_form_is_no_link() -> None:
    fact = Fact(
        symbol="AAPL", field="revenue", value=Decimal(1), unit="USD", period="FY2025", source="a source",
        statement="income", filing='"><script>',
    )  # fmt: skip
    found = [*sections("lead", [], [fact], [fact], [], {}, {"AAPL": "0000320193"})]
    [cited] = [section for section in found if isinstance(section, Cited)]
    assert cited.sources == (('a source "><script>', ""),)
    assert "<script>" not in str(section_html(cited))
