"""The model providers that have a name of their own here, and which model each name stands for."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from importlib import import_module
from importlib.util import find_spec
from types import MappingProxyType
from typing import Final

from agno.models.base import Model


@dataclass(frozen=True, slots=True)
class ModelProvider:
    """How one provider of language models is reached.

    Attributes:
        name: What it is called here; also the name of the extra that installs its SDK.
        default_id: The model that the name alone stands for.
        module: Agno's module.
        class_name: Agno's model class in it.
        key: Variable its key is read from, or `None` where it needs none.
    """

    name: str
    default_id: str
    module: str
    class_name: str
    key: str | None

    def installed(self) -> bool:
        """Whether its SDK is."""
        return find_spec(self.name) is not None

    def model_class(self) -> type[Model]:
        """Agno's class.

        Raises:
            ImportError: The SDK is not installed.
        """
        return getattr(import_module(self.module), self.class_name)


_ROWS: Final = (
    # Agno's own default ids of 2026-11. With openai it is Chat Completions, which every compatible server speaks.
    ModelProvider("anthropic", "claude-sonnet-5-5", "agno.models.anthropic", "Claude", "ANTHROPIC_API_KEY"),
    ModelProvider("openai", "gpt-5.4-mini", "agno.models.openai", "OpenAIChat", "OPENAI_API_KEY"),
    ModelProvider("groq", "openai/gpt-oss-120b", "agno.models.groq", "Groq", "GROQ_API_KEY"),
    ModelProvider("ollama", "llama3.1", "agno.models.ollama", "Ollama", None),
)

PROVIDERS: Final[Mapping[str, ModelProvider]] = MappingProxyType({row.name: row for row in _ROWS})
"""Every model provider with a name of its own, in the order in which `"auto"` looks for a key."""

MODELS: Final = ("auto", "offline", *PROVIDERS)
"""What a page offers to choose from."""
