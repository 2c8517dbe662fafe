"""From a name to a model."""

from __future__ import annotations

import importlib.util

import pytest

from finassist.errors import MissingExtra, UnknownModel
from finassist.llm.models import EXTRAS, resolve_model
from finassist.llm.offline import OfflineModel


def test_the_offline_model_is_the_default() -> None:
    assert isinstance(resolve_model(), OfflineModel)
    assert isinstance(resolve_model(None), OfflineModel)
    assert isinstance(resolve_model(" Offline "), OfflineModel)


def test_a_model_object_is_taken_as_it_is() -> None:
    model = OfflineModel()
    assert resolve_model(model) is model


@pytest.mark.parametrize("name", ["gpt-9", "", " ", ":", "openai:", ":x", "nobody:x", "offline:x", "x" * 10_000])
def test_an_unknown_name_lists_what_there_is(name: str) -> None:
    with pytest.raises(UnknownModel, match='Use "offline", "anthropic:<model id>", "openai:<model id>"') as raised:
        resolve_model(name)
    assert len(str(raised.value)) < 2_000


@pytest.mark.parametrize("thing", [42, object(), ["offline"], OfflineModel])
def test_something_that_is_no_model_is_named(thing: object) -> None:
    with pytest.raises(UnknownModel, match=type(thing).__name__):
        resolve_model(thing)  # type: ignore[arg-type]


@pytest.mark.parametrize("provider", sorted(EXTRAS))
def test_a_provider_resolves_or_says_which_extra_to_install(provider: str) -> None:
    if importlib.util.find_spec(provider):
        assert resolve_model(f"{provider}:some-model").id == "some-model"
        return
    with pytest.raises(MissingExtra, match=rf"pip install 'finassist\[{provider}\]'"):
        resolve_model(f"{provider}:some-model")


def test_a_provider_without_an_extra_of_ours_says_so_too() -> None:
    if importlib.util.find_spec("cohere"):
        pytest.skip("the SDK is installed")
    with pytest.raises(MissingExtra, match="'cohere' needs its SDK"):
        resolve_model("cohere:some-model")
