"""Frozen behaviour: what the package says, written down once and compared ever after.

    uv run python -m tests.frozen write     write down what is said now
    uv run python -m tests.frozen check     what is said differently; exits with 1 if anything is

Both take `--only questions`, `--only worlds` or `--only names`; `write` then leaves the other records as they are.
Nothing here knows in which module anything lives: only `finassist` itself and `tests.worlds` are imported.
"""

from __future__ import annotations

import os
import re
import tempfile
import time

for _name in [name for name in os.environ if name.endswith("_API_KEY") or name.startswith("FINASSIST_")]:
    del os.environ[_name]
os.environ |= {
    "FINASSIST_HOME": os.devnull,  # as in conftest: nothing of the user's is read or written
    "FINASSIST_CACHE_FOLDER": os.path.join(os.devnull, "cache"),
    "COLUMNS": "100",
    "NO_COLOR": "1",
    "TZ": "UTC",
}
time.tzset()

import argparse  # noqa: E402
import asyncio  # noqa: E402
import contextlib  # noqa: E402
import gzip  # noqa: E402
import inspect  # noqa: E402
import io  # noqa: E402
import json  # noqa: E402
import logging  # noqa: E402
import runpy  # noqa: E402
import sys  # noqa: E402
import warnings  # noqa: E402
from collections import Counter, defaultdict  # noqa: E402
from collections.abc import Callable, Iterator  # noqa: E402
from difflib import unified_diff  # noqa: E402
from itertools import islice  # noqa: E402
from pathlib import Path  # noqa: E402
from typing import Any  # noqa: E402
from unittest.mock import patch  # noqa: E402

import finassist  # noqa: E402
from finassist import FinancialAssistantWorkflow  # noqa: E402
from tests.worlds import NEEDS, ScriptedModel, ScriptedProvider, World  # noqa: E402

DATA = Path(__file__).resolve().parent / "data"
STORE = DATA / "frozen.json.gz"
QUESTIONS = DATA / "frozen_questions.txt"
KINDS = ("questions", "worlds", "names")
EVERY_ASYNC = 4  # of the conversations, one in so many is held with arun() as well
SHOWN_RECORDS, SHOWN_LINES = 20, 15

Record = list[str]
Records = dict[str, Record]

# ------------------------------------------------------------------------------------- what is compared

VOLATILE = {
    "answered_at", "created_at", "duration", "elapsed", "run_id", "session_id", "step_run_id", "time_to_first_token",
    "updated_at", "workflow_run_id",
}  # fmt: skip
UUID = re.compile(r"\b[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\b")
ADDRESS = re.compile(r"<function \S+ at 0x[0-9a-f]+>|\b0x[0-9a-f]{6,}\b")
MODULE = re.compile(r"\bfinassist(?:\.[a-z_]+)*\.(?=[A-Z_])")
BLOCK = re.compile(r"(?=<(?:tr|li|h\d|p|div|details|summary|table|tbody|svg|footer)\b)|(?<=\n)")


def settled(text: str) -> str:
    """Without what differs from run to run, and without what only a reader of the source sees: modules, functions."""
    return MODULE.sub("", ADDRESS.sub("<address>", UUID.sub("<id>", text)))


def plain(value: Any) -> Any:
    """JSON-ready, with a placeholder for each volatile value; what is absent or None stays so."""
    match value:
        case dict():
            return {
                str(key): f"<{key}>" if key in VOLATILE and item is not None else plain(item)
                for key, item in value.items()
            }
        case list() | tuple():
            return [plain(item) for item in value]
        case set() | frozenset():
            return sorted(map(repr, value))
        case str():
            return settled(value)
        case None | bool() | int() | float():
            return value
        case _:
            return settled(repr(value))


def lines(value: Any, name: str = "") -> Iterator[str]:
    """A JSON value as lines: what is short on one of them, the rest opened up; the same at every depth."""
    head = f"{name}: " if name else ""
    if isinstance(value, str) and value.startswith('{"') and value.endswith("}"):
        with contextlib.suppress(ValueError):  # JSON within JSON, as facts are stored; the key "json" says that it was
            value = {"json": plain(json.loads(value))}
    short = json.dumps(value, sort_keys=True, ensure_ascii=False)
    if len(short) <= 300:
        yield head + short
    elif isinstance(value, str):
        yield head + "text"
        yield from value.split("\n")
        yield "end of text"
    elif isinstance(value, dict):
        yield head + "{"
        for key in sorted(value):
            yield from lines(value[key], key)
        yield "}"
    elif any(isinstance(item, dict | list | str) for item in value):
        yield head + "["
        for item in value:
            yield from lines(item)
        yield "]"
    else:
        yield head + short


