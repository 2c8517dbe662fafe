"""Why a figure is what it is: every node of a proof checks, and a changed figure is found out."""

from __future__ import annotations

import copy
import json
import random
import re
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec import structs

from finassist import Answer, EmbeddedProvider, FinancialAssistantWorkflow, InputError, Query
from finassist.core.facts import Fact
from finassist.core.formulas import arithmetic, as_code, computed
from finassist.core.metrics import catalogue
from finassist.reporting.proof import prove

from .payloads import PAYLOADS, reply
from .test_html import Reader

WORKFLOW = FinancialAssistantWorkflow(db=None)
SYMBOLS = sorted(each.symbol for each in EmbeddedProvider().universe())
OWN = ["growth(revenue)", "growth(net_margin)", "net_income / avg(equity)", "(revenue - prev(revenue)) / revenue",
       "net_income - of(net_income, 'MSFT')", "at(revenue, 'FY2022') - at(revenue, 'FY2020')",
       "growth(revenue) + free_cash_flow / revenue", "prev(revenue) + revenue + avg(revenue)", "price"]  # fmt: skip
PERIODS = ["FY2023", "latest", "TTM", "Q3 2024", "H1 2024", "FY2020:FY2024", "last 4 quarters", "2025-06-30", "9M 2024"]
OPERATIONS = ["none", "growth", "cagr", "difference", "sum", "mean", "median", "max", "times", "range", "share",
              "sequential", "count", "high", "low", "best month"]  # fmt: skip
QUERIES = st.builds(
    lambda metric, companies, period, operation, stake: Query(
        metrics=[metric], companies=companies, periods=period, operation=operation,
        stake=stake if metric in ("price", "total_return") else "",
    ),
    st.sampled_from([*catalogue(), *OWN * 5]),
    st.lists(st.sampled_from(SYMBOLS), min_size=1, max_size=3, unique=True),
    st.sampled_from([[], *([each] for each in PERIODS)]),
    st.sampled_from(OPERATIONS),
    st.sampled_from(["", "1000 USD", "10 shares"]),
)  # fmt: skip
UNCHECKED = ("closes", "daily returns", "that fulfil it", "days", "count", "dcf_value at", "dcf_value is")
"""What rests on more than the inputs of a figure."""


def changed(answer: Answer, key: str) -> Answer:
    """The answer with one figure that is another."""
    other = copy.copy(answer)
    other.facts = [
        structs.replace(fact, value=(fact.value or Decimal()) * Decimal("1.01") + 1) if fact.key == key else fact
        for fact in answer.facts
    ]
    return other


@given(QUERIES, st.randoms())
@settings(max_examples=80, deadline=None)
def test_every_figure_checks_and_a_changed_one_is_found_out(query: Query, pick: random.Random) -> None:
    answer = WORKFLOW.query(query)
    if not answer.rows:
        return
    proof = answer.why()
    for step in proof.steps():
        assert step.state in ("right", "given", "assumed", "absent") or any(
            word in str(step.said) for word in UNCHECKED
        ), step
        assert step.fact.inputs == () or step.inputs or step.again
    checked = [step for step in proof.steps() if step.state == "right" and not step.again]
    for step in pick.sample(checked, min(3, len(checked))):
        key = pick.choice([each.fact.key for each in step.inputs])
        found = {each.fact.key: each.state for each in changed(answer, key).why().steps()}
        flat = re.search(r"median|passed\(|within\(", step.fact.formula or "")
        flat = flat or any(each.fact.value == 0 for each in step.inputs)
        flat = flat or len({*step.fact.inputs}) == 1  # the range of one period is x - x
        assert flat or found[step.fact.key] == "wrong", (step, key)


@pytest.mark.parametrize("symbol", ["AAPL", "JPM", "GE", "NVDA"])
@pytest.mark.parametrize("question", ["Full report on {}", "Show the income statement of {}"])
def test_every_figure_of_a_document_checks(symbol: str, question: str) -> None:
    answer = WORKFLOW.run(question.format(symbol))
    derived = [fact for fact in answer.facts if fact.status == "derived" and fact.known]
    assert derived
    for fact in derived:
        assert {step.state for step in answer.why(fact.key).steps()} <= {"right", "given"}, fact.key


