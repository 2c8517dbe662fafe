"""The address of a database server, with the password apart from it: in no message, no representation, no log."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final, Self

from pydantic import SecretStr
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError, SQLAlchemyError

from finassist.core.errors import ConfigurationError, SessionError
from finassist.core.redaction import redact

_DRIVER: Final = "postgresql+psycopg"
_SECRETS: Final = ("password", "sslpassword")
_ADDRESS: Final = re.compile(r"postgres(ql)?(\+\w+)?://")
_HOST: Final = re.compile(r"[\w.:%\-\[\]/,]*")


@dataclass(frozen=True)
class Address:
    """Where the server is and who we are to it, with the secrets kept apart.

    Attributes:
        url: Without a password.
        secrets: What only the driver is told.

    Example:
        >>> address = Address.read("postgresql://ann:hunter2@db.example.org/research?sslmode=require")
        >>> address.place, address.url.query["sslmode"], "hunter2" in repr(address)
        ('db.example.org/research', 'require', False)
    """

    url: URL
    secrets: Mapping[str, SecretStr]

    @classmethod
    def read(cls, address: str) -> Self:
        """The address of a server, as libpq and SQLAlchemy write it.

        Raises:
            ConfigurationError: It cannot be read. It is not repeated: there may be a password in it.
        """
        url = _parsed(address)
        if url is None or not _HOST.fullmatch(url.host or ""):
            raise ConfigurationError(
                "This address of a PostgreSQL server cannot be read. Write postgresql://user:password@host:5432/name; "
                "in the password write %40 for @, %2F for /, %3A for : and %25 for %."
            )
        found = {"password": url.password, **{name: url.query.get(name) for name in _SECRETS if name in url.query}}
        secrets = {name: SecretStr(str(value)) for name, value in found.items() if value}
        query = url.difference_update_query(_SECRETS).query
        plain = URL.create(_DRIVER, url.username, host=url.host, port=url.port, database=url.database, query=query)
        return cls(plain, secrets)

    def __reduce__(self) -> tuple[type[Address], tuple[URL, dict[str, SecretStr]]]:
        """Without the secrets: a pickle is read by anybody. Whoever reads it has them elsewhere."""
        return type(self), (self.url, {})

    @property
    def place(self) -> str:
        """The server and the database, to be shown."""
        host = self.url.host or str(self.url.query.get("host", "localhost"))
        return f"{host}{f':{self.url.port}' if self.url.port else ''}/{self.url.database or ''}"

    def tell(self, _dialect: Any, _record: Any, _arguments: Any, options: dict[str, Any]) -> None:
        """Called by SQLAlchemy right before it connects."""
        options.update({name: secret.get_secret_value() for name, secret in self.secrets.items()})

    def failure(self, error: BaseException) -> SessionError:
        """What went wrong, in words that can be shown. It has no cause: frames of the driver know the password."""
        said = str(getattr(error, "orig", None) or error).strip().split("\n")[0]
        said = redact(said, (secret.get_secret_value() for secret in self.secrets.values()))
        return SessionError(
            f"The session database {self.place} cannot be used ({type(error).__name__}: {said[:300]}). Check that the "
            "server runs, and the user, the password and the rights; or pass db=None to keep sessions in memory."
        )

    def checked[T](self, work: Callable[[], T]) -> T:
        """Do the work; what the driver raises becomes a `SessionError` that has no part of it."""
        try:
            return work()
        except (SQLAlchemyError, OSError) as error:
            failure = self.failure(error)
        raise failure  # out here, so that it does not bring the driver's frames along


def _parsed(address: str) -> URL | None:
    try:
        return make_url(address) if _ADDRESS.match(address) else None
    except (ArgumentError, ValueError):
        return None
