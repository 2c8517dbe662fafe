"""Evaluations: the embedded set, cases of your own, grades that a wrong answer does not get, and comparisons."""

from __future__ import annotations

import json
import os
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pandas as pd
import pytest

import finassist
from finassist import (
    Case,
    Evaluation,
    FinancialAssistantWorkflow,
    FrameProvider,
    InputError,
    read_cases,
    write_cases,
)
from finassist.__main__ import main
from finassist.evals import grade
from finassist.evals.evaluation import Graded, mcnemar
from finassist.reporting.markdown import Checked
from tests.model_server import ModelServer
from tests.tools import build_evals

MARGIN = Case("What was Apple's net margin in FY2023?", right="25.3%", companies="AAPL", period="FY2023", id="margin")
BOTH = Case(
    "Which had the higher net margin in FY2024, Adobe or Oracle?", order="ADBE", companies="ADBE ORCL", id="two"
)
NONE = Case("How many employees does Apple have?", right="refused", words="employees", id="none")


@pytest.fixture(scope="module")
def embedded() -> Evaluation:
    return finassist.evaluate(FinancialAssistantWorkflow(model="offline", provider="embedded", db=None))


# ----------------------------------------------------------------------------------------- the embedded set


def test_the_embedded_set_passes_offline(embedded: Evaluation) -> None:
    assert embedded.share >= 0.92, str(embedded)
    table = embedded.table.set_index("kind")
    assert table.loc["all", "n_cases"] == len(embedded.graded) > 130
    assert len(table) == 19
    assert (table["refusal_share"] >= 0.8).all()
    assert table.loc["all", "cost"] == 0
    frame = embedded.to_frame()
    assert frame["passed"].sum() == table.loc["all", "n_passed"]
    assert (frame["seconds"] > 0).all()


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::pandas.errors.PerformanceWarning")
def test_the_embedded_set_is_what_its_builder_makes() -> None:
    assert build_evals.build() == read_cases()


def test_what_an_evaluation_shows(embedded: Evaluation) -> None:
    text = str(embedded)
    assert f"of {len(embedded.graded)} cases passed" in text
    assert "offline, embedded, routing auto" in text
    assert embedded._repr_html_().count("<tr>") == len(embedded.table) + 1
    worst = Graded(replace(MARGIN, question="<script>alert(1)</script> | x"), {"answer": False})
    assert "<script>" not in Evaluation((worst,))._repr_html_()


# ------------------------------------------------------------------------------------------------- grading


@pytest.fixture(scope="module")
def answers() -> list[tuple[Case, Any]]:
    """A case of each kind that stands alone, with the answer to it."""
    workflow = FinancialAssistantWorkflow(db=None)
    firsts = {case.kind: case for case in reversed(read_cases()) if not case.session}
    return [(case, workflow.run(case.question, session_id=case.id)) for case in firsts.values()]


def _wrong(case: Case) -> list[Case]:
    """The same case with something else as right: the grade of a right answer has to fail it."""
    made = [replace(case, right="refused")] if not case.refused else [replace(case, right="5%", words="")]
    if case.amounts:
        other, unit = (
            case.amounts[0].value * Decimal("1.03"),
            {"percent": "%", "money": "USD"}.get(case.amounts[0].unit),
        )
        shown = other * 100 if unit == "%" else other
        made += [replace(case, right=f"{shown:.6f} {unit or case.amounts[0].unit}".replace(" %", "%"))]
        made += [replace(case, right=f"{-shown:.6f} {unit or case.amounts[0].unit}".replace(" %", "%"))]
    if case.period:
        made += [replace(case, period="FY2017")]
    if len(case.order.split()) > 1:
        made += [replace(case, order=" ".join(reversed(case.order.split())))]
    if case.companies:
        made += [replace(case, companies=f"{case.companies} NFLX")]
    return made


def test_a_grade_of_each_kind_fails_what_is_wrong(answers: list[tuple[Case, Any]]) -> None:
    assert len(answers) == 17
    for case, answer in answers:
        assert grade(case, answer, None).passed, case
        for wrong in _wrong(case):
            assert not grade(wrong, answer, None).passed, wrong


