"""Periods in the words of a question: years, quarters, halves, months, days, spans, and the latest. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date

from finassist.core.periods import LATEST, Period, Span, parse_periods

_NUMBERS = {
    "one": 1, "two": 2, "three": 3, "four": 4, "five": 5, "six": 6, "seven": 7, "eight": 8, "nine": 9, "ten": 10, "twelve": 12,
    "first": 1, "second": 2, "third": 3, "fourth": 4, "1st": 1, "2nd": 2, "3rd": 3, "4th": 4, "final": 4,
    "primer": 1, "primero": 1, "segundo": 2, "tercer": 3, "tercero": 3, "cuarto": 4, "dos": 2, "tres": 3, "cuatro": 4, "cinco": 5,
    "ersten": 1, "zweiten": 2, "dritten": 3, "vierten": 4, "erstes": 1, "zweites": 2, "drittes": 3, "viertes": 4, "erste": 1,
    "zweite": 2, "dritte": 3, "vierte": 4, "zwei": 2, "drei": 3, "vier": 4, "fünf": 5,
    "premier": 1, "deuxième": 2, "second ": 2, "troisième": 3, "quatrième": 4, "deux": 2, "trois": 3, "quatre": 4, "cinq": 5,
    "primeiro": 1, "terceiro": 3, "quarto": 4, "três": 3, "primo": 1, "secondo": 2, "terzo": 3, "due": 2, "tre": 3, "quattro": 4,
    "cinque": 5, "dois": 2, "quatro": 4, "一": 1, "二": 2, "三": 3, "四": 4, "五": 5, "十": 10, "两": 2,
}  # fmt: skip
_MONTHS = {
    name: number
    for number, names in enumerate(
        (
            "january jan enero januar janvier janeiro gennaio",
            "february feb febrero februar février fevereiro febbraio",
            "march mar marzo märz mars março",
            "april apr abril avril aprile",
            "may mayo mai maio maggio",
            "june jun junio juni juin junho giugno",
            "july jul julio juli juillet julho luglio",
            "august aug agosto août",
            "september sep sept septiembre septembre setembro settembre",
            "october oct octubre oktober octobre outubro ottobre okt",
            "november nov noviembre novembre novembro",
            "december dec diciembre dezember décembre dezembro dicembre dez",
        ),
        1,
    )
    for name in names.split()
}
_N = (
    r"(?P<n>\d{1,2}|"
    + "|".join(
        sorted(
            (k for k in _NUMBERS if (k.isalpha() and k.isascii()) or k in "três troisième deuxième quatrième fünf"),
            key=len,
            reverse=True,
        )
    )
    + ")"
)
_ORD = (
    r"(?P<q>[1-4](?:st|nd|rd|th|\.|er|º|ª|e)?|"
    + "|".join(
        sorted(
            (
                k.strip()
                for k, v in _NUMBERS.items()
                if v <= 4 and k not in ("one", "two", "three", "four", "dos", "due")
            ),
            key=len,
            reverse=True,
        )
    )
    + ")"
)
_MON = r"(?P<mon>" + "|".join(sorted(_MONTHS, key=len, reverse=True)) + r")\.?"
_Y = r"(?P<y>(?:19|20)\d\d|9\d{3})"
_YY = r"'?(?P<y>(?:19|20)\d\d|\d\d)"
_FY = r"(?:fy|f\.y\.|fiscal years?|fiscal|financial year|business year|ejercicio(?: fiscal)?|año fiscal|geschäftsjahr(?:es)?|exercice(?: fiscal)?|année fiscale|ano fiscal|exercício|esercizio|anno fiscale)(?: de | of | )?"
_QW = r"(?:fiscal )?(?:quarter|quartal|quartals|trimestre)(?: fiscal)?"
_OF = r"(?:,? (?:of |de |del |do |dell'|der |des |in )?(?:the )?)?"
_FYQ = rf"{_OF}(?P<f>fiscal year |fiscal |fy ?|calendar year |calendar |cy ?|geschäftsjahr |año fiscal |exercice )?"


@dataclass(frozen=True, slots=True)
class Found:
    """A period in a text."""

    value: Period | Span
    start: int
    end: int
    words: str
    vague: bool = False
    """Whether it only says that the latest is wanted."""


@dataclass(frozen=True, slots=True)
class _Rule:
    pattern: re.Pattern[str]
    make: str


def _r(make: str, pattern: str) -> _Rule:
    return _Rule(re.compile(pattern), make)


_RULES: tuple[_Rule, ...] = (
    _r("day", r"(?<!\d)(?P<y>\d{4})-(?P<m>\d\d)-(?P<d>\d\d)(?!\d)"),
    _r("day", r"(?<!\d)(?P<y>\d{4})年(?P<m>\d{1,2})月(?P<d>\d{1,2})日"),
    _r("quarter end", rf"(?:quarter|three months|quartal|trimestre) (?:that )?(?:end(?:ed|ing|s)?|to|ending in|ended in|ends in|closed)(?: on| in)?(?: the)? (?:(?P<d>\d{{1,2}}) )?{_MON}(?: (?P<d2>\d{{1,2}}))?(?:st|nd|rd|th)?,? (?:of )?{_Y}"),
    _r("quarter end", rf"{_MON} {_Y} quarter\b"),
    _r("quarter end", rf"{_MON} quarter (?:of )?{_Y}"),
    _r("year end day", rf"(?:fiscal )?year (?:that )?(?:end(?:ed|ing|s)?)(?: on| in)? (?:(?P<d>\d{{1,2}}) )?{_MON}(?: (?P<d2>\d{{1,2}}))?(?:st|nd|rd|th)?,? {_Y}"),
    _r("day", rf"\b(?P<d>\d{{1,2}})(?:st|nd|rd|th|\.)?(?: de| of)? {_MON},?(?: de| of)? {_Y}\b"),
    _r("day", rf"\b{_MON} (?:the )?(?P<d>\d{{1,2}})(?:st|nd|rd|th)?,? (?:of )?{_Y}\b"),
    _r("day us", r"(?<!\d)(?P<m>\d{1,2})/(?P<d>\d{1,2})/(?P<y>(?:19|20)\d\d)(?!\d)"),
    _r("month", rf"\b(?:(?:the )?(?:end|close|last (?:trading )?day) of )?{_MON}(?: de| of)?,? '?{_Y}\b"),
    _r("month", r"(?<!\d)(?P<y>\d{4})年(?P<m>\d{1,2})月"),
    _r("month", r"(?<![\d-])(?P<y>(?:19|20)\d\d)-(?P<m>0[1-9]|1[0-2])(?![\d-])"),
    _r("ttm", r"\b(?:ttm|ltm|t12m|(?:trailing|rolling|past|last|latest|previous|preceding|most recent|prior)[- ](?:twelve|12)[- ]?(?:months?|month)|trailing four quarters|(?:latest|most recent) four quarters|(?:últimos|letzten|derniers|ultimi) (?:12|doce|doze|zwölf|douze|dodici) (?:meses|monate|monaten|mois|mesi))\b"),
    _r("ttm", r"过去十二个月|过去12个月|最近十二个月|最近12个月|近12个月|直近12[かヶカ]月|過去12[かヶカ]月"),
    _r("last", rf"\b(?:over |in |for |during |across )?(?:each of )?(?:the )?(?:last|past|latest|previous|most recent|trailing) {_N} (?:fiscal |financial |full |reported |calendar |consecutive )?(?P<unit>years?|quarters?|months?)\b"),
    _r("last", rf"\b(?:los |nos |in den |les |dans les |negli )?(?:últimos|letzten|derniers|dernières|ultimi) {_N} (?P<unit>años|anos|jahren?|ans|années|anni|quartale?n?|trimestres|trimestri|meses|monate?n?|mois|mesi)\b"),
    _r("last", rf"\b{_N}[- ](?P<unit>year|quarter|month)s? (?:trend|history|series)\b"),
    _r("last cjk", r"(?:过去|最近|近|過去|直近)(?P<n>[一二两三四五十]|\d{1,2})[个個]?(?P<unit>年|季度|四半期)(?:間|间)?"),
    _r("quarter", rf"\b(?P<f0>calendar )?q(?P<q>[1-4])(?:[/ -]?{_FYQ}{_YY})\b(?!%)"),
    _r("quarter", rf"\b{_FY}?(?<!\d){_Y}[ /-]?q(?P<q>[1-4])\b"),
    _r("quarter", r"\bfy ?'?(?P<y>\d\d(?:\d\d)?)[ -]?q(?P<q>[1-4])\b"),
    _r("quarter", rf"(?<!\d)(?P<q>[1-4])q ?(?:fy)?{_YY}\b"),
    _r("quarter", rf"\b(?:the )?(?P<f0>fiscal |calendar )?{_ORD}[ -]{_QW}{_FYQ}{_Y}\b"),
    _r("quarter", rf"\b{_FY}{_Y},? (?:the )?{_ORD}[ -]{_QW}"),
    _r("quarter", r"(?P<y>\d{4})\s?(?:年度?|财年|財年|会计年度)?第?(?P<q>[一二三四1-4])(?:季度|季|四半期)"),
    _r("quarter", r"(?P<y>\d{4})\s?年?\s?q(?P<q>[1-4])"),
    _r("half", rf"\bh(?P<q>[12])(?:[/ -]?{_FYQ}{_YY})\b"),
    _r("half", rf"(?<!\d)(?P<q>[12])h ?(?:fy)?{_YY}\b"),
    _r("half", rf"\b(?:the )?(?P<q>first|second|1st|2nd|primer|primera|segundo|segunda|erste[ns]?|zweite[ns]?|premier|premi[eè]re|primeiro|primo|secondo) (?:half|semester|halbjahr|semestre|mitad)(?: of)?{_FYQ}{_Y}\b"),
    _r("half", r"(?P<y>\d{4})年(?P<q>上半年|下半年|上半期|下半期|上期|下期)"),
    _r("nine", rf"\b(?:first nine months|9 ?m|first 9 months|first three quarters)(?: of)?{_FYQ}{_Y}\b"),
    _r("end", rf"\b(?:(?:the )?(?:end|close|finish) of (?:the )?(?:calendar )?(?:year )?|year[- ]end (?:of )?|end[- ]|end (?=\d)|(?:the )?last (?:trading )?day of (?:the year )?|finales de |fin de |ende |fin |final de |fine (?:del )?|31 december )(?:of )?'?{_Y}\b"),
    _r("end", rf"\bwhen {_Y} (?:ended|closed|was over)"),
    _r("end", rf"\b{_Y} year[- ]end\b"),
    _r("end", rf"(?<!\d){_Y}年(?:底|末)"),
    _r("year", rf"\b(?:end of |year-end |close of |end )?(?:the )?{_FY}'?(?P<y>(?:19|20)\d\d|\d\d|9\d{{3}})(?!\d|%)"),
    _r("year", r"(?<!\d)(?P<y>(?:19|20)\d\d) ?(?:fiscal year|fiscal|fy|financial year)\b"),
    _r("year", r"(?P<y>\d{4})\s?(?:财年|財年|会计年度|年度|年3月期)"),
    _r("calendar", r"(?P<y>\d{4})\s?年"),
    _r("calendar", rf"\b(?:calendar year |calendar |cy ?){_Y}\b"),
    _r("calendar", r"(?<![\w.,$€£'])'(?P<y>\d\d)(?![\d\w'])"),
    _r("ytd", r"\b(?:ytd|year[- ]to[- ]date|so far this year|this year so far|since the (?:start|beginning) of (?:the|this) year|since january)\b|今年以来|年初来"),
    _r("before2", r"\b(?:two years (?:ago|before|earlier)|the year before last|2 years ago)\b"),
    _r("latest quarter", r"\b(?:in |for |during )?(?:the |its |their )?(?:latest|most recent|last|current|newest)(?: reported| fiscal| completed)? quarter\b|最近一个季度|最新季度|最新四半期|直近四半期"),
    _r("latest", r"\b(?:in |for |as of |at |on )?(?:the |its |their |your )?(?:latest|most recent|last|current|newest)(?: available| reported| full| complete| completed)? (?:fiscal |financial |reported |annual )?(?:year|figures?|data|report|numbers?|price|close|annual report|reported year)\b"),
    _r("latest year", r"\blast year(?:'s)?\b|\bel año pasado\b|\bletztes jahr\b|\bim letzten jahr\b|\bl'an dernier\b|\bl'année dernière\b|\bano passado\b|\bl'anno scorso\b|去年|昨年|前年度"),
    _r("latest", r"\b(?:today|right now|now|currently|at the moment|at present|presently|as of today|these days|as we speak|heute|aktuell|actualmente|hoy|aujourd'hui|actuellement|hoje|atualmente|oggi|attualmente)\b|现在|目前|当前|今天|現在|今日|本日"),
)  # fmt: skip
_BARE = re.compile(
    r"(?<![\w.,$€£/-])(?P<y>(?:19|20)\d\d|99\d\d)(?![\w%]|[.,]\d|\s?(?:%|percent|million|billion|companies|shares|dollars|usd))"
)
_BARE_JOINED = re.compile(r"(?<![\d.,$€£])(?P<a>(?:19|20)\d\d)\s?(?:-|/|~|to)\s?(?P<b>(?:19|20)?\d\d)(?!\d|-\d)")
_TO = re.compile(
    r"\s*(?:year)?\s*(?:,?\s*(?:all the way )?(?:to|through|thru|until|till|up to|up until|-|~|bis|hasta|al?|à|au|até|ao|fino al?|into|→|->)\s*(?:the end of|the|el|zum|fiscal|fy|o|le|il)?|到|至|から|年から|年到|年至)\s*$"
)
_AND = re.compile(r"\s*(?:,?\s*(?:and|y|und|et|e)\s*(?:the |in |fiscal |fy )?)$")
_BETWEEN = re.compile(
    r"(?:\bbetween|\bfrom|\bentre|\bzwischen|\bvon|\btra|\bfra|\bde|\bdesde|\bdal?|\bdu)\s+(?:the\s+)?(?:years?\s+|end of\s+|fiscal\s+|fy\s*|el\s+|o\s+)*$"
)
_SINCE = re.compile(
    r"(?:\bsince|\bstarting (?:in|from|with)|\bfrom|\bseit|\bdesde|\bdepuis|\bdal|\bbeginning (?:in|with)|\bafter)\s+(?:the\s+)?(?:(?:end|start|beginning)\s+of\s+)?(?:fiscal\s+)?$"
)
_ONWARD = re.compile(
    r"\s*(?:onwards?|forward|on\b|to (?:now|today|date|the present)|until (?:now|today)|through today|以来|以降|from then)"
)


def periods_in(text: str) -> list[Found]:
    """The periods that a lower-case text names, in order, spans joined.

    Example:
        >>> [str(found.value) for found in periods_in("revenue from fy2021 to fy2024, q2 2025 and ttm")]
        ['FY2021:FY2024', 'Q2 2025', 'TTM']
    """
    taken = [False] * len(text)
    found = sorted(_scan(text, taken), key=lambda each: each.start)
    return _joined(text, found)


def _scan(text: str, taken: list[bool]) -> Iterator[Found]:
    for match in _BARE_JOINED.finditer(text):
        if (span := _year_span(match)) and not any(taken[match.start() : match.end()]):
            yield _claim(text, match, span, taken)
    for rule in _RULES:
        for match in rule.pattern.finditer(text):
            if any(taken[match.start() : match.end()]):
                continue
            value = _made(rule.make, match)
            if value is not None:
                yield _claim(text, match, value, taken, rule.make in ("latest", "latest year"))
    for match in _BARE.finditer(text):
        if not any(taken[match.start() : match.end()]):
            yield _claim(text, match, Period("calendar", int(match["y"])), taken)


def _year_span(match: re.Match[str]) -> Span | None:
    first, last = int(match["a"]), match["b"]
    second = int(last) if len(last) == 4 else first // 100 * 100 + int(last)
    month = len(last) == 2 and 1 <= int(last) <= 12 and second < first
    return (
        None
        if month or second <= first or second - first > 40
        else Span(Period("calendar", first), Period("calendar", second))
    )


def _claim(text: str, match: re.Match[str], value: Period | Span, taken: list[bool], vague: bool = False) -> Found:
    taken[match.start() : match.end()] = [True] * (match.end() - match.start())
    return Found(value, match.start(), match.end(), match.group().strip(), vague)


def _made(make: str, match: re.Match[str]) -> Period | Span | None:
    parts = {name: value for name, value in match.groupdict().items() if value}
    year = _year(parts.get("y"))
    try:
        return _MAKERS[make](parts, year)
    except (ValueError, KeyError):
        return None


def _year(text: str | None) -> int:
    if text is None:
        return 0
    number = int(text)
    return number if number > 99 else 2000 + number if number < 60 else 1900 + number


def _number(text: str) -> int:
    plain = text.strip().rstrip(".")
    digits = re.match(r"\d+", plain)
    return int(digits.group()) if digits else _NUMBERS[plain]


def _month(parts: dict[str, str]) -> int:
    return int(parts["m"]) if "m" in parts else _MONTHS[parts["mon"]]


def _day(parts: dict[str, str], year: int) -> Period:
    day = int(parts.get("d") or parts["d2"])
    date(year, _month(parts), day)
    return Period("day", year, _month(parts), day)


def _quarter(parts: dict[str, str], year: int) -> Period:
    calendar = (parts.get("f") or parts.get("f0") or "").startswith(("calendar", "cy"))
    return Period("calendar quarter" if calendar else "quarter", year, _number(parts["q"]))


def _quarter_end(parts: dict[str, str], year: int) -> Period:
    last = Period("month", year, _month(parts)).last_day()
    return Period("day", year, _month(parts), last.day if last else 28)


def _half(parts: dict[str, str], year: int) -> Period:
    words = parts["q"]
    second = (
        words in ("2", "second", "2nd", "segundo", "segunda", "zweiten", "zweites", "zweite", "secondo")
        or words[0] in "下"
    )
    return Period("half", year, 2 if second else 1)


def _last(parts: dict[str, str], _year: int) -> Span:
    unit = parts["unit"][:3]
    kind = {"yea": "years", "qua": "quarters", "mon": "months", "tri": "quarters", "mes": "months", "moi": "months",
            "年": "years", "季度": "quarters", "四半期": "quarters"}.get(unit, "years")  # fmt: skip
    return Span(
        None,
        {"years": LATEST, "quarters": Period("latest quarter"), "months": Period("month")}[kind],
        _number(parts["n"]),
    )


_MAKERS = {
    "day": _day, "day us": _day, "quarter end": _quarter_end, "quarter": _quarter, "half": _half, "last": _last, "last cjk": _last,
    "year end day": lambda parts, year: Period("year", year if _month(parts) > 1 else year - 1),
    "month": lambda parts, year: Period("month", year, _month(parts)),
    "ttm": lambda parts, year: Period("ttm"),
    "nine": lambda parts, year: Period("nine months", year),
    "end": lambda parts, year: Period("end", year),
    "year": lambda parts, year: Period("year", year),
    "calendar": lambda parts, year: Period("calendar", year),
    "ytd": lambda parts, year: Period("ytd"),
    "before2": lambda parts, year: Period("latest", shift=-2),
    "latest quarter": lambda parts, year: Period("latest quarter"),
    "latest": lambda parts, year: LATEST,
    "latest year": lambda parts, year: LATEST,
}  # fmt: skip


def _joined(text: str, found: list[Found]) -> list[Found]:
    """Neighbours that are the ends of one span, as a span."""
    out: list[Found] = []
    at = 0
    while at < len(found):
        each = found[at]
        following = found[at + 1] if at + 1 < len(found) else None
        if following and _spans(text, each, following):
            span = parse_periods(f"{_like(each.value, following.value)}:{_like(following.value, each.value)}")
            out.append(Found(span, each.start, following.end, text[each.start : following.end]))
            at += 2
            continue
        since = isinstance(each.value, Period) and each.value.year and (
            _SINCE.search(text[: each.start]) or _ONWARD.match(text[each.end :]))  # fmt: skip
        out.append(Found(Span(each.value, _open_end(each.value)), each.start, each.end, each.words) if since and isinstance(
            each.value, Period) and not _from_to(text, each) else each)  # fmt: skip
        at += 1
    return out


def _from_to(text: str, each: Found) -> bool:
    return bool(re.search(r"\bfrom\s+(?:the\s+)?(?:fiscal\s+)?$", text[: each.start])) and not _ONWARD.match(
        text[each.end :]
    )


def _open_end(start: Period) -> Period:
    return Period("latest quarter") if start.kind in ("quarter", "calendar quarter") else LATEST


def _spans(text: str, left: Found, right: Found) -> bool:
    if not (isinstance(left.value, Period) and isinstance(right.value, Period)):
        return False
    between = text[left.end : right.start]
    if _TO.match(between) and (left.value.year or right.value.year):
        return True
    return bool(_AND.match(between) and _BETWEEN.search(text[: left.start]))


def _like(period: Period | Span, other: Period | Span) -> Period | Span:
    """A bare year next to a fiscal one is fiscal too: "FY2021 to 2024"."""
    fiscal = isinstance(other, Period) and other.kind == "year"
    if isinstance(period, Period) and period.kind == "calendar" and fiscal:
        return Period("year", period.year)
    return period
