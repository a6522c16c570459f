"""The SQL of ready jobs that are looked at before they are claimed."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

import msgspec

from tidemill.core.ids import INSTALLATION
from tidemill.core.ports import Tx
from tidemill.jobs.dispatching.dispatcher.models import Demand
from tidemill.jobs.dispatching.dispatcher.repository import CLAIMED, LEASE, NAMED
from tidemill.jobs.queueing.queue.claims import Claimed
from tidemill.jobs.queueing.specs.models import Spec
from tidemill.jobs.queueing.specs.repository import SpecRepository

tenants_per_look_max: Final = 1_000
_TENANTS: Final = """
    WITH RECURSIVE lanes (tenant, place) AS (
        SELECT (
            SELECT MIN(tenant_id) FROM jobs
            WHERE jobs.state = 'queued' AND jobs.tag = :tag AND jobs.isolation = :isolation
        ), 1
        UNION ALL
        SELECT (
            SELECT MIN(tenant_id) FROM jobs
            WHERE jobs.state = 'queued' AND jobs.tag = :tag AND jobs.isolation = :isolation
                AND jobs.tenant_id > lanes.tenant
        ), place + 1
        FROM lanes WHERE lanes.tenant IS NOT NULL AND place < :tenants_max
    )
    SELECT lanes.tenant, ready_lanes.weight
    FROM lanes
    LEFT JOIN ready_lanes
        ON ready_lanes.tenant_id = lanes.tenant AND ready_lanes.tag = :tag
    WHERE lanes.tenant IS NOT NULL AND ready_lanes.paused_at IS NULL
        AND NOT EXISTS (
            SELECT 1 FROM ready_lanes AS paused
            WHERE paused.tenant_id = :installation AND paused.tag = :tag
                AND paused.paused_at IS NOT NULL)
    ORDER BY lanes.tenant
"""
_READY: Final = """
    FROM jobs
    WHERE state = 'queued' AND tag = :tag AND isolation = :isolation AND tenant_id = named.tenant
        AND spec_id NOT IN ({stuck}) AND (affinity_key IS NULL OR affinity_key NOT IN ({waiting}))
    ORDER BY order_key, position LIMIT :each
"""
_COLUMNS: Final = """
    ready.tenant_id, ready.id, ready.position, ready.order_key, ready.due_at, ready.isolation,
    ready.spec_id, ready.affinity_key
"""
_READY_SQLITE: Final = _READY.format(
    stuck="SELECT value FROM json_each(:stuck)",
    waiting="""SELECT value ->> 1 FROM json_each(:waiting) WHERE value ->> 0 = named.tenant""",
)
_READY_POSTGRES: Final = _READY.format(
    stuck="""SELECT CAST(held AS BIGINT)
        FROM jsonb_array_elements_text(CAST(CAST(:stuck AS TEXT) AS jsonb)) AS held""",
    waiting="""SELECT held ->> 1
        FROM jsonb_array_elements(CAST(CAST(:waiting AS TEXT) AS jsonb)) AS held
        WHERE held ->> 0 = named.tenant""",
)
_CANDIDATES: Final = {
    "sqlite": f"""
        SELECT {_COLUMNS}
        FROM (SELECT value AS tenant FROM json_each(:tenants)) AS named
        CROSS JOIN jobs AS ready ON ready.position IN (SELECT position {_READY_SQLITE})
        ORDER BY ready.order_key, ready.position LIMIT :limit
    """,  # noqa: S608 - constants
    "postgres": f"""
        SELECT {_COLUMNS}
        FROM jsonb_array_elements_text(CAST(CAST(:tenants AS TEXT) AS jsonb)) AS named (tenant)
        CROSS JOIN LATERAL (SELECT * {_READY_POSTGRES}) AS ready
        ORDER BY ready.order_key, ready.position LIMIT :limit
    """,  # noqa: S608 - constants
}
_CLAIM: Final = {
    "sqlite": f"""
        UPDATE jobs {LEASE} WHERE state = 'queued' AND {NAMED["sqlite"]} RETURNING {CLAIMED}
    """,
    "postgres": f"""
        WITH ready AS MATERIALIZED (
            SELECT tenant_id AS ready_tenant, id AS ready_id FROM jobs
            WHERE state = 'queued' AND {NAMED["postgres"]} FOR UPDATE SKIP LOCKED
        )
        UPDATE jobs {LEASE}
        FROM ready WHERE jobs.tenant_id = ready_tenant AND jobs.id = ready_id
        RETURNING {CLAIMED}
    """,  # noqa: S608 - constants
}


class ChoosingRepository:
    """Ready jobs of all tenants under one tag, as strategies look at them."""

    def __init__(self) -> None:
        self._specs = SpecRepository()

    def tenants(self, tx: Tx, tag: str, isolation: str) -> dict[str, int]:
        """Return the tenants with ready jobs that are not paused, and their weights."""
        rows = tx.all(
            _TENANTS,
            tag=tag,
            isolation=isolation,
            tenants_max=tenants_per_look_max,
            installation=INSTALLATION,
        )
        return {row[0]: int(row[1] or 1) for row in rows}

    def candidates(
        self,
        tx: Tx,
        lane: tuple[str, str],
        tenants: Iterable[str],
        passed: tuple[Iterable[int], Iterable[tuple[str, str]]],
        bounds: tuple[int, int],
    ) -> Sequence[Sequence[Any]]:
        """Return the first ready jobs of `tenants` in `lane` (tag, isolation), oldest first.

        `passed` are specifications and affinity keys (tenant, key) whose jobs are left out,
        `bounds` how many jobs of each tenant and of all are returned.
        """
        stuck, waiting = passed
        values: Mapping[str, Any] = {
            "tag": lane[0],
            "isolation": lane[1],
            "tenants": _json(sorted(tenants)),
            "stuck": _json(sorted(stuck)),
            "waiting": _json(sorted(waiting)),
            "each": bounds[0],
            "limit": bounds[1],
        }
        return tx.all(_CANDIDATES[tx.dialect], **values)

    def claim(self, tx: Tx, refs: Sequence[tuple[str, str]], demand: Demand) -> list[Claimed]:
        """Lease those of `refs` (tenant, id) that are still ready, in their order."""
        rows = tx.all(
            _CLAIM[tx.dialect],
            refs=_json(refs),
            worker=demand.worker_id,
            generation=demand.generation,
        )
        specs = self._specs.all(tx, {row[2] for row in rows})
        return [Claimed(specs[row[2]], *row[3:]) for row in sorted(rows, key=_place)]

    def specs(self, tx: Tx, ids: Iterable[int]) -> Mapping[int, Spec]:
        """Return what candidates have in common with others, by its id."""
        return self._specs.all(tx, ids)


def _place(row: Sequence[Any]) -> tuple[int, int]:
    return row[0], row[1]


def _json(value: object) -> str:
    return msgspec.json.encode(value).decode()
