"""What is kept of every run, as rows: read from the stored form, without building answers or decoding figures."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Final, cast

from finassist.core.result import RECORD

_FREE: Final = frozenset({"offline", "rules"})
"""Who answers without tokens, because nothing is sent anywhere."""


def history_rows(runs: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """One row per run, the latest first, for `frames.history_frame`.

    Args:
        runs: As `get_runs(deserialize=False)` of an Agno database returns them.
    """
    found = sorted((run.get("run_data") or run for run in runs), key=_when, reverse=True)
    return [_row(run) for run in found]


def _when(run: Mapping[str, Any]) -> tuple[int, float]:
    """By Agno's clock, which counts whole seconds, then by ours."""
    return run.get("created_at") or 0, _record(run).get("answered_at", 0.0)


def _row(run: Mapping[str, Any]) -> dict[str, Any]:
    record = _record(run)
    asked = _asked(run)
    models: Mapping[str, str] = _part(record, "models")
    return {
        "session_id": run.get("session_id"),
        "run_id": run.get("run_id"),
        "question": _text(run.get("input")),
        "category": record.get("category"),
        "symbols": list(record.get("symbols") or ()),
        "status": str(run.get("status") or ""),
        "started": run.get("created_at"),
        "latency": _part(run, "metrics").get("duration"),
        "tokens_in": _sum("input_tokens", asked, models) if record else None,
        "tokens_out": _sum("output_tokens", asked, models) if record else None,
        "cost": _sum("cost", asked, models) if record else None,
        "saved": True,
        "models": "; ".join(f"{agent}: {model}" for agent, model in models.items()) or None,
        "decided_by": record.get("decided_by"),
        "gaps": len(record["gaps"]) if record else None,
    }


def _record(run: Mapping[str, Any]) -> Mapping[str, Any]:
    """The draft that was stored with the run; empty for one that did not get that far."""
    contents = (step.get("content") for step in _flat(run.get("step_results") or ()))
    records = (cast("dict[str, Any]", content) for content in contents if isinstance(content, dict))
    return next((record for record in records if record.get("record") == RECORD), dict[str, Any]())


def _flat(steps: Sequence[Mapping[str, Any]]) -> Iterator[Mapping[str, Any]]:
    for step in steps:
        yield step
        yield from _flat(step.get("steps") or ())


def _asked(run: Mapping[str, Any]) -> dict[str, Mapping[str, Any]]:
    """What each agent took, by its name."""
    steps = _part(_part(run, "metrics"), "steps")
    return {name: _part(step, "metrics") for name, step in steps.items()}


def _part(data: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    return data.get(name) or dict[str, Any]()


def _sum(name: str, asked: Mapping[str, Mapping[str, Any]], models: Mapping[str, str]) -> float | None:
    # Agno leaves a count of 0 out, so that a model that does not count cannot be told from one that used none.
    counts = [used.get(name, 0 if models.get(agent) in _FREE else None) for agent, used in asked.items()]
    known = [count for count in counts if count is not None]
    return sum(known) if len(known) == len(counts) else None


def _text(value: Any) -> str | None:
    return None if value is None else str(value)
