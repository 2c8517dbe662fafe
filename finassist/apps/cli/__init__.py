"""The command line: `finassist ask`, `batch`, `sessions`, `history`, `doctor`, `cache`, `bench` and `lab`."""

from __future__ import annotations

from finassist.apps.cli.program import main

__all__ = ["main"]
