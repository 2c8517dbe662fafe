"""Reports: every number is a fact's, every absence has words, every text is only text, the order never matters."""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import date
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from finassist import Answer, FinancialAssistantWorkflow, Query
from finassist.analysis.overview import MULTIPLES, SCORES
from finassist.analysis.ratios import derive
from finassist.core.facts import Fact, FactBook, Gap
from finassist.core.result import category_of
from finassist.providers.embedded import figures, prices
from finassist.reporting.company import CompanyFigures, Subject, sources
from finassist.reporting.document import document, follow_ups
from finassist.reporting.markdown import to_markdown
from finassist.reporting.tables import tables_of
from finassist.symbols.names import word_set

CATEGORIES = ["income_statement", "company_financials", "stock_price", "report"]
NAMES = {"AAPL": "Apple Inc.", "MSFT": "Microsoft Corp", "JPM": "JPMorgan Chase & Co", "TSLA": "Tesla, Inc."}


def compose(category: str, subjects: list[Subject], facts: Iterable[Fact], gaps: list[Gap]) -> str:
    return to_markdown(document(category, subjects, facts, gaps))


def embedded(*symbols: str) -> tuple[list[Subject], list[Fact]]:
    facts: list[Fact] = []
    for symbol in symbols:
        given_ = [*figures.annual(symbol), *prices.quote(symbol)]
        given_ += prices.last(prices.series(symbol, "1mo"), "2y")
        facts += [*given_, *derive(FactBook(given_), symbol)]
    return [Subject(symbol, NAMES.get(symbol, symbol)) for symbol in symbols], facts


def fact(field: str, value: str | None, year: int = 2025, statement: str = "income", **more) -> Fact:
    unit = "USD/share" if field == "eps_diluted" else "USD"
    given_ = {
        "symbol": "ACME",
        "field": field,
        "value": None if value is None else Decimal(value),
        "unit": unit,
        "currency": "USD",
        "period": f"FY{year}",
        "period_end": date(year, 12, 31),
        "source": "10-K",
        "statement": statement,
    }
    return Fact(**{**given_, **more})


def rows(markdown: str) -> dict[str, list[str]]:
    """Cells of the first row with each label."""
    found: dict[str, list[str]] = {}
    for line in markdown.splitlines():
        if line.startswith("| "):
            label, *cells = [part.strip() for part in line.strip("|").split(" | ")]
            found.setdefault(label, cells)
    return found


def section(markdown: str, title: str) -> str:
    return re.split(r"\n#+ ", markdown.partition(f"# {title}\n")[2])[0]


def test_the_known_report_of_apple():
    report = compose("report", *embedded("AAPL"), [])
    assert report.startswith("# Apple Inc. (AAPL): financial report\n\nApple's revenue rose 6.4% to USD 416.2 billion")
    assert "\n\n*Statements through FY2025 (year ended 2025-09-27)" in report
    assert "Price USD 309.35 per share on 2026-08-21" in report
    revenue = rows(report)["Revenue"]
    assert revenue[:5] == ["365,817", "394,328", "383,285", "391,035", "416,161"]
    assert rows(report)["Gross margin"][4:] == ["46.9%", "`gross_profit / revenue`"]
    assert "USD millions" in section(report, "Key figures")
    for title in ("Income statement", "Balance sheet", "Cash flow statement", "Ratios and growth", "Sources"):
        assert f"## {title}" in report
    assert "SEC 10-K filed 2025-10-31 (accession 0000320193-25-000079)" in section(report, "Sources")


@pytest.mark.parametrize("category", CATEGORIES)
def test_each_category_shows_what_it_is_about(category):
    report = compose(category, *embedded("AAPL"), [])
    shown = set(re.findall(r"^## (.*)$", report, re.M))
    assert ("Income statement" in shown) == (category != "stock_price")
    assert ("Balance sheet" in shown) == (category in ("company_financials", "report"))
    assert ("Strengths" in shown) == (category == "report")
    assert ("2026-08-21" in report) == (category != "income_statement")
    assert "Sources" in shown


