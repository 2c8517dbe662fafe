"""Settings: where each value comes from, what is said about a wrong one, and that a key is never shown."""

from __future__ import annotations

import os
import pickle
import traceback
from copy import deepcopy
from pathlib import Path

import pytest

import finassist
from finassist import FinassistWarning, Settings, configure
from finassist.config.settings import KEYS
from finassist.config.sources import HARMLESS, _key, is_trusted, signature, trust, variable_of
from finassist.core.errors import ConfigurationError

CANARY = "canary-0123456789abcdef"


@pytest.fixture(autouse=True)
def empty_folder(tmp_path, monkeypatch) -> Path:
    for name in Settings.model_fields:
        monkeypatch.delenv(variable_of(name), raising=False)
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    monkeypatch.chdir(tmp_path)
    return tmp_path


def write_env(text: str, encoding: str = "utf-8", *, trusted: bool = True) -> None:
    Path(".env").write_text(text, encoding=encoding)
    if trusted:
        trust(Path(".env"))


# ------------------------------------------------------------------------------------------ where from


def test_an_argument_wins_over_configure_over_the_environment_over_the_file(monkeypatch) -> None:
    seen = [(Settings().years, Settings().origin("years"))]
    write_env("FINASSIST_YEARS=1")
    seen.append((Settings().years, Settings().origin("years")))
    monkeypatch.setenv("FINASSIST_YEARS", "2")
    seen.append((Settings().years, Settings().origin("years")))
    with configure(years=3):
        seen.append((Settings().years, Settings().origin("years")))
        seen.append((Settings(years=4).years, Settings(years=4).origin("years")))
    assert seen == [(5, "default"), (1, ".env"), (2, "environment"), (3, "configure()"), (4, "argument")]


@pytest.mark.parametrize("name", KEYS)
def test_a_key_comes_from_its_usual_variable_and_ours_wins(name, monkeypatch) -> None:
    owner = name.removesuffix("_api_key")
    write_env(f"{variable_of(name)}=from-the-file")
    assert (Settings().key(owner), Settings().origin(name)) == ("from-the-file", ".env")
    monkeypatch.setenv(variable_of(name), " from-the-environment\n")
    assert (Settings().key(owner), Settings().origin(name)) == ("from-the-environment", "environment")
    monkeypatch.setenv(f"FINASSIST_{name.upper()}", "ours")
    assert Settings().key(owner) == "ours"
    with configure(**{name: "configured"}):
        assert (Settings().key(owner), Settings().origin(name)) == ("configured", "configure()")
        assert Settings(**{name: None}).key(owner) is None
    with configure(**{name: None}):
        assert Settings().key(owner) is None


def test_a_variable_that_is_set_to_nothing_is_not_set(monkeypatch) -> None:
    monkeypatch.setenv("FINASSIST_YEARS", "")
    monkeypatch.setenv("FMP_API_KEY", "")
    write_env("FMP_API_KEY=from-the-file")
    assert (Settings().years, Settings().key("fmp")) == (5, "from-the-file")


def test_a_file_with_a_byte_order_mark_is_read_from_its_first_line() -> None:
    write_env("FMP_API_KEY=from-the-file", encoding="utf-8-sig")
    assert Settings().key("fmp") == "from-the-file"


# ---------------------------------------------------------------------------------- the file of a stranger

VALUES = {
    "cache": "false", "live": "off", "narration": "true", "routing": "rules", "fmp_plan": "free",
    "model_prices": '{"m": {"input": 0}}', "max_question_length": "900", "max_reply_chars": "900",
}  # fmt: skip


