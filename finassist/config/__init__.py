"""`finassist.configure(...)`: settings for every workflow that a process builds from now on."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from finassist.config.settings import Settings, wrapped


@dataclass(frozen=True)
class Configuration(AbstractContextManager["Configuration", None]):
    """The handle of one `configure(...)`. `reset()` takes it back, and so does leaving a `with` block."""

    changes: Mapping[str, Any]
    before: Mapping[str, Any]

    def reset(self) -> None:
        """Go back to what was configured before."""
        Settings.configured = self.before

    def __exit__(self, *_: object) -> None:
        self.reset()

    def __repr__(self) -> str:
        return f"<configured: {', '.join(self.changes) or 'nothing'}; .reset() undoes it>"


def configure(**settings: Any) -> Configuration:
    """Change settings for every workflow that is built from now on in this process.

    Without arguments it resets everything configured before. An argument of a workflow or of `Settings` still wins.

    Args:
        **settings: Any setting by its name, for example `years=3` or `fmp_api_key="..."`.

    Returns:
        A handle: use it in a `with` block, or call its `reset()`.

    Raises:
        ConfigurationError: There is no such setting, or a value cannot be used. Nothing is changed then.

    Example:
        >>> with configure(years=3):
        ...     Settings().years, Settings().origin("years")
        (3, 'configure()')
        >>> Settings().origin("years")
        'default'
    """
    before = Settings.configured
    settings = wrapped(settings)
    Settings(**settings)
    Settings.configured = MappingProxyType({**before, **settings} if settings else {})
    return Configuration(settings, before)
