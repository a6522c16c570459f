"""`make bench`: every measurement, one after the other; results lie in `benchmarks/results/`."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

RESULTS = Path(__file__).parent / "results"
SUITES = ("http", "system", "database", "isolation", "fanout", "board")


def main(chosen: list[str]) -> None:
    for suite in chosen or SUITES:
        print(f"== {suite}", flush=True)
        run = subprocess.run(
            [sys.executable, "-m", f"benchmarks.{suite}.run"],
            capture_output=True,
            text=True,
            check=False,
        )
        if run.returncode != 0:
            raise SystemExit(run.stderr)
        print(run.stdout, flush=True)
        if run.stdout.lstrip().startswith("{"):
            json.loads(run.stdout)
            (RESULTS / f"{suite}.json").write_text(run.stdout)


if __name__ == "__main__":
    main(sys.argv[1:])
