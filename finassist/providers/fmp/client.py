"""What is asked of Financial Modeling Prep, as decoded answers: requests, the transport, and what a plan allows."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from finassist.config.settings import FmpPlan
from finassist.core.errors import DataError, PlanError
from finassist.core.facts import Statement
from finassist.providers.fmp import requests
from finassist.providers.fmp.requests import MOST_ROWS, Request
from finassist.providers.fmp.rows import Asked, objects_of, rows_of
from finassist.providers.http import Transport
from finassist.symbols.directory import normalise_symbol

type Answer = tuple[object, Asked]


@dataclass(frozen=True, slots=True)
class Client:
    """Asks for one thing at a time; an answer is the decoded data and what is known about it.

    Attributes:
        transport: Sends requests and reads answers.
        plan: What is subscribed to; `None` where nobody said.
    """

    transport: Transport
    plan: FmpPlan | None

    async def quote(self, symbol: str) -> Answer:
        """The newest price."""
        return await self.get(requests.request_quote(normalise_symbol(symbol)))

    async def history(self, symbol: str, period: str) -> Answer:
        """Daily bars of a period that ends today."""
        return await self.get(requests.request_history(normalise_symbol(symbol), period, datetime.now(UTC).date()))

    async def profile(self, symbol: str) -> Answer:
        """What the company is."""
        return await self.get(requests.request_profile(normalise_symbol(symbol)))

    async def statements(self, symbol: str, statement: Statement, period: str, limit: int) -> Answer:
        """Statements, newest first; no more than the plan allows."""
        limit = max(1, min(limit, MOST_ROWS[self.plan]))
        return await self.get(requests.request_statement(normalise_symbol(symbol), statement, period, limit))

    async def get(self, request: Request) -> Answer:
        """The decoded answer to one request, and what is known about it."""
        try:
            payload = await self.transport.get_json(
                request.path, request.params, kind=request.kind, check=lambda data: _check(data, request)
            )
        except PlanError as error:
            plan = f"your {self.plan} plan" if self.plan else "your plan"
            raise PlanError(str(error).replace("your plan", plan)) from error
        asked = Asked(request.about, request.words, payload.fetched_at.date(), payload.cached)
        return payload.data, asked

    async def all(self, wanted: Iterable[Request]) -> tuple[list[Answer], list[str]]:
        """The answers that came, in order, and why others did not; with none, the first failure is raised."""
        tasks: list[asyncio.Task[Answer | DataError]] = []
        async with asyncio.TaskGroup() as group:
            tasks += [group.create_task(_settled(self.get(request))) for request in wanted]
        found = [task.result() for task in tasks]
        failed = [outcome for outcome in found if isinstance(outcome, DataError)]
        answers = [outcome for outcome in found if not isinstance(outcome, DataError)]
        if not answers:
            raise failed[0]
        return answers, [str(error) for error in failed]


async def _settled(work: Coroutine[Any, Any, Answer]) -> Answer | DataError:
    try:
        return await work
    except DataError as error:
        return error


def _check(data: object, request: Request) -> None:
    """Refuse what is no data about what was asked, so that it is not kept."""
    asked = Asked(request.about, request.words, datetime.now(UTC).date())
    (objects_of if request.may_be_empty else rows_of)(data, asked)
