"""Charts of cards and figures of `plot()`: what is known is drawn with its unit, and what is not is a gap."""

from __future__ import annotations

import copy
import re
import sys
from datetime import date, timedelta
from xml.etree import ElementTree

import pytest

from finassist import FinancialAssistantWorkflow, FinassistError
from finassist.core.facts import FactBook
from finassist.reporting.charts import closes, statements
from finassist.reporting.company import CompanyFigures, Subject
from finassist.reporting.html import section_html
from finassist.reporting.plot import plot

from .kernels import Kernel
from .test_html import Reader, Reply
from .test_report import fact

NASTY = "<b>$x^2$</b> & Co_"


@pytest.fixture(scope="module")
def workflow() -> FinancialAssistantWorkflow:
    return FinancialAssistantWorkflow(db=None)


@pytest.fixture(scope="module")
def both(workflow):
    return workflow.run("Compare Apple and Boeing")


def close(day: date, value: str, **more):
    when = {"period": day.isoformat(), "period_end": day, "as_of": day, "unit": "USD/share"}
    return fact(**{"field": "close", "value": value, "statement": "price", **when, **more})


def yearly(name: str, **values: str):
    return [fact(name, value, int(year[2:])) for year, value in values.items()]


def company(*facts) -> CompanyFigures:
    return CompanyFigures.of(Subject("ACME", "Acme"), FactBook(facts))


def bar_chart(figures: CompanyFigures) -> str:
    panel = statements(figures)
    return section_html(panel) if panel else ""


def price_chart(figures: CompanyFigures) -> str:
    panel = closes(figures)
    return section_html(panel) if panel else ""


# -------------------------------------------------------------------------------------- charts of a card


def test_a_year_without_figures_keeps_its_place_and_has_no_bar():
    html = bar_chart(company(*yearly("revenue", FY2021="5e9", FY2022="6e9", FY2025="8e9")))
    assert re.findall(r'data-t="(FY\d+)"', html) == ["FY2021", "FY2022", "FY2023", "FY2024", "FY2025"]
    assert html.count("<rect") == 3
    assert 'data-t="0' not in html


def test_bars_name_their_unit_and_tell_their_source_on_hover():
    html = bar_chart(company(*yearly("revenue", FY2024="5e9", FY2025="-8e9")))
    assert 'data-t="USD billions"' in html
    titles = [value for _, name, value in Reader(html).attributes if name == "title"]
    assert titles == ["Revenue FY2024: USD 5.0 billion; 10-K", "Revenue FY2025: USD -8.0 billion; 10-K"]


@pytest.mark.parametrize("facts", [[], yearly("revenue", FY2025="5e9"), [close(date(2026, 1, 30), "5")]])
def test_too_little_for_a_chart_is_no_chart(facts):
    assert bar_chart(company(*facts)) == price_chart(company(*facts)) == ""


def test_the_line_of_closes_is_broken_where_months_are_missing():
    days = [date(2025, month, 28) for month in (1, 2, 3, 7, 8, 9)]
    html = price_chart(company(*(close(day, "50") for day in days)))
    [line] = re.findall(r'd="(M[^"]+L[^"]+)"', html)
    assert line.count("M") == 2
    assert line.count("L") == 4
    assert "broken where closes are missing" in html
    assert html.count("fin-hit") == 6


def test_weekends_are_no_gaps():
    days = [day for n in range(60) if (day := date(2026, 1, 1) + timedelta(n)).weekday() < 5]
    html = price_chart(company(*(close(day, str(50 + i)) for i, day in enumerate(days))))
    assert [line.count("M") for line in re.findall(r'd="(M[^"]+L[^"]+)"', html)] == [1]


def test_the_newest_price_is_a_dot_with_its_day_and_joins_no_line():
    closes = [close(date(2025, month, 28), "50") for month in (1, 2, 3)]
    price = close(date(2026, 1, 5), "70", field="price")
    html = price_chart(company(*closes, price))
    assert "the dot is the price of 2026-01-05" in html
    assert html.count("fin-dot") == 1
    assert re.findall(r'd="(M[^"]+L[^"]+)"', html)[0].count("L") == 2


