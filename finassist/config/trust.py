"""What this person trusts: a secret of this machine, and the `.env` files that they said are their own."""

from __future__ import annotations

import hmac
import os
import secrets
import stat
import tempfile
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import Final

from platformdirs import user_data_path

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
