"""What to know before using an embedded figure: notes, lines known to be absent, and how a value was checked.

Data only, and small pure functions over it. A note that forbids a comparison contains the words "not
comparable with" followed by the fiscal year, which `finassist.analysis.metrics` reads before it computes growth.
"""

from __future__ import annotations

from collections.abc import Container, Mapping

from finassist.core.facts import Statement, Status
from finassist.core.fields import EXPECTED, Field

NOT_REPORTED = "not reported in the embedded data"

BANKS = frozenset({"BAC", "JPM"})
"""Companies whose statements have other lines: interest and loan losses instead of goods and inventory."""

NO_BANK_LINE: Mapping[Statement, tuple[str, ...]] = {
    "income": ("gross_profit", "operating_income"),
    "balance_sheet": ("current_assets", "current_liabilities", "inventory"),
    "cash_flow": ("capex",),
}
"""Lines a bank does not have. They are not missing: they have no meaning there."""

BANK_LINES = frozenset(
    {"net_interest_income", "noninterest_revenue", "noninterest_expense", "provision_for_credit_losses",
     "interest_expense"}
)  # fmt: skip
"""Lines a reader expects from a bank."""

SIDE_LINES = frozenset({"equity_incl_nci", "noncontrolling_interest", "cash_incl_restricted", "liabilities_and_equity"})
"""Lines that only say the same on another basis; their absence is not worth a word."""

_BAC_BREAK = (
    "FY2023 to FY2025 are restated, FY2021 and FY2022 are as first filed: FY{year} is not comparable with FY{other}"
)
_NCI_INSIDE = "includes noncontrolling (minority) interests"
_KENVUE = "includes Kenvue (consumer health, separated in 2023), which revenue of the year does not"

FIGURE_NOTES: Mapping[tuple[str, str, int], str] = {
    (
        "JNJ",
        "revenue",
        2021,
    ): "without Kenvue (consumer health, separated in 2023); net income of the year includes it",
    ("JNJ", "net_income", 2021): _KENVUE,
    ("JNJ", "net_income", 2022): _KENVUE,
    ("JNJ", "net_income", 2023): _KENVUE,
}
"""Notes on single figures, by symbol, field and fiscal year."""

YEAR_NOTES: Mapping[tuple[str, int], str] = {
    ("BAC", 2022): _BAC_BREAK.format(year=2022, other=2023),
    ("BAC", 2023): _BAC_BREAK.format(year=2023, other=2022),
}
"""Notes on everything of one fiscal year."""

COMPANY_NOTES: Mapping[str, str] = {
    "BRK-B": "Only a few lines of Berkshire Hathaway are embedded (no revenue, no earnings per share): "
    "too thin for a full report.",
    "BAC": "A bank: no gross profit, no operating income and no current ratio. "
    "FY2023 to FY2025 are restated, FY2021 and FY2022 are not.",
    "JPM": "A bank: no gross profit, no operating income and no current ratio.",
    "JNJ": "Revenue leaves out Kenvue (separated in 2023); net income up to FY2023 includes it.",
}
"""What to know about a company before reading its figures."""

MISSING_NOTES: Mapping[tuple[str, str], str] = {
    ("V", "eps_diluted"): "Visa reports earnings per share for each of its share classes",
    ("V", "shares_diluted"): "Visa reports shares for each of its share classes",
}
"""Why a line is absent, where that is known."""

_CONCEPT_NOTES: Mapping[tuple[str, str], str] = {
    ("equity", "StockholdersEquityIncludingPortionAttributableToNoncontrollingInterest"): _NCI_INSIDE,
    ("operating_expenses", "CostsAndExpenses"): "all costs and expenses, the cost of revenue included",
    ("net_income", "ProfitLoss"): _NCI_INSIDE,
}