def test_a_comparison_with_peers_checks() -> None:
    answer = WORKFLOW.run("Compare Nike with its peers")
    steps = [step for fact in answer.facts if fact.status == "derived" for step in answer.why(fact.key).steps()]
    assert {step.state for step in steps if "not in the answer" not in str(step.said)} <= {"right", "given", "absent"}
    assert any(step.fact.formula == "multiple * eps_diluted" and step.state == "right" for step in steps)


def test_a_mean_over_all_companies_has_its_whole_tree() -> None:
    answer = WORKFLOW.run("What was the average net margin of all companies in FY2023?")
    proof = answer.why()
    assert proof.holds
    assert proof.roots[0].state == "right"
    assert len(proof.roots[0].inputs) > 300
    assert {step.state for step in proof.steps()} == {"right", "given"}


def test_the_text_goes_down_to_the_filing() -> None:
    text = str(WORKFLOW.run("What was Apple's net margin in FY2023?").why())
    assert text.splitlines()[:4] == [
        "Net margin of AAPL, FY2023: 25.3% ✓",
        "│  = net income / revenue",
        "│  = 96,995,000,000 / 383,285,000,000",
        "├─ Net income of AAPL, FY2023: 96,995,000,000 USD •",
    ]
    assert "SEC 10-K" in text
    assert "accession 0000320193-" in text
    assert "NetIncomeLoss" in text
    assert "https://www.sec.gov/Archives/edgar/data/320193/0000320193-" in text


def test_a_wrong_figure_says_how_far_it_is_off() -> None:
    answer = WORKFLOW.run("What was Apple's net margin in FY2023?")
    proof = changed(answer, "AAPL/revenue/FY2023").why()
    assert not proof.holds
    assert proof.roots[0].mark == "✗"
    assert "not 0.25306234" in proof.roots[0].said[-1]


def test_a_stored_answer_proves_the_same(stored_workflow: FinancialAssistantWorkflow) -> None:
    for question in ("What was Apple's ROIC in FY2023?", "EV/EBITDA of Apple", "Average ROE of Apple and Nike in 2022"):
        fresh = stored_workflow.run(question).why()
        assert stored_workflow.answers()[-1].why().to_dict() == fresh.to_dict()
        assert json.loads(json.dumps(fresh.to_dict()))["holds"] is True


def test_a_figure_is_named_by_key_or_field() -> None:
    report = WORKFLOW.run("Full report on Apple")
    assert report.why("net_margin").roots[0].fact.period == report.why("AAPL/net_margin/FY2025").roots[0].fact.period
    with pytest.raises(InputError, match=r"Name one, such as why\('net_margin'\)"):
        report.why()
    with pytest.raises(InputError, match="Did you mean net_margin"):
        report.why("net_margn")
    compared = WORKFLOW.run("Compare the net margin of Apple and Microsoft in FY2023")
    assert [root.fact.symbol for root in compared.why("net_margin").roots] == ["MSFT", "AAPL"]


@pytest.mark.parametrize("payload", [text for group in PAYLOADS.values() for text in group])
def test_nothing_in_a_proof_executes(payload: str) -> None:
    answer = reply(payload, "report")
    page = "".join(prove(answer, fact.key, {})._repr_mimebundle_()["text/html"] for fact in answer.facts)
    found = Reader(page)
    assert found.tags <= {"article", "div", "style", "details", "summary", "span", "b", "p", "a", "footer"}
    assert not any(name.startswith("on") for _, name, _ in found.attributes)


def _fact(field: str, value: str, period: str = "FY2025", symbol: str = "A") -> Fact:
    return Fact(symbol=symbol, field=field, value=Decimal(value), period=period, statement="income")


