"""What was asked of the SEC, and the words for an answer that is not it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from finassist.core.errors import BadPayload, NotOffered
from finassist.symbols.directory import Company

SOURCE = "SEC EDGAR"


@dataclass(frozen=True, slots=True)
class Asked:
    """What was asked, and when the answer came from the source.

    Attributes:
        company: Whom about.
        fetched: The day the source answered.
        cached: Whether the answer was kept since then.
    """

    company: Company
    fetched: date
    cached: bool = False

    def source(self, form: str = "", filed: date | None = None) -> str:
        """The source of a fact, with its dates.

        Example:
            >>> acme = Company("ACME", "Acme", "NYSE", "0000000001")
            >>> Asked(acme, date(2026, 11, 22), cached=True).source("10-K", date(2026, 2, 1))
            'SEC EDGAR, 10-K filed 2026-02-01, fetched 2026-11-22 (cached)'
        """
        filing = [f"{form} filed {filed.isoformat()}"] if filed else []
        return ", ".join([SOURCE, *filing, f"fetched {self.fetched.isoformat()}{' (cached)' if self.cached else ''}"])

    def check_company(self, cik: object) -> None:
        """Refuse an answer about somebody else.

        Raises:
            BadPayload: It is.
        """
        if not isinstance(cik, int | str) or str(cik).zfill(10) != self.company.cik:
            raise self.bad("data about another company")

    def bad(self, what: str) -> BadPayload:
        """The answer is not what was asked for."""
        return BadPayload(
            f"{SOURCE} answered with {what} when asked about {self.company.symbol}. Ask again, or use another provider."
        )

    def no_us_gaap(self) -> NotOffered:
        """The company files, but not in a way that can be read here."""
        return NotOffered(
            f"{SOURCE} has no statements of {self.company.symbol} ({self.company.name}) under US GAAP. Funds have "
            "none, and many foreign companies use IFRS. Use another provider."
        )