def test_a_report_shows_the_history_of_its_price_and_a_price_alone_does_not(workflow):
    assert " closes from " not in workflow.run("What is Microsoft's stock price?").to_html()
    html = workflow.run("Tell me about Microsoft").to_html()
    assert "25 closes from 2024-08-30 to 2026-08-21" in html
    assert 'data-t="USD per share"' in html
    assert "<svg" in html


def test_a_report_lists_the_source_of_its_price_chart(both):
    assert "published closing price, split-adjusted: AAPL prices of" in Reader(both.to_html()).text


# ------------------------------------------------------------------------------------------------ plot()


def test_an_answer_draws_itself_with_plotly(both):
    import plotly.graph_objects as go

    figure = both.plot()
    assert isinstance(figure, go.Figure)
    assert [axis.title.text for axis in (figure.layout.yaxis, figure.layout.yaxis2)] == ["USD billions"] * 2
    assert figure.layout.xaxis.title.text == "Fiscal year"
    [revenue, *_] = figure.data
    assert (revenue.name, list(revenue.x)[-1], revenue.y[-1]) == ("Revenue", "FY2025", 416.161)
    assert "SEC 10-K" in revenue.hovertext[-1]
    assert any("Source: SEC 10-K" in note.text for note in figure.layout.annotations)


@pytest.mark.parametrize("kind", ["price", "net_margin", "Net margin", "freeCashFlow", "revenue"])
def test_kinds(both, kind):
    unit = both.plot(kind).layout.yaxis.title.text
    assert unit == {"price": "USD per share", "net_margin": "percent", "Net margin": "percent"}.get(
        kind, "USD billions"
    )


def test_companies_share_a_panel_when_one_field_is_asked_for(both):
    figure = both.plot("net_margin")
    assert [line.name for line in figure.data] == ["Apple Inc. (AAPL)", "Boeing Co. (BA)"]
    assert figure.data[0].y[-1] == pytest.approx(26.915, abs=0.01)


def test_missing_years_and_closes_are_gaps():
    facts = yearly("revenue", FY2021="5e9", FY2023="8e9") + yearly("net_income", FY2021="1e9", FY2022="2e9")
    facts += [close(date(2025, month, 28), "50") for month in (1, 2, 7, 8)]
    reply = Reply(symbols=["ACME"], facts=facts)
    assert list(plot(reply, "revenue").data[0].y) == [5.0, None, 8.0]
    assert plot(reply, "revenue").data[0].connectgaps is False
    assert [bar.y for bar in plot(reply).data][1] == (1.0, 2.0, None)
    assert list(plot(reply, "price").data[0].y) == [50.0, 50.0, None, 50.0, 50.0]


def test_currencies_never_share_an_axis():
    facts = [*yearly("revenue", FY2024="5e9", FY2025="8e9")]
    facts += [fact("revenue", "5e9", year, symbol="OTHR", currency="EUR", unit="EUR") for year in (2024, 2025)]
    figure = plot(Reply(symbols=["ACME", "OTHR"], facts=facts), "revenue")
    assert [figure.layout.yaxis.title.text, figure.layout.yaxis2.title.text] == ["USD billions", "EUR billions"]


def test_names_are_only_text():
    facts = [*yearly("revenue", FY2024="5e9", FY2025="8e9"), fact("name", None, text=NASTY, statement="profile")]
    reply = Reply(symbols=["ACME"], facts=facts)
    assert plot(reply).layout.annotations[0].text == "&lt;b&gt;&#36;x^2&#36;&lt;/b&gt; &amp; Co_ (ACME)"


