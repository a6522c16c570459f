"""The SQL of claims: which lanes hold ready jobs, and their lease."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from functools import cache
from typing import Final

import msgspec

from tidemill.core.ports import Row, Tx, Value
from tidemill.jobs.code.functions.models import FUNCTION, isolation_of
from tidemill.jobs.dispatching.dispatcher.models import Demand, Lane, Ring, lanes_per_look_max
from tidemill.jobs.dispatching.dispatcher.repository import CLAIMED, LEASE
from tidemill.jobs.queueing.many import in_portions, size_for
from tidemill.jobs.queueing.queue.claims import Claimed
from tidemill.jobs.queueing.specs.repository import SpecRepository

_READY: Final = """
    FROM jobs
    WHERE state = 'queued' AND tag = :tag AND isolation = :isolation AND tenant_id = :tenant
        {others}
    ORDER BY order_key, position
    LIMIT :limit
"""
_PASSING_BY: Final = {
    dialect: f"""
        AND spec_id NOT IN (
            SELECT id FROM job_specs
            WHERE tenant_id = :tenant AND content IN ({names}) AND language = '{FUNCTION}')
    """  # noqa: S608 - constants
    for dialect, names in {
        "sqlite": "SELECT value FROM json_each(:passed_by)",
        "postgres": """
            SELECT name FROM jsonb_array_elements_text(CAST(CAST(:passed_by AS TEXT) AS jsonb))
                AS passed_by (name)""",
    }.items()
}
# Without MATERIALIZED the planner may run the inner query again and take more than its limit.
# A row stays at its place while it is locked.
_CLAIMS: Final = f"""
    WITH ready AS MATERIALIZED (
        SELECT ctid AS ready_row {_READY} FOR UPDATE SKIP LOCKED
    )
    UPDATE jobs {LEASE}
    FROM ready WHERE jobs.ctid = ready_row
    RETURNING {CLAIMED}
"""  # noqa: S608 - constants
_CLAIM: Final = _CLAIMS.format(others="")
_CLAIM_PASSING_BY: Final = _CLAIMS.format(others=_PASSING_BY["postgres"])
# One process writes, so what it reads stays so; RETURNING keeps all rows in a table of its own.
_FIRSTS: Final = f"""
    SELECT spec_id, tenant_id, id, epoch + 1, attempts + 1, due_at, args, key, work_item_id,
        trigger_id, traceparent, position {_READY}
"""
_FIRST: Final = _FIRSTS.format(others="")
_FIRST_PASSING_BY: Final = _FIRSTS.format(others=_PASSING_BY["sqlite"])


@cache
def _lease(size: int) -> tuple[str, tuple[str, ...]]:
    """Return what leases as many jobs by their places, and the names of its values, on SQLite."""
    places = tuple(f"position_{place}" for place in range(size))
    sql = f"UPDATE jobs {LEASE} WHERE position IN (:{', :'.join(places)})"
    return sql, ("worker", "generation", *places)


_PAIRS: Final = {
    "sqlite": """
        SELECT value ->> 0 AS tag, value ->> 1 AS isolation, value ->> 2 AS after, key AS place
        FROM json_each(:pairs)
    """,
    "postgres": """
        SELECT pair ->> 0 AS tag, pair ->> 1 AS isolation, pair ->> 2 AS after, place
        FROM jsonb_array_elements(CAST(CAST(:pairs AS TEXT) AS jsonb))
            WITH ORDINALITY AS given (pair, place)
    """,
}
# The installation's own row of a tag is for the lanes of all tenants.
_PAUSED: Final = """
    SELECT 1 FROM ready_lanes AS paused
    WHERE paused.tenant_id = :tenant_id AND paused.paused_at IS NOT NULL AND paused.tag =
