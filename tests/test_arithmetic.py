"""Questions that join figures in several steps: each against the arithmetic done here over single figures."""

from __future__ import annotations

import re
from decimal import Decimal

import pytest

from finassist import FinancialAssistantWorkflow, InvalidQuery, Query


@pytest.fixture(scope="module")
def workflow() -> FinancialAssistantWorkflow:
    return FinancialAssistantWorkflow(model="offline", provider="embedded", db=None)


def _figure(workflow: FinancialAssistantWorkflow, symbol: str, metric: str, period: str) -> Decimal:
    found = workflow.query(Query(metrics=[metric], companies=[symbol], periods=[period])).value
    assert found is not None
    assert found.value is not None
    return found.value


def test_several_steps_in_words(workflow: FinancialAssistantWorkflow) -> None:
    def of(symbol: str, metric: str, *periods: str) -> list[Decimal]:
        return [_figure(workflow, symbol, metric, period) for period in periods]

    income, sales = of("DE", "net_income", "FY2022", "FY2023"), of("DE", "revenue", "FY2022", "FY2023")
    capex = of("TXN", "capex", "FY2020", "FY2021", "FY2023", "FY2024")
    flow = of("MCD", "operating_cash_flow", "FY2022", "FY2023", "FY2024")
    [dividends], [buybacks] = of("MRK", "dividends_paid", "FY2024"), of("MRK", "buybacks", "FY2024")
    [turnover], assets = of("BBY", "revenue", "FY2024"), of("BBY", "total_assets", "FY2023", "FY2024")
    [research], [other], [third] = (of(each, "research_and_development", "FY2023") for each in ("REGN", "ISRG", "EW"))
    quarters = of("GILD", "net_income", "Q1 2025", "Q2 2025")
    grown = of("CMG", "growth(revenue)", "FY2024")[0] - of("CMG", "growth(net_income)", "FY2024")[0]
    [last], [year] = of("PANW", "revenue", "Q4 2025"), of("PANW", "revenue", "FY2025")
    cash = [of("AMAT", each, "FY2024")[0] for each in ("operating_cash_flow", "capex", "shares_diluted")]
    [shares], [per_share] = of("CMI", "shares_diluted", "FY2023"), of("CMI", "dividends_per_share", "FY2023")
    expected = {
        "For Deere, what is the ratio of the change in net income to the change in revenue from fiscal 2022 to fiscal "
        "2023?": (income[1] - income[0]) / (sales[1] - sales[0]),
        "By what percentage did the average capital expenditure of Texas Instruments over 2023-2024 exceed its average "
        "over 2020-2021?": (capex[2] + capex[3]) / (capex[0] + capex[1]) - 1,
        "What share of McDonald's total operating cash flow over the three years 2022 to 2024 was generated in 2024?":
            flow[2] / sum(flow),
        "What is the total amount Merck spent on dividends plus share repurchases in 2024?": dividends + buybacks,
        "Asset turnover of Best Buy for fiscal 2024: revenue divided by average total assets (fiscal 2023 and fiscal "
        "2024 year ends)?": turnover / (sum(assets) / 2),
        "By how many dollars did the 2023 R&D expense of Regeneron exceed the combined R&D expense of Intuitive "
        "Surgical and Edwards Lifesciences?": research - other - third,
        "Gilead: sum of net income for the first two quarters of 2025?": sum(quarters),
        "How many percentage points higher was revenue growth than net income growth at Chipotle in 2024?": grown,
        "What share of Palo Alto Networks' fiscal 2025 revenue fell in the fourth quarter?": last / year,
        "What proportion of Palo Alto Networks' fiscal 2025 sales fell into its fourth quarter?": last / year,
        "Best Buy's fiscal 2024 revenue as a percentage of its average total assets across fiscal 2023 and fiscal 2024":
            turnover / (sum(assets) / 2),
        "Take Best Buy's revenue for fiscal 2024 and divide it by the mean of total assets in fiscal 2023 and fiscal "
        "2024.": turnover / (sum(assets) / 2),
        "What percent of Merck's 2024 dividends was the sum of its share buybacks and dividends?":
            (dividends + buybacks) / dividends,
        "What is the difference, in percentage points, between the growth rate of revenue and the growth rate of net "
        "income for Chipotle in 2024?": grown,
        "By how many points did Chipotle's revenue growth differ from its net income growth in 2024?": grown,
        "Applied Materials FY2024: operating cash flow minus capital expenditures over diluted shares":
            (cash[0] - cash[1]) / cash[2],
        "What is the dividend total for Cummins in 2023 if the diluted shares are multiplied by the dividends per "
        "share?": shares * per_share,
        "What percent larger was Regeneron's R&D expense than Intuitive Surgical's in 2023?": research / other - 1,
    }  # fmt: skip
    for question, value in expected.items():
        answer = workflow.run(question)
        assert answer.value is not None, question
        assert answer.value.value is not None
        assert abs(answer.value.value - value) <= abs(value) * Decimal("1e-12"), (question, answer.headline)
        assert not answer.gaps, question


