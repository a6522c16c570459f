"""The SQL of schedules and of what they run after."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, Final

import msgspec
from msgspec import structs

from tidemill.core.clock import Instant
from tidemill.core.ports import Tx, Value
from tidemill.jobs.scheduling.schedules.models import (
    Definition,
    Owner,
    Schedule,
    Sought,
    to_json,
)

_NAMES: Final = (
    "id", "path", "definition", "owner", "anchor_at", "next_at", "wake_at", "disabled_at",
    "paused_at", "paused_until", "failures", "version", "created_at", "created_by", "updated_at",
    "updated_by",
)  # fmt: skip
_COLUMNS: Final = ", ".join(f"schedules.{name}" for name in _NAMES)
_STORED: Final = (*_NAMES, "calendar")
_INSERT: Final = f"""
    INSERT INTO schedules (tenant_id, {", ".join(_STORED)})
    VALUES (:tenant_id, {", ".join(f":{name}" for name in _STORED)})
    ON CONFLICT (tenant_id, path) DO NOTHING
"""  # noqa: S608 - constant names of columns
_UPDATE: Final = f"""
    UPDATE schedules SET {", ".join(f"{name} = :{name}" for name in _STORED if name != "id")}
    WHERE tenant_id = :tenant_id AND id = :id
"""  # noqa: S608 - constant names of columns
_SELECT: Final = f"""
    SELECT {_COLUMNS} FROM schedules WHERE tenant_id = :tenant_id
"""  # noqa: S608 - constant names of columns
_FIND: Final = f"{_SELECT} AND (id = :reference OR path = :reference)"
_LIST: Final = f"{_SELECT} AND path > :after"
_SOUGHT: Final = {
    dialect: {
        "path": "path = :path",
        "script_path": f"{definition} ->> 'script_path' = :script_path",
        "owner_id": f"{owner} ->> 'user_id' = :owner_id",
        "updated_since": "updated_at >= :updated_since",
    }
    for dialect, (definition, owner) in {
        "sqlite": ("definition", "owner"),
        "postgres": ("CAST(definition AS jsonb)", "CAST(owner AS jsonb)"),
    }.items()
}
_BY_CALENDAR: Final = f"{_SELECT} AND calendar = :calendar ORDER BY path LIMIT :limit"
_REFERRING: Final = """
    SELECT path FROM schedules
    WHERE tenant_id = :tenant_id AND REPLACE(definition, :quoted, '') <> definition
    ORDER BY path LIMIT :limit
"""
_DELETE: Final = "DELETE FROM schedules WHERE tenant_id = :tenant_id AND id = :id"
_COUNT: Final = """
    SELECT COUNT(*) FROM (
        SELECT 1 FROM schedules WHERE tenant_id = :tenant_id LIMIT :limit
    ) AS known
"""
_FORGET_DEPENDENCIES: Final = """
    DELETE FROM schedule_dependencies WHERE tenant_id = :tenant_id AND schedule_id = :id
"""
_ADD_DEPENDENCY: Final = """
    INSERT INTO schedule_dependencies (tenant_id, schedule_id, dependency_id, position)
    VALUES (:tenant_id, :schedule_id, :dependency_id, :position)
"""
_DEPENDENCIES: Final = f"""
    SELECT {_COLUMNS} FROM schedule_dependencies AS edge
    JOIN schedules ON schedules.tenant_id = edge.tenant_id AND schedules.id = edge.dependency_id
    WHERE edge.tenant_id = :tenant_id AND edge.schedule_id = :id
    ORDER BY edge.position
"""  # noqa: S608 - constant names of columns
_DEPENDENTS: Final = f"""
    SELECT {_COLUMNS} FROM schedule_dependencies AS edge
    JOIN schedules ON schedules.tenant_id = edge.tenant_id AND schedules.id = edge.schedule_id
    WHERE edge.tenant_id = :tenant_id AND edge.dependency_id = :id
    ORDER BY schedules.path LIMIT :limit
"""  # noqa: S608 - constant names of columns
_EDGES: Final = """
    SELECT waiting.path, awaited.path FROM schedule_dependencies AS edge
    JOIN schedules AS waiting
        ON waiting.tenant_id = edge.tenant_id AND waiting.id = edge.schedule_id
    JOIN schedules AS awaited
        ON awaited.tenant_id = edge.tenant_id AND awaited.id = edge.dependency_id
    WHERE edge.tenant_id = :tenant_id
    ORDER BY waiting.path, edge.position
"""
# Two that tie schedules at once would each see no cycle that they close together.
_ALONE: Final = """
    SELECT pg_advisory_xact_lock(hashtextextended('schedule-dependencies:' || :tenant_id, 0))
"""
_WAKE: Final = """
    UPDATE schedules SET wake_at = :now
    WHERE tenant_id = :tenant_id AND id = :id AND (wake_at IS NULL OR wake_at > :now)
"""
_COUNT_FAILURES: Final = """
    UPDATE schedules SET failures = :failures WHERE tenant_id = :tenant_id AND id = :id
"""
_AWAKE: Final = """
    SELECT tenant_id, id, wake_at FROM schedules WHERE wake_at IS NOT NULL
    ORDER BY wake_at LIMIT :limit
