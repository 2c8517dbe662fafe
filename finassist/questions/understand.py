"""A question to queries, by rules: what the slots of a question mean together, and what it inherits from the last turn.

A question becomes one query or a short list of them that share a headline. What cannot be placed is said: refused by
topic, or listed as not understood.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from finassist.core.metrics import described, is_plain
from finassist.core.periods import Period, Span, parse_periods
from finassist.core.query import Filter, Query, Unknown
from finassist.questions import grammar
from finassist.questions.definitions import in_question_definition
from finassist.questions.memory import Memory
from finassist.questions.names import corrected_words, is_metric_name
from finassist.questions.slots import Hit, Slots, slots_of
from finassist.questions.words import fold, language_of, normalise

MARKET_INDEX = "^GSPC"


@dataclass(frozen=True, slots=True)
class Understanding:
    """What a question asks.

    Attributes:
        queries: What to execute, in order; the first makes the headline.
        document: The document it leads to instead (`report`, `income_statement`, …), or empty.
        unknown: What was asked and no slot can hold, with topic and reason.
        corrected: Words that were read as others.
        certain: Whether every content word was used.
        decided: One phrase on which rule decided.
    """

    queries: tuple[Query, ...] = ()
    document: str = ""
    unknown: tuple[Unknown, ...] = ()
    corrected: tuple[tuple[str, str], ...] = ()
    certain: bool = False
    decided: str = ""
    slots: Slots | None = field(default=None, repr=False)


def understand(text: str, memory: Memory | None = None) -> Understanding:
    """The queries of a question.

    Example:
        >>> [str(query) for query in understand("What was Apple's net margin in FY2023?").queries]
        ['net margin of AAPL in FY2023']
    """
    memory = memory or Memory()
    plain = normalise(text)
    language = language_of(plain)
    spelt, corrected = corrected_words(plain) if language == "en" else (plain, [])
    spelt, defined = in_question_definition(spelt)
    slots = slots_of(spelt, language)
    if defined:
        slots.metrics = [Hit(defined, 0, 0, defined)]
    reading = _Reading(slots, memory)
    found = reading.understanding()
    unknown = found.unknown
    return replace(found, unknown=unknown, corrected=(*corrected, *slots.corrected), slots=slots)


# ------------------------------------------------------------------------------------------ clauses

_SPLIT = re.compile(
    r"(?<=[a-z0-9%])(?:\?\s+|;\s*|,? and (?=(?:how (?:did|much|has|fast|was)|what (?:was|is|were|are)|by how much)\b)|, (?=and the growth\b)|,? and (?=(?:the )?(?:growth|change|difference) (?:between|from)\b)|, and (?=[a-z]+ in (?:fiscal|fy|20)))"
)


_FOREIGN = re.compile(
    r"(?<![\w.])[A-Z0-9]{1,6}\.(?:DE|L|PA|TO|V|HK|T|SW|AS|MI|MC|SS|SZ|AX|NS|BO|KS|KQ|TW|SA|MX|F|BR|VI|CO|ST|OL|HE|IL|JO|SI|NZ|IR|LS|WA)(?![\w.])"
)


class _Reading:
    """One question being understood."""

    def __init__(self, slots: Slots, memory: Memory) -> None:
        self.slots, self.memory = slots, memory
        self.low = slots.low
        self.symbols = slots.symbols
        self.inherited = False

    # ------------------------------------------------------------------------------- top level

    def understanding(self) -> Understanding:
        if refused := self._refused():
            return Understanding(unknown=(refused,), decided="topic")
        follow_up = self._follow_up()
        if follow_up is not None:
            return follow_up
        parts = self._clauses()
        if parts is not None:
            return parts
        return self._single()

    def _clauses(self) -> Understanding | None:
        """A question in several clauses, where each asks something of its own."""
        pieces = [piece for piece in _SPLIT.split(self.slots.text) if piece and piece.strip(" ?.")]
        if len(pieces) < 2:
            return None
        queries: list[Query] = []
        memory = self.memory
        for piece in pieces:
            slots = slots_of(piece, self.slots.language)
            reading = _Reading(slots, memory)
            reading.symbols = reading.symbols or self.symbols
            if not slots.metrics and not slots.operations:
                return None
            if not slots.metrics and queries:
                slots.metrics = [Hit(name, 0, 0, name) for name in queries[-1].metrics[:1]]
            if (
                not slots.periods or re.search(r"\bthat (?:year|quarter|period)\b|\bbetween them\b", slots.low)
            ) and self.slots.periods:
                slots.periods = list(self.slots.periods)
            made = reading._single()
            if not made.queries:
                return None
            queries += made.queries
        return Understanding(tuple(queries), certain=not self.slots.loose, decided="clauses")

    def _single(self) -> Understanding:
        slots = self.slots
        if (define := self._definition()) is not None:
            return define
        if self._is_judgement():
            return self._judgement()
        if week := re.search(r"\b52[- ]week (high|low)", self.low):
            slots.metrics = [Hit("price", week.start(), week.end(), week.group())]
            slots.periods = []
        if MARKET_INDEX in self.symbols and (not slots.metrics or slots.metrics[0].value == "price"):
            moves = (
                slots.has("growth", "yoy")
                or len(self.symbols) > 1
                or re.search(
                    r"\b(?:do|did|done|perform\w*|return\w*|gain\w*|far(?:e|ed))\b(?! it (?:stand|close))", self.low
                )
            )
            moves = moves and not re.search(r"\b(?:level|close|closing|stand|points|end)\b", self.low)
            slots.metrics = [Hit("price_change" if moves else "price", 0, 0, "level")]
        if self.symbols and self._asks_statement():
            return Understanding(document="report", certain=not slots.loose, decided="statement")
        if not slots.metrics and not self._universe() and self.symbols and not self._price_words():
            return self._about_a_company()
        if self._universe():
            return self._screen()
        if not self.symbols:
            return self._no_company()
        return self._figures()

    # ------------------------------------------------------------------------------- refusals

    def _refused(self) -> Unknown | None:
        text = self.low
        if self._asks_definition() and not self.symbols:
            return None
        for topic, reason, pattern in grammar.TOPICS:
            for match in pattern.finditer(text):
                company = any(hit.start < match.end() and match.start() < hit.end for hit in self.slots.companies)
                free = (
                    not company
                    if topic in ("commodity", "person", "headcount")
                    else not self._claimed(match.start(), match.end())
                )
                if topic in ("cryptocurrency", "ETF", "index") or free:
                    return Unknown(words=match.group().strip(), topic=topic, reason=reason)
        for pattern, topic, reason in (
            (grammar.COUNTRIES, "geography", "Figures by country or region are not in the data"),
            (grammar.SEGMENTS, "segment", "Figures of single segments, divisions and products are not in the data"),
        ):
            for match in pattern.finditer(text):
                alias = topic == "segment" and any(hit.words.lower() == match.group() for hit in self.slots.companies)
                if (alias or not self._claimed(match.start(), match.end())) and (self.symbols or self.slots.metrics):
                    return Unknown(words=match.group(), topic=topic, reason=reason)
        if listing := _FOREIGN.search(self.slots.text):
            return Unknown(
                words=listing.group(),
                topic="foreign listing",
                reason=f"{listing.group()} is a listing on a foreign exchange: only US-listed companies are in the data",
            )
        return self._refused_period() or self._refused_name() or self._own_segment()

    def _claimed(self, start: int, end: int) -> bool:
        """Whether a company, metric or sector claims these characters."""
        hits = (
            *self.slots.companies,
            *self.slots.sectors,
            *(hit for hit in self.slots.metrics if is_metric_name(hit.words)),
        )
        return any(hit.start < end and start < hit.end for hit in hits)

    def _refused_period(self) -> Unknown | None:
        for each in self.slots.periods:
            value = each.value.end if isinstance(each.value, Span) else each.value
            if value.year and (value.year > 2026 or value.year > 2100):
                return Unknown(
                    words=each.words,
                    topic="forecast",
                    reason=f"{each.words} lies after the data: there are no forecasts here",
                )
            if value.year and value.year < 2010:
                return Unknown(
                    words=each.words,
                    topic="period",
                    reason=f"The data do not go back to {each.words.strip()}: they start in 2014",
                )
        return None

    def _refused_name(self) -> Unknown | None:
        if self.symbols or not self.slots.unmatched:
            return None
        words, message = self.slots.unmatched[0]
        return Unknown(words=words, topic="company", reason=message)

    def _own_segment(self) -> Unknown | None:
        """A capitalised word that is no English word beside a company and a metric is a product or a segment."""
        for words, message in self.slots.unmatched:
            if self.symbols and self.slots.metrics and words[:1].isupper() and not self.slots.text.startswith(words):
                return Unknown(words=words, topic="not understood", reason=message or f"“{words}” was not understood")
        return None

    # ------------------------------------------------------------------------------- definitions

    def _asks_definition(self) -> bool:
        if grammar.DEFINE.search(self.low):
            return True
        for hit in self.slots.metrics[:1]:
            before, after = self.low[: hit.start], self.low[hit.end :]
            opens = re.search(
                r"(?:^|[.?!] )\s*(?:what(?:'s| is| are|s)|was ist|qué es|qu'est-ce que) (?:an? |the |el |la |der |die |das )?$",
                before,
            )
            if opens and re.match(r"\s*(?:ratio|mean)?\s*(?:$|[?.,]| and\b)", after):
                return True
        return False

    def _definition(self) -> Understanding | None:
        if not self._asks_definition():
            return None
        explain = [hit.value for hit in self.slots.metrics[:1]]
        if not explain:
            return None
        if not self.symbols:
            if self.slots.periods or self._has_set():
                return None
            return Understanding(
                (Query(intent="define", explain=explain, language=self.slots.language),),
                certain=True,
                decided="definition",
            )
        figures = self._figures()
        queries = tuple(query.model_copy(update={"explain": explain}) for query in figures.queries[:1])
        return replace(figures, queries=queries + figures.queries[1:], decided="definition with a figure")

    # ------------------------------------------------------------------------------- judgements

    def _is_judgement(self) -> bool:
        if not self.symbols or self.slots.has("rank") or any(hit.value == "set" for hit in self.slots.sets):
            return False
        strong = re.search(
            r"should|buy|sell|overval|underval|overpric|underpric|expensive|cheap|fair|healthy|too much debt|invest|worth it|worth the|bargain|高估|低估|割|teuer|überbewertet|cara|chère",
            self.low,
        )
        return (
            bool(strong)
            and not re.search(r"buy(?:ing|s)? back|buybacks?|sell(?:ing)?,|fair value of|selling", self.low)
            and (
                not self.slots.metrics
                or bool(
                    re.search(r"overval|underval|should|healthy|too much debt|expensive|overpriced|cheap", self.low)
                )
            )
        )

    def _judgement(self) -> Understanding:
        health = re.search(r"healthy|debt|solvent|trouble|good shape|leverag", self.low)
        metrics = ["debt_to_equity", "net_margin", "operating_cash_flow", "cash_and_equivalents", "long_term_debt", "equity", "net_income"] if health else [
            "pe", "ps", "pb", "dividend_yield", "market_cap"]  # fmt: skip
        query = Query(intent="judge", metrics=metrics, companies=self.symbols[:5], language=self.slots.language)
        return Understanding((query,), certain=True, decided="judgement")

    # ------------------------------------------------------------------------------- documents and nothing

    def _about_a_company(self) -> Understanding:
        slots = self.slots
        if slots.has("cagr", "growth", "yoy", "difference", "times", "share", "mean", "sum", "median") or slots.amounts:
            words = next(hit.words for hit in (*slots.operations, *slots.amounts))
            unknown = Unknown(
                words=words, topic="metric", reason=f"“{words}” of what? Name a figure, such as revenue or net income"
            )
            return Understanding(unknown=(unknown,), decided="operation without a metric")
        if slots.periods and not grammar.DOCUMENT.search(self.low) and any(not each.vague for each in slots.periods):
            unknown = Unknown(
                words=slots.periods[0].words,
                topic="metric",
                reason="Which figure? Name one, such as revenue, net income or share price",
            )
            return Understanding(unknown=(unknown,), decided="period without a metric")
        return Understanding(document="report", certain=not slots.loose, decided="company alone")

    def _asks_statement(self) -> bool:
        """Whether a whole statement is asked for, and no single line of it."""
        if not re.search(
            r"\b(?:income statements?|balance sheets?|cash ?flow statements?|statements? of (?:income|cash flows?|operations)|financial statements?|financials)\b",
            self.low,
        ):
            return False
        return all(
            re.search(r"\bcash ?flows? statements?$|cash flows?$", self.low[hit.start : hit.end + 11])
            for hit in self.slots.metrics
        )

    def _no_company(self) -> Understanding:
        return Understanding(document="", decided="no company")

    def _price_words(self) -> bool:
        return any(hit.value in ("price", "price_change") for hit in self.slots.metrics)

    # ------------------------------------------------------------------------------- universe

    def _has_set(self) -> bool:
        return any(hit.value == "set" for hit in self.slots.sets)

    def _universe(self) -> bool:
        slots = self.slots
        if self.symbols:
            return False
        asked = bool(slots.metrics or slots.amounts)
        return asked and bool(
            self._has_set()
            or slots.sectors
            or slots.limit
            or slots.has("count", "rank")
            or (slots.sets and (slots.directions or slots.amounts))
            or (slots.directions and slots.amounts)
        )

    def _screen(self) -> Understanding:
        slots = self.slots
        metrics = self._expressions()
        filters = self._filters(metrics)
        if not metrics and not filters:
            return Understanding(decided="screen without a metric")
        shown = metrics or list(dict.fromkeys(each.metric for each in filters))
        direction, ordered = self._direction(shown[0])
        count = slots.has("count")
        limit = slots.limit.value if slots.limit else None
        if limit is None and not filters:
            limit = 1 if ordered and not self._plural_set() else 10
        operation = "count" if count else self._set_operation()
        query = Query(
            intent="screen" if filters else "rank", metrics=shown[:4], scope="universe", sectors=[hit.value for hit in slots.sectors],
            periods=self._periods(shown[0]), where=filters, order=direction, limit=None if count or operation != "none" else limit, operation=operation,
            language=slots.language,
        )  # fmt: skip
        return Understanding((query,), certain=not slots.loose, decided="universe")

    def _plural_set(self) -> bool:
        single = re.search(
            r"\b(?:which|what) (?:one |single )?(?:[\w&-]+ ){0,2}?(?:company|firm|stock|business|corporation|bank|utility|insurer|retailer|airline)\b",
            self.low,
        )
        return not single and bool(
            re.search(
                r"\b(?:companies|firms|stocks|businesses|corporations|names|ones|which \w+ (?:have|had|are|were|spend|pay|earn)|top|bottom|best|worst (?=\w+s\b))\b|\blist\b|公司有哪些",
                self.low,
            )
        )

    def _set_operation(self) -> str:
        if self.slots.has("median"):
            return "median"
        if self.slots.has("mean"):
            return "mean"
        return "sum" if self.slots.has("sum") and not self.slots.directions else "none"

    def _direction(self, metric: str) -> tuple[int, bool]:
        """1 for the largest first, -1 for the smallest; and whether the question says so."""
        if grammar.ASCENDING.search(self.low):
            return -1, True
        if grammar.DESCENDING.search(self.low):
            return 1, True
        for hit in self.slots.directions:
            words = hit.words
            if words in ("cheapest", "cheaper"):
                return -1, True
            if words in (
                "best",
                "better",
                "worst",
                "worse",
                "mejor",
                "besser",
                "meilleure",
                "meilleur",
                "melhor",
                "migliore",
                "strongest",
                "weakest",
            ):
                good = described(metric).better or 1
                best = hit.value > 0
                return (good if best else -good), True
            if words in ("slower", "slowest"):
                return -1, True
            return hit.value, True
        if self.slots.amounts and self.slots.amounts[0].value.comparator in ("<", "<="):
            return -1, False
        return 1, False

    def _filters(self, metrics: list[str]) -> list[Filter]:
        found: list[Filter] = []
        if (share := self._share_of_amount(metrics)) is not None:
            return [share]
        for hit in self.slots.amounts:
            metric = self._metric_of_amount(hit)
            if metric:
                found.append(hit.value.model_copy(update={"metric": metric, **_scaled(hit, metric)}))
        for pattern, comparator in ((grammar.NEGATIVE, "<"), (grammar.POSITIVE, ">")):
            if not found and self._universe_words() and (match := pattern.search(self.low)):
                metric = next((m for m in metrics), "net_income")
                found.append(
                    Filter(
                        metric=metric if "loss" not in match.group() else "net_income", comparator=comparator, number=0
                    )
                )  # type: ignore[arg-type]
                break
        return found

    def _share_of_amount(self, metrics: list[str]) -> Filter | None:
        """`over 30% of revenue on R&D`: the amount limits a share of the first metric, which is no column of its own."""
        for hit in self.slots.amounts:
            rest = self.low[hit.end :]
            base = next(
                (
                    m
                    for m in self.slots.metrics
                    if m.start >= hit.end
                    and re.fullmatch(r"\s*of (?:its |their |total |net )?", self.low[hit.end : m.start])
                ),
                None,
            )
            others = [m.value for m in self.slots.metrics if m is not base]
            if base is not None and others and hit.words.endswith("|percent") and rest:
                text = f"{others[0]} / {base.value}"
                metrics[:] = [text]
                return hit.value.model_copy(update={"metric": text})
        return None

    def _universe_words(self) -> bool:
        return self.slots.has("count") or self._has_set()

    def _metric_of_amount(self, hit: Hit[Filter]) -> str | None:
        """The metric nearest to a number whose unit fits."""
        kind = hit.words.rsplit("|", 1)[1]
        candidates = self._expression_hits()
        fitting = [each for each in candidates if _fits(kind, each.value)] or candidates
        if not fitting:
            return "growth(revenue)" if kind == "percent" and self.slots.has("growth") else None
        before = [each for each in fitting if each.end <= hit.start]
        after = [each for each in fitting if each.start >= hit.end]
        gap_before = hit.start - before[-1].end if before else 10_000
        gap_after = after[0].start - hit.end if after else 10_000
        if (
            after
            and gap_after < 12
            and re.match(r"\s*(?:usd |dollars? |us dollars )?(?:of|in|for) ", self.low[hit.end :])
        ):
            return after[0].value
        return (
            before[-1].value
            if before and gap_before <= max(gap_after, 60)
            else (after[0].value if after else before[-1].value)
        )

    # ------------------------------------------------------------------------------- metrics as expressions

    def _expressions(self) -> list[str]:
        return list(dict.fromkeys(hit.value for hit in self._expression_hits()))

    def _expression_hits(self) -> list[Hit[str]]:
        """Metrics with what is done to each by the words next to it: growth of, share of, per share."""
        hits = list(self.slots.metrics)
        if not hits:
            return []
        if self.slots.has("share"):
            hits = self._shares(hits)
        if self.slots.has("per share"):
            hits = [self._per_share(hit) for hit in hits]
        several = len(hits) > 1 or self._universe() or bool(self.slots.amounts)
        return [self._grown(hit) if several or self._always_expression() else hit for hit in hits]

    def _always_expression(self) -> bool:
        return False

    def _shares(self, hits: list[Hit[str]]) -> list[Hit[str]]:
        mark = self.slots.at("share")
        if mark is None or len(hits) < 2:
            return hits
        after = [hit for hit in hits if hit.start >= mark.end]
        before = [hit for hit in hits if hit.end <= mark.start]
        if not after:
            return hits
        below = after[0]
        above = before[-1] if before else next((hit for hit in after[1:]), None)
        if above is None or above.value == below.value:
            return hits
        text = f"{above.value} / {below.value}"
        joined = Hit(
            text, min(above.start, below.start), max(above.end, below.end), f"{above.words} {mark.words} {below.words}"
        )
        return [joined if hit is above else hit for hit in hits if hit is not below]

    def _per_share(self, hit: Hit[str]) -> Hit[str]:
        if described(hit.value).unit != "USD" or described(hit.value).kind == "price":
            return hit
        return Hit(f"{hit.value} / shares_diluted", hit.start, hit.end, hit.words)

    def _grown(self, hit: Hit[str]) -> Hit[str]:
        """`revenue growth`, `growth of revenue`, `grew revenue`: growth(revenue), for the metric next to the word."""
        for mark in self.slots.operations:
            near_after = 0 <= mark.start - hit.end <= 2
            near_before = 0 <= hit.start - mark.end <= 9 and re.fullmatch(
                r"\s*(?:of |in |its |their |the |in the )*", self.low[mark.end : hit.start]
            )
            alone = len(self.slots.metrics) == 1 and not self.slots.has("share")
            if (
                mark.value in ("growth", "yoy")
                and (near_after or near_before or alone)
                and described(hit.value).kind != "price"
            ):
                return Hit(f"growth({hit.value})", min(hit.start, mark.start), max(hit.end, mark.end), hit.words)
        return hit

    # ------------------------------------------------------------------------------- figures of companies

    def _periods(self, metric: str) -> list[str]:
        found = [str(each.value) for each in self.slots.periods]
        specific = [str(each.value) for each in self.slots.periods if not each.vague]
        spans = [text for text in specific if ":" in text]
        if spans and any(text.startswith("last ") for text in specific):
            specific = [text for text in specific if not text.startswith("last ")]
        chosen = list(dict.fromkeys(specific or found))
        years = re.search(r"\b(\d{1,2}|two|three|four|five|six|seven|eight|nine|ten)[- ]years?\b", self.low)
        if (
            years
            and self.slots.has("cagr")
            and not any(":" in text or text.startswith("last") for text in chosen)
            and len(chosen) < 2
        ):
            count = int(years.group(1)) if years.group(1).isdigit() else _COUNTS[years.group(1)]
            end = parse_periods(chosen[0]) if chosen else Period("latest")
            if isinstance(end, Period) and end.year:
                return [f"{end.moved(-count)}:{end}"]
            return [f"last {count + 1} years"]
        return chosen

    def _figures(self) -> Understanding:
        slots = self.slots
        metrics = self._expressions()
        if not metrics:
            return self._about_a_company()
        metrics = _without_parts(metrics, slots)
        metrics = [
            "shares_diluted"
            if m == "shares_outstanding" and slots.periods and not all(p.vague for p in slots.periods)
            else m
            for m in metrics
        ]
        if all(text.startswith("growth(") for text in metrics) and len(metrics) > 1 and len(self.symbols) == 1:
            metrics = [text[7:-1] for text in metrics]
            slots.operations.append(Hit("growth", 0, 0, "growth"))
        several = len(self.symbols) > 1
        operation, unit = self._operation(metrics, several)
        if operation == "faster":
            metrics, operation = [f"growth({metrics[0]})"], "difference"
        if operation == "growth" and metrics[0] == "price":
            metrics, operation = ["price_change", *metrics[1:]], "none"
        periods = self._periods(metrics[0])
        if (
            operation == "none"
            and slots.has("trend")
            and re.search(r"quarterly|each quarter|by quarter|every quarter|per quarter|quarter by quarter", self.low)
        ):
            periods = self._quarterly(periods)
        intent, direction = self._intent(metrics, several, operation)
        query = Query(
            intent=intent, metrics=metrics[:8], companies=self.symbols, periods=periods, operation=operation, order=direction,
            limit=slots.limit.value if slots.limit and intent in ("rank", "compare") and slots.limit.value < len(self.symbols) else None,
            unit=unit, language=slots.language, decimals=_decimals(self.low),
            evidence={"every": "every year"} if re.search(r"\bevery (?:single )?(?:year|quarter)\b|\beach year\b", self.low) and operation == "trend" else {},
        )  # fmt: skip
        return Understanding((query,), certain=not slots.loose, decided="figures")

    def _quarterly(self, periods: list[str]) -> list[str]:
        if not periods:
            return ["last 8 quarters"]
        out: list[str] = []
        for text in periods:
            value = parse_periods(text)
            if isinstance(value, Period) and value.kind in ("year", "calendar"):
                out.append(f"Q1 {value.year}:Q4 {value.year}")
            elif isinstance(value, Span) and value.start and value.start.kind in ("year", "calendar"):
                end = f"Q4 {value.end.year}" if value.end.year else "latest quarter"
                out.append(f"Q1 {value.start.year}:{end}")
            else:
                out.append(text)
        return out

    def _intent(self, metrics: list[str], several: bool, operation: str) -> tuple[str, int]:
        slots = self.slots
        if not several:
            return ("value", 0)
        direction, said = self._direction(metrics[0])
        if slots.has("rank") or grammar.ASCENDING.search(self.low) or grammar.DESCENDING.search(self.low):
            return "rank", direction
        asks_which = bool(slots.sets) or " or " in self.low or re.search(r"\bvs\b|\bversus\b|\bbetween\b", self.low) or any(
            w in self.low for w in (" oder ", " ou ", " o ", "还是", "どちら", "と"))  # fmt: skip
        if said and (slots.limit or len(self.symbols) > 2) and operation in ("none", "growth", "cagr"):
            return "rank", direction
        if said and asks_which and operation in ("none", "growth", "cagr", "max", "min"):
            return "compare", direction
        if re.search(r"\bcompare\b|\bcomparison\b", self.low) and operation == "none" and len(metrics) == 1:
            return "compare", 1
        if said and len(metrics) == 1 and operation in ("none", "growth", "cagr"):
            return "compare", direction
        return "value", 0

    def _operation(self, metrics: list[str], several: bool) -> tuple[str, str]:
        """The operation, and a unit where the words ask for one."""
        slots, low = self.slots, self.low
        points = [each for each in slots.periods if not each.vague]
        span = any(isinstance(each.value, Span) for each in points)
        many = span or len(points) > 1
        market = described(metrics[0]).kind == "price" and metrics[0] in ("price", "price_change", "total_return")
        if market and (found := self._price_operation(metrics, many, span)):
            return found
        if (
            re.search(r"\bhow much (?:faster|slower)\b|\bmore (?:quickly|slowly)\b", low)
            and len(points) == 2
            and not several
        ):
            return "faster", ""
        if slots.has("cagr") or (
            slots.has("growth", "trend")
            and re.search(r"\b(?:per year|a year|annually|each year|annual rate|yearly)\b", low)
            and span
            and slots.has("growth")
            and not re.search(r"in each year|every year|year by year", low)
        ):
            return "cagr", ""
        if slots.has("times"):
            as_large = re.search(r"\bas (?:\w+) as ", low)
            if (
                as_large
                and several
                and self.slots.companies[0].start >= as_large.end()
                and self.slots.companies[0].start - as_large.end() < 5
            ):
                self.symbols = [self.symbols[1], self.symbols[0], *self.symbols[2:]]
            return "times", ""
        if slots.has("difference") and not slots.has("yoy"):
            if (
                re.search(r"percent(?:age)? (?:change|difference)|in percent\b(?!age)|by what percent", low)
                and not several
            ):
                return "growth", ""
            return "difference", ""
        year_asked = re.search(
            r"\b(?:in )?(?:which|what) (?:fiscal |calendar )?(?:year|quarter)\b|\bbest year\b|\bworst year\b|\bwhen (?:was|did|were)\b|in welchem jahr|en qué año|en quelle année|em que ano|in quale anno|哪一年|何年",
            low,
        )
        graded = all(hit.words in ("better", "worse") for hit in slots.directions)
        if (
            slots.directions
            and not several
            and (year_asked or (many and not graded and not slots.has("growth", "yoy")))
        ):
            return ("max" if slots.directions[0].value > 0 else "min"), ""
        if slots.has("mean") and (many or several):
            return "mean", ""
        if slots.has("median") and (many or several):
            return "median", ""
        if slots.has("sum") and (several or many) and not (several and slots.has("growth")):
            return "sum", ""
        if _total_of(low) and (span or several) and described(metrics[0]).summable():
            return "sum", ""
        if metrics[0].startswith("growth("):
            return "none", ""
        if slots.has("trend") and (span or not points) and self._trend_words():
            return "trend", ""
        if (
            (slots.has("trend") or graded)
            and re.search(
                r"\b(?:improv\w+|worsen\w*|deteriorat\w*|got better|get better|got worse|better|worse|rising|falling|widen\w*|narrow\w*)\b",
                low,
            )
            and not several
        ):
            return ("trend" if span else "growth"), ""
        if slots.has("growth", "yoy", "qoq") or re.search(r"\bby how much\b", low):
            dollars = re.search(
                r"\bin (?:us )?dollars\b|\bhow many dollars\b|\bin usd\b|\bdollar terms\b|\babsolute\b", low
            )
            if dollars:
                return "difference", ""
            return "growth", ""
        return "none", ""

    def _trend_words(self) -> bool:
        return not re.search(r"\bquarterly\b", self.low) or bool(
            re.search(r"trend|over time|rising|falling|develop", self.low)
        )

    def _price_operation(self, metrics: list[str], many: bool, span: bool) -> tuple[str, str] | None:
        low, slots = self.low, self.slots
        if month := re.search(
            r"\b(best|worst|strongest|weakest)\b[^?.]{0,30}?\bmonth\b|\bmonth\b[^?.]{0,60}?\b(best|worst|strongest|weakest|gain(?:ed)? (?:the )?most|r(?:o|i)se (?:the )?most|fell (?:the )?most|lose (?:the )?most|lost (?:the )?most|biggest (?:gain|rise)|biggest (?:loss|fall|drop))\b",
            low,
        ):
            bad = re.search(r"worst|weakest|fell|lose|lost|loss|fall|drop", month.group())
            return ("worst month" if bad else "best month"), ""
        extremes = re.search(r"\b(?:highest|lowest|maximum|minimum|high|low|peak|top|record)\b", low)
        if metrics[0] == "price" and extremes and not slots.has("rank") and len(self.symbols) == 1:
            worst = re.search(r"\b(?:lowest|minimum|low)\b", low)
            month_ends = "month-end" if re.search(r"month[- ]end|end of (?:the )?month|monthly close", low) else ""
            return ("low" if worst else "high"), month_ends
        if slots.has("mean") and metrics[0] == "price":
            return "mean", ""
        if (
            metrics[0] == "price"
            and len([e for e in slots.periods if not e.vague]) > 1
            and not slots.has("growth", "yoy", "difference", "trend")
        ):
            return "none", ""
        if slots.has("cagr"):
            return "cagr", ""
        dollars = re.search(r"\bin (?:us )?dollars\b|\bhow many dollars\b|\bdollar terms\b|\bby how many\b", low)
        if slots.has("difference") or (dollars and slots.has("growth", "yoy")):
            return "difference", ""
        return None


_COUNTS = {"two": 2, "three": 3, "four": 4, "five": 5, "six": 6, "seven": 7, "eight": 8, "nine": 9, "ten": 10}


# ---------------------------------------------------------------------------------------------- helpers


def _fits(kind: str, metric: str) -> bool:
    unit = described(metric).unit
    return {
        "percent": unit == "percent",
        "USD": unit.startswith("USD"),
        "times": unit == "times",
        "days": unit == "days",
    }.get(kind, True)


def _scaled(hit: Hit[Filter], metric: str) -> dict[str, float]:
    """A bare number against a percentage is in percent: "margin above 30"."""
    kind = hit.words.rsplit("|", 1)[1]
    if described(metric).unit == "percent" and kind == "":
        found = {"number": hit.value.number / 100}
        return {**found, "upper": hit.value.upper / 100} if hit.value.upper else found
    return {}


def _without_parts(metrics: list[str], slots: Slots) -> list[str]:
    """Without `price_change` beside a plain price that it explains, and the like."""
    if "price" in metrics and "price_change" in metrics:
        return [m for m in metrics if m != "price"]
    if "total_return" in metrics:
        return [m for m in metrics if m not in ("price", "price_change", "dividends_paid", "dividends_per_share")]
    if "max_drawdown" in metrics or "volatility" in metrics or "beta" in metrics:
        return [m for m in metrics if m not in ("price", "price_change")]
    return metrics


def _total_of(low: str) -> bool:
    return bool(re.search(r"\btotal\b[^?.]{0,50}\b(?:of|for|by|between|from|over|across)\b", low))


def _decimals(low: str) -> int | None:
    found = re.search(r"\b(one|two|three|1|2|3|zero|no) decimals?\b|\brounded to (one|two|three|1|2|3) decimal", low)
    if not found:
        return None
    return {"one": 1, "1": 1, "two": 2, "2": 2, "three": 3, "3": 3, "zero": 0, "no": 0}[
        found.group(1) or found.group(2)
    ]


# -------------------------------------------------------------------------------------------- follow-ups

_OPENERS = re.compile(
    r"^\W*(?:and|also|what about|how about|same|the same|now|but|ok(?:ay)?,?|then|so|y|und|et|e|あと|那|和)\b|^\W*(?:same|ditto)|呢"
)
_BACK = re.compile(
    r"\b(?:it|its|it's|their|they|them|that company|this company|the company|these|those|both|the (?:two|three|four|five)|which of (?:the|these|those|them)|of (?:these|those|them|the (?:two|three|four|five))|same|that|su|ihr|sein|son|sa|seu|sua|suo)\b|它|其|同社"
)
_GROUP = re.compile(
    r"\b(?:which|who|among|of|between)\b[^?]{0,20}\b(?:these|those|them|the (?:two|three|four|five)|both|all (?:two|three|four))\b|\bwhich of both\b|\bboth\b|\bamong (?:these|them|those)\b|\bthe (?:two|three|four|five)\b"
)
_SHIFTS: tuple[tuple[re.Pattern[str], int, str], ...] = (
    (
        re.compile(
            r"\b(?:the )?(?:year|one) before(?: that)?\b|\bprevious year\b|\bprior year\b|\bprevious fiscal year\b|\ba year (?:ago|before|earlier)\b|\bone year (?:earlier|before|ago)\b|\byear earlier\b|\bpreceding year\b|\blast year\b|\bel año anterior\b|\bim vorjahr\b|\bdas jahr davor\b|\bl'année précédente\b|\bano anterior\b|\banno prima\b|\banno precedente\b|前一年|前年|上一年"
        ),
        -1,
        "year",
    ),
    (re.compile(r"\b(?:the )?(?:year after|following year|next year|year later)\b|\bsubsequent year\b"), 1, "year"),
    (
        re.compile(r"\b(?:the )?(?:quarter before|previous quarter|prior quarter|preceding quarter|last quarter)\b"),
        -1,
        "quarter",
    ),
    (re.compile(r"\b(?:the )?(?:next quarter|quarter after|following quarter|subsequent quarter)\b"), 1, "quarter"),
    (re.compile(r"\btwo years (?:earlier|before|ago)\b"), -2, "year"),
)


def _shift(low: str) -> tuple[int, str] | None:
    return next(((steps, unit) for pattern, steps, unit in _SHIFTS if pattern.search(low)), None)


def _inherit(self: _Reading) -> Understanding | None:
    """A question that is incomplete by itself, completed from the last one."""
    slots, memory = self.slots, self.memory
    if not memory.queries and not memory.companies:
        return None
    shift = _shift(self.low)
    own = bool(slots.metrics) and bool(self.symbols)
    if len(self.symbols) > 1 and not slots.metrics and not _OPENERS.search(self.low):
        return None
    if own and not (shift and not slots.periods):
        return None
    last = memory.queries[0] if memory.queries else None
    group = bool(_GROUP.search(self.low))
    back_to_set = re.search(r"\b(?:of )?(?:them|these|those)\b", self.low)
    if (
        self._has_set()
        and not slots.metrics
        and not self.symbols
        and slots.directions
        and last
        and last.metrics
        and not group
        and not back_to_set
    ):
        slots.metrics = [Hit(name, 0, 0, name) for name in last.metrics[:1]]
        return self._screen()
    new_universe = not self.symbols and not group and self._universe() and not back_to_set
    if new_universe or (self._asks_definition() and not self.symbols and not _BACK.search(self.low)):
        return None
    short = len([word for word in slots.words if not word.mark]) <= 6
    points_back = bool(_OPENERS.search(self.low) or _BACK.search(self.low) or shift or group)
    if not points_back and not (
        short and (self.symbols or slots.metrics or slots.periods or slots.operations or slots.directions)
    ):
        return None
    if slots.unmatched and not self.symbols and not slots.metrics:
        return None
    return _completed(self, last, shift, group)


def _completed(self: _Reading, last: Query | None, shift: tuple[int, str] | None, group: bool) -> Understanding | None:
    slots, memory = self.slots, self.memory
    if not self.symbols:
        them = re.search(r"\bof (?:them|these|those)\b|\bamong (?:them|these|those)\b", self.low)
        if group and not them and len(memory.companies) > 1:
            self.symbols = list(memory.companies)
        elif (them or group) and memory.result:
            self.symbols = list(memory.result)
        elif last and last.companies:
            self.symbols = list(last.companies)
        else:
            self.symbols = list(memory.companies or memory.result)
    elif (
        re.search(r"\bcompare[sd]? (?:to|with)\b|\bversus\b|\bvs\b|\bagainst\b", self.low)
        and last
        and not slots.metrics
    ):
        self.symbols = list(dict.fromkeys([*last.companies, *self.symbols]))
    if not self.symbols:
        return None
    if (
        slots.has("share")
        and len(slots.metrics) == 1
        and last
        and last.metrics
        and slots.metrics[0].value != last.metrics[0]
    ):
        slots.metrics = [Hit(f"{last.metrics[0]} / {slots.metrics[0].value}", 0, 0, slots.metrics[0].words)]
    if slots.metrics or slots.amounts:
        periods = list(slots.periods) or (_carried_periods(last) if last else [])
        if shift and last and not slots.periods:
            moved = _moved(last.periods or ["latest"], shift)
        else:
            moved = []
        found = self._single() if slots.periods or not last else _with_periods(self, periods, moved)
        return found
    if last is None:
        return None
    return _replaced(self, last, shift)


def _carried_periods(last: Query) -> list[str]:
    return [] if last.scope == "universe" else list(last.periods)


def _with_periods(self: _Reading, periods: list[object], moved: list[str]) -> Understanding:
    made = self._single()
    own = [text for text in moved] or [str(text) for text in periods]
    queries = tuple(
        query.model_copy(update={"periods": own}) if own and _same_sort(query.metrics[:1], own) else query
        for query in made.queries
    )
    return replace(made, queries=queries)


def _same_sort(metrics: Sequence[str], periods: Sequence[str]) -> bool:
    """Whether carried periods suit a metric: no trading day for a statement, no quarter for a price."""
    if not metrics:
        return False
    market = described(metrics[0]).kind == "price"
    days = any(re.fullmatch(r"\d{4}-\d\d(-\d\d)?", text) or text.startswith("end") for text in periods)
    fiscal = any(re.search(r"^(?:Q|H|FY|TTM|9M)", text) for text in periods)
    return not (days and not market) and not (fiscal and market)


def _replaced(self: _Reading, last: Query, shift: tuple[int, str] | None) -> Understanding | None:
    """The last query with other companies, periods, or another way to show it."""
    slots = self.slots
    changes: dict[str, object] = {}
    if self.symbols and self.symbols != last.companies:
        changes["companies"] = self.symbols
        if last.scope == "universe":
            changes |= {"scope": "named", "where": [], "limit": None, "intent": "value", "sectors": []}
    if slots.periods and not all(each.vague for each in slots.periods):
        changes["periods"] = self._periods(last.metrics[0] if last.metrics else "revenue")
    elif shift:
        changes["periods"] = _moved(last.periods or ["latest"], shift)
    if re.search(r"\bquarterly\b|\bby quarter\b|\bper quarter\b", self.low):
        changes["periods"] = self._quarterly([t for t in (changes.get("periods") or last.periods) if "latest" not in t])  # type: ignore[union-attr]
        changes["operation"] = "none"
    if (
        re.search(r"\b(?:full|whole|entire) year\b|\bannually\b|\byearly\b|\bby year\b", self.low)
        and "periods" not in changes
    ):
        changes["periods"] = [
            f"FY{value.year}"
            for text in last.periods
            if isinstance(value := parse_periods(text), Period) and value.year
        ]
    many = len(self.symbols) > 1
    if slots.directions and many:
        direction, _ = self._direction(last.metrics[0]) if last.metrics else (1, True)
        changes |= {"intent": "compare", "order": direction}
    elif slots.has("growth", "yoy", "cagr", "mean", "sum", "difference", "times", "trend"):
        operation, _ = self._operation(last.metrics or ["revenue"], many)
        if "quarterly" not in self.low:
            changes |= {
                "operation": "growth" if operation in ("faster", "none") else operation,
                "intent": "value",
                "order": 0,
            }
    elif not changes:
        return None
    elif many and last.intent == "value" and re.search(r"\bcompare|\bversus\b|\bvs\b", self.low):
        changes |= {"intent": "compare", "order": 1}
    elif not many and last.intent in ("compare", "rank"):
        changes |= {"intent": "value", "order": 0}
    if not last.metrics:
        return Understanding(document="report", decided="same document")
    return Understanding((last.model_copy(update=changes),), certain=not slots.loose, decided="follow-up")


def _moved(periods: Sequence[str], shift: tuple[int, str]) -> list[str]:
    steps, unit = shift
    out: list[str] = []
    for text in periods:
        value = parse_periods(text)
        if isinstance(value, Span):
            out.append(str(Span(value.start.moved(steps), value.end.moved(steps))) if value.start else text)
        elif unit == "year" and value.kind in ("quarter", "calendar quarter", "half", "latest quarter"):
            out.append(str(value.moved(steps * (2 if value.kind == "half" else 4))))
        else:
            out.append(str(value.moved(steps)))
    return out


_Reading._follow_up = _inherit  # type: ignore[attr-defined]
