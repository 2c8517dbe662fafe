"""Recognising greetings, thanks, goodbyes and requests for help."""

from __future__ import annotations

from typing import Literal

from finassist.questions import keywords as vocabulary
from finassist.questions.phrases import PhraseIndex, is_break, words

SmallTalk = Literal["help", "thanks", "goodbye", "greeting"]
_LONGEST = 200
_PHRASES = PhraseIndex[SmallTalk](
    [
        *((phrase, "help") for phrase in vocabulary.HELP),
        *((phrase, "thanks") for phrase in vocabulary.THANKS),
        *((phrase, "goodbye") for phrase in vocabulary.GOODBYE),
    ]
)


def small_talk(text: str) -> SmallTalk | None:
    """Which kind of small talk a text is, if it is nothing else. A text without words asks for help.

    Example:
        >>> small_talk("Hello there!"), small_talk("thanks a lot"), small_talk("Hi, what is EBITDA?")
        ('greeting', 'thanks', None)
    """
    if "$" in text or len(text) > _LONGEST:
        return None
    tokens = [word for word in words(text) if not is_break(word)]
    hits = _PHRASES.find(tokens)
    covered = {i for hit in hits for i in range(hit.start, hit.end)}
    rest = [word for i, word in enumerate(tokens) if i not in covered]
    if any(word not in vocabulary.GREETING and word != "please" for word in rest):
        return None
    kinds = {hit.value for hit in hits}
    for kind in ("help", "goodbye", "thanks"):
        if kind in kinds:
            return kind
    return _greeting_or_nothing(tokens)


def _greeting_or_nothing(tokens: list[str]) -> SmallTalk | None:
    if not tokens:
        return "help"
    return "greeting" if tokens[0] in vocabulary.GREETING_STARTS else None