"""
_NEXT_WAKE: Final = "SELECT MIN(wake_at) FROM schedules WHERE wake_at > :now"
dependents_max: Final = 1_000
renewed_max: Final = 1_000_000
"""Schedules of one calendar whose due times are made anew: as many as a quota can allow."""


class ScheduleRepository:
    """Schedules of one tenant; `awake` looks over all tenants."""

    def add(self, tx: Tx, schedule: Schedule) -> bool:
        """Insert a schedule; return False when its path is taken."""
        return bool(tx.execute(_INSERT, **_row(schedule)))

    def save(self, tx: Tx, schedule: Schedule) -> None:
        """Write a schedule that this transaction has locked."""
        tx.execute(_UPDATE, **_row(schedule))

    def find(self, tx: Tx, reference: str, *, lock: bool = False) -> Schedule | None:
        """Return the schedule with this id or path."""
        suffix = " FOR UPDATE" if lock and tx.dialect == "postgres" else ""
        row = tx.one(_FIND + suffix, reference=reference)
        return _schedule(row) if row else None

    def page(self, tx: Tx, sought: Sought, *, after: str, limit: int) -> list[Schedule]:
        """Return schedules by path, after the path `after`."""
        wanted = {
            "path": sought.path,
            "script_path": sought.script_path,
            "owner_id": sought.owner_id,
            "updated_since": sought.updated_since,
        }
        values = {name: value for name, value in wanted.items() if value is not None}
        sql = _LIST + "".join(f" AND {_SOUGHT[tx.dialect][name]}" for name in values)
        rows = tx.all(f"{sql} ORDER BY path LIMIT :limit", after=after, limit=limit, **values)
        return [_schedule(row) for row in rows]

    def count(self, tx: Tx, limit: int) -> int:
        """Return how many schedules there are, `limit` at most."""
        row = tx.one(_COUNT, limit=limit)
        return int(row[0]) if row else 0

    def delete(self, tx: Tx, id_: str) -> None:
        """Remove a schedule."""
        tx.execute(_FORGET_DEPENDENCIES, id=id_)
        tx.execute(_DELETE, id=id_)

    def by_calendar(
        self, tx: Tx, calendar: str, limit: int, *, lock: bool = False
    ) -> list[Schedule]:
        """Return schedules that run by a calendar, by path."""
        suffix = " FOR UPDATE" if lock and tx.dialect == "postgres" else ""
        rows = tx.all(_BY_CALENDAR + suffix, calendar=calendar, limit=limit)
        return [_schedule(row) for row in rows]

    def set_dependencies(self, tx: Tx, id_: str, dependencies: Iterable[str]) -> None:
        """Write which schedules, by their ids, a schedule runs after."""
        tx.execute(_FORGET_DEPENDENCIES, id=id_)
        rows: list[dict[str, Value]] = [
            {"schedule_id": id_, "dependency_id": dependency, "position": position}
            for position, dependency in enumerate(dependencies)
        ]
        tx.execute_many(_ADD_DEPENDENCY, rows)

    def dependencies(self, tx: Tx, id_: str) -> list[Schedule]:
        """Return what a schedule runs after, in the order of its definition."""
        return [_schedule(row) for row in tx.all(_DEPENDENCIES, id=id_)]

    def dependents(self, tx: Tx, id_: str) -> list[Schedule]:
        """Return what runs after a schedule, by path."""
        return [_schedule(row) for row in tx.all(_DEPENDENTS, id=id_, limit=dependents_max)]

    def change_dependencies_alone(self, tx: Tx) -> None:
        """Wait until nobody else ties schedules of the tenant, and let nobody until the commit."""
        if tx.dialect == "postgres":
            tx.one(_ALONE)

    def edges(self, tx: Tx) -> dict[str, list[str]]:
        """Return for each path that waits which paths it waits for."""
        found: dict[str, list[str]] = {}
        for waiting, awaited in tx.all(_EDGES):
            found.setdefault(waiting, []).append(awaited)
        return found

    def wake(self, tx: Tx, ids: Iterable[str]) -> None:
        """Have schedules looked at now, and lock them in this order."""
        tx.execute_many(_WAKE, [{"id": id_} for id_ in ids])

    def count_failures(self, tx: Tx, id_: str, failures: int) -> None:
        """Write how many runs have failed since one succeeded."""
        tx.execute(_COUNT_FAILURES, id=id_, failures=failures)

    def referring(self, tx: Tx, target: str, limit: int) -> list[str]:
        """Return the paths of the first few schedules that name `target` in their arguments."""
        rows = tx.all(_REFERRING, quoted=f'"{target}"', limit=limit)
        return [row[0] for row in rows]

    def awake(self, tx: Tx, limit: int) -> tuple[Sequence[tuple[str, str]], Instant | None]:
        """Return schedules of any tenant to be looked at, and when the next one has to be."""
        first = tx.all(_AWAKE, limit=limit)
        due = [(row[0], row[1]) for row in first if row[2] <= tx.now]
        if len(due) < len(first):
            return due, Instant(first[len(due)][2])
        # All of these are due, or there are no others; only then is another statement needed.
        following = tx.one(_NEXT_WAKE) if len(due) == limit else None
        return due, following[0] if following else None


def _row(schedule: Schedule) -> dict[str, Value]:
    row: dict[str, Value] = {name: getattr(schedule, name) for name in _NAMES}
    return {
        **row,
        "definition": _stored(schedule.definition),
        "owner": to_json(schedule.owner),
        "calendar": schedule.definition.days.calendar,
    }


def _stored(definition: Definition) -> str:
    fields = structs.asdict(definition)
    if definition.priority is None:
        # An earlier release reads no null here; where it is left out, it takes the function's own.
        del fields["priority"]
    return to_json(fields)


def _schedule(row: Sequence[Any]) -> Schedule:
    values = dict(zip(_NAMES, row, strict=True))
    values["definition"] = msgspec.json.decode(values["definition"], type=Definition)
    values["owner"] = msgspec.json.decode(values["owner"], type=Owner)
    return Schedule(**values)