def test_the_winner_has_to_be_named_first() -> None:
    answer = FinancialAssistantWorkflow(db=None).run(BOTH.question)
    assert grade(BOTH, answer, None).passed
    assert grade(replace(BOTH, order="ORCL"), answer, None).wrong == "answer"


def test_a_figure_that_the_data_refute_is_not_faithful() -> None:
    workflow = FinancialAssistantWorkflow(db=None)
    answer = workflow.run("What is EBITDA?")
    case = Case("What is EBITDA?", words="depreciation")
    lie = workflow.check("Apple's revenue was USD 512.4 billion in FY2023.")
    assert grade(case, answer, Checked("", ())).passed
    assert grade(case, answer, lie).wrong == "faithful"


@pytest.mark.parametrize("counts", [True, False])
def test_a_model_that_invents_is_graded_by_what_is_shown(counts: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    if not counts:
        monkeypatch.setattr("tests.model_server.USAGE", None)
    with ModelServer(category="chat") as server:
        server.chat = ["Apple's revenue was USD 512.4 billion in FY2023. A margin is a part of revenue."] * 2
        settings = finassist.Settings(openai_api_key="sk-none", model_retries=0)
        model = finassist.llm.resolve_model("openai", settings, base_url=server.url)
        with FinancialAssistantWorkflow(db=None, model=model, settings=settings, routing="model") as workflow:
            result = finassist.evaluate(
                workflow, [Case("Explain the business of Apple to a child", words="part of revenue")]
            )
    [graded] = result.graded
    assert graded.passed, graded
    assert (graded.tokens is None) is not counts
    assert graded.tokens != 0
    assert bool(result.table["tokens"].isna().all()) is not counts


def test_an_error_is_a_grade(run_async: Any) -> None:
    with ModelServer({"chat": "401"}, category="chat") as server:
        settings = finassist.Settings(openai_api_key="sk-none", model_retries=0)
        model = finassist.llm.resolve_model("openai", settings, base_url=server.url)
        with FinancialAssistantWorkflow(db=None, model=model, settings=settings) as workflow:
            result = run_async(finassist.aevaluate(workflow, [Case("Tell me a joke", words="joke"), MARGIN]))
    assert [each.passed for each in result.graded] == [False, True]
    assert result.graded[0].wrong.startswith("Model")
    assert [each.tokens for each in result.graded] == [None, 0]


def test_a_bug_comes_out_as_itself_and_no_room_is_no_wait() -> None:
    with pytest.raises(ZeroDivisionError):
        finassist.evaluate(set=[MARGIN, NONE], on_case=lambda _: 1 / 0)
    with pytest.raises(InputError, match="concurrency"):
        finassist.evaluate(set=[MARGIN], concurrency=0)


# ----------------------------------------------------------------------------------------- sets of your own


@pytest.mark.parametrize("name", ["cases.csv", "cases.jsonl"])
def test_cases_are_read_back_from_a_file(name: str, tmp_path: Any) -> None:
    cases = [MARGIN, BOTH, NONE, Case("净利润是多少", words="a; b", kind="x", session="s", id="é")]
    write_cases(cases, tmp_path / name)
    assert read_cases(tmp_path / name) == cases


def test_a_csv_needs_only_a_question_and_what_is_right(tmp_path: Any) -> None:
    (tmp_path / "mine.csv").write_text("\ufeffquestion,right\nApple's net margin in FY2023?,25.3%\n", encoding="utf-8")
    result = finassist.evaluate(set=tmp_path / "mine.csv")
    assert result.share == 1.0


def test_inspect_samples(tmp_path: Any) -> None:
    write_cases([MARGIN], tmp_path / "one.jsonl")
    sample = json.loads((tmp_path / "one.jsonl").read_text())
    assert sample.keys() == {"id", "input", "target", "metadata"}
    assert (sample["input"], sample["target"]) == (MARGIN.question, "25.3%")
    assert Case.of({"input": "Apple's revenue in FY2024?", "target": "391.0 billion USD"}).amounts


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        ("question,right\nApple?,lots\n", "case 1: “lots” is no amount"),
        ("question,right\nApple?,5%\nApple?,\n", "case 2: “Apple?”: say what is right"),
        ("question,rigth\nApple?,5%\n", "Did you mean right?"),
        ("question,right,id\nA?,5%,x\nB?,5%,x\n", "Two cases have the id 'x'"),
        ("question,right\n", "no cases"),
        ("right\n5%\n", "no question"),
        ("question,right\nApple?,1,000 USD\n", "case 1: A cell has no column above it"),
    ],
)
def test_a_set_that_cannot_be_used_is_said(rows: str, said: str, tmp_path: Any) -> None:
    (tmp_path / "mine.csv").write_text(rows)
    with pytest.raises(InputError) as raised:
        read_cases(tmp_path / "mine.csv")
    assert said in str(raised.value)


