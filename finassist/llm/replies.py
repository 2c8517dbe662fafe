"""What the offline model says: glossary entries, help, and plain statements of what it cannot do.

No text here holds a figure of a company, and none can: the only parts that vary are glossary entries and the
names of terms.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from finassist.core.categories import CATEGORY
from finassist.llm import texts
from finassist.llm.schemas import Context, ConversationSummary
from finassist.questions.glossary import Term, glossary
from finassist.questions.parser import read
from finassist.questions.phrases import words
from finassist.questions.rules import route
from finassist.questions.smalltalk import SmallTalk, small_talk

_SMALL_TALK: dict[SmallTalk, str] = {
    "greeting": texts.GREETING,
    "thanks": texts.THANKS,
    "goodbye": texts.GOODBYE,
    "help": texts.HELP,
}
_ABOUT_MODELS = re.compile(
    r"\bapi[ _]?keys?\b"
    r"|\b(?:connect|use|set ?up|switch|configure|add)\b.{0,20}"
    r"\b(?:model|llm|gpt|claude|groq|openai|anthropic)\b",
    re.IGNORECASE,
)
_ABOUT_SOURCES = re.compile(
    r"\bdata sources?\b|\byour (?:data|sources?|figures|numbers)\b"
    r"|\b(?:data|figures|numbers) com(?:e|es|ing) from\b",
    re.IGNORECASE,
)
_DIFFERENCE = re.compile(r"\b(?:difference|differ|differs|versus|vs|compare|compared|or|distinguish)\b", re.IGNORECASE)
_JOINS = frozenset({"and", "or", "vs", "versus", "from"})
_MORE = re.compile(
    r"\b(?:it|its|that|this|they|them|these|those|one|more|formula|calculated?|read|interpret|related)\b",
    re.IGNORECASE,
)
_ENTRIES = 3


def chat_reply(question: str, context: Context | None = None) -> str:
    """The answer to a chat question; markdown. Never raises, never states a figure of a company.

    Example:
        >>> chat_reply("Hello").startswith("Hello! I am finassist.")
        True
    """
    known = context or Context()
    kind = small_talk(question)
    if kind:
        return _SMALL_TALK[kind]
    return next(filter(None, (answer(question[:2000], known) for answer in _ANSWERS)))


def summarise(context: Context) -> ConversationSummary:
    """A summary of the turns in a context: companies, kinds of question and terms, no figures."""
    category, symbols = context.category, context.symbols
    topics: list[str] = []
    kinds: list[str] = []
    for asked, _ in context.turns:
        found = route(asked, Context(category=category, symbols=symbols))
        if found.symbols:
            category, symbols = found.category, found.symbols
        kinds.append(CATEGORY[found.category].plural)
        topics += found.symbols or tuple(term.name for term in glossary().find(asked))
    latest_last = list(dict.fromkeys(reversed(topics)))[::-1]
    return ConversationSummary(summary=_told(context, latest_last, kinds), topics=latest_last)


def cannot_fill(schema: object) -> str:
    """What to say to an agent that asks for a reply in a form only a language model can fill."""
    name = getattr(schema, "__name__", "this form")
    return f"I can't fill in {name} offline. {texts.CONNECT}"


def _about_models(question: str, context: Context) -> str:
    return texts.CONNECT if _ABOUT_MODELS.search(question) else ""


def _about_sources(question: str, context: Context) -> str:
    return texts.SOURCES if _ABOUT_SOURCES.search(question) else ""


def _coverage_forecast_advice(question: str, context: Context) -> str:
    reading = read(question, context)
    if reading.coverage:
        return texts.COVERAGE
    if reading.concept:
        return ""
    return texts.FORECAST if reading.forecast else texts.ADVICE if reading.advice else ""


def _terms(question: str, context: Context) -> str:
    found = _named(question)
    if len(found) == 2 and _DIFFERENCE.search(question):
        return _compared(*found)
    return "\n\n---\n\n".join(term.to_markdown() for term in found[:_ENTRIES])


def _terms_of_earlier_turns(question: str, context: Context) -> str:
    if len(question) > 120 or not _MORE.search(question):
        return ""
    for asked, _ in reversed(context.turns):
        found = _named(asked)
        if found:
            return found[0].to_markdown()
    return ""


def _cannot(question: str, context: Context) -> str:
    near = glossary().nearest(question)
    hint = f"\n\nClose to it in the glossary: {_names(near)}." if near else ""
    return f"{texts.UNKNOWN} {texts.CONNECT}{hint}"


_ANSWERS: tuple[Callable[[str, Context], str], ...] = (
    _about_models,
    _about_sources,
    _coverage_forecast_advice,
    _terms,
    _terms_of_earlier_turns,
    _cannot,
)


def _named(question: str) -> list[Term]:
    """Terms in a question, with "gross and net margin" read as "gross margin and net margin"."""
    tokens = words(question)[:200]
    for i, word in enumerate(tokens[1:-1], start=1):
        pair = _sharing_a_noun(tokens[i - 1], tokens[i + 1 : i + 5]) if word in _JOINS else []
        if pair:
            return pair
    return glossary().find(tokens)


def _sharing_a_noun(first: str, rest: list[str]) -> list[Term]:
    for end in range(len(rest), 1, -1):
        pair = [_exactly([first, *rest[1:end]]), _exactly(rest[:end])]
        if all(pair):
            return [term for term in pair if term]
    return []


def _exactly(tokens: list[str]) -> Term | None:
    hits = glossary().hits(tokens)
    return hits[0].value if len(hits) == 1 and hits[0].end - hits[0].start == len(tokens) else None


def _compared(first: Term, second: Term) -> str:
    lines = [f"**{first.name} and {second.name}**"]
    for term in (first, second):
        formula = f" *({term.formula})*" if term.formula else ""
        lines.append(f"- **{term.name}:** {term.definition}{formula}")
    reading = [f"**Reading {term.name}:** {term.reading}" for term in (first, second)]
    return "\n\n".join([lines[0], "\n".join(lines[1:]), *reading])


def _names(terms: list[Term]) -> str:
    return ", ".join(f"*{term.name}*" for term in terms)


def _told(context: Context, topics: list[str], kinds: list[str]) -> str:
    count = len(kinds)
    asked = f"{count} question{'' if count == 1 else 's'}" if count else "No questions yet"
    about = f" about {', '.join(topics)}" if topics else ""
    which = f", asking for {', '.join(dict.fromkeys(kinds))}" if kinds else ""
    earlier = f"{context.summary.strip()} " if context.summary.strip() else ""
    return f"{earlier}{asked}{about}{which}."