@pytest.mark.parametrize("symbol", ["AAPL", "MSFT", "JPM", "TSLA", "BRK-B", "BAC", "V", "JNJ", "UNH"])
def test_every_number_in_a_table_is_a_fact_s(symbol):
    [subject], facts = embedded(symbol)
    company = CompanyFigures.of(subject, FactBook(facts))
    values = {f.key: f for f in facts}
    for table in (t for category in CATEGORIES for t in tables_of(category_of(category), company)):
        for cell in (cell for row in table.rows for cell in row.cells):
            digits = re.sub(r"[^\d.-]", "", cell.text)
            if cell.fact is None:
                assert cell.text == "not in the data" or re.fullmatch(r"\d{4}-\d\d-\d\d", cell.text), cell
            elif cell.fact.known and cell.fact.status != "none_paid":
                known = values[cell.fact.key].value
                shown = Decimal(digits)
                assert any(
                    abs(known / scale - shown) <= Decimal(5).scaleb(shown.as_tuple().exponent - 1)
                    for scale in (Decimal(1), Decimal("0.01"), Decimal(1000), Decimal(10**6))
                ), (cell, known)
            else:
                assert not digits, cell


def test_a_report_opens_with_a_sentence_that_sums_up():
    lead = compose("report", *embedded("AAPL"), []).split("\n\n")[1]
    assert re.fullmatch(
        r"Apple's revenue (rose|fell) [\d.]+% to USD [\d.]+ billion in FY\d{4} \(year ended [\d-]+\); net income was "
        r"USD [\d.]+ billion, [\d.]+% of revenue; the share price was USD [\d.]+ on [\d-]+\.",
        lead,
    )


def test_a_comparison_says_who_is_ahead():
    lead = compose("report", *embedded("AAPL", "JPM"), []).split("\n\n")[1]
    assert lead.startswith("Of Apple and JPMorgan Chase, Apple had the higher revenue (USD ")
    assert "JPMorgan Chase had the higher net margin" in lead


def test_a_missing_figure_is_words_and_never_zero():
    facts = [
        fact("revenue", "500000000"),
        fact("revenue", "400000000", 2024),
        fact("net_income", None, status="missing"),
    ]
    report = compose("report", [Subject("ACME", "Acme")], [*facts, *derive(FactBook(facts), "ACME")], [])
    assert rows(report)["Net income"] == ["not in the data", "not in the data"]
    for line in (line for line in report.splitlines() if line.startswith("| ")):
        assert not re.search(r"\| -?0(\.0+)?%? \|", line), line
    assert "Net income is not in the data for FY2024–FY2025" in section(report, "What is missing")


def test_a_reported_zero_stays_a_zero():
    report = compose(
        "company_financials", [Subject("ACME", "")], [fact("long_term_debt", "0", statement="balance_sheet")], []
    )
    assert rows(report)["Long-term debt"] == ["0"]


def test_not_meaningful_says_why_in_a_footnote():
    facts = [fact("net_income", "-20", 2024), fact("net_income", "30")]
    report = compose("income_statement", [Subject("ACME", "")], [*facts, *derive(FactBook(facts), "ACME")], [])
    cells = rows(report)["Net income growth"]
    assert cells[1] == "not meaningful ²"
    assert "² FY2025: net income of the year before is negative" in report


def test_gaps_are_named_in_the_answer():
    gap = Gap(symbol="ACME", need="quote", reason="The source did not answer. Ask again.", error="SourceTimeout")
    report = compose("stock_price", [Subject("ACME", "Acme")], [], [gap])
    assert "- Acme (ACME), stock price: The source did not answer. Ask again." in section(report, "What is missing")
    assert "There are no figures for this company." in report


@pytest.mark.parametrize("known", [20, 1])
def test_closes_without_a_price_are_said_to_be_there(known):
    subjects, facts = embedded("AAPL")
    closes = sorted((fact for fact in facts if fact.field == "close"), key=lambda fact: fact.period)[-known:]
    report = compose("stock_price", subjects, closes, [])
    assert "No figures are at hand" not in report
    assert "*Last close USD 309.35 per share on 2026-08-21*" in report
    assert ("Closes from" in report) == (known > 1)
    assert re.search(r"closing price, split-adjusted: AAPL prices? of .*2026-08-21", section(report, "Sources"))
    assert "Last close" not in compose("stock_price", subjects, facts, [])
    assert "Last close" not in compose("income_statement", subjects, closes, [])


