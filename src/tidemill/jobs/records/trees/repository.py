"""The SQL of trees of jobs."""

from __future__ import annotations

from typing import Final

from tidemill.core.ports import Tx, Value
from tidemill.jobs.queueing.queue.models import Job
from tidemill.jobs.queueing.queue.repository import as_job, columns
from tidemill.jobs.records.trees.models import Node

_LIVE: Final = f"""
    SELECT {columns("jobs", bodies=False)} FROM jobs CROSS JOIN job_specs
    WHERE job_specs.id = jobs.spec_id AND jobs.tenant_id = :tenant_id
        AND jobs.root_id = :root_id AND jobs.id > :after
    ORDER BY jobs.id LIMIT :limit
"""  # noqa: S608 - constant names of columns
_PAST: Final = f"""
    SELECT {columns("job_history", bodies=False)} FROM job_history CROSS JOIN job_specs
    WHERE job_specs.id = job_history.spec_id AND job_history.tenant_id = :tenant_id
        AND job_history.root_id = :root_id AND job_history.id > :after
    ORDER BY job_history.id LIMIT :limit
"""  # noqa: S608 - constant names of columns
_NODES: Final = """
    SELECT id, parent_id, 1 AS live FROM jobs
    WHERE tenant_id = :tenant_id AND root_id = :root_id AND id > :after
    UNION ALL
    SELECT id, parent_id, 0 FROM job_history
    WHERE tenant_id = :tenant_id AND root_id = :root_id AND id > :after
    ORDER BY id LIMIT :limit
"""
_STATES: Final = """
    SELECT state, spec_id, COUNT(*) FROM (
        SELECT state, spec_id FROM jobs WHERE tenant_id = :tenant_id AND root_id = :root_id
        UNION ALL
        SELECT state, spec_id FROM job_history WHERE tenant_id = :tenant_id AND root_id = :root_id
    ) AS states
    GROUP BY state, spec_id ORDER BY state, spec_id
"""


class TreeRepository:
    """Trees of one tenant."""

    def page(self, tx: Tx, root_id: str, *, after: str, limit: int) -> list[Job]:
        """Return jobs below a root, in the order in which they were made."""
        values: dict[str, Value] = {"root_id": root_id, "after": after, "limit": limit}
        rows = [*tx.all(_LIVE, **values), *tx.all(_PAST, **values)]
        return sorted((as_job(row) for row in rows), key=lambda job: job.id)[:limit]

    def nodes(self, tx: Tx, root_id: str, *, after: str, limit: int) -> list[Node]:
        """Return the places of jobs below a root, in the order in which they were made."""
        rows = tx.all(_NODES, root_id=root_id, after=after, limit=limit)
        return [Node(row[0], row[1], bool(row[2])) for row in rows]

    def states(self, tx: Tx, root_id: str) -> list[tuple[str, int, int]]:
        """Return states and specifications of jobs below a root, and how many have both."""
        return [(row[0], row[1], row[2]) for row in tx.all(_STATES, root_id=root_id)]