"""
# Skips from lane to lane in idx_jobs_ready, whatever they hold.
_LANES: Final = {
    dialect: f"""
        WITH RECURSIVE pairs AS ({pairs}), lanes (tag, isolation, place, tenant) AS (
            SELECT tag, isolation, place, (
                SELECT MIN(tenant_id) FROM jobs
                WHERE jobs.state = 'queued' AND jobs.tag = pairs.tag
                    AND jobs.isolation = pairs.isolation AND jobs.tenant_id > pairs.after
            )
            FROM pairs
            UNION ALL
            SELECT tag, isolation, place, (
                SELECT MIN(tenant_id) FROM jobs
                WHERE jobs.state = 'queued' AND jobs.tag = lanes.tag
                    AND jobs.isolation = lanes.isolation AND jobs.tenant_id > lanes.tenant
            )
            FROM lanes WHERE lanes.tenant IS NOT NULL
        )
        SELECT lanes.place, lanes.tag, lanes.isolation, lanes.tenant, ready_lanes.weight
        FROM lanes
        LEFT JOIN ready_lanes
            ON ready_lanes.tenant_id = lanes.tenant AND ready_lanes.tag = lanes.tag
        WHERE lanes.tenant IS NOT NULL AND ready_lanes.paused_at IS NULL
            AND NOT EXISTS ({_PAUSED} lanes.tag)
        LIMIT :limit
    """  # noqa: S608 - constants
    for dialect, pairs in _PAIRS.items()
}
# Lanes and, where there is a single one and no tag has a strategy, its first jobs: one round trip
# for what most claims are. A row of a lane has no specification; one that has no lane either says
# that there are strategies.
_SOLE_PARTS: Final = f"""
    found AS MATERIALIZED ({_LANES["postgres"]}),
    chosen AS MATERIALIZED (SELECT 1 FROM tag_strategies WHERE tenant_id = :tenant_id LIMIT 1),
    sole AS MATERIALIZED (
        SELECT MIN(tag) AS tag, MIN(isolation) AS isolation, MIN(tenant) AS tenant FROM found
        HAVING COUNT(DISTINCT (tag, isolation, tenant)) = 1
            AND NOT EXISTS (SELECT 1 FROM chosen)
    ),
    ready AS MATERIALIZED (
        SELECT ctid AS ready_row FROM jobs
        WHERE state = 'queued' AND tag = (SELECT tag FROM sole)
            AND isolation = (SELECT isolation FROM sole)
            AND tenant_id = (SELECT tenant FROM sole)
        ORDER BY order_key, position LIMIT :slots FOR UPDATE SKIP LOCKED
    ),
    leased AS (
        UPDATE jobs {LEASE} FROM ready WHERE jobs.ctid = ready_row RETURNING {CLAIMED}
    )
"""  # noqa: S608 - constants
_SOLE_ROWS: Final = """
    SELECT * FROM leased
    UNION ALL
    SELECT NULL, NULL, NULL, tenant, isolation, NULL, NULL, NULL, tag, NULL, NULL, NULL, NULL
    FROM found
    UNION ALL
    SELECT NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, '', NULL, NULL, NULL, NULL FROM chosen
