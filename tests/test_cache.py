"""The disk cache: gives back what was put, forgets in time, and never trusts what it finds."""

from __future__ import annotations

import asyncio
import sqlite3
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, get_args

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from finassist.config.sources import signature
from finassist.providers.http.cache import FILE, LIFETIMES, Cache, Kind

KINDS = st.sampled_from(get_args(Kind))
NOW = datetime(2026, 8, 21, 12, tzinfo=UTC)


class Clock:
    def __init__(self) -> None:
        self.now = NOW

    def __call__(self) -> datetime:
        return self.now


def files(cache: Cache) -> list[Path]:
    return sorted(cache.folder.iterdir()) if cache.folder.exists() else []


def put(cache: Cache, key: str, kind: Kind, text: str) -> None:
    asyncio.run(cache.put(key, kind, text))


def get(cache: Cache, key: str, kind: Kind) -> Any:
    entry = asyncio.run(cache.get(key, kind))
    return entry and entry.text


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def cache(tmp_path: Path, clock: Clock) -> Cache:
    return Cache(tmp_path / "cache", clock=clock)


# --------------------------------------------------------------------------------------------- the laws


@settings(max_examples=30, deadline=None)
@given(st.lists(st.tuples(st.sampled_from("abc"), KINDS, st.text(st.characters(exclude_categories=["Cs"])))))
def test_the_last_text_put_under_a_key_is_what_is_found(puts: list[tuple[str, Kind, str]]) -> None:
    with TemporaryDirectory() as folder:
        cache, known = Cache(Path(folder)), dict[str, tuple[Kind, str]]()

        async def scene() -> None:
            for key, kind, text in puts:
                await cache.put(key, kind, text)
                known[key] = kind, text
            for key in "abc":
                kind, text = known.get(key, ("quote", None))
                entry = await cache.get(key, kind)
                assert (entry and entry.text) == text

        asyncio.run(scene())
        assert cache.size().entries == len(known)


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_a_damaged_file_is_never_believed_and_does_not_stay(data: Any) -> None:
    with TemporaryDirectory() as folder:
        cache = Cache(Path(folder))
        put(cache, "key", "quote", '[{"price": 101.5}]')
        [path] = files(cache)
        whole = path.read_bytes()
        at = data.draw(st.integers(0, len(whole) - 1) | st.integers(0, 100))
        damage = data.draw(st.sampled_from(["flip", "cut", "grow", "swap"]))
        if damage == "flip":
            path.write_bytes(whole[:at] + bytes([whole[at] ^ data.draw(st.integers(1, 255))]) + whole[at + 1 :])
        elif damage == "cut":
            path.write_bytes(whole[:at])
        elif damage == "grow":
            path.write_bytes(whole + data.draw(st.binary(min_size=1, max_size=9)))
        else:
            path.write_bytes(data.draw(st.binary(max_size=200)))
        assert get(cache, "key", "quote") in (None, '[{"price": 101.5}]')
        for _ in range(2):  # the first may be what finds the damage
            put(cache, "key", "quote", "[2]")
        assert get(cache, "key", "quote") == "[2]"


@pytest.mark.parametrize(
    "change",
    [
        "text = '[{\"price\": 9}]'",
        "text = 5",
        "signature = upper(signature)",
        "signature = 5",
        "kind = 'news'",
        "fetched_at = fetched_at + 1",
    ],
)
def test_a_changed_row_is_not_believed(cache: Cache, change: str) -> None:
    put(cache, "key", "quote", '[{"price": 101.5}]')
    with closing(sqlite3.connect(cache.folder / FILE)) as connection, connection:
        connection.execute(f"UPDATE answers SET {change}")
    assert get(cache, "key", "quote") is None
    assert cache.size().entries == 0


ENDLESS = "WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM c) SELECT x FROM c"
PLANTED = {
    "as it is": "",
    "forged": "UPDATE answers SET text = '[9]'",
    "a view that never ends": f"DROP TABLE answers; CREATE VIEW answers AS {ENDLESS}",
    "a trigger that never ends": f"CREATE TRIGGER t BEFORE DELETE ON answers BEGIN DELETE FROM answers WHERE key IN "
    f"(SELECT x FROM ({ENDLESS})); END",
}