def test_a_file_that_is_not_trusted_sets_display_and_limits_only() -> None:
    names = {name: VALUES.get(name, "9" if name in HARMLESS else "planted") for name in Settings.model_fields}
    lines = [f"{variable_of(name)}={value}" for name, value in names.items()]
    lines += [f"FINASSIST_{name.upper()}=planted" for name in KEYS] + ["home=planted", "cache_folder=planted"]
    write_env("\n".join(lines))
    assert {name for name in names if Settings().origin(name) == ".env"} == set(names), "trusted"
    write_env("\n".join([*lines, ""]), trusted=False)
    with pytest.warns(FinassistWarning, match=r"\.env sets .*If it is yours, run: finassist config trust /") as warned:
        settings = Settings()
    assert {name for name in names if settings.origin(name) == ".env"} == HARMLESS
    assert "planted" not in repr(settings) + str(warned[0].message)
    assert all(variable_of(name) in str(warned[0].message) for name in set(names) - HARMLESS)
    Settings()  # said once
    assert Settings(_env_file=".env").key("fmp") == "planted", "a file that the person names is theirs"


def test_trust_is_for_a_path_and_a_text(tmp_path: Path) -> None:
    write_env("FMP_API_KEY=mine")
    assert Settings().key("fmp") == "mine"
    (tmp_path / "copy").write_text("FMP_API_KEY=mine")
    assert not is_trusted(tmp_path / "copy")
    write_env("FMP_API_KEY=theirs", trusted=False)
    with pytest.warns(FinassistWarning, match="sets FMP_API_KEY"):
        assert Settings().key("fmp") is None
    (tmp_path / "data" / "finassist" / "secret").write_bytes(b"of another machine".ljust(32))
    write_env("FMP_API_KEY=mine", trusted=False)
    _key.cache_clear()
    assert not is_trusted(Path(".env"))


