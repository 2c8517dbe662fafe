"""Every exception that reaches a user, as one small tree.

    FinassistError
    ├── InputError                what was asked cannot be run          (also ValueError)
    │   ├── EmptyQuestion
    │   ├── QuestionTooLong
    │   ├── NotText               (also TypeError)
    │   ├── InvalidSessionId
    │   ├── InvalidSymbol
    │   ├── InvalidLimit          a number that limits a batch is none
    │   ├── InvalidQuery          a typed query cannot be answered as it stands
    │   ├── NotQuestions          (also TypeError)
    │   ├── MissingColumn
    │   └── QuestionsFailed       the iterator of many questions raised an error
    ├── ConfigurationError        the workflow cannot be built as asked (also ValueError)
    │   ├── UnknownProvider
    │   ├── UnknownModel
    │   └── MissingExtra          (also ImportError)
    ├── DataError                 a source did not deliver; becomes a `Gap` inside a run
    │   ├── UnknownSymbol
    │   ├── NotEmbedded
    │   ├── NotOffered
    │   ├── AuthError             the key is missing or not accepted
    │   ├── PlanError             the plan does not include it
    │   ├── QuotaExhausted        the plan's calls are used up
    │   ├── RateLimited           too many requests at once
    │   ├── NotFound
    │   ├── SourceTimeout
    │   ├── Unreachable           no connection, or a server in trouble
    │   ├── TooLarge
    │   └── BadPayload
    ├── ModelError                a model did not deliver
    │   ├── ModelFailed           the call failed
    │   │   ├── ModelAuthError    the key is missing or not accepted
    │   │   ├── ModelOverloaded   it asks for fewer requests, or is overloaded
    │   │   ├── ModelUnreachable  no connection
    │   │   ├── ModelTimeout      it did not finish in time
    │   │   └── ContextOverflow   the conversation is longer than it can read
    │   ├── ModelRefused          it declined to answer
    │   └── MalformedReply        it answered, but not in the form asked for
    │       ├── TruncatedReply    the reply stops in the middle
    │       └── ReplyTooLong      the reply went on and on
    ├── SessionError              a session could not be read or written
    ├── LedgerError               the ledger of a batch could not be read or written
    │   ├── LedgerInUse           another batch uses it
    │   ├── LedgerMismatch        it is no ledger, of another version, or of other questions
    │   └── LedgerFull            the disk is full
    ├── BudgetReached             a batch has used what it was allowed
    ├── WorkerLost                a question that ended its process again and again
    ├── ClusterError              the cluster of a batch is lost, or its workers cannot answer
    └── BridgeError               sync code called from inside the data loop

Each message is a sentence that says what is wrong, and ends with the next thing to do. `DataError` is also
Agno's `FinanceProviderError`, so that Agno's own finance toolkit shows the same words to a model.
"""

from __future__ import annotations

from datetime import datetime

from agno.exceptions import InputCheckError
from agno.tools.finance import FinanceProviderError


class FinassistError(Exception):
    """Root of the tree: `except FinassistError` catches everything finassist raises on purpose."""

    type: str = "FinassistError"
    """Name of the error, which Agno puts into the `error_type` of its error event."""
    around: BaseException | None = None
    """The group that a user's task group raised it in, which knows the line of the user's code."""

    def __init_subclass__(cls) -> None:
        super().__init_subclass__()
        cls.type = cls.__name__

    def _render_traceback_(self) -> list[str]:
        """What IPython shows in place of a traceback, which would be a wall of our own code."""
        from finassist.core.boxes import boxed

        return boxed(self, around=self.around)


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


class InvalidLimit(InputError):
    """A number that limits a batch is not one."""


class InvalidQuery(InputError):
    """A query names a metric, period or operation that does not exist, or lacks what it needs."""


class NotQuestions(InputError, TypeError):
    """What was given as many questions is not many questions."""


class MissingColumn(InputError):
    """The frame has no such column."""


class QuestionsFailed(InputError):
    """The questions themselves, an iterator, ended with an error.

    Attributes:
        ordinal: Which question should have come, counted from 0.
    """

    def __init__(self, message: str = "", *, ordinal: int = 0) -> None:
        super().__init__(message)
        self.ordinal = ordinal


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


class AuthError(DataError):
    """The source did not accept the key."""


class PlanError(DataError):
    """The plan behind the key does not include this."""


class QuotaExhausted(DataError):
    """The calls that the plan allows are used up.

    Attributes:
        again_at: When the source says that it answers again (UTC), or `None` if it does not say.
    """

    def __init__(self, message: str = "", *, again_at: datetime | None = None) -> None:
        super().__init__(message)
        self.again_at = again_at


class RateLimited(DataError):
    """The source asks for fewer requests at a time; `again_at` as in `QuotaExhausted`."""

    def __init__(self, message: str = "", *, again_at: datetime | None = None) -> None:
        super().__init__(message)
        self.again_at = again_at


class NotFound(DataError):
    """The source has nothing at this address."""


class SourceTimeout(DataError):
    """The source did not answer in time."""


class Unreachable(DataError):
    """No connection to the source, or its server is in trouble."""


class TooLarge(DataError):
    """The source answered with more than is safe to read."""


class BadPayload(DataError):
    """The source answered with something that is not data."""


class ModelError(FinassistError):
    """A language model did not deliver."""


class ModelFailed(ModelError):
    """The model call failed."""


class ModelAuthError(ModelFailed):
    """The model's provider did not accept the key."""


class ModelOverloaded(ModelFailed):
    """The model's provider asks for fewer requests, or is overloaded."""


class ModelUnreachable(ModelFailed):
    """No connection to the model's provider."""


class ModelTimeout(ModelFailed):
    """The model did not finish within its time."""


class ContextOverflow(ModelFailed):
    """The question and its conversation are longer than the model can read."""


class ModelRefused(ModelError):
    """The model declined to answer."""


class MalformedReply(ModelError):
    """The model answered, but not in the form asked for."""


class TruncatedReply(MalformedReply):
    """The reply stops in the middle."""


class ReplyTooLong(MalformedReply):
    """The reply went on after the limit, and was cut."""


class SessionError(FinassistError):
    """A stored session could not be read or written."""


class LedgerError(FinassistError):
    """The ledger of a batch could not be read or written."""


class LedgerInUse(LedgerError):
    """Another program, or another batch of this one, uses the ledger."""


class LedgerMismatch(LedgerError):
    """The file is no ledger, of another version, or of other questions."""


class LedgerFull(LedgerError):
    """The ledger could not be written: the disk is full."""


class BudgetReached(FinassistError):
    """A batch has used what it was allowed to use."""


class WorkerLost(FinassistError):
    """A question ended the process that asked it, again and again."""


class ClusterError(FinassistError):
    """The cluster of a batch is lost, or its workers cannot answer."""


class BridgeError(FinassistError, RuntimeError):
    """Sync `run()` was called on the private data loop, where it would wait for itself."""