@pytest.mark.parametrize(
    ("question", "kind", "drawn"),
    [
        ("Net margin, revenue and P/E of Apple and Boeing", None, "heat"),
        ("How does Nike compare with its peers?", None, "ranges"),
        ("How does Nike compare with its peers?", "heat map", "heat"),
        ("Apple's revenue and net income over the last five years", None, "bars"),
        ("Apple's revenue over the last five years as a line chart", None, "lines"),
        ("Apple's gross margin, operating margin and net margin in FY2024", None, "steps"),
        ("Compare the share price of Apple and Microsoft since 2020", None, "rebased"),
        ("Apple's income statement", "Waterfall", "steps"),
        ("Apple's income statement", "line", "lines"),
    ],
)
def test_the_chart_suits_the_question(workflow, question, kind, drawn):
    assert {panel.kind for panel in workflow.run(question).plot(kind)._panels} == {drawn}


def test_a_waterfall_leads_from_revenue_to_net_income(workflow):
    figure = workflow.run("Apple's income statement").plot("waterfall")
    [bars, texts] = figure.data
    assert list(bars.x)[::2] == ["Revenue", "Gross profit", "Operating<br>income", "Net income"]
    assert list(bars.measure) == ["absolute", "relative"] * 3 + ["absolute"]
    for at in (1, 3, 5):
        assert bars.y[at - 1] + bars.y[at] == pytest.approx(bars.y[at + 1])
    assert list(texts.text) == ["416.2", "-221.0", "195.2", "-62.2", "133.1", "-21.0", "112.0"]
    assert "Cost of revenue FY2025: USD -221.0 billion; SEC 10-K" in bars.hovertext[1]
    assert set(texts.text) <= {*ElementTree.fromstring(shown(figure)["image/svg+xml"]).itertext()}


def test_a_heat_map_writes_figures_and_colours_ranks():
    figures = [(symbol, "revenue", value, {}) for symbol, value in (("ACME", "5e9"), ("OTHR", "8e9"))]
    figures += [(symbol, "pe", value, {"unit": "times", "currency": None})
                for symbol, value in (("MISS", "12"), ("ACME", "10"), ("OTHR", "30"))]  # fmt: skip
    facts = [fact(field, value, symbol=symbol, **more) for symbol, field, value, more in figures]
    reply = Reply(symbols=["ACME", "OTHR", "MISS"], facts=facts)
    reply.rows = [each.key for each in facts]
    figure = plot(reply, "heatmap")
    [cells] = figure.data
    rows = dict(zip(cells.y, zip(cells.z, cells.text, strict=True), strict=True))
    assert list(cells.x) == ["Revenue, USD<br>billions", "P/E"]
    assert {name: list(ranks) for name, (ranks, _) in rows.items()} == {
        "ACME": [0, 1], "OTHR": [1, 0], "MISS": [None, 0.5],
    }, "a low multiple is the better one"  # fmt: skip
    assert list(rows["MISS"][1]) == ["", "12.0×"]
    rectangles = ElementTree.fromstring(shown(figure)["image/svg+xml"]).findall(".//{*}rect")
    assert len(rectangles) == 1 + 5, "the paper and a cell for each figure"
    reply.facts = [facts[0], fact("revenue", "8e9", symbol="OTHR", currency="EUR"), *facts[2:]]
    assert {row[0] for row in plot(reply, "heatmap").data[0].z} == {0, None}, "euros and dollars have no order"


def test_themes(both):
    assert both.plot().layout.paper_bgcolor == "rgba(0,0,0,0)"
    dark = both.plot(theme="dark")
    assert dark.layout.paper_bgcolor in shown(dark)["image/svg+xml"]
    assert "prefers-color-scheme:dark" in shown(both.plot())["image/svg+xml"]
    with pytest.raises(FinassistError, match=r"no theme “pink”\. Choose one of: auto, light, dark"):
        both.plot(theme="pink")


def test_what_cannot_be_drawn_is_said_with_what_can(workflow, both):
    with pytest.raises(FinassistError, match="no figures to draw"):
        workflow.run("What is EBITDA?").plot()
    with pytest.raises(
        FinassistError, match=r"no chart “nonsense”.*: bar, line, grouped, heatmap, .*statements.*net_margin"
    ):
        both.plot("nonsense")


