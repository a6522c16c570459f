"""`python -m tidemill.cli.supervise …`: what `tidemill up` becomes once its options are parsed.

It imports no library, since this process lives as long as the installation.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence

from tidemill.runtime.supervisor import embedded


def main(arguments: Sequence[str]) -> int:
    """Run the embedded shape until it is told to stop; return the exit code."""
    return embedded(arguments, _say).run()


def _say(text: str) -> None:
    sys.stderr.write(f"tidemill: {text}\n")
    sys.stderr.flush()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
