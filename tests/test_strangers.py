"""Files of a stranger run nothing, and one that is a pipe or a device makes nobody wait."""

from __future__ import annotations

import json
import os
import pickle
import sqlite3
import zlib
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import finassist
from finassist import FinancialAssistantWorkflow, FinassistError, FrameProvider, InputError, read_frame
from finassist.__main__ import main
from finassist.core.errors import LedgerError, SessionError
from finassist.testing import Tape

QUESTIONS = ["What is Apple's stock price?"]
SAID = "it is a pipe or a device and not a file"


def ask(**options: Any) -> Any:
    return FinancialAssistantWorkflow(db=options.pop("db", None)).run_many(QUESTIONS, **options)


READERS: dict[str, tuple[Callable[[str], Any], type[Exception]]] = {
    **{f"read_frame {form}": (read_frame, OSError) for form in ("csv", "xlsx", "parquet")},
    **{
        f"FrameProvider {form}": (lambda path: FrameProvider(path, symbol="LEMON"), FinassistError)
        for form in ("csv", "xlsx", "parquet")
    },
    "db db": (lambda path: FinancialAssistantWorkflow(db=path), SessionError),
    "ledger db": (lambda path: ask(ledger=path), LedgerError),
    "tape json": (Tape.load, InputError),
}


def test_a_pipe_or_a_device_in_place_of_a_file_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for name, (read, error) in READERS.items():
        pipe, device = (tmp_path / f"{place}.{name.split()[1]}" for place in ("pipe", "device"))
        for path in (pipe, device):
            path.unlink(missing_ok=True)
        os.mkfifo(pipe)
        device.symlink_to("/dev/zero")
        for path in (pipe, device):
            with pytest.raises(error, match=SAID):
                read(str(path))
    for form in ("txt", "csv", "parquet", "db"):
        (tmp_path / f"pipe.{form}").unlink(missing_ok=True)
        os.mkfifo(tmp_path / f"pipe.{form}")
    (tmp_path / "q.txt").write_text(QUESTIONS[0])
    path = str(tmp_path / "pipe")
    for command in (
        ["batch", f"{path}.txt"], ["batch", f"{path}.csv"], ["batch", f"{path}.parquet"],
        ["batch", f"{tmp_path}/q.txt", "--ledger", f"{path}.db"], ["sessions", "--db", f"{path}.db"],
        ["batch", f"{tmp_path}/q.txt", "--ledger", f"{tmp_path}/l.db", "--out", f"{path}.csv"],
        ["eval", "--export", f"{path}.csv"],
    ):  # fmt: skip
        assert main(command) == 1
        assert SAID in capsys.readouterr().err


def test_a_pipe_next_to_a_database_is_named(tmp_path: Path) -> None:
    for ending in ("-journal", "-wal"):
        path = tmp_path / f"mine{ending}.db"
        ask(ledger=path)
        Path(f"{path}{ending}").unlink(missing_ok=True)
        os.mkfifo(f"{path}{ending}")
        with pytest.raises(LedgerError, match=SAID):
            ask(ledger=path)
        with pytest.raises(SessionError, match=SAID):
            FinancialAssistantWorkflow(db=path)


# ------------------------------------------------------------------------------------- nothing is run


class Bomb:
    """Unpickled, it leaves a file."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[Any, ...]:
        return Path.touch, (self.path,)


@pytest.fixture
def bomb(tmp_path: Path) -> Any:
    """Pickled; at the end nothing of ours has unpickled it."""
    mark = tmp_path / "exploded"
    packed = pickle.dumps(Bomb(mark))
    yield packed
    assert not mark.exists()
    pickle.loads(packed)
    assert mark.exists(), "the test of the test"


@pytest.mark.filterwarnings("ignore")
def test_a_parquet_file_runs_nothing(bomb: bytes, tmp_path: Path) -> None:
    extension = {
        b"ARROW:extension:name": b"arrow.py_extension_type",
        b"ARROW:extension:metadata": bomb,
    }
    field = pa.field("fiscal_year", pa.binary(), metadata=extension)
    odd = {"name": "fiscal_year", "field_name": "fiscal_year", "pandas_type": "object", "numpy_type": "object",
           "metadata": {"encoding": "pickle"}}  # fmt: skip
    heads = {b"pandas": json.dumps({"columns": [odd], "index_columns": [], "column_indexes": []}).encode()}
    path = tmp_path / "theirs.parquet"
    for metadata in (None, heads):
        pq.write_table(pa.table([[bomb]], schema=pa.schema([field], metadata=metadata)), path)
        assert read_frame(path).shape == (1, 1)
        with pytest.raises(FinassistError):
            FrameProvider(path, symbol="LEMON")


def test_texts_of_tables_are_not_evaluated(bomb: bytes, tmp_path: Path) -> None:
    path = tmp_path / "theirs.csv"
    for text in (f"__import__('pickle').loads({bomb!r})", "[" * 10_000, "(" * 300 + ")" * 300):
        pd.DataFrame({"symbols": [text], "inputs": [text], "value": [text]}).to_csv(path, index=False)
        with pytest.raises(ValueError, match="holds something that is no"):
            read_frame(path)


def test_a_ledger_runs_nothing_and_fills_no_memory(bomb: bytes, tmp_path: Path) -> None:
    path = tmp_path / "theirs.db"
    for planted in (bomb, zlib.compress(bomb), zlib.compress(bytes(200_000_000))):
        path.unlink(missing_ok=True)
        ask(ledger=path)
        with closing(sqlite3.connect(path)) as db, db:
            db.execute("UPDATE questions SET content = ?, record = ?", (planted, planted))
        [row] = ask(ledger=path).frame.to_dict("records")
        assert (row["status"], row["error"]) == ("failed", "LedgerError"), row


def test_a_ledger_with_views_or_triggers_is_none(tmp_path: Path) -> None:
    for statement in (
        "CREATE VIEW v AS WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x FROM c) SELECT x FROM c",
        "CREATE TRIGGER t AFTER UPDATE ON questions BEGIN DELETE FROM questions; END",
    ):
        path = tmp_path / f"{len(statement)}.db"
        ask(ledger=path)
        with closing(sqlite3.connect(path)) as db, db:
            db.execute(statement)
        with pytest.raises(LedgerError, match="has views or triggers"):
            ask(ledger=path)


def test_a_recipe_names_what_is_built_and_keeps_off_the_folders_of_a_worker(tmp_path: Path) -> None:
    pytest.importorskip("distributed")
    from dataclasses import replace

    from finassist.batch.asking import Work
    from finassist.batch.dask import Recipe

    made = Recipe.of(Work(FinancialAssistantWorkflow(db=None).runtime, None))
    theirs = json.dumps({**json.loads(made.settings), "cache_folder": str(tmp_path), "home": str(tmp_path)})
    there = replace(made, settings=theirs).build().runtime.settings
    assert (there.cache_folder, there.home) == (finassist.Settings().cache_folder, finassist.Settings().home)
    for name in ("os:system", "__main__", "../theirs", "agno.models.openai:OpenAIChat"):
        with pytest.raises(FinassistError):
            replace(made, model=(name,)).build()
        with pytest.raises(FinassistError):
            replace(made, provider=(name,)).build()
