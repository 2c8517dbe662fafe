"""A company against its peers: who they are, where it stands, what is missing; in words and typed."""

from __future__ import annotations

import asyncio
import re
from uuid import uuid4

import numpy as np
import pandas as pd
import pytest

from finassist import EmbeddedProvider, FinancialAssistantWorkflow, FrameProvider, Query
from finassist.analysis.cube import Cube
from finassist.analysis.execute import execute
from finassist.analysis.needs import needed
from finassist.analysis.peers import OUTLIER, with_peers
from finassist.apps.cli import main
from finassist.apps.tools import tools
from finassist.core.errors import InvalidQuery
from finassist.providers.base import UniverseScope
from finassist.reporting.kinds import panels_of

from .sec_server import sec, sec_server

SUMMED = ["peer upper quartile", "peer median", "peer lower quartile", "rank among peers", "percentile among peers"]


@pytest.fixture(scope="module")
def ask() -> FinancialAssistantWorkflow:
    return FinancialAssistantWorkflow(db=None)


@pytest.fixture(scope="module")
def cube() -> Cube:
    """Everything that comparisons with peers need of all companies."""
    provider = EmbeddedProvider()
    lines, _, *others = needed(Query(scope="peers", companies=["NKE"]))
    facts = asyncio.run(provider.fetch_universe(UniverseScope(lines, *others)))
    return Cube(facts, provider.members())


def table(cube: Cube, symbol: str) -> pd.DataFrame:
    """The figures of a company and its peers, and what sums them up, by line and metric."""
    outcome = execute(with_peers(Query(scope="peers", companies=[symbol]), cube), cube)
    if outcome.shape != "peers":
        return pd.DataFrame()
    cells = [(fact.field.partition(" of ") if " of " in fact.field else (fact.symbol, "", fact.field), fact.value)
             for fact in (row.fact for row in outcome.rows)]  # fmt: skip
    return pd.DataFrame([(line, field, float(value)) for (line, _, field), value in cells]).pivot(
        index=0, columns=1, values=2
    )


def compared(answer) -> pd.DataFrame:
    return answer.result.drop(index=SUMMED, errors="ignore")


# ------------------------------------------------------------------------------------------------------- the statistics


@pytest.mark.parametrize("step", [12, pytest.param(3, marks=pytest.mark.slow)])
def test_medians_quartiles_ranks_and_percentiles_are_those_of_numpy_and_pandas(cube, step):
    checked = 0
    for symbol, member in list(cube.members.items())[::step]:
        if member.primary not in ("", symbol) or (found := table(cube, symbol)).empty:
            continue
        for metric, column in found.items():
            figures = column.drop(SUMMED, errors="ignore").dropna()
            peers = figures.drop(symbol, errors="ignore")
            if peers.empty:
                assert pd.isna(column["peer median"])
                continue
            assert column["peer median"] == pytest.approx(np.median(peers)), (symbol, metric)
            if len(peers) > 1:
                quartiles = [column["peer lower quartile"], column["peer upper quartile"]]
                assert quartiles == pytest.approx(list(peers.quantile([0.25, 0.75]))), (symbol, metric)
            if symbol in figures:
                place = figures.rank(ascending=False, method="min")[symbol]
                below = (figures.rank()[symbol] - 1) / len(peers)
                assert (column["rank among peers"], column["percentile among peers"]) == pytest.approx((place, below))
            checked += 1
    assert checked > 4000 / step


@pytest.mark.parametrize("step", [60, pytest.param(6, marks=pytest.mark.slow)])
def test_the_peers_that_are_fetched_are_those_of_all_companies(cube, ask, step):
    for symbol in [symbol for symbol, member in cube.members.items() if member.primary in ("", symbol)][::step]:
        query = Query(scope="peers", companies=[symbol], metrics=["pe"])
        assert ask.query(query).query == with_peers(query, cube)


def test_leaving_out_a_peer_changes_the_figure_of_no_other(ask):
    whole = ask.query(Query(scope="peers", companies=["AMD"]))
    for gone in whole.query.companies[1:4]:
        others = [symbol for symbol in whole.query.companies if symbol != gone]
        less = ask.query(whole.query.model_copy(update={"companies": others}))
        pd.testing.assert_frame_equal(compared(less), compared(whole).drop(index=gone)[less.result.columns])
        assert less.result.loc["peer median", "pb"] == pytest.approx(compared(less)["pb"].drop("AMD").median())


