"""Questions as people ask them, with right values that were computed apart from the product, from the same data.

`tests/data/asked.jsonl` was written by somebody who did not see the product's code. A row passes where the asked
figures are
among the answer's own (its rows and its one figure), the right company leads, the order is right, or where what is
not there
is refused by name and nothing is shown in its place.
"""

from __future__ import annotations

import json
from collections import defaultdict
from pathlib import Path
from typing import Any

import pytest

from finassist import Answer, FinancialAssistantWorkflow

ROWS: list[dict[str, Any]] = [
    json.loads(line)
    for line in Path(__file__).with_name("data").joinpath("asked.jsonl").read_text("utf-8").splitlines()
]
LEAST = 0.88
"""The share of questions that has to be answered right; raise it when the language gets better."""

_SCALE = {"ratio": 100.0, "points": 100.0}
_TOLERANCE = {
    "percent": 0.06,
    "points": 0.06,
    "times": 0.006,
    "USD/share": 0.006,
    "level": 0.006,
    "days": 0.06,
    "count": 0,
}


@pytest.fixture(scope="module")
def answers() -> list[tuple[dict[str, Any], Answer]]:
    workflow = FinancialAssistantWorkflow(db=None)
    return [
        (row, workflow.run(row["question"], session_id=f"asked-{row.get('session') or number}"))
        for number, row in enumerate(ROWS)
    ]


def test_most_questions_are_answered_right(answers: list[tuple[dict[str, Any], Answer]]) -> None:
    kinds: dict[str, list[bool]] = defaultdict(list)
    wrong: list[str] = []
    for row, answer in answers:
        right = _right(row, answer)
        kinds[row["kind"]].append(right)
        if not right:
            wrong.append(f"{row['kind']}: {row['question']} -> {str(answer)[:120]!r}")
    share = sum(map(sum, kinds.values())) / len(ROWS)
    assert share >= LEAST, f"{share:.0%} right; wrong are\n" + "\n".join(wrong)


def test_every_figure_has_unit_period_and_source(answers: list[tuple[dict[str, Any], Answer]]) -> None:
    for _, answer in answers:
        for fact in answer.facts:
            if fact.known and fact.symbol and answer.queries:
                assert fact.unit, fact
                assert fact.period, fact
                assert fact.source, fact
                assert fact.status != "derived" or fact.formula, fact


def test_what_is_refused_is_named_and_nothing_stands_in_its_place(answers: list[tuple[dict[str, Any], Answer]]) -> None:
    refused = [(row, answer) for row, answer in answers if row.get("refused") and answer.gaps]
    assert len(refused) >= 15
    for row, answer in refused:
        assert answer.gaps[0].reason in " ".join(str(answer).replace("\\", "").split()), row["question"]


def _right(row: dict[str, Any], answer: Answer) -> bool:
    if row.get("refused"):
        return bool(answer.gaps) and not answer.rows
    symbols = [fact.symbol for key in answer.rows for fact in answer.facts if fact.key == key]
    leads = symbols[:1] == [row["winner"]] if "winner" in row else True
    ordered = symbols[: len(row["order"])] == row["order"] if "order" in row else True
    complete = set(row.get("members", ())) <= set(answer.symbols)
    named = all(any(word in str(answer).lower() for word in each.lower().split("|")) for each in row.get("words", ()))
    figures = all(any(_shown(value, unit, answer) for value, unit in each) for each in row.get("figures", ()))
    return leads and ordered and complete and figures and (named or "|" in "".join(row.get("words", ())))


def _shown(value: float, unit: str, answer: Answer) -> bool:
    """Whether the figure is among those that were asked for."""
    keys = {*answer.rows, answer.figure}
    own = [fact for fact in answer.facts if fact.key in keys and fact.value is not None]
    return any(_close(float(fact.value or 0) * _SCALE.get(fact.unit, 1.0), value, unit) for fact in own)


def _close(found: float, value: float, unit: str) -> bool:
    tolerance = _TOLERANCE.get(unit, abs(value) * 1e-4)
    return abs(abs(found) - abs(value)) <= max(tolerance, abs(value) * 1e-3)
