"""Words that say it in a roundabout way do not come back: each has a plain word for it."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[1]
PLAIN = {
    r"anew": "again, or recompute",
    r"at one go|in one go": "at once",
    r"blot(?:s|ted)?": "redact",
    r"brings? along": "comes with",
    r"commas between": "separated by commas",
    r"crew": "context",
    r"goes on once": "resumes when",
    r"in the lab": "simulated",
    r"is still being made": "is still running",
    r"made again": "rerun",
    r"patience": "deadline",
    r"purse": "budget",
    r"stations?": "worker",
    r"the like of": "such as",
    r"went away": "is lost",
    r"what is kept of": "cached answers",
}
SEEN = ("finassist/**/*.py", "finassist/**/*.toml", "finassist/**/*.md", "finassist/**/*.j2", "finassist/**/*.js",
        "binder/*", "*.md", ".env.example")  # fmt: skip


def texts() -> Iterator[tuple[str, str]]:
    for pattern in SEEN:
        for path in ROOT.glob(pattern):
            yield str(path.relative_to(ROOT)), path.read_text("utf-8")
    for path in ROOT.glob("notebooks/*.ipynb"):
        cells = json.loads(path.read_text("utf-8"))["cells"]
        yield path.name, "\n".join("".join(cell["source"]) for cell in cells)


def test_words_that_have_a_plain_one_do_not_come_back() -> None:
    banned = re.compile(rf"\b(?:{'|'.join(PLAIN)})\b", re.IGNORECASE)
    found = [
        f"{name}: “{hit.group()}”, say: {word}"
        for name, text in texts()
        for hit in banned.finditer(text)
        for pattern, word in PLAIN.items()
        if re.fullmatch(pattern, hit.group(), re.IGNORECASE)
    ]
    assert not found, "\n".join(found)
