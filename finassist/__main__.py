"""`python -m finassist` is the command line; it lives in `finassist.apps.cli`."""

from __future__ import annotations

import sys

from finassist.apps.cli import main

if __name__ == "__main__":
    sys.exit(main())