def test_a_missing_figure_is_no_zero_and_is_named(ask):
    answer = ask.query(Query(scope="peers", companies=["AMD", "INTC", "NVDA", "QCOM", "TXN"], metrics=["pe"]))
    assert "INTC" not in answer.result.index  # it made a loss
    [gap] = answer.gaps
    assert (gap.symbol, gap.need, gap.error) == ("INTC", "pe", "NotMeaningful")
    assert "for 3 of its 4 peers (rank 1 of 4, the highest first)" in answer.headline
    assert answer.result.loc["peer median", "pe"] == pytest.approx(
        answer.result.loc[["NVDA", "QCOM", "TXN"], "pe"].median()
    )


def test_outliers_are_marked_and_stay_in_the_table(ask):
    answer = ask.query(Query(scope="peers", companies=["AMD"]))
    marked = {fact.symbol for fact in answer.facts if fact.field == "pb" and OUTLIER in (fact.note or "")}
    own = compared(answer)["pb"]
    low, high = np.quantile(own.drop("AMD"), [0.25, 0.75])
    far = own[(own < low - 1.5 * (high - low)) | (own > high + 1.5 * (high - low))]
    assert marked == set(far.index)
    assert marked
    assert OUTLIER in answer.content


def test_each_summary_is_a_derived_fact_of_the_figures_it_sums_up(ask):
    answer = ask.query(Query(scope="peers", companies=["JPM"]))
    facts = {fact.key: fact for fact in answer.facts}
    summed = [fact for fact in answer.facts if fact.field.startswith("peer ")]
    assert summed
    for fact in summed:
        assert fact.status == "derived"
        assert fact.formula
        assert {facts[key].field for key in fact.inputs} == {fact.field.partition(" of ")[2]}


# ----------------------------------------------------------------------------------------------------------- the peers


@pytest.mark.parametrize("symbol", ["AMD", "JPM", "XOM", "KO"])
def test_peers_are_of_the_same_industry_and_of_near_size(ask, cube, symbol):
    answer = ask.query(Query(scope="peers", companies=[symbol], metrics=["market_cap"]))
    peers, own = answer.query.companies[1:], cube.members[symbol]
    assert 3 <= len(peers) <= 8
    assert len({cube.members[peer].primary or peer for peer in peers}) == len(peers)
    same = [peer for peer in peers if cube.members[peer].sub_industry == own.sub_industry]
    assert same == peers[: len(same)]
    away = [
        abs(np.log(answer.result.loc[peer, "market_cap"] / answer.result.loc[symbol, "market_cap"])) for peer in same
    ]
    assert away == sorted(away)


def test_how_they_were_chosen_is_said_and_not_of_others(ask):
    answer = ask.query(Query(scope="peers", companies=["AMD"]))
    assert "same industry (Semiconductors), nearest in market value" in answer.headline
    again = ask.query(answer.query)
    assert (again.headline, again.query) == (answer.headline, answer.query)
    edited = ask.query(answer.query.model_copy(update={"companies": ["AMD", "INTC", "NVDA"]}))
    assert "Peers: Intel and Nvidia." in edited.headline
    assert "nearest" not in edited.headline


def test_banks_are_compared_by_what_makes_sense_for_banks(ask):
    answer = ask.query(Query(scope="peers", companies=["JPM"]))
    assert {"pe", "pb", "dividend_yield", "roe"} <= set(answer.query.metrics)
    assert not {"ev_to_ebitda", "gross_margin"} & set(answer.query.metrics)
    assert not [gap for gap in answer.gaps if gap.error == "NotMeaningful"]


def test_a_sector_is_all_its_companies(ask, cube):
    answer = ask.run("Coca-Cola's net margin vs the sector median", live=False)
    staples = [m for m in cube.members.values() if m.sector == "Consumer Staples" and m.primary in ("", m.symbol)]
    assert f"of its {len(staples) - 1} peers" in answer.headline
    assert "all companies of Consumer Staples" in answer.headline


