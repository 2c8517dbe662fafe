"""A canary in every secret, then a search for it in everything that leaves the process. Zero hits."""

from __future__ import annotations

import asyncio
import copy
import json
import logging
import os
import pickle
import sqlite3
import traceback
import zlib
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import quote, quote_plus

import pytest
from agno.tools.finance.providers.financial_datasets import FinancialDatasets
from IPython.core.formatters import DisplayFormatter
from pydantic import SecretStr
from yarl import URL

import finassist
from finassist import FinancialAssistantWorkflow, Settings
from finassist.config.settings import KEYS
from finassist.config.sources import variable_of
from finassist.core.secrets import secrets_of
from finassist.llm import resolve_model
from finassist.providers.fmp import FMPProvider
from finassist.providers.http.endpoint import Endpoint
from finassist.providers.registry import open_provider
from tests.fmp_server import PATHS, fixture, fmp_server
from tests.model_server import ModelServer
from tests.servers import Request, Server, answer, cut_off, hang_up, redirect, stalled
from tests.test_errors import FORMS, ask

CANARIES = {name: f"canary/{name.removesuffix('_api_key')}+0123456789==" for name in KEYS}
SPELLINGS = sorted(
    {
        spelling.lower()
        for canary in CANARIES.values()
        for spelling in (canary, quote(canary, safe=""), quote(canary), quote_plus(canary), canary.replace("/", "\\/"))
    }
)


def echoing(status: int, text: str, **headers: str) -> Any:
    """Repeats the key it was sent, in the body and in a header."""

    def act(request: Request) -> Any:
        key = request.query.get("apikey", "no key")
        return answer(text.replace("KEY", key), status=status, headers={"X-Echo": quote(key), **headers})

    return act


SOURCES: dict[str, Any] = {
    "401": echoing(401, '{"Error Message": "Invalid API KEY: KEY"}'),
    "402 in text": echoing(402, "Premium Query Parameter: KEY is not yours"),
    "403": echoing(403, '{"Error Message": "Legacy Endpoint KEY"}'),
    "429": echoing(429, '{"Error Message": "Limit Reach KEY"}'),
    "500": echoing(500, "<html>trouble with KEY</html>", **{"Content-Type": "text/html"}),
    "200 with an error": echoing(200, '{"Error Message": "KEY"}'),
    "200 of the wrong form": echoing(200, '[{"symbol": "KEY", "price": "KEY", "companyName": 3}]'),
    "200 that is no JSON": echoing(200, "KEY"),
    "redirect": lambda request: redirect(f"https://elsewhere.invalid/?apikey={request.query.get('apikey')}"),
    "cut off": lambda request: cut_off(f'[{{"a": "{request.query.get("apikey")}"}}]' * 50),
    "silent in the middle": lambda request: stalled("[" + " " * 50),
    "hangs up": lambda _: hang_up(),
}