def test_without_plotly_it_says_which_extra_to_install(both, monkeypatch):
    monkeypatch.delitem(sys.modules, "finassist.reporting.plot")
    monkeypatch.setitem(sys.modules, "plotly.graph_objects", None)
    with pytest.raises(ImportError, match=r"package plotly\. Install it with `pip install 'finassist\[plot\]'`"):
        both.plot()


# ------------------------------------------------------------------------ the image of a figure, for exports


def shown(figure) -> dict[str, str]:
    """What a cell that ends with the figure leaves in a notebook, in a kernel that Plotly knows."""
    import plotly.io
    from IPython.core.interactiveshell import InteractiveShell

    before, plotly.io.renderers.default = plotly.io.renderers.default, "plotly_mimetype"
    try:
        bundle, _ = InteractiveShell().display_formatter.format(figure)
        return bundle
    finally:
        plotly.io.renderers.default = before


def test_a_figure_leaves_an_image_for_pages_without_plotly(both):
    bundle = shown(both.plot())
    assert set(bundle) == {"application/vnd.plotly.v1+json", "image/svg+xml", "text/plain"}
    image = ElementTree.fromstring(bundle["image/svg+xml"])
    words = [text.text for text in image.findall(".//{*}text")]
    assert {"Apple Inc. (AAPL)", "Boeing Co. (BA)", "Revenue", "Net income", "FY2025", "USD billions"} <= set(words)
    assert any(word.startswith("Source: SEC 10-K") for word in words)
    bars = sum(y is not None for bar in both.plot().data for y in bar.y)
    assert len(image.findall(".//{*}rect")) == 1 + bars + 4  # the paper, and a key of two colours a panel
    assert "http" not in bundle["image/svg+xml"].replace("http://www.w3.org/2000/svg", "")


@pytest.mark.parametrize("kind", ["price", "net_margin"])
def test_an_image_has_a_line_for_every_line_of_its_figure(both, kind):
    figure = both.plot(kind)
    image = ElementTree.fromstring(shown(figure)["image/svg+xml"])
    drawn = [path for path in image.findall(".//{*}path") if path.get("fill") == "none"]
    assert len(drawn) == len(figure.data)
    assert "nan" not in shown(figure)["image/svg+xml"]


def words_of(figure) -> str:
    return " ".join(ElementTree.fromstring(shown(figure)["image/svg+xml"]).itertext())


def test_an_edited_figure_says_that_its_image_is_older(both):
    import plotly.graph_objects as go

    figure = both.plot()
    assert "later edits" not in words_of(figure)
    figure.update_layout(title="Two companies").add_trace(go.Scatter(y=[1, 2]))
    assert "later edits are not in this image" in words_of(figure)
    assert shown(copy.deepcopy(figure))["application/vnd.plotly.v1+json"]["layout"]["title"]["text"] == "Two companies"


def test_names_in_an_image_are_only_text():
    facts = [*yearly("revenue", FY2024="5e9", FY2025="8e9"), fact("name", None, text=NASTY, statement="profile")]
    image = ElementTree.fromstring(shown(plot(Reply(symbols=["ACME"], facts=facts)))["image/svg+xml"])
    assert f"{NASTY} (ACME)" in [text.text for text in image.findall(".//{*}text")]


@pytest.mark.slow
def test_a_kernel_publishes_the_image_of_a_figure_that_is_shown(tmp_path):
    setup = (
        "from finassist import FinancialAssistantWorkflow\nimport plotly.io; plotly.io.renderers.default = 'jupyterlab'"
    )
    ask = "a = await FinancialAssistantWorkflow(db=None).arun('Compare Apple and Microsoft', live=False)"
    with Kernel(tmp_path) as kernel:
        kernel.run(f"{setup}\n{ask}")
        for code in ("a.plot()", "a.plot().show()", "display(a.plot())"):
            [bundle] = kernel.run(code).shown
            assert {"application/vnd.plotly.v1+json", "image/svg+xml"} <= set(bundle), code
            assert "text/html" not in bundle
