"""The SQL of calendars."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import msgspec

from tidemill.core.ports import Tx
from tidemill.jobs.scheduling.calendars.models import BUILT_IN, Calendar, CalendarRule

_COLUMNS: Final = "name, rule, version, created_at, created_by, updated_at, updated_by"
_SELECT: Final = f"""
    SELECT {_COLUMNS} FROM calendars WHERE tenant_id = :tenant_id
"""  # noqa: S608 - constant names of columns
_PAGE: Final = f"{_SELECT} AND name > :after ORDER BY name LIMIT :limit"
_PUT: Final = """
    INSERT INTO calendars (tenant_id, name, rule, version, created_at, created_by, updated_at,
        updated_by)
    VALUES (:tenant_id, :name, :rule, 1, :now, :by, :now, :by)
    ON CONFLICT (tenant_id, name) DO UPDATE
    SET rule = excluded.rule, version = calendars.version + 1, updated_at = excluded.updated_at,
        updated_by = excluded.updated_by
"""
_DELETE: Final = "DELETE FROM calendars WHERE tenant_id = :tenant_id AND name = :name"
calendars_max: Final = 500


class CalendarRepository:
    """Calendars of one tenant."""

    def find(self, tx: Tx, name: str, *, lock: str = "") -> Calendar | None:
        """Return the tenant's own calendar of this name.

        With a `lock` of PostgreSQL, SHARE or UPDATE, it stays as it is until the commit.
        """
        suffix = f" FOR {lock}" if lock and tx.dialect == "postgres" else ""
        row = tx.one(f"{_SELECT} AND name = :name{suffix}", name=name)
        return _calendar(row) if row else None

    def rule(self, tx: Tx, name: str) -> CalendarRule | None:
        """Return the days of a calendar, built in or the tenant's own."""
        built_in = BUILT_IN.get(name)
        if built_in is not None:
            return built_in
        found = self.find(tx, name)
        return None if found is None else found.rule

    def page(self, tx: Tx, *, after: str, limit: int) -> list[Calendar]:
        """Return the tenant's own calendars by name."""
        return [_calendar(row) for row in tx.all(_PAGE, after=after, limit=limit)]

    def put(self, tx: Tx, name: str, rule: CalendarRule, *, by: str) -> None:
        """Make a calendar, or change its days."""
        tx.execute(_PUT, name=name, rule=msgspec.json.encode(rule, order="sorted").decode(), by=by)

    def delete(self, tx: Tx, name: str) -> None:
        """Remove a calendar."""
        tx.execute(_DELETE, name=name)


def _calendar(row: Sequence[Any]) -> Calendar:
    name, rule, version, created_at, created_by, updated_at, updated_by = row
    return Calendar(
        name=name,
        rule=msgspec.json.decode(rule, type=CalendarRule),
        version=version,
        created_at=created_at,
        created_by=created_by,
        updated_at=updated_at,
        updated_by=updated_by,
    )
