"""Write the embedded ticker file from the SEC's list of companies.

    python -m tests.tools.build_tickers SOURCE.csv

SOURCE has the columns `cik, ticker, exchange, name`, ordered by size, each company's main line before its other
share classes. The result, `files/tickers.tsv.gz`, keeps that order and has tab-separated columns: ticker,
exchange, CIK without leading zeros, display name, and the filed name where it is filed surname first. The same
source gives the same bytes.
"""

from __future__ import annotations

import csv
import gzip
import re
import sys
from collections.abc import Sequence
from importlib.resources import files
from pathlib import Path

from finassist.symbols.names import spelled_legal, word_set

TARGET = Path(str(files("finassist.symbols"))) / "files" / "tickers.tsv.gz"

_STATE_MARK = re.compile(r"\s*[/\\]\s*(?:ADR|NEW|CAN|[A-Za-z]{2})?\s*[/\\]?\s*$")
_FORMS = {
    "INC": "Inc.",
    "CORP": "Corp.",
    "CO": "Co.",
    "LTD": "Ltd.",
    "PLC": "plc",
    "LLC": "LLC",
    "AND": "and",
    "OF": "of",
    "THE": "the",
    "FOR": "for",
    "DE": "de",
    "SPA": "S.p.A.",
}
_FIRST_NAMES = word_set(
    "albert alfred arthur charles daniel edward eli ethan frank franklin fred george harley jack "
    "james john joseph michael paul peter philip ralph raymond richard robert scott stephan stephen "
    "thomas walter warner william"
)
_ORDINARY_SHORT = word_set(
    "AIR ART ASH BAR BAY BED BIG BOX BUY CAL CAR COM CUT DEN DOT DRY EAR EAT ECO EYE FAN FAR FIT FOX "
    "FUN GAP GAS GEN GUM HOP HOT ICE INN ION JET JOB KEY LAB LAM LEE LOG MAN MAP MAX MEN MID MIX NET "
    "NEW NOW OAK OAT OIL OLD ONE ORE OUT OWL PAN PAY PEN PET PIE PRO RAY RED ROW SAN SEA SEE SKY SON "
    "SUN SYS TAX TEA TEL TEN TIN TOP TOY TRI TWO UNI VAN VIA WAR WAY WEB WIN ZIP BIO LIV LUX MED NEO BEL DEL"
    " ELI JOE LAS MAE RIO"
)
_SPELLED_OUT = {
    "AMZN": "Amazon.com, Inc.",
    "ASML": "ASML Holding N.V.",
    "AZN": "AstraZeneca plc",
    "BLK": "BlackRock, Inc.",
    "BN": "Brookfield Corp.",
    "COP": "ConocoPhillips",
    "EBAY": "eBay Inc.",
    "FDX": "FedEx Corp.",
    "GS": "Goldman Sachs Group, Inc.",
    "HPQ": "HP Inc.",
    "JPM": "JPMorgan Chase & Co.",
    "MCD": "McDonald's Corp.",
    "MCK": "McKesson Corp.",
    "MCO": "Moody's Corp.",
    "KO": "Coca-Cola Co.",
    "LLY": "Eli Lilly & Co.",
    "LOW": "Lowe's Companies, Inc.",
    "NEE": "NextEra Energy, Inc.",
    "NVDA": "NVIDIA Corp.",
    "PEP": "PepsiCo, Inc.",
    "PYPL": "PayPal Holdings, Inc.",
    "SLB": "SLB Limited",
    "TROW": "T. Rowe Price Group, Inc.",
    "UNH": "UnitedHealth Group Inc.",
    "WELL": "Welltower Inc.",
    "XOM": "Exxon Mobil Corp.",
}

_NEWER = {"EQR": "VMRK", "SATS": "ECHO"}
"""Tickers that changed after the list was made; the embedded figures have the new ones."""


def main(argv: list[str]) -> int:
    """Convert the file named on the command line."""
    if len(argv) != 1:
        sys.stderr.write("Give the source file: python -m tests.tools.build_tickers SOURCE.csv\n")
        return 2
    TARGET.write_bytes(packed(Path(argv[0])))
    return 0


