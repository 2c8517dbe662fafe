"""`python -m finassist` is the command line; it lives in `finassist.apps.cli`."""

from __future__ import annotations

import gc
import sys
from typing import NoReturn

from finassist.apps.cli import main

__all__ = ["main", "run"]


def run() -> NoReturn:
    """The process of a command: its end frees the memory, so Python does not search all of it for cycles first."""
    code = main()
    gc.freeze()
    sys.exit(code)


if __name__ == "__main__":
    run()
