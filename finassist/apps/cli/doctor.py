"""`finassist doctor`: is everything in order here, and if not, what to do."""

from __future__ import annotations

import asyncio
import os
import textwrap
from collections.abc import Callable, Coroutine, Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Final, cast

from agno.agent import Agent
from agno.models.base import Model
from agno.tools.finance import FinanceProvider

from finassist.apps.cli.checks import (
    Check,
    check_cache,
    check_database,
    check_disk,
    check_env_file,
    check_keys,
    check_packages,
    check_python,
    check_sqlite,
    check_variables,
    plain,
)
from finassist.config.settings import Settings
from finassist.core.errors import ConfigurationError, FinassistError
from finassist.core.logging import hush

_PROVIDER_SECONDS: Final = 8.0
_MODEL_SECONDS: Final = 20.0
_WIDTH: Final = 100
_ASKED: Final = "AAPL"


@dataclass(frozen=True, repr=False)
class Checkup:
    """What the doctor found. Printing it shows a table; `ok` says whether everything works.

    Attributes:
        checks: One for each thing that was looked at, in order.
    """

    checks: tuple[Check, ...]

    @property
    def ok(self) -> bool:
        """Whether nothing failed. A note is no failure."""
        return all(check.verdict != "failed" for check in self.checks)

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready form."""
        return {"ok": self.ok, "checks": [asdict(check) for check in self.checks]}

    def __repr__(self) -> str:
        wide = max(len(check.name) for check in self.checks)
        lines = [line for check in self.checks for line in _lines(check, wide)]
        notes = sum(check.verdict == "note" for check in self.checks)
        failures = sum(check.verdict == "failed" for check in self.checks)
        noted = f", with {notes} note{'s' if notes > 1 else ''}" if notes else ""
        end = f"{failures} failed" if failures else f"Everything works{noted}"
        return "\n".join([*lines, "", f"{end}."])


def _lines(check: Check, wide: int) -> list[str]:
    head = f"{check.verdict.upper() if check.verdict == 'failed' else check.verdict:<6}  {check.name:<{wide}}  "
    return textwrap.wrap(
        check.text, _WIDTH, initial_indent=head, subsequent_indent=" " * len(head), break_long_words=False,
        break_on_hyphens=False,
    ) or [head.rstrip()]  # fmt: skip


async def doctor(settings: Settings | None = None, *, model: Any = None, provider: Any = None) -> Checkup:
    """Look at the installation, the settings, the disk and the connections. Works offline.

    A live data source is asked for one quote, past the cache; a live model for one word. With embedded figures and
    the offline model nothing is sent anywhere. No value of a key is shown, only whether it is set.

    Args:
        settings: What to check; by default what a new workflow would use.
        model: The model to ask, as for a workflow; by default that of the settings.
        provider: The data provider to ask, as for a workflow; by default that of the settings.

    Example:
        >>> checkup = await doctor()  # doctest: +SKIP
        >>> checkup.ok  # doctest: +SKIP
        True
    """
    checks = [check_python(), *check_packages(), check_sqlite()]
    try:
        settings = settings or Settings()
    except ConfigurationError as error:
        return Checkup((*checks, Check("settings", "failed", str(error)), *check_variables()))
    checks += [Check("settings", "ok", _chosen(settings)), check_keys(settings), *check_variables()]
    checks += [*check_env_file(settings), check_database(settings), check_cache(settings), *check_disk(settings)]
    async with asyncio.TaskGroup() as group:
        data = group.create_task(_check_provider(provider, settings))
        words = group.create_task(_check_model(model, settings))
    return Checkup((*checks, *data.result(), *words.result(), _check_telemetry()))


def _chosen(settings: Settings) -> str:
    changed = [f"{name} ({origin})" for name, _, origin in settings.rows() if origin != "default"]
    return f"not default: {', '.join(changed)}" if changed else "all defaults"


# ------------------------------------------------------------------------------------------ connections


async def _check_provider(provider: Any, settings: Settings) -> list[Check]:
    from finassist.providers.registry import open_provider

    afresh = settings.model_copy(update={"quote_lifetime": 0})  # counts its requests where the cache is
    opened = _opened("data", settings, lambda: open_provider(provider or settings.provider, afresh))
    if isinstance(opened, Check):
        return [opened]
    listed: Sequence[FinanceProvider] = getattr(opened, "providers", (opened,))
    return [check for each in listed for check in await _check_source(each, settings)]


async def _check_source(source: FinanceProvider, settings: Settings) -> list[Check]:
    if source.id == "embedded":
        return [Check("data", "ok", f"{source.name}: offline, needs no key")]
    return [await _asked("data", source.name, _sample(source), _PROVIDER_SECONDS, settings), *_plan(source)]


async def _sample(provider: FinanceProvider) -> str:
    """A quote; of a source that has none a profile."""
    if not provider.supports("get_quote"):
        return f"answers: {_ASKED} is {(await provider.aget_company_profile(_ASKED)).name}"
    quote = await provider.aget_quote(_ASKED)
    return f"answers: {quote.symbol} {quote.currency or ''} {quote.price} of {quote.as_of or 'no date'}"


def _plan(provider: FinanceProvider) -> Iterator[Check]:
    """What is known about the plan, and how much of it is used."""
    detail = provider.status().detail
    used = getattr(provider, "requests_today", None)
    if detail or used is not None:
        count = "" if used is None else f"{used:,} request{'' if used == 1 else 's'} made today, from this machine"
        told = [detail or "", count]
        yield Check("plan", "ok", "; ".join(filter(None, told)))


async def _check_model(model: Any, settings: Settings) -> list[Check]:
    from finassist.llm.models import resolve_model

    opened = _opened("model", settings, lambda: resolve_model(model or settings.model, settings))
    if isinstance(opened, Check):
        return [opened]
    stand_ins: Sequence[Model] = getattr(opened, "fallbacks", ())
    return [await _check_one_model(each, settings) for each in (opened, *stand_ins)]


async def _check_one_model(model: Model, settings: Settings) -> Check:
    if model.id == "offline":
        return Check("model", "ok", "offline: rules and a glossary, needs no key")
    return await _asked("model", f"{model.provider} {model.id}", _word(model, settings), _MODEL_SECONDS, settings)


async def _word(model: Model, settings: Settings) -> str:
    from finassist.llm.agents import build_chat_agent
    from finassist.llm.attempts import Limits
    from finassist.runtime.agent_calls import AgentCall
    from finassist.runtime.effects import Ask, Askable

    hush()  # what Agno would log about a failure is the verdict
    agent = cast(Askable, _alone(build_chat_agent(model)))
    call = AgentCall(Ask("chat", "Reply with the single word: ready"), agent, Limits.of(settings))
    with call.watched():
        reply = call.reply(await agent.arun(call.ask.message), asyncio.CancelledError)
    if reply.error:
        raise reply.error
    return f"answers: {str(reply.content)[:40]}"


def _alone(agent: Agent) -> Agent:
    """The agent without the models that would stand in for its own: each of them is asked by itself."""
    agent.fallback_config = None
    return agent


def _opened[Thing](name: str, settings: Settings, make: Callable[[], Thing]) -> Thing | Check:
    try:
        return make()
    except FinassistError as error:
        return Check(name, "failed", plain(str(error), settings.secrets()))


async def _asked(name: str, who: str, asking: Coroutine[Any, Any, str], seconds: float, settings: Settings) -> Check:
    """Whether somebody out there answers in time, or the reason they gave."""
    try:
        async with asyncio.timeout(seconds):
            text = await asking
    except TimeoutError:
        return Check(
            name, "failed", f"{who} did not answer within {seconds:g} seconds. Check the network, then ask again."
        )
    except Exception as error:  # noqa: BLE001  whatever a live source or an SDK raises, the other checks go on
        reason = str(error) or type(error).__name__
        named = who in reason or f"The model {who.partition(' ')[2]} " in reason  # it says of itself who it is about
        told = reason if named else f"{who} does not answer. {reason}"
        return Check(name, "failed", plain(told, settings.secrets()))
    return Check(name, "ok", plain(f"{who} {text}", settings.secrets()))


def _check_telemetry() -> Check:
    """What Agno would send home. Importing the workflow switches it off."""
    from finassist.workflow import FinancialAssistantWorkflow

    workflow = FinancialAssistantWorkflow(model="offline", provider="embedded", settings=Settings(), db=None)
    agents = (workflow.router_agent, workflow.symbol_extraction_agent, workflow.chat_agent, workflow.summary_agent)
    on = [each.name for each in (workflow, *agents) if each.telemetry]
    if on or os.environ.get("AGNO_TELEMETRY", "").lower() != "false":
        return Check("telemetry", "failed", "Agno's telemetry is on. Set AGNO_TELEMETRY=false.")
    return Check("telemetry", "ok", "off")
