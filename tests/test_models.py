"""From a name to a model."""

from __future__ import annotations

import copy
import importlib.util
import pickle

import openai
import pytest
from agno.models.openai import OpenAIChat

from finassist import FinancialAssistantWorkflow, Settings
from finassist.core.errors import ConfigurationError, MissingExtra, UnknownModel
from finassist.llm import PROVIDERS, ModelProvider, resolve_model
from finassist.llm.calls import Limits
from finassist.llm.connections import connect
from finassist.llm.offline import OfflineModel

CANARY = "sk-canary-0123456789abcdef"


def test_the_offline_model_is_the_default() -> None:
    assert isinstance(resolve_model(), OfflineModel)
    assert isinstance(resolve_model(None), OfflineModel)
    assert isinstance(resolve_model(" Offline "), OfflineModel)


def test_a_model_object_is_taken_as_it_is() -> None:
    model = OfflineModel()
    assert resolve_model(model) is model


@pytest.mark.parametrize("name", ["gpt-9", "", " ", ":", "openai:", ":x", "nobody:x", "offline:x", "x" * 10_000])
def test_an_unknown_name_lists_what_there_is(name: str) -> None:
    with pytest.raises(UnknownModel, match='Use "offline", "auto", "anthropic", "openai", "groq"') as raised:
        resolve_model(name)
    assert len(str(raised.value)) < 400


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("opnai", '"openai"'),
        ("opnai:gpt-9", '"openai:gpt-9"'),
        ("Antropic", '"anthropic"'),
        ("ofline", '"offline"'),
        ("mistrl:large", '"mistral:large"'),  # Agno's own
    ],
)
def test_a_misspelt_name_gets_the_one_that_was_meant(name: str, meant: str) -> None:
    with pytest.raises(UnknownModel, match=f"Did you mean {meant}\\?"):
        resolve_model(name)


def test_another_provider_of_agno_needs_a_model_id() -> None:
    with pytest.raises(UnknownModel, match='"mistral:<model id>"'):
        resolve_model("mistral")


@pytest.mark.parametrize("thing", [42, object(), OfflineModel])
def test_something_that_is_no_model_is_named(thing: object) -> None:
    with pytest.raises(UnknownModel, match=type(thing).__name__):
        resolve_model(thing)  # type: ignore[arg-type]


@pytest.mark.parametrize("provider", PROVIDERS.values(), ids=list(PROVIDERS))
def test_a_provider_resolves_or_says_which_extra_to_install(provider: ModelProvider) -> None:
    if not provider.installed():
        with pytest.raises(MissingExtra, match=rf"pip install 'finassist\[{provider.name}\]'"):
            resolve_model(f"{provider.name}:some-model", api_key="some-key")
        return
    assert resolve_model(f"{provider.name}:some-model", api_key="some-key").id == "some-model"
    assert resolve_model(f" {provider.name.upper()} ", api_key="some-key").id == provider.default_id
    assert isinstance(resolve_model(provider.name, api_key="some-key"), provider.model_class())


# ------------------------------------------------------------------------------------------------- keys


def test_a_missing_key_names_its_variable_and_the_way_without(monkeypatch: pytest.MonkeyPatch) -> None:
    for settings in (None, Settings()):
        with pytest.raises(ConfigurationError, match=r'OPENAI_API_KEY is not set.*model="offline", which needs none'):
            resolve_model("openai", settings)
    monkeypatch.setenv("OPENAI_API_KEY", CANARY)
    assert resolve_model("openai").id == resolve_model("openai", Settings()).id == PROVIDERS["openai"].default_id


def test_the_workflow_finds_its_key_in_the_settings() -> None:
    workflow = FinancialAssistantWorkflow(db=None, settings=Settings(model="openai", openai_api_key=CANARY))
    assert workflow.model.id == PROVIDERS["openai"].default_id
    assert CANARY not in repr(workflow.model) + repr(workflow.chat_agent) + repr(vars(workflow))


def test_a_key_is_in_no_repr_and_no_pickle() -> None:
    for model in (resolve_model("openai", api_key=CANARY), resolve_model(OpenAIChat(id="mine", api_key=CANARY))):
        assert CANARY not in repr(model) + str(model.to_dict())
        assert copy.copy(model).api_key == copy.deepcopy(model).api_key == CANARY
    stored = pickle.dumps(model)
    assert CANARY.encode() not in stored
    again = pickle.loads(stored)
    assert (type(again), again.id, again.api_key) == (OpenAIChat, "mine", None)


def test_auto_takes_the_first_provider_with_a_key(monkeypatch: pytest.MonkeyPatch) -> None:
    assert isinstance(resolve_model("auto"), OfflineModel)
    monkeypatch.setenv("GROQ_API_KEY", CANARY)
    assert resolve_model("auto").id == PROVIDERS["groq"].default_id
    monkeypatch.setenv("OPENAI_API_KEY", CANARY)
    assert resolve_model("auto").id == PROVIDERS["openai"].default_id


def test_auto_passes_over_a_missing_sdk_and_says_so(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("ANTHROPIC_API_KEY", CANARY)
    monkeypatch.setattr("finassist.llm.find_spec", lambda name: None)
    assert isinstance(resolve_model("auto"), OfflineModel)
    assert "pip install 'finassist[anthropic]'" in caplog.text
    assert CANARY not in caplog.text


# --------------------------------------------------------------------------------------- several, and objects


def test_a_list_names_models_that_stand_in() -> None:
    workflow = FinancialAssistantWorkflow(
        db=None, model=["openai:first", "offline"], settings=Settings(openai_api_key=CANARY)
    )
    assert workflow.model.id == "first"
    assert [model.id for model in workflow.chat_agent.fallback_config.on_error] == ["offline"]
    named = Settings(openai_api_key=CANARY, model="openai", fallback_models="groq:other, offline", groq_api_key=CANARY)
    assert [model.id for model in resolve_model(named.model, named).fallbacks] == ["other", "offline"]
    with pytest.raises(UnknownModel, match="list of models is empty"):
        resolve_model([])


def test_an_agno_model_keeps_its_identity_and_its_own_settings() -> None:
    mine = OpenAIChat(id="mine", api_key=CANARY, timeout=7, max_retries=4)
    assert resolve_model(mine) is mine
    assert type(connect(mine, Limits())) is OpenAIChat
    assert (mine.client.timeout, mine.client.max_retries) == (mine.async_client.timeout, 4) == (7, 4)
    assert CANARY not in repr(mine)


def test_who_lets_agno_try_again_is_not_tried_again_twice() -> None:
    assert connect(OpenAIChat(id="mine", api_key=CANARY, retries=3), Limits()).client.max_retries == 0


def test_a_client_of_the_users_own_is_kept() -> None:
    client = openai.OpenAI(api_key=CANARY, base_url="http://127.0.0.1:1")
    with client:
        assert connect(OpenAIChat(id="mine", client=client), Limits()).get_client() is client


# ----------------------------------------------------------------------------------------------- prices


def test_a_price_that_is_none_names_the_model_and_what_is_wrong() -> None:
    settings = Settings(openai_api_key=CANARY, model_prices={"mine": {"input": "cheap", "output": 1}})
    with pytest.raises(ConfigurationError, match=r"price of model 'mine' cannot be used \(input\)"):
        resolve_model("openai", settings)


def test_a_provider_without_an_extra_of_ours_says_so_too() -> None:
    if importlib.util.find_spec("cohere"):
        pytest.skip("the SDK is installed")
    with pytest.raises(MissingExtra, match="'cohere' needs its SDK"):
        resolve_model("cohere:some-model")
