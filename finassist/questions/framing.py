"""What stands around a question: a role to play, a source to use, a form to answer in. It is set aside before the scan.

"You are a credit analyst. Use only the balance sheet: …", "…, in USD millions, rounded to one decimal". Units and
decimals are kept; the rest asks for no figure, and its words must not be taken for metrics or topics.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from finassist.questions.words import fold

_ASKS = (
    r"(?:what|which|how|who|when|calculate|compute|determine|find|give|state|tell|show|is|are|was|were|did|does|do|has"
    r"|have|by how|name|list|report|for [A-Za-z])\b"
)
_SOURCE = (
    r"(?:statements?|balance sheets?|income sheets?|p&l|filings?|10-k|annual reports?|financials|information|data|details"
    r"|line items?|figures (?:shown|given|in)|assumptions)"
)
_ROLE = (
    r"(?:analysts?|bankers?|investors?|managers?|accountants?|auditors?|students?|traders?|associates?|consultants?"
    r"|economists?|advis[eo]rs?|researchers?|journalists?|professors?|lenders?|shareholders?|treasurers?|controllers?"
    r"|forwarders?|cfo|banks?|exam(?:iner)?)"
)

# What may stand before a question. Each is followed by the question itself.
_BEFORE = tuple(
    re.compile(pattern, re.IGNORECASE)
    for pattern in (
        rf"^[^?]{{0,400}}?\b(?:question|task|problem)(?: is)?\s*(?:\d+\s*)?:\s*(?={_ASKS})",
        r"^\s*(?:exam |test |quiz )?(?:question|exercise|problem|task)(?: no\.?)? \d+\s*[.:)]\s*",
        r"^\s*[A-Za-z -]{0,40}?\bquestions? for [\w ]{3,40}:\s*",
        r"^\s*role:\s*[^.:]{3,80}[.:]\s*",
        r"^\s*(?:you(?:'re| are| act| work| analyse| analyze| review)|assume|imagine|suppose|pretend|act as|as an?|i am|i'm"
        rf"|acting as|we are) [^.:?]{{0,160}}[.:]\s+(?=.{{12}})",
        r"^\s*you (?:analyse|analyze|review|study|cover|follow|advise) [^.:?]{3,100}[.:]\s+(?=.{12})",
        rf"^\s*as an? [^,?.]{{0,60}}?\b{_ROLE}\b[^,?.:]{{0,60}}[,:]\s*",
        rf"^\s*(?:please )?(?:use|using|consult|take|look at|refer to|rely on|relying on|consider|answer|based on|basing|from"
        rf"|by|with|according to|drawing|looking at|referring to|work(?:ing)? from)\b[^?:.]{{0,200}}?\b{_SOURCE}\b"
        rf"[^?:.,]{{0,60}}[:.,]\s+(?={_ASKS}|[A-Z][\w'&. -]{{1,40}}:)",
        rf"^\s*(?:please )?(?:answer|respond to) the (?:following )?question[^?:.]{{0,200}}[:.]\s*(?={_ASKS})",
    )
)

_UNIT_WORD = r"(?P<scale>millions?|billions?|thousands?|trillions?|bn|mn|mm|m|b)"
_MONEY = r"(?:us ?dollars?|usd|us ?\$|\$|dollars?)"
_UNIT = re.compile(
    rf"[(,]?\s*\b(?:(?:answer|result|state it|stated|expressed|reported|respond|quoted|shown|give it|deliver)s? )?"
    rf"(?:in|to) (?:units of )?(?:{_MONEY} ?{_UNIT_WORD}|(?P<scale2>millions|billions|thousands|trillions)"
    rf"(?: of)?(?: {_MONEY})?)\b(?! (?:of|in|for) (?:revenue|sales))[)]?",
    re.IGNORECASE,
)
_BRACKETED_UNIT = re.compile(rf"\(\s*{_MONEY} ?{_UNIT_WORD}\s*\)", re.IGNORECASE)
_NEAREST = re.compile(
    r",?\s*(?:please )?\(?(?:rounded|round|correct) (?:it |your answer |the answer |answer )?to the nearest"
    r" (?P<scale>million|billion|thousand)(?: (?:us )?(?:dollars?|usd))?\)?,?",
    re.IGNORECASE,
)
_NUMBERS = {"zero": 0, "no": 0, "one": 1, "two": 2, "three": 3, "four": 4}
_DECIMALS = re.compile(
    r"[(,;]?\s*(?:and )?(?:please )?(?:(?:rounded|round|rounding|state|give|correct|express)\b[\w ]{0,24}? )?"
    r"(?:to |with |at |in |using )?\b(?P<n>zero|no|one|two|three|four|[0-4]) decimals?(?: places?| points?| digits?)?\)?",
    re.IGNORECASE,
)
_INSTRUCTION = re.compile(
    rf"(?:^|(?<=[.?!)]))\s*(?:please )?(?:answer|round|respond|give (?:it|a|your|the answer|an answer)|state (?:it|your)"
    rf"|express|report (?:it|your)|provide (?:it|your|the answer|an answer)|result in|calculate what was asked|show your"
    rf"|keep it|be |use (?:only )?(?:the )?[^?.]{{0,60}}{_SOURCE}|base (?:it|your)|rely |do not|don't|no explanation"
    r"|deliver (?:it|your))[^?.]{0,200}(?:[.?!]|$)(?!\d)",
    re.IGNORECASE,
)
_SOURCE_PHRASE = re.compile(
    rf",?\s*\b(?:based (?:solely |only )?on|using (?:only )?|relying (?:only )?on|according to|as (?:shown|stated|reported)"
    rf" (?:in|on)|from|within|in|on) (?:the )?(?:details (?:shown )?in (?:the )?|information (?:with)?in (?:the )?|only )?"
    r"(?:(?:consolidated|income|cash ?flow|financial|annual) )*(?:statements? of (?:income|cash flows?|financial position"
    r"|operations|earnings)|income statements?|cash ?flow statements?|balance sheets?|p&l|profit and loss statements?)\b",
    re.IGNORECASE,
)
_FORMS = re.compile(
    r"\b(?:in one (?:sentence|line|word)|in (?:brief|short|a sentence)|in plain (?:english|words)|deliver in one line for)\b"
    r"[,:]?|\((?:in )?units? of percents?[^)]*\)|\bin units of percents?\b",
    re.IGNORECASE,
)
_SCALES = {"m": "millions", "mm": "millions", "mn": "millions", "b": "billions", "bn": "billions"}
_KEPT = re.compile(
    r"(?:\b(?!Question|Here|Use|Using|Task|Answer|I\b|Role|Context|Assume|For\b)[A-Z][\w&.'-]*(?:\s+(?:of|and|&)\s+(?=[A-Z])|\s*))+"
    r"|\b(?:\d{1,2} [A-Z][a-z]+ )?(?:FY ?)?(?:19|20)\d\d(?:-(?:FY ?)?(?:19|20)?\d\d)?\b"
)
_USING = re.compile(r"\((?:using|based on|based upon) [^()]*\)|\([^()]*\bdecimals?\b[^()]*\)", re.IGNORECASE)
_MARGIN = re.compile(r"\b(?:profit )?margins? \((gross|operating|net|pre-?tax)\)", re.IGNORECASE)
_LISTED = re.compile(r"\((?:[a-h]|i{1,3}|iv|v|vi)\)\s*", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Framing:
    """A question without what stands around it.

    Attributes:
        text: The question itself.
        unit: The unit asked for (`USD millions`), or empty.
        decimals: How many decimals are asked for.
    """

    text: str
    unit: str = ""
    decimals: int | None = None


def framed(text: str) -> Framing:
    """A normalised question without preamble and instructions, and the form that these ask for.

    Example:
        >>> framed("You are a credit analyst. What was 3M's revenue in FY2018, in USD millions? Round to one decimal.")
        Framing(text="What was 3M's revenue in FY2018?", unit='USD millions', decimals=1)
    """
    unit, decimals = _unit(text), _decimals(text)
    bare = text
    for _ in range(3):
        bare = _without_preamble(bare)
    for pattern in (_USING, _NEAREST, _BRACKETED_UNIT, _UNIT, _DECIMALS, _INSTRUCTION, _FORMS):
        bare = pattern.sub(_blank, bare)
    if len(bare.split()) > 12:
        bare = _SOURCE_PHRASE.sub("", bare)
    bare = re.sub(r"%(?= margin)", "", _LISTED.sub(" ", bare))
    bare = re.sub(r"\(\s*\)", "", bare)
    bare = _MARGIN.sub(r"\1 margin", _USING.sub(" ", bare))
    bare = re.sub(r"\s+([?.,;])", r"\1", re.sub(r"\s{2,}", " ", bare)).strip()
    bare = re.sub(r"([?.])\.+", r"\1", bare)
    return Framing(bare, unit, decimals) if len(bare) > 2 else Framing(text, unit, decimals)


def _blank(match: re.Match[str]) -> str:
    return " )" if match.group().endswith(")") and "(" not in match.group() else " "


def _without_preamble(text: str) -> str:
    """The text after its preamble; names and years that stand in the preamble are kept before it."""
    for pattern in _BEFORE:
        if found := pattern.match(text):
            names = ", ".join(each.group().strip() for each in _KEPT.finditer(found.group(), 1))
            return f"{names}: {text[found.end() :]}" if names else text[found.end() :]
    return text


def _unit(text: str) -> str:
    for pattern in (_NEAREST, _BRACKETED_UNIT, _UNIT):
        if found := pattern.search(text):
            groups = found.groupdict()
            word = fold(groups.get("scale") or groups.get("scale2") or "")
            return f"USD {_SCALES.get(word, word if word.endswith('s') else f'{word}s')}"
    return ""


def _decimals(text: str) -> int | None:
    if _NEAREST.search(text):
        return 0
    found = _DECIMALS.search(text)
    if not found:
        return None
    word = fold(found["n"])
    return int(word) if word.isdigit() else _NUMBERS[word]