def test_amounts_in_other_currencies_are_not_mixed():
    rows = [("LEMON", "USD", 10, 2), ("MELON", "USD", 20, 5), ("FIG", "USD", 30, 3), ("LIME", "EUR", 40, 8)]
    frame = pd.DataFrame(rows, columns=["symbol", "currency", "revenue", "net_income"])
    provider = FrameProvider(frame.assign(year=2025, period_end="2025-12-31"))
    workflow = FinancialAssistantWorkflow(db=None, model="offline", provider=provider)
    query = Query(scope="peers", companies=["LEMON", "MELON", "FIG", "LIME"], metrics=["revenue", "net_margin"])
    answer = workflow.query(query)
    assert answer.result.loc["peer median", "revenue"] == 25
    assert answer.result.loc["peer median", "net_margin"] == pytest.approx(0.2)  # a ratio has no currency
    assert any("LIME is in EUR, not in USD" in gap.reason for gap in answer.gaps)


# ------------------------------------------------------------------------------------------------------------- in words


@pytest.mark.parametrize(
    ("question", "symbol", "metrics"),
    [
        ("peers of Nike", "NKE", []),
        ("Nike comps", "NKE", []),
        ("Who are Nike's peers?", "NKE", []),
        ("Who does Walmart compete with?", "WMT", []),
        ("Qui sont les concurrents de Walmart ?", "WMT", []),
        ("Wer sind die Konkurrenten von Nike?", "NKE", []),
        ("¿Quiénes son los competidores de Pfizer?", "PFE", []),
        ("comparable companies for Ford", "F", []),
        ("how does Nike compare with its peers?", "NKE", []),
        ("is Nike expensive against its peers?", "NKE", []),
        ("trading comps for AMD", "AMD", []),
        ("football field for Nike", "NKE", []),
        ("Nike's P/E vs peers", "NKE", ["pe"]),
        ("Coca-Cola margin against its industry", "KO", ["net_margin"]),
        ("What was Nike's revenue growth relative to its rivals?", "NKE", ["revenue_growth"]),
        ("comparables de Nike", "NKE", []),
        ("PER de Nike frente a sus competidores", "NKE", ["pe"]),
        ("Vergleichsunternehmen von Nike", "NKE", []),
        ("KGV von Nike gegenüber den Wettbewerbern", "NKE", ["pe"]),
        ("marge nette de Coca-Cola face à ses concurrents", "KO", ["net_margin"]),
        ("empresas comparáveis da Nike", "NKE", []),
        ("società comparabili di Nike", "NKE", []),
        ("耐克的可比公司", "NKE", []),
        ("苹果的市盈率与同行相比", "AAPL", ["pe"]),
        ("ナイキの同業他社", "NKE", []),
        ("Appleの営業利益率を同業他社と比較", "AAPL", ["operating_margin"]),
    ],
)
def test_words_for_peers(ask, question, symbol, metrics):
    answer = ask.run(question, live=False, session_id=uuid4().hex)
    assert (answer.query.scope, answer.query.companies[0]) == ("peers", symbol)
    assert len(answer.query.companies) > 2
    assert answer.query.metrics == metrics or (not metrics and len(answer.query.metrics) > 5)
    assert answer.headline.startswith("The peers of ") == bool(answer.query.explain)


def test_who_the_peers_are_is_said_first_and_where_the_company_stands_by_one_multiple(ask):
    answer = ask.run("Who are Nike's peers?", live=False, session_id=uuid4().hex)
    assert re.match(r"The peers of Nike: Tapestry, .* nearest in market value\. Nike's P/E was ", answer.headline)
    assert "net margin" not in answer.headline
    compared = ask.run("Compare Nike with its peers", live=False, session_id=uuid4().hex)
    assert compared.headline.startswith("Nike's P/E was ")


def test_of_peers_there_is_the_median_and_what_a_share_costs_at_it(ask):
    answer = ask.run("average P/E of Nike's competitors", live=False, session_id=uuid4().hex)
    assert answer.headline.startswith("“average”: peers are summed up by their median")
    implied = next(fact for fact in answer.facts if fact.field == "implied price at median of pe")
    assert f"At that multiple a share of Nike would cost USD {float(implied.value):.2f}" in answer.headline
    assert "peer median" in answer.result.index


def test_the_peers_are_changed_in_words(ask):
    def companies(question: str) -> list[str]:
        return ask.run(question, session_id="changed", live=False).query.companies

    first = companies("peers of Nike")
    assert companies("without Deckers") == [symbol for symbol in first if symbol != "DECK"]
    assert companies("add Walmart") == [*(symbol for symbol in first if symbol != "DECK"), "WMT"]
    assert companies("compare with Lululemon and Ralph Lauren instead") == ["NKE", "LULU", "RL"]
    answer = ask.run("and by net margin?", session_id="changed", live=False)
    assert (answer.query.companies, answer.query.metrics) == (["NKE", "LULU", "RL"], ["net_margin"])
    assert companies("and Ford?")[0] == "F"


