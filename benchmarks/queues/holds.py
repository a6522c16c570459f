"""What shall hold however fast the machine is: flat growth, other tenants' jobs, idleness.

    python -m benchmarks.queues.holds growth|tenants|idle sqlite|postgres

`growth` compares the queue with a long history and a backlog under another tag to an empty one:
both are open at once, and their rounds alternate. `tenants` starts
jobs of one tenant while a worker drains 100,000 of another. `idle` counts the statements of a
library's worker that has nothing to do (PostgreSQL).
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import statistics
import tempfile
import time
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

from msgspec import structs

from benchmarks.queues.engine import POSTGRES, Engine, a_request, an_actor, opened, run


async def add(engine: Engine, count: int, tag: str = "default", actor: Any = None) -> None:
    """Enqueue jobs at once."""
    request = structs.replace(a_request(), tag=tag)
    await engine.jobs.create_alike(request, [b"{}"] * count, actor=actor or engine.actor)


async def finish(engine: Engine, count: int) -> None:
    """Put finished jobs in the history, older than all that follow."""
    # In portions: a statement ends after twenty seconds.
    portion = 50_000
    for start in range(0, count, portion):

        def use_case(tx: Any, start: int = start) -> None:
            tx.execute(_FINISHED, start=start, through=start + portion)

        await engine.stores.jobs.write(engine.actor.tenant_id, use_case)


_FINISHED = """
    WITH RECURSIVE numbers (n) AS (
        SELECT CAST(:start AS BIGINT) UNION ALL SELECT n + 1 FROM numbers WHERE n < :through - 1
    )
    INSERT INTO job_history (tenant_id, day, id, spec_id, state, due_at, created_at, attempts,
        rescues, epoch, started_at, finished_at, peak_memory_bytes, cpu_microseconds, worker_id,
        args, result)
    SELECT :tenant_id, CAST(:now AS BIGINT) / 86400000000, '0-' || CAST(10000000 + n AS TEXT), 1,
        'succeeded', :now, :now, 1, 0, 1, :now, :now, 0, 0, 'bench', '{}', 'null'
    FROM numbers
