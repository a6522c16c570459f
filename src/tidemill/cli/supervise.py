"""`python -m tidemill.cli.supervise API_SECONDS WORKER_SECONDS …`: what `tidemill up` becomes.

Its options are parsed by then; the seconds are how long each process may take to stop.
It imports no library, since this process lives as long as the installation.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence

from tidemill.runtime.supervisor import embedded


def main(arguments: Sequence[str]) -> int:
    """Run the embedded shape until it is told to stop; return the exit code."""
    api_seconds, worker_seconds, *options = arguments
    supervisor = embedded(
        options,
        _say,
        api_stop_seconds_max=float(api_seconds),
        worker_stop_seconds_max=float(worker_seconds),
    )
    return supervisor.run()


def _say(text: str) -> None:
    sys.stderr.write(f"tidemill: {text}\n")
    sys.stderr.flush()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
