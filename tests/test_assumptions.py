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