@pytest.mark.parametrize(
    "question",
    ["Nike's revenue forecast against peers", "peers of Puma", "Nike revenue over the last five years vs peers"],
)
def test_what_cannot_be_compared_is_refused(ask, question):
    answer = ask.run(question, session_id=uuid4().hex, live=False)
    assert (answer.outcome, answer.queries) == ("refused", [])


@pytest.mark.parametrize(
    ("question", "headline"),
    [
        ("Is Pfizer more profitable than its peers?", "Pfizer's net margin was 6.8% in the twelve months"),
        (
            "which of Merck's peers has the highest net margin?",
            "Eli Lilly had, of Merck's 6 peers, the highest net margin: 33.5%",
        ),
        ("Which peer of Intel has the lowest P/E?", "Qualcomm had, of Intel's 8 peers, the lowest P/E: 18.35 times"),
        ("is Lilly growing faster than its peers?", "Eli Lilly's revenue growth was 49.6%"),
        ("What is Pfizer's rank in its industry by revenue?", "Pfizer's revenue was USD 63.70 billion"),
        ("compare Visa to its peers on growth and margin", "Visa's revenue growth was 14.4%"),
        ("Is Nike's P/E above or below the median of its peers?", "The median P/E of Nike's peers was 18.26 times"),
        ("Pfizer's net margin against the median of Merck and Viatris", "Pfizer's net margin was 6.8%"),
    ],
)
def test_the_first_sentence_is_the_answer(ask, question, headline):
    answer = ask.run(question, session_id=uuid4().hex, live=False)
    assert answer.headline.startswith(headline)
    assert answer.query.scope == "peers"
    if answer.query.order:
        peers = compared(answer)[answer.query.metrics[0]].drop(answer.query.companies[0], errors="ignore")
        assert answer.value.symbol == (peers.idxmax() if answer.query.order > 0 else peers.idxmin())


def test_fewer_peers_are_the_closest_or_those_that_are_named(ask):
    session = uuid4().hex
    first, largest, closest = (
        ask.run(question, session_id=session, live=False)
        for question in ("Who does Walmart compete with?", "only the two largest", "only the two closest")
    )
    assert "without Deckers" in largest.gaps[0].reason
    assert closest.query.companies == first.query.companies[:3]


def test_comps_of_a_quarter_are_sales_of_stores(ask):
    assert not ask.run("Walmart comps in Q3 2024", live=False, session_id=uuid4().hex).queries


# ---------------------------------------------------------------------------------------------- other doors, other data


def test_a_query_that_cannot_be_is_explained(ask):
    with pytest.raises(InvalidQuery, match="Name companies"):
        ask.query(Query(scope="peers"))
    with pytest.raises(InvalidQuery, match="one period"):
        ask.query(Query(scope="peers", companies=["NKE"], periods=["FY2023", "FY2024"]))


def test_both_forms_and_an_earlier_period(ask, run_async):
    query = Query(scope="peers", companies=["KO", "PEP", "MNST"], metrics=["net_margin", "pe"], periods=["FY2023"])
    answer = run_async(ask.aquery(query))
    assert ask.query(query).content == answer.content
    assert {fact.period for fact in answer.facts if fact.field == "net_margin"} == {"FY2023"}
    assert {str(fact.period_end)[:7] for fact in answer.facts if fact.field == "pe"} == {"2023-12"}


def test_what_needs_every_close_is_compared_with_named_peers(ask):
    assert ask.query(Query(scope="peers", companies=["NKE"], metrics=["beta"])).outcome == "refused"
    answer = ask.query(Query(scope="peers", companies=["NKE", "LULU", "RL"], metrics=["beta"]))
    alone = {symbol: ask.query(Query(companies=[symbol], metrics=["beta"])).value for symbol in ("NKE", "LULU", "RL")}
    assert dict(compared(answer)["beta"]) == pytest.approx({name: float(fact.value) for name, fact in alone.items()})


