"""How good the answers are: `finassist.evaluate` asks questions with right answers and grades what comes."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from functools import partial
from itertools import groupby
from time import perf_counter
from typing import Any, Final
from uuid import uuid4

from finassist.answer import Answer
from finassist.config.settings import KEYS
from finassist.core.cases import Amount, Case, CaseSet, currency_of, read_cases
from finassist.core.claims import Claim, Unit
from finassist.core.concurrency import bridge
from finassist.core.errors import FinassistError, InputError
from finassist.core.facts import Fact
from finassist.core.secrets import redact
from finassist.evals.evaluation import Evaluation, Graded, known_sum
from finassist.providers.to_agno import wait_for
from finassist.questions.claims import claims_in
from finassist.reporting.markdown import Checked
from finassist.reporting.words import short_name
from finassist.workflow import FinancialAssistantWorkflow

CONCURRENCY: Final = 8
_NAMED: Final = ("model", "provider", "routing")
type OnCase = Callable[[Graded], None]


def evaluate(
    workflow: FinancialAssistantWorkflow | None = None,
    set: CaseSet | None = None,  # noqa: A002  what it is called
    *,
    kinds: Sequence[str] = (),
    concurrency: int = CONCURRENCY,
    on_case: OnCase | None = None,
) -> Evaluation:
    """Ask a set of questions with right answers and grade the answers, by code alone.

    Each question is asked in a conversation of its own, the turns of a session one after another. A workflow with a
    database stores them like any other; one with `db=None` stores nothing.

    Args:
        workflow: What is graded; by default one as the settings say, which stores nothing.
        set: Cases, or a `.csv` or `.jsonl` file of them, see `Case`; by default the embedded set, whose right answers
            were computed from the embedded data.
        kinds: Only these kinds of questions.
        concurrency: How many conversations there are at the same time.
        on_case: Is called with each graded case, by this function on another thread than yours.

    Returns:
        An `Evaluation`: a table by kind, a DataFrame, and a comparison with another one.

    Raises:
        InputError: The set cannot be used, there is no such kind, or `concurrency` is below 1.

    Example:
        >>> import finassist
        >>> print(finassist.evaluate(kinds=["definition"]).share)
        1.0
    """
    bridge.check_caller()
    options = {"kinds": kinds, "concurrency": concurrency, "on_case": on_case}
    return wait_for(partial(aevaluate, workflow, set, **options), "evaluate")


async def aevaluate(
    workflow: FinancialAssistantWorkflow | None = None,
    set: CaseSet | None = None,  # noqa: A002  what it is called
    *,
    kinds: Sequence[str] = (),
    concurrency: int = CONCURRENCY,
    on_case: OnCase | None = None,
) -> Evaluation:
    """`evaluate` on the running loop."""
    if concurrency < 1:
        raise InputError(
            f"concurrency is how many conversations there are at the same time: 1 or more, not {concurrency}."
        )
    cases = read_cases(set, kinds)
    await _warm_up()
    if workflow is not None:
        return await _evaluated(_Asking(workflow, asyncio.Semaphore(concurrency), on_case), cases)
    async with FinancialAssistantWorkflow(db=None) as made:
        return await _evaluated(_Asking(made, asyncio.Semaphore(concurrency), on_case), cases)


async def _warm_up() -> None:
    """What the first answer of a process loads is not the time of a case."""
    async with FinancialAssistantWorkflow(db=None, model="offline", provider="embedded") as workflow:
        await workflow.arun("What is EBITDA?", live=False)


@dataclass(frozen=True)
class _Asking:
    workflow: FinancialAssistantWorkflow
    room: asyncio.Semaphore
    on_case: OnCase | None

    async def conversation(self, cases: Sequence[Case]) -> list[Graded]:
        """The turns of one conversation, in order."""
        session = f"eval-{uuid4()}"
        async with self.room:
            return [await self.case(case, session) for case in cases]

    async def case(self, case: Case, session: str) -> Graded:
        """One case; a failure that has a name is graded as one."""
        started = perf_counter()
        try:
            answer = await self.workflow.arun(case.question, session_id=session, live=False)
            seconds = perf_counter() - started
            text = head_of(answer) if answer.headline else str(answer.content or "")
            graded = grade(case, answer, await self.workflow.acheck(text) if text.strip() else None, seconds)
        except FinassistError as error:
            message = redact(f"{type(error).__name__}: {error}", self.workflow.runtime.secrets)
            graded = Graded(case, error=message, seconds=perf_counter() - started)
        if self.on_case is not None:
            self.on_case(graded)
        return graded


async def _evaluated(asking: _Asking, cases: Sequence[Case]) -> Evaluation:
    talks: list[asyncio.Task[list[Graded]]] = []
    bug: Exception | None = None
    try:
        async with asyncio.TaskGroup() as group:
            talks += [group.create_task(asking.conversation(talk)) for talk in _conversations(cases)]
    except* Exception as failed:  # noqa: BLE001  raised below, outside the group
        bug = failed.exceptions[0]
    if bug:
        raise bug
    found = {graded.case.id: graded for talk in talks for graded in talk.result()}
    return Evaluation(tuple(found[case.id] for case in cases), _about(asking.workflow))


def _about(workflow: FinancialAssistantWorkflow) -> str:
    """What answers: the model, the provider, the routing, and settings that were given as arguments."""
    parts = [workflow.model.id, workflow.provider.id, f"routing {workflow.routing}"]
    shown = [(name, value) for name, value, origin in workflow.settings.rows() if origin == "argument"]
    return ", ".join([*parts, *(f"{name} {value}" for name, value in shown if name not in (*_NAMED, *KEYS))])


def _conversations(cases: Sequence[Case]) -> list[list[Case]]:
    """Cases by session, in the order of the set; one without is a conversation by itself."""
    by_session = sorted(cases, key=lambda case: case.session)
    return [
        talk
        for session, group in groupby(by_session, key=lambda case: case.session)
        for talk in ([list(group)] if session else [[case] for case in group])
    ]


# ----------------------------------------------------------------------------------------------------- grading

_HEAD: Final = 300
_UNITS: Final[dict[str, Unit]] = {
    "ratio": "percent", "points": "points", "times": "times", "days": "days", "shares": "count",
}  # fmt: skip
_PLACES: Final = 20
"""Small whole numbers count companies, or are places of a ranking."""

_ROUNDING: Final = Decimal("0.0005")
"""A figure computed by another way may differ in the digits that are not shown."""


def grade(case: Case, answer: Answer, checked: Checked | None, seconds: float = 0.0) -> Graded:
    """Grade an answer that took so many seconds; `checked` are the figures of its text, where it states any.

    Example:
        >>> from finassist import Case, FinancialAssistantWorkflow
        >>> answer = FinancialAssistantWorkflow(db=None).run("What was Apple's net margin in FY2023?")
        >>> grade(Case("Apple's net margin?", right="25.3%"), answer, None).passed
        True
    """
    tokens, cost = _spent(answer)
    return Graded(case, dict(_checks(case, answer, checked)), head_of(answer), "", seconds, tokens, cost)


def head_of(answer: Answer) -> str:
    """What a reader sees first: the headline, or the beginning of a text without one."""
    return answer.headline or str(answer.content or "")[:_HEAD]


def _checks(case: Case, answer: Answer, checked: Checked | None) -> Iterator[tuple[str, bool]]:
    refused = answer.outcome == "refused"
    if case.refused:
        yield "refusal", refused and bool(answer.gaps) and _says(case, answer)
        return
    yield "refusal", not refused
    yield "answer", not refused and _states(case, answer) and _ordered(case, answer) and _says(case, answer)
    if case.companies:
        yield "companies", set(case.companies.split()) == set(_companies(answer))
    if case.period:
        yield "period", _is_of(case.period, answer)
    if checked is not None:
        yield "faithful", all(finding.verdict != "wrong" or _is_known(finding.claim, answer) for finding in checked)


def _states(case: Case, answer: Answer) -> bool:
    """Whether each amount stands in the head, or is the value."""
    claims = claims_in(head_of(answer)) if case.amounts else []
    return all(
        _is_value(amount, answer.value) or any(_is_said(amount, claim) for claim in claims) for amount in case.amounts
    )


def _is_value(amount: Amount, fact: Fact | None) -> bool:
    if fact is None or fact.value is None:
        return False
    currency = currency_of(fact.unit)
    if amount.unit and amount.unit != ("money" if currency else _UNITS.get(fact.unit, "")):
        return False
    if amount.currency and amount.currency != currency:
        return False
    return abs(fact.value - amount.value) <= max(amount.slack, abs(amount.value) * _ROUNDING)


def _is_known(claim: Claim, answer: Answer) -> bool:
    """Whether a number is that of one of the answer's facts, a limit that the question sets, or a place in a list."""
    number = claim.number
    if number is None:
        return False
    if number.bare and 0 < number.value <= _PLACES and number.value == int(number.value):
        return True
    stated = [Amount(number.value * sign, number.slack, number.unit) for sign in (1, -1)]
    return any(_is_value(each, fact) for each in stated for fact in answer.facts) or any(
        _is_said(stated[0], asked) for asked in claims_in(str(answer.input))
    )


