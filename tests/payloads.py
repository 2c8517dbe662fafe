"""Texts that want to run, load or mislead, and everything of ours that shows text, with one of them in every place."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path

from finassist.apps.live.view import header_html, run_html, text_html
from finassist.core.facts import Fact, Gap
from finassist.core.result import CATEGORIES
from finassist.core.state import RunState, Task
from finassist.reporting.html import answer_html, conversation_html
from finassist.reporting.markdown import conversation_markdown
from finassist.reporting.sanitize import safe_html
from finassist.reporting.timeline import timeline_svg

from .test_html import Reply
from .test_report import fact

PAYLOADS: dict[str, list[str]] = json.loads(Path(__file__).with_name("data").joinpath("payloads.json").read_text())
"""By kind. Each calls `probe()`, asks `evil.example`, or tries to look like something else."""


def facts(payload: str) -> list[Fact]:
    """Figures of a company whose every text is the payload, enough for tables and both charts."""
    texts = {"source": payload, "note": payload, "filing": payload, "concept": payload}
    day = date(2026, 1, 5)
    price = {"statement": "price", "unit": "USD/share", **texts}
    closes = [
        fact("close", str(5 + n), **price, period=when.isoformat(), period_end=when, as_of=when)
        for n in range(3)
        for when in [day + timedelta(n)]
    ]
    named = [fact(name, None, text=payload, statement="profile", **texts) for name in ("name", "sector", "description")]
    return [
        *named,
        *closes,
        *(
            fact(name, "5e9", year, currency=payload, unit=payload, **texts)
            for name in ("net_income",)
            for year in (24, 25)
        ),
        *(fact("revenue", "5e9", year, **texts) for year in (2024, 2025)),
        fact("net_margin", "0.1", statement="ratio", unit="ratio", status="derived", formula=payload, **texts),
        fact("price", "8", **price, period=day.isoformat(), period_end=day, as_of=day),
        fact("change", "1", **{**price, "unit": payload}, period=day.isoformat(), period_end=day, formula=payload),
        fact(f"own_{payload}", "7", **texts),
        fact("equity", "7", **{**texts, "period": payload}, statement="balance_sheet"),
        fact("total_assets", None, **texts, status="not_meaningful", statement="balance_sheet"),
    ]


def reply(payload: str, category: str) -> Reply:
    """An answer whose every text is the payload."""
    answer = Reply(
        category=category,
        symbols=["ACME", payload],
        facts=[] if category == "chat" else facts(payload),
        gaps=[Gap(symbol=payload, need=payload, reason=payload), Gap(symbol="ACME", need="quote", reason=payload)],
        follow_ups=[payload],
        content=payload,
        run_id=payload,
        session_id=payload,
    )
    answer.input, answer.warnings, answer.notes = payload, [payload], lambda: [payload]  # type: ignore[attr-defined]
    return answer


def state(payload: str) -> RunState:
    """A run whose every text is the payload."""
    tasks = [
        Task(payload, payload, "run", 0.0, 0.1, "error", payload, 2),
        Task("gather", payload, "run", 0.1, None, "running", payload),
        Task(f"quote {payload}", payload, "gather", 0.1, 0.2, "cancelled", payload),
    ]
    return RunState(
        payload, "error", "report", ("ACME", payload), {"ACME": payload, payload: payload}, payload, payload,
        tuple(tasks), payload, 0.3, payload,
    )  # fmt: skip


SURFACES: dict[str, Callable[[str], str]] = {
    "bubble": safe_html,
    "words as they come": text_html,
    "question": lambda payload: header_html(state(payload)),
    "timeline": lambda payload: timeline_svg(state(payload)),
    "run": lambda payload: run_html(state(payload)),
    **{
        f"card of {category}": lambda payload, category=category: answer_html(reply(payload, category), style=False)
        for category in CATEGORIES
    },
    "page": lambda payload: conversation_html([reply(payload, "chat")]).split("<body>")[1].split("</body>")[0],
}
"""What shows text as HTML: a payload goes in, HTML comes out."""


def markdown(payload: str) -> str:
    """The Markdown export of an answer whose every text is the payload."""
    return conversation_markdown([reply(payload, "chat"), reply(payload, "report")])