def test_a_file_from_elsewhere_is_not_believed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A cache of another machine, whose rows are under the names that this one looks for."""
    for name, change in PLANTED.items():
        monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "theirs"))
        cache = Cache(tmp_path / name)
        put(cache, "key", "quote", "[1]")
        monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "ours"))
        with closing(sqlite3.connect(cache.folder / FILE)) as connection:
            connection.executescript(f"UPDATE answers SET key = '{signature('key')}'; {change}")
        assert get(cache, "key", "quote") is None, name
        assert cache.size().entries == 0
        put(cache, "key", "quote", "[2]")
        assert get(cache, "key", "quote") == "[2]"


def test_an_entry_lives_as_long_as_its_kind(cache: Cache, clock: Clock) -> None:
    for kind, lifetime in LIFETIMES.items():
        clock.now = NOW
        put(cache, kind, kind, "[1]")
        clock.now = NOW + lifetime - timedelta(seconds=1)
        assert get(cache, kind, kind) == "[1]"
        clock.now = NOW + lifetime
        assert get(cache, kind, kind) is None
    assert cache.size().entries == 0, "what is stale is removed"


def test_a_filed_statement_is_not_a_quote() -> None:
    assert LIFETIMES["quote"] < LIFETIMES["history"] < LIFETIMES["statement"]


def test_an_entry_knows_when_it_came(cache: Cache, clock: Clock) -> None:
    put(cache, "key", "profile", "[]")
    clock.now += timedelta(hours=3)
    entry = asyncio.run(cache.get("key", "profile"))
    assert entry is not None
    assert entry.fetched_at == NOW


def test_an_entry_from_the_future_is_not_believed(cache: Cache, clock: Clock) -> None:
    put(cache, "key", "profile", "[]")
    clock.now -= timedelta(days=1)
    assert get(cache, "key", "profile") is None


# ------------------------------------------------------------------------------------ files and folders


def test_a_file_does_not_tell_what_was_asked(cache: Cache) -> None:
    put(cache, "/quote\nsymbol=AAPL", "quote", "[1]")
    [path] = files(cache)
    assert "AAPL" not in path.name
    assert b"AAPL" not in path.read_bytes()


def test_clearing_removes_all_answers(cache: Cache) -> None:
    for number in range(3):
        put(cache, f"key{number}", "quote", "[1]")
    size = cache.size()
    assert (size.entries, size.bytes > 0, size.oldest is not None) == (3, True, True)
    assert cache.clear() == 3
    assert cache.size().oldest is None
    assert cache.clear() == 0


def test_what_is_older_than_any_lifetime_is_removed_when_another_cache_writes(cache: Cache, clock: Clock) -> None:
    put(cache, "old", "quote", "[1]")
    clock.now += max(LIFETIMES.values()) + timedelta(seconds=1)
    put(Cache(cache.folder, clock=clock), "new", "quote", "[1]")
    assert cache.size().entries == 1


def test_a_lock_of_another_process_costs_the_answer_and_not_the_file(cache: Cache) -> None:
    put(cache, "key", "quote", "[1]")
    with closing(sqlite3.connect(cache.folder / FILE, isolation_level=None)) as connection:
        connection.execute("BEGIN EXCLUSIVE")
        assert get(cache, "key", "quote") is None
        connection.execute("ROLLBACK")
    assert get(cache, "key", "quote") == "[1]"


def test_a_disk_that_cannot_be_used_is_no_cache(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    cache = Cache(tmp_path / "file" / "cache")
    put(cache, "key", "quote", "[1]")
    assert get(cache, "key", "quote") is None
    assert cache.size().entries == cache.clear() == 0


def test_a_folder_in_place_of_a_file_is_no_answer(cache: Cache) -> None:
    put(cache, "key", "quote", "[1]")
    [path] = files(cache)
    path.unlink()
    path.mkdir()
    assert get(cache, "key", "quote") is None


def test_readers_and_writers_at_the_same_time_see_whole_answers(cache: Cache) -> None:
    texts = [str(number) * 20_000 for number in range(8)]

    async def read() -> None:
        for _ in range(20):
            entry = await cache.get("key", "quote")
            assert entry is None or entry.text in texts

    async def scene() -> None:
        async with asyncio.TaskGroup() as group:
            for text in texts:
                group.create_task(cache.put("key", "quote", text))
                group.create_task(read())
        assert len(files(cache)) == 1

    asyncio.run(scene())
