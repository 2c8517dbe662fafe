"""Settings from `FINASSIST_*` variables and `.env`, with a default for each."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import platformdirs
from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict

Routing = Literal["auto", "model", "rules"]


class Settings(BaseSettings):
    """What a workflow can be told once instead of at every call.

    Example:
        >>> Settings(routing="rules").routing
        'rules'
    """

    model_config = SettingsConfigDict(env_prefix="FINASSIST_", env_file=".env", extra="ignore", frozen=True)

    home: Path = Field(
        default_factory=lambda: platformdirs.user_data_path("finassist", appauthor=False),
        description="Folder of the session database.",
    )
    model: str = Field(default="offline", description="Which language model routes, extracts and chats.")
    provider: str = Field(default="embedded", description="Which data provider delivers the figures.")
    routing: Routing = Field(
        default="auto",
        description="Who decides what is asked: rules when certain, the model, or always rules.",
    )
    years: int = Field(default=5, ge=1, le=10, description="Fiscal years in an answer.")
    fetch_timeout: float = Field(default=20.0, gt=0, description="Seconds one fetch may take before it is a gap.")
    max_question_length: int = Field(default=10_000, ge=1, description="Characters a question may have.")
    max_companies: int = Field(default=10, ge=1, description="Companies in one answer.")
    remembered_turns: int = Field(default=3, ge=1, description="Earlier turns a follow-up can refer to in full.")
    summary_after: int = Field(default=6, ge=2, description="Turns after which older ones are summarised.")

    @property
    def database(self) -> Path:
        """The file sessions are stored in."""
        return self.home / "sessions.db"