def test_other_files_and_kinds_are_refused(tmp_path: Any) -> None:
    (tmp_path / "broken.jsonl").write_text('{"input": 5\n')
    for source in ("broken.jsonl", "cases.txt"):
        (tmp_path / "cases.txt").touch()
        with pytest.raises(InputError):
            read_cases(tmp_path / source)
    with pytest.raises(InputError, match=r"no kind 'x'\. It has single"):
        read_cases(kinds=["x"])


@pytest.mark.parametrize(
    ("name", "said"),
    [("pipe.csv", "a pipe"), ("none.csv", "No such file"), (".csv", "directory"), ("old.csv", "UTF-8")],
)
def test_a_file_that_cannot_be_read_is_said(name: str, said: str, tmp_path: Any) -> None:
    os.mkfifo(tmp_path / "pipe.csv")
    (tmp_path / ".csv").mkdir()
    (tmp_path / "old.csv").write_bytes("question,right\nNestlé?,5%\n".encode("latin-1"))
    with pytest.raises(InputError, match=said):
        read_cases(tmp_path / name)


def test_turns_of_a_session_follow_each_other() -> None:
    talk = [
        Case("What was Adobe's revenue in FY2024?", companies="ADBE", session="a"),
        Case("Merck net income 2023", companies="MRK", session="b"),
        Case("And the year before?", right="19.41 billion USD", companies="ADBE", session="a"),
        Case("And the year before?", companies="MRK", period="FY2022", session="b"),
    ]
    result = finassist.evaluate(set=talk)
    assert [each.case.session for each in result.graded] == ["a", "b", "a", "b"]
    assert result.share == 1.0


def test_an_answer_becomes_a_case() -> None:
    workflow = FinancialAssistantWorkflow(db=None)
    answer, refused, ranked = (workflow.run(case.question) for case in (MARGIN, NONE, BOTH))
    assert grade(answer.as_case(), answer, None).passed
    assert answer.as_case().period == "FY2023"
    assert not grade(answer.as_case("20.0%"), answer, None).passed
    assert not grade(answer.as_case("refused"), answer, None).passed
    assert not grade(answer.as_case(0.2), answer, None).passed
    assert refused.as_case().refused
    assert not grade(ranked.as_case(["ORCL", "ADBE"]), ranked, None).passed
    for nothing in ("about a quarter", True):
        with pytest.raises(InputError):
            answer.as_case(nothing)


def test_an_answer_in_another_currency_becomes_a_case() -> None:
    table = pd.DataFrame({"symbol": ["LEMON"], "period": ["FY2025"], "revenue": [899000000]})
    provider = FrameProvider(table, currency="EUR")
    answer = FinancialAssistantWorkflow(db=None, model="offline", provider=provider).run("$LEMON revenue in FY2025")
    assert answer.as_case().right == "899000000 EUR"
    for right, passed in ((None, True), ("899 million EUR", True), ("899 million USD", False)):
        assert grade(answer.as_case(right), answer, None).passed is passed


# ---------------------------------------------------------------------------------------------- side by side