def test_simple_questions_are_not_taken_for_arithmetic(workflow: FinancialAssistantWorkflow) -> None:
    for question, operation in {
        "By how much did Amazon's revenue grow from 2023 to 2024?": "growth",
        "What was Apple's average revenue over 2021-2023?": "mean",
        "How many points did Nike's net margin change in FY2023?": "growth",
        "What was Apple's revenue in FY2023?": "none",
    }.items():
        assert workflow.run(question).query.operation == operation, question


def test_a_conversation_about_two_years(workflow: FinancialAssistantWorkflow) -> None:
    own = FinancialAssistantWorkflow(model="offline", provider="embedded", db=None)
    own.run("What was Lululemon's revenue in fiscal 2023?")
    own.run("and in fiscal 2021?")
    query = own.run("so what is the percentage change between the two?").query
    assert (query.operation, query.periods) == ("growth", ["FY2021", "FY2023"])
    own.run("What was the total of dividends paid by Illinois Tool Works in 2022, 2023 and 2024?")
    share = own.run("what share of that was paid in 2024?").value
    paid = [_figure(workflow, "ITW", "dividends_paid", f"FY{year}") for year in (2022, 2023, 2024)]
    assert share is not None
    assert share.value == paid[2] / sum(paid)


def test_a_conversation_computes_with_the_figures_it_showed(workflow: FinancialAssistantWorkflow) -> None:
    def of(symbol: str, metric: str, period: str) -> Decimal:
        return _figure(workflow, symbol, metric, period)

    old, new = of("SYK", "net_income", "FY2022"), of("SYK", "net_income", "FY2023")
    capex, flow = of("SHW", "capex", "FY2023"), of("SHW", "operating_cash_flow", "FY2023")
    booking, airbnb = (of(each, "growth(revenue)", "FY2023") for each in ("BKNG", "ABNB"))
    first, last = of("NSC", "price", "end 2021"), of("NSC", "price", "end 2023")
    close, eps = of("QCOM", "price", "2024-12-31"), of("QCOM", "eps_diluted", "FY2024")
    dividends, free = of("LOW", "dividends_paid", "FY2023"), of("LOW", "free_cash_flow", "FY2023")
    chevron = [of("CVX", "capex", f"FY{year}") for year in (2021, 2022, 2023)]
    repurchased, income = of("AZO", "buybacks", "FY2023"), of("AZO", "net_income", "FY2023")
    conversations = {
        ("Stryker net income 2023", "and what was it in 2022?", "the difference between the two?",
         "and how much does that represent in relation to the 2022 figure?"): (new - old) / old,
        ("capex of Sherwin-Williams in 2023", "its operating cash flow in that year?",
         "subtract the first from the second"): flow - capex,
        ("revenue of Airbnb in 2022?", "in 2023?", "what was the growth?", "and for Booking over the same span?",
         "by how many percentage points did one exceed the other?"): airbnb - booking,
        ("closing price of Norfolk Southern at the end of 2021", "and at the end of 2023?",
         "what is the percent change, then?"): last / first - 1,
        ("close of Qualcomm on 2024-12-31", "and its diluted EPS for fiscal 2024?",
         "so what is the price divided by that eps?"): close / eps,
        ("free cash flow of Lowe's in fiscal 2023", "How much of it went to dividends?"): dividends / free,
        ("Chevron capex 2021", "in 2022", "and in 2023", "what is the average of the three"): sum(chevron) / 3,
        ("AutoZone buybacks fiscal 2023", "and net income?", "express the first as a multiple of the second"):
            repurchased / income,
        ("AutoZone buybacks fiscal 2023", "and net income?", "divide that by 2"): income / 2,
    }  # fmt: skip
    for questions, value in conversations.items():
        own = FinancialAssistantWorkflow(model="offline", provider="embedded", db=None)
        for question in questions:
            answer = own.run(question)
        assert answer.value is not None, questions
        assert answer.value.value is not None
        assert abs(answer.value.value - value) <= abs(value) * Decimal("1e-12"), (questions, answer.headline)
        assert not answer.gaps, questions


