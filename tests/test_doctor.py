"""`finassist doctor` as a person meets it: everything fine, something wrong, live or offline."""

from __future__ import annotations

import json
import os
import socket
from pathlib import Path

import pytest

import finassist
from finassist import FinancialAssistantWorkflow, FinassistWarning, Settings
from finassist.__main__ import main
from finassist.config.sources import trust
from finassist.llm import resolve_model
from tests.fmp_server import KEY, fixture, fmp, fmp_server
from tests.model_server import ModelServer
from tests.sec_server import sec, sec_server
from tests.servers import Server, answer
from tests.worlds import ScriptedProvider, World


@pytest.fixture(autouse=True)
def own_folders(tmp_path, monkeypatch) -> Path:
    monkeypatch.setenv("FINASSIST_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("FINASSIST_CACHE_FOLDER", str(tmp_path / "cache"))
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def check(run_async):
    """Runs the doctor and returns its checks of one name."""

    def run(name: str, settings: Settings | None = None, **more):
        found = run_async(finassist.doctor(settings, **more))
        return [each for each in found.checks if each.name == name]

    return run


# ------------------------------------------------------------------------------------------- all fine


def test_offline_all_is_well_and_nothing_is_sent(monkeypatch, run_async) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise AssertionError("the doctor went to the network")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    monkeypatch.setattr(socket, "getaddrinfo", refuse)
    found = run_async(finassist.doctor())
    texts = {each.name: each.text for each in found.checks}
    assert found.ok
    assert "offline, needs no key" in texts["data"]
    assert "offline: rules" in texts["model"]
    assert "Everything works" in repr(found)


def test_it_is_a_command_with_an_exit_code(capsys, monkeypatch) -> None:
    assert main(["doctor"]) == 0
    assert "Everything works" in capsys.readouterr().out
    monkeypatch.setenv("FINASSIST_PROVIDER", "nobody")
    assert main(["doctor", "--json"]) == 1
    told = json.loads(capsys.readouterr().out)
    assert told["ok"] is False
    assert [each["name"] for each in told["checks"] if each["verdict"] == "failed"] == ["data"]


def test_a_cell_shows_a_plain_table(run_async) -> None:
    found = run_async(finassist.doctor())
    assert not hasattr(found, "_repr_html_")
    lines = repr(found).splitlines()
    assert all(len(line) <= 100 or " " not in line.strip() for line in lines)
    assert lines[0].startswith("ok      Python")


# ---------------------------------------------------------------------------------- this machine


def test_a_missing_package_is_named(check, monkeypatch) -> None:
    import importlib.metadata as metadata

    monkeypatch.setattr(metadata, "requires", lambda _: ["no-such-package>=1", "agno>=3"])
    assert [each.verdict for each in check("packages")] == ["failed", "ok"]
    assert "no-such-package" in check("packages")[0].text


@pytest.mark.skipif(os.name != "posix", reason="file modes")
def test_a_database_others_can_read_is_noted_with_what_to_do(check) -> None:
    workflow = FinancialAssistantWorkflow(model="offline", provider="embedded")
    workflow.run("What is EBITDA?")
    assert check("sessions")[0].verdict == "ok"
    path = workflow.settings.database
    path.chmod(0o644)
    [noted] = check("sessions")
    assert (noted.verdict, f"chmod 600 {path}" in noted.text) == ("note", True)
    path.chmod(0o600)
    path.parent.chmod(0o755)
    assert "chmod 700" in check("sessions")[0].text


def test_a_home_that_cannot_be_written_fails(check, tmp_path) -> None:
    (tmp_path / "file").write_text("")
    [failed] = check("sessions", Settings(home=tmp_path / "file"))
    assert failed.verdict == "failed"
    assert "FINASSIST_HOME" in failed.text


def test_keys_are_present_or_not_and_never_shown(check, monkeypatch) -> None:
    monkeypatch.setenv("FMP_API_KEY", KEY)
    [keys] = check("keys", provider="embedded")
    assert "set: FMP_API_KEY (environment)" in keys.text
    assert "not set: FINANCIAL_DATASETS_API_KEY" in keys.text
    assert KEY not in keys.text


@pytest.mark.skipif(os.name != "posix", reason="file modes")
def test_an_env_file_with_keys_that_others_can_read_is_noted(check) -> None:
    Path(".env").write_text(f"OPENAI_API_KEY={KEY}")
    with pytest.warns(FinassistWarning, match="OPENAI_API_KEY"):
        assert "OPENAI_API_KEY ignored: the file is not trusted" in check(".env", model="offline")[0].text
    trust(Path(".env"))
    Path(".env").chmod(0o644)
    assert "chmod 600 .env" in check(".env", model="offline")[0].text
    Path(".env").chmod(0o600)
    assert check(".env", model="offline") == []


def test_misspelt_variables_are_named(check, monkeypatch) -> None:
    monkeypatch.setenv("GROQ_APIKEY", KEY)
    assert [each.text for each in check("variables")] == ["GROQ_APIKEY is not read. Did you mean GROQ_API_KEY?"]


def test_settings_that_cannot_be_used_fail_and_the_rest_is_still_looked_at(run_async, monkeypatch) -> None:
    monkeypatch.setenv("FINASSIST_YEARS", "99")
    found = run_async(finassist.doctor())
    assert not found.ok
    assert "FINASSIST_YEARS cannot be used" in repr(found)
    assert "Python" in repr(found)


def test_a_full_disk_fails(check, monkeypatch) -> None:
    import shutil

    usage = shutil.disk_usage("/")
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage._replace(free=1_000_000))
    assert {each.verdict for each in (*check("sessions"), *check("cache"))} == {"failed"}