def test_from_the_terminal_and_as_a_tool(ask, capsys, tmp_path):
    place = str(tmp_path / "sessions.db")
    assert main(["query", "--peers", "NKE", "LULU", "RL", "--metric", "pe", "--markdown", "--db", place]) == 0
    assert "| Median of the peers |" in capsys.readouterr().out
    data = tools(ask).query_figures(["pe"], ["NKE"], against_peers=True)
    assert {"NKE", "LULU"} <= {figure["symbol"] for figure in data["figures"]}
    assert "peer median of pe" in {figure["metric"] for figure in data["figures"]}


# --------------------------------------------------------------------------------------------------- the football field


def implied(answer):
    found = (fact for fact in answer.facts if fact.field.startswith("implied"))
    return {fact.field.removeprefix("implied price at "): fact for fact in found}


@pytest.mark.parametrize("symbol", ["AMD", "KO", "CAT", "GOOGL", "JPM"])
def test_at_its_own_multiple_a_share_is_worth_its_price(ask, symbol):
    answer = ask.query(Query(scope="peers", companies=[symbol]))
    price = next(fact for fact in answer.facts if fact.symbol == symbol and fact.field == "price")
    facts = {fact.key: fact for fact in answer.facts}
    checked = 0
    for field, fact in implied(answer).items():
        metric = field.partition(" of ")[2]
        if not fact.known or metric not in compared(answer) or pd.isna(compared(answer).loc[symbol, metric]):
            continue
        multiple, base, *others = (facts[key].value for key in fact.inputs)
        own = next(f.value for f in answer.facts if f.symbol == symbol and f.field == metric)
        apart = (multiple - own) * base / (others[0] if others else 1)  # net debt is the same at any multiple
        assert float(fact.value - apart) == pytest.approx(float(price.value)), field
        assert (fact.status, fact.unit, fact.currency) == ("derived", "USD/share", "USD")
        checked += 1
    assert checked >= 4


def test_net_debt_is_taken_off_for_multiples_of_the_firm(ask):
    answer = ask.query(Query(scope="peers", companies=["AMD", "INTC", "AVGO", "NVDA"], metrics=["ev_to_sales"]))
    facts = {fact.key: fact for fact in answer.facts}
    made = implied(answer)["median of ev_to_sales"]
    multiple, revenue, shares, market_cap, firm = (facts[key].value for key in made.inputs)
    assert float(made.value) == pytest.approx(float((multiple * revenue - (firm - market_cap)) / shares))
    assert made.formula == "(multiple * revenue - (enterprise_value - market_cap)) / shares"


def test_a_loss_implies_nothing_and_is_left_out_by_name(ask):
    answer = ask.query(Query(scope="peers", companies=["F"]))
    assert implied(answer)["median of pe"].value is None
    assert "Not in the chart:" in answer.content
    assert "P/E (P/E is not meaningful: the company made a loss)" in answer.content
    [panel] = panels_of(answer, "football")
    assert "P/E" not in panel.places


def test_the_chart_runs_from_quartile_to_quartile_beside_the_price(ask):
    answer = ask.query(Query(scope="peers", companies=["AMD"]))
    [panel] = panels_of(answer)
    low, high, middle, price = panel.lines
    for (_, lower), (_, upper), (_, median) in zip(low.points, high.points, middle.points, strict=True):
        assert lower.value <= median.value <= upper.value
    [close] = price.known
    assert (close.symbol, close.field) == ("AMD", "price")
    html = answer.to_html()
    assert html.count("fin-low") >= len(panel.places)
    assert "fair value" not in html
    figure = answer.plot("football")
    assert list(figure.data[0].y) == list(panel.places)
    assert list(figure.data[0].base) == [panel.value(fact) for _, fact in low.points]


# ----------------------------------------------------------------------------------------------------- other providers


def test_a_source_that_cannot_list_companies_asks_for_names_of_peers():
    with sec_server() as server:
        workflow = FinancialAssistantWorkflow(db=None, provider=sec(server))
        answer = workflow.query(Query(scope="peers", companies=["AAPL"], metrics=["net_margin"]))
        assert "NotOffered" in {gap.error for gap in answer.gaps}
        assert any("Name them" in gap.reason for gap in answer.gaps)
        assert [fact.symbol for fact in answer.facts if fact.field == "net_margin"] == ["AAPL"]
        assert "Name them" in answer.headline
        named = workflow.query(Query(scope="peers", companies=["AAPL", "MSFT"], metrics=["net_margin"]))
        assert named.query.companies == ["AAPL", "MSFT"]
        assert not any(gap.error == "NotOffered" for gap in named.gaps)
