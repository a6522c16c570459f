"""The SQL of exports: whole jobs, oldest first, and how much they hold."""

from __future__ import annotations

from typing import Final

from tidemill.core.ports import Tx
from tidemill.jobs.queueing.queue.models import Job, day_of
from tidemill.jobs.queueing.queue.repository import as_job, columns

_BODIES: Final = {
    "jobs": ("jobs.args", "jobs.error", "job_specs.content"),
    "job_history": (
        "job_history.args", "job_history.result", "job_history.error", "job_specs.content",
    ),
}  # fmt: skip
# PostgreSQL knows it without unpacking them, and SQLite has read them by then.
_BYTES: Final = {"sqlite": "LENGTH(CAST({} AS BLOB))", "postgres": "OCTET_LENGTH({})"}
_FROM: Final = {
    "jobs": """
        FROM jobs CROSS JOIN job_specs
        WHERE job_specs.id = jobs.spec_id AND jobs.tenant_id = :tenant_id AND jobs.id > :after
    """,
    "job_history": """
        FROM job_history CROSS JOIN job_specs
        WHERE job_specs.id = job_history.spec_id AND job_history.tenant_id = :tenant_id
            AND job_history.day >= :day AND job_history.id > :after
    """,
}
_ORDER: Final = {"jobs": "jobs.id", "job_history": "job_history.day, job_history.id"}


def _sizes(table: str, dialect: str) -> str:
    size = " + ".join(f"COALESCE({_BYTES[dialect].format(name)}, 0)" for name in _BODIES[table])
    return f"SELECT {table}.id, {size} {_FROM[table]} ORDER BY {_ORDER[table]} LIMIT :limit"


def _whole(table: str) -> str:
    wanted = f"{_FROM[table]} AND {table}.id <= :last ORDER BY {_ORDER[table]} LIMIT :limit"
    return f"SELECT {columns(table)} {wanted}"


_SIZES: Final = {table: {name: _sizes(table, name) for name in _BYTES} for table in _FROM}
_WHOLE: Final = {table: _whole(table) for table in _FROM}
TABLES: Final = ("jobs", "job_history")
"""Where the jobs are that have not ended, and those that have."""


class TransferRepository:
    """Jobs of one tenant, with code, arguments and results; `table` is one of `TABLES`."""

    def sizes(self, tx: Tx, table: str, *, after: str, limit: int) -> list[tuple[str, int]]:
        """Return ids of jobs made after the one with the id `after`, and how many bytes they hold.

        Counted is what can be long.
        """
        rows = tx.all(_SIZES[table][tx.dialect], **_after(table, after), limit=limit)
        return [(str(row[0]), int(row[1])) for row in rows]

    def whole(self, tx: Tx, table: str, *, after: str, last: str, limit: int) -> list[Job]:
        """Return jobs made after the one with the id `after`, up to the one with the id `last`."""
        rows = tx.all(_WHOLE[table], **_after(table, after), last=last, limit=limit)
        return [as_job(row) for row in rows]


def _after(table: str, after: str) -> dict[str, str | int]:
    if table == "jobs":
        return {"after": after}
    return {"after": after, "day": day_of(after) if after else 0}
