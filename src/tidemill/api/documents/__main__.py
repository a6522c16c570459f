"""`python -m tidemill.api.documents [ROOT]` writes the documents below ROOT."""

from __future__ import annotations

import sys
from pathlib import Path

from tidemill.api.documents.everything import DOCUMENTS


def main() -> None:
    """Write each document."""
    root = Path(sys.argv[1] if len(sys.argv) > 1 else ".")
    for name, make in DOCUMENTS.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(make(), encoding="utf-8")


main()
