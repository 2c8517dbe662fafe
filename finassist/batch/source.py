"""The questions of a batch in whatever form they were given, read one at a time."""

from __future__ import annotations

import hashlib
from collections import deque
from collections.abc import AsyncGenerator, AsyncIterable, Iterable, Sequence, Sized
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, Final, Self, cast

from finassist.core.errors import EmptyQuestion, InputError, MissingColumn, NotQuestions, QuestionsFailed
from finassist.core.query import Query
from finassist.core.text import check_question

type Questions = Iterable[Any] | AsyncIterable[Any]

END: Final = object()
"""Comes after the last question."""

_COLUMN: Final = "question"
_PEEKED, _LONGEST_SHOWN = 16, 200


@dataclass(frozen=True, slots=True)
class Question:
    """One question of a batch."""

    ordinal: int  # its place, counted from 0
    given: str  # a text, or a `Query` as JSON
    text: str | None = None  # what is asked, where it can be
    error: InputError | None = None
    digest: bytes = field(init=False)  # the same for questions that ask the same

    def __post_init__(self) -> None:
        object.__setattr__(self, "digest", _digest(_unasked(self.given) if self.text is None else self.text))


def is_question(given: str, digest: bytes) -> bool:
    """Whether a text that was stored is still the one of which the digest was taken."""
    possible = [_unasked(given)]
    with suppress(InputError):
        possible.append(check_question(given, len(given)))
    return digest in map(_digest, possible)


def _digest(text: str) -> bytes:
    return hashlib.blake2b(text.encode("utf-8", "replace"), digest_size=16).digest()


def _unasked(given: str) -> str:
    return f"\0{given}"


class QuestionSource:
    """Reads questions in order, and none before it is needed, from anything that `Questions` may be or a frame.

    Raises:
        NotQuestions: It is one text, or cannot be iterated.
        MissingColumn: The frame has no such column.
    """

    def __init__(self, questions: Any, column: str | None, longest: int) -> None:
        self.given = _column(questions, column)
        self.total = len(self.given) if isinstance(self.given, Sized) else None
        self._longest = longest
        self._items = _stream(self.given)
        self._peeked: deque[Any] = deque()
        self._broken: Exception | None = None
        self._ordinals: Sequence[int] | None = None
        self.read = 0

    @classmethod
    def recorded(cls, rows: Sequence[tuple[int, str]], longest: int) -> Self:
        """The questions of a ledger again: ordinal and text of each."""
        source = cls([text for _, text in rows], None, longest)
        source._ordinals = [ordinal for ordinal, _ in rows]
        return source

    def read_from(self, items: AsyncGenerator[Any]) -> None:
        """Read the same questions through another iterator, because this one belongs to another thread."""
        self._items = items

    async def fingerprint(self) -> str:
        """The same for the same questions; of an iterator, for the same first ones."""
        sized = self.total is not None and isinstance(self.given, Iterable)
        digests = hashlib.blake2b(digest_size=16)
        for item in cast("Iterable[Any]", self.given) if sized else await self._peek():
            digests.update(self._question(0, item).digest)
        return digests.hexdigest()

    async def _peek(self) -> Iterable[Any]:
        try:
            while len(self._peeked) < _PEEKED and (item := await anext(self._items, END)) is not END:
                self._peeked.append(item)
        except Exception as error:  # noqa: BLE001  raised in its place, after the questions before it
            self._broken = error
        return self._peeked

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> Question:
        """The next question; raises `QuestionsFailed` where the iterator raised an error."""
        place = self.read
        try:
            if not self._peeked and self._broken is not None:
                raise self._broken
            item = self._peeked.popleft() if self._peeked else await anext(self._items, END)
        except Exception as error:
            raise QuestionsFailed(
                f"The questions ended with {type(error).__name__} where question {place} (counted from 0) should have "
                f"come: {error}. Earlier answers are kept. Correct it, and rerun the same call to resume.",
                ordinal=place,
            ) from error
        if item is END:
            raise StopAsyncIteration
        self.read += 1
        return self._question(self._ordinals[place] if self._ordinals else place, item)

    async def close(self) -> None:
        """Close an iterator that was not read to its end."""
        await self._items.aclose()

    def _question(self, ordinal: int, item: Any) -> Question:
        item = item.model_dump_json(exclude_defaults=True) if isinstance(item, Query) else item
        absent = _absent(item)
        given = item if isinstance(item, str) else "" if absent else repr(item)[:_LONGEST_SHOWN]
        given = given.encode("utf-8", "ignore").decode()
        try:
            if absent:
                raise EmptyQuestion("There is no question in this place. Write one, or leave the row out.")
            return Question(ordinal, given, check_question(item, self._longest))
        except InputError as error:
            return Question(ordinal, given, error=error)


async def _stream(given: Questions) -> AsyncGenerator[Any]:
    if isinstance(given, AsyncIterable):
        async for item in given:
            yield item
    else:
        for item in given:
            yield item


def _absent(item: Any) -> bool:
    """Whether a cell of a table is empty: `None`, NaN, or a mark of pandas."""
    return item is None or type(item).__name__ in ("NAType", "NaTType") or (isinstance(item, float) and item != item)


def _column(questions: Any, column: Any) -> Questions:
    if hasattr(questions, "columns"):
        return _of_frame(questions, _COLUMN if column is None else column)
    kind = type(questions).__name__
    if column is not None:
        raise MissingColumn(f"column={column!r} is for a DataFrame; this is a {kind}. Leave it out.")
    single = isinstance(questions, str | bytes | Query) or (hasattr(questions, "keys") and kind != "Series")
    if single or not isinstance(questions, Iterable | AsyncIterable):
        raise NotQuestions(
            f"Many questions are a list, a Series, a DataFrame or an iterator of texts, not {kind}. "
            "Put a single question into a list, or use `arun()`."
        )
    return cast("Questions", questions)


def _of_frame(frame: Any, column: Any) -> Questions:
    names = list(frame.columns)
    if names.count(column) == 1:
        return cast("Questions", frame[column])
    listed = ", ".join(repr(name) for name in names[:20])
    raise MissingColumn(
        f"The frame has {'more than one' if column in names else 'no'} column {column!r}; it has {listed or 'none'}. "
        "Name the column of questions with column=."
    )
