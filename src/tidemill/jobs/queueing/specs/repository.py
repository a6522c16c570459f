"""The SQL of specifications, and what this process remembers of them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import partial
from typing import Final

import msgspec

from tidemill.core.clock import MICROSECONDS_PER_SECOND
from tidemill.core.ports import Tx
from tidemill.jobs.queueing.specs.models import Spec

remembered_max: Final = 10_000
_DAY: Final = 86_400 * MICROSECONDS_PER_SECOND
_NAMES: Final = Spec.__struct_fields__
COLUMNS: Final = ", ".join(f"job_specs.{name}" for name in _NAMES)
_KEEP: Final = f"""
    INSERT INTO job_specs ({", ".join(_NAMES)}, actor_id, digest, created_at, used_at)
    VALUES ({", ".join(":tenant" if name == "tenant_id" else f":{name}" for name in _NAMES)},
        :actor_id, :digest, :now, :now)
    ON CONFLICT (tenant_id, digest) DO UPDATE
    SET used_at = excluded.used_at, actor_id = excluded.actor_id
    RETURNING id
"""  # noqa: S608 - constant names of columns
_READ: Final = {
    "sqlite": f"""
        SELECT id, {COLUMNS} FROM job_specs
        WHERE id IN (SELECT value FROM json_each(:ids))
    """,  # noqa: S608 - constant names of columns
    "postgres": f"""
        SELECT id, {COLUMNS} FROM job_specs
        WHERE id IN (SELECT CAST(wanted AS BIGINT)
            FROM jsonb_array_elements_text(CAST(CAST(:ids AS TEXT) AS jsonb)) AS wanted)
    """,  # noqa: S608 - constant names of columns
}
_UNUSED: Final = """
    SELECT id FROM job_specs
    WHERE used_at < :before
        AND id NOT IN (SELECT spec_id FROM jobs)
        AND id NOT IN (SELECT spec_id FROM job_history)
    ORDER BY id LIMIT :limit
"""
_FORGET: Final = "DELETE FROM job_specs WHERE id = :id AND used_at < :before"


class SpecRepository:
    """Specifications of all tenants.

    They never change, so a process asks for each one once a day: that renews `used_at`, and what
    has not been used for longer than the history is kept can be deleted.
    """

    def __init__(self) -> None:
        self._ids: dict[Spec, tuple[int, int]] = {}
        self._specs: dict[int, Spec] = {}
        self._day = 0

    def ids(self, tx: Tx, specs: Iterable[Spec]) -> Mapping[Spec, int]:
        """Return the id of each specification; new ones are kept."""
        found: dict[Spec, int] = {}
        unknown: list[Spec] = []
        day = tx.now // _DAY
        for spec in specs:
            if spec in found:
                continue
            known = self._ids.get(spec)
            if known is not None and known[1] == day:
                found[spec] = known[0]
            else:
                found[spec] = 0
                unknown.append(spec)
        if unknown:
            # In one order, so that two transactions never wait for each other.
            for digest, spec in sorted((spec.digest, spec) for spec in unknown):
                found[spec] = self._keep(tx, spec, digest)
            # A transaction that is rolled back leaves nothing to remember.
            kept = {spec: (found[spec], day) for spec in unknown}
            tx.after_commit(partial(self._remember, kept))
        return found

    def all(self, tx: Tx, ids: Iterable[int]) -> Mapping[int, Spec]:
        """Return specifications by id, and remember them until the day ends.

        An id that was deleted may be given again, but not on a day on which a job had it.
        """
        day, wanted = tx.now // _DAY, set(ids)
        known = self._specs if day == self._day else {}
        found = {id_: known[id_] for id_ in wanted if id_ in known}
        missing = sorted(wanted - found.keys())
        if missing:
            rows = tx.all(_READ[tx.dialect], ids=msgspec.json.encode(missing).decode())
            read = {row[0]: Spec(*row[1:]) for row in rows}
            found |= read
            # One that another use case of the same commit has made may be rolled back with it.
            tx.after_commit(partial(self._learn, day, read))
        return found

    def unused(self, tx: Tx, *, before: int, limit: int) -> list[int]:
        """Return specifications that nobody has used since and no job has."""
        return [row[0] for row in tx.all(_UNUSED, before=before, limit=limit)]

    def forget(self, tx: Tx, ids: Iterable[int], *, before: int) -> None:
        """Delete specifications, except those that were used meanwhile."""
        tx.execute_many(_FORGET, ({"id": id_, "before": before} for id_ in ids))

    def _keep(self, tx: Tx, spec: Spec, digest: str) -> int:
        values = {name: getattr(spec, name) for name in _NAMES if name != "tenant_id"}
        row = tx.one(_KEEP, tenant=spec.tenant_id, actor_id=spec.actor_id, digest=digest, **values)
        if row is None:
            raise RuntimeError("An upsert returned no row.")
        return int(row[0])

    def _remember(self, kept: Mapping[Spec, tuple[int, int]]) -> None:
        if len(self._ids) + len(kept) > remembered_max:
            self._ids.clear()
        self._ids.update(kept)

    def _learn(self, day: int, read: Mapping[int, Spec]) -> None:
        if day != self._day or len(self._specs) + len(read) > remembered_max:
            # Never emptied in place: the thread of another transaction may be reading it.
            self._specs, self._day = dict(read), day
        else:
            self._specs.update(read)