"""
SOLE: Final = (_SOLE_PARTS, _SOLE_ROWS)
_SOLE: Final = f"WITH {_SOLE_PARTS} {_SOLE_ROWS}"
_WIDTH: Final = 13
_OWN_LANES: Final = {
    dialect: f"""
        WITH pairs AS ({pairs})
        SELECT pairs.tag, pairs.isolation, pairs.after, ready_lanes.weight
        FROM pairs
        LEFT JOIN ready_lanes
            ON ready_lanes.tenant_id = pairs.after AND ready_lanes.tag = pairs.tag
        WHERE EXISTS (
            SELECT 1 FROM jobs
            WHERE jobs.state = 'queued' AND jobs.tag = pairs.tag
                AND jobs.isolation = pairs.isolation AND jobs.tenant_id = pairs.after
        )
            AND ready_lanes.paused_at IS NULL AND NOT EXISTS ({_PAUSED} pairs.tag)
        ORDER BY pairs.place LIMIT :limit
    """  # noqa: S608 - constants
    for dialect, pairs in _PAIRS.items()
}


class ClaimingRepository:
    """Ready jobs of all tenants, as the plain way of claiming needs them."""

    def __init__(self) -> None:
        self._specs = SpecRepository()

    def lanes(self, tx: Tx, pairs: Sequence[tuple[str, str]], ring: Ring) -> dict[Lane, int]:
        """Return lanes of `pairs` (tag, isolation) that hold ready jobs, and their weights.

        The lanes of a pair begin after the tenant that was served last, and go round.
        """
        starts = _starts(pairs, ring)
        limit = lanes_per_look_max * len(starts)
        rows = tx.all(_LANES[tx.dialect], pairs=_json(starts), limit=limit)
        found: dict[Lane, int] = {}
        for _, *lane, weight in sorted(rows, key=_start):
            found.setdefault((lane[0], lane[1], lane[2]), int(weight or 1))
        return found

    def own_lanes(self, tx: Tx, demand: Demand) -> dict[Lane, int]:
        """Return the lanes of the demand's own tenants that hold ready jobs, and their weights."""
        lanes = [(*pair, tenant) for pair in demand.pairs for tenant in demand.tenants or ()]
        rows = tx.all(_OWN_LANES[tx.dialect], pairs=_json(lanes), limit=len(lanes))
        return {(row[0], row[1], row[2]): int(row[3] or 1) for row in rows}

    def claim(
        self, tx: Tx, lane: Lane, demand: Demand, limit: int, passed_by: Collection[str] = ()
    ) -> list[Claimed]:
        """Lease up to `limit` ready jobs of `lane`, in their order, none of `passed_by` functions.

        Those are read all the same, in the order of the index, until there are enough others.
        """
        tag, isolation, tenant = lane
        given: dict[str, Value] = {
            "tag": tag,
            "isolation": isolation,
            "tenant": tenant,
            "limit": limit,
        }
        first, claim = _FIRST, _CLAIM
        if passed_by and isolation_of(isolation) == FUNCTION:
            given["passed_by"] = _json(sorted(passed_by))
            first, claim = _FIRST_PASSING_BY, _CLAIM_PASSING_BY
        if tx.dialect == "sqlite":
            return self._claim_first(tx, demand, tx.all(first, **given))
        rows = tx.all(claim, worker=demand.worker_id, generation=demand.generation, **given)
        return self._claimed(tx, rows)

    def claim_sole(self, tx: Tx, demand: Demand, ring: Ring) -> tuple[list[Claimed], int]:
        """Lease ready jobs if they are all of one lane and no tag has a strategy. On PostgreSQL.

        Return them, and how many lanes and strategies there are to look at.
        """
        return self.as_sole(tx, tx.all_alone(_SOLE, **wish_of(demand, ring)))

    def as_sole(self, tx: Tx, rows: Sequence[Row]) -> tuple[list[Claimed], int]:
        """Return what `SOLE` has found; see `claim_sole`."""
        # A row of nulls is none.
        others = {(row[8], row[4], row[3]) for row in rows if row[2] is None and row[8] is not None}
        return self._claimed(tx, [row for row in rows if row[2] is not None]), len(others)

    def _claimed(self, tx: Tx, rows: Sequence[Row]) -> list[Claimed]:
        specs = self._specs.all(tx, {row[2] for row in rows})
        # No database promises the order of RETURNING.
        return [Claimed(specs[row[2]], *row[3:_WIDTH]) for row in sorted(rows, key=_place)]

    def _claim_first(self, tx: Tx, demand: Demand, rows: Sequence[Row]) -> list[Claimed]:
        for portion in in_portions(rows):
            sql, names = _lease(size_for(len(portion)))
            places = [row[-1] for row in portion]
            padding = [None] * (len(names) - 2 - len(places))
            tx.execute_row(sql, names, (demand.worker_id, demand.generation, *places, *padding))
        specs = self._specs.all(tx, {row[0] for row in rows})
        return [Claimed(specs[row[0]], *row[1:]) for row in rows]


def wish_of(demand: Demand, ring: Ring) -> dict[str, Value]:
    """Return the values of `SOLE`."""
    starts = _starts(demand.pairs, ring)
    return {
        "pairs": _json(starts),
        "limit": lanes_per_look_max * len(starts),
        "slots": demand.slots,
        "worker": demand.worker_id,
        "generation": demand.generation,
    }


def _starts(pairs: Iterable[tuple[str, str]], ring: Ring) -> list[tuple[str, str, str]]:
    starts = []
    for pair in pairs:
        after = ring.position(*pair)
        starts += [(*pair, start) for start in ((after, "") if after else ("",))]
    return starts


def _start(row: Row) -> tuple[int, str]:
    return row[0], row[3]


def _place(row: Row) -> tuple[int, int]:
    return row[0], row[1]


def _json(value: object) -> str:
    return msgspec.json.encode(value).decode()
