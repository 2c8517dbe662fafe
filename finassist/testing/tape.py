"""A run with its timing, as a file: what sources and models said, and how long each took to say it."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final, Self

from finassist.core.errors import InputError
from finassist.core.redaction import redact

_FORMAT: Final = "finassist tape"
_VERSION: Final = 1
_LARGEST: Final = 50_000_000


@dataclass(frozen=True, slots=True)
class Take:
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

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> Self:
        """The inverse of `dataclasses.asdict`."""
        pieces = tuple((float(when), str(text)) for when, text in data["pieces"])
        return cls(pieces, str(data["error"]), str(data["message"]), float(data["seconds"]))


@dataclass
class Tape:
    """What was said in a run, by whom, and when.

    Attributes:
        model: Id of the model that was recorded.
        provider: Name of the source that was recorded.
        recorded: The day.
        takes: What was asked (`"quote AAPL 6"`, `"chat: What is EBITDA?"`) to what came, each time it was asked.
    """

    model: str = ""
    provider: str = ""
    recorded: str = field(default_factory=lambda: datetime.now(UTC).date().isoformat())
    takes: dict[str, list[Take]] = field(default_factory=dict[str, list[Take]])

    def add(self, asked: str, take: Take) -> None:
        """Record one more answer."""
        self.takes.setdefault(asked, []).append(take)

    def find(self, asked: str, time: int) -> Take:
        """What came when this was asked for the n-th time (from 0); the last take, where it was asked less often.

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
            secrets: Texts that must not be in it, such as keys; wherever they occur they are hidden.
        """
        data = {"format": _FORMAT, "version": _VERSION, **asdict(self)}
        file = Path(path)
        file.write_text(redact(json.dumps(data, indent=1, ensure_ascii=False), secrets) + "\n", encoding="utf-8")
        return file

    @classmethod
    def load(cls, path: str | Path) -> Self:
        """Read a tape.

        Raises:
            InputError: There is no such file, or it is no tape of this version.
        """
        file = Path(path)
        try:
            if file.stat().st_size > _LARGEST:
                raise InputError(f"{file.name} is too large for a tape. Choose another file.")
            data: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
            if (data["format"], data["version"]) != (_FORMAT, _VERSION):
                raise ValueError("another format")
            takes = {str(asked): [Take.from_dict(take) for take in takes] for asked, takes in data["takes"].items()}
            return cls(str(data["model"]), str(data["provider"]), str(data["recorded"]), takes)
        except OSError as error:
            raise InputError(f"The tape {file.name} cannot be read ({error.strerror}). Check the path.") from error
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            if isinstance(error, InputError):
                raise
            raise InputError(f"{file.name} is no tape of this version of finassist. Record it again.") from error
