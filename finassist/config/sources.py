"""Where settings come from: variables that are ours or misspelt, the `.env` that is read, and whether it is trusted."""

from __future__ import annotations

import hmac
import os
import secrets
import shlex
import stat
import tempfile
import warnings
from collections.abc import Collection, Iterable, Sequence
from contextlib import suppress
from difflib import get_close_matches
from functools import cache
from pathlib import Path
from typing import Any, Final, cast

from platformdirs import user_data_path

from finassist.core.errors import ConfigurationError
from finassist.core.text import did_you_mean

PREFIX: Final = "FINASSIST_"

HARMLESS: Final = frozenset({
    "cache", "concurrency", "fetch_timeout", "fmp_plan", "history_lifetime", "http_attempts", "http_timeout", "live",
    "max_companies", "max_question_length", "max_reply_chars", "max_text_length", "metrics_lifetime", "model_retries",
    "model_timeout",
    "news_lifetime", "per_minute", "profile_lifetime", "question_timeout", "quote_lifetime",
    "recommendations_lifetime", "remembered_turns", "routing", "search_lifetime", "statement_lifetime",
    "summary_after", "years",
})  # fmt: skip
"""Settings that a `.env` may set before it is trusted: display and limits, and never who answers or what is read."""

_PACKAGE: Final = str(Path(__file__).parents[1]) + os.sep
_NEAR: Final = 0.85
_ROOT: Final = (".git", "pyproject.toml")
_warned: set[str] = set()


class FinassistWarning(UserWarning):
    """Something is odd and nothing is lost: an unknown variable, for example."""


def env_file() -> Path | None:
    """The `.env` of the working folder; without one, the nearest above it up to the root of the project.

    The root is the folder with `.git` or `pyproject.toml`. Nothing above it is read, and without a root only the
    working folder is.
    """
    try:
        above = [Path.cwd(), *Path.cwd().parents]
        root = next((depth for depth, folder in enumerate(above) if any((folder / name).exists() for name in _ROOT)), 0)
        found = next((path for folder in above[: root + 1] if _is_file(path := folder / ".env")), None)
    except OSError:  # a working folder that was deleted, or one above it that may not be looked into
        return None
    return found


def _is_file(path: Path) -> bool:
    if path.exists() and not path.is_file() and not path.is_dir():
        _warn(f"{path} is no ordinary file and is not read.")
    if path.is_file() and path.stat().st_size > _MOST_BYTES:
        _warn(f"{path} has more than {_MOST_BYTES:,} bytes and is not read.")
        return False
    return path.is_file()


_MOST_BYTES: Final = 1 << 18  # a longer file takes seconds to read, and holds no settings


def ordinary(files: Any) -> Any:
    """The path or paths of `.env` files as given, which must be no pipe or device: reading that may never end."""
    for each in cast("Sequence[Any]", files) if isinstance(files, list | tuple) else (files,):
        if each is not None and (path := Path(each).expanduser()).exists() and not path.is_file():
            raise ConfigurationError(f"{path} is no ordinary file. Give `_env_file` the path of a text file.")
    return cast("object", files)


def untrusted(file: Path, variables: Iterable[str], settings: Collection[str]) -> dict[str, str]:
    """The variables that a `.env` may not set before it is trusted, each with its setting."""
    names = {name for name in settings if name not in HARMLESS}
    meant = {text.upper(): name for name in names for text in (f"{PREFIX}{name}", variable_of(name))}
    found = {variable: meant[variable.upper()] for variable in variables if variable.upper() in meant}
    return found if found and not is_trusted(file) else {}


def warn_of_untrusted(file: Any, variables: Sequence[str]) -> None:
    """Warn once for each version of a file that lines of it are ignored, and how to change that."""
    if variables:
        text = (
            f"{file} sets {', '.join(sorted(variables)).upper()}. That is ignored until you trust the file: one that "
            "came with a folder could name a cache, a model or a data source of somebody else. If it is yours, run: "
            f"finassist config trust {shlex.quote(str(file))}"
        )
        _warn(text, version=seal(file))


def is_key(name: str) -> bool:
    """Whether the setting is a secret."""
    return name.endswith("_api_key")


def variable_of(name: str) -> str:
    """The documented variable of a setting.

    Example:
        >>> variable_of("years"), variable_of("fmp_api_key")
        ('FINASSIST_YEARS', 'FMP_API_KEY')
    """
    return name.upper() if is_key(name) else f"{PREFIX}{name.upper()}"


