"""The SQL of searches: the latest first, each page from an index."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import msgspec

from tidemill.core.ports import Tx, Value
from tidemill.jobs.contract import JobState
from tidemill.jobs.queueing.queue.models import Job, day_of
from tidemill.jobs.queueing.queue.repository import as_job, columns
from tidemill.jobs.records.search.models import JobFilter, id_floor

specs_apart_max: Final = 200
"""Up to how many specifications are looked through one by one: more of them have many jobs, which
are found soon among all of the tenant."""
_LIVE: Final = columns("jobs", bodies=False)
_PAST: Final = columns("job_history", bodies=False)
_IDS_ONLY: Final = ("jobs.id", "job_history.id")
_KINDS: Final = ("jobs.id, jobs.spec_id", "job_history.id, job_history.spec_id")
_IDS: Final = {
    "sqlite": "(SELECT value FROM json_each(:specs))",
    "postgres": """(SELECT CAST(one AS BIGINT)
        FROM jsonb_array_elements_text(CAST(CAST(:specs AS TEXT) AS jsonb)) AS one)""",
}
_ORDER: Final = "ORDER BY job_history.day DESC, job_history.id DESC LIMIT :limit"
# Few jobs have one work item, parent or root: an order that no index has keeps the planner from
# walking all jobs of the tenant in theirs.
_ORDER_FEW: Final = "ORDER BY job_history.id || '' DESC LIMIT :limit"
# The newest of each specification: an index holds them in this order.
_OF_EACH: Final = {
    "sqlite": """
        FROM json_each(:specs) AS fitting
        CROSS JOIN job_history ON job_history.rowid IN (
            SELECT job_history.rowid FROM job_history
            WHERE job_history.spec_id = fitting.value AND {clauses} {order})
        CROSS JOIN job_specs ON job_specs.id = job_history.spec_id
    """,
    "postgres": """
        FROM jsonb_array_elements_text(CAST(CAST(:specs AS TEXT) AS jsonb)) AS fitting
        CROSS JOIN LATERAL (
            SELECT * FROM job_history
            WHERE job_history.spec_id = CAST(fitting AS BIGINT) AND {clauses} {order}
        ) AS job_history
        CROSS JOIN job_specs
        WHERE job_specs.id = job_history.spec_id
    """,
}
_OF_LABEL: Final = """
    FROM job_labels CROSS JOIN job_history CROSS JOIN job_specs
    WHERE job_specs.id = job_history.spec_id
        AND job_history.day = job_labels.day AND job_history.id = job_labels.job_id
        AND job_labels.tenant_id = :tenant_id AND job_labels.label = :label
        AND job_labels.day <= :day AND job_labels.job_id < :before AND {clauses}
    ORDER BY job_labels.day DESC, job_labels.job_id DESC LIMIT :limit
"""
_OF_TENANT: Final = """
    FROM job_history CROSS JOIN job_specs
    WHERE job_specs.id = job_history.spec_id AND {clauses} {order}
