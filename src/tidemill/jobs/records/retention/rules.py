"""The SQL of retention rules, and of what they delete."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from tidemill.core.clock import MICROSECONDS_PER_DAY
from tidemill.core.ports import Tx, Value
from tidemill.jobs.queueing.queue.models import day_of
from tidemill.jobs.records.retention.models import RetentionRule
from tidemill.jobs.records.search.models import JobFilter

_COLUMNS: Final = "name, path, label, keep_days, updated_at, updated_by"
_LIST: Final = f"""
    SELECT {_COLUMNS} FROM retention_rules
    WHERE tenant_id = :tenant_id AND name > :after ORDER BY name LIMIT :limit
"""  # noqa: S608 - constant names of columns
_ALL: Final = f"""
    SELECT tenant_id, {_COLUMNS} FROM retention_rules
    WHERE (tenant_id, name) > (:tenant, :after) ORDER BY tenant_id, name LIMIT :limit
"""  # noqa: S608 - constant names of columns
_PUT: Final = """
    INSERT INTO retention_rules (tenant_id, name, path, label, keep_days, created_at, created_by,
        updated_at, updated_by)
    VALUES (:tenant_id, :name, :path, :label, :keep_days, :now, :by, :now, :by)
    ON CONFLICT (tenant_id, name) DO UPDATE SET path = excluded.path, label = excluded.label,
        keep_days = excluded.keep_days, updated_at = excluded.updated_at,
        updated_by = excluded.updated_by
"""
_FIND: Final = f"""
    SELECT {_COLUMNS} FROM retention_rules WHERE tenant_id = :tenant_id AND name = :name
"""  # noqa: S608 - constant names of columns
_COUNT: Final = "SELECT COUNT(*) FROM retention_rules WHERE tenant_id = :tenant_id"
_REMOVE: Final = "DELETE FROM retention_rules WHERE tenant_id = :tenant_id AND name = :name"
_OLD: Final = "job_history.day <= :day AND job_history.finished_at < :before"
_OF_SPECS: Final = f"""
    FROM job_specs CROSS JOIN job_history
    WHERE job_history.spec_id = job_specs.id AND {_OLD}
        AND job_history.tenant_id = :tenant_id AND job_specs.tenant_id = :tenant_id
        AND {{fits}} LIMIT :limit
"""
_SOURCES: Final = {
    "script": _OF_SPECS.format(
        fits="job_specs.script_path >= :path_from AND job_specs.script_path < :path_before"
    ),
    "function": _OF_SPECS.format(
        fits="job_specs.language = 'function'"
        " AND job_specs.content >= :path_from AND job_specs.content < :path_before"
    ),
    "label": f"""
        FROM job_labels CROSS JOIN job_history
        WHERE job_history.tenant_id = :tenant_id AND job_history.day = job_labels.day
            AND job_history.id = job_labels.job_id AND {_OLD}
            AND job_labels.tenant_id = :tenant_id AND job_labels.label = :label
            AND job_labels.day <= :day LIMIT :limit
    """,
}
_FORGET: Final = """
    DELETE FROM job_history WHERE tenant_id = :tenant_id AND day = :day AND id = :job_id
"""
_FORGET_LABEL: Final = """
    DELETE FROM job_labels
    WHERE tenant_id = :tenant_id AND label = :label AND day = :day AND job_id = :job_id
"""


class RuleRepository:
    """Retention rules."""

    def page(self, tx: Tx, *, after: str, limit: int) -> list[RetentionRule]:
        """Return rules of the tenant, by name."""
        return [RetentionRule(*row) for row in tx.all(_LIST, after=after, limit=limit)]

    def of_everybody(
        self, tx: Tx, *, tenant: str, after: str, limit: int
    ) -> list[tuple[str, RetentionRule]]:
        """Return tenants and their rules, those after (tenant, name); for the installation."""
        rows = tx.all(_ALL, tenant=tenant, after=after, limit=limit)
        return [(row[0], RetentionRule(*row[1:])) for row in rows]

    def find(self, tx: Tx, name: str) -> RetentionRule | None:
        """Return a rule."""
        row = tx.one(_FIND, name=name)
        return RetentionRule(*row) if row else None

    def count(self, tx: Tx) -> int:
        """Return how many rules the tenant has."""
        row = tx.one(_COUNT)
        return int(row[0]) if row else 0

    def put(self, tx: Tx, rule: RetentionRule, by: str) -> None:
        """Keep a rule under its name."""
        tx.execute(
            _PUT,
            name=rule.name,
            path=rule.path,
            label=rule.label,
            keep_days=rule.keep_days,
            by=by,
        )

    def remove(self, tx: Tx, name: str) -> bool:
        """Delete a rule; return whether there was one."""
        return bool(tx.execute(_REMOVE, name=name))

    def outlived(self, tx: Tx, rule: RetentionRule, *, limit: int) -> list[str]:
        """Return the ids of some jobs of the tenant that a rule keeps no longer."""
        before = tx.now - rule.keep_days * MICROSECONDS_PER_DAY
        values: dict[str, Value] = {"before": before, "day": before // MICROSECONDS_PER_DAY}
        span = JobFilter(path=rule.path).path_range
        if span is not None:
            values["path_from"], values["path_before"] = span
        names = ("label",) if span is None else ("script", "function")
        found: list[str] = []
        for name in names:
            sql = f"SELECT job_history.id {_SOURCES[name]}"
            rows = tx.all(sql, limit=limit, label=rule.label, **values)
            found += [row[0] for row in rows]
        return found

    def forget(self, tx: Tx, rule: RetentionRule, ids: Sequence[str]) -> None:
        """Delete jobs of the tenant that a rule keeps no longer."""
        rows: list[dict[str, Value]] = [{"day": day_of(id_), "job_id": id_} for id_ in sorted(ids)]
        tx.execute_many(_FORGET, rows)
        if rule.label is not None:
            tx.execute_many(_FORGET_LABEL, [{**row, "label": rule.label} for row in rows])