def test_a_thin_company_says_so():
    revenue = [fact("revenue", "500")]
    assert "Too thin for a report" in compose("report", [Subject("ACME", "")], revenue, [])
    assert "Too thin" not in compose("report", *embedded("MSFT"), [])


def test_an_income_statement_is_not_a_thin_report():
    assert "Too thin" not in compose("income_statement", *embedded("TSLA"), [])
    assert "Incomplete" not in compose("income_statement", *embedded("TSLA"), [])
    report = compose("income_statement", [Subject("ACME", "")], [fact("net_income", "500")], [])
    assert "> **Incomplete.** Revenue and diluted EPS of FY2025 are not known" in report


def test_no_table_but_a_statement_has_a_line_without_any_figure():
    report = compose("report", *embedded("BRK-B"), [])
    empty = re.compile(r"^\| [^|]+ (\| not in the data [¹²³⁴⁵]?)+ ?\|", re.M)
    lines = [line for line in report.splitlines() if empty.match(line) and not re.search(r"\d", line)]
    assert [line.split(" | ")[0] for line in lines] == ["| Diluted EPS"]
    assert "Operating income" not in section(compose("report", *embedded("JPM", "BAC"), []), "Side by side")


def test_a_note_that_holds_for_a_whole_column_is_said_once():
    statement = section(compose("income_statement", *embedded("BAC"), []), "Income statement")
    assert statement.count("as first filed") == 2  # on each side of the break
    assert rows(statement)["Revenue"] == ["89,113", "94,950", "102,769", "105,856", "113,097"]


def test_restated_years_have_no_growth():
    cells = rows(compose("income_statement", *embedded("BAC"), []))["Revenue growth"]
    assert [bool(re.search(r"\d%", cell)) for cell in cells[:5]] == [True, True, False, True, True]


def test_several_companies_stand_side_by_side_first():
    report = compose("report", *embedded("AAPL", "MSFT"), [])
    assert report.index("## Side by side") < report.index("## Apple Inc. (AAPL)") < report.index("### Key figures")
    table = rows(section(report, "Side by side"))
    assert table["Year ended"][:2] == ["2025-09-27", "2026-06-30"]
    assert table["Price of"][:2] == ["2026-08-21", "2026-08-21"]
    assert "fiscal years end on different days" in report


def test_a_company_without_figures_is_left_out_of_a_comparison():
    ford = Subject("F", "Ford Motor Co.")
    gap = Gap(symbol="F", need="profile, income, quote", reason="F (Ford Motor Co.) is not in the embedded set.")
    subjects, facts = embedded("AAPL")
    report = compose("report", [*subjects, ford], facts, [gap])
    assert "so there is nothing to compare Apple Inc. (AAPL) with" in report
    assert "Side by side" not in report
    assert report.count("not in the embedded set") == 1
    subjects, facts = embedded("AAPL", "MSFT")
    report = compose("report", [*subjects, ford], facts, [gap])
    assert "There are no figures for Ford Motor Co. (F); the comparison leaves it out." in report
    assert "| AAPL | MSFT | Formula |" in section(report, "Side by side")


def test_currencies_are_never_mixed_up():
    other = fact("revenue", "700000000", symbol="NIPPON", currency="JPY", unit="JPY")
    subjects = [Subject("ACME", "Acme"), Subject("NIPPON", "Nippon")]
    report = compose("income_statement", subjects, [fact("revenue", "500000000"), other], [])
    assert rows(section(report, "Side by side"))["Revenue"][:2] == ["USD 500", "JPY 700"]


@pytest.mark.parametrize("symbol", ["AAPL", "JPM"])
def test_sources_are_grouped(symbol):
    report = compose("report", *embedded(symbol), [])
    lines = section(report, "Sources").strip().splitlines()
    assert len(lines) == len(set(lines)) <= 12
    assert sources([]) == []


