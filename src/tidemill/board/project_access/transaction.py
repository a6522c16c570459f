"""A transaction behind the walls of projects."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TypeVar

from msgspec import structs

from tidemill.board.project_access.models import Reader
from tidemill.board.project_access.service import check_deed
from tidemill.board.project_access.walls import TABLES_OF_WALLS, walled
from tidemill.core.actor import Actor
from tidemill.core.clock import Instant
from tidemill.core.facts import Fact
from tidemill.core.ids import TenantId
from tidemill.core.ports import Once, ReadGuard, Row, Tx, Value

T = TypeVar("T")


class WalledTx:
    """See `Tx`: reads what one reader may see, and tells only what that one may do.

    `whole` is the same transaction without walls, for what must hold for all projects at once;
    `reader` is the one for whom it reads.
    """

    def __init__(self, whole: Tx, reader: Reader) -> None:
        self.whole = whole
        self.reader = reader

    @property
    def tenant_id(self) -> TenantId:
        """See `Tx.tenant_id`."""
        return self.whole.tenant_id

    @property
    def now(self) -> Instant:
        """See `Tx.now`."""
        return self.whole.now

    @property
    def dialect(self) -> str:
        """See `Tx.dialect`."""
        return self.whole.dialect

    def new_id(self) -> str:
        """See `Tx.new_id`."""
        return self.whole.new_id()

    def execute(self, sql: str, /, **parameters: Value) -> int:
        """See `Tx.execute`."""
        behind, known = self._walled(sql)
        return self.whole.execute(behind, **known, **parameters)

    def execute_row(self, sql: str, names: tuple[str, ...], row: Sequence[Value], /) -> int:
        """See `Tx.execute_row`."""
        behind, known = self._walled(sql)
        if not known:
            return self.whole.execute_row(sql, names, row)
        return self.whole.execute(behind, **known, **dict(zip(names, row, strict=True)))

    def defer(self, sql: str, /, **parameters: Value) -> None:
        """See `Tx.defer`."""
        behind, known = self._walled(sql)
        self.whole.defer(behind, **known, **parameters)

    def execute_many(self, sql: str, rows: Iterable[Mapping[str, Value]], /) -> None:
        """See `Tx.execute_many`."""
        behind, known = self._walled(sql)
        self.whole.execute_many(behind, ({**row, **known} for row in rows) if known else rows)

    def execute_rows(
        self, sql: str, names: tuple[str, ...], rows: Iterable[tuple[Value, ...]], /
    ) -> None:
        """See `Tx.execute_rows`."""
        if not self._walled(sql)[1]:
            self.whole.execute_rows(sql, names, rows)
            return
        self.execute_many(sql, (dict(zip(names, row, strict=True)) for row in rows))

    def one(self, sql: str, /, **parameters: Value) -> Row | None:
        """See `Tx.one`."""
        behind, known = self._walled(sql)
        return self.whole.one(behind, **known, **parameters)

    def all(self, sql: str, /, **parameters: Value) -> Sequence[Row]:
        """See `Tx.all`."""
        behind, known = self._walled(sql)
        return self.whole.all(behind, **known, **parameters)

    def all_alone(self, sql: str, /, **parameters: Value) -> Sequence[Row]:
        """See `Tx.all_alone`."""
        behind, known = self._walled(sql)
        return self.whole.all_alone(behind, **known, **parameters)

    def all_guarded(self, sql: str, guard: ReadGuard, /, **parameters: Value) -> Sequence[Row]:
        """See `Tx.all_guarded`; the walls may read what they need."""
        behind, known = self._walled(sql)
        wider = structs.replace(guard, tables=guard.tables | TABLES_OF_WALLS)
        return self.whole.all_guarded(behind, wider, **known, **parameters)

    def first_result(self, once: Once[T]) -> T | None:
        """See `Tx.first_result`."""
        return self.whole.first_result(once)

    def attempt(self, part: Callable[[], T]) -> T:
        """See `Tx.attempt`."""
        return self.whole.attempt(part)

    def record(self, fact: Fact, *, by: Actor) -> str:
        """See `Tx.record`; raises what `check_deed` raises."""
        check_deed(self.whole, fact, by=by)
        return self.whole.record(fact, by=by)

    def audit(
        self,
        action: str,
        *,
        by: Actor,
        resource: str,
        before: object = None,
        after: object = None,
        detail: str | None = None,
    ) -> None:
        """See `Tx.audit`."""
        self.whole.audit(
            action, by=by, resource=resource, before=before, after=after, detail=detail
        )

    def invalidate(self, kind: str, key: str) -> None:
        """See `Tx.invalidate`."""
        self.whole.invalidate(kind, key)

    def after_commit(self, callback: Callable[[], None]) -> None:
        """See `Tx.after_commit`."""
        self.whole.after_commit(callback)

    def _walled(self, sql: str) -> tuple[str, dict[str, Value]]:
        """Return the statement behind the walls, and what it knows of the reader."""
        behind = walled(sql, is_guest=self.reader.is_guest)
        return behind, {} if behind == sql else {**self.reader.known}
