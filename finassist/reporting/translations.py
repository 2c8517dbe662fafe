"""Sentences of one figure and of a change in other languages."""

from __future__ import annotations

from finassist.analysis.outcome import Row
from finassist.core.metrics import catalogue
from finassist.reporting.sentence_words import Words, brief, capital

_SENTENCES = {
    "es": "{metric} de {company} {period}: {value}.",
    "de": "{metric} von {company} {period}: {value}.",
    "fr": "{metric} de {company} {period} : {value}.",
    "pt": "{metric} de {company} {period}: {value}.",
    "it": "{metric} di {company} {period}: {value}.",
    "zh": "{company}{period}的{metric}：{value}。",
    "ja": "{company}の{period}の{metric}：{value}。",
}


_PERIODS = {"es": "en {0} (año terminado el {1})", "de": "in {0} (Jahr bis {1})", "fr": "en {0} (exercice clos le {1})",
            "pt": "em {0} (ano encerrado em {1})", "it": "nel {0} (anno chiuso il {1})", "zh": "{0}（截至{1}）", "ja": "{0}（{1}期）"}  # fmt: skip


_DAYS = {"es": "el {0}", "de": "am {0}", "fr": "le {0}", "pt": "em {0}", "it": "il {0}", "zh": "{0}", "ja": "{0}"}


def translated(row: Row, words: Words) -> str:
    """A single figure as a sentence of another language; empty where there is no template."""
    template = _SENTENCES.get(words.language)
    names = (catalogue()[row.metric].names or {}).get(words.language) if row.metric in catalogue() else None
    if template is None or not names:
        return ""
    words.number_language = words.language
    fact = row.fact
    fiscal = fact.period.startswith(("FY", "Q", "H"))
    period = (
        _PERIODS[words.language].format(fact.period, fact.period_end)
        if fiscal
        else _DAYS[words.language].format(fact.period_end)
    )
    return template.format(
        metric=_title(names[0]), company=words.name(row.symbol), period=period, value=words.figure(fact)
    )


_CHANGES = {
    "es": (
        "{metric} de {company} {verb} un {size} en {period}: de {first} ({start}) a {last} ({end}).",
        "creció",
        "cayó",
    ),
    "de": (
        "{metric} von {company} ist {period} um {size} {verb}: von {first} ({start}) auf {last} ({end}).",
        "gestiegen",
        "gesunken",
    ),
    "fr": (
        "{metric} de {company} a {verb} de {size} en {period} : de {first} ({start}) à {last} ({end}).",
        "progressé",
        "reculé",
    ),
    "pt": (
        "{metric} de {company} {verb} {size} em {period}: de {first} ({start}) para {last} ({end}).",
        "cresceu",
        "caiu",
    ),
    "it": (
        "{metric} di {company}: {verb} del {size} nel {period}, da {first} ({start}) a {last} ({end}).",
        "cresciuto",
        "calato",
    ),
    "zh": ("{company}{period}的{metric}{verb}{size}：从{first}（{start}）到{last}（{end}）。", "增长", "下降"),
    "ja": ("{company}の{metric}は{period}に{size}{verb}：{first}（{start}）から{last}（{end}）。", "増加", "減少"),
}


def translated_change(row: Row, words: Words) -> str:
    names = (catalogue()[row.metric].names or {}).get(words.language) if row.metric in catalogue() else None
    if words.language not in _CHANGES or not names or row.first is None or row.last is None or row.fact.unit != "ratio":
        return ""
    words.number_language = words.language
    template, up, down = _CHANGES[words.language]
    return template.format(
        metric=_title(names[0]), company=words.name(row.symbol), verb=up if (row.fact.value or 0) >= 0 else down,
        size=words.figure(row.fact, signed=False), period=brief(row.last), first=words.figure(row.first), start=brief(row.first),
        last=words.figure(row.last), end=brief(row.last),
    )  # fmt: skip


def _title(name: str) -> str:
    return name.upper() if len(name) <= 4 and (name.isascii() or "&" in name) else capital(name)