@given(st.randoms())
@settings(max_examples=15, deadline=None)  # the first example reads the catalogue and the embedded tables
def test_the_order_of_facts_does_not_change_the_report(random):
    subjects, facts = embedded("TSLA", "JPM")
    shuffled = list(facts)
    random.shuffle(shuffled)
    assert compose("report", subjects, shuffled, []) == compose("report", subjects, facts, [])


PAYLOADS = [
    "<img src=x onerror=alert(1)>",
    "</td><script>alert(1)</script>",
    "![x](https://evil.example/p.png)",
    "[x](javascript:alert(1))",
    "a | b | `c` **d** _e_ $x^2$",
    "# heading\n\n- item\n\n> quote",
    "https://evil.example www.evil.example a@evil.example",
    "\u202egnp.exe",
]


def test_untrusted_text_is_only_text():
    for category in CATEGORIES:
        for payload in PAYLOADS:
            check_untrusted_text_is_only_text(payload, category)


def check_untrusted_text_is_only_text(payload, category):
    price_of = {
        "period": "2026-08-21",
        "period_end": date(2026, 8, 21),
        "as_of": date(2026, 8, 21),
        "unit": "USD/share",
    }
    marked = {"source": payload, "note": payload, "filing": payload, "formula": payload}
    facts = [
        fact("revenue", "500", **marked, status="derived"),
        fact("price", "5", statement="price", **price_of, **marked),
        fact("close", "5", statement="price", **price_of),
        fact("close", "6", statement="price", **{**price_of, "period": payload, "period_end": date(2026, 8, 22)}),
        fact("sales" + payload, "7", **marked),
    ]
    gaps = [Gap(symbol=payload, need=payload, reason=payload)]
    report = compose(category, [Subject("ACME", payload)], facts, gaps)
    allowed = word_set(
        "heading inline paragraph bullet_list list_item table thead tbody tr th td text text_special em strong "
        "code_inline hardbreak softbreak blockquote"
    )
    tokens = MarkdownIt("gfm-like", {"linkify": False}).disable("linkify").parse(report)
    kinds = {re.sub("_(open|close)$", "", t.type) for token in tokens for t in (token, *(token.children or []))}
    assert kinds <= allowed
    assert "\u202e" not in report
    assert "://evil" not in report.replace("\\://", "")
    widths = {line.count(" | ") for line in re.findall(r"^\| .*$", section(report, "Income statement"), re.M)}
    assert len(widths) <= 1, "a cell broke out of its column"


def test_follow_ups_are_other_questions():
    names = ["Apple", "Microsoft"]
    for category in [*CATEGORIES, "chat"]:
        asked = follow_ups(category, names)
        assert 2 <= len(asked) <= 4
        assert len(set(asked)) == len(asked)
    assert "What is the stock price of Apple and Microsoft?" not in follow_ups("stock_price", names)
    assert 2 <= len(follow_ups("chat", [])) <= 4


# -------------------------------------------------------------------------------------------- what a report opens with


@pytest.fixture(scope="module")
def nvidia() -> Answer:
    return FinancialAssistantWorkflow(db=None).run("Tell me about Nvidia", live=False)


def test_a_report_opens_with_what_matters_and_ends_with_the_statements(nvidia: Answer) -> None:
    titles = re.findall(r"^## (.*)$", nvidia.content, re.M)
    wanted = ["Strengths", "Concerns", "Quality", "Valuation", "Q1 2027 against Q1 2026", "Key figures"]
    wanted += ["Income statement", "Balance sheet", "Cash flow statement", "Ratios and growth", "Sources"]
    assert [title for title in titles if title in wanted] == wanted
    for title in ("Strengths", "Concerns"):
        lines = section(nvidia.content, title).strip().splitlines()
        assert 1 <= len(lines) <= 3
        assert all(re.search(r"\d", line) for line in lines)


@pytest.mark.parametrize("metric", [*SCORES, *MULTIPLES])
def test_the_opening_has_the_figures_that_a_question_about_them_gets(nvidia: Answer, metric: str) -> None:
    days = [fact for fact in nvidia.facts if (fact.symbol, fact.field) == ("NVDA", metric) and fact.known]
    assert len(days) == (1 if metric in SCORES else 4)
    workflow = FinancialAssistantWorkflow(db=None)
    for fact_ in days:
        value = workflow.query(Query(metrics=[metric], companies=["NVDA"], periods=[fact_.period])).value
        assert (value.value, value.formula) == (fact_.value, fact_.formula)