"""


async def settle(kind: str, suffix: str) -> None:
    """Let the server do now what it would do in the background soon after a fill."""
    if kind == "postgres":
        import asyncpg

        connection = await asyncpg.connect(POSTGRES)
        schema = f"bench{os.getpid()}{suffix}_jobs"
        for table in ("jobs", "job_history"):
            await connection.execute(f'VACUUM ANALYZE "{schema}".{table}')
        await connection.execute("CHECKPOINT")
        await connection.close()


async def growth(kind: str, options: argparse.Namespace) -> dict[str, Any]:
    """Return figures of an empty queue, and of one with history and backlog."""
    actor = an_actor()
    rounds: dict[str, list[dict[str, float]]] = {"empty": [], "full": []}
    async with AsyncExitStack() as stack:
        queues = {name: await stack.enter_async_context(opened(kind, name)) for name in rounds}
        for stores, _ in queues.values():
            await stores.jobs.write(actor.tenant_id, _make_days)
        engine = Engine(*queues["full"], 200)
        engine.actor = actor
        await finish(engine, options.finished)
        await add(engine, options.queued, "elsewhere")
        await settle(kind, "full")
        for number in range(options.rounds + 1):
            for name, queue in queues.items():
                # A dispatcher that was stopped stays so.
                engine = Engine(*queue, 200)
                engine.actor = actor
                await add(engine, options.jobs)
                figures = await run(engine, options.jobs)
                if number > 0:  # The first rounds read the files.
                    rounds[name].append(figures)
    found: dict[str, Any] = {
        name: {
            figure: round(statistics.median(one[figure] for one in ones), 1) for figure in ones[0]
        }
        for name, ones in rounds.items()
    }
    pairs = list(zip(rounds["empty"], rounds["full"], strict=True))
    for figure in ("jobs_per_s", "cpu_us_own", "cpu_us_postgres"):
        shares = [full[figure] / empty[figure] for empty, full in pairs if empty[figure]]
        found[f"{figure}_share"] = [round(share, 2) for share in shares]
    return found


def _make_days(tx: Any) -> None:
    from tidemill.jobs.records.retention.repository import RetentionRepository

    today = tx.now // 86_400_000_000
    RetentionRepository().make_days(tx, range(today, today + 2))


async def tenants(kind: str, options: argparse.Namespace) -> dict[str, Any]:
    """Return how long jobs of one tenant wait while those of another fill the same lane."""
    waits = []
    async with opened(kind) as (stores, directory):
        engine = Engine(stores, directory, options.slots)
        other = an_actor()
        await add(engine, options.queued)
        async with engine.working():
            await asyncio.sleep(0.5)
            for _ in range(options.picks):
                started = time.perf_counter()
                job = await engine.jobs.create(a_request(), actor=other)
                engine.began[job.id] = started
                while engine.began[job.id] >= started:  # noqa: ASYNC110 - a poll of a millisecond
                    await asyncio.sleep(0.001)
                waits.append(engine.began.pop(job.id))
                await asyncio.sleep(0.005)
            left = await stores.jobs.read(engine.actor.tenant_id, lambda tx: tx.one(_LEFT))
    waits.sort()
    return {
        "queued": options.queued,
        "left": left[0],
        "picks": len(waits),
        "ms_p50": round(waits[len(waits) // 2] * 1e3, 1),
        "ms_p99": round(waits[int(len(waits) * 0.99) - 1] * 1e3, 1),
    }


_LEFT = "SELECT COUNT(*) FROM jobs WHERE tenant_id = :tenant_id AND state = 'queued'"


async def idle(kind: str, options: argparse.Namespace) -> dict[str, Any]:
    """Return how many statements a second the worker of a library sends, and which."""
    import asyncpg

    import tidemill

    if kind != "postgres":
        raise SystemExit("Statements are counted on PostgreSQL.")
    heard: list[str] = []
    make = asyncpg.Connection.__init__

    def watched(self: Any, *args: Any, **kwargs: Any) -> None:
        make(self, *args, **kwargs)
        self.add_query_logger(lambda record: heard.append(" ".join(record.query.split())[:60]))

    asyncpg.Connection.__init__ = watched

    @tidemill.job(name="bench.tasks:noop")
    async def noop() -> None:
        """Do nothing."""

    prefix = f"idle{os.getpid()}_"
    with tempfile.TemporaryDirectory() as name:
        app = tidemill.Tidemill(POSTGRES, schema_prefix=prefix, state=Path(name))
        async with app.worker():
            await (await noop.enqueue()).result()
            # The worker has the queue open for itself.
            await app.close()
            await asyncio.sleep(3)
            heard.clear()
            await asyncio.sleep(options.seconds)
            sent = list(heard)
    connection = await asyncpg.connect(POSTGRES)
    await connection.execute(f'DROP SCHEMA "{prefix}jobs" CASCADE')
    await connection.close()
    # Each use case has its begin and its commit; they count as statements here.
    queries = [text for text in sent if not text.startswith(("BEGIN", "COMMIT", "ROLLBACK"))]
    return {
        "seconds": options.seconds,
        "statements_per_s": round(len(queries) / options.seconds, 2),
        "with_begin_and_commit_per_s": round(len(sent) / options.seconds, 2),
        "by_text": {text: queries.count(text) for text in sorted(set(queries))},
    }


def main() -> None:
    """Measure what the command names."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("what", choices=("growth", "tenants", "idle"))
    parser.add_argument("store", choices=("sqlite", "postgres"))
    parser.add_argument("--jobs", type=int, default=20_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--finished", type=int, default=1_000_000)
    parser.add_argument("--queued", type=int, default=100_000)
    parser.add_argument("--slots", type=int, default=100)
    parser.add_argument("--picks", type=int, default=200)
    parser.add_argument("--seconds", type=float, default=20.0)
    options = parser.parse_args()
    measure = {"growth": growth, "tenants": tenants, "idle": idle}[options.what]
    found = asyncio.run(measure(options.store, options))
    print(json.dumps({"what": options.what, "store": options.store, **found}))
    print(f"load {os.getloadavg()[0]:.1f}")


if __name__ == "__main__":
    main()
