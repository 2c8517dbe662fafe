"""What a conversation carries over to its next question. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from finassist.core.query import Query


@dataclass(frozen=True, slots=True)
class Memory:
    """What a conversation carries over.

    Attributes:
        queries: The queries of the last answered question.
        companies: Companies of the last question that named some, for "which of the three".
        result: Companies that the last rank or screen showed.
    """

    queries: tuple[Query, ...] = ()
    companies: tuple[str, ...] = ()
    result: tuple[str, ...] = ()


def remembered(memory: Memory, record: Mapping[str, Any]) -> Memory:
    """The memory after a turn that was stored as `record`; a turn without queries or companies changes nothing."""
    queries = tuple(Query.model_validate(each) for each in record.get("queries", ()))
    return remember(memory, queries, tuple(record.get("symbols", ())) if record.get("category") != "chat" else ())


def remember(memory: Memory, queries: Sequence[Query], symbols: Sequence[str]) -> Memory:
    """What the next question may refer to, after this one was answered.

    Args:
        memory: What was remembered before.
        queries: The queries of the turn; definitions alone change nothing.
        symbols: Companies of the answer: those named, or those that a rank of all companies showed.
    """
    own = tuple(query for query in queries if query.intent != "define")
    ranked = bool(own) and own[0].scope == "universe"
    named = tuple(own[0].companies) if own else tuple(symbols)
    if not own and not named:
        return memory
    same = bool(own) and bool(memory.queries) and own[0].metrics == memory.queries[0].metrics
    if len(named) == 1 and memory.companies and same:
        named = tuple(dict.fromkeys((*memory.companies, *named)))[-5:]
    return Memory(own or memory.queries, named or memory.companies, tuple(symbols) if ranked else memory.result)
