"""`finassist.check`: any text against the data, in one call."""

from __future__ import annotations

from datetime import date

from finassist.providers.registry import Provider
from finassist.reporting.markdown import Checked
from finassist.workflow import FinancialAssistantWorkflow


def check(text: str, *, provider: Provider | None = None, as_of: date | str | None = None) -> Checked:
    """Check the figures of any text against data: a press release, or the answer of another assistant.

    Args:
        text: Any text; a sentence without a company is about the one named last.
        provider: Where figures come from, as of `FinancialAssistantWorkflow`; by default as the settings say.
        as_of: The day on which what counts was public.

    Returns:
        Each figure that the text states, as right, wrong with the right value, or not checkable; it shows itself in a
        cell, and `to_frame()` makes a DataFrame of it.

    Raises:
        InputError: The text is empty, or longer than `max_text_length`, by default 200,000 characters: 60 pages.
        ConfigurationError: There is no such provider, or it lacks a key.

    Example:
        >>> [finding] = check("Apple's net margin was 25.3% in FY2022.")
        >>> finding.verdict, finding.fact.source[:3]
        ('right', 'SEC')
    """
    with _workflow(provider) as workflow:
        return workflow.check(text, as_of=as_of)


async def acheck(text: str, *, provider: Provider | None = None, as_of: date | str | None = None) -> Checked:
    """`check` on the running loop."""
    async with _workflow(provider) as workflow:
        return await workflow.acheck(text, as_of=as_of)


def _workflow(provider: Provider | None) -> FinancialAssistantWorkflow:
    return FinancialAssistantWorkflow(model="offline", provider=provider, db=None)
