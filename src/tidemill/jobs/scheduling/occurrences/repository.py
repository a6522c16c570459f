"""The SQL of occurrences."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, Final

import msgspec
from msgspec import structs

from tidemill.core.clock import Instant
from tidemill.core.ports import Tx
from tidemill.jobs.scheduling.occurrences.models import Occurrence, OccurrenceState

_NAMES: Final = Occurrence.__struct_fields__
_COLUMNS: Final = ", ".join(_NAMES)
_INSERT: Final = f"""
    INSERT INTO schedule_occurrences (tenant_id, {_COLUMNS})
    VALUES (:tenant_id, {", ".join(f":{name}" for name in _NAMES)})
    ON CONFLICT (tenant_id, schedule_id, due_at, kind) DO NOTHING
"""  # noqa: S608 - constant names of columns
_SELECT: Final = f"""
    SELECT {_COLUMNS} FROM schedule_occurrences WHERE tenant_id = :tenant_id
"""  # noqa: S608 - constant names of columns
_BY_ID: Final = f"{_SELECT} AND id = :id"
# The states stand in the text, so that their partial index serves.
_OPEN: Final = {
    state: f"""
        {_SELECT} AND schedule_id = :schedule_id AND state = '{state}'
        ORDER BY CASE origin WHEN 'manual' THEN 0 WHEN 'schedule' THEN 1 ELSE 2 END, due_at
        LIMIT :limit
    """
    for state in (OccurrenceState.PENDING, OccurrenceState.STARTED)
}
_DUE_BEYOND: Final = f"""
    {_SELECT} AND schedule_id = :schedule_id AND state = 'pending' AND origin = 'schedule'
        AND starts_at <= :now
    ORDER BY due_at LIMIT :limit OFFSET :first
"""
_LATEST: Final = f"""
    {_SELECT} AND schedule_id = :schedule_id AND due_at <= :due_at ORDER BY due_at DESC LIMIT 1
"""
_PAGE: Final = f"""
    {_SELECT} AND schedule_id = :schedule_id AND due_at <= :due_at
        AND (due_at < :due_at OR kind < :kind)
"""
_RUNS_OF: Final = f"{_SELECT} AND schedule_id = :schedule_id AND kind = 'run' AND due_at IN"
_RUNS: Final = {
    "sqlite": f"{_RUNS_OF} (SELECT value FROM json_each(:dues)) ORDER BY due_at",  # noqa: S608 - constants
    "postgres": f"""
        {_RUNS_OF} (
            SELECT CAST(one AS BIGINT)
            FROM jsonb_array_elements_text(CAST(CAST(:dues AS TEXT) AS jsonb)) AS one)
        ORDER BY due_at
    """,  # noqa: S608 - constants
}
_CHANGE: Final = """
    UPDATE schedule_occurrences
    SET state = :state, reason = :reason, job_id = :job_id, origin = :origin,
        starts_at = :starts_at, started_at = :started_at, finished_at = :finished_at
    WHERE tenant_id = :tenant_id AND id = :id AND state = :before
"""
_SAY: Final = """
    UPDATE schedule_occurrences SET reason = :reason
    WHERE tenant_id = :tenant_id AND id = :id AND state = 'pending'
        AND (reason IS NULL OR reason <> :reason)
"""
_STALE: Final = """
    SELECT tenant_id, id, job_id, started_at FROM schedule_occurrences
    WHERE state = 'started' AND started_at < :before AND started_at >= :started_at
        AND (started_at > :started_at OR id > :id)
    ORDER BY started_at, id LIMIT :limit
"""
_PRUNE: Final = """
    DELETE FROM schedule_occurrences WHERE (tenant_id, id) IN (
        SELECT tenant_id, id FROM schedule_occurrences
        WHERE created_at < :before AND state NOT IN ('pending', 'started')
        ORDER BY created_at LIMIT :limit)