def _is_said(amount: Amount, claim: Claim) -> bool:
    number = claim.number
    if number is None or (amount.unit and number.unit != amount.unit):
        return False
    if amount.currency and number.currency and amount.currency != number.currency:
        return False
    said = -number.value if claim.direction < 0 < number.value else number.value
    return abs(said - amount.value) <= amount.slack + number.slack * Decimal("1.02")


def _ordered(case: Case, answer: Answer) -> bool:
    """Whether the companies come in order: as the head names them, or where it does not, as the rows stand."""
    wanted, head = case.order.split(), head_of(answer)
    names = {symbol: short_name(name) for symbol, name in answer.company_names().items()}
    places = {symbol: place for symbol, name in names.items() if (place := head.find(name)) >= 0}
    named = sorted(places, key=places.__getitem__)
    return wanted == (named if set(wanted) <= set(named) else _of_rows(answer))[: len(wanted)]


def _says(case: Case, answer: Answer) -> bool:
    texts = [answer.headline, str(answer.content or ""), *(f"{gap.need} {gap.reason}" for gap in answer.gaps)]
    said = " ".join(texts).casefold()
    return all(words.casefold() in said for words in case.expected_words)


def _companies(answer: Answer) -> Sequence[str]:
    return _of_rows(answer) or answer.symbols


def _of_rows(answer: Answer) -> list[str]:
    return list(dict.fromkeys(key.split("/")[0] for key in answer.rows))


def _is_of(period: str, answer: Answer) -> bool:
    """Whether the figures asked for are of this period, or the head names it."""
    facts = {fact.key: fact for fact in answer.facts}
    shown = [facts[key] for key in [*answer.rows, answer.figure] if key in facts]
    return any(fact.period.startswith(period) for fact in shown) or bool(
        re.search(rf"\b{re.escape(period)}\b", head_of(answer))
    )


def _spent(answer: Answer) -> tuple[int | None, float | None]:
    """Tokens and US dollars of all models that were asked."""
    steps: dict[str, Any] = getattr(answer.metrics, "steps", None) or {}
    used = [step.metrics for step in steps.values()]
    models = [answer.models.get(name) for name in steps]
    tokens = [0 if model == "offline" else each.total_tokens or None for each, model in zip(used, models, strict=True)]
    costs = [0.0 if model == "offline" else each.cost for each, model in zip(used, models, strict=True)]
    return known_sum(tokens), known_sum(costs)
