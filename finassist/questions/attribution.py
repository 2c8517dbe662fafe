"""What the numbers of a sentence are said of: metric, company, period and the way things went. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from finassist.core.claims import Direction, Number
from finassist.core.metrics import catalogue, described
from finassist.core.periods import Span
from finassist.core.query import Operation, Query
from finassist.questions.slots import Named
from finassist.questions.statement import NEAR, SAYS, Statement, blanked, patterns
from finassist.questions.tokenizer import Hit

_VERBS = patterns("verbs")
_MAY_BE_LOST = frozenset({"net_income", "operating_income", "operating_cash_flow", "eps_diluted"})


@dataclass(slots=True)
class Attribution(Statement):
    """What the numbers of one sentence are said of."""

    def query(self, number: Number, metric: str, symbols: list[str]) -> tuple[Query, Direction]:
        """What a number would answer, and which way it says that things went."""
        operation, direction = self._operation(number, metric, symbols)
        across = len(symbols) > 1
        changes = operation in ("growth", "difference", "cagr", "times") and not across
        periods = self.periods(number, span=changes or operation in ("mean", "sum", "min"))
        if operation == "times" and not across:
            operation = "growth"
        if operation == "none":
            symbols = symbols[:1]
        return Query(metrics=[metric], companies=symbols, periods=periods, operation=operation), direction

    def is_to_come(self, number: Number) -> bool:
        """Whether a number is a forecast, in the clause in which it stands."""
        clause = SAYS["clause"].split(self.low[: number.start])[-1]
        return bool(SAYS["forecast"].search(clause) or SAYS["to_come"].match(self.low[number.end :]))

    def read_verbs(self) -> None:
        """Add the metrics that verbs state: `took in 11.2 billion`, `burned 12 billion of cash`."""
        for number in self.numbers:
            hit = self._beside(number)
            said = hit and (hit.end <= number.start or SAYS["of_verb"].fullmatch(self.low[number.end : hit.start]))
            if number.unit == "money" and not said:
                self.slots.metrics += self._verb(number)
        self.slots.metrics.sort(key=lambda hit: hit.start)

    def _verb(self, number: Number) -> list[Hit[str]]:
        before, behind = self.low[: number.start], blanked(self.low, self.slots.periods)[number.end :]
        is_cash, is_other = SAYS["cash"].match(behind), SAYS["other"].match(behind)
        for metric, verb in _VERBS.items():
            found = verb.search(before)
            if found and (is_cash if metric == "operating_cash_flow" else not is_other):
                words = found.group().rstrip()
                return [Hit(metric, found.start(), found.start() + len(words), words)]
        return []

    # -------------------------------------------------------------------------------------------- metric

    def metric(self, number: Number) -> str:
        """The metric a number is said of; empty where it counts something else."""
        if self._is_of_a_whole(number):
            return self._part_of_whole(number)
        hit = self._beside(number)
        if hit is None and self._counts_things(number):
            return ""
        hit = hit or self._nearest_metric(number)
        metric = hit.value if hit else self._in_order(number) or self.carried.metric
        return self._a_share(number, metric) if number.per_share else metric

    def unclear(self, number: Number, metric: str) -> bool:
        """Whether it stays open what a number is said of, so that no figure refutes it."""
        if self.name_is_open(number) or self.year_before(number):
            return True
        if number.per_share:
            return not SAYS["earns"].search(self.low[: number.end]) and self._beside(number) is None
        if hit := self._beside(number):
            return self._has_another_subject(hit, number)
        hit = self._nearest_metric(number)
        return hit is not None and self._is_taken(hit, number)

    def signed(self, number: Number) -> Number:
        """The number below zero where the metric beside it is a loss; in brackets behind another it has no sign."""
        if self.year_before(number):
            return replace(number, value=abs(number.value))
        hit = self._beside(number)
        is_loss = hit and hit.value in _MAY_BE_LOST and SAYS["loss"].search(hit.words)
        return replace(number, value=-abs(number.value)) if is_loss else number

    def _sides(self, number: Number) -> tuple[list[Hit[str]], list[Hit[str]]]:
        hits = self.slots.metrics
        return [hit for hit in hits if hit.end <= number.start], [hit for hit in hits if hit.start >= number.end]

    def _beside(self, number: Number) -> Hit[str] | None:
        """The metric right before or right behind a number."""
        before, after = self._sides(number)
        if before and SAYS["before"].fullmatch(self.low[before[-1].end : number.start]):
            verb = before[-1].value in _VERBS and _VERBS[before[-1].value].search(self.low[: number.start])
            if not (verb and after and SAYS["of_verb"].fullmatch(self.low[number.end : after[0].start])):
                return before[-1]
        return after[0] if after and SAYS["after"].fullmatch(self.low[number.end : after[0].start]) else None

    def _is_verb(self, number: Number) -> bool:
        """Whether the metric beside a number is said by a verb: `rang up` is no rise."""
        hit = self._beside(number)
        verb = _VERBS[hit.value].search(self.low[: number.start]) if hit and hit.value in _VERBS else None
        return bool(hit and verb and verb.start() == hit.start)

    def _nearest_metric(self, number: Number) -> Hit[str] | None:
        before, after = self._sides(number)
        return before[-1] if before else after[0] if after else None

    def _is_taken(self, hit: Hit[str], number: Number) -> bool:
        """Whether a metric belongs to another number, and no plain list leads from that one to this."""
        if hit.start >= number.end:
            return any(self._beside(each) is hit for each in self.numbers if each is not number)
        others = [each for each in self.numbers if hit.end <= each.start and each.end <= number.start]
        if not others or self._change(number, hit.value)[0] != "none":
            return False
        between = blanked(self.low, self.slots.periods)[others[-1].end : number.start]
        return not SAYS["link"].fullmatch(between)

    def _has_another_subject(self, hit: Hit[str], number: Number) -> bool:
        """`AWS brought in 108 billion`: what did it is no company of the data."""
        subject = SAYS["subject"].search(self.slots.text[: hit.start])
        if not subject or not self._is_verb(number):
            return False
        return all(each.end != subject.end("name") for each in self.slots.companies)

    def _counts_things(self, number: Number) -> bool:
        """`57,274 iPhones`, `2.1 million people`: a number without currency before a noun."""
        scaled = number.unit == "money" and not number.currency and self.slots.language == "en"
        return (number.bare or scaled) and bool(SAYS["noun"].match(self.low[number.end :]))

    def _in_order(self, number: Number) -> str:
        """`Q4 2023: 24.9 billion and 2.48 billion`: the metrics of the sentence before, in their order."""
        metrics = self.carried.metrics
        return metrics[self.numbers.index(number)] if len(metrics) == len(self.numbers) else ""

    def _is_of_a_whole(self, number: Number) -> bool:
        """`29.2 percent of net sales`."""
        before, after = self._sides(number)
        between = blanked(self.low, self.slots.periods)[number.end : after[0].start] if after else ""
        of_which = before and self.lead(number).rstrip().endswith("of which") and not self._is_part(number)
        return number.unit == "percent" and bool(of_which or SAYS["of_part"].fullmatch(between))

    def _part_of_whole(self, number: Number) -> str:
        before, after = self._sides(number)
        if self.lead(number).rstrip().endswith("of which"):
            before, whole = [], before[-1]
        else:
            whole, *after = after
        part = next((hit for hit in [*before[-1:], *after[:1]] if hit.value != whole.value), None)
        if part is None:
            return ""
        return f"{part.value} / {whole.value}" if _is_amount(part.value) and _is_amount(whole.value) else part.value

    def _a_share(self, number: Number, metric: str) -> str:
        """`2.48 billion, or 1.67 a share`: earnings per share; dividends where they are named."""
        if metric and described(metric).unit == "USD/share":
            return metric
        return "dividends_per_share" if "dividend" in self.lead(number) else "eps_diluted"

    # ----------------------------------------------------------------------------------------- companies

    def companies(self, number: Number) -> list[str]:
        """The company a number is said of; several for a sum or a difference."""
        hits = self.slots.companies
        if not hits or (self.pronoun < number.start and hits[0].start > number.start):
            return self.carried.companies[-1:]
        if self._is_part(number):
            return self._share_of(number)
        if self.is_together():
            return self.slots.symbols
        before = [hit for hit in hits if hit.end <= number.start]
        after = [hit for hit in hits if hit.start >= number.end]
        if aligned := self.respectively(number, self.slots.symbols):
            return [aligned]
        if picked := self.former_or_latter(number):
            return picked
        if after and self._times_another(number, after[0]):
            own = [hit.value.symbol for hit in before[-1:]] or self.carried.companies[-1:]
            return [*own, after[0].value.symbol]
        if self._compares(number) and len(self.slots.symbols) == 2:
            return self.slots.symbols
        if after and self._owns(number, after[0]):
            return [after[0].value.symbol]
        if pair := self.pair(number):
            return [self.slots.symbols[pair.index(number)]]
        return [(before[-1] if before else after[0]).value.symbol]

    def _owns(self, number: Number, hit: Hit[Named]) -> bool:
        """`211.9 billion for Microsoft`."""
        between = self.low[number.end : hit.start]
        apart = self.parted(number.end, hit.start)
        return len(between) < NEAR and not apart and bool(SAYS["owner"].search(between)) and "," not in between

    def _is_part(self, number: Number) -> bool:
        """`of which Ulta contributed 34.8%`."""
        whole = self.slots.symbols if len(self.slots.symbols) > 1 else self.carried.companies
        return number.unit == "percent" and len(whole) > 1 and bool(SAYS["part"].search(self.lead(number)))

    def _share_of(self, number: Number) -> list[str]:
        """The company whose part it is, and then the others."""
        whole = self.slots.symbols if len(self.slots.symbols) > 1 else self.carried.companies
        own = [hit.value.symbol for hit in self.slots.companies if hit.end <= number.start][-1:]
        return list(dict.fromkeys([*own, *whole]))

    def _times_another(self, number: Number, hit: Hit[Named]) -> bool:
        """`2.5 times Costco's sales`."""
        return number.unit == "times" and bool(SAYS["times_of"].fullmatch(self.low[number.end : hit.start]))

    def _compares(self, number: Number) -> bool:
        """Whether a number is how much one company is ahead of another."""
        before, after = self.low[: number.start], self.low[number.end : number.end + NEAR].lstrip()
        ahead = SAYS["more"].match(after) or SAYS["less"].match(after)
        if ahead and "than" in after and len(self.slots.companies) > 1 and self.slots.companies[-1].start >= number.end:
            return True
        named = [hit for hit in self.slots.companies if hit.end <= number.start]
        return (
            len(named) > 1
            and bool(SAYS["by"].search(before))
            and bool(SAYS["more"].search(before) or SAYS["less"].search(before))
        )

    # ----------------------------------------------------------------------------------------- operation

    def _operation(self, number: Number, metric: str, symbols: Sequence[str]) -> tuple[Operation, Direction]:
        low = self.low[: number.start]
        if (
            self.slots.has("cagr")
            and number.unit == "percent"
            and not (SAYS["from"].search(low) or SAYS["to"].search(low))
        ):
            return "cagr", self._direction(number)
        if len(symbols) > 1 and self._is_part(number):
            return "share", 0
        if len(symbols) == 2 and number.unit == "times":
            return "times", 0
        if SAYS["each"].search(self.low[number.end :]) and number.bound == ">":
            return "min", 0
        if len(symbols) == 2 and self._compares(number):
            ahead = SAYS["less"].search(self.low)
            return ("times" if number.unit == "times" else "difference"), -1 if ahead else 1
        if len(symbols) > 1 or (self.slots.has("mean") and any(isinstance(p.value, Span) for p in self.slots.periods)):
            return ("mean" if self.slots.has("mean") else "sum"), 0
        return self._change(number, metric)

    def _change(self, number: Number, metric: str) -> tuple[Operation, Direction]:
        """Whether a number says how much a figure changed, and which way."""
        if self._is_verb(number):
            return "none", 0
        if _is_change(metric):
            return "none", -1 if self._direction(number) < 0 else 0
        direction = self._direction(number)
        before = self.low[: number.start]
        unit = described(metric).unit
        level = SAYS["level"].search(before) and not SAYS["amount_of"].search(before)
        if number.unit == "times" and unit != "times":
            return "times", direction
        if number.unit == "points":
            return "difference", direction
        if number.unit == "percent" and unit != "percent":
            stated = level and not direction  # `EPS was 6.1%`: in a wrong unit
            return ("none", 0) if stated else ("growth", direction or (-1 if number.value < 0 else 1))
        if not direction or level or not number.unit:
            return "none", 0
        return ("difference" if number.unit == "money" or unit == "percent" else "none"), direction

    def _direction(self, number: Number) -> Direction:
        """The way a change goes that is said close to a number, or to the one that it says again: `, or 3%`."""
        before_it = [other for other in self.numbers if other.end <= number.start]
        if before_it and SAYS["again"].fullmatch(self.lead(number)):
            return self._direction(before_it[-1])
        ends = [other.start for other in self.numbers if other.start >= number.end]
        behind = self.low[number.end : min([number.end + 30, *ends])]
        before = SAYS["loss"].sub("", self.lead(number)) if self._beside(number) else self.lead(number)
        for text in (before, SAYS["stop"].split(behind)[0]):
            up, down = list(SAYS["up"].finditer(text)), list(SAYS["down"].finditer(text))
            if up or down:
                return 1 if not down or (up and up[-1].start() > down[-1].start()) else -1
        return 0


def _is_amount(metric: str) -> bool:
    return described(metric).unit == "USD"


def _is_change(metric: str) -> bool:
    found = catalogue().get(metric)
    return metric in ("price_change", "total_return") or (found is not None and found.formula.startswith("growth("))
