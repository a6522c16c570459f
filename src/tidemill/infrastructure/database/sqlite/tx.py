"""A transaction on one SQLite connection."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Mapping, Sequence
from itertools import groupby
from operator import itemgetter
from typing import Final, cast

import msgspec

from tidemill.core.clock import Instant
from tidemill.core.ids import TenantId
from tidemill.core.ports import ReadGuard, Row, StoreKind, Value
from tidemill.infrastructure.database.sql import parse, parse_scoped, placed
from tidemill.infrastructure.database.sqlite.guarding import guarded
from tidemill.infrastructure.database.transaction import INSERT_AUDIT, BaseTx

_AUDITED_ALIKE: Final = ("at", "action", "actor", "address", "before", "after", "detail")
_AUDITED_OWN: Final = ("id", "resource", "request_id")
# Each statement lets go of the interpreter and waits for it again, so many lines in one are worth
# more than what reading them from JSON costs.
_INSERT_AUDITS: Final = f"""
    INSERT INTO audit_outbox (tenant_id, {", ".join(_AUDITED_ALIKE + _AUDITED_OWN)})
    SELECT :tenant_id, {", ".join(f":{name}" for name in _AUDITED_ALIKE)},
        {", ".join(f"new.value ->> {place}" for place in range(len(_AUDITED_OWN)))}
    FROM json_each(:lines) AS new
"""  # noqa: S608 - constant names of columns
_alike: Final = itemgetter(*_AUDITED_ALIKE)
_own: Final = itemgetter(*_AUDITED_OWN)
_alike_min: Final = 3


class SqliteTx(BaseTx):
    """See `Tx`."""

    dialect = "sqlite"

    def __init__(
        self,
        connection: sqlite3.Connection,
        kind: StoreKind,
        tenant_id: TenantId,
        now: Instant,
        *,
        writable: bool,
    ) -> None:
        super().__init__(kind, tenant_id, now, writable=writable)
        self._connection = connection
        self._check = parse_scoped if kind is StoreKind.TENANT else parse

    def execute(self, sql: str, /, **parameters: Value) -> int:
        """See `Tx.execute`."""
        cursor = self._run(sql, parameters)
        if cursor.description is not None:
            cursor.fetchall()  # An open cursor would keep `RETURNING` from finishing.
        return max(cursor.rowcount, 0)

    def execute_row(self, sql: str, names: tuple[str, ...], row: Sequence[Value], /) -> int:
        """See `Tx.execute_row`; by place, since names are looked up for each value."""
        self._check(sql)
        statement, own = placed(sql, names)
        known: dict[str, Value] = {"tenant_id": self._tenant_id, "now": self._now}
        values = (*row, *(known[name] for name in own))
        return max(self._connection.execute(statement, values).rowcount, 0)

    def execute_many(self, sql: str, rows: Iterable[Mapping[str, Value]], /) -> None:
        """See `Tx.execute_many`."""
        self._check(sql)
        own: dict[str, Value] = {"tenant_id": self._tenant_id, "now": self._now}
        self._connection.executemany(sql, ({**row, **own} for row in rows))

    def execute_rows(
        self, sql: str, names: tuple[str, ...], rows: Iterable[tuple[Value, ...]], /
    ) -> None:
        """See `Tx.execute_rows`; by place, since names are looked up for each row."""
        self._check(sql)
        statement, own = placed(sql, names)
        if own:
            known: dict[str, Value] = {"tenant_id": self._tenant_id, "now": self._now}
            last = tuple(known[name] for name in own)
            rows = (row + last for row in rows)
        self._connection.executemany(statement, rows)

    def one(self, sql: str, /, **parameters: Value) -> Row | None:
        """See `Tx.one`."""
        # All rows are read: a cursor left open would keep `RETURNING` from finishing.
        rows = self._run(sql, parameters).fetchall()
        return cast("Row", rows[0]) if rows else None

    def all(self, sql: str, /, **parameters: Value) -> Sequence[Row]:
        """See `Tx.all`."""
        return cast("Sequence[Row]", self._run(sql, parameters).fetchall())

    def all_guarded(self, sql: str, guard: ReadGuard, /, **parameters: Value) -> Sequence[Row]:
        """See `Tx.all_guarded`."""
        self._must_read()
        with guarded(self._connection, guard):
            return self.all(sql, **parameters)

    def write_audits(self) -> None:
        """See `BaseTx.write_audits`; lines side by side that say the same are one statement."""
        for shared, group in groupby(self.audits, key=_alike):
            lines = list(group)
            if len(lines) < _alike_min:
                self.execute_many(INSERT_AUDIT, lines)
                continue
            own = msgspec.json.encode([_own(line) for line in lines]).decode()
            self.execute(
                _INSERT_AUDITS, lines=own, **dict(zip(_AUDITED_ALIKE, shared, strict=True))
            )

    def lock_changes(self) -> None:
        """Nothing to do: there is one writer."""

    def _mark(self, sql: str) -> None:
        self._connection.execute(sql)

    def _run(self, sql: str, parameters: dict[str, Value]) -> sqlite3.Cursor:
        self._check(sql)
        parameters["tenant_id"] = self._tenant_id
        parameters["now"] = self._now
        return self._connection.execute(sql, parameters)