def test_every_figure_of_the_opening_can_be_followed_to_what_was_filed(nvidia: Answer) -> None:
    by_key = {fact.key: fact for fact in nvidia.facts}
    waiting = [
        fact
        for fact in nvidia.facts
        if fact.field in (*SCORES, *MULTIPLES) or fact.field.startswith(("growth(", "peer "))
    ]
    assert waiting
    while waiting:
        fact_ = waiting.pop()
        assert fact_.source or fact_.formula
        waiting += [by_key[key] for key in fact_.inputs]


def test_the_opening_sets_the_multiples_against_those_of_the_peers_that_a_question_names(nvidia: Answer) -> None:
    asked = FinancialAssistantWorkflow(db=None).query(Query(scope="peers", companies=["NVDA"], metrics=[*MULTIPLES]))
    medians = {fact.key: fact for fact in asked.facts if fact.field.startswith("peer median of ")}
    shown = {fact.key: fact for fact in nvidia.facts if fact.field.startswith("peer median of ")}
    assert shown.keys() <= medians.keys()
    assert "NVDA/peer median of pe/2026-08-21" in shown
    for key, median in shown.items():
        assert (median.value, set(median.inputs)) == (medians[key].value, set(medians[key].inputs))
    valuation = section(nvidia.content, "Valuation")
    assert f"× ({len(shown['NVDA/peer median of pe/2026-08-21'].inputs)}) |" in valuation
    assert "Against the median of its peers (n have a figure): " in valuation
    assert "same industry (Semiconductors), nearest in market value." in valuation
    assert "Broadcom" in valuation
    proof = nvidia.why("NVDA/peer median of pe/2026-08-21")
    assert "AVGO" in str(proof)


def test_peers_are_as_known_on_the_day_of_the_report_and_there_are_none_of_several_companies() -> None:
    workflow = FinancialAssistantWorkflow(db=None)
    then = workflow.run("Tell me about Nvidia as of 2024-03-01", live=False)
    assert "NVDA/peer median of pe/2024-03-01" in {fact.key for fact in then.facts}
    assert all(fact.as_of <= date(2024, 3, 1) for fact in then.facts if fact.symbol != "NVDA" and fact.as_of)
    both = workflow.query(Query(intent="document", companies=["NVDA", "AMD"]))
    assert {fact.symbol for fact in both.facts} == {"NVDA", "AMD"}


def test_what_a_score_lacks_is_said_in_a_line() -> None:
    bank = FinancialAssistantWorkflow(db=None).run("Tell me about JPMorgan", live=False)
    quality = section(bank.content, "Quality")
    assert "Piotroski F-score is not meaningful for a bank." in quality
    assert "| Piotroski" not in quality


def test_a_figure_that_a_later_filing_changed_is_named() -> None:
    was = {"first_value": Decimal(450_000_000), "first_as_of": date(2025, 2, 1), "as_of": date(2026, 2, 1)}
    facts = [fact("revenue", "500000000", as_of=date(2026, 2, 1)), fact("revenue", "400000000", 2024, **was)]
    report = compose("report", [Subject("ACME", "")], facts, [])
    assert section(report, "Restated in the last year").strip() == (
        "- Revenue of FY2024 is now USD 400.0 million, first reported as USD 450.0 million on 2025-02-01;"
        " the change was filed on 2026-02-01."
    )


def test_a_comparison_marks_the_best_of_each_row() -> None:
    table = rows(section(compose("report", *embedded("AAPL", "MSFT"), []), "Side by side"))
    assert [cell.startswith("**") for cell in table["Net margin"][:2]] == [False, True]
    assert [cell.startswith("**") for cell in table["Long-term debt to equity"][:2]] == [False, True]  # less is better
    assert not any("**" in cell for name in ("Diluted EPS", "Total assets", "Year ended") for cell in table[name])