def test_nothing_is_said_of_a_line_that_another_source_overrides(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FMP_API_KEY", "exported")
    write_env("FMP_API_KEY=theirs\nFINASSIST_MODEL=theirs", trusted=False)
    settings = Settings(model="offline")
    assert (settings.key("fmp"), settings.model) == ("exported", "offline")


def test_the_secret_of_a_machine_is_for_its_owner_alone(tmp_path: Path) -> None:
    folder = tmp_path / "data" / "finassist"
    before = signature("text")
    assert [path.stat().st_mode & 0o777 for path in (folder, folder / "secret")] == [0o700, 0o600]
    secret = (folder / "secret").read_bytes()
    for spoil in (lambda path: path.chmod(0o644), lambda path: path.write_bytes(b"short"), Path.unlink):
        spoil(folder / "secret")
        _key.cache_clear()
        assert signature("text") not in (before, "")
        assert (folder / "secret").read_bytes() != secret
    (tmp_path / "elsewhere").write_bytes(secret)
    (folder / "secret").unlink()
    (folder / "secret").symlink_to(tmp_path / "elsewhere")
    _key.cache_clear()
    assert signature("text") != before


def test_without_a_data_folder_the_secret_lasts_as_long_as_the_process(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_DATA_HOME", os.devnull)
    assert signature("text") == signature("text")


def test_a_pipe_in_place_of_the_file_is_named_and_not_waited_for() -> None:
    os.mkfifo(".env")
    with pytest.warns(FinassistWarning, match=r"\.env is no ordinary file and is not read"):
        assert Settings().origin("years") == "default"
    for named in (".env", ["missing", ".env"], "/dev/zero"):
        with pytest.raises(ConfigurationError, match="no ordinary file"):
            Settings(_env_file=named)


def test_a_file_too_long_for_settings_is_named_and_not_read() -> None:
    Path(".env").write_text("FINASSIST_YEARS=3\n" + "A=b\n" * 100_000)
    with pytest.warns(FinassistWarning, match=r"\.env has more than 262,144 bytes and is not read"):
        assert Settings().origin("years") == "default"


def test_folders_may_begin_with_a_tilde(monkeypatch) -> None:
    monkeypatch.setenv("FINASSIST_CACHE_FOLDER", "~/somewhere")
    assert Settings().cache_folder == Path.home() / "somewhere"


def test_the_repr_shows_each_value_with_its_origin_and_of_a_key_whether_it_is_set(monkeypatch) -> None:
    monkeypatch.setenv("FMP_API_KEY", CANARY)
    text = repr(Settings(years=3, openai_api_key=CANARY))
    rows = {words[0]: (" ".join(words[1:-1]), words[-1]) for words in map(str.split, text.splitlines()[1:])}
    assert rows["years"] == ("3", "argument")
    assert rows["fmp_api_key"] == ("set", "environment")
    assert rows["openai_api_key"] == ("set", "argument")
    assert rows["groq_api_key"] == ("not set", "default")
    assert set(rows) == set(Settings.model_fields)
    assert CANARY not in text + str(Settings(fmp_api_key=CANARY))


# ------------------------------------------------------------------------------------------- configure


def test_configure_is_for_workflows_built_afterwards_until_it_is_taken_back() -> None:
    before = finassist.FinancialAssistantWorkflow(db=None)
    configuration = configure(years=2)
    try:
        assert finassist.FinancialAssistantWorkflow(db=None).settings.years == 2
        assert before.settings.years == 5
        assert repr(configuration) == "<configured: years; .reset() undoes it>"
    finally:
        configuration.reset()
    assert Settings().years == 5


def test_configurations_add_up_and_are_all_forgotten_without_arguments() -> None:
    with configure(years=2), configure(routing="rules"):
        assert (Settings().years, Settings().routing) == (2, "rules")
        with configure():
            assert (Settings().years, Settings().routing) == (5, "auto")
        assert Settings().years == 2
    assert (Settings().years, Settings().routing) == (5, "auto")


def test_what_cannot_be_configured_changes_nothing() -> None:
    with pytest.raises(ConfigurationError, match="less than or equal to 10"):
        configure(routing="rules", years=11)
    with pytest.raises(ConfigurationError, match=r"no setting 'yeers'\. Did you mean years\?"):
        configure(yeers=3)
    assert (Settings().years, Settings().routing) == (5, "auto")


@pytest.mark.parametrize("root", [".git", "pyproject.toml"])
def test_a_notebook_below_the_root_of_a_project_reads_its_env_file(
    root: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    project = tmp_path / "stranger" / "project"
    (project / "notebooks" / "drafts").mkdir(parents=True)
    (tmp_path / "stranger" / ".env").write_text("FINASSIST_YEARS=1")
    (project / root).touch()
    monkeypatch.chdir(project / "notebooks" / "drafts")
    assert Settings().origin("years") == "default", "what is above the root is somebody else's"
    (project / ".env").write_text("FINASSIST_YEARS=2")
    assert (Settings().years, Settings().origin("years")) == (2, ".env")
    (project / "notebooks" / ".env").write_text("FINASSIST_YEARS=3")
    assert Settings().years == 3


@pytest.mark.skipif(os.name != "posix", reason="elsewhere a working folder cannot be deleted")
def test_a_working_folder_that_was_deleted_has_no_env_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    gone = tmp_path / "gone"
    gone.mkdir()
    monkeypatch.chdir(gone)
    gone.rmdir()
    assert Settings().origin("years") == "default"


def test_without_a_project_only_the_working_folder_is_looked_at(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "below").mkdir()
    (tmp_path / ".env").write_text("FINASSIST_YEARS=2")
    monkeypatch.chdir(tmp_path / "below")
    assert Settings().origin("years") == "default"


# --------------------------------------------------------------------------------- what cannot be used


@pytest.mark.parametrize(
    ("variable", "value", "said"),
    [
        ("FINASSIST_YEARS", "many", "FINASSIST_YEARS cannot be used: it should be a valid integer"),
        (
            "FINASSIST_YEARS",
            "73519",
            "should be less than or equal to 10. Correct it, or remove it to use the default, 5",
        ),
        ("FINASSIST_ROUTING", "magic", "it should be 'auto', 'model' or 'rules'"),
        ("FINASSIST_CACHE", "perhaps", "it should be a valid boolean"),
        ("FINASSIST_HTTP_TIMEOUT", "nan", "it should be a finite number"),
        ("FINASSIST_QUOTE_LIFETIME", "-73519", "it should be greater than or equal to 0"),
        ("FINASSIST_MODEL_PRICES", "{'mine': 3", "it should be valid JSON"),
        ("FINASSIST_MODEL_PRICES", '{"mine": 3}', "it should be a valid dictionary"),
        ("FMP_API_KEY", f"{CANARY} twice", "FMP_API_KEY cannot be used: a key is one word"),
        ("FMP_API_KEY", f"{CANARY}é", "Copy the whole of it"),
        ("FMP_API_KEY", "…", "plain letters, digits and signs"),
    ],
)
def test_a_wrong_value_is_named_with_what_it_may_be_and_is_not_repeated(variable, value, said, monkeypatch) -> None:
    monkeypatch.setenv(variable, value)
    with pytest.raises(ConfigurationError) as raised:
        Settings()
    assert said in str(raised.value)
    ours = raised.value.__traceback__.tb_next  # without this test's own frame
    shown = traceback.TracebackException(ConfigurationError, raised.value, ours, capture_locals=True)
    assert raised.value.__context__ is None
    assert value not in "".join(shown.format()).replace(said, "")


def test_a_wrong_line_of_the_file_says_so() -> None:
    write_env("FINASSIST_YEARS=many")
    with pytest.raises(ConfigurationError, match=r"FINASSIST_YEARS \(in \.env\) cannot be used: it should be"):
        Settings()


@pytest.mark.parametrize("encoding", ["utf-16", "latin-1"])
def test_a_file_that_is_no_text_says_so_and_shows_nothing_of_it(encoding) -> None:
    write_env(f"FMP_API_KEY={CANARY}ß", encoding=encoding)
    with pytest.raises(ConfigurationError, match=r"\.env cannot be read as UTF-8") as raised:
        Settings()
    assert raised.value.__context__ is None


def test_every_wrong_value_is_named_at_once() -> None:
    with pytest.raises(ConfigurationError) as raised:
        Settings(years=0, routing="magic")
    assert "'years'" in str(raised.value)
    assert "'routing'" in str(raised.value)


@pytest.mark.parametrize(
    ("line", "said"),
    [
        (f"FINASSIST_ROUTNG={CANARY}", r"FINASSIST_ROUTNG\. Did you mean FINASSIST_ROUTING\?"),
        (f"FINASIST_PROVIDER={CANARY}", r"FINASIST_PROVIDER\. Did you mean FINASSIST_PROVIDER\?"),
        (f"FINASSIST_XYZZY_Q={CANARY}", r"FINASSIST_XYZZY_Q\."),
    ],
)
def test_a_misspelt_variable_is_named_once_without_its_value(line, said, recwarn) -> None:
    write_env(line)
    with pytest.warns(FinassistWarning, match=said) as warned:
        settings = Settings()
    assert settings == Settings()  # no second warning, which would be an error here
    assert [str(warning.message) for warning in warned if CANARY in str(warning.message)] == []
    assert warned[0].filename == __file__


def test_variables_of_others_are_nobodys_business(monkeypatch) -> None:
    monkeypatch.setenv("FINISHED", "1")
    monkeypatch.setenv("FINANCE_API_TOKEN", "1")
    write_env("AWS_SECRET_ACCESS_KEY=x\nDEBUG=1")
    assert Settings().years == 5


# ---------------------------------------------------------------------------------- copies and pickles


def test_a_pickle_has_no_key_and_whoever_reads_it_uses_their_own(monkeypatch) -> None:
    settings = Settings(fmp_api_key=CANARY, years=3)
    pickled = pickle.dumps(settings)
    assert CANARY.encode() not in pickled
    monkeypatch.setenv("FMP_API_KEY", "of-the-worker")
    there = pickle.loads(pickled)
    assert (there.years, there.key("fmp")) == (3, "of-the-worker")


def test_copies_are_equal() -> None:
    settings = Settings(fmp_api_key=CANARY, years=3)
    for copied in (deepcopy(settings), settings.model_copy()):
        assert copied == settings
        assert hash(copied) == hash(settings)
        assert (copied.key("fmp"), copied.origin("years")) == (CANARY, "argument")


def test_dumps_hold_no_key() -> None:
    settings = Settings(fmp_api_key=CANARY)
    assert CANARY not in f"{settings.model_dump()} {settings.model_dump_json()} {settings!r}"
