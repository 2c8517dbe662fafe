"""Sentences in the language of the question have no English in them; long rankings leave the rest to a table."""

from __future__ import annotations

import re
from decimal import Decimal

import pytest

from finassist import Fact, FinancialAssistantWorkflow, Query
from finassist.core.metrics import LANGUAGES
from finassist.core.query import Filter
from finassist.reporting.languages import templates

OTHERS = [language for language in LANGUAGES if language != "en"]
ENGLISH = re.compile(r"\b(the|had|was|were|of|and|from|billion|lack|companies|year|ended)\b")
SCREEN = Query(
    intent="screen", metrics=["net_margin"], scope="universe", periods=["FY2023"],
    where=[Filter(metric="net_margin", comparator=">", number=0.5)],
)  # fmt: skip
ASKED = [
    Query(metrics=["revenue"], companies=["AAPL"], periods=["FY2023"]),
    Query(metrics=["net_income", "revenue"], companies=["AAPL", "MSFT"], periods=["FY2023"]),
    Query(metrics=["revenue"], companies=["AAPL", "MSFT"], periods=["FY2023"]),
    Query(metrics=["revenue"], companies=["AAPL"], periods=["Q1 2024"]),
    Query(metrics=["price"], companies=["AAPL"], periods=["2024-03-28"]),
    Query(metrics=["revenue"], companies=["AAPL"], periods=["FY2023"], operation="growth", intent="change"),
    Query(metrics=["net_margin"], companies=["AAPL"], periods=["FY2022", "FY2023"], operation="difference"),
    Query(metrics=["revenue"], companies=["AAPL"], periods=["FY2020:FY2023"], intent="series"),
    Query(metrics=["revenue"], companies=["AAPL", "MSFT"], periods=["FY2023"], intent="compare"),
    Query(metrics=["revenue"], scope="universe", periods=["FY2023"], intent="rank", limit=3),
    Query(metrics=["net_margin"], scope="universe", periods=["FY2023"], intent="rank", order=-1, limit=10),
    Query(metrics=["revenue"], companies=["AAPL", "MSFT"], periods=["FY2023"], operation="sum"),
    Query(metrics=["net_margin"], companies=["AAPL"], periods=["FY2020:FY2023"], operation="mean"),
    Query(metrics=["net_margin"], companies=["AAPL"], periods=["FY2020:FY2023"], operation="min"),
    Query(metrics=["revenue"], companies=["AAPL"], periods=["FY2020:FY2023"], operation="cagr"),
    SCREEN,
    SCREEN.model_copy(update={"operation": "count"}),
    SCREEN.model_copy(update={"sectors": ["Information Technology"]}),
    Query(metrics=["revenue"], scope="universe", sectors=["Software"], periods=["FY2023"], intent="rank", limit=3),
    Query(metrics=["net_margin"], companies=["AAPL"], periods=["FY2019", "FY2023"]),
    Query(metrics=["research_and_development / gross_profit"], companies=["AAPL"], periods=["FY2023"]),
    Query(metrics=["pe", "ps"], companies=["AAPL"], periods=["FY2023"], intent="judge"),
]


@pytest.fixture(scope="module")
def workflow() -> FinancialAssistantWorkflow:
    return FinancialAssistantWorkflow(db=None)


@pytest.mark.parametrize("language", OTHERS)
def test_common_questions_are_answered_in_their_language(workflow: FinancialAssistantWorkflow, language: str) -> None:
    for query in ASKED:
        answer = workflow.query([query.model_copy(update={"language": language})])
        assert answer.headline, query
        assert not ENGLISH.search(answer.headline), answer.headline
        assert "FY2" not in answer.headline, answer.headline


@pytest.mark.parametrize("language", OTHERS)
def test_tables_and_gaps_are_in_the_language(workflow: FinancialAssistantWorkflow, language: str) -> None:
    query = Query(metrics=["revenue"], companies=["AAPL"], periods=["FY2020:FY2023"], language=language)
    shown = workflow.query(query).to_markdown()
    heads = templates(language)["heads"]
    assert f"| {heads['Period']} |" in shown
    assert f"\n{heads['Sources']}: (1) [SEC 10-K" in shown
    assert not re.search(r"USD|billion|Revenue|\bto\b", shown)
    absent = workflow.query(query.model_copy(update={"periods": ["FY2005"]}))
    assert "FY2014" in absent.headline
    assert absent.gaps[0].nearest == "FY2014"
    assert not ENGLISH.search(absent.headline), absent.headline


@pytest.mark.parametrize(
    ("question", "said"),
    [
        ("Wie viele Mitarbeiter hat Apple?", "Die Zahl der Beschäftigten ist nicht in den Daten"),
        ("比特币的价格是多少", "没有加密货币的价格（问的是“比特币”）"),
        ("¿Cuál fue el beneficio neto de Apple en 2005?", "Los datos empiezan en 2014 (se preguntó: «2005»)."),
    ],
)
def test_refusals_are_in_the_language(workflow: FinancialAssistantWorkflow, question: str, said: str) -> None:
    assert workflow.run(question, live=False).headline.startswith(said)


@pytest.mark.parametrize(
    ("question", "said"),
    [
        ("Welche Unternehmen hatten 2023 eine Nettomarge über 50%?", "Nettomarge über 50,0"),
        ("2023年净利率高于50%的公司有哪些?", "2023财年（截至2023-09-30至2023-12-31）净利率高于50.0%的公司有6家"),
        (
            "2023年に純利益率が50%以上の企業は?",
            "2023年度（2023-09-30から2023-12-31に終了）に純利益率が50.0%以上の企業は6社",
        ),
        ("¿Cuál fue la suma de los ingresos de Nike y Costco en 2023?", "Ingresos en el ejercicio 2023"),
        (
            "In che anno Nike ha avuto il margine lordo più alto tra 2018 e 2023?",
            "Margine lordo di Nike: valore più alto",
        ),
    ],
)
def test_sums_extremes_and_screens_are_in_the_language(
    workflow: FinancialAssistantWorkflow, question: str, said: str
) -> None:
    assert workflow.run(question).headline.startswith(said)


def test_every_language_has_every_template() -> None:
    first, *others = (set(templates(language)) for language in OTHERS)
    assert all(other == first for other in others)
    for name in ("words", "units", "heads", "refusals", "sectors"):
        first, *others = (set(templates(language)[name]) for language in OTHERS)
        assert all(other == first for other in others)


def test_numbers_are_written_as_in_the_language(workflow: FinancialAssistantWorkflow) -> None:
    query = Query(metrics=["revenue"], companies=["AAPL"], periods=["FY2023"], language="de")
    assert workflow.query([query]).headline == (
        "Umsatz von Apple im Geschäftsjahr 2023 (bis 2023-09-30): 383,28 Milliarden US-Dollar."
    )


def test_a_long_ranking_names_five_and_its_table_has_all(workflow: FinancialAssistantWorkflow) -> None:
    answer = workflow.run("Top 10 companies by revenue in FY2024")
    assert answer.headline.count("USD") == 5
    assert "5. " in answer.headline
    assert "5 more in the table" in answer.headline
    assert answer.to_markdown().count("\n| ") == 12
    assert workflow.run("Top 5 companies by revenue in FY2024").headline.count("USD") == 5


def test_what_one_figure_takes_is_short(workflow: FinancialAssistantWorkflow) -> None:
    answer = workflow.run("What was Apple's net margin in FY2023?")
    assert isinstance(answer.value, Fact)
    assert answer.value.value == pytest.approx(Decimal("0.2531"), abs=Decimal("0.0001"))
    assert len(answer.to_markdown()) <= 400
