"""The questions of a batch, one at a time, whatever they come in: nothing is read before it is needed."""

from __future__ import annotations

import hashlib
from collections import deque
from collections.abc import AsyncGenerator, AsyncIterable, Iterable, Sized
from dataclasses import dataclass
from typing import Any, Final, cast

from finassist.core.errors import EmptyQuestion, InputError, MissingColumn, NotQuestions, QuestionsFailed
from finassist.core.validation import check_question

type Questions = Iterable[Any] | AsyncIterable[Any]

COLUMN: Final = "question"
_PEEKED, _LONGEST_SHOWN = 16, 200


@dataclass(frozen=True, slots=True)
class Question:
    """One thing that was given as a question.

    Attributes:
        ordinal: Its place, counted from 0.
        given: As it was given, as text.
        text: What is asked; `None` where it cannot be.
        error: Why it cannot be asked.
    """

    ordinal: int
    given: str
    text: str | None = None
    error: InputError | None = None

    @property
    def digest(self) -> bytes:
        """The same for questions that ask the same."""
        return digest(self.text if self.text is not None else f"\0{self.given}")


class Intake:
    """Hands out questions in order.

    Args:
        questions: Any iterable or async iterable, a Series, or a frame with a column of questions.
        column: The column; `"question"` by default.
        longest: Characters a question may have.

    Attributes:
        given: Where they come from.
        total: How many there are, or `None` where only asking tells.

    Raises:
        NotQuestions: It is one text, or nothing that can be iterated.
        MissingColumn: The frame has no such column.
    """

    def __init__(self, questions: Any, column: str | None, longest: int) -> None:
        self.given = _column(questions, column)
        self._longest = longest
        self.total = len(self.given) if isinstance(self.given, Sized) else None
        self._items = _stream(self.given)
        self._peeked: deque[Any] = deque()
        self._broken: Exception | None = None
        self._count = 0

    def read_from(self, items: AsyncGenerator[Any]) -> None:
        """Read the same questions from somewhere else: where the iterator belongs to another thread."""
        self._items = items

    async def fingerprint(self) -> str:
        """The same for the same questions; of an iterator, for the same first ones."""
        made = hashlib.blake2b(digest_size=16)
        if self.total is not None and isinstance(self.given, Iterable):
            for item in self.given:
                made.update(self.read(0, item).digest)
        else:
            for item in await self._peek():
                made.update(self.read(0, item).digest)
        return made.hexdigest()

    async def _peek(self) -> deque[Any]:
        try:
            while len(self._peeked) < _PEEKED and (item := await anext(self._items, END)) is not END:
                self._peeked.append(item)
        except Exception as error:  # noqa: BLE001  raised in its place, when the questions before it were handed out
            self._broken = error
        return self._peeked

    async def next(self) -> Question | None:
        """The next question, or `None` after the last.

        Raises:
            QuestionsFailed: The questions raised an error.
        """
        ordinal = self._count
        try:
            item = self._peeked.popleft() if self._peeked else await self._read_on()
        except Exception as error:
            raise _ended(ordinal, error) from error
        if item is END:
            return None
        self._count += 1
        return self.read(ordinal, item)

    async def _read_on(self) -> Any:
        if self._broken is not None:
            raise self._broken
        return await anext(self._items, END)

    def read(self, ordinal: int, item: Any) -> Question:
        """What was given, looked at: a question, or why it is none."""
        return _read(ordinal, item, self._longest)

    async def close(self) -> None:
        """Let go of an iterator that was not read to its end."""
        await self._items.aclose()


class Reasked:
    """Questions that a ledger has, handed out again.

    Args:
        recorded: Ordinal and text of each, in order.
        longest: Characters a question may have.
    """

    def __init__(self, recorded: list[tuple[int, str]], longest: int) -> None:
        self.total: int | None = len(recorded)
        self._recorded = iter(recorded)
        self._longest = longest

    async def next(self) -> Question | None:
        """The next question, or `None` after the last."""
        found = next(self._recorded, None)
        return self.read(*found) if found else None

    def read(self, ordinal: int, item: Any) -> Question:
        """The question as it was read when it was new."""
        return _read(ordinal, item, self._longest)

    async def close(self) -> None:
        """Nothing is held."""


def digest(text: str) -> bytes:
    """A short name for a text."""
    return hashlib.blake2b(text.encode("utf-8", "replace"), digest_size=16).digest()


END: Final = object()
"""Comes after the last question."""


async def _stream(given: Questions) -> AsyncGenerator[Any]:
    if isinstance(given, AsyncIterable):
        async for item in given:
            yield item
    else:
        for item in given:
            yield item


def _column(questions: Any, column: Any) -> Questions:
    if hasattr(questions, "columns"):
        wanted = COLUMN if column is None else column
        found = questions[wanted] if wanted in list(questions.columns) else None
        if found is None or hasattr(found, "columns"):
            names = ", ".join(repr(name) for name in list(questions.columns)[:20])
            raise MissingColumn(
                f"The frame has {'no' if found is None else 'more than one'} column {wanted!r}; it has "
                f"{names or 'none'}. Say which one holds the questions with column=."
            )
        return cast("Questions", found)
    kind = type(questions).__name__
    if column is not None:
        raise MissingColumn(f"column={column!r} is for a DataFrame; this is a {kind}. Leave it out.")
    alone = isinstance(questions, str | bytes) or hasattr(questions, "keys")
    if (alone and kind != "Series") or not isinstance(questions, Iterable | AsyncIterable):
        raise NotQuestions(
            f"Many questions are a list, a Series, a DataFrame or an iterator of texts, not {kind}. "
            "Put a single question into a list, or use `arun()`."
        )
    return cast("Questions", questions)


def _absent(item: Any) -> bool:
    """Whether a cell of a table is empty: `None`, NaN, or pandas' own mark."""
    return item is None or type(item).__name__ in ("NAType", "NaTType") or (isinstance(item, float) and item != item)


def _read(ordinal: int, item: Any, longest: int) -> Question:
    given = item if isinstance(item, str) else "" if _absent(item) else repr(item)[:_LONGEST_SHOWN]
    given = given.encode("utf-8", "ignore").decode()
    try:
        if _absent(item):
            raise EmptyQuestion("There is no question in this place. Write one, or leave the row out.")
        return Question(ordinal, given, check_question(item, longest))
    except InputError as error:
        return Question(ordinal, given, error=error)


def _ended(ordinal: int, cause: Exception) -> QuestionsFailed:
    return QuestionsFailed(
        f"The questions ended with {type(cause).__name__} where question {ordinal} (counted from 0) should have come: "
        f"{cause}. What was asked until then is kept; correct it, and make the same call again to go on.",
        ordinal=ordinal,
    )