def test_figures_of_other_periods_and_companies_in_a_query(workflow: FinancialAssistantWorkflow) -> None:
    answer = workflow.query(
        Query(metrics=["at(revenue, 'FY2023') - of(at(revenue, 'FY2022'), 'MSFT')"], companies=["AAPL"])
    )
    assert answer.value is not None
    apple, microsoft = _figure(workflow, "AAPL", "revenue", "FY2023"), _figure(workflow, "MSFT", "revenue", "FY2022")
    assert answer.value.value == apple - microsoft
    assert set(answer.value.inputs) == {"AAPL/revenue/FY2023", "MSFT/revenue/FY2022"}
    with pytest.raises(InvalidQuery, match="period"):
        Query(metrics=["at(revenue, 'sometime')"], companies=["AAPL"])


def test_signs_definitions_and_totals(workflow: FinancialAssistantWorkflow) -> None:
    def of(symbol: str, metric: str, *periods: str) -> list[Decimal]:
        return [_figure(workflow, symbol, metric, period) for period in periods]

    years = ("FY2020", "FY2021", "FY2022")
    income, flow = of("MCD", "net_income", *years), of("MCD", "free_cash_flow", *years)
    debt, equity = of("ABT", "long_term_debt", "FY2020", "FY2023"), of("ABT", "equity", "FY2020", "FY2023")
    [profit], [expense] = of("SHW", "gross_profit", "FY2023"), of("SHW", "selling_general_admin", "FY2023")
    [netted], [cash], assets = of("NUE", "net_income", "FY2022"), of("NUE", "operating_cash_flow", "FY2022"), of(
        "NUE", "total_assets", "FY2021", "FY2022"
    )  # fmt: skip
    earned, sales = of("HLT", "growth(operating_income)", "FY2024"), of("HLT", "growth(revenue)", "FY2024")
    margins = of("UPS", "operating_margin", "Q4 2024", "Q4 2025")
    rates = of("ISRG", "growth(revenue)", "FY2022", "FY2023", "FY2024")
    grown = of("CDNS", "growth(revenue)", "FY2024")[0] - of("GRMN", "growth(revenue)", "FY2024")[0]
    returns = of("GILD", "roa", "FY2023")[0] - of("BIIB", "roa", "FY2022")[0]
    expected = {
        "Cumulatively over 2020-2022, what percentage of McDonald's net income turned into free cash flow?":
            sum(flow, Decimal()) / sum(income, Decimal()),
        "Capitalization: long-term debt as a percentage of long-term debt plus equity. How far did Abbott's fall "
        "between 2020 and 2023, in percentage points?":
            debt[1] / (debt[1] + equity[1]) - debt[0] / (debt[0] + equity[0]),
        "Sherwin-Williams 2023: dollars of gross profit earned for each dollar of SG&A?": profit / expense,
        "Sloan accruals: (net income − cash from operations) ÷ average total assets. Nucor, 2022, in %?":
            (netted - cash) / (sum(assets, Decimal()) / 2),
        "Degree of operating leverage: %Δ operating income ÷ %Δ revenue. Evaluate it for Hilton between 2023 and "
        "2024.": earned[0] / sales[0],
        "UPS's operating margin, Q4 2025 less Q4 2024: how many percentage points?": margins[1] - margins[0],
        "What was the arithmetic mean of Intuitive Surgical's YoY revenue growth rates in 2022, 2023 and 2024?":
            sum(rates, Decimal()) / 3,
        "Revenue growth in 2024 over 2023: Cadence minus Garmin, in percentage points.": grown,
        "The quotient of Nucor's 2022 net income and the average of its total assets at the ends of 2021 and 2022":
            netted / (sum(assets, Decimal()) / 2),
        "Nucor 2022: operating cash flow minus net income over total assets": (cash - netted) / assets[1],
        "ROA here is net income over year-end total assets. Subtract Biogen's 2022 ROA from Gilead's 2023 ROA.":
            returns,
    }  # fmt: skip
    for question, value in expected.items():
        answer = workflow.run(question)
        found = answer.value.value if answer.value else None
        assert found is not None, (question, answer.headline)
        assert abs(found - value) <= abs(value) * Decimal("1e-9"), (question, answer.headline)


