"""A real PostgreSQL server for tests, from what is installed: in a folder of its own, gone afterwards."""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from time import monotonic, sleep
from typing import Any

REQUIRED = "TESTS_REQUIRE_POSTGRES"
PASSWORD = "c4nary-p@ss/w:rd%"
QUOTED = "c4nary-p%40ss%2Fw%3Ard%25"
USER = "ann"
_LONGEST_START = 60.0


class NotHere(Exception):
    """No server can be started here, and why."""


@dataclass
class Server:
    """A running server."""

    folder: Path
    port: int
    programs: Path
    owner: dict[str, Any]
    process: subprocess.Popen[bytes] | None = None

    def address(self, database: str = "postgres", *, password: str = QUOTED, **options: str) -> str:
        """How to reach a database, for `db=`."""
        query = "&".join(f"{name}={value}" for name, value in options.items())
        return f"postgresql://{USER}:{password}@127.0.0.1:{self.port}/{database}{f'?{query}' if query else ''}"

    def execute(self, statement: str, database: str = "postgres") -> list[tuple[Any, ...]]:
        """Run a statement as the user who may do anything."""
        import psycopg

        with psycopg.connect(
            host="127.0.0.1", port=self.port, user=USER, password=PASSWORD, dbname=database, autocommit=True
        ) as connection:
            cursor = connection.execute(statement)
            return cursor.fetchall() if cursor.description else []

    def start(self) -> None:
        """Start it, and wait until it answers."""
        arguments = [
            str(self.programs / "postgres"), "-D", str(self.folder / "data"), "-p", str(self.port),
            "-c", "listen_addresses=127.0.0.1", "-c", f"unix_socket_directories={self.folder}", "-c", "fsync=off",
            "-c", "ssl=on", "-c", f"ssl_cert_file={self.folder}/server.crt",
            "-c", f"ssl_key_file={self.folder}/server.key",
        ]  # fmt: skip
        log = (self.folder / "log").open("ab")
        with log:
            self.process = subprocess.Popen(arguments, stdout=log, stderr=log, cwd="/", **self.owner)
        end = monotonic() + _LONGEST_START
        while subprocess.run([self.programs / "pg_isready", "-h", self.folder, "-p", str(self.port), "-q"]).returncode:
            if self.process.poll() is not None or monotonic() > end:
                raise NotHere(f"PostgreSQL does not start: {(self.folder / 'log').read_text()[-500:]}")
            sleep(0.05)

    def stop(self) -> None:
        """Stop it at once; open connections are cut."""
        if self.process is not None:
            self.process.send_signal(signal.SIGINT)
            try:
                self.process.wait(30)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
            self.process = None


@contextmanager
def running() -> Iterator[Server]:
    """A server while the context lasts.

    Raises:
        NotHere: None can be started; the message says why.
    """
    programs = _programs()
    owner = _owner()
    folder = Path(tempfile.mkdtemp(prefix="finassist-postgres-"))
    server = Server(folder, _free_port(), programs, owner)
    try:
        _prepare(server)
        server.start()
        yield server
    finally:
        server.stop()
        shutil.rmtree(folder, ignore_errors=True)


def _programs() -> Path:
    """Debian keeps the programs of a server out of the path, by version."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda path: float(path.parts[-3]))
    beside = shutil.which("initdb")
    if not found and beside is None:
        raise NotHere("PostgreSQL is not installed (Debian: apt-get install postgresql)")
    return (found[-1] if found else Path(str(beside))).parent


def _owner() -> dict[str, Any]:
    """PostgreSQL refuses to run as root: whose process it is instead."""
    if os.geteuid() != 0:
        return {}
    for name in ("postgres", "nobody"):
        try:
            user = pwd.getpwnam(name)
        except KeyError:
            continue
        return {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []}
    raise NotHere("PostgreSQL refuses to run as root, and there is no user “postgres” or “nobody” to run it as")


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def _prepare(server: Server) -> None:
    folder = server.folder
    (folder / "password").write_text(PASSWORD)
    if server.owner:
        for path in (folder, folder / "password"):
            os.chown(path, server.owner["user"], server.owner["group"])
    key = [
        "openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=localhost",
        "-addext", "subjectAltName=IP:127.0.0.1", "-keyout", str(folder / "server.key"),
        "-out", str(folder / "server.crt"),
    ]  # fmt: skip
    initdb = [
        str(server.programs / "initdb"), "-D", str(folder / "data"), "-U", USER, "--auth=scram-sha-256",
        f"--pwfile={folder / 'password'}", "--encoding=UTF8", "--no-locale", "--no-sync",
    ]  # fmt: skip
    for command in (initdb, key):
        if shutil.which(command[0]) is None:
            raise NotHere(f"{command[0]} is not installed")
        done = subprocess.run(command, capture_output=True, text=True, cwd="/", **server.owner)
        if done.returncode:
            raise NotHere(f"{command[0]} failed: {done.stderr[-500:]}")
    os.chmod(folder / "server.key", 0o600)
