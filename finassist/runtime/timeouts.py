"""How long a run waits for data: each fetch for itself, and all of them together."""

from __future__ import annotations

from time import monotonic


class FetchDeadline:
    """The time that the fetches of one question may take. The clock starts with the first of them.

    Args:
        fetch: Seconds one fetch may take.
        question: Seconds all fetches of the question may take together.

    Example:
        >>> deadline = FetchDeadline(fetch=20, question=1)
        >>> 0 < deadline.seconds() <= 1
        True
        >>> deadline.verdict("The source")
        'The source did not answer within the 1 seconds of a question. Ask again, or raise FINASSIST_QUESTION_TIMEOUT.'
    """

    def __init__(self, fetch: float, question: float) -> None:
        self._fetch, self._question = fetch, question
        self._until: float | None = None

    def seconds(self) -> float:
        """How long a fetch that begins now may take."""
        now = monotonic()
        self._until = self._until or now + self._question
        return min(self._fetch, max(self._until - now, 0.0))

    def verdict(self, who: str) -> str:
        """What is said about a fetch that took longer."""
        if self._until is not None and (self._question <= self._fetch or monotonic() >= self._until):
            whole, variable = f"the {self._question:g} seconds of a question", "FINASSIST_QUESTION_TIMEOUT"
        else:
            whole, variable = f"{self._fetch:g} seconds", "FINASSIST_FETCH_TIMEOUT"
        return f"{who} did not answer within {whole}. Ask again, or raise {variable}."
