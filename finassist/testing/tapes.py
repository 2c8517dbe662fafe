"""Runs recorded with their timing and played back without keys, as fast as they were or at any other speed.

>>> from finassist import FinancialAssistantWorkflow
>>> from finassist.testing import Recorder
>>> recorder = Recorder(model="offline", provider="embedded")
>>> live = FinancialAssistantWorkflow(db=None, model=recorder.model, provider=recorder.provider)
>>> said = live.run("What is Apple's stock price?")
>>> model, provider = ReplayModel(recorder.tape, speed=100), ReplayProvider(recorder.tape, speed=100)
>>> replayed = FinancialAssistantWorkflow(db=None, model=model, provider=provider).run("What is Apple's stock price?")
>>> replayed.symbols == said.symbols, replayed.facts[0].source.startswith("replayed")
(True, True)
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from threading import Lock
from time import perf_counter
from typing import Any, Self

import msgspec
from agno.exceptions import ModelProviderError
from agno.models.base import Model
from agno.models.response import ModelResponse
from agno.tools.finance import FinanceProvider, FinanceProviderError
from msgspec import Struct, field
from msgspec.structs import replace

from finassist.core import errors
from finassist.core.errors import DataError, InputError
from finassist.core.facts import Fact
from finassist.core.process import check_ordinary
from finassist.core.result import decode, encode
from finassist.core.secrets import redact
from finassist.llm import ModelChoice, resolve_model
from finassist.llm.calls import current_record
from finassist.llm.offline import OfflineModel
from finassist.providers.base import Need, Periods, fetch_facts
from finassist.providers.registry import Provider, open_provider
from finassist.providers.to_agno import WaitingProvider
from finassist.testing.faults import Reply, WrappedModel, call_of


class Take(Struct, frozen=True):
    """One answer as it came: its pieces, or the error it ended with.

    Attributes:
        pieces: Seconds since the call, and a text: the words of a model, or the facts of a source as one JSON text.
        error: Name of the error's class; `""` if it did not fail.
        message: What the error said.
        seconds: How long the whole took.
    """

    pieces: tuple[tuple[float, str], ...] = ()
    error: str = ""
    message: str = ""
    seconds: float = 0.0


class Tape(Struct, tag="finassist tape 1", tag_field="format"):
    """What the model and the source of a run replied, and when.

    Attributes:
        model: Id of the model that was recorded.
        provider: Name of the source that was recorded.
        recorded: The day.
        takes: The replies to each call (`"quote AAPL 6"`, `"chat: What is EBITDA?"`), in order.
    """

    model: str
    provider: str
    recorded: str = field(default_factory=lambda: datetime.now(UTC).date().isoformat())
    takes: dict[str, list[Take]] = field(default_factory=dict[str, list[Take]])

    def add(self, asked: str, take: Take) -> None:
        """Record one more answer."""
        self.takes.setdefault(asked, []).append(take)

    def find(self, asked: str, time: int) -> Take:
        """The reply to the n-th time (from 0) this was asked; the last one, where it was asked less often.

        Raises:
            InputError: It was never asked.
        """
        takes = self.takes.get(asked)
        if not takes:
            questions = dict.fromkeys(name.partition(": ")[2] for name in self.takes if ": " in name)
            hint = f" Ask one of: {'; '.join(questions)}" if questions else ""
            raise InputError(f"The tape of {self.recorded} has nothing for {asked!r:.120}.{hint}")
        return takes[min(time, len(takes) - 1)]

    def save(self, path: str | Path, *, secrets: Iterable[str] = ()) -> Path:
        """Write the tape as JSON.

        Args:
            path: Where to.
            secrets: Texts to hide wherever they occur, such as keys.
        """
        text = msgspec.json.format(msgspec.json.encode(self), indent=1).decode()
        file = Path(path)
        file.write_text(redact(text, secrets) + "\n", encoding="utf-8")
        return file

    @classmethod
    def load(cls, path: str | Path) -> Self:
        """Read a tape.

        Raises:
            InputError: There is no such file, or it is no tape of this version.
        """
        file = Path(path)
        try:
            return msgspec.json.decode(check_ordinary(file).read_bytes(), type=cls)
        except OSError as error:
            raise InputError(f"The tape {file.name} cannot be read ({error.strerror}). Check the path.") from error
        except msgspec.MsgspecError as error:
            raise InputError(f"{file.name} is no tape of this version of finassist. Record it again.") from error


# ---------------------------------------------------------------------------------------------- recording


class Recorder:
    """Records a workflow: give it the model and the source, and use what it has in their place.

    Args:
        model: The model to record.
        provider: The source to record.

    Attributes:
        tape: What was recorded so far; `recorder.tape.save("run.json")` keeps it.
        model: The same model, recorded.
        provider: The same source, recorded.
    """

    def __init__(self, model: ModelChoice = "auto", provider: Provider = "auto") -> None:
        asked, source = resolve_model(model), open_provider(provider)
        self.tape = Tape(model=asked.id, provider=source.name)
        self.model: Model = _RecordedModel(asked, self.tape)
        self.provider: FinanceProvider = _RecordedProvider(source, self.tape)


class _RecordedProvider(WaitingProvider):
    """Passes on what a source delivers, and records it with its timing."""

    id = "recording"

    def __init__(self, inner: FinanceProvider, tape: Tape) -> None:
        self.inner, self._tape = inner, tape
        self.name, self.capabilities = inner.name, inner.capabilities

    async def fetch_facts(self, need: Need, symbol: str, periods: Periods) -> list[Fact]:
        asked, begun = f"{need} {symbol} {periods}", perf_counter()
        try:
            facts = await fetch_facts(self.inner, need, symbol, periods)
        except FinanceProviderError as error:
            failed = Take((), type(error).__name__, str(error), perf_counter() - begun)
            self._tape.add(asked, failed)
            raise
        seconds = perf_counter() - begun
        self._tape.add(asked, Take(((seconds, encode(facts)),), seconds=seconds))
        return facts


class _RecordedModel(WrappedModel):
    """Passes on what a model replies, and records it with its timing."""

    def __init__(self, inner: Model, tape: Tape) -> None:
        super().__init__(inner, f"{inner.id}, recorded")
        self.tape = tape

    def intercept(self, asked: dict[str, Any]) -> Reply:
        return _RecordedReply(self.tape, call_of(asked))


class _RecordedReply(Reply):
    """Records one reply on a tape, piece by piece."""

    def __init__(self, tape: Tape, asked: str) -> None:
        self._tape, self._asked, self._begun = tape, asked, perf_counter()
        self._pieces: list[tuple[float, str]] = []

    def piece(self, response: ModelResponse) -> ModelResponse:
        content: Any = response.content
        if content is not None:
            text = content if isinstance(content, str) else content.model_dump_json()
            self._pieces.append((perf_counter() - self._begun, text))
        return response

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: object) -> None:
        if error is not None and not isinstance(error, Exception):
            return  # cancelled, interrupted or left: its end is unknown
        seconds = perf_counter() - self._begun
        named = (type(error).__name__, str(error)) if error else ("", "")
        self._tape.add(self._asked, Take(tuple(self._pieces), *named, seconds))


# ----------------------------------------------------------------------------------------------- playback


class ReplayProvider(WaitingProvider):
    """Delivers what is on a tape, as fast as it came when it was recorded.

    Args:
        tape: What to play.
        speed: 2 plays twice as fast, 0.5 half as fast.

    Raises:
        InputError: The speed is not positive.
    """

    id = "replay"

    def __init__(self, tape: Tape, *, speed: float = 1.0) -> None:
        self._playback = _Playback(tape, speed)
        self.name = f"{tape.provider}, replayed from {tape.recorded}"
        self.capabilities = frozenset({"get_company_profile", "get_financials", "get_quote", "get_price_history"})

    async def fetch_facts(self, need: Need, symbol: str, periods: Periods) -> list[Fact]:
        """One need of one company, each figure saying that it is replayed and from when.

        Raises:
            DataError: It failed when it was recorded, or is not on the tape.
        """
        try:
            take = self._playback.next(f"{need} {symbol} {periods}")
        except InputError as error:
            raise DataError(str(error)) from error
        await asyncio.sleep(take.seconds / self._playback.speed)
        if take.error:
            kind = getattr(errors, take.error, DataError)
            raise (kind if isinstance(kind, type) and issubclass(kind, DataError) else DataError)(take.message)
        label = f"replayed from {self._playback.tape.recorded}: "
        return [replace(fact, source=label + fact.source) for fact in decode(take.pieces[0][1])]


class ReplayModel(WrappedModel):
    """Replies what is on a tape, word for word and as fast as it came when it was recorded.

    Args:
        tape: What to play.
        speed: 2 plays twice as fast, 0.5 half as fast.

    Raises:
        InputError: The speed is not positive.
    """

    def __init__(self, tape: Tape, *, speed: float = 1.0) -> None:
        super().__init__(OfflineModel(), f"{tape.model}, replayed")
        self._playback = _Playback(tape, speed)

    def intercept(self, asked: dict[str, Any]) -> Reply:
        """What is on the tape."""
        current_record().begin(self.id)
        try:
            return _ReplayedReply(self.id, self._playback.speed, self._playback.next(call_of(asked)))
        except InputError as error:
            raise ModelProviderError(str(error), 404, model_id=self.id) from error


class _ReplayedReply(Reply):
    replaced = True

    def __init__(self, model: str, speed: float, take: Take) -> None:
        self._model, self._speed, self._take = model, speed, take

    def instead(self) -> Iterator[tuple[float, ModelResponse | None]]:
        before = 0.0
        for when, text in self._take.pieces:
            yield (when - before) / self._speed, ModelResponse(role="assistant", content=text)
            before = when
        if self._take.error:
            yield (self._take.seconds - before) / self._speed, None
            raise ModelProviderError(self._take.message, model_id=self._model)


class _Playback:
    """A tape being played: which take comes next, and how fast."""

    def __init__(self, tape: Tape, speed: float) -> None:
        if not speed > 0:
            raise InputError("The speed must be positive: 1 plays as it was, 2 twice as fast.")
        self.tape, self.speed = tape, speed
        self._played: Counter[str] = Counter()
        self._guard = Lock()

    def next(self, asked: str) -> Take:
        with self._guard:
            take = self.tape.find(asked, self._played[asked])
            self._played[asked] += 1
            return take