def test_the_cache_has_a_folder_unless_it_is_off(check, tmp_path) -> None:
    assert check("cache")[0].text.startswith(f"{tmp_path / 'cache'} (")
    assert check("cache", Settings(cache=False)) == []


# --------------------------------------------------------------------------------- what is out there


def test_a_live_source_answers_with_its_plan(check) -> None:
    with fmp_server() as server:
        provider = fmp(server, plan="starter")
        [data] = check("data", provider=provider)
        [plan] = check("plan", provider=provider)
    assert data.verdict == "ok"
    assert "AAPL" in data.text
    assert str(fixture("/quote")[0]["price"]) in data.text
    assert "starter plan" in plan.text


@pytest.mark.parametrize(
    ("act", "said"),
    [
        (answer(f'{{"Error Message": "Invalid API KEY {KEY}"}}', status=401), "key"),
        (answer(f"Premium Query Parameter {KEY}", status=402), "plan"),
        (answer(f"\x1b[31mtrouble {KEY}", status=503), "Financial Modeling Prep"),
    ],
)
def test_a_live_source_that_refuses_fails_with_its_reason_and_without_the_key(act, said, check) -> None:
    with Server(act) as server:
        [data] = check("data", Settings(fmp_api_key=KEY), provider=fmp(server))
    assert data.verdict == "failed"
    assert said in data.text
    assert data.text.count("Financial Modeling Prep") == 1
    assert KEY not in data.text
    assert "\x1b" not in data.text


def test_a_source_that_cannot_be_reached_fails(check) -> None:
    with Server(answer()) as server:
        pass
    assert check("data", provider=fmp(server))[0].verdict == "failed"


def test_any_other_provider_is_asked_too(check) -> None:
    assert check("data", provider=ScriptedProvider(World()))[0].text.startswith("Scripted source answers: AAPL")
    [failed] = check("data", provider=ScriptedProvider(World(sources={"quote AAPL": "bug"})))
    assert (failed.verdict, "bug in quote" in failed.text) == ("failed", True)


def test_a_key_that_is_missing_is_said_before_anything_is_sent(check) -> None:
    [data], [model] = check("data", Settings(provider="fmp")), check("model", Settings(model="openai"))
    assert (data.verdict, "FMP_API_KEY" in data.text) == ("failed", True)
    assert (model.verdict, "OPENAI_API_KEY" in model.text) == ("failed", True)


@pytest.mark.parametrize(("mood", "verdict"), [("fine", "ok"), ("401", "failed"), ("empty", "failed")])
def test_a_live_model_is_asked_for_a_word(mood, verdict, check) -> None:
    settings = Settings(openai_api_key=KEY, model_retries=0)
    with ModelServer({"chat": mood}) as server:
        [model] = check("model", settings, model=resolve_model("openai:mine", settings, base_url=server.url))
    assert model.verdict == verdict
    assert "mine" in model.text
    assert KEY not in model.text
    assert len(server.seen) == 1


def test_a_source_without_prices_is_asked_for_a_profile(check) -> None:
    with sec_server() as server:
        [data] = check("data", provider=sec(server))
    assert (data.verdict, data.text) == ("ok", "SEC EDGAR answers: AAPL is Example Inc.")


def test_each_of_several_sources_and_models_has_a_verdict_of_its_own(check) -> None:
    settings = Settings(openai_api_key=KEY, model_retries=0)
    with ModelServer({"chat": "500"}) as server, Server(answer(status=401)) as source:
        models = [resolve_model(f"openai:{name}", settings, base_url=server.url) for name in ("first", "second")]
        model = resolve_model([*models, "offline"], settings)
        told = check("model", settings, model=model)
        sources = check("data", settings, provider=[fmp(source), "embedded"])
    assert [each.verdict for each in told] == ["failed", "failed", "ok"]
    assert all(name in each.text for each, name in zip(told, ("first", "second", "offline"), strict=True))
    assert [each.verdict for each in sources] == ["failed", "ok"]
