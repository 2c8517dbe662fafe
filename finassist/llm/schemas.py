"""The three structured replies of the agents.

The JSON schema of each reply is generated once and copied per call, because Agno asks for it on every run.
"""

from __future__ import annotations

from copy import deepcopy
from functools import cache
from typing import Any

from pydantic import BaseModel, Field

from finassist.core.categories import CategoryName


class Reply(BaseModel):
    """A structured reply whose default JSON schema is built once.

    Example:
        >>> RoutedQuestion.model_json_schema()["title"]
        'RoutedQuestion'
    """

    @classmethod
    def model_json_schema(cls, *args: Any, **kwargs: Any) -> dict[str, Any]:
        """The JSON schema; a fresh copy, since model adapters edit what they are given."""
        if args or kwargs:
            return super().model_json_schema(*args, **kwargs)
        return deepcopy(_plain_schema(cls))


class RoutedQuestion(Reply):
    """Which kind of answer a question asks for.

    Example:
        >>> RoutedQuestion(category="stock_price", reason="It asks for a price.").category
        'stock_price'
    """

    category: CategoryName = Field(description="The one kind of answer the question asks for.")
    reason: str = Field(default="", description="One short sentence: why this category.")


class ExtractedSymbols(Reply):
    """The companies a question is about.

    Example:
        >>> ExtractedSymbols(symbols=["AAPL"]).unknown
        []
    """

    symbols: list[str] = Field(description="US ticker symbols in the order asked about, such as AAPL.")
    unknown: list[str] = Field(default=[], description="Company names without a known US ticker.")


class ConversationSummary(Reply):
    """What a conversation has been about, without figures.

    Example:
        >>> ConversationSummary(summary="Asked about Apple.", topics=["AAPL"]).topics
        ['AAPL']
    """

    summary: str = Field(description="At most three sentences on what was asked; no figures.")
    topics: list[str] = Field(default=[], description="Ticker symbols and subjects, most recent last.")


@cache
def _plain_schema(schema: type[Reply]) -> dict[str, Any]:
    return super(Reply, schema).model_json_schema()
