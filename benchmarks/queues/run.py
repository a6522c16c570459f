"""Tidemill's queue beside its peers, each with durable defaults or its fastest documented settings.

    python -m benchmarks.queues.run --peers DIR --arq DIR --oban DIR [--rounds 3] [--only NAME,NAME]

The directories are environments with `requirements.txt`, `requirements-arq.txt` and, of Python
3.12, `requirements-oban.txt` of this folder. PostgreSQL, Redis and RabbitMQ are those of PG_DSN,
REDIS_URL, RESULT_URL and AMQP_URL; PG_DSN names a database that may be emptied. Rounds of all
contestants alternate, so that what else the machine does meets them alike; medians are shown.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from benchmarks.processes import machine

PG_DSN = os.environ.setdefault("PG_DSN", "postgresql://postgres@127.0.0.1:5432/queue_bench")
REDIS = os.environ.setdefault("REDIS_URL", "redis://127.0.0.1:6379/11")
RESULT = os.environ.setdefault("RESULT_URL", "redis://127.0.0.1:6379/12")
AMQP = os.environ.setdefault("AMQP_URL", "amqp://guest:guest@127.0.0.1:5672/")
RESULTS = Path(__file__).parent.parent / "results"
SQLITE = "sqlite:///{data}/queue.db"
Contestant = tuple[str, str, int, dict[str, str]]
"""Module, environment, jobs of a round, and what it reads from the process environment."""
CONTESTANTS: dict[str, Contestant] = {
    "tidemill, PostgreSQL": ("tidemill", "own", 10_000, {"TIDEMILL_DATABASE_URL": PG_DSN}),
    "tidemill, SQLite FULL": ("tidemill", "own", 10_000, {"TIDEMILL_DATABASE_URL": SQLITE}),
    "pgqueuer, PostgreSQL": ("pgqueuer", "peers", 10_000, {}),
    "chancy, PostgreSQL": ("chancy", "peers", 3_000, {}),
    "oban, PostgreSQL": ("oban", "oban", 3_000, {}),
    "procrastinate, PostgreSQL": ("procrastinate", "peers", 1_000, {}),
    "dramatiq, RabbitMQ": ("dramatiq", "peers", 3_000, {"DRAMATIQ_BROKER": AMQP}),
    "dramatiq, Redis": ("dramatiq", "peers", 3_000, {"DRAMATIQ_BROKER": REDIS}),
    "celery, RabbitMQ": ("celery", "peers", 3_000, {"CELERY_BROKER": AMQP}),
    "celery, Redis": ("celery", "peers", 1_000, {"CELERY_BROKER": REDIS, "CELERY_RESULT": RESULT}),
    "taskiq, Redis streams": ("taskiq", "peers", 3_000, {}),
    "saq, Redis": ("saq", "peers", 3_000, {}),
    "arq, Redis": ("arq", "arq", 3_000, {}),
}
FIGURES = ("one_per_s", "bulk_per_s", "jobs_per_s", "cpu_us_per_job", "worker_pss_mib")


def measure(contestant: Contestant, pythons: dict[str, str]) -> dict[str, Any]:
    """Return the figures of one round, or why there are none."""
    module, environment, jobs, variables = contestant
    data = tempfile.mkdtemp(prefix="queue-bench-")
    given = {name: value.format(data=data) for name, value in variables.items()}
    command = [pythons[environment], "-m", "benchmarks.queues.contest", module, "--jobs", str(jobs)]
    try:
        run = subprocess.run(
            command,
            env={**os.environ, **given, "DATA_DIR": data},
            capture_output=True,
            text=True,
            check=False,
            timeout=300,
        )
    except subprocess.TimeoutExpired:
        return {"failed": "no end within 300 s"}
    finally:
        shutil.rmtree(data, ignore_errors=True)
    if run.returncode != 0 or not run.stdout.strip():
        return {"failed": run.stderr.strip().splitlines()[-1:] or [str(run.returncode)]}
    found: dict[str, Any] = json.loads(run.stdout.strip().splitlines()[-1])
    return found


def median(rounds: list[dict[str, Any]]) -> dict[str, Any]:
    """Return the medians of the rounds that ended."""
    good = [one for one in rounds if "failed" not in one]
    if not good:
        return rounds[-1]
    figures = {name: round(statistics.median(one[name] for one in good), 1) for name in FIGURES}
    return {"guarantee": good[0]["guarantee"], "rounds": len(good), **figures}


def table(found: dict[str, dict[str, Any]], own: str) -> str:
    """Return the figures as a page; the last column is the guarantee."""
    lines = [
        "| queue | one/s | bulk/s | jobs/s | CPU µs/job | worker MiB | guarantee as configured |",
        "|---|--:|--:|--:|--:|--:|---|",
    ]
    for name, one in found.items():
        if "failed" in one:
            lines.append(f"| {name} | | | | | | not measured: {one['failed']} |")
            continue
        cells = " | ".join(f"{one[figure]:,.0f}" for figure in FIGURES)
        lines.append(f"| {name} | {cells} | {one['guarantee']} |")
    return "\n".join([f"{own}\n", *lines]) + "\n"


def main() -> None:
    """Measure all, or those whose name begins as told, and write the results."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--peers", required=True)
    parser.add_argument("--arq", required=True)
    parser.add_argument("--oban", required=True)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--only", default="")
    options = parser.parse_args()
    pythons = {
        "own": sys.executable,
        "peers": f"{options.peers}/bin/python",
        "arq": f"{options.arq}/bin/python",
        "oban": f"{options.oban}/bin/python",
    }
    wanted = tuple(options.only.split(","))
    chosen = {name: one for name, one in CONTESTANTS.items() if name.startswith(wanted)}
    rounds: dict[str, list[dict[str, Any]]] = {name: [] for name in chosen}
    before = machine()
    for _ in range(options.rounds):
        for name, contestant in chosen.items():
            rounds[name].append(measure(contestant, pythons))
            print(name, rounds[name][-1], file=sys.stderr, flush=True)
    found = {name: median(measured) for name, measured in rounds.items()}
    load = [round(one, 1) for one in (*os.getloadavg(),)]
    method = (
        f"`python -m benchmarks.queues.run`, medians of {options.rounds}. Load at the end: {load}."
    )
    print(table(found, method))
    if not options.only:
        figures = {"machine": before, "load_after": load, "queues": found}
        (RESULTS / "queues.json").write_text(json.dumps(figures, indent=2) + "\n")


if __name__ == "__main__":
    main()
