"""Write the embedded list of ordinary English words from the SCOWL word lists.

    python -m tests.tools.build_words FOLDER

FOLDER holds SCOWL's lists as JSON arrays, `english-words-10.json`, `american-words-10.json`, … The result,
`files/words.txt.gz`, has two lines: the common words (SCOWL sizes 10 and 20) and the less common ones (35).
Licence and origin: `files/SOURCES-tickers.md`.
"""

from __future__ import annotations

import gzip
import json
import sys
from importlib.resources import files
from pathlib import Path

TARGET = Path(str(files("finassist.symbols"))) / "files" / "words.txt.gz"


def main(argv: list[str]) -> int:
    """Convert the folder named on the command line."""
    if len(argv) != 1:
        sys.stderr.write("Give the folder: python -m tests.tools.build_words FOLDER\n")
        return 2
    folder = Path(argv[0])
    common = _words(folder, "10") | _words(folder, "20")
    rarer = _words(folder, "35") - common
    lines = "\n".join(" ".join(sorted(words)) for words in (common, rarer))
    TARGET.write_bytes(gzip.compress(lines.encode(), mtime=0))
    return 0


def _words(folder: Path, size: str) -> set[str]:
    listed: set[str] = set()
    for variety in ("english", "american", "british"):
        listed.update(json.loads((folder / f"{variety}-words-{size}.json").read_text(encoding="utf-8")))
    return {word.lower() for word in listed if word.isascii() and word.isalpha()}


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
