"""The directory of US-listed companies, and finding the companies that a text names."""

from __future__ import annotations

import gzip
import re
import threading
from collections.abc import Iterable, Iterator
from importlib.resources import files
from itertools import islice, pairwise, takewhile

from finassist.symbols.company import (
    WELL_SIZED,
    Company,
    How,
    Match,
    Named,
    NameIndex,
    Resolution,
    Unmatched,
    gone,
    missing_ticker,
)
from finassist.symbols.evidence import GONE, Sentence, unknown_mentions, word_tickers
from finassist.symbols.names import (
    ALIASES,
    FOREIGN_LISTING,
    HOMONYMS,
    LEGAL,
    RENAMED_TICKERS,
    SHARE_CLASSES,
    UMBRELLA,
    WELL_KNOWN,
    Marked,
    Token,
    common_words,
    key,
    marked_tickers,
    not_listed,
    ordinary_words,
    tokens,
)

MAX_CHARACTERS = 5_000
"""Text beyond this is not read: no question is longer, and time stays bounded."""

MAX_MENTIONS = 100
"""Companies found in one text; a longer list is no question."""

_LONGEST = 7
_TOGETHER = re.compile(r"[\s.\-‐-―/&'’+!*(]*")
_OWNER = re.compile(r"['’`](?:[sS])?$")
_CLASS = re.compile(
    r",? ?(?:\(? ?class ([A-C])\b ?\)?|([ABC])\b(?= ?(?:shares?|stock|\W*$)))(?: shares?| stock)?", re.I
)


def _readable(text: str) -> str:
    """The beginning of a long text, up to a space so that no word is cut into another."""
    if len(text) <= MAX_CHARACTERS:
        return text
    return text[: text.rfind(" ", 0, MAX_CHARACTERS) + 1] or text[:MAX_CHARACTERS]


