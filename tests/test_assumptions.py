"""Assumptions of a valuation: in words, in code, in a conversation, and as sliders."""

from __future__ import annotations

import asyncio

import pytest

from finassist import Answer, FinancialAssistantWorkflow, InputError, InvalidQuery, Query
from finassist.questions.parser import understand


def asked(*questions: str) -> list[Answer]:
    workflow = FinancialAssistantWorkflow(db=None)
    return [workflow.run(question) for question in questions]


@pytest.mark.parametrize(
    ("question", "assume"),
    [
        ("DCF of Apple with 5% growth and 9% WACC", {"forecast_growth": 0.05, "wacc": 0.09}),
        ("Do a DCF of Apple, assuming growth of 5 percent for 10 years and terminal growth of 2%",
         {"terminal_growth": 0.02, "forecast_growth": 0.05, "forecast_years": 10}),
        ("intrinsic value of Nike at a discount rate of 8.5% and a free cash flow margin of 12%",
         {"wacc": 0.085, "forecast_margin": 0.12}),
        ("Run a 10-year DCF for Alphabet using an exit multiple of 18x",
         {"exit_multiple": 18, "forecast_years": 10}),
        ("Coca-Cola by the Gordon growth model with 4% dividend growth and a cost of equity of 7%",
         {"cost_of_equity": 0.07, "dividend_growth": 0.04}),
        ("cost of equity of Pfizer with a beta of 1.1 and a risk-free rate of 4%",
         {"risk_free_rate": 0.04, "beta": 1.1}),
        ("DCF-Wert von Apple mit 5 % Wachstum", {"forecast_growth": 0.05}),
        ("苹果的DCF估值，增长5%，WACC 9%", {"forecast_growth": 0.05, "wacc": 0.09}),
        ("DCF of Apple at 9%", {"wacc": 0.09}),
        ("What is Apple worth if it grows 6% a year for ten years and the discount rate is 8.5%?",
         {"forecast_growth": 0.06, "wacc": 0.085, "forecast_years": 10}),
        ("DCF for Chevron: growth 2%, terminal growth 1.5%, WACC 8%, five years",
         {"terminal_growth": 0.015, "forecast_growth": 0.02, "wacc": 0.08, "forecast_years": 5}),
        ("cost of equity of Tesla with beta 2, risk free rate 4% and premium 5%",
         {"risk_free_rate": 0.04, "equity_premium": 0.05, "beta": 2}),
        ("dividend discount model for PG, growth 3 %, discount rate 7 %",
         {"cost_of_equity": 0.07, "dividend_growth": 0.03}),
        ("What is Apple worth?", {}),
        ("Apple's revenue growth and net margin in 2023", {}),
        ("Which companies had revenue growth above 20%?", {}),
    ],
)  # fmt: skip
def test_assumptions_in_words(question: str, assume: dict[str, float]) -> None:
    [query] = understand(question).queries
    assert query.assume == assume


def test_assumptions_come_first_and_say_what_was_set() -> None:
    [answer] = asked("DCF of Apple with 5% growth and 9% WACC")
    assert answer.headline.startswith("With a WACC of 9.0% (set), growth of 5.0% a year (set),")
    assert answer.value is not None
    assert answer.value.field == "dcf_value"
    by_field = {fact.field: fact for fact in answer.facts}
    assert by_field["wacc"].status == by_field["forecast_growth"].status == "assumed"
    assert by_field["forecast_margin"].status == "derived"


def test_a_follow_up_changes_one_assumption_and_keeps_the_others() -> None:
    *_, growth, wacc, other = asked(
        "DCF of Apple with 5% growth and 9% WACC", "with 8% growth instead?", "and a WACC of 10%?", "Same for Microsoft"
    )
    assert growth.query == Query(metrics=["dcf_value"], companies=["AAPL"], assume={"growth": 0.08, "wacc": 0.09})
    assert wacc.query == Query(metrics=["dcf_value"], companies=["AAPL"], assume={"growth": 0.08, "wacc": 0.1})
    assert other.query is not None
    assert (other.query.companies, other.query.assume) == (["MSFT"], {"forecast_growth": 0.08, "wacc": 0.1})


async def _assumed() -> list[Answer]:
    answer = await FinancialAssistantWorkflow(db=None).arun("DCF of Apple")
    return [await answer.aassume(growth=0.05), answer.assume(growth=0.05)]


