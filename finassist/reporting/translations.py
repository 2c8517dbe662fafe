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


_PERIODS = {
    "es": "en {0} (año terminado el {1})",
    "de": "in {0} (Jahr bis {1})",
    "fr": "en {0} (exercice clos le {1})",
    "pt": "em {0} (ano encerrado em {1})",
    "it": "nel {0} (anno chiuso il {1})",
    "zh": "{0}（截至{1}）",
    "ja": "{0}（{1}期）",
}
_DAYS = {"es": "el {0}", "de": "am {0}", "fr": "le {0}", "pt": "em {0}", "it": "il {0}", "zh": "{0}", "ja": "{0}"}


def translated(row: Row, words: Words) -> str:
    """A single figure as a sentence of another language; empty where there is no template."""
    language, name, fact = words.language, _name(row, words.language), row.fact
    if language not in _SENTENCES or not name:
        return ""
    fiscal = fact.period.startswith(("FY", "Q", "H"))
    template = _PERIODS[language] if fiscal else _DAYS[language]
    period = template.format(*([fact.period] if fiscal else []), fact.period_end)
    value = words.figure(fact, language=language)
    return _SENTENCES[language].format(metric=name, company=words.name(row.symbol), period=period, value=value)


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
    """A change in percent as a sentence of another language; empty where there is no template."""
    language, name, first, last = words.language, _name(row, words.language), row.first, row.last
    if language not in _CHANGES or not name or first is None or last is None or row.fact.unit != "ratio":
        return ""
    template, up, down = _CHANGES[language]
    return template.format(
        metric=name,
        company=words.name(row.symbol),
        verb=up if (row.fact.value or 0) >= 0 else down,
        size=words.figure(row.fact, signed=False, language=language),
        period=brief(last),
        first=words.figure(first, language=language),
        start=brief(first),
        last=words.figure(last, language=language),
        end=brief(last),
    )


def _name(row: Row, language: str) -> str:
    """The first name of a metric in a language, as the beginning of a sentence."""
    names = (catalogue()[row.metric].names or {}).get(language) if row.metric in catalogue() else None
    if not names:
        return ""
    name = names[0]
    return name.upper() if len(name) <= 4 and (name.isascii() or "&" in name) else capital(name)