def test_the_change_of_a_group(workflow: FinancialAssistantWorkflow) -> None:
    one, other = (
        [_figure(workflow, symbol, "revenue", year) for year in ("FY2021", "FY2024")] for symbol in ("CSX", "NSC")
    )
    grown = 100 * ((one[1] + other[1]) / (one[0] + other[0]) - 1)
    question = "Add CSX's and Norfolk Southern's revenue together for 2021 and again for 2024. By what % did it change?"
    assert f"grew {grown:.1f}%" in workflow.run(question).headline


def test_what_joins_figures_and_is_not_read_is_refused(workflow: FinancialAssistantWorkflow) -> None:
    for question in (
        "Three-step DuPont: net margin × asset turnover × equity multiplier, all on average assets and average equity. "
        "Multiply out to get Hershey's 2023 ROE.",
        "Pool 2023 and 2024: (sum of operating cash flow − sum of capex) / sum of revenue. Is Hyatt's above Hilton's?",
        "Gross margin per dollar of total assets of Apple in FY2023",
        "Which company sold more per dollar of shelf space, Walmart or Target?",
        "Nike's ROE in FY2023 with equity averaged over the last three year-ends",
        "Visa's FY2023 free cash flow and buybacks, what was left?",
    ):
        answer = workflow.run(question)
        assert answer.value is None
        assert re.search("not understood|of different units", answer.headline + str(answer)), question


def test_brackets_joined_with_a_figure_and_one_line_to_another(workflow: FinancialAssistantWorkflow) -> None:
    def of(symbol: str, metric: str) -> Decimal:
        return _figure(workflow, symbol, metric, "FY2023")

    free, netted, worn = (of("AAPL", each) for each in ("free_cash_flow", "net_income", "depreciation_amortization"))
    cash, owed = of("AAPL", "cash_and_equivalents"), of("AAPL", "total_liabilities")
    coke, pepsi = of("KO", "revenue"), of("PEP", "revenue")
    expected = {
        "Apple free cash flow divided by (net income + depreciation) in FY2023": free / (netted + worn),
        "Apple (net income + depreciation) / free cash flow FY2023": (netted + worn) / free,
        "Cash to total liabilities for Apple FY2023": cash / owed,
        "Of the combined revenue of Coca-Cola and Pepsi in 2023, what percentage is Pepsi's?": pepsi / (coke + pepsi),
        "Of Coca-Cola and Pepsi's total revenue in 2023, what share belongs to Coca-Cola?": coke / (coke + pepsi),
        "AAPL FCF/sh 2023": free / of("AAPL", "shares_diluted"),
        "AAPL div per sh. 2023": of("AAPL", "dividends_per_share"),
        "How much did Apple eran in FY2023?": netted,
        "Add Apple's net income to its free cash flow in FY2023": netted + free,
        "Apple: FY2023 net income in excess of its free cash flow": netted - free,
        "Define my ratio: (net income - free cash flow) / total liabilities. Apple FY2023": (netted - free) / owed,
        "Define the adjusted margin as net income times 0.79 over total liabilities. Apple FY2023?": netted
        * Decimal("0.79")
        / owed,
        "How much of Apple's FY2023 net income was left after depreciation and free cash flow?": netted - worn - free,
    }
    for question, value in expected.items():
        answer = workflow.run(question)
        found = answer.value.value if answer.value else None
        assert found is not None, (question, answer.headline)
        assert abs(found - value) <= abs(value) * Decimal("1e-9"), (question, answer.headline)