def test_a_bare_rate_or_a_what_if_changes_one_assumption() -> None:
    _, bare, what_if, other, _, again, _, dividends = asked(
        "DCF of Apple with 5% growth and 9% WACC", "and at 8 %?", "what if Apple's growth is 3% instead?",
        "and Microsoft at 7%?", "DCF of Apple with 5% growth", "make it 6%",
        "gordon model for Johnson & Johnson at 8%", "and if dividends grow 4%?",
    )  # fmt: skip
    queries = [answer.query for answer in (bare, what_if, other, again, dividends)]
    assert [(query.companies, query.assume) for query in queries if query] == [
        (["AAPL"], {"forecast_growth": 0.05, "wacc": 0.08}),
        (["AAPL"], {"forecast_growth": 0.03, "wacc": 0.08}),
        (["MSFT"], {"forecast_growth": 0.03, "wacc": 0.07}),
        (["AAPL"], {"forecast_growth": 0.06}),
        (["JNJ"], {"cost_of_equity": 0.08, "dividend_growth": 0.04}),
    ]


@pytest.mark.parametrize(
    ("question", "metric"),
    [
        ("5-step dupont for Costco FY2024", "dupont_5"),
        ("Take Walmart's ROE apart with DuPont", "dupont"),
        ("How fast must Nvidia grow to justify its share price?", "implied_growth"),
        ("Welches Wachstum steckt im Kurs von Nvidia?", "implied_growth"),
        ("Does Intel earn its cost of capital?", "economic_spread"),
        ("is coca cola trading above its graham number?", "graham_number"),
        ("sensitivity of the Apple DCF to WACC and growth", "dcf_value"),
        ("How sensitive is Microsoft's DCF to the discount rate?", "dcf_value"),
        ("Is Coca-Cola undervalued according to a DCF?", "dcf_value"),
        ("which growth would justify Nvidia's current price?", "implied_growth"),
        ("Piotroski-Score von Apple", "piotroski"),
        ("Which companies are in Altman's distress zone?", "altman_z"),
    ],
)
def test_a_model_is_asked_for_in_everyday_words(question: str, metric: str) -> None:
    [query] = understand(question).queries
    assert query.metrics == [metric]


def test_the_parts_of_wacc_stand_in_the_sentence() -> None:
    [answer] = asked("WACC of Apple")
    assert ", from market value USD 4.51 trillion, cost of equity 9.8%, long-term debt" in answer.headline


def test_the_sentence_of_a_model_agrees_with_the_data() -> None:
    workflow = FinancialAssistantWorkflow(db=None)
    for question in (
        "Graham number of Merck for FY2024",
        "Altman Z of Boeing in FY2024",
        "Piotroski of Microsoft FY2024",
    ):
        checked = workflow.check(workflow.run(question).headline)
        assert {finding.verdict for finding in checked.findings} <= {"right", "unknown"}
        assert "right" in {finding.verdict for finding in checked.findings}


def test_assume_is_the_same_sync_and_async() -> None:
    one, two = asyncio.run(_assumed())
    assert one.headline == two.headline
    assert "growth of 5.0% a year (set)" in one.headline


def test_what_cannot_be_assumed_is_a_sentence() -> None:
    [answer, talk] = asked("DCF of Apple", "What is a DCF?")
    with pytest.raises(InvalidQuery, match="is out of range"):
        answer.assume(growth=5)
    with pytest.raises(InvalidQuery, match="named “grwth”"):
        answer.assume(grwth=0.05)
    with pytest.raises(InputError, match="no query"):
        talk.assume(growth=0.05)
    with pytest.raises(InputError, match="assumes nothing"):
        talk.what_if()
    [refused] = asked("DCF of Apple with 500% growth")
    assert "out of range" in refused.headline


async def _moved() -> tuple[str, str, str]:
    workflow = FinancialAssistantWorkflow(db=None)
    answer = await workflow.arun("DCF of Apple")
    panel = answer.what_if()
    first = panel.answer.headline
    set_to = (await panel.set(wacc=0.08)).headline
    back = (await panel.set(wacc=None)).headline
    assert len(workflow.answers()) == 1, "what a slider asks is not stored"
    return first, set_to, back


def test_sliders_answer_anew_and_store_nothing() -> None:
    first, set_to, back = asyncio.run(_moved())
    assert "a WACC of 8.0% (set)" in set_to
    assert first == back


def test_what_a_model_lacks_is_shown_with_its_last_known_figure_and_can_be_assumed() -> None:
    answer = FinancialAssistantWorkflow(db=None).query(Query(metrics=["dcf_value"], companies=["KO"]))
    assert answer.headline.endswith("Assume it: assume={'long_term_debt': 4.238e+10}, as in FY2024.")
    assumed = answer.assume(long_term_debt=4.238e10)
    assert "long-term debt of USD 42.38 billion (set)" in assumed.headline