class _Reading:
    """One text being read. Words are taken by the first rule that explains them."""

    def __init__(self, text: str, index: NameIndex) -> None:
        self.text = text
        self.index = index
        self.words: list[Token] = list(tokens(text))
        self.sentence = Sentence(text, self.words)
        self.matches: list[Match] = []
        self.unmatched: list[Unmatched] = []
        self.taken: set[int] = set()
        self.named: set[int] = set()

    def resolution(self) -> Resolution:
        for found in HOMONYMS.finditer(self.text):
            self.taken |= self._places(*found.span())
        self._take_foreign_listings()
        for mark in islice(marked_tickers(self.text), MAX_MENTIONS):
            self._take_marked(mark)
        self._each_name(joined=False)
        if self.named:
            self._each_name(joined=True)
        self.unmatched += word_tickers(self.sentence, self.taken, self.named, self.index)
        self.unmatched += unknown_mentions(self.sentence, self.taken, self.named, self.index)
        ordered = self._named_by_brackets(sorted(self.matches, key=lambda match: match.start))
        once = {missing.text.casefold(): missing for missing in reversed(self.unmatched)}
        return Resolution(tuple(ordered), tuple(reversed(once.values())))

    def _take_foreign_listings(self) -> None:
        for listing in FOREIGN_LISTING.finditer(self.text):
            message = f"{listing.group()} is listed abroad, and the directory has US listings; ask for a US listing."
            self.unmatched.append(Unmatched(listing.group(), "unknown", message))
            self.taken |= self._places(*listing.span())

    def _named_by_brackets(self, matches: list[Match]) -> list[Match]:
        """`HP (Helmerich & Payne)`: the name in brackets tells whose ticker stands before it."""
        for before, after in pairwise(matches):
            between = self.text[before.end : after.start].strip()
            if between == "(" and before.text.upper() == after.company.symbol != before.company.symbol:
                return [match for match in matches if match is not before]
        return matches

    def _places(self, start: int, end: int) -> set[int]:
        return {i for i, token in enumerate(self.words) if token.start < end and token.end > start}

    # -- marked tickers --------------------------------------------------------------------------------------

    def _take_marked(self, mark: Marked) -> None:
        places = self._places(mark.start, mark.end)
        if not places or places & self.taken:
            return
        company = self.index.lookup(mark.symbol)
        if company is None and (renamed := RENAMED_TICKERS.get(mark.symbol.upper())):
            company = self.index.lookup(renamed)
        if company is not None and not (mark.mark == "alone" and self._alone_is_a_name(mark)):
            self._match(company, mark.start, mark.end, "ticker", True, places)
        elif company is None and (missing := missing_ticker(mark)):
            self.unmatched.append(missing)
            self.taken |= places

    def _alone_is_a_name(self, mark: Marked) -> bool:
        if mark.symbol.isupper():
            return mark.symbol in ALIASES
        return self.index.named(mark.symbol.lower()) is not None

    # -- names and bare tickers ------------------------------------------------------------------------------

    def _each_name(self, *, joined: bool) -> None:
        place = 0
        while place < len(self.words) and len(self.matches) < MAX_MENTIONS:
            place += 1 if place in self.taken else self._take_name(place, joined=joined)

    def _take_name(self, first: int, *, joined: bool) -> int:
        """Take the longest name that begins here; return how many words it has."""
        for size in range(self._reach(first), 0, -1):
            if size == 1 and not joined and self._take_bare_ticker(first, capitals=True):
                return 1
            if taken := self._take_span(first, size, joined=joined):
                return taken
        if not joined and not self._take_bare_ticker(first, capitals=False):
            self._take_plural(first)
        return 1

    def _take_span(self, first: int, size: int, *, joined: bool) -> int:
        """Take these words, with or without their possessive ending, if they are a name."""
        named = self.named if joined else None
        span = self.words[first : first + size]
        whole = key([token.text for token in span])
        owner = key([*(token.text for token in span[:-1]), span[-1].base]) if span[-1].possessive else whole
        for beginning in (False, True):
            for name in dict.fromkeys((whole, owner)):
                entry = self.index.beginnings.get(name) if beginning else self.index.named(name)
                if entry and self.sentence.acceptable(entry, name, first, size, named):
                    return self._take_entry(entry, first, size, name == whole)
                fate = not_listed().get(name)
                if not entry and fate and self.sentence.acceptable(GONE, name, first, size, named):
                    return self._leave(first, size, fate)
        return 0

    def _take_plural(self, first: int) -> None:
        """`nvidias revenue`: a possessive written without its apostrophe."""
        token = self.words[first]
        name = token.text[:-1]
        entry = self.index.named(name)
        if not token.text.endswith("s") or len(name) < 4 or entry is None or entry.rank >= WELL_SIZED:
            return
        known = name in WELL_KNOWN and self.sentence.data_follows(first)
        if known or not self.sentence.ordinary(first, 1):
            self._match(self.index.company(entry), token.start, token.end - 1, entry.how, False, {first})

    def _reach(self, first: int) -> int:
        size = 1
        while size < _LONGEST and first + size < len(self.words) and first + size not in self.taken:
            left, right = self.words[first + size - 1], self.words[first + size]
            gap = self.text[left.end : right.start]
            if not _TOGETHER.fullmatch(gap) and not (right.text in LEGAL and gap.strip() == ","):
                break
            size += 1
        return size

    def _leave(self, first: int, size: int, fate: tuple[str, str]) -> int:
        start, end = self.words[first].start, self.words[first + size - 1].end
        self.unmatched.append(gone(_OWNER.sub("", self.text[start:end]), *fate))
        self.taken |= set(range(first, first + size))
        return size

    def _take_entry(self, entry: Named, first: int, size: int, whole: bool) -> int:
        span = self.words[first : first + size]
        company = self._ticker_of_the_same_letters(span) or self.index.company(entry)
        last = self._through_legal_form(first + size - 1)
        token = self.words[last]
        end = token.end if whole and last == first + size - 1 else token.start + len(_OWNER.sub("", token.raw))
        company, end = self._share_class(company, end)
        spelled = size > 1 and len(span[0].text) == len(span[1].text) == 1
        how: How = "initials" if spelled and entry.how != "alias" else entry.how
        places = set(takewhile(lambda i: self.words[i].start < end, range(first, len(self.words))))
        self._match(company, span[0].start, end, how, self.sentence.sure(entry, first, size, whole=whole), places)
        return max(len(places), 1)

    def _ticker_of_the_same_letters(self, span: list[Token]) -> Company | None:
        """`analyze TEAM`: in capitals, a common word that may be a company is its own ticker before a name."""
        raw = _OWNER.sub("", span[0].raw)
        cried = len(span) == 1 and raw.isupper() and not self.sentence.shouted
        return self.index.lookup(raw) if cried and raw.lower() in common_words() else None

    def _through_legal_form(self, last: int) -> int:
        while last + 1 < len(self.words) and last + 1 not in self.taken:
            left, right = self.words[last], self.words[last + 1]
            gap = self.text[left.end : right.start]
            legal = right.text in LEGAL | UMBRELLA - {"and", "de", "trust", "the"} and right.text not in ("the", "as")
            if left.possessive or not legal or not (gap.isspace() or gap.strip() in (",", ".", "&")):
                break
            if right.text in ("company", "group", "companies", "holding", "holdings") and not right.raw[0].isupper():
                break
            last += 1
        return last

    def _share_class(self, company: Company, end: int) -> tuple[Company, int]:
        found = _CLASS.match(self.text, end)
        letter = (found.group(1) or found.group(2)).upper() if found else ""
        if not found or (found.group(2) and not found.group(2).isupper()):
            return company, end
        root = company.symbol.split("-")[0]
        listed = SHARE_CLASSES.get(company.symbol, {}).get(letter) or f"{root}-{letter}"
        other = self.index.lookup(listed)
        if other is None or other.cik != company.cik:
            return company, end
        return other, found.end()

    def _take_bare_ticker(self, place: int, *, capitals: bool) -> bool:
        token = self.words[place]
        raw = _OWNER.sub("", token.raw)
        if not raw.isascii() or not raw.isalpha() or not (1 < len(raw) < 7):
            return False
        last = place > 0 and place == len(self.words) - 1
        if last and len(raw) == 2 and self.words[place - 1].text == "the":
            return False  # `and the MA?` asks for an abbreviation, and not for Mastercard
        company = self._ticker_in_capitals(raw) if capitals else self._ticker_in_small(raw)
        if company is None and capitals and self._begins_with_its_data(place):
            company = self.index.lookup(raw)
        if company is None:
            return False
        certain = capitals or self.index.by_symbol[company.symbol] < WELL_SIZED
        self._match(company, token.start, token.start + len(raw), "ticker", certain, {place})
        return True

    def _begins_with_its_data(self, place: int) -> bool:
        """`TEAM stock price`: a word in capitals that begins a sentence, before what is asked of it."""
        raw = self.words[place].raw
        begins = place == 0 and len(raw) > 2 and raw.isupper()
        return begins and self.sentence.capitals_tell and self.sentence.data_follows(0)

    def _ticker_in_capitals(self, raw: str) -> Company | None:
        if not raw.isupper() or self.sentence.shouted or raw.lower() in common_words():
            return None
        company = self.index.lookup(ALIASES.get(raw) or RENAMED_TICKERS.get(raw, raw))
        return company or self.index.lookup(f"{raw[:-1]}-{raw[-1]}")  # `BRKB` for BRK-B

    def _ticker_in_small(self, raw: str) -> Company | None:
        if len(raw) < 3 or raw.lower() in ordinary_words():
            return None
        company = self.index.lookup(raw)
        if company is None or (not raw.islower() and self.index.by_symbol[company.symbol] >= WELL_SIZED):
            return None
        return company

    def _match(self, company: Company, start: int, end: int, how: How, certain: bool, places: set[int]) -> None:
        self.matches.append(Match(company, self.text[start:end], start, end, how, certain))
        self.taken |= places
        self.named |= places


