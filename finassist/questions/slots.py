"""One pass over a question that claims its words: companies, periods, amounts, metrics, operations, sets. Pure.

Multi-word company names come first, then periods, amounts and metrics, and only then single names, so that Q2, FY24, DSO
and TTM are never companies. What no slot claims and no filler word explains is left in `Slots.loose`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from functools import cache

from finassist.core.metrics import LANGUAGES, catalogue
from finassist.core.query import Filter
from finassist.questions import grammar
from finassist.questions.names import Named, Names, closest, companies_in, is_vocabulary
from finassist.questions.when import Found, periods_in
from finassist.questions.words import Phrases, Word, fold, function_words, has_cjk, language_of, normalise, words_of


@dataclass(frozen=True, slots=True)
class Hit[T]:
    """Something found at characters `start` to `end`."""

    value: T
    start: int
    end: int
    words: str


@dataclass(slots=True)
class Slots:
    """What the words of a question claim."""

    text: str
    low: str
    language: str
    words: list[Word]
    companies: list[Hit[Named]] = field(default_factory=list[Hit[Named]])
    periods: list[Found] = field(default_factory=list[Found])
    metrics: list[Hit[str]] = field(default_factory=list[Hit[str]])
    amounts: list[Hit[Filter]] = field(default_factory=list[Hit[Filter]])
    operations: list[Hit[str]] = field(default_factory=list[Hit[str]])
    directions: list[Hit[int]] = field(default_factory=list[Hit[int]])
    sectors: list[Hit[str]] = field(default_factory=list[Hit[str]])
    sets: list[Hit[str]] = field(default_factory=list[Hit[str]])
    marks: list[Hit[str]] = field(default_factory=list[Hit[str]])
    limit: Hit[int] | None = None
    unmatched: list[tuple[str, str]] = field(default_factory=list[tuple[str, str]])
    corrected: list[tuple[str, str]] = field(default_factory=list[tuple[str, str]])
    loose: list[Word] = field(default_factory=list[Word])

    def has(self, *tags: str) -> bool:
        """Whether an operation or mark with one of the tags was found."""
        return any(hit.value in tags for hit in (*self.operations, *self.marks))

    def at(self, tag: str) -> Hit[str] | None:
        """The first operation or mark with a tag."""
        return next((hit for hit in (*self.operations, *self.marks) if hit.value == tag), None)

    @property
    def symbols(self) -> list[str]:
        """Companies in the order of mention, each once."""
        return list(dict.fromkeys(hit.value.symbol for hit in self.companies))


# ------------------------------------------------------------------------------------------ phrases


@cache
def metric_phrases(language: str) -> Phrases[str]:
    """The names of all metrics, in a language and in English."""
    wanted = ("en", language) if language != "en" else ("en",)
    order = [language, "en"] if language != "en" else ["en"]
    assert set(wanted) <= set(LANGUAGES)
    return Phrases(
        (name, metric.id)
        for lang in order
        for metric in catalogue().values()
        for name in (metric.names or {}).get(lang, ())
    )


@cache
def _tag_phrases(table: str) -> Phrases[str]:
    rows = {"operations": grammar.OPERATIONS, "directions": grammar.DIRECTIONS, "sectors": grammar.SECTORS,
            "sets": {"set": grammar.SETS, "which": grammar.WHICH}, "marks": {"rank": grammar.RANK, "judge": grammar.JUDGE}}[table]  # fmt: skip
    return Phrases((phrase.strip(), tag) for tag, phrases in rows.items() for phrase in phrases.split("|"))


# Ways to name a metric that are no fixed phrase: pattern, metric.
PARAPHRASES: tuple[tuple[str, re.Pattern[str]], ...] = (
    ("operating_cash_flow", re.compile(r"\bcash\b[^?.,]{0,45}?\b(?:from|by|through) (?:its |the )?operations\b|\bcash (?:did .{1,30} )?(?:its |the )?operations (?:generate|produce|bring|throw)\w*")),
    ("free_cash_flow", re.compile(r"\bcash (?:that (?:was|is) )?left (?:over )?after (?:capex|capital expenditures?|investments?)\b|\b(?:and )?what was left(?: over)?\b(?=.{0,3}$)")),
    ("buybacks", re.compile(r"\b(?:b(?:uy|uys|ought|uying) back|repurchas(?:e|ed|es|ing)|retir(?:e|ed))\b[^?.,]{0,30}?\b(?:stock|shares?)\b|\b(?:stock|shares?)\b[^?.,]{0,30}?\b(?:b(?:uy|uys|ought|uying) back|repurchased?|repurchase)\b|\b(?:spen[dt]s?|spending)\b[^?.,]{0,25}?\b(?:on|for) (?:its |their )?(?:own (?:stock|shares)|buying back \w+)|\brepurchased\b|\bbought back\b")),
    ("dividends_paid", re.compile(r"\b(?:pa(?:y|ys|id|ying)|distribut\w+|hand(?:ed|s)?)\b(?: out| over)?[^?.,]{0,30}?\bdividends\b(?! per)|\bdividends\b[^?.,]{0,35}?\b(?:pa(?:y|id|ys)|distribut\w+)\b(?: out)?")),
    ("capex", re.compile(r"\b(?:spen[dt]s?|invest(?:ed|s)?|spending)\b[^?.,]{0,25}?\b(?:property,? plant(?:,? and| &) equipment|pp&e|capital projects|plants? and equipment)\b|\binvest(?:ed)? in (?:property|plants|equipment|buildings)\b")),
    ("market_cap", re.compile(r"\b(?:how much (?:is|was)|what (?:is|was)) [^?.,]{1,40}? worth\b(?! per)(?! a share)|\bworth more\b|\bmost valuable\b|\bleast valuable\b|\bbiggest (?:companies|company|firms?) by value\b|\b(?:total )?value of all (?:its |the )?shares\b|\bworth (?:the )?most\b")),
    ("price", re.compile(r"\b(?:what|how much) (?:is|was|did|does) (?:a |one |an )?[^?.,]{1,40}? (?:worth per share|per share worth|worth a share)\b|\b(?:a |one |an |per )(?:\w+ ){0,2}?(?:share|stock) (?:cost|costs|trade|trades|traded|sell|sold|go|close|closed)\b(?: at| for)?|\b(?:trad(?:e|ed|es|ing)|clos(?:e|ed|es)|quoted|sell(?:ing)? for|priced) (?:at|for|on)\b|\bworth per share\b|\bcost of (?:a|one) share\b|\bhow much (?:is|was|for) (?:a|one) share\b|\bshare cost\b|\bone share of\b|\bstock (?:trade|close|closed)\b|\b(?:did|does|do) [^?.,]{1,30}? (?:close|finish|end)\b(?= (?:on|at|in|the))")),
    ("price", re.compile(r"\b(?:best|worst|strongest|weakest)\b[^?.]{0,20}?\bmonth\b|\bmonth\b[^?.]{0,60}?\b(?:best|worst|strongest|weakest|gain|gained|fell|lost|rose|rise)\b")),
    ("price_change", re.compile(r"\b(?:if|had) (?:i|you|we|someone|one)\b[^?.]{0,25}?\b(?:bought|invested|put|held)\b|\bwhich (?:one )?did (?:better|worse)\b|\b(?:ytd|year[- ]to[- ]date) (?:performance|return|gain|change|move)|\bperformance\b(?= (?:in|during|over|since|ytd|of|year|this)|.{0,3}$)|\b(?:stocks?|shares?(?: price)?) (?:did |do |has |have |to )?(?:perform\w*|do(?:ne)?|did|fared?|return(?:ed)?|gain(?:ed)?|lose|lost)\b|\b(?:how|what) (?:did|has|have) [^?.,]{1,40}? (?:stocks?|shares?(?: price)?) (?:perform\w*|do(?:ne)?|fared?|return|gain|lose)|\b(?:stock|share)s? (?:market )?(?:performance|performed)\b|\bperform(?:ed)? better\b|\bbetter (?:performing )?(?:stock|share|investment)\b|\b(?:stock|share) (?:did|performed|rose|fell|gained|lost)\b|\b(?:best|worst)[- ]performing\b|\breturned? more\b|\bwhich (?:stock|share)s?\b[^?.,]{0,20}? (?:better|worse|best|worst)\b")),
    ("total_return", re.compile(r"\b(?:total )?returns?\b[^?.]{0,40}?\b(?:with|including|incl\.?|plus|and) (?:re-?invested )?dividends(?: re-?invested| included)?\b|\bdividends (?:re-?invested|included)\b")),
    ("net_income", re.compile(r"\b(?:how much|what) (?:money )?(?:did|does|has|have) [^?.,]{1,50}? (?:earn(?:ed)?|lose|lost|make|made)\b(?! (?:from|on|in)? ?(?:revenue|sales|of revenue|from operations))|\b(?:who|which(?: \w+){0,2}?|did [^?.,]{3,60}?) (?:earn(?:s|ed)?|lost|lose|made|makes?) (?:the )?(?:more|most|less|least)\b(?! (?:revenue|sales|money from|from|gross|operating|free|cash|net|in))|\b(?:most|more|less|least) profitable\b|\bprofitable\b(?!.{0,20}\()|\bearn(?:s|ed)?\b(?! (?:on|per))|\b(?:made|make|lost|lose) money\b|\bin the (?:red|black)\b|\bloss[- ]making\b")),
    ("effective", re.compile(r"(?!x)x")),
)  # fmt: skip


# --------------------------------------------------------------------------------------------- the pass


def slots_of(text: str, language: str | None = None) -> Slots:
    """Claim the words of a question."""
    norm = normalise(text)
    low = fold(norm)
    for aside in grammar.ASIDES.finditer(low):
        blank = " " * (aside.end() - aside.start())
        norm, low = (
            norm[: aside.start()] + blank + norm[aside.end() :],
            low[: aside.start()] + blank + low[aside.end() :],
        )
    slots = Slots(norm, low, language or language_of(norm), words_of(norm))
    taken = [False] * len(norm)
    found = companies_in(norm, slots.language)
    strong = [each for each in found.named if each.value.strong]
    _take(taken, strong)
    slots.companies += [Hit(each.value, each.start, each.end, each.words) for each in strong]
    slots.periods = [each for each in periods_in(_masked(low, taken))]
    _take(taken, slots.periods)
    _amounts(slots, taken)
    _metrics(slots, taken)
    _weak_companies(slots, taken, found.named)
    _misspelt(slots, taken, found)
    _tags(slots, taken)
    _limit(slots, taken)
    slots.corrected = found.corrected
    _general_motors(slots)
    slots.unmatched = [each for each in found.unmatched if _still_free(slots, taken, each[0])]
    slots.companies.sort(key=lambda hit: hit.start)
    slots.loose = [word for word in slots.words if _loose(word, taken, slots.language)]
    return slots


def _take(taken: list[bool], hits: Iterable[object]) -> None:
    for hit in hits:
        start, end = getattr(hit, "start"), getattr(hit, "end")  # noqa: B009
        taken[start:end] = [True] * (end - start)


def _free(taken: list[bool], start: int, end: int) -> bool:
    return not any(taken[start:end])


def _masked(text: str, taken: list[bool]) -> str:
    return "".join("\x00" if used else c for c, used in zip(text, taken, strict=True))


def _still_free(slots: Slots, taken: list[bool], words: str) -> bool:
    at = slots.low.find(fold(words))
    return at < 0 or _free(taken, at, at + len(words))


def _loose(word: Word, taken: list[bool], language: str = "en") -> bool:
    if word.mark or not _free(taken, word.start, word.end) or word.text in function_words(language):
        return False
    return word.text not in grammar.FILLERS and not word.text[0].isdigit()


# ------------------------------------------------------------------------------------------- amounts


def _amounts(slots: Slots, taken: list[bool]) -> None:
    for match in grammar.BETWEEN.finditer(slots.low):
        if _free(taken, match.start(), match.end()) and (match["unit"] or match["cur"] or match["acur"]):
            low, high = _number(match["anum"], match["aunit"] or match["unit"]), _number(match["num"], match["unit"])
            _amount(slots, taken, match, Filter(metric="revenue", comparator="between", number=low, upper=high))
    for pattern in (grammar.COMPARISON, grammar.AFTER):
        for match in pattern.finditer(slots.low):
            if not _free(taken, match.start("num"), match.end("num")) or _is_count(slots, match):
                continue
            less = match.groupdict().get("lt") or (match.groupdict().get("dir") or "") in (
                "less", "lower", "below", "under", "fewer")  # fmt: skip
            number = _number(match["num"], match["unit"])
            _amount(slots, taken, match, Filter(metric="revenue", comparator="<" if less else ">", number=number))


def _is_count(slots: Slots, match: re.Match[str]) -> bool:
    after = slots.low[match.end() : match.end() + 14]
    return bool(re.match(r"\s?(?:years?|quarters?|months?|companies|stocks|firms)\b", after)) and not match["unit"]


def _number(text: str, unit: str | None) -> float:
    plain = re.sub(r",(?=\d{3}(?!\d))", "", text).replace(",", ".")
    value = float(plain) if plain.count(".") < 2 else float(plain.replace(".", ""))
    unit = (unit or "").rstrip(".")
    if unit in grammar.PERCENT:
        return value / 100
    return value * grammar.SCALES.get(unit, 1.0)


def _amount(slots: Slots, taken: list[bool], match: re.Match[str], found: Filter) -> None:
    unit = (match["unit"] or "").rstrip(".")
    kind = "percent" if unit in grammar.PERCENT else "times" if unit in ("times", "x") else "days" if unit == "days" else (
        "USD" if match["cur"] or unit in grammar.SCALES else "")  # fmt: skip
    slots.amounts.append(Hit(found, match.start(), match.end(), f"{match.group()}|{kind}"))
    taken[match.start() : match.end()] = [True] * (match.end() - match.start())


# ------------------------------------------------------------------------------------------- metrics


def _metrics(slots: Slots, taken: list[bool]) -> None:
    for name, pattern in PARAPHRASES:
        for match in pattern.finditer(slots.low):
            if name in ("operating_cash_flow", "free_cash_flow", "total_return") and _free(
                taken, match.start(), match.start() + 1
            ):
                slots.metrics.append(Hit(name, match.start(), match.end(), match.group()))
                _claim_words(slots, taken, match.start(), match.end())
    phrases = metric_phrases(slots.language)
    at = 0
    while at < len(slots.words):
        found = phrases.longest(slots.words, at)
        if found and _usable(slots, taken, at, found[0], found[1]):
            start, end = slots.words[at].start, slots.words[at + found[0] - 1].end
            slots.metrics.append(Hit(found[1], start, end, slots.low[start:end]))
            taken[start:end] = [True] * (end - start)
            at += found[0]
            continue
        at += 1
    if has_cjk(slots.low):
        for start, end, name in phrases.inside(slots.low):
            if _free(taken, start, end):
                slots.metrics.append(Hit(name, start, end, slots.low[start:end]))
                taken[start:end] = [True] * (end - start)
    known = {hit.value for hit in slots.metrics}
    for name, pattern in PARAPHRASES:
        for match in pattern.finditer(slots.low):
            if name not in known and _new_sense(slots, name, match):
                slots.metrics.append(Hit(name, match.start(), match.end(), match.group()))
                known.add(name)
                break
    slots.metrics.sort(key=lambda hit: hit.start)


_OF_PARAPHRASES = frozenset(
    [
        "cash",
        "from",
        "operations",
        "operation",
        "by",
        "through",
        "left",
        "total",
        "return",
        "returns",
        "dividends",
        "reinvested",
        "including",
        "with",
        "what",
        "was",
    ]
)


def _claim_words(slots: Slots, taken: list[bool], start: int, end: int) -> None:
    for word in slots.words:
        if start <= word.start and word.end <= end and word.text in _OF_PARAPHRASES:
            taken[word.start : word.end] = [True] * (word.end - word.start)


def _usable(slots: Slots, taken: list[bool], at: int, size: int, name: str) -> bool:
    """Whether a phrase that also means something else stands for the metric here."""
    first, last = slots.words[at], slots.words[at + size - 1]
    if not _free(taken, first.start, last.end):
        return False
    phrase = " ".join(word.text for word in slots.words[at : at + size] if word.text != "-")
    before = [word.text for word in slots.words[max(0, at - 3) : at]]
    after = [word.text for word in slots.words[at + size : at + size + 3]]
    return _AMBIGUOUS.get(phrase, lambda b, a: True)(before, after)


_AMBIGUOUS = {
    "close": lambda b, a: not (a[:2] == ["to", "the"] or a[:1] == ["to"]),
    "shares": lambda b, a: ("many" in b or "of" not in a[:1]) and "many" in b,
    "how many shares": lambda b, a: True,
    "quote": lambda b, a: a[:1] != ["me"],
    "tax": lambda b, a: "before" not in b and "after" not in b,
    "taxes": lambda b, a: "before" not in b and "after" not in b,
    "assets": lambda b, a: b[-1:] != ["on"],
    "loss": lambda b, a: b[-2:] != ["profit", "and"],
    "da": lambda b, a: False,
    "ar": lambda b, a: False,
    "ap": lambda b, a: False,
    "ca": lambda b, a: False,
    "ni": lambda b, a: True,
    "ev": lambda b, a: True,
    "yield": lambda b, a: b[-1:] not in (["treasury"], ["bond"], ["year"]),
    "turnover": lambda b, a: b[-1:] not in (["staff"], ["employee"]),
    "margin between": lambda b, a: False,
    "dividend": lambda b, a: a[:1] not in (["growth"],) or True,
    "leverage": lambda b, a: True,
}


def _new_sense(slots: Slots, name: str, match: re.Match[str]) -> bool:
    """A paraphrase counts where no metric with a name of its own is meant."""
    others = {hit.value for hit in slots.metrics}
    if name == "net_income":
        return not others - {"price_change"} and not re.search(r"dividend|share price|stock", match.group())
    if name == "price_change":
        return not others - {"price"} or bool(re.search(r"perform", match.group()))
    if name in ("price", "market_cap"):
        return not others
    if name == "dividends_paid":
        return not others & {"dividends_per_share", "payout_ratio"}
    return True


# ------------------------------------------------------------------------------------------- the rest


def _weak_companies(slots: Slots, taken: list[bool], named: Sequence[Hit[Named]]) -> None:
    for each in named:
        if not each.value.strong and _free(taken, each.start, each.end):
            slots.companies.append(each)
            taken[each.start : each.end] = [True] * (each.end - each.start)


def _misspelt(slots: Slots, taken: list[bool], found: Names) -> None:
    """Words that are in no word list and one slip away from a well-known company."""
    for word in slots.words:
        if word.mark or len(word.text) < 4 or not _loose(word, taken, slots.language) or is_vocabulary(word.text):
            continue
        plain = word.text[:-1] if word.text.endswith("s") else word.text
        symbol = closest(word.text) or closest(plain)
        if symbol:
            slots.companies.append(Hit(Named(symbol, False, True), word.start, word.end, word.raw))
            taken[word.start : word.end] = [True] * (word.end - word.start)
            found.corrected.append((word.raw, symbol))


def _general_motors(slots: Slots) -> None:
    """GM is gross margin beside a company and nothing else that is asked; else it is General Motors."""
    for hit in [hit for hit in slots.metrics if hit.words == "gm"]:
        if (
            len(slots.metrics) > 1
            or not slots.companies
            or re.search(r"\b(?:or|and|vs\.?|versus),? gm\b|\bgm (?:or|and|vs)\b|, gm\b", slots.low)
        ):
            slots.metrics.remove(hit)
            slots.companies.append(Hit(Named("GM", False), hit.start, hit.end, hit.words))


def _tags(slots: Slots, taken: list[bool]) -> None:
    for table in ("marks", "operations", "sectors", "directions", "sets"):
        phrases = _tag_phrases(table)
        into: list[Hit[str]] = []
        at = 0
        while at < len(slots.words):
            found = phrases.longest(slots.words, at)
            if found:
                start, end = slots.words[at].start, slots.words[at + found[0] - 1].end
                if _free(taken, start, end):
                    into.append(Hit(found[1], start, end, slots.low[start:end]))
                    if table != "sets":
                        taken[start:end] = [True] * (end - start)
                    at += found[0]
                    continue
            at += 1
        if has_cjk(slots.low):
            into += [Hit(tag, s, e, slots.low[s:e]) for s, e, tag in phrases.inside(slots.low) if _free(taken, s, e)]
        if table == "directions":
            slots.directions = [Hit(1 if hit.value == "most" else -1, hit.start, hit.end, hit.words) for hit in into]
        else:
            getattr(slots, table).extend(into)


_TOP = re.compile(
    r"\b(?:top|first|bottom|last|best|worst|largest|biggest|smallest|highest|lowest|cheapest|which|the|what|name|list|show(?: me)?|only|fastest)(?: the)? (?P<n>\d{1,3}|one|two|three|four|five|six|seven|eight|nine|ten|fifteen|twenty)\b(?! (?:years?|quarters?|months?|fiscal|percent|%|billion|million|trillion|times|days|dollars|usd))"
)
_LEAD = re.compile(
    r"\b(?P<n>\d{1,3}|two|three|four|five|six|seven|eight|nine|ten|fifteen|twenty) (?:most|largest|biggest|highest|lowest|smallest|best|worst|cheapest|fastest|top|least|greatest|richest|slowest)\b"
)
_COUNT = re.compile(
    r"\b(?:how many|number of|count (?:of|the)?) (?:of (?:the |your )?)?(?:[\w&-]+ ){0,3}?(?:companies|firms|stocks|businesses|members|corporations|names|issuers|banks|insurers|utilities|constituents)\b|\b(?:cuántas empresas|wie viele (?:unternehmen|firmen)|combien d'(?:entreprises|e sociétés)|quantas empresas|quante (?:aziende|società))\b|多少(?:家)?公司|何社"
)
_WORDS = {"one": 1, "two": 2, "three": 3, "four": 4, "five": 5, "six": 6, "seven": 7, "eight": 8, "nine": 9, "ten": 10,
          "fifteen": 15, "twenty": 20}  # fmt: skip


def _limit(slots: Slots, taken: list[bool]) -> None:
    if found := _COUNT.search(slots.low):
        slots.marks.append(Hit("count", found.start(), found.end(), found.group()))
    for pattern in (_LEAD, _TOP):
        for match in pattern.finditer(slots.low):
            number = int(match["n"]) if match["n"].isdigit() else _WORDS[match["n"]]
            if number and not any(each.start <= match.start("n") < each.end for each in slots.periods):
                slots.limit = Hit(number, match.start("n"), match.end("n"), match.group())
                return
