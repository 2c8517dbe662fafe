"""Financial Modeling Prep on this machine: fixtures of its shape, with figures of a company that does not exist."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import date
from functools import cache
from pathlib import Path
from typing import Any

from finassist.providers.fmp import FMPProvider
from finassist.providers.fmp.rows import Asked
from tests.servers import Act, Request, Server, answer

KEY = "canary-key-0123456789"
DAY = date(2026, 1, 20)
ASKED = Asked("AAPL", "test", DAY)
STATEMENT_PATHS = {
    "income": "/income-statement",
    "balance_sheet": "/balance-sheet-statement",
    "cash_flow": "/cash-flow-statement",
}
_FILES = Path(__file__).parent / "data" / "fmp"
_NAMES = {"/historical-price-eod/full": "historical-price-eod-full", "/news/stock": "stock-news"}
PATHS = (
    "/income-statement", "/balance-sheet-statement", "/cash-flow-statement", "/income-statement-ttm", "/quote",
    "/profile", "/historical-price-eod/full", "/key-metrics-ttm", "/ratios-ttm", "/news/stock", "/grades-consensus",
    "/price-target-consensus", "/search-symbol", "/search-name",
)  # fmt: skip


@cache
def _text(name: str) -> str:
    return (_FILES / f"{name}.json").read_text()


def fixture(path: str) -> Any:
    """A fresh copy of what the source answers at a path."""
    return json.loads(_text(_NAMES.get(path, path.removeprefix("/"))))


def fmp_server(changed: Mapping[str, Any] | None = None) -> Server:
    """The source; `changed` replaces the answer at some paths: by a value, or by an act of `tests.servers`."""
    changed = changed or {}

    def script(request: Request) -> Act:
        path = request.path
        if path in changed:
            found = changed[path]
            return found if isinstance(found, Act) else answer(found)
        if path == "/income-statement" and request.query["period"] == "quarter":
            path = "/income-statement-quarter"
        rows = fixture(path) if path in (*PATHS, "/income-statement-quarter") else []
        limit = int(request.query.get("limit", len(rows)))
        return answer(rows[:limit])

    return Server(script)


def fmp(server: Server, kind: type[FMPProvider] = FMPProvider, **options: Any) -> FMPProvider:
    """A provider that asks this server, without a cache and without patience for failures."""
    return kind(KEY, base_url=server.url, **{"cache": False, "attempts": 1, "timeout": 5.0, **options})
