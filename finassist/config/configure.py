"""`finassist.configure(...)`: settings for every workflow that is built afterwards in this process."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Self

from finassist.config.settings import Settings, with_wrapped_keys


class Configuration:
    """The handle of one `configure(...)`. `reset()` takes it back, and so does leaving a `with` block."""

    def __init__(self, changes: Mapping[str, Any], before: Mapping[str, Any]) -> None:
        self._names, self._before = tuple(changes), before

    def reset(self) -> None:
        """Go back to what was configured before."""
        Settings.configured = self._before

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.reset()

    def __repr__(self) -> str:
        return f"<configured: {', '.join(self._names) or 'nothing'}; .reset() takes it back>"


def configure(**settings: Any) -> Configuration:
    """Change settings for every workflow that is built from now on in this process.

    Without arguments it forgets everything configured before. An argument of a workflow or of `Settings` still wins.

    Args:
        **settings: Any setting by its name, for example `years=3` or `fmp_api_key="..."`.

    Returns:
        A handle: use it in a `with` block, or call its `reset()`.

    Raises:
        ConfigurationError: There is no such setting, or a value cannot be used. Nothing is changed then.

    Example:
        >>> from finassist.config.settings import Settings
        >>> with configure(years=3):
        ...     Settings().years, Settings().origin("years")
        (3, 'configure()')
        >>> Settings().origin("years")
        'default'
    """
    before = Settings.configured
    settings = with_wrapped_keys(settings)
    Settings(**settings)
    Settings.configured = MappingProxyType({**before, **settings} if settings else {})
    return Configuration(settings, before)
