"""A definition that the question itself gives: "…, defined as net income / average total assets of FY2023 and FY2024"."""

from __future__ import annotations

import re

from finassist.core.metrics import parse
from finassist.questions.grammar import metric_phrases
from finassist.questions.words import fold, words_of

_MARKS = re.compile(
    r"(?:,|\(|;|:)?\s*(?:is |are )?(?:defined as|calculated as|computed as|measured as|expressed as|given by|formula:|i\.e\.,?|that is,?|meaning|where [\w ]{3,30}? (?:=|is))\s+(?P<body>[^?]+?)(?:\)|\?|$|\. )"
)
_EQUALS = re.compile(r"(?P<name>[\w &'-]{3,40}?)\s*=\s*(?P<body>[^?=]+?)(?:\)|\?|$|\. )")
_BRACKETS = re.compile(r"\((?P<body>[^()]+ (?:/|÷|over|divided by|minus|plus|\+|-) [^()]+)\)")
_OPERATORS = (
    (re.compile(r"\bdivided by\b|\bover\b|÷|/"), " / "), (re.compile(r"\bless\b|\bminus\b|(?<=\s)-(?=\s)"), " - "),
    (re.compile(r"\bplus\b|\badded to\b|\+"), " + "), (re.compile(r"\btimes\b|\bmultiplied by\b|×|\*"), " * "),
)  # fmt: skip
_AVERAGE = re.compile(
    r"\b(?:the )?(?:average|mean|avg\.?)(?: of)?(?: the)? (?P<what>[\w&' -]+?)(?= (?:of|in|for|between|over)? ?(?:fy|fiscal|20\d\d|the (?:year|two|start|begin))|\s[/+*-]\s|$|\))"
)
_PERIODS = re.compile(
    r"\b(?:of|in|for|between|over|from|at)?\s*(?:the )?(?:fy ?|fiscal |year[- ]end )?(?:20\d\d)(?:(?:\s*(?:,|and|to|-)\s*)+(?:fy ?|fiscal |year[- ]end )?20\d\d)*"
)
_LATER = re.compile(r"\bfy ?\d{2,4}|\bfiscal (?:year )?\d{4}|\b20\d\d")


def in_question_definition(text: str) -> tuple[str, str]:
    """The text without its definition, and the definition as an expression over the catalogue; empty where there is none.

    A definition over the average of two years keeps the later year in the text, which is the year it is about.

    Example:
        >>> in_question_definition("Microsoft's FY2024 return on assets, defined as net income / average total assets")[1]
        'net_income / avg(total_assets)'
    """
    low = fold(text)
    for pattern in (_MARKS, _EQUALS, _BRACKETS):
        for match in pattern.finditer(low):
            expression = expression_of(match["body"])
            if expression:
                rest = text[: match.start()] + " " + text[match.end() :]
                if not _LATER.search(fold(rest)):
                    years = _LATER.findall(match["body"])
                    rest = f"{rest.rstrip(' ?.')} {years[-1] if years else ''}?"
                return rest, expression
    return text, ""


def expression_of(body: str) -> str:
    """A formula in words as an expression; empty where a part of it is no metric.

    Example:
        >>> expression_of("operating cash flow divided by the average of FY2020 and FY2021 net income")
        'operating_cash_flow / avg(net_income)'
    """
    plain = re.sub(r"\baverage of (?:fy ?|fiscal )?20\d\d and (?:fy ?|fiscal )?20\d\d ", "average ", body)
    plain = _AVERAGE.sub(lambda m: f" avg[{m['what'].strip()}] ", plain)
    plain = _PERIODS.sub(" ", plain)
    for pattern, sign in _OPERATORS:
        plain = pattern.sub(sign, plain) if sign != " / " or "r&d" not in plain else plain
    pieces = re.split(r"(\s[/+*-]\s|[()]|avg\[|\])", plain)
    out: list[str] = []
    for piece in pieces:
        token = piece.strip()
        if not token or token in (",", "the", "its"):
            continue
        if token in "/+*-()":
            out.append(f" {token} " if token in "/+*-" else token)
        elif token == "avg[":
            out.append("avg(")
        elif token == "]":
            out.append(")")
        else:
            metric = _metric(token)
            if not metric:
                return ""
            out.append(metric)
    text = re.sub(r"\s+", " ", "".join(out)).strip()
    if not re.search(r"[/+*-]|avg\(", text):
        return ""
    try:
        parse(text)
    except ValueError:
        return ""
    return text


def _metric(words: str) -> str:
    if re.fullmatch(r"\d+(?:\.\d+)?", words):
        return words
    own = words_of(words.strip(" ,.:;"))
    phrases = metric_phrases("en")
    for at in range(len(own)):
        found = phrases.longest(own, at)
        if found:
            rest = [word.text for i, word in enumerate(own) if not at <= i < at + found[0]]
            ignorable = {
                "the",
                "its",
                "total",
                "of",
                "in",
                "year",
                "-",
                "end",
                "same",
                "for",
                "a",
                "company",
                "s",
                "fiscal",
                "and",
                "net",
            }
            return found[1] if set(rest) <= ignorable else ""
    return ""
