"""Gives the kinds of a tenant; each method works in the caller's transaction."""

from __future__ import annotations

from threading import Lock
from typing import Final

from tidemill.board.item_kinds.models import BUILT_IN_KEYS, USUAL, Kinds
from tidemill.board.item_kinds.repository import ItemKindRepository
from tidemill.board.kind_errors import UnknownItemType
from tidemill.core.ids import TenantId
from tidemill.core.ports import Tx

kept_max: Final = 512


class ItemKinds:
    """The kinds of tenants.

    Each change of a kind gives all of them together another id, under which they never change:
    what was read once is kept, and nobody need be told. Projects name that id, so that whoever has
    read an item or taken a number knows it.
    """

    def __init__(self) -> None:
        self._kinds = ItemKindRepository()
        self._kept: dict[tuple[TenantId, str], Kinds] = {}
        self._lock = Lock()

    def of(self, tx: Tx, kinds_id: str | None) -> Kinds:
        """Return the kinds that the row of a project calls `kinds_id`."""
        if kinds_id is None:
            return USUAL
        kept = self._kept.get((tx.tenant_id, kinds_id))
        if kept is not None:
            return kept
        # Between the two another change may have come: what is kept belongs to the id then read.
        found, current = self._kinds.load(tx), self._kinds.set_id(tx)
        if current == kinds_id:
            self._keep((tx.tenant_id, kinds_id), found)
        return found

    def current(self, tx: Tx) -> Kinds:
        """Return the kinds of the tenant, where no row of a project is at hand."""
        return self.of(tx, self._kinds.set_id(tx))

    def check_known(self, tx: Tx, item_type: str) -> None:
        """Return when there is such a kind; raises `UnknownItemType`.

        The kinds that every tenant has cost no statement.
        """
        if item_type in BUILT_IN_KEYS:
            return
        kinds = self.current(tx)
        if kinds.get(item_type) is None:
            raise UnknownItemType(item_type, kinds.offered)

    def share(self, tx: Tx) -> None:
        """Let nobody change a kind until the transaction ends; ahead of locks of single items."""
        self._kinds.share(tx)

    def lock(self, tx: Tx) -> None:
        """Let nobody else give items kinds or parents, or change a kind, until this ends."""
        self._kinds.lock(tx)

    def _keep(self, key: tuple[TenantId, str], kinds: Kinds) -> None:
        with self._lock:
            if len(self._kept) >= kept_max:
                del self._kept[next(iter(self._kept))]
            self._kept[key] = kinds