_CHECKED = (
    ("SEC XBRL viewer page (R-file) of the 10-K; concept name by us", "read on the SEC's page of the filing"),
    ("SEC XBRL value (companyfacts) via a third-party extraction that keeps the tags",
     "tagged by the filer, through a second party's extraction"),
    ("SEC XBRL value (companyfacts) via a third-party extraction, first tag of the listed chain",
     "tagged by the filer under one of the listed tags, through a second party's extraction"),
    ("SEC XBRL value (companyfacts) via a third-party extraction",
     "tagged by the filer, through a second party's extraction"),
    ("SEC XBRL tagged value (companyfacts)", "tagged by the filer"),
    ("SEC XBRL tagged value", "tagged by the filer"),
    ("10-K PDF text extraction (no XBRL here)", "read in the text of the filing"),
    ("10-K text (copy of the filing)", "read in the text of the filing"),
    ("equal in a second SEC extraction", "equal in a second extraction from the SEC"),
    ("= FMP+Yahoo", "equal at Financial Modeling Prep and Yahoo Finance"),
    ("= FMP", "equal at Financial Modeling Prep"),
    ("= Yahoo", "equal at Yahoo Finance"),
)  # fmt: skip

_FORMULAS: Mapping[str, tuple[str, tuple[str, ...]]] = {
    "pre-tax income - net income": ("pretax_income - net_income", ("pretax_income", "net_income")),
    "revenue - noninterest expense - provision": (
        "revenue - noninterest_expense - provision_for_credit_losses",
        ("revenue", "noninterest_expense", "provision_for_credit_losses"),
    ),
}


def checked(verified: str) -> str:
    """How a figure was checked, in words.

    Example:
        >>> checked("SEC XBRL tagged value (companyfacts); equal in a second SEC extraction; = Yahoo")
        'tagged by the filer; equal in a second extraction from the SEC; equal at Yahoo Finance'
    """
    for ours, words in _CHECKED:
        verified = verified.replace(ours, words)
    return verified


def derivation(verified: str) -> tuple[str, tuple[str, ...]] | None:
    """Formula and input fields of a figure that is computed from filed ones, else `None`.

    Example:
        >>> derivation("DERIVED: filed value restated for the 10-for-1 split of June 2024")
        ('filed value restated for the 10-for-1 split of June 2024', ())
    """
    _, derived, words = verified.partition("DERIVED: ")
    formula = words.split(";")[0]
    return _FORMULAS.get(formula, (formula, ())) if derived else None


def note(symbol: str, field: str, year: int, concept: str, verified: str) -> str | None:
    """Everything to know about one figure, or `None`.

    Example:
        >>> note("UNH", "equity", 2024, "", "sum of the 10-K financing lines")
        'added up from the lines of the filing'
    """
    notes = [
        FIGURE_NOTES.get((symbol, field, year)),
        _CONCEPT_NOTES.get((field, concept)),
        YEAR_NOTES.get((symbol, year)),
        "added up from the lines of the filing" if verified.startswith("sum of") else None,
        "from two data services that agree" if verified.startswith("two aggregators") else None,
    ]
    return "; ".join(text for text in notes if text) or None


def blank(symbol: str, field: Field, known: Container[str]) -> tuple[Status, str] | None:
    """What stands where a company has no figure: a status and the reason, or `None` for nothing at all.

    Args:
        symbol: The company.
        field: The line.
        known: The lines the company has in some embedded year.

    Example:
        >>> from finassist.core.fields import FIELDS
        >>> blank("JPM", FIELDS["gross_profit"], ())
        ('not_meaningful', "a bank's statements have no such line")
        >>> blank("AAPL", FIELDS["provision_for_credit_losses"], ()) is None
        True
    """
    name, bank = field.name, symbol in BANKS
    if bank and name in NO_BANK_LINE[field.statement]:
        return "not_meaningful", "a bank's statements have no such line"
    if name in SIDE_LINES:
        return None
    if name in known or name in EXPECTED[field.statement] or (bank and name in BANK_LINES):
        reason = MISSING_NOTES.get((symbol, name))
        return "missing", f"{NOT_REPORTED} ({reason})" if reason else NOT_REPORTED
    return None
