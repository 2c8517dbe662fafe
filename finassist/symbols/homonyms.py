"""Phrases that carry a company's name and mean something else."""

from __future__ import annotations

import re
from typing import Final

HOMONYMS: Final = re.compile(
    r"\b(?:S ?(?:&|and) ?P ?\d{3}|S&P(?! ?global)|Dow Jones(?: Industrial Average)?|Russell [123]000|FTSE ?\d{3}"
    r"|shell (?:compan(?:y|ies)|corporations?)|meta[ -]?(?:analys[ie]s|data|questions?)"
    r"|oracle (?:of|at) (?:omaha|delphi)"
    r"|amazon(?:ian)? (?:rain ?forests?|river|basin|jungle|delta)"
    r"|ford (?:a|the|that|this) (?:\w+ )?(?:river|stream|creek)"
    r"|apple (?:pies?|juice|sauce|cider|trees?|orchards?|crumble|cake)|an? apple a day|alphabet soup"
    r"|visa (?:requirements?|applications?|interviews?|waivers?)|(?:tourist|student|work|travel) visas?"
    r"|caterpillars? (?:in)?to (?:an? )?butterfl(?:y|ies)|target audiences?"
    r"|nasdaq[ -]?(?:100|composite)|dupont (?:analysis|decomposition|equation|formula|identity|model))\b",
    re.IGNORECASE,
)
"""Indices, methods and things of the world that carry a company's name."""