def test_two_evaluations_side_by_side() -> None:
    def made(passed: str) -> Evaluation:
        cases = [replace(MARGIN, id=str(number)) for number in range(len(passed))]
        return Evaluation(
            tuple(Graded(case, {"answer": mark == "+"}) for case, mark in zip(cases, passed, strict=True)), passed
        )

    both = made("+++-------").compare(made("++-+++++++"))
    assert (len(both.gained), len(both.lost)) == (7, 1)
    assert both.p_value == pytest.approx(0.0703125)
    assert both.to_frame().loc[0, ["n_cases", "first", "second"]].tolist() == [10, 3, 9]
    assert "gained 7 and lost 1" in str(both)
    assert "<table>" in both._repr_html_()
    assert repr(both) == "<Comparison of 10 cases: 7 gained, 1 lost, p = 0.0703>"
    assert [line.split(":")[0] for line in str(both).splitlines() if line.startswith("- ")] == [
        *(f"- gained {number}" for number in range(3, 10)),
        "- lost 2",
    ]
    assert made("++").compare(made("++++")).p_value == 1.0


def test_what_two_models_take_stands_side_by_side() -> None:
    def made(seconds: tuple[float, ...], tokens: int | None, cost: float | None) -> Evaluation:
        cases = [replace(MARGIN, id=str(number)) for number in range(len(seconds))]
        graded = (Graded(case, {}, "", "", each, tokens, cost) for case, each in zip(cases, seconds, strict=True))
        return Evaluation(tuple(graded))

    both = made((1, 2, 9), 100, 0.5).compare(made((4, 6, 5), None, None)).to_frame(full=True).iloc[-1]
    assert both[["seconds_first", "tokens_first", "cost_first"]].tolist() == [2, 300, 1.5]
    assert both["seconds_second"] == 5
    assert both[["tokens_second", "cost_second"]].isna().all()


def test_mcnemar_is_a_binomial_test() -> None:
    for gained, lost, p in ((0, 0, 1.0), (1, 0, 1.0), (5, 0, 0.0625), (0, 10, 0.001953125), (12, 4, 0.076812744140625)):
        assert mcnemar(gained, lost) == pytest.approx(p)


# -------------------------------------------------------------------------------------------------- terminal


def test_the_command(capsys: Any, tmp_path: Any) -> None:
    write_cases([MARGIN, replace(NONE, right="3%")], tmp_path / "two.csv")
    asked = ["eval", "--set", str(tmp_path / "two.csv"), "--model", "offline"]
    assert main([*asked]) == 0
    assert "1 of 2 cases passed (50.0%)" in capsys.readouterr().out
    assert main([*asked, "--min", "0.9", "--json"]) == 1
    found = json.loads(capsys.readouterr().out)
    assert [case["passed"] for case in found["cases"]] == [True, False]
    assert main([*asked, "--against", "offline"]) == 0
    assert "p = 1" in capsys.readouterr().out
    assert main([*asked, "--against", "offline", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["kinds"][-1]["n_cases"] == 2
    assert main([*asked, "--csv"]) == 0
    assert capsys.readouterr().out.startswith("id,kind,question,passed")
    write_cases([replace(MARGIN, id=str(number)) for number in range(12)], tmp_path / "many.csv")
    assert main(["eval", "--set", str(tmp_path / "many.csv"), "--model", "offline"]) == 0
    assert capsys.readouterr().err == "10 of 12 cases\n"
    assert main(["eval", "--kinds", "price", "--export", str(tmp_path / "price.jsonl")]) == 0
    assert len(read_cases(tmp_path / "price.jsonl")) == 8
    assert main(["eval", "--kinds", "nonsense"]) == 2
    assert main([*asked, "--against", "routing=rules", "years=3", "--concurrency", "1"]) == 0
    assert "Second: offline, embedded, routing rules, years 3." in capsys.readouterr().out
    assert main([*asked, "--against", "routnig=rules"]) == 2
    assert "Did you mean routing?" in capsys.readouterr().err
    with pytest.raises(SystemExit):
        main([*asked, "--min", "90"])