"""


class OccurrenceRepository:
    """Occurrences of one tenant; `stale` and `prune` look over all tenants."""

    def add(self, tx: Tx, occurrence: Occurrence) -> bool:
        """Insert an occurrence; return False when its due time has one."""
        return bool(tx.execute(_INSERT, **structs.asdict(occurrence)))

    def find(self, tx: Tx, id_: str, *, lock: bool = False) -> Occurrence | None:
        """Return one occurrence."""
        suffix = " FOR UPDATE" if lock and tx.dialect == "postgres" else ""
        row = tx.one(_BY_ID + suffix, id=id_)
        return _occurrence(row) if row else None

    def open(
        self, tx: Tx, schedule_id: str, state: OccurrenceState, limit: int
    ) -> list[Occurrence]:
        """Return occurrences that wait or run, by their due times.

        Of too many those stay out that fill a range: nothing else waits behind them.
        """
        rows = tx.all(_OPEN[state], schedule_id=schedule_id, limit=limit)
        return sorted((_occurrence(row) for row in rows), key=lambda found: found.due_at)

    def due_beyond(self, tx: Tx, schedule_id: str, first: int, *, limit: int) -> list[Occurrence]:
        """Return occurrences whose time has come, by their due times, without the first ones."""
        rows = tx.all(_DUE_BEYOND, schedule_id=schedule_id, first=first, limit=limit)
        return [_occurrence(row) for row in rows]

    def latest(self, tx: Tx, schedule_id: str, due_at: Instant) -> Occurrence | None:
        """Return the last occurrence that was due at `due_at` or before."""
        row = tx.one(_LATEST, schedule_id=schedule_id, due_at=due_at)
        return _occurrence(row) if row else None

    def page(
        self,
        tx: Tx,
        schedule_id: str,
        *,
        before: tuple[int, str],
        limit: int,
        state: OccurrenceState | None,
    ) -> list[Occurrence]:
        """Return occurrences, the last due times first; `before` is a due time and a kind."""
        sql = _PAGE if state is None else f"{_PAGE} AND state = :state"
        values = {} if state is None else {"state": str(state)}
        rows = tx.all(
            f"{sql} ORDER BY due_at DESC, kind DESC LIMIT :limit",
            schedule_id=schedule_id,
            due_at=before[0],
            kind=before[1],
            limit=limit,
            **values,
        )
        return [_occurrence(row) for row in rows]

    def runs(self, tx: Tx, schedule_id: str, dues: Sequence[Instant]) -> dict[Instant, Occurrence]:
        """Return the occurrences of these due times, by them; at most one for each."""
        wanted = msgspec.json.encode(dues).decode()
        rows = tx.all(_RUNS[tx.dialect], schedule_id=schedule_id, dues=wanted)
        return {found.due_at: found for found in map(_occurrence, rows)}

    def change(self, tx: Tx, occurrence: Occurrence, *, before: OccurrenceState) -> bool:
        """Write an occurrence's state; return False when it is not in the state `before`."""
        return bool(
            tx.execute(
                _CHANGE,
                id=occurrence.id,
                state=occurrence.state,
                reason=occurrence.reason,
                job_id=occurrence.job_id,
                origin=occurrence.origin,
                starts_at=occurrence.starts_at,
                started_at=occurrence.started_at,
                finished_at=occurrence.finished_at,
                before=before,
            )
        )

    def say(self, tx: Tx, reasons: Iterable[tuple[str, str]]) -> None:
        """Write what pending occurrences wait for."""
        tx.execute_many(_SAY, [{"id": id_, "reason": reason} for id_, reason in reasons])

    def stale(
        self, tx: Tx, *, after: tuple[Instant, str], before: Instant, limit: int
    ) -> list[tuple[str, str, str, Instant]]:
        """Return (tenant, id, job, start) of what started before an instant and has not ended.

        `after` is the start and the id of the last one that was looked at.
        """
        rows = tx.all(_STALE, started_at=after[0], id=after[1], before=before, limit=limit)
        return [(row[0], row[1], row[2], row[3]) for row in rows]

    def prune(self, tx: Tx, *, before: Instant, limit: int) -> int:
        """Delete old occurrences that have ended; return how many."""
        return tx.execute(_PRUNE, before=before, limit=limit)


def _occurrence(row: Sequence[Any]) -> Occurrence:
    found = Occurrence(*row)
    return structs.replace(found, state=OccurrenceState(found.state))
