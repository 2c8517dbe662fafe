"""Settings from arguments, `configure()`, `FINASSIST_*` and `*_API_KEY` variables, and `.env`; each with a default."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from datetime import timedelta
from functools import partial
from pathlib import Path
from types import MappingProxyType
from typing import Annotated, Any, ClassVar, Final, Literal, cast

from platformdirs import user_cache_path, user_data_path
from pydantic import AfterValidator, AliasChoices, BeforeValidator, Field, PrivateAttr, SecretStr, ValidationError
from pydantic_settings import (
    BaseSettings,
    DotEnvSettingsSource,
    EnvSettingsSource,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
)
from pydantic_settings.exceptions import SettingsError

from finassist.config.sources import (
    PREFIX,
    env_file,
    is_key,
    ordinary,
    untrusted,
    variable_of,
    warn_of_unread,
    warn_of_untrusted,
)
from finassist.core.errors import ConfigurationError
from finassist.core.secrets import redact, secrets_of
from finassist.core.text import did_you_mean

type Origin = Literal["argument", "configure()", "environment", ".env", "default"]
Routing = Literal["auto", "model", "rules"]
Live = Literal["auto", "on", "off"]
FmpPlan = Literal["free", "starter", "premium", "ultimate"]


def _clean_key(value: Any) -> Any:
    text = value.get_secret_value() if isinstance(value, SecretStr) else value
    if not isinstance(text, str):
        return value
    text = text.strip()
    if not text.isascii() or not text.isprintable() or " " in text:
        raise ValueError("a key is one word of plain letters, digits and signs")
    return SecretStr(text) if text else None


Key = Annotated[SecretStr | None, BeforeValidator(_clean_key)]
Folder = Annotated[Path, AfterValidator(Path.expanduser)]
Seconds = Annotated[float, Field(gt=0, allow_inf_nan=False)]
Lifetime = Annotated[float, Field(ge=0, le=10 * 365 * 86_400, allow_inf_nan=False)]


def _key(variable: str, owner: str) -> Any:
    names = AliasChoices(f"{PREFIX}{variable}", variable)
    return Field(default=None, validation_alias=names, description=f"Key of {owner}.", repr=False)


def _folder(find: Callable[..., Path], description: str) -> Any:
    return Field(default_factory=partial(find, "finassist", False), description=description)


class Settings(BaseSettings):
    """Settings of a workflow, given once instead of at every call.

    An argument wins over `finassist.configure(...)`, that over a variable of the environment, and that over a line of
    `.env` in the working folder, or else in the nearest one above it up to the root of the project. Before you trust
    that file (`finassist config trust`, or `Settings(_env_file=…)`), it sets display and limits only: keys, models,
    data sources and folders in it are ignored with a warning. Printing settings shows where each value came from, and
    never a key.

    Raises:
        ConfigurationError: A value cannot be used, or there is no such setting. The message names the variable and
            what it may be, and does not repeat the value.

    Example:
        >>> settings = Settings(routing="rules")
        >>> settings.routing, settings.origin("routing"), settings.origin("years")
        ('rules', 'argument', 'default')
    """

    model_config = SettingsConfigDict(
        env_prefix=PREFIX, env_file_encoding="utf-8-sig", env_ignore_empty=True,
        extra="ignore", frozen=True, populate_by_name=True, hide_input_in_errors=True,
    )  # fmt: skip

    home: Folder = _folder(user_data_path, "Folder of the session database.")
    model: str = Field(default="auto", description="Which language model routes, extracts and chats.")
    provider: str = Field(default="auto", description="Which data provider delivers the figures.")
    routing: Routing = Field(
        default="auto",
        description="What understands a question: rules where they are certain, else the model; or one of them alone.",
    )
    years: int = Field(default=5, ge=1, le=10, description="Fiscal years in an answer.")
    live: Live = Field(
        default="auto", description="Whether a run shows itself while it works; auto: where a cell awaits it."
    )
    narration: bool = Field(
        default=False, description="Whether a live model writes a few sentences below the headline of a report."
    )

    trace: str = Field(
        default="", description="Where what runs do is written as spans: local, otlp, or the address of an endpoint."
    )

    question_timeout: Seconds = Field(default=60.0, description="Seconds all fetches of one question may take.")
    fetch_timeout: Seconds = Field(default=20.0, description="Seconds one fetch may take before it is a gap.")
    http_timeout: Seconds = Field(default=10.0, description="Seconds one request to a data source may take.")
    http_attempts: int = Field(default=3, ge=1, le=10, description="Times a request is sent where trying again helps.")
    concurrency: int = Field(default=8, ge=1, le=100, description="Requests to a data source at the same time.")
    per_minute: int = Field(default=300, ge=1, description="Requests to a data source in a minute.")
    fmp_plan: FmpPlan | None = Field(default=None, description="Your plan at Financial Modeling Prep.")
    sec_contact: str = Field(default="", description="Your e-mail address, which the SEC asks for; sent to it alone.")
    model_timeout: Seconds = Field(default=60.0, description="Seconds a language model may take to reply.")
    model_retries: int = Field(default=2, ge=0, le=10, description="Times a model that is overloaded is asked again.")
    openai_base_url: str = Field(
        default="", description='Address of a server that speaks OpenAI\'s API, for model="openai:<model id>".'
    )
    fallback_models: str = Field(default="", description="Models to fall back on, separated by commas.")
    model_prices: dict[str, dict[str, float | str]] = Field(
        default_factory=dict[str, dict[str, float | str]],
        description="US dollars per million tokens by model id, as JSON with input and output.",
    )
    max_reply_chars: int = Field(default=20_000, ge=100, description="Characters of a model's reply that are read.")

    cache: bool = Field(default=True, description="Whether answers of live data sources are cached on disk.")
    cache_folder: Folder = _folder(user_cache_path, "Folder of the cached answers.")
    quote_lifetime: Lifetime = Field(default=60, description="Seconds a quote is used again.")
    history_lifetime: Lifetime = Field(default=3_600, description="Seconds a price history is used again.")
    news_lifetime: Lifetime = Field(default=900, description="Seconds news are used again.")
    recommendations_lifetime: Lifetime = Field(default=86_400, description="Seconds recommendations are used again.")
    metrics_lifetime: Lifetime = Field(default=43_200, description="Seconds key metrics and ratios are used again.")
    profile_lifetime: Lifetime = Field(default=604_800, description="Seconds a company profile is used again.")
    statement_lifetime: Lifetime = Field(default=86_400, description="Seconds a filed statement is used again.")
    search_lifetime: Lifetime = Field(default=604_800, description="Seconds a search for a symbol is used again.")

    max_question_length: int = Field(default=10_000, ge=1, description="Characters a question may have.")
    max_text_length: int = Field(default=200_000, ge=1, description="Characters of a text whose figures are checked.")
    max_companies: int = Field(default=10, ge=1, description="Companies in one answer.")
    remembered_turns: int = Field(default=3, ge=1, description="Earlier turns a follow-up can refer to in full.")
    summary_after: int = Field(default=6, ge=2, description="Turns after which older ones are summarised.")

    fmp_api_key: Key = _key("FMP_API_KEY", "Financial Modeling Prep (data)")
    financial_datasets_api_key: Key = _key("FINANCIAL_DATASETS_API_KEY", "Financial Datasets (data)")
    anthropic_api_key: Key = _key("ANTHROPIC_API_KEY", "Anthropic (models)")
    openai_api_key: Key = _key("OPENAI_API_KEY", "OpenAI (models)")
    groq_api_key: Key = _key("GROQ_API_KEY", "Groq (models)")

    _origins: Mapping[str, Origin] = PrivateAttr(default_factory=dict[str, Origin])
    configured: ClassVar[Mapping[str, Any]] = MappingProxyType({})
    """The settings of `configure()`; replaced as a whole, never changed."""

    def __init__(self, **values: Any) -> None:
        values = wrapped(values)
        named = [values.pop("_env_file")] if "_env_file" in values else []
        _check_names(values)
        origins: dict[str, Origin] = {}
        problem = _problem(
            lambda: super(Settings, self).__init__(**_gathered(values, named, origins)),
            lambda details: _sentence(details, origins),
        )
        if problem:
            raise ConfigurationError(problem)
        self._origins = origins

    @classmethod
    def settings_customise_sources(
        cls, settings_cls: type[BaseSettings], init_settings: PydanticBaseSettingsSource, *_: Any, **_others: Any
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """The arguments only: `__init__` has gathered the other sources already, to note where each value is from."""
        return (init_settings,)

    @property
    def database(self) -> Path:
        """The file sessions are stored in."""
        return self.home / "sessions.db"

    @property
    def lifetimes(self) -> dict[str, timedelta]:
        """How long a cached answer is used again, by kind of data; zero means never.

        Example:
            >>> Settings(quote_lifetime=5).lifetimes["quote"]
            datetime.timedelta(seconds=5)
        """
        names = [name for name in Settings.model_fields if name.endswith("_lifetime")]
        return {name.removesuffix("_lifetime"): timedelta(seconds=getattr(self, name)) for name in names}

    def key(self, owner: str) -> str | None:
        """The secret itself, as it is sent: `settings.key("fmp")`."""
        secret = cast("SecretStr | None", getattr(self, f"{owner}_api_key", None))
        return secret.get_secret_value() if secret else None

    def secrets(self) -> tuple[str, ...]:
        """Every key that is set, to be redacted in any text that leaves the process."""
        return tuple(key for name in KEYS if (key := self.key(name.removesuffix("_api_key"))))

    def origin(self, name: str) -> Origin:
        """Where the value of a setting came from."""
        return self._origins.get(name, "default")

    def rows(self) -> list[tuple[str, str, Origin]]:
        """Name, value and origin of every setting; of a key only whether it is set."""
        return [(name, _shown(name, getattr(self, name)), self.origin(name)) for name in Settings.model_fields]

    def __repr__(self) -> str:
        rows = self.rows()
        wide, wider = (max(len(row[column]) for row in rows) for column in (0, 1))
        lines = [f"  {name:<{wide}}  {value:<{wider}}  {origin}" for name, value, origin in rows]
        return "\n".join(["Settings", *lines])

    __str__ = __repr__

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Settings) and self.__dict__ == other.__dict__

    def __hash__(self) -> int:
        return hash(repr(self.rows()))

    def __reduce__(self) -> tuple[Callable[..., Settings], tuple[()]]:
        """Without keys: they are read again from the environment where this is unpickled."""
        return partial(Settings, **{name: getattr(self, name) for name in self._origins if name not in KEYS}), ()


KEYS = tuple(filter(is_key, Settings.model_fields))
"""The settings that are secrets."""

ROUTINGS: Final[tuple[tuple[str, Routing], ...]] = (
    ("rules where certain, else the model", "auto"),
    ("always the model", "model"),
    ("always the rules", "rules"),
)
"""The ways to decide what is asked, in words for a page."""

_SPELLINGS: Final = {name: name for name in Settings.model_fields} | {
    spelling: key for key in KEYS for spelling in (key.upper(), f"{PREFIX}{key.upper()}")
}
"""A setting by each name that a source may give it."""


def wrapped(values: Mapping[str, Any]) -> dict[str, Any]:
    """The values with keys wrapped, so that no frame that a traceback shows holds one in plain text."""
    return {
        name: SecretStr(value) if is_key(name.lower()) and isinstance(value, str) else value
        for name, value in values.items()
    }


def _gathered(values: Mapping[str, Any], named: Sequence[Any], origins: dict[str, Origin]) -> dict[str, Any]:
    """The value of each setting from the first source that has one; `origins` says which that was.

    A `.env` that the person `named` is trusted; one that was found is not, until they say so.
    """
    file = ordinary(named[0]) if named else env_file()
    environment, dotenv = EnvSettingsSource(Settings), DotEnvSettingsSource(Settings, env_file=file)
    warn_of_unread([*environment.env_vars, *dotenv.env_vars], Settings.model_fields)
    ignored = untrusted(file, dotenv.env_vars, Settings.model_fields) if file and not named else {}
    dotenv.env_vars = {variable: value for variable, value in dotenv.env_vars.items() if variable not in ignored}
    sources: dict[Origin, Callable[[], Mapping[str, Any]]] = {
        "argument": lambda: values,
        "configure()": lambda: Settings.configured,
        "environment": environment,
        ".env": dotenv,
    }
    gathered: dict[str, Any] = {}
    for origin, source in sources.items():
        try:
            found = source()
        except SettingsError as error:
            origins.setdefault(_named_in(error), origin)
            raise
        for name, value in found.items():
            if (setting := _SPELLINGS.get(name)) and setting not in origins:
                gathered[setting], origins[setting] = value, origin
    warn_of_untrusted(file, [variable for variable, setting in ignored.items() if setting not in origins])
    return gathered


def _check_names(values: Mapping[str, Any]) -> None:
    for name in values:
        if name not in _SPELLINGS:
            advice = did_you_mean(name, Settings.model_fields) or " `print(Settings())` lists all of them."
            raise ConfigurationError(f"There is no setting {name!r}.{advice}")


def _problem(make: Callable[[], None], sentence: Callable[[Mapping[str, Any]], str]) -> str | None:
    """What is wrong with the values; `None` if nothing is.

    It is returned, not raised: an error raised here would carry pydantic's error, which holds the values.
    """
    try:
        make()
    except ValidationError as error:
        return " ".join(map(sentence, error.errors(include_input=False, include_url=False, include_context=False)))
    except SettingsError as error:  # a value that has to be JSON
        return sentence({"loc": (_named_in(error),), "msg": "it should be valid JSON"})
    except (UnicodeDecodeError, OSError):
        return "The file .env cannot be read as UTF-8 text. Save it as UTF-8, or remove it."
    return None


def _named_in(error: SettingsError) -> str:
    """The setting that the error names; its text does not hold the value."""
    return next(iter(re.findall(r'field "(\w+)"', str(error))), "")


def _sentence(details: Mapping[str, Any], origins: Mapping[str, Origin]) -> str:
    name = _SPELLINGS[str(details["loc"][0])]
    origin = origins.get(name, "argument")
    where = " (in .env)" if origin == ".env" else ""
    subject = f"{variable_of(name)}{where}" if origin in ("environment", ".env") else f"The setting {name!r}"
    reason = str(details["msg"]).removeprefix("Value error, ").replace("Input should", "it should")
    if is_key(name):
        return f"{subject} cannot be used: {reason}. Copy the whole of it, or remove it."
    default = _shown(name, Settings.model_fields[name].get_default(call_default_factory=True))
    return f"{subject} cannot be used: {reason}. Correct it, or remove it to use the default, {default}."


def _shown(name: str, value: Any) -> str:
    if is_key(name) or value is None:
        return "set" if value else "not set"
    if isinstance(value, Path) and value.is_relative_to(Path.home()):
        return str(Path("~") / value.relative_to(Path.home()))
    text = f"{value:g}" if isinstance(value, float) else str(value).lower() if isinstance(value, bool) else str(value)
    return redact(text, secrets_of(text)) if "://" in text else text
