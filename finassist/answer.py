"""What a run returns: an Agno run output that a person can read and a program can compute with."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, fields
from typing import TYPE_CHECKING, Any, Final, Literal, Self

from agno.run.base import RunStatus
from agno.run.workflow import WorkflowRunOutput
from msgspec import structs

from finassist.core.cases import REFUSED, Case, right_of, said_right
from finassist.core.claims import Check, Feedback, checklist
from finassist.core.errors import InputError, InvalidLimit
from finassist.core.facts import Fact, Gap
from finassist.core.process import running_cell
from finassist.core.query import Choice, Query
from finassist.core.result import YEARS_SHOWN, Draft, Verdict, stored_draft, verdict
from finassist.core.state import TASKS, RunState, Task, end, read_tasks, spans
from finassist.handoff import HandedOn

if TYPE_CHECKING:
    from finassist.reporting.frames import DataFrame
    from finassist.reporting.proof import Proof
    from finassist.reporting.timeline import TimelineImage
    from finassist.symbols.company import Company


@dataclass(repr=False, eq=False)
class Answer(HandedOn, WorkflowRunOutput):
    """An answer with its figures, their sources, and what is missing.

    Besides Agno's own fields (`content`, `status`, `run_id`, `session_id`, `metrics`, `events`, …):

    Attributes:
        category: `income_statement`, `company_financials`, `stock_price`, `report` or `chat`.
        symbols: Ticker symbols the answer is about.
        facts: Every figure as a `Fact`, with unit, period, as-of date and source.
        gaps: What should be there and is not, with the reason.
        follow_ups: Questions that make sense next.
        decided_by: Who decided what was asked: `"rules"`, `"model"`, or `"rules because the model failed"`.
        reason: Why the question was understood so.
        warnings: What to know about how the answer came about.
        years: How many fiscal years its tables show; its facts may go further back.
        headline: The answer in a sentence, where figures were asked for; empty for a document or a chat.
        narration: Sentences that a language model wrote below the headline of a report, as Markdown, see the setting
            `narration`; every figure in them agrees with the data.
        queries: What was understood, as values that can be edited and asked again with `workflow.query`.
        rows: Keys of the facts that were asked for, in order; `result` is their table.
        figure: Key of the one figure asked for, or empty; `value` is its fact.
        choices: Readings to pick from with `pick`, where the question has several.
        models: Who did the work of each agent, by agent name: the id of a model, or `"rules"` where the model failed.
        saved: Whether the run was read back from the session store after saving.
        duration: Seconds the run took until it was saved.
        tasks: What the run did and when, as `timeline` draws it; of a stored answer too.
        cell: Number of the notebook cell below which the run was shown live; there the answer draws no second card.

    Example:
        >>> from finassist import FinancialAssistantWorkflow
        >>> answer = FinancialAssistantWorkflow(db=None).run("What is Apple's revenue?")
        >>> answer.category, answer.symbols
        ('income_statement', ['AAPL'])
        >>> [str(fact.value) for fact in answer.facts if fact.key == "AAPL/revenue/FY2025"]
        ['416161000000']
    """

    category: str = "chat"
    symbols: list[str] = field(default_factory=list[str])
    facts: list[Fact] = field(default_factory=list[Fact], repr=False)
    gaps: list[Gap] = field(default_factory=list[Gap])
    follow_ups: list[str] = field(default_factory=list[str])
    decided_by: str = "rules"
    reason: str = ""
    warnings: list[str] = field(default_factory=list[str])
    years: int = YEARS_SHOWN
    headline: str = ""
    narration: str = ""
    queries: list[Query] = field(default_factory=list[Query])
    rows: list[str] = field(default_factory=list[str], repr=False)
    figure: str = ""
    choices: list[Choice] = field(default_factory=list[Choice])
    models: dict[str, str] = field(default_factory=dict[str, str])
    saved: bool = True
    duration: float | None = None
    tasks: tuple[Task, ...] = field(default=(), repr=False)
    cell: int | None = None

    # ------------------------------------------------------------------------------------ making

    @classmethod
    def of(cls, output: WorkflowRunOutput, draft: Draft | None = None) -> Self:
        """An answer from Agno's output, with the draft at hand or the one stored with the run."""
        draft = draft or stored_draft(output)
        own = {f.name: getattr(output, f.name) for f in fields(WorkflowRunOutput)}
        own["status"] = RunStatus(output.status)  # Agno reads it back from the database as a plain string
        own["duration"] = getattr(output.metrics, "duration", None)
        own["metadata"] = {name: each for name, each in (output.metadata or {}).items() if name != TASKS} or None
        own["tasks"] = read_tasks((output.metadata or {}).get(TASKS))
        return cls(**own, **(draft.values() if draft else {}))

    # ----------------------------------------------------------------------------------- reading

    @property
    def query(self) -> Query | None:
        """What was understood, or the first part of it; `None` for a document or a chat."""
        return self.queries[0] if self.queries else None

    @property
    def value(self) -> Fact | None:
        """The one figure asked for, where there is one."""
        key = self.figure or (self.rows[0] if len(self.rows) == 1 else "")
        return next((fact for fact in self.facts if fact.key == key), None) if key else None

    @property
    def result(self) -> DataFrame:
        """What was asked for as a DataFrame: companies or periods as rows, metrics as columns.

        Shown in words, held exactly. Of a company against its peers, below the companies: their median and quartiles,
        and the place of the company. Of a model, its steps in rows as `to_frame` has them. Of a statement or a report,
        lines by fiscal year, or by company.

        Example:
            >>> from finassist import FinancialAssistantWorkflow
            >>> answer = FinancialAssistantWorkflow(db=None).run("Apple's revenue in FY2024 and FY2025")
            >>> answer.result["revenue"].to_dict()
            {'FY2024': 391035000000.0, 'FY2025': 416161000000.0}
        """
        from finassist.reporting.frames import result_frame

        return result_frame(self)

    @property
    def outcome(self) -> Verdict:
        """`"answered"`, `"partly"`, or `"refused"` where nothing of what was asked is there."""
        return verdict(self)

    @property
    def checklist(self) -> tuple[Check, ...]:
        """What became of the words of the question: used, refused or not understood, with the reason."""
        return checklist(self.queries, self.gaps)

    @property
    def feedback(self) -> Feedback | None:
        """What a person thinks of it: the thumb and the reason that `workflow.rate` or the panel kept with it."""
        return Feedback.of(self.metadata)

    def pick(self, number: int) -> Answer:
        """Answer one of `choices`, counted from 1, in the same conversation.

        Raises:
            InputError: There is no such choice, or the answer comes from a store and has no workflow.
        """
        return self._workflow().query(list(self._choice(number).queries), session_id=self.session_id)

    async def apick(self, number: int) -> Answer:
        """`pick` on the running loop."""
        return await self._workflow().aquery(list(self._choice(number).queries), session_id=self.session_id)

    def assume(self, **values: float) -> Answer:
        """The same question under other assumptions, in the same conversation.

        Args:
            **values: Metric ids with values in their own unit (5 % is 0.05); `growth`, `margin`, `multiple` and
                `years` are those that a valuation forecasts. Assumptions that were made before are kept.

        Raises:
            InputError: It has no query, or comes from a store and has no workflow.
            InvalidQuery: There is no such metric, or it cannot have that value.

        Example:
            >>> from finassist import FinancialAssistantWorkflow
            >>> answer = FinancialAssistantWorkflow(db=None).run("DCF of Apple").assume(growth=0.05, wacc=0.09)
            >>> answer.query.assume
            {'forecast_growth': 0.05, 'wacc': 0.09}
        """
        return self._workflow().query(self._assuming(values), session_id=self.session_id)

    async def aassume(self, **values: float) -> Answer:
        """`assume` on the running loop."""
        return await self._workflow().aquery(self._assuming(values), session_id=self.session_id)

    def what_if(self) -> Any:
        """Sliders for its assumptions, in a cell: see `workflow.what_if`."""
        return self._workflow().what_if(self)

    def as_case(self, right: Any = None, *, kind: str = "own") -> Case:
        """Its question with what is right, for `finassist.evaluate`.

        Args:
            right: A text such as `"25.3%"`, a number in the unit of this answer, ticker symbols in their order, or
                `"refused"`; by default what this answer says, or where it is rated down, what the reason says.
            kind: Which sort of question it is.

        Raises:
            InputError: It is not clear what is right.

        Example:
            >>> from finassist import FinancialAssistantWorkflow
            >>> answer = FinancialAssistantWorkflow(db=None).run("What was Apple's revenue in FY2024?")
            >>> answer.as_case("391.0 billion USD").right, answer.as_case().right
            ('391.0 billion USD', '391035000000 USD')
        """
        thumb, note = self.feedback or ("up", "")
        if right is None:
            right = said_right(note) if thumb == "down" else REFUSED if self.outcome == "refused" else None
        known = right_of(right, self.value)
        if right != REFUSED and thumb == "up":
            known |= {"companies": " ".join(self.symbols), "period": self.value.period if self.value else ""}
        return Case(str(self.input), kind=kind, note=note, **known)

    def asked_by(self, workflow: Any) -> None:
        """Remember the workflow, whose `query` and `aquery` answer a choice; it is not stored with the answer."""
        vars(self)["_asked"] = workflow

    def _assuming(self, values: Mapping[str, float]) -> list[Query]:
        if not self.queries:
            raise InputError("This answer has no query whose assumptions could be changed. Ask for a figure.")
        return [query.assuming({**query.assume, **values}) for query in self.queries]

    def _choice(self, number: int) -> Choice:
        if not 1 <= number <= len(self.choices):
            numbers = f"1 to {len(self.choices)}" if self.choices else "none: the question has one reading"
            raise InvalidLimit(f"There is no choice {number}. Choices: {numbers}.")
        return self.choices[number - 1]

    def _workflow(self) -> Any:
        workflow = vars(self).get("_asked")
        if workflow is None:
            raise InputError("A stored answer has no workflow. Pass queries of its choices to workflow.query().")
        return workflow

    def __getstate__(self) -> dict[str, Any]:
        return {name: value for name, value in vars(self).items() if name != "_asked"}

    def to_frame(self, *, full: bool = False) -> DataFrame:
        """Every figure used as a tidy DataFrame, one row a fact, texts last; of a report those of its own companies.

        Args:
            full: All columns, which `finassist.describe("facts")` lists; by default the six to look at first.
        """
        from finassist.reporting.frames import facts_frame

        return facts_frame(self.own_facts, full=full)

    @property
    def own_facts(self) -> list[Fact]:
        """The facts without those of peers, which a report only compares its companies with."""
        if self.queries or not self.symbols:
            return self.facts
        return [fact for fact in self.facts if fact.symbol in self.symbols or fact.symbol.startswith("^")]

    def restatements(self) -> DataFrame:
        """What changed between the first and the latest report of the figures, one row a figure that did."""
        from finassist.reporting.frames import restatements_frame

        return restatements_frame(self.facts, self.company_names())

    def spans(self) -> DataFrame:
        """One row per task: `name`, `parent`, `start`, `end`, `duration` in seconds since the start, `status`."""
        from finassist.reporting.frames import spans_frame

        return spans_frame(spans(self._state()))

    @property
    def timeline(self) -> TimelineImage:
        """What happened when, as a picture that shows itself in a notebook; `str()` of it is the text of an SVG."""
        from finassist.reporting.timeline import TimelineImage

        return TimelineImage(self._state())

    def why(self, key: str | None = None) -> Proof:
        """The way from a figure down to filings, each figure on it recomputed and compared.

        Args:
            key: The `Fact.key` of a figure, or a field such as `"net_margin"`, of its latest period; by default
                `value`, or what was asked for.

        Raises:
            InputError: The answer has no such figure, or several figures and no key is given.

        Example:
            >>> from finassist import FinancialAssistantWorkflow
            >>> FinancialAssistantWorkflow(db=None).run("What was Apple's net margin in FY2023?").why()
            <Proof of AAPL/net_margin/FY2023: 3 figures: 1 recomputed and correct and 2 as reported.>
        """
        from finassist.reporting.proof import prove

        return prove(self, key, self.filers())

    def to_markdown(self) -> str:
        """The answer as markdown, with a line on anything unusual about the run."""
        notes = [f"> **Note:** {note}" for note in self.notes()]
        return "\n\n".join([*notes, str(self.content or "")])

    def to_html(self) -> str:
        """The answer as one self-contained, escaped HTML card, readable in light and dark themes."""
        from finassist.reporting.html import answer_html

        return answer_html(self)

    def plot(self, kind: str | None = None, theme: str = "auto") -> Any:
        """The chart that suits the question, as a Plotly figure that exported pages show as an image.

        Args:
            kind: `"bar"`, `"line"`, `"grouped"`, `"heatmap"`, `"waterfall"`, `"rebased"`, `"football"`, `"statements"`,
                `"price"`, or a yearly field or ratio such as `"net_margin"`; an error names those that fit.
            theme: `"light"`, `"dark"`, or `"auto"`, which can be read on both.
        """
        from finassist.reporting.plot import plot

        return plot(self, kind, theme)

    def notes(self) -> list[str]:
        """What a reader should know before the content: a run that was stopped, or not saved."""
        endings = {RunStatus.cancelled: "This run was stopped.", RunStatus.error: "This run failed."}
        notes = [endings[self.status]] if self.status in endings else []
        if not self.saved:
            notes.append("This turn was not saved: its conversation was deleted, or the disk is full or read-only.")
        return notes

    def company_names(self) -> dict[str, str]:
        """The names of its companies by ticker symbol, from the directory of US tickers."""
        return {company.symbol: company.name for company in _companies(self.symbols)}

    def filers(self) -> dict[str, str]:
        """The SEC's numbers of its companies by ticker symbol, for links to their filings."""
        symbols = dict.fromkeys([*self.symbols, *(fact.symbol for fact in self.facts)])
        return {company.symbol: company.cik for company in _companies(symbols)}

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready form: Agno's, with facts and gaps as plain dictionaries."""
        data = super().to_dict()
        data["facts"] = [fact.to_dict() for fact in self.facts]
        data["gaps"] = [gap.to_dict() for gap in self.gaps]
        data["queries"] = _plain(self.queries)
        data["choices"] = [{"label": label, "queries": _plain(queries)} for label, queries in self.choices]
        data["tasks"] = [structs.asdict(task) for task in self.tasks]
        return data

    def __repr__(self) -> str:
        about = " ".join([self.category, *self.symbols])
        return f"<Answer {about}: {len(self.facts)} facts, {len(self.gaps)} gaps, {self.status.value}>"

    def __str__(self) -> str:
        return self.to_markdown()

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, str]:
        # No text/markdown: a front end would render it, and with it whatever a model or a source put there.
        if self.cell is not None and self.cell == running_cell():
            return {"text/plain": repr(self)}
        return {"text/plain": self.to_markdown(), "text/html": self.to_html()}

    def _state(self) -> RunState:
        state = RunState(str(self.input or ""), tasks=self.tasks)
        return end(state, _ENDED.get(self.status, "waiting"), at=self.duration)


_ENDED: Final[Mapping[RunStatus, Literal["completed", "error", "cancelled"]]] = {
    RunStatus.completed: "completed",
    RunStatus.error: "error",
    RunStatus.cancelled: "cancelled",
}


def _companies(symbols: Iterable[str]) -> list[Company]:
    from finassist.symbols import directory

    return [company for symbol in symbols if (company := directory().lookup(symbol))]


def _plain(queries: Sequence[Query]) -> list[dict[str, Any]]:
    return [query.model_dump(mode="json", exclude_defaults=True) for query in queries]
