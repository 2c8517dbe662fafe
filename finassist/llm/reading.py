"""Reading a question: which companies, which data words, whether it points back, what was not understood.

A `Reading` is what the routing table in `finassist.llm.rules` looks at. Nothing here decides anything.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

from finassist.data.symbols import Match, Resolution, Unmatched, directory
from finassist.llm import words as vocabulary
from finassist.llm.glossary import Term, glossary
from finassist.llm.phrases import COMPANY, Hit, PhraseIndex, is_break, words
from finassist.llm.schemas import Category

SmallTalk = Literal["help", "thanks", "goodbye", "greeting"]
_Kind = Literal["concept", "compare", "what about", "points back", "advice", "forecast", "polite", "contrast"]
_HALF = 1_000
_NEGATION_REACH = 4


@dataclass(frozen=True, slots=True)
class Context:
    """What a conversation carries over to the next question.

    Attributes:
        category: The category of the last answer.
        symbols: The companies it was about.
        summary: What was said before the last turns.
        turns: The last turns as (question, short answer), oldest first.
    """

    category: Category | None = None
    symbols: tuple[str, ...] = ()
    summary: str = ""
    turns: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """A question as the routing table sees it.

    Attributes:
        context: What the conversation carries over.
        symbols: Companies named.
        unmatched: Names that look like companies and are not known.
        company_certain: Whether each company is unmistakable.
        wanted: Kinds of figures asked for, in order of mention, without `report` and `chat`.
        overview: Whether an overview, analysis or comparison is asked for.
        plain: Whether no loose word decided.
        terms: Glossary terms named.
        concept: Whether it asks what a term means.
        concept_understood: Whether every word of such a question was understood.
        understood: Whether every word of a question about a company was understood.
        bare: Whether nothing but a company is named.
        what_about: Whether it starts like `What about …` or `And …`.
        points_back: Whether it says `it`, `their`, `both`, …
        compares_with_earlier: Whether it compares a company with those talked about before.
        small_talk: Whether it is a greeting, thanks, a goodbye or a request for help, and nothing else.
        advice: Whether it asks what to buy or sell.
        forecast: Whether it asks about the future.
    """

    context: Context
    symbols: tuple[str, ...]
    unmatched: tuple[Unmatched, ...]
    company_certain: bool
    wanted: tuple[Category, ...]
    overview: bool
    plain: bool
    terms: tuple[Term, ...]
    concept: bool
    concept_understood: bool
    understood: bool
    bare: bool
    what_about: bool
    points_back: bool
    compares_with_earlier: bool
    small_talk: bool
    advice: bool
    forecast: bool

    @property
    def earlier(self) -> tuple[str, ...]:
        """Companies talked about before."""
        return self.context.symbols

    @property
    def joined(self) -> tuple[str, ...]:
        """Companies talked about before, then those named now, when the question joins them."""
        if self.symbols and not self.compares_with_earlier:
            return self.symbols
        return tuple(dict.fromkeys((*self.earlier, *self.symbols)))

    @property
    def carried(self) -> Category | None:
        """The category of the conversation, if it was about a company."""
        return self.context.category if self.context.category != "chat" else None

    @property
    def refers_back(self) -> bool:
        """Whether it is about the companies talked about before and names no other."""
        return self.points_back and bool(self.earlier) and not self.symbols

    @property
    def unmistakable(self) -> bool:
        """Whether company, data word and every other word leave no doubt."""
        return self.company_certain and self.plain and self.understood


@dataclass(frozen=True, slots=True)
class _Scan:
    """The words of a question with every known phrase in them."""

    tokens: list[str]
    data: list[Hit[tuple[Category, bool]]]
    kinds: dict[_Kind, list[Hit[_Kind]]]
    terms: list[Hit[Term]]
    clipped: bool

    def has(self, kind: _Kind) -> bool:
        return bool(self.kinds[kind])

    def understood(self, fillers: frozenset[str], hits: Iterable[Hit[object]]) -> bool:
        """Whether every word is a filler, a number, a company or part of one of the hits."""
        covered = {i for hit in hits for i in range(hit.start, hit.end)}
        rest = (word for i, word in enumerate(self.tokens) if i not in covered and not is_break(word))
        return not self.clipped and all(
            word == COMPANY or word.isdecimal() or word in fillers for word in rest
        )


def read(question: str, context: Context) -> Reading:
    """Read a question. Bounded in time: only the first and last 1,000 characters count."""
    text = question if len(question) <= 2 * _HALF else f"{question[:_HALF]} … {question[-_HALF:]}"
    found = _companies(text)
    scan = _scan(_masked(text, found.matches), clipped=text != question)
    wanted, overview, plain = _asked_for(scan)
    symbols = found.symbols
    concept = _is_concept(scan, wanted, context) and not symbols
    return Reading(
        context=context,
        symbols=symbols,
        unmatched=found.unmatched,
        company_certain=found.certain,
        wanted=wanted,
        overview=overview,
        plain=plain,
        terms=tuple(dict.fromkeys(hit.value for hit in scan.terms)),
        concept=concept,
        concept_understood=concept and _concept_understood(scan),
        understood=_company_understood(scan),
        bare=not wanted and not overview and scan.understood(vocabulary.FILLERS, scan.kinds["what about"]),
        what_about=any(hit.start <= 1 for hit in scan.kinds["what about"]),
        points_back=scan.has("points back"),
        compares_with_earlier=bool(context.symbols and symbols) and _compares_back(scan, len(symbols)),
        small_talk=small_talk(text) is not None,
        advice=scan.has("advice"),
        forecast=len(scan.kinds["forecast"]) > len(scan.kinds["polite"]),
    )


def small_talk(text: str) -> SmallTalk | None:
    """Which kind of small talk a text is, if it is nothing else. A blank text asks for help.

    Example:
        >>> small_talk("Hello there!"), small_talk("thanks a lot"), small_talk("Hi, what is EBITDA?")
        ('greeting', 'thanks', None)
    """
    if "$" in text or len(text) > _HALF:
        return None
    tokens = [word for word in words(text) if not is_break(word)]
    hits = _SMALL_TALK.find(tokens)
    covered = {i for hit in hits for i in range(hit.start, hit.end)}
    rest = [word for i, word in enumerate(tokens) if i not in covered]
    greets = bool(rest) and tokens[0] in vocabulary.GREETING_STARTS
    if any(word not in vocabulary.GREETING and word != "please" for word in rest):
        return None
    if rest and not greets and not hits:
        return None
    kinds = {hit.value for hit in hits} or ({"greeting"} if greets else {"help"})
    return next(kind for kind in ("help", "goodbye", "thanks", "greeting") if kind in kinds)


def _companies(text: str) -> Resolution:
    found = directory().resolve(text)
    matches = tuple(match for match in found.matches if not _is_a_term(match, text))
    unmatched = tuple(item for item in found.unmatched if not glossary().get(item.text))
    return Resolution(matches, unmatched)


def _is_a_term(match: Match, text: str) -> bool:
    """`PEG` in "a PEG ratio" is the ratio, although it is a ticker too."""
    marked = match.start > 0 and text[match.start - 1] in "$:(" or match.text.startswith("$")
    alone = match.text == text.strip()
    return match.how == "ticker" and not marked and not alone and glossary().get(match.text) is not None


def _masked(text: str, matches: Sequence[Match]) -> str:
    for match in reversed(matches):
        text = f"{text[: match.start]} {COMPANY} {text[match.end :]}"
    return text


def _scan(text: str, *, clipped: bool) -> _Scan:
    tokens = words(text)
    return _Scan(
        tokens=tokens,
        data=[hit for hit in _DATA.find(tokens) if not _negated(hit, tokens)],
        kinds={kind: index.find(tokens) for kind, index in _KINDS.items()},
        terms=glossary().hits(tokens),
        clipped=clipped,
    )


def _negated(hit: Hit[tuple[Category, bool]], tokens: Sequence[str]) -> bool:
    for i in range(hit.start - 1, max(-1, hit.start - 1 - _NEGATION_REACH), -1):
        if is_break(tokens[i]) or tokens[i] == "but":
            return False
        if tokens[i] in vocabulary.NEGATION or " ".join(tokens[i : i + 2]) in vocabulary.CONTRAST:
            return tokens[i + 1] != "only"
    return False


def _asked_for(scan: _Scan) -> tuple[tuple[Category, ...], bool, bool]:
    """Kinds of figures, whether an overview, and whether plain words said so."""
    plain = [hit.value[0] for hit in scan.data if hit.value[1]]
    loose = [hit.value[0] for hit in scan.data if not hit.value[1]]
    deciding = plain or loose
    wanted = tuple(dict.fromkeys(category for category in deciding if category != "report"))
    return wanted, "report" in plain or "report" in loose, bool(plain) or not loose


def _is_concept(scan: _Scan, wanted: tuple[Category, ...], context: Context) -> bool:
    if not scan.terms:
        return False
    definite = any(hit.start > 0 and scan.tokens[hit.start - 1] == "the" for hit in scan.terms)
    if (definite and wanted and context.symbols) or (wanted == ("stock_price",) and definite):
        return False
    if scan.has("concept"):
        return True
    alone = scan.understood(frozenset({"a", "an", "and"}), scan.terms)
    return alone and not context.symbols and wanted != ("stock_price",)


def _concept_understood(scan: _Scan) -> bool:
    fillers = vocabulary.FILLERS | vocabulary.CONCEPT_FILLERS
    return scan.has("concept") and scan.understood(fillers, [*scan.terms, *scan.kinds["concept"]])


def _company_understood(scan: _Scan) -> bool:
    plain = [hit for hit in scan.data if hit.value[1]]
    negated = any(word in vocabulary.NEGATION for word in scan.tokens) or scan.has("contrast")
    return not negated and scan.understood(vocabulary.FILLERS, plain)


def _compares_back(scan: _Scan, named: int) -> bool:
    if not scan.has("compare") or COMPANY not in scan.tokens:
        return False
    first = scan.tokens.index(COMPANY)
    if any(hit.start < first for hit in scan.kinds["points back"]):
        return True
    objects = [hit for hit in scan.kinds["points back"] if hit.phrase not in ("its", "their", "theirs")]
    joined = first > 0 and scan.tokens[first - 1] in ("with", "to", "against", "vs", "versus", "than")
    return named == 1 and bool(objects or joined)


_DATA = PhraseIndex[tuple[Category, bool]](
    (phrase, (category, plain))
    for table, plain in ((vocabulary.PLAIN, True), (vocabulary.LOOSE, False))
    for category, phrases in table.items()
    for phrase in phrases
)
_KINDS: dict[_Kind, PhraseIndex[_Kind]] = {
    kind: PhraseIndex[_Kind]((phrase, kind) for phrase in phrases)
    for kind, phrases in (
        ("concept", vocabulary.CONCEPT),
        ("compare", vocabulary.COMPARE),
        ("what about", vocabulary.WHAT_ABOUT),
        ("points back", vocabulary.POINTS_BACK),
        ("advice", vocabulary.ADVICE),
        ("forecast", vocabulary.FORECAST),
        ("polite", vocabulary.POLITE_WILL),
        ("contrast", vocabulary.CONTRAST),
    )
}
_SMALL_TALK = PhraseIndex[SmallTalk](
    [
        *((phrase, "help") for phrase in vocabulary.HELP),
        *((phrase, "thanks") for phrase in vocabulary.THANKS),
        *((phrase, "goodbye") for phrase in vocabulary.GOODBYE),
    ]
)