def unread_variables(names: Iterable[str], settings: Collection[str], *, keys: bool = False) -> dict[str, str]:
    """Variables that look like ours and are not read, each with a hint at the one that was meant, if it is clear.

    With `keys` also those that look like a key of ours which is not set.

    Example:
        >>> unread_variables(["FINASSIST_ROUTNG", "FINASSIST_XYZZY_Q", "PATH"], ["routing"])
        {'FINASSIST_ROUTNG': ' Did you mean FINASSIST_ROUTING?', 'FINASSIST_XYZZY_Q': ''}
        >>> unread_variables(["FMP_APIKEY", "AWS_SECRET_KEY"], ["fmp_api_key"], keys=True)
        {'FMP_APIKEY': ' Did you mean FMP_API_KEY?'}
    """
    present = {name.upper() for name in names}
    prefixed = [f"{PREFIX}{name.upper()}" for name in settings]
    read = {*prefixed, *map(variable_of, settings)}
    meant = [name for name in read - present if not name.startswith(PREFIX)]
    found: dict[str, str] = {}
    for name in sorted(present - read):
        if name.startswith(PREFIX) or (name.startswith("FIN") and _near(name, prefixed)):
            found[name] = did_you_mean(name, sorted(read))
        elif keys and "KEY" in name and (near := _near(name, meant)):
            found[name] = f" Did you mean {near[0]}?"
    return found


def _near(name: str, names: Sequence[str]) -> list[str]:
    return get_close_matches(name, names, n=1, cutoff=_NEAR)


def warn_of_unread(names: Iterable[str], settings: Collection[str]) -> None:
    """Warn of each once in a process, by name and never with its value."""
    for name, hint in unread_variables(names, settings).items():
        _warn(f"finassist reads no variable {name}.{hint or ' Correct or remove it.'}")


def _warn(text: str, version: str = "") -> None:
    if text + version not in _warned:
        _warned.add(text + version)
        warnings.warn(text, FinassistWarning, skip_file_prefixes=(_PACKAGE,))


# ------------------------------------------------------------------------------------------------------- trust

_LENGTH: Final = 32
_SAFELY: Final = getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)


def signature(*parts: str) -> str:
    """A signature that only this user on this machine can make, of texts in this order.

    Example:
        >>> signature("a", "b") == signature("a", "b") != signature("ab", "")
        True
    """
    packed = b"".join(b"%d:%s" % (len(part), part) for part in (text.encode(errors="surrogatepass") for text in parts))
    return hmac.digest(_key(_folder()), packed, "sha256").hex()


def is_trusted(file: Path) -> bool:
    """Whether the person trusts this file as it is now; any change of it ends that."""
    sealed = _folder() / "trusted"
    with suppress(OSError):
        return sealed.is_file() and seal(file) in sealed.read_text(encoding="ascii", errors="replace").split()
    return False


def trust(file: Path) -> None:
    """Trust this file as it is now."""
    if not is_trusted(file):
        _folder().mkdir(parents=True, exist_ok=True, mode=0o700)
        with (_folder() / "trusted").open("a", encoding="ascii") as sealed:
            sealed.write(f"{seal(file)}\n")


def seal(file: Path) -> str:
    """A signature of a file at its place, as it is now."""
    return signature(str(file.resolve()), file.read_bytes().hex())


def _folder() -> Path:
    """Never that of a setting: a secret that comes with a folder is none."""
    return user_data_path("finassist", False)


@cache
def _key(folder: Path) -> bytes:
    """The secret in the folder, made on first use; one of this process alone where the disk cannot be used."""
    path = folder / "secret"
    with suppress(OSError):
        if not (found := _read(path)):
            folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            descriptor, made = tempfile.mkstemp(dir=folder)  # only its owner can read it
            with os.fdopen(descriptor, "wb") as file:
                file.write(secrets.token_bytes(_LENGTH))
            os.replace(made, path)
            found = _read(path)
        if found:
            return found
    return secrets.token_bytes(_LENGTH)


def _read(path: Path) -> bytes | None:
    """The secret; `None` if there is none, or if others may have read or written it."""
    try:
        descriptor = os.open(path, os.O_RDONLY | _SAFELY)
    except OSError:
        return None
    with os.fdopen(descriptor, "rb") as file:
        status = os.fstat(descriptor)
        ours = os.name != "posix" or (status.st_uid == os.getuid() and not stat.S_IMODE(status.st_mode) & 0o077)
        found = file.read(_LENGTH + 1) if ours and stat.S_ISREG(status.st_mode) else b""
    return found if len(found) == _LENGTH else None