"""
_HAS_LABEL: Final = """EXISTS (
    SELECT 1 FROM job_labels WHERE job_labels.tenant_id = :tenant_id
        AND job_labels.label = :label AND job_labels.job_id = {table}.id{day})"""
_DAY_OF_PAST: Final = " AND job_labels.day = job_history.day"
# The id was made in the same moment, which midnight may have divided.
_DAY: Final = "jobs.created_at / 86400000000"
_DAY_OF_LIVE: Final = f" AND job_labels.day IN ({_DAY} - 1, {_DAY}, {_DAY} + 1)"
_NOT_RETRIED: Final = """NOT EXISTS (
    SELECT 1 FROM job_origins WHERE job_origins.tenant_id = :tenant_id
        AND job_origins.origin_id = job_history.id AND job_origins.kind = 'retry')"""
_IN_PATH: Final = "job_specs.{column} >= :path_from AND job_specs.{column} < :path_before"
_FUNCTION: Final = "job_specs.language = 'function'"


class SearchRepository:
    """Searches one tenant's jobs."""

    def page(self, tx: Tx, wanted: JobFilter, *, before: str, limit: int) -> list[Job]:
        """Return jobs made before the one with the id `before`, without code and result."""
        rows = self._rows(tx, wanted, (_LIVE, _PAST), before=before, limit=limit)
        jobs = sorted((as_job(row) for row in rows), key=lambda job: job.id, reverse=True)
        return jobs[:limit]

    def ids(self, tx: Tx, wanted: JobFilter, *, before: str, limit: int) -> list[str]:
        """Return the ids of jobs made before the one with the id `before`, the latest first."""
        rows = self._rows(tx, wanted, _IDS_ONLY, before=before, limit=limit)
        return sorted((row[0] for row in rows), reverse=True)[:limit]

    def kinds(self, tx: Tx, wanted: JobFilter, *, before: str, limit: int) -> list[tuple[str, int]]:
        """Return the same ids, each with the specification of its job."""
        rows = self._rows(tx, wanted, _KINDS, before=before, limit=limit)
        return sorted(((row[0], row[1]) for row in rows), reverse=True)[:limit]

    def _rows(
        self, tx: Tx, wanted: JobFilter, select: tuple[str, str], *, before: str, limit: int
    ) -> list[Sequence[Any]]:
        specs = self._specs(tx, wanted)
        if specs == []:
            return []
        rows: list[Sequence[Any]] = []
        if wanted.until is not None:
            before = min(before, id_floor(wanted.until))
        if wanted.live:
            source, values = self._live(tx, wanted, specs)
            sql = f"SELECT {select[0]} {source}"
            rows.extend(tx.all(sql, before=before, limit=limit, **values))
        for state in wanted.past_states:
            source, values = self._past(tx, wanted, state, specs)
            sql = f"SELECT {select[1]} {source}"
            rows.extend(tx.all(sql, before=before, day=day_of(before), limit=limit, **values))
        return rows

    def _specs(self, tx: Tx, wanted: JobFilter) -> list[int] | None:
        """Return the specifications that fit; None when all do, or too many to look at each."""
        if not wanted.common and wanted.path is None:
            return None
        common = [f"job_specs.{name} = :{name}" for name in wanted.common]
        ways: list[list[str]] = [common]
        if wanted.path is not None:
            ways = [
                [*common, _IN_PATH.format(column="script_path")],
                [*common, _FUNCTION, _IN_PATH.format(column="content")],
            ]
        union = " UNION ".join(
            f"SELECT id FROM job_specs WHERE tenant_id = :tenant_id AND {' AND '.join(way)}"  # noqa: S608 - constants
            for way in ways
        )
        sql = f"SELECT id FROM ({union}) AS fitting LIMIT :limit"  # noqa: S608 - constants
        rows = tx.all(sql, limit=specs_apart_max + 1, **_values(wanted))
        return None if len(rows) > specs_apart_max else [row[0] for row in rows]

    def _live(
        self, tx: Tx, wanted: JobFilter, specs: list[int] | None
    ) -> tuple[str, dict[str, Value]]:
        id_ = "jobs.id || ''" if wanted.own else "jobs.id"
        clauses = ["jobs.tenant_id = :tenant_id", f"{id_} < :before", *_own(wanted, "jobs")]
        if wanted.label is not None:
            clauses.append(_HAS_LABEL.format(table="jobs", day=_DAY_OF_LIVE))
        if wanted.state is not None:
            clauses.append("jobs.state = :state")
        if wanted.state in {JobState.LEASED, JobState.RUNNING}:
            clauses.append("jobs.worker_id IS NOT NULL")
        values = _values(wanted)
        clauses += _spec_clauses(tx, wanted, specs, values, "jobs")
        source = f"""
            FROM jobs CROSS JOIN job_specs
            WHERE job_specs.id = jobs.spec_id AND {" AND ".join(clauses)}
            ORDER BY {id_} DESC LIMIT :limit
        """
        return source, values

    def _past(
        self, tx: Tx, wanted: JobFilter, state: JobState | None, specs: list[int] | None
    ) -> tuple[str, dict[str, Value]]:
        clauses = [
            "job_history.tenant_id = :tenant_id",
            "job_history.day <= :day",
            "job_history.id < :before",
            *_own(wanted, "job_history"),
        ]
        if wanted.since is not None:
            clauses.append("job_history.day >= :since_day")
        values = _values(wanted)
        if state is not None:
            clauses.append("job_history.state = :state")
            values["state"] = str(state)
        if state not in {None, JobState.SUCCEEDED}:
            # In these words, so that both databases see that a partial index has them all.
            clauses.append("job_history.state <> 'succeeded'")
        if wanted.not_retried:
            clauses.append(_NOT_RETRIED)
        by_label = wanted.label is not None and specs is None and not wanted.own
        if wanted.label is not None and not by_label:
            clauses.append(_HAS_LABEL.format(table="job_history", day=_DAY_OF_PAST))
        if specs is not None and not wanted.own:
            values["specs"] = msgspec.json.encode(specs).decode()
            # The tenant follows from its specifications; named here, it would draw the planner to
            # indexes of the tenant's.
            source = _OF_EACH[tx.dialect].format(clauses=" AND ".join(clauses[1:]), order=_ORDER)
            source += _ORDER
        else:
            clauses += _spec_clauses(tx, wanted, specs, values, "job_history")
            source = _OF_LABEL if by_label else _OF_TENANT
            order = _ORDER_FEW if wanted.own else _ORDER
            source = source.format(clauses=" AND ".join(clauses), order=order)
        return source, values


def _own(wanted: JobFilter, table: str) -> list[str]:
    clauses = [f"{table}.{name} = :{name}" for name in wanted.own]
    if wanted.since is not None:
        clauses.append(f"{table}.id >= :since")
    return clauses


def _spec_clauses(
    tx: Tx, wanted: JobFilter, specs: list[int] | None, values: dict[str, Value], table: str
) -> list[str]:
    """Return what is asked of the specifications of rows that are found otherwise."""
    if specs is not None:
        values["specs"] = msgspec.json.encode(specs).decode()
        return [f"{table}.spec_id IN {_IDS[tx.dialect]}"]
    clauses = [f"job_specs.{name} = :{name}" for name in wanted.common]
    if wanted.path is not None:
        script = _IN_PATH.format(column="script_path")
        function = f"{_FUNCTION} AND {_IN_PATH.format(column='content')}"
        clauses.append(f"({script} OR {function})")
    return clauses


def _values(wanted: JobFilter) -> dict[str, Value]:
    """Return the values of the parameters; a transaction ignores those that a query has not."""
    values: dict[str, Value] = {**wanted.common, **wanted.own}
    if wanted.state is not None:
        values["state"] = str(wanted.state)
    if wanted.label is not None:
        values["label"] = wanted.label
    if wanted.path_range is not None:
        values["path_from"], values["path_before"] = wanted.path_range
    if wanted.since is not None:
        values["since"] = id_floor(wanted.since)
        values["since_day"] = day_of(id_floor(wanted.since))
    return values