def packed(source: Path) -> bytes:
    """The ticker file's bytes for a source list."""
    with source.open(encoding="utf-8", newline="") as lines:
        rows = [_line(row) for row in csv.DictReader(lines)]
    return gzip.compress("\n".join(rows).encode(), mtime=0)


def _line(row: dict[str, str]) -> str:
    ticker = _NEWER.get(row["ticker"], row["ticker"])
    columns = [ticker, row["exchange"], row["cik"].lstrip("0"), display_name(row["name"], row["ticker"])]
    words = row["name"].split()
    if row["name"].isupper() and _in_spoken_order(words) != words:
        columns.append(row["name"])
    return "\t".join(columns)


def display_name(filed: str, symbol: str) -> str:
    """A name as a person would print it.

    Example:
        >>> display_name("MICROSOFT CORP", "MSFT"), display_name("SCHWAB CHARLES CORP", "SCHW")
        ('Microsoft Corp.', 'Charles Schwab Corp.')
        >>> display_name("BANK OF AMERICA CORP /DE/", "BAC"), display_name("Apple Inc.", "AAPL")
        ('Bank of America Corp.', 'Apple Inc.')
    """
    if symbol in _SPELLED_OUT:
        return _SPELLED_OUT[symbol]
    name = _STATE_MARK.sub("", " ".join(filed.split())) or filed
    words = name.split()
    shouted = sum(c.islower() for c in name) <= 2
    if shouted:
        words = _in_spoken_order(words)
    words = [_quiet(word, first=i == 0) if shouted or _loud(word) else word for i, word in enumerate(words)]
    return re.sub(r"\bMc[a-z]", lambda found: found.group()[:2] + found.group()[2].upper(), " ".join(words))


def _in_spoken_order(words: list[str]) -> list[str]:
    folded = [word.lower().strip(".,").replace("&", "and") for word in words]
    order = uninverted(folded)
    if order is None:
        return words
    place = order.index(folded[0])
    return [*words[1 : place + 1], words[0], *words[place + 1 :]]


def _loud(word: str) -> bool:
    """Whether a word of a name in mixed case is in capitals without being an acronym."""
    bare = word.strip(".,")
    return bare.isupper() and (bare in ("CORP", "INC", "CO", "LTD") or (len(bare) > 5 and bare.isalpha()))


def _quiet(word: str, *, first: bool) -> str:
    bare = word.strip(".,")
    tail = word[len(bare) :] if word.startswith(bare) else ""
    if bare.upper() in _FORMS and not first:
        form = _FORMS[bare.upper()]
        return form + (tail.replace(".", "") if form.endswith(".") else tail)
    if "-" in bare or "/" in bare:
        return re.sub(r"[^-/]+", lambda part: _quiet(part.group(), first=first), word)
    if _is_acronym(bare):
        return word
    return bare[:1].upper() + bare[1:].lower() + tail if tail or bare == word else word.title()


def _is_acronym(word: str) -> bool:
    letters = [c for c in word if c.isalpha()]
    if len(letters) < 2 or any(c.islower() for c in letters):
        return len(letters) < 2
    if not set(letters) & set("AEIOUY"):
        return len(letters) <= 5
    return len(letters) <= 3 and word not in _ORDINARY_SHORT


def uninverted(words: Sequence[str]) -> list[str] | None:
    """A name filed surname first, in the order people say it; `None` if it is not one.

    Example:
        >>> uninverted(["schwab", "charles", "corp"])
        ['charles', 'schwab', 'corp']
        >>> uninverted(["hunt", "j", "b", "transport", "services", "inc"])
        ['j', 'b', 'hunt', 'transport', 'services', 'inc']
    """
    end = 1
    while end < len(words) and (_is_initial(words[end]) or words[end] in _FIRST_NAMES):
        end += 1
    initials = sum(_is_initial(word) for word in words[1:end])
    if end - 1 == initials < 2 or len(words[0]) < 3 or words[0] in _FIRST_NAMES or spelled_legal(words[:end]):
        return None
    if end < len(words) and words[end] == "and" and len(words) > end + 1 and len(words[end + 1]) == 1:
        end += 2
    return [*words[1:end], words[0], *words[end:]]


def _is_initial(word: str) -> bool:
    return len(word) == 1 and word.isalpha()


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