class SymbolDirectory(NameIndex):
    """Companies by ticker and by name, and in free text. It does not change; threads may share it.

    Example:
        >>> directory().lookup("brk.b").name
        'Berkshire Hathaway Inc.'
        >>> directory().resolve("Compare Apple and Microsoft").symbols
        ('AAPL', 'MSFT')
    """

    def __len__(self) -> int:
        return len(self.ranked)

    def companies(self) -> Iterator[Company]:
        """Every line, largest company first."""
        return iter(self.ranked)

    def resolve(self, text: str) -> Resolution:
        """The companies a text names.

        Example:
            >>> found = directory().resolve("Is Target's price target fair?")
            >>> [(match.company.symbol, match.text) for match in found.matches]
            [('TGT', 'Target')]
        """
        return _Reading(_readable(text), self).resolution()


def _read() -> SymbolDirectory:
    packed = (files("finassist.symbols") / "files" / "tickers.tsv.gz").read_bytes()
    filed: dict[str, str] = {}
    companies: list[Company] = []
    for line in gzip.decompress(packed).decode().split("\n"):
        symbol, exchange, cik, name, *other = line.split("\t")
        companies.append(Company(symbol, name, exchange, cik.zfill(10)))
        if other:
            filed[symbol] = other[0]
    return SymbolDirectory(companies, filed)


_loading = threading.Lock()
_loaded: list[SymbolDirectory] = []


def directory() -> SymbolDirectory:
    """The embedded directory, read once per process.

    Example:
        >>> len(directory()) > 10_000
        True
    """
    if not _loaded:
        with _loading:
            if not _loaded:
                _loaded.append(_read())
    return _loaded[0]


def announce(companies: Iterable[Company]) -> None:
    """Add companies that a provider of your own covers, so that questions may name them; US-listed ones stay.

    Example:
        >>> announce([Company("LEMON", "Lemonade Stand Ltd.", "", "")])
        >>> directory().resolve("What is the revenue of $LEMON?").symbols
        ('LEMON',)
    """
    known = directory()
    with _loading:
        listed = {company.symbol for company in known.ranked if company.cik}
        new = {company.symbol: company for company in companies if company.symbol not in listed}
        if new:  # a company of your own that is covered again may have another name
            kept = [company for company in known.ranked if company.symbol not in new]
            _loaded[0] = SymbolDirectory([*kept, *new.values()], known.filed)
