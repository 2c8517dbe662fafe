"""Every exception that reaches a user, as one small tree.

    FinassistError
    ├── InputError                what was asked cannot be run          (also ValueError)
    │   ├── EmptyQuestion
    │   ├── QuestionTooLong
    │   ├── NotText               (also TypeError)
    │   ├── InvalidSessionId
    │   └── InvalidSymbol
    ├── ConfigurationError        the workflow cannot be built as asked (also ValueError)
    │   ├── UnknownProvider
    │   ├── UnknownModel
    │   └── MissingExtra          (also ImportError)
    ├── DataError                 a source did not deliver; becomes a `Gap` inside a run
    │   ├── UnknownSymbol
    │   ├── NotEmbedded
    │   ├── NotOffered
    │   ├── SourceTimeout
    │   └── BadPayload
    ├── ModelError                a model did not deliver
    │   ├── ModelFailed
    │   └── MalformedReply
    ├── SessionError              a session could not be read or written
    └── BridgeError               sync code called from inside the data loop

Each message is a sentence that says what is wrong, and ends with the next thing to do. `DataError` is also
Agno's `FinanceProviderError`, so that Agno's own finance toolkit shows the same words to a model.
"""

from __future__ import annotations

from agno.exceptions import InputCheckError
from agno.tools.finance import FinanceProviderError


class FinassistError(Exception):
    """Root of the tree: `except FinassistError` catches everything finassist raises on purpose."""

    type: str = "FinassistError"
    """Name of the error, which Agno puts into the `error_type` of its error event."""

    def __init_subclass__(cls) -> None:
        super().__init_subclass__()
        cls.type = cls.__name__


class InputError(FinassistError, InputCheckError, ValueError):
    """The question, a session id or a symbol cannot be used as given. Also Agno's: AgentOS answers it with a 400."""


class EmptyQuestion(InputError):
    """Nothing was asked."""


class QuestionTooLong(InputError):
    """The question is longer than the limit."""


class NotText(InputError, TypeError):
    """The question is not a string."""


class InvalidSessionId(InputError):
    """A session id has characters or a length that are not allowed."""


class InvalidSymbol(InputError, FinanceProviderError):
    """A ticker symbol has characters that no exchange uses."""


class ConfigurationError(FinassistError, ValueError):
    """The workflow cannot be built from these parameters."""


class UnknownProvider(ConfigurationError):
    """No data provider has this name."""


class UnknownModel(ConfigurationError):
    """No model has this name."""


class MissingExtra(ConfigurationError, ImportError):
    """An optional package is needed and not installed."""


class DataError(FinassistError, FinanceProviderError):
    """A data source did not deliver a figure. Inside a run it becomes a named `Gap`."""


class UnknownSymbol(DataError):
    """The source knows no such symbol."""


class NotEmbedded(DataError):
    """The symbol exists but is not part of the embedded figures."""


class NotOffered(DataError):
    """The source does not offer this kind of figure."""


class SourceTimeout(DataError):
    """The source did not answer in time."""


class BadPayload(DataError):
    """The source answered with something that is not data."""


class ModelError(FinassistError):
    """A language model did not deliver."""


class ModelFailed(ModelError):
    """The model call failed."""


class MalformedReply(ModelError):
    """The model answered, but not in the form asked for."""


class SessionError(FinassistError):
    """A stored session could not be read or written."""


class BridgeError(FinassistError, RuntimeError):
    """Sync `run()` was called on the private data loop, where it would wait for itself."""