@pytest.mark.parametrize(
    ("formula", "inputs", "value", "code"),
    [
        ("net_income / avg(equity)", ["net_income 6", "equity 2 FY2024", "equity 4"], "2", "6 / ((2 + 4) / 2)"),
        ("revenue / prior-year revenue - 1", ["revenue 6", "revenue 4 FY2024"], "0.5", "6 / 4 - 1"),
        ("growth(revenue) + capex / revenue", ["revenue 4 FY2024", "revenue 6", "capex 3", "revenue 6"], "1",
         "6 / 4 - 1 + 3 / 6"),
        ("FY2024 + Q1 2025 - Q1 2024", ["eps 4 FY2024", "eps 2 Q1_2025", "eps 1 Q1_2024"], "5", "4 + 2 - 1"),
        ("median of 3 figures", ["a 4", "b 2", "c 9"], "4", "median([4, 2, 9])"),
        ("A/a/FY2025 / sum", ["a 1", "b 3"], "0.25", "1 / (1 + 3)"),
        ("(A/b/FY2025 / A/a/FY2025) ^ (1 / 2) - 1", ["a 4", "b 9"], "0.5",
         '(9 / 4) ** (Decimal("1") / Decimal("2")) - 1'),
        ("cagr3(a) + mean5(b)", ["a 8", "a 1 FY2022", *(f"b {n} FY202{n}" for n in range(1, 6))], "4",
         '(8 / 1) ** (Decimal("1") / Decimal("3")) - 1 + (1 + 2 + 3 + 4 + 5) / 5'),
        ("within(a - b, -0.1, 0.2)", ["a 3", "b 1"], "0.2", 'min(max(3 - 1, Decimal("-0.1")), Decimal("0.2"))'),
        ("passed(a) + sqrt(b)", ["a 3", "b 9"], "4", 'Decimal(3 > 0) + 9 ** Decimal("0.5")'),
        ("upper quartile by linear interpolation of 4 peers", ["a 4", "b 1", "c 2", "d 8"], "5",
         "quantiles([4, 1, 2, 8], n=4, method='inclusive')[2]"),
        ("place of 3, the highest first", ["a 4", "b 9", "c 2"], "2",
         "Decimal(1 + sum(each > 4 for each in [4, 9, 2]))"),
        ("share of 2 peers below it, equal ones by half", ["a 4", "b 4", "c 2"], "0.75",
         "sum((each < 4) + Decimal(each == 4) / 2 for each in [4, 2]) / 2"),
        ("multiple * equity / shares", ["median_pb 2", "equity 6", "cover_shares 3", "price 9"], "4", "2 * 6 / 3"),
        ("price / trailing_eps", ["price 8", "eps_diluted 2"], "4", "8 / 2"),
        ("growth(net_margin)", ["net_margin 0.2 FY2024", "net_margin 0.3"], "0.1", "0.3 - 0.2"),
        ("stdev of 250 daily returns", [], None, ""),
        ("__import__('os').system('true')", ["a 1"], None, ""),
        ("a ** 9 ** 9 ** 9 ** 9", ["a 9"], None, ""),
        ("(" * 3000, ["a 1"], None, ""),
        ("a / missing", ["a 1"], None, ""),
    ],
)  # fmt: skip
def test_formulas_of_facts_are_arithmetic(formula: str, inputs: list[str], value: str | None, code: str) -> None:
    facts = [_fact(*(part.replace("_", " ") if part[:1] == "Q" else part for part in each.split())) for each in inputs]
    found = arithmetic(formula, facts)
    values = {fact.key: fact.value or Decimal() for fact in facts}
    assert (computed(found, values) if found else None) == (Decimal(value) if value else None)
    if value and found:
        assert as_code(found, lambda key: str(values[key])) == code


@pytest.mark.parametrize(
    "words",
    ["Why is that?", "how was that computed?", "show your work", "Where does that number come from?",
     "How did you calculate that?", "why?", "And how is that figure derived?"],
)  # fmt: skip
def test_a_follow_up_asks_for_the_proof(words: str) -> None:
    workflow = FinancialAssistantWorkflow(db=None)
    first = workflow.run("What was the average net margin of Apple and Nike in FY2023?")
    answer = workflow.run(words)
    assert answer.headline == first.headline
    assert str(first.why()) in str(answer.content)
    assert "<details open><summary>" in answer.to_html()
    assert "├─" not in str(workflow.run("and in FY2022?").content)


@pytest.mark.parametrize("question", ["Why is Apple's ROE so high?", "Why did Intel's revenue fall?", "Why?"])
def test_a_why_of_its_own_is_no_follow_up(question: str) -> None:
    assert "├─" not in str(FinancialAssistantWorkflow(db=None).run(question).content)


def test_a_query_asks_for_the_proof() -> None:
    query = Query(metrics=["net_margin"], companies=["AAPL"], periods=["FY2023"], proof=True)
    answer = WORKFLOW.query(query)
    assert str(answer.why()) in str(answer.content)
