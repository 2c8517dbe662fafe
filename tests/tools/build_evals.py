"""Write the embedded evaluation set: questions in this project's own words, with what is right about each answer.

    python -m tests.tools.build_evals

Every right value is computed here with pandas from the embedded tables as they are stored; nothing that answers
questions (parser, executor, workflow) takes part, so that the set can find its mistakes. The result is
`finassist/evals/cases.jsonl`, in the form of Inspect AI. A new case is a row of a table below.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path

from finassist.core.cases import Case, write_cases
from tests.tools.eval_models import against, valued
from tests.tools.eval_tables import Tables, amount

TARGET = Path(__file__).resolve().parents[2] / "finassist" / "evals" / "cases.jsonl"

FCF = "operating_cash_flow - capex"

# Question, symbol, fiscal year, formula over the lines of a statement, unit. `growth:x` is the change on the year
# before, `growth3:x` that on three years before, `cagr3:x` the same a year, `sum3:x` and `mean3:x` of three years.
VALUES: dict[str, tuple[tuple[str, str, int, str, str], ...]] = {
    "single": (
        ("What was Adobe's revenue in FY2023?", "ADBE", 2023, "revenue", "USD"),
        ("How much net income did Merck report for 2024?", "MRK", 2024, "net_income", "USD"),
        ("Caterpillar operating income FY2022", "CAT", 2022, "operating_income", "USD"),
        ("What did Texas Instruments spend on research and development in 2021?", "TXN", 2021,
         "research_and_development", "USD"),
        ("Total assets of Chevron at the end of 2023", "CVX", 2023, "total_assets", "USD"),
        ("How much cash did McDonald's have at the end of FY2022?", "MCD", 2022, "cash_and_equivalents", "USD"),
        ("FedEx's capital expenditure in fiscal 2024, please", "FDX", 2024, "capex", "USD"),
        ("What was the free cash flow of Booking Holdings in 2023?", "BKNG", 2023, FCF, "USD"),
        ("Diluted earnings per share of Eli Lilly in 2023?", "LLY", 2023, "eps_diluted", "USD/share"),
        ("How large was Lockheed Martin's long-term debt in FY2024?", "LMT", 2024, "long_term_debt", "USD"),
        ("What dividends did Procter & Gamble pay in fiscal 2023?", "PG", 2023, "dividends_paid", "USD"),
        ("Income tax of UPS for 2022", "UPS", 2022, "income_tax", "USD"),
    ),
    "growth": (
        ("By how much did Adobe's revenue grow in FY2024?", "ADBE", 2024, "growth:revenue", "%"),
        ("How strongly did Lilly's net income change from 2022 to 2023, in percent?", "LLY", 2023, "growth:net_income",
         "%"),
        ("Pfizer's revenue fell by how much in 2023?", "PFE", 2023, "growth:revenue", "%"),
        ("Growth of Caterpillar's operating income in 2023", "CAT", 2023, "growth:operating_income", "%"),
        ("What was the revenue growth of Chevron in FY2022?", "CVX", 2022, "growth:revenue", "%"),
        ("How much did Booking's revenue grow between FY2021 and FY2024?", "BKNG", 2024, "growth3:revenue", "%"),
        ("Revenue CAGR of Adobe from FY2020 to FY2023", "ADBE", 2023, "cagr3:revenue", "%"),
        ("At which compound annual rate did McDonald's net income grow from 2021 to 2024?", "MCD", 2024,
         "cagr3:net_income", "%"),
        ("Change in IBM's diluted EPS in 2023 in percent", "IBM", 2023, "growth:eps_diluted", "%"),
    ),
    "ratio": (
        ("What was Adobe's net margin in FY2024?", "ADBE", 2024, "net_income / revenue", "%"),
        ("Operating margin of Texas Instruments for 2023", "TXN", 2023, "operating_income / revenue", "%"),
        ("Gross margin of Qualcomm in FY2024?", "QCOM", 2024, "gross_profit / revenue", "%"),
        ("What was the return on equity of Caterpillar in 2024?", "CAT", 2024, "net_income / equity", "%"),
        ("ROA of Procter & Gamble, fiscal 2024", "PG", 2024, "net_income / total_assets", "%"),
        ("What was the current ratio of Cisco in FY2023?", "CSCO", 2023, "current_assets / current_liabilities",
         "times"),
        ("How high was Honeywell's effective tax rate in FY2022?", "HON", 2022, "income_tax / pretax_income", "%"),
        ("Asset turnover of FedEx in FY2023", "FDX", 2023, "revenue / total_assets", "times"),
        ("FCF margin of Booking Holdings, FY2024", "BKNG", 2024, f"({FCF}) / revenue", "%"),
        ("Payout ratio of Kimberly-Clark in 2023?", "KMB", 2023, "dividends_paid / net_income", "%"),
    ),
    "arithmetic": (
        ("What part of its revenue did Merck spend on R&D in FY2022?", "MRK", 2022,
         "research_and_development / revenue", "%"),
        ("Capex of Texas Instruments as a percentage of operating cash flow in FY2023", "TXN", 2023,
         "capex / operating_cash_flow", "%"),
        ("What is Cisco's operating cash flow minus capex for FY2024?", "CSCO", 2024, FCF, "USD"),
        ("Long-term debt of General Dynamics divided by its equity in FY2023", "GD", 2023, "long_term_debt / equity",
         "times"),
        ("Adobe's net income over FY2022, FY2023 and FY2024 added up", "ADBE", 2024, "sum3:net_income", "USD"),
        ("Average R&D expense of Qualcomm from FY2022 to FY2024", "QCOM", 2024, "mean3:research_and_development",
         "USD"),
        ("By how many percentage points did Pfizer's net margin change from FY2022 to FY2023?", "PFE", 2023,
         "change:net_income / revenue", "points"),
    ),
    "language": (
        ("¿Cuál fue el margen neto de Adobe en 2023?", "ADBE", 2023, "net_income / revenue", "%"),
        ("¿Cuánto ingresó Caterpillar en ventas en 2022?", "CAT", 2022, "revenue", "USD"),
        ("Wie hoch war der Umsatz von Merck im Jahr 2023?", "MRK", 2023, "revenue", "USD"),
        ("Eigenkapitalrendite von Caterpillar im Geschäftsjahr 2023", "CAT", 2023, "net_income / equity", "%"),
        ("Quel était le bénéfice net de McDonald's en 2023 ?", "MCD", 2023, "net_income", "USD"),
        ("Chiffre d'affaires de Pfizer en 2022", "PFE", 2022, "revenue", "USD"),
        ("Qual foi o lucro líquido da Chevron em 2022?", "CVX", 2022, "net_income", "USD"),
        ("Qual è stato il fatturato di Booking Holdings nel 2024?", "BKNG", 2024, "revenue", "USD"),
        ("Pfizer 2021年的营业收入是多少？", "PFE", 2021, "revenue", "USD"),
        ("IBMの2023年の純利益はいくらですか？", "IBM", 2023, "net_income", "USD"),
    ),
    "typo": (
        ("adobee revenu fy2022", "ADBE", 2022, "revenue", "USD"),
        ("waht was pfizers net incom in 2022", "PFE", 2022, "net_income", "USD"),
        ("texas instrumants gross margn 2023", "TXN", 2023, "gross_profit / revenue", "%"),
        ("mcdonalds operatng income 2021?", "MCD", 2021, "operating_income", "USD"),
        ("lockhead martin total asets 2023", "LMT", 2023, "total_assets", "USD"),
        ("hwo much did chevorn spend on capex in 2024", "CVX", 2024, "capex", "USD"),
        ("qualcom R&D expence FY2023", "QCOM", 2023, "research_and_development", "USD"),
    ),
}  # fmt: skip

# Question, symbol, year, quarter, line.
QUARTERS = (
    ("What was Adobe's revenue in Q2 of fiscal 2024?", "ADBE", 2024, "Q2", "revenue"),
    ("Net income of Merck in the third quarter of 2024", "MRK", 2024, "Q3", "net_income"),
    ("Caterpillar Q4 2023 revenue", "CAT", 2023, "Q4", "revenue"),
    ("How much net income had Pfizer in Q1 2023?", "PFE", 2023, "Q1", "net_income"),
    ("IBM revenue, 2Q24", "IBM", 2024, "Q2", "revenue"),
    ("What did Lilly earn in Q4 2024?", "LLY", 2024, "Q4", "net_income"),
    ("Operating cash flow of Chevron in Q3 2023", "CVX", 2023, "Q3", "operating_cash_flow"),
    ("FedEx revenue in fiscal Q3 2024", "FDX", 2024, "Q3", "revenue"),
)  # fmt: skip
TRAILING = (
    ("Adobe's revenue over the last twelve months", "ADBE", "revenue"),
    ("TTM net income of Caterpillar?", "CAT", "net_income"),
    ("What is Merck's trailing twelve months revenue?", "MRK", "revenue"),
    ("Chevron: operating cash flow, LTM", "CVX", "operating_cash_flow"),
    ("Booking Holdings TTM operating income", "BKNG", "operating_income"),
    ("IBM's net income in the trailing twelve months", "IBM", "net_income"),
)  # fmt: skip

# Question, symbols, year, formula, whether the largest comes first; the first one alone has to be named first.
COMPARISONS = (
    ("Which had the higher net margin in FY2024, Adobe or Oracle?", "ADBE ORCL", 2024, "net_income / revenue", True),
    ("Did Merck or Pfizer have more revenue in 2023?", "MRK PFE", 2023, "revenue", True),
    ("UPS or FedEx: whose operating margin was lower in FY2023?", "UPS FDX", 2023, "operating_income / revenue",
     False),
    ("Compare the return on assets of Chevron and ConocoPhillips in 2023: who was better?", "CVX COP", 2023,
     "net_income / total_assets", True),
    ("Who spent more on R&D in FY2024, IBM or Cisco?", "IBM CSCO", 2024, "research_and_development", True),
    ("Between McDonald's and Starbucks, which had the higher net income in FY2023?", "MCD SBUX",
     2023, "net_income", True),
    ("Is Lowe's revenue in FY2023 higher than Target's?", "LOW TGT", 2023, "revenue", True),
    ("Which company had less long-term debt in FY2024: General Dynamics or Lockheed Martin?", "GD LMT", 2024,
     "long_term_debt", False),
)  # fmt: skip
RANKINGS = (
    ("Rank Merck, Pfizer and Lilly by revenue in FY2024", "MRK PFE LLY", 2024, "revenue", True),
    ("Sort Adobe, Oracle, Qualcomm and Cisco by operating margin in FY2023, best first", "ADBE ORCL QCOM CSCO", 2023,
     "operating_income / revenue", True),
    ("Order Chevron, ConocoPhillips and Exxon by net income in 2022, smallest first", "CVX COP XOM", 2022,
     "net_income", False),
    ("Lockheed Martin, RTX, Northrop Grumman, General Dynamics: ranking by total assets, FY2023", "LMT RTX NOC GD",
     2023, "total_assets", True),
    ("Rank Colgate-Palmolive, Kimberly-Clark and Procter & Gamble by net margin in FY2023", "CL KMB PG", 2023,
     "net_income / revenue", True),
)  # fmt: skip

# Question, sector, year, formula, how many, whether the largest comes first.
TOPS = (
    ("Which three energy companies had the highest revenue in FY2023?", "Energy", 2023, "revenue", 3, True),
    ("Top 5 health care companies by net income in FY2024", "Health Care", 2024, "net_income", 5, True),
    ("Which company had the largest operating cash flow in FY2023?", "", 2023, "operating_cash_flow", 1, True),
    ("The three companies with the lowest net income in FY2022", "", 2022, "net_income", 3, False),
)  # fmt: skip

# Question, sector, year, formula, condition on it as pandas reads it.
SCREENS = (
    ("Which energy companies had a net margin above 20% in FY2023?", "Energy", 2023, "net_income / revenue", "> 0.2"),
    ("Consumer staples companies with revenue over 100 billion dollars in FY2024", "Consumer Staples", 2024, "revenue",
     "> 100e9"),
    ("List the utilities with a net margin of more than 25% in FY2023", "Utilities", 2023, "net_income / revenue",
     "> 0.25"),
    ("Companies with net income above 50 billion in FY2024", "", 2024, "net_income", "> 50e9"),
    ("Which materials companies lost money in FY2024?", "Materials", 2024, "net_income", "< 0"),
    ("Health care companies that spent more than 10 billion dollars on R&D in FY2023", "Health Care",
     2023, "research_and_development", "> 10e9"),
)  # fmt: skip

# Question, symbols (or a sector), year, formula, how they are put together, unit.
AGGREGATES = (
    ("What was the combined revenue of Merck and Pfizer in FY2024?", "MRK PFE", 2024, "revenue", "sum", "USD"),
    ("Total net income of Chevron, Exxon and ConocoPhillips in 2023", "CVX XOM COP", 2023, "net_income", "sum", "USD"),
    ("Average net margin of Adobe, Oracle and IBM in FY2023", "ADBE ORCL IBM", 2023, "net_income / revenue", "mean",
     "%"),
    ("How much more revenue than Pfizer did Merck make in FY2024?", "MRK PFE", 2024, "revenue", "difference", "USD"),
    ("Difference between the operating margins of Texas Instruments and Qualcomm in FY2023, in percentage points",
     "TXN QCOM", 2023, "operating_income / revenue", "difference", "points"),
    ("Walmart's revenue was how many times Target's in FY2023?", "WMT TGT", 2023, "revenue", "times", "times"),
    ("Median operating margin of the energy companies in FY2023", "Energy", 2023, "operating_income / revenue",
     "median", "%"),
    ("How many utilities had revenue above 20 billion in FY2024?", "Utilities", 2024, "revenue > 20e9", "sum", ""),
)  # fmt: skip

# Question, symbol or index, day; with a second day the change from the first to the second.
PRICES = (
    ("What was Adobe's closing price on 15 March 2024?", "ADBE", "2024-03-15", ""),
    ("Merck share price on 2023-06-30", "MRK", "2023-06-30", ""),
    ("What did a Caterpillar share cost at the close on December 29, 2023?", "CAT", "2023-12-29", ""),
    ("How much was Lilly trading at on 3 January 2024?", "LLY", "2024-01-03", ""),
    ("What is Chevron's stock price?", "CVX", "last", ""),
    ("By how much did IBM's share price change from 2023-01-03 to 2023-12-29?", "IBM", "2023-01-03", "2023-12-29"),
    ("How did Pfizer's stock do between 30 June 2022 and 30 June 2023?", "PFE", "2022-06-30", "2023-06-30"),
    ("Closing level of the S&P 500 on 28 June 2024", "S&P 500", "2024-06-28", ""),
)  # fmt: skip

# Question, words that an explanation has; then, where it also asks for a figure: symbol, year, formula, unit.
DEFINITIONS: tuple[tuple[str, str, str, int, str, str], ...] = (
    ("What does EBITDA mean?", "depreciation; amortization", "", 0, "", ""),
    ("Explain the current ratio to me", "current assets; current liabilities", "", 0, "", ""),
    ("What is free cash flow?", "operating cash flow; capital", "", 0, "", ""),
    ("How is return on equity defined?", "net income; equity", "", 0, "", ""),
    ("What is a gross margin, and what was Qualcomm's in FY2023?", "gross profit; revenue", "QCOM", 2023,
     "gross_profit / revenue", "%"),
    ("Explain net margin with Merck's for FY2024", "net income; revenue", "MRK", 2024, "net_income / revenue", "%"),
)  # fmt: skip

# The turns of a conversation: question, symbol, year, formula, unit.
CONVERSATIONS: tuple[tuple[tuple[str, str, int, str, str], ...], ...] = (
    (
        ("What was Adobe's revenue in FY2024?", "ADBE", 2024, "revenue", "USD"),
        ("And the year before?", "ADBE", 2023, "revenue", "USD"),
        ("What about Oracle?", "ORCL", 2023, "revenue", "USD"),
        ("And its net margin?", "ORCL", 2023, "net_income / revenue", "%"),
    ),
    (
        ("Merck net income 2023", "MRK", 2023, "net_income", "USD"),
        ("in 2022", "MRK", 2022, "net_income", "USD"),
        ("Same for Pfizer", "PFE", 2022, "net_income", "USD"),
    ),
    (
        ("Gross margin of Texas Instruments in FY2022?", "TXN", 2022, "gross_profit / revenue", "%"),
        ("How about Qualcomm?", "QCOM", 2022, "gross_profit / revenue", "%"),
        ("and R&D?", "QCOM", 2022, "research_and_development", "USD"),
    ),
    (
        ("How much did Caterpillar's revenue grow in 2022?", "CAT", 2022, "growth:revenue", "%"),
        ("And in 2023?", "CAT", 2023, "growth:revenue", "%"),
        ("Its total assets then?", "CAT", 2023, "total_assets", "USD"),
    ),
)  # fmt: skip

# Question, words that the reason has.
REFUSALS = (
    ("What was Adobe's revenue in 1998?", "1998"),
    ("Merck's net income in 2031", "2031"),
    ("What was Toyota's revenue in 2023?", "embedded"),
    ("How many employees does Caterpillar have?", "employees"),
    ("What will Pfizer's revenue be next year?", ""),
    ("Revenue of Adobe's Creative Cloud segment in FY2023", "segment"),
    ("How much of Chevron's revenue came from Europe in 2023?", ""),
    ("What is SpaceX's net income?", ""),
    ("Closing price of Merck on 12 May 1997", "1997"),
    ("Who is the chief executive of IBM?", ""),
    ("What is the inventory of JPMorgan in FY2024?", "inventory"),
    ("How many barrels did ConocoPhillips produce in 2023?", ""),
)  # fmt: skip


# ------------------------------------------------------------------------------------------------- the cases


def build() -> list[Case]:
    """Every case, with its id."""
    tables = Tables()
    parts = (figures, quarters, compared, topped, screened, aggregated, priced, defined, talked, valued, against)
    found = [case for part in parts for case in part(tables)]
    found += [Case(question, right="refused", words=words, kind="refusal") for question, words in REFUSALS]
    counts: dict[str, int] = {}
    made: list[Case] = []
    for case in found:
        counts[case.kind] = counts.get(case.kind, 0) + 1
        made.append(replace(case, id=f"{case.kind}-{counts[case.kind]:02}"))
    return made


def figures(tables: Tables) -> Iterator[Case]:
    for kind, rows in VALUES.items():
        for row in rows:
            yield figure(tables, kind, *row)


def figure(tables: Tables, kind: str, question: str, symbol: str, year: int, formula: str, unit: str) -> Case:
    right = amount(tables.of(year, formula)[symbol], unit)
    return Case(question, right=right, companies=symbol, period=f"FY{year}", kind=kind)


def quarters(tables: Tables) -> Iterator[Case]:
    for question, symbol, year, part, line in QUARTERS:
        value = tables.quarters.loc[(symbol, line, year, part), "value"]
        yield Case(question, right=amount(value, "USD"), companies=symbol, period=f"{part} {year}", kind="quarter")
    for question, symbol, line in TRAILING:
        last = tables.quarters.loc[(symbol, line)].sort_values("period_end")["value"].tail(4)
        yield Case(question, right=amount(last.sum(), "USD"), companies=symbol, period="TTM", kind="ttm")


def compared(tables: Tables) -> Iterator[Case]:
    for kind, rows in (("comparison", COMPARISONS), ("ranking", RANKINGS)):
        for question, symbols, year, formula, largest in rows:
            order = list(tables.some(symbols, year, formula).sort_values(ascending=not largest).index)
            shown = order if kind == "ranking" else order[:1]
            yield Case(question, order=" ".join(shown), companies=symbols, period=f"FY{year}", kind=kind)


def topped(tables: Tables) -> Iterator[Case]:
    for question, sector, year, formula, count, largest in TOPS:
        order = tables.some(sector, year, formula).sort_values(ascending=not largest).index[:count]
        yield Case(question, order=" ".join(order), period=f"FY{year}", kind="ranking")


def screened(tables: Tables) -> Iterator[Case]:
    for question, sector, year, formula, condition in SCREENS:
        values = tables.some(sector, year, formula)
        found = values[values.to_frame("x").eval(f"x {condition}")].sort_values(ascending="<" in condition).index
        yield Case(question, companies=" ".join(found), period=f"FY{year}", kind="screening")


def aggregated(tables: Tables) -> Iterator[Case]:
    for question, among, year, formula, how, unit in AGGREGATES:
        values = tables.some(among, year, formula)
        match how:
            case "difference":
                value = values.iloc[0] - values.iloc[1]
            case "times":
                value = values.iloc[0] / values.iloc[1]
            case _:
                value = getattr(values, how)()
        named = among if among.isupper() else ""
        yield Case(question, right=amount(value, unit), companies=named, period=f"FY{year}", kind="aggregate")


def priced(tables: Tables) -> Iterator[Case]:
    index = tables.provider.to_frame("index")
    for question, symbol, day, end in PRICES:
        if symbol not in tables.closes:
            level = index[(index["series"] == symbol) & (index["date"].astype(str) == day)]["value"].item()
            yield Case(question, right=f"{level:.2f}", period=day, kind="price")
            continue
        closes = tables.closes[symbol].dropna()
        day = closes.index[-1] if day == "last" else day
        if end:
            change = amount(closes[end] / closes[day] - 1, "%")
            yield Case(question, right=change, companies=symbol, kind="price")
        else:
            yield Case(question, right=f"{closes[day]:.2f} USD", companies=symbol, period=day, kind="price")


def defined(tables: Tables) -> Iterator[Case]:
    for question, words, symbol, year, formula, unit in DEFINITIONS:
        right = amount(tables.of(year, formula)[symbol], unit) if symbol else ""
        yield Case(question, right=right, words=words, companies=symbol, kind="definition")


def talked(tables: Tables) -> Iterator[Case]:
    for number, turns in enumerate(CONVERSATIONS, 1):
        for turn in turns:
            yield replace(figure(tables, "follow-up", *turn), session=f"talk-{number}")


def main(cases: Iterable[Case]) -> None:
    write_cases(cases, TARGET)


if __name__ == "__main__":
    main(build())