@pytest.fixture(autouse=True)
def secrets(tmp_path, monkeypatch) -> None:
    monkeypatch.setenv("FINASSIST_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("FINASSIST_CACHE_FOLDER", str(tmp_path / "cache"))
    monkeypatch.setenv("FINASSIST_HTTP_TIMEOUT", "0.5")
    monkeypatch.setenv("FINASSIST_MODEL_RETRIES", "0")
    for name, canary in CANARIES.items():
        monkeypatch.setenv(variable_of(name), canary)
    monkeypatch.chdir(tmp_path)


@contextmanager
def everything_logged() -> Iterator[list[str]]:
    """What every library says at DEBUG, with arguments and tracebacks."""
    lines: list[str] = []

    class Keep(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            lines.append(f"{logging.Formatter().format(record)} {record.args!r} {record.exc_info!r}")

    keep = Keep(logging.DEBUG)
    known = [logging.getLogger(name) for name in logging.root.manager.loggerDict]
    levels = {logger: logger.level for logger in (logging.root, *known)}
    for logger in levels:
        logger.setLevel(logging.DEBUG)
        logger.addHandler(keep)
    try:
        yield lines
    finally:
        for logger, level in levels.items():
            logger.setLevel(level)
            logger.removeHandler(keep)


class Search:
    """Collects what left the process, and says where a canary is in it."""

    def __init__(self) -> None:
        self.places: list[tuple[str, str]] = []

    def see(self, place: str, content: Any) -> None:
        text = content.decode("latin-1") if isinstance(content, bytes) else str(content)
        self.places.append((place, text.lower()))

    def see_object(self, place: str, thing: Any) -> None:
        """As a person prints it, as a notebook shows it, and as a pickle carries it."""
        self.see(f"repr of {place}", f"{thing!r} {thing}")
        self.see(f"display of {place}", DisplayFormatter().format(thing))
        try:
            self.see(f"pickle of {place}", pickle.dumps(thing))
        except Exception as error:  # noqa: BLE001  whatever cannot be pickled carries nothing
            self.see_error(f"pickling of {place}", error)

    def see_error(self, place: str, error: BaseException) -> None:
        """The text, the chain, and the values in each frame of ours."""
        self.see(f"text of {place}", f"{error!r} {error}")
        shown = traceback.TracebackException.from_exception(error, capture_locals=True)
        self.see(f"traceback of {place}", "".join(shown.format()))

    def see_folder(self, folder: Path) -> None:
        for path in folder.rglob("*"):
            self.see(f"name of {path.name}", path)
            if path.is_file():
                self.see(f"file {path.name}", path.read_bytes())

    def see_answer(self, answer: Any) -> None:
        self.see_object("answer", answer)
        self.see("mimebundle", answer._repr_mimebundle_())
        self.see("exports", [answer.to_markdown(), answer.to_html(), answer.to_frame().to_csv(), answer.spans()])
        self.see("to_dict", json.dumps(answer.to_dict(), default=repr))
        self.see("gaps and facts", [answer.gaps, answer.facts, answer.warnings, answer.metrics])

    def see_workflow(self, workflow: FinancialAssistantWorkflow) -> None:
        agents = (workflow.router_agent, workflow.symbol_extraction_agent, workflow.chat_agent, workflow.summary_agent)
        for thing in (workflow, workflow.settings, workflow.provider, workflow.model, *agents):
            self.see_object(type(thing).__name__, thing)
        self.see("to_dict of workflow and model", [workflow.to_dict(), workflow.model.to_dict()])

    def hits(self) -> list[str]:
        found = [(place, spelling) for place, text in self.places for spelling in SPELLINGS if spelling in text]
        return sorted({place for place, _ in found})


def build(source: Server, model: ModelServer, provider: type[FMPProvider] = FMPProvider) -> FinancialAssistantWorkflow:
    settings = Settings()
    return FinancialAssistantWorkflow(
        settings=settings,
        provider=provider(base_url=source.url, settings=settings),
        model=resolve_model("openai:mine", settings, base_url=model.url),
        routing="model",
        store_events=True,
    )


async def ask_in_every_way(workflow: FinancialAssistantWorkflow, search: Search, question: str) -> None:
    for form in ("sync", "streamed", "async", "async streamed"):
        try:
            match form:
                case "sync":
                    search.see_answer(await asyncio.to_thread(workflow.run, question))
                case "streamed":
                    for event in await asyncio.to_thread(lambda: list(workflow.run(question, stream=True))):
                        search.see_object("event", event)
                        search.see("event as dict", event.to_dict())
                case "async":
                    search.see_answer(await workflow.arun(question))
                case _:
                    async for event in workflow.arun(question, stream=True):
                        search.see("event", f"{event!r} {event.to_dict()}")
        except Exception as error:  # noqa: BLE001  any error is looked at
            search.see_error(f"error ({form})", error)


def live_through(source: Server, model: ModelServer, question: str, run_async, capsys, tmp_path) -> Search:
    search = Search()
    with everything_logged() as lines, source, model:
        workflow = build(source, model)
        run_async(ask_in_every_way(workflow, search, question))
        search.see_workflow(workflow)
        search.see_folder(tmp_path)  # while it is open: the database has its -wal next to it
        workflow.close()
        search.see("sessions", workflow.sessions().to_csv())
        search.see("sent to the model", [seen.body for seen in model.seen])
        found = run_async(finassist.doctor(provider=workflow.provider, model=workflow.model))
        search.see("doctor", f"{found!r} {found.to_dict()}")
    search.see_folder(tmp_path)
    search.see("logs", "\n".join(lines))
    search.see("printed", "".join(capsys.readouterr()))
    # Otherwise there was nothing to find.
    assert any(CANARIES["fmp_api_key"] in request.query.values() for request in source.requests)
    assert any(CANARIES["openai_api_key"] in seen.headers["authorization"] for seen in model.seen)
    return search


def some_slow(names: Any, *quick: str) -> list[Any]:
    return [name if name in quick else pytest.param(name, marks=pytest.mark.slow) for name in names]


@pytest.mark.parametrize("fault", some_slow(SOURCES, "401", "200 of the wrong form", "redirect"))
def test_a_source_that_repeats_the_key_tells_nobody(fault, run_async, capsys, tmp_path) -> None:
    search = live_through(Server(SOURCES[fault]), ModelServer(), "Tell me about Apple", run_async, capsys, tmp_path)
    assert search.hits() == []


@pytest.mark.parametrize("mood", some_slow(["fine", "401", "500", "prose", "reset"], "401"))
def test_a_model_that_repeats_the_key_tells_nobody(mood, run_async, capsys, tmp_path) -> None:
    moods = dict.fromkeys(("router", "symbol_extraction", "chat"), mood)
    for question in ("Tell me about Apple", "How do markets feel today?"):
        search = live_through(fmp_server(), ModelServer(moods), question, run_async, capsys, tmp_path)
        assert search.hits() == []


class Unguarded(FMPProvider):
    """Of one company it knows nothing but an error that nobody expects, with the key in it."""

    async def aget_quote(self, symbol: str) -> Any:
        if symbol == "TSLA":
            raise TypeError(f"bug in GET /quote?apikey={quote(CANARIES['fmp_api_key'], safe='')}")
        return await super().aget_quote(symbol)


def partly_broken(request: Request) -> Any:
    """A source that repeats the key where it has no figures, and has some."""
    broken = {"/quote": "402 in text", "/cash-flow-statement": "200 with an error", "/profile": "403"}
    if fault := broken.get(request.path):
        return SOURCES[fault](request)
    return answer(fixture(request.path) if request.path in PATHS else [])


def rows_of(ledger: Path) -> str:
    """Everything in it; of answers, which are compressed, the text and the rest."""
    with closing(sqlite3.connect(ledger)) as db:
        rows = [*db.execute("SELECT * FROM batch"), *db.execute("SELECT * FROM questions")]
        packed = db.execute("SELECT content, record FROM questions WHERE content IS NOT NULL")
        return str(rows) + "".join(zlib.decompress(part).decode() for row in packed for part in row)


def test_a_batch_writes_no_key_into_its_ledger_or_its_frames(tmp_path, capsys) -> None:
    search, ledger = Search(), tmp_path / "ledger.db"
    moods = dict.fromkeys(("router", "symbol_extraction", "chat"), "401")
    questions = [
        "Tell me about Apple",
        "How do markets feel today?",
        "What is the price of Tesla?",
        "Compare $KO and $F",
    ]
    with everything_logged() as lines, Server(partly_broken) as source, ModelServer(moods) as model:
        workflow = build(source, model, Unguarded)
        for result in workflow.run_many(questions, ledger=ledger, stream=True, concurrency=1):
            search.see_object("result", result)
            search.see_folder(tmp_path)  # while it is written: the ledger has its -wal next to it
        batch = workflow.run_many(questions, ledger=ledger)
        across = workflow.across(["AAPL", "TSLA"], "quote", ledger=tmp_path / "across.db")
    assert {"file ledger.db", "file ledger.db-wal"} <= {place for place, _ in search.places}
    assert set(batch.frame["status"]) == {"completed", "failed"}
    assert across.frame["status"].tolist() == ["failed", "failed"]
    for name, made in (("batch", batch), ("across", across)):
        search.see_object(name, made)
        search.see(f"rows of {name}", rows_of(made.ledger))
        search.see(f"answers of {name}", [answer.to_html() for answer in made.answers()])
        for kind in ("frame", "facts", "failures"):
            search.see(f"{kind} of {name}", getattr(made, kind).to_csv())
            getattr(made, kind).to_parquet(tmp_path / f"{name}-{kind}.parquet", compression=None)
    search.see_folder(tmp_path)
    search.see("logs", "\n".join(lines))
    search.see("printed", "".join(capsys.readouterr()))
    assert CANARIES["fmp_api_key"] in {request.query.get("apikey") for request in source.requests}
    assert any(CANARIES["openai_api_key"] in seen.headers["authorization"] for seen in model.seen)
    assert any("bug in GET /quote?apikey=[hidden]" in message for message in batch.failures["message"])
    assert '"facts"' in rows_of(batch.ledger)
    assert search.hits() == []


@pytest.mark.parametrize("form", FORMS)
def test_a_bug_that_repeats_the_key_is_stored_and_told_without_it(form, run_async) -> None:
    search, question = Search(), "What is Tesla's stock price?"
    about = {"category": "stock_price", "symbols": ("TSLA",)}
    with everything_logged() as lines, Server(partly_broken) as source, ModelServer(**about) as model:
        workflow = build(source, model, Unguarded)
        with pytest.raises(TypeError, match=r"apikey=\[hidden\]") as raised:
            search.see_object("events", ask(workflow, form, run_async, question))
        search.see_folder(Path(Settings().database).parent)  # its -wal as well
        search.see("raised", "".join(traceback.format_exception(raised.value)))
        search.see("history", workflow.history().to_csv())
        assert workflow.history()["status"].tolist() == ["ERROR"]
        workflow.close()
    search.see_folder(Path(Settings().database).parent)
    search.see("logs", "\n".join(lines))
    assert search.hits() == []


@pytest.mark.parametrize("owner", ["anthropic", "openai", "groq"])
def test_models_tell_nobody_their_key(owner) -> None:
    pytest.importorskip(owner)
    search = Search()
    model = resolve_model(owner, Settings())
    assert model.api_key == CANARIES[f"{owner}_api_key"]
    search.see_object("model", model)
    search.see("to_dict", model.to_dict())
    assert search.hits() == []


@pytest.mark.parametrize("name", ["fmp", "financial_datasets", "fmp, financial_datasets"])
def test_providers_tell_nobody_their_key(name) -> None:
    search = Search()
    provider = open_provider(name, Settings())
    search.see("shown", [repr(provider), str(provider), DisplayFormatter().format(provider), provider.status()])
    assert search.hits() == []


def test_no_provider_takes_its_key_along_in_a_pickle() -> None:
    search = Search()
    for name in ("financial_datasets", "fmp", "fmp, financial_datasets", "embedded, financial_datasets"):
        search.see_object(name, open_provider(name, Settings()))
    agnos = FinancialDatasets(api_key=CANARIES["financial_datasets_api_key"])
    listed = open_provider([agnos, "embedded"], Settings())
    search.see_object("somebody's own in a list", listed)
    search.see_object("a workflow with it", FinancialAssistantWorkflow(db=None, provider=agnos, model="offline"))
    endpoint = Endpoint("FMP", URL("https://x"), SecretStr(CANARIES["fmp_api_key"]), "apikey", 1)
    search.see_object("endpoint", endpoint)
    assert search.hits() == []
    assert copy.copy(listed) is copy.deepcopy(listed) is listed


def test_a_provider_that_was_pickled_reads_its_key_anew(monkeypatch) -> None:
    pickled = pickle.dumps(open_provider("financial_datasets", Settings()))
    monkeypatch.setenv("FINANCIAL_DATASETS_API_KEY", "of-another-machine")
    assert pickle.loads(pickled).api_key == "of-another-machine"


def test_the_search_finds_what_is_there() -> None:
    """The test of the test: each kind of place, with the canary in it."""
    search = Search()
    canary = CANARIES["fmp_api_key"]
    search.see_object("text", canary)
    search.see("percent-encoded", quote(canary, safe=""))
    search.see("bytes", canary.encode())
    try:
        {}[canary]
    except KeyError as error:
        search.see_error("error", error)
    with everything_logged() as lines:
        logging.getLogger("aiohttp.client").debug("asked %s", canary)
    search.see("logs", lines)
    assert {"pickle of text", "percent-encoded", "bytes", "traceback of error", "logs"} <= set(search.hits())


@pytest.mark.skipif(os.name != "posix", reason="file modes")
def test_only_the_owner_can_read_what_is_written(tmp_path) -> None:
    with fmp_server() as source, ModelServer() as model:
        workflow = build(source, model)
        workflow.run("Tell me about Apple")
        open_to_others = [
            str(path.relative_to(tmp_path))
            for folder in (tmp_path / "home", tmp_path / "cache")
            for path in (folder, *folder.rglob("*"))
            if path.stat().st_mode & 0o077 and path.suffix != ".lock"
        ]
    assert open_to_others == []


@pytest.mark.parametrize("variable", [variable_of(name) for name in KEYS])
def test_a_key_that_cannot_be_used_is_not_repeated(variable, monkeypatch) -> None:
    search = Search()
    monkeypatch.setenv(variable, f"{next(iter(CANARIES.values()))} twice")
    try:
        FinancialAssistantWorkflow(db=None)
    except finassist.FinassistError as error:
        monkeypatch.undo()
        search.see_error("error", error)
    assert search.places
    assert search.hits() == []


def test_any_object_can_be_looked_through_for_secrets() -> None:
    """Items that come one by one, and an attribute that raises, keep no run from its answer."""

    class Strange(dict[str, str]):
        def items(self) -> Any:
            return (pair for pair in [("pat", "hunter2-hunter2")])

        @property
        def token(self) -> str:
            raise RuntimeError

    class Slotted:
        __slots__ = ("raises",)

        def __getattr__(self, name: str) -> Any:
            raise OSError(name)

    assert list(secrets_of({"one": Strange(), "two": Slotted()})) == ["hunter2-hunter2"]