def in_threads(events: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """In order within each step and each fetch; how those interleave is a matter of timing."""
    threads: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for event in events:
        thread = f"{event['need']} {event.get('symbol')}" if event.get("need") else str(event.get("step_name"))
        threads[thread].append(event)
    return [event for thread in sorted(threads) for event in threads[thread]]


def as_lines(answer: finassist.Answer) -> Records:
    data = plain(answer.to_dict())
    if data.get("events"):
        data["last_event"] = data["events"][-1].get("event")
        data["events"] = in_threads(data["events"])
    html = answer.to_html().replace(answer.session_id or "<none>", "<session_id>")
    return {
        "markdown": settled(str(answer)).split("\n"),
        "html": BLOCK.split(settled(html)),
        "to_dict": [repr(answer), *lines(data)],
    }


def outcome(workflow: FinancialAssistantWorkflow, session: str, ask: Callable[[], Any]) -> Records:
    """An answer, or the error and what is stored of the run that ended with it."""
    try:
        answer = ask()
    except BaseException as error:
        if isinstance(error, KeyboardInterrupt):
            raise
        raised = {"error": [type(error).__name__, *settled(str(error)).split("\n")]}
        stored = workflow.answers(session) if session in session_ids(workflow) else []
        return raised | (as_lines(stored[-1]) if stored else {})
    return as_lines(answer)


def session_ids(workflow: FinancialAssistantWorkflow) -> set[str]:
    return set(workflow.sessions()["session_id"])


# -------------------------------------------------------------------------------------------- questions


def conversations() -> list[list[str]]:
    """The questions asked, follow-ups together with what they follow."""
    found: list[list[str]] = []
    for line in QUESTIONS.read_text(encoding="utf-8").splitlines():
        if not line or line.startswith("#"):
            continue
        question = line.removeprefix("+ ")
        if question.startswith('"') and question.endswith('"'):
            question = json.loads(question)
        if line.startswith("+ "):
            found[-1].append(question)
        else:
            found.append([question])
    return found


def of_questions() -> Records:
    records: Records = {}
    for number, conversation in enumerate(conversations(), 1):
        said = held(conversation, asynchronous=False)
        records |= {f"question {number:03}{name}": record for name, record in said.items()}
        if number % EVERY_ASYNC == 1 or len(conversation) > 1:
            other = held(conversation, asynchronous=True)
            apart = [line for name in sorted({*said, *other}) for line in diff(said.get(name), other.get(name))]
            records[f"question {number:03} with arun()"] = apart or ["as with run()"]
    return records


def held(conversation: list[str], *, asynchronous: bool) -> Records:
    """A conversation on a new workflow, so that no answer depends on what was asked in another."""
    workflow = FinancialAssistantWorkflow(db=None, session_id="frozen")
    records: Records = {}
    for turn, question in enumerate(conversation, 1):

        def ask(question: str = question) -> Any:
            return asyncio.run(once(workflow, question)) if asynchronous else workflow.run(question)

        said = outcome(workflow, "frozen", ask)
        records |= {f" turn {turn}, {part}: {question[:60]!r}": record for part, record in said.items()}
    return records


async def once(workflow: FinancialAssistantWorkflow, question: str) -> Any:
    return await workflow.arun(question)


# ----------------------------------------------------------------------------------------------- worlds


def everywhere(mood: str, *symbols: str) -> dict[str, str]:
    return {f"{need} {symbol}": mood for symbol in symbols for need in NEEDS}


BOTH = ("AAPL", "MSFT")
MIXED = {
    "profile AAPL": "refuses", "income AAPL": "malformed", "balance_sheet AAPL": "empty", "cash_flow AAPL": "bad",
    "quote AAPL": "other_symbol", "history AAPL": "times_out", "income MSFT": "slow", "history MSFT": "empty",
}  # fmt: skip
WORLDS: dict[str, tuple[World, dict[str, Any]]] = {
    "all is fine": (World(symbols=BOTH), {}),
    "sources refuse": (World(everywhere("refuses", *BOTH)), {}),
    "one company times out": (World(everywhere("times_out", "MSFT"), symbols=BOTH), {}),
    "each need fails its own way": (World(MIXED, symbols=BOTH), {}),
    "sources cancel themselves": (World({"quote AAPL": "cancels_itself", "income MSFT": "cancels_itself"}), {}),
    "a source has a bug": (World({"quote AAPL": "bug", "income AAPL": "refuses"}), {}),
    "a source exits": (World({"income AAPL": "exits"}), {}),
    "models fail": (World(router="fails", extraction="fails", chat="fails"), {}),
    "models fail, asked first": (World(router="fails", extraction="fails", chat="fails"), {"routing": "model"}),
    "models talk prose": (World(router="prose", extraction="prose", chat="prose"), {"routing": "model"}),
    "models invent": (World(extraction="invents", category="income_statement", symbols=BOTH), {"routing": "model"}),
    "models are mute": (World(router="empty", extraction="empty", chat="empty", symbols=()), {"routing": "model"}),
    "a model asked first": (World(category="stock_price"), {"routing": "model"}),
    "rules alone": (World(chat="fails", symbols=()), {"routing": "rules"}),
    "stand-ins": (World(everywhere("refuses", "AAPL"), router="fails", chat="fails"), {"standing_in": True}),
}
WORLD_QUESTIONS = (
    "Tell me about Apple", "Compare Apple and Microsoft", "What is Apple's stock price?", "$AAPL income statement",
    "Show the balance sheet and cash flow of AAPL and MSFT", "What about the iPhone maker?", "What is EBITDA?",
    "Tell me about Appel", "Compare the stock prices of Apple and Microsoft", "Microsoft's price?", "msft revenue",
    "What is EBITDA for Apple?", "Compare Apple and Foobarcorp", "Tell me about Foobarcorp", "$LEMON", "Hello", "help",
    "Should I buy AAPL or wait?", "Is Microsoft profitable?", "apple debt", "What is a good P/E ratio?", "why?", "?",
    "Wie hoch ist der Umsatz von Apple?", "Apple's cash flow", "AAPL AAPL AAPL", "AAPL/MSFT", "", "write me a poem",
    "the maker of Windows against the maker of the iPhone", "Free cash flow of Microsoft, last three years",
)  # fmt: skip


def of_worlds() -> Records:
    records: Records = {}
    for name, (world, options) in WORLDS.items():
        for number, question in enumerate(WORLD_QUESTIONS, 1):
            said = in_world(world, question, **options)
            place = f"world {name!r}, {number:02}"
            records |= {f"{place}, {part}: {question[:60]!r}": record for part, record in said.items()}
    return records


def in_world(world: World, question: str, *, standing_in: bool = False, **options: Any) -> Records:
    """The answer, and what it took: which figures were asked for, and how often the model was called."""
    source, model = ScriptedProvider(world), ScriptedModel(world)
    workflow = FinancialAssistantWorkflow(
        db=None,
        session_id="frozen",
        provider=[source, "embedded"] if standing_in else source,
        model=[model, "offline"] if standing_in else model,
        **options,
    )
    said = outcome(workflow, "frozen", lambda: workflow.run(question))
    asked = [f"{count} times {need} {symbol}" for (need, symbol), count in sorted(Counter(source.asked).items())]
    return said | {"calls": [*asked, f"{model.calls} times the model"]}


# ------------------------------------------------------------------------------------------------ names


def of_names() -> Records:
    records: Records = {"names of the package": [*finassist.__all__, f"version {finassist.__version__}"]}
    for name in finassist.__all__:
        thing = getattr(finassist, name)
        if not callable(thing):
            records[f"name {name}"] = settled(repr(thing)).split("\n")
            continue
        attributes = public(thing) if isinstance(thing, type) else []
        records[f"name {name}"] = [signature(thing), *attributes]
    for owner in (FinancialAssistantWorkflow, finassist.Answer):
        methods = [name for name in public(owner) if callable(getattr(owner, name))]
        signatures = [f"{name}{signature(getattr(owner, name))}" for name in methods]
        records[f"signatures of {owner.__name__}"] = signatures
    return records | dict(helps(()))


def public(owner: type) -> list[str]:
    return sorted(name for name in dir(owner) if not name.startswith("_"))


def signature(thing: Any) -> str:
    try:
        return settled(str(inspect.signature(thing)))
    except ValueError:
        return "(no signature)"


def helps(command: tuple[str, ...]) -> Iterator[tuple[str, Record]]:
    """The help of a command and of all below it, as the help itself lists them."""
    text = program(*command, "--help")
    yield " ".join(["help of finassist", *command]), text
    listed = False
    for line in text:
        listed = line == "commands:" or (listed and bool(line.strip()))
        if listed and (found := re.match(r" {4}([a-z][\w-]*)(?: |$)", line)):
            yield from helps((*command, found[1]))


def program(*arguments: str) -> Record:
    said, code = io.StringIO(), None
    try:
        with patch.object(sys, "argv", ["finassist", *arguments]), contextlib.redirect_stdout(said):
            runpy.run_module("finassist", run_name="__main__")
    except SystemExit as exit_:
        code = exit_.code
    return [*said.getvalue().split("\n"), f"exit code {code}"]


# ------------------------------------------------------------------------------------ writing, checking


def now(kinds: tuple[str, ...]) -> Records:
    """What is said now; the working directory is an empty one, so that no `.env` counts."""
    makers = {"questions": of_questions, "worlds": of_worlds, "names": of_names}
    logging.disable(logging.CRITICAL)
    with tempfile.TemporaryDirectory() as folder, contextlib.chdir(folder), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return {f"{kind} | {name}": record for kind in kinds for name, record in makers[kind]().items()}


def write(records: Records) -> None:
    """Each different line once, and each record as runs of line numbers: first, count, first, count, …."""
    table = {line: number for number, line in enumerate(dict.fromkeys(line for r in records.values() for line in r))}
    content = {
        "lines": list(table),
        "records": {name: packed([table[line] for line in record]) for name, record in records.items()},
    }
    text = json.dumps(content, sort_keys=True, ensure_ascii=False, separators=(",", ":"))
    STORE.write_bytes(gzip.compress(text.encode(), compresslevel=9, mtime=0))


def packed(numbers: list[int]) -> list[int]:
    runs: list[int] = []
    for number in numbers:
        if runs and number == runs[-2] + runs[-1]:
            runs[-1] += 1
        else:
            runs += [number, 1]
    return runs


def read() -> Records:
    content = json.loads(gzip.decompress(STORE.read_bytes()))
    every = content["lines"]
    return {
        name: [
            line
            for first, count in zip(runs[::2], runs[1::2], strict=True)
            for line in every[first : first + count]
        ]
        for name, runs in content["records"].items()
    }  # fmt: skip


def diff(old: Record | None, new: Record | None) -> list[str]:
    if old == new:
        return []
    found = unified_diff(old or ["(no such record)"], new or ["(no such record)"], "frozen", "now", n=1, lineterm="")
    return [line[:200] for line in islice(found, 2, 2 + SHOWN_LINES)]


def check(old: Records, new: Records) -> int:
    changed = [name for name in dict.fromkeys([*old, *new]) if old.get(name) != new.get(name)]
    for name in changed[:SHOWN_RECORDS]:
        print(name, *diff(old.get(name), new.get(name)), "", sep="\n")
    for name in changed[SHOWN_RECORDS:]:
        print(name)
    print(f"{len(changed)} of {len({*old, *new})} records differ.")
    return 1 if changed else 0


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.frozen", description="Frozen behaviour.")
    parser.add_argument("command", choices=("write", "check"))
    parser.add_argument("--only", choices=KINDS, help="these records alone")
    options = parser.parse_args()
    kinds = (options.only,) if options.only else KINDS
    others = tuple(f"{kind} | " for kind in KINDS if kind not in kinds)
    old = read() if STORE.exists() else {}
    new = now(kinds)
    if options.command == "check":
        return check({name: record for name, record in old.items() if not name.startswith(others)}, new)
    kept = {name: record for name, record in old.items() if name.startswith(others)}
    write(dict(sorted((kept | new).items())))
    print(f"{len(new)} records written, {len(kept)} kept; {STORE.stat().st_size:,} bytes.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
