"""What one can do with kinds of work items."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from msgspec import structs

from tidemill.board.item_kinds.models import ItemKind, Kinds, check_together
from tidemill.board.item_kinds.repository import ItemKindRepository, kinds_max
from tidemill.board.item_kinds.service import ItemKinds
from tidemill.board.kind_changes.models import (
    ItemKindChanges,
    NewItemKind,
    changed,
    new_kind,
    state_of,
    with_changed,
    with_parent,
    without_parent,
)
from tidemill.board.kind_changes.repository import KindChangeRepository
from tidemill.board.kind_errors import (
    ItemKindChanged,
    ItemKindInUse,
    ItemKindIsBuiltIn,
    ItemKindNotFound,
    TooManyItemKinds,
    UnknownItemType,
)
from tidemill.board.kind_facts import ItemKindCreated, ItemKindDeleted, ItemKindUpdated
from tidemill.board.project_access.database import WalledDatabase
from tidemill.board.versions import ANY_VERSION, Expected
from tidemill.board.work_items.service import TypesFor, usual_types
from tidemill.core.actor import Actor
from tidemill.core.keysets import after_number_and_text
from tidemill.core.pages import Page, PageRequest, page_of
from tidemill.core.ports import Database, Once, Tx


class ItemKindService:
    """Use cases of kinds; a kind is named by its key.

    `sprint_types` says which of the usual kinds an actor's tenant wants in sprints. Each kind that
    is returned says itself whether sprints take it.
    """

    def __init__(self, tenants: Database, *, sprint_types: TypesFor = usual_types) -> None:
        self._tenants = WalledDatabase(tenants)
        self._sprint_types = sprint_types
        self._kinds = ItemKinds()
        self._stored = ItemKindRepository()
        self._changes = KindChangeRepository()

    async def list(self, page: PageRequest, *, actor: Actor) -> Page[ItemKind]:
        """Return all kinds in their order, retired ones too."""
        types = await self._sprint_types(actor)
        after = after_number_and_text(page)
        kinds = await self._tenants.read(actor, self._kinds.current)
        found = [
            _told(kind, types)
            for kind in kinds
            if after is None or (kind.position, kind.key) > after
        ]
        return page_of(found[: page.limit_plus_one], page, lambda kind: (kind.position, kind.key))

    async def get(self, key: str, *, actor: Actor) -> ItemKind:
        """Return a kind; raises `ItemKindNotFound`."""
        types = await self._sprint_types(actor)
        kinds = await self._tenants.read(actor, self._kinds.current)
        return _told(_found(kinds, key), types)

    async def create(
        self, new: NewItemKind, *, actor: Actor, once: Once[ItemKind] | None = None
    ) -> ItemKind:
        """Make a kind of the tenant's own.

        Raises `InvalidItemKind`, `ItemKindTaken`, `TooManyItemKinds` and `UnknownItemType`.
        """

        def use_case(tx: Tx) -> ItemKind:
            kinds = self._locked(tx)
            if len(kinds.all) >= kinds_max:
                raise TooManyItemKinds(kinds_max)
            kind = _stamped(tx, structs.replace(new_kind(new, kinds), version=0), by=actor)
            above = [
                _stamped(tx, with_parent(_child(kinds, key), kind.key), by=actor)
                for key in dict.fromkeys(new.children)
            ]
            check_together(with_changed(kinds, kind, *above))
            self._save(tx, [kind, *above])
            tx.record(ItemKindCreated(kind=state_of(kind), user_id=actor.user_id), by=actor)
            _audit(tx, "create", kind, by=actor, after=state_of(kind))
            self._tell_updated(tx, kinds, above, by=actor)
            return kind

        return await self._tenants.write(actor, use_case, once=once)

    async def change(
        self,
        key: str,
        changes: ItemKindChanges,
        expected: Expected = ANY_VERSION,
        *,
        actor: Actor,
        once: Once[ItemKind] | None = None,
    ) -> ItemKind:
        """Change a kind, retire it or bring it back.

        Raises `VersionChanged`, `ItemKindChanged`, `ItemKindInUse` when items hang under a kind
        that shall be above them no longer, and what `create` raises.
        """
        types = await self._sprint_types(actor)

        def use_case(tx: Tx) -> ItemKind:
            kinds = self._locked(tx)
            kind = _found(kinds, key)
            expected.check(kind.version, ItemKindChanged)
            wanted = changed(kind, changes, kinds, at=tx.now)
            if wanted == kind:
                return _told(kind, types)
            self._changes.begin(tx)
            self._refuse_cut(tx, kind, wanted)
            saved = _stamped(tx, wanted, by=actor)
            check_together(with_changed(kinds, saved))
            self._changes.save(tx, saved)
            self._tell_updated(tx, kinds, [saved], by=actor)
            return _told(saved, types)

        return await self._tenants.write(actor, use_case, once=once)

    async def delete(
        self,
        key: str,
        expected: Expected = ANY_VERSION,
        *,
        move_to: str | None = None,
        actor: Actor,
    ) -> None:
        """Delete a kind of the tenant's own; its items become such of `move_to`.

        Raises `ItemKindIsBuiltIn`, and `ItemKindInUse` when there are items and they cannot go
        there or nobody said where to.
        """
        types = await self._sprint_types(actor)

        def use_case(tx: Tx) -> None:
            kinds = self._locked(tx)
            kind = _found(kinds, key)
            expected.check(kind.version, ItemKindChanged)
            if kind.is_built_in:
                raise ItemKindIsBuiltIn(key, "it cannot be deleted.")
            others = [
                _stamped(tx, without_parent(each, key), by=actor)
                for each in kinds
                if key in each.parents
            ]
            left = Kinds(each for each in with_changed(kinds, *others) if each.key != key)
            self._changes.begin(tx)
            self._changes.lock_items(tx, key)
            count = self._changes.count(tx, key)
            if count:
                self._check_move(tx, (key, count), move_to, left, kinds, types)
            check_together(left)
            fact = ItemKindDeleted(
                kind=state_of(kind),
                moved_to=move_to if count else None,
                items_moved=count,
                user_id=actor.user_id,
            )
            told = tx.record(fact, by=actor)
            if count and move_to is not None:
                self._changes.move(tx, key, move_to, told, by=actor)
            for each in others:
                self._changes.save(tx, each)
            self._changes.delete(tx, key)
            after = {"moved_to": move_to, "items_moved": count} if count else None
            _audit(tx, "delete", kind, by=actor, before=state_of(kind), after=after)
            self._tell_updated(tx, kinds, others, by=actor)

        await self._tenants.write(actor, use_case)

    def _locked(self, tx: Tx) -> Kinds:
        self._kinds.lock(tx)
        return self._stored.load(tx)

    def _save(self, tx: Tx, kinds: Iterable[ItemKind]) -> None:
        self._changes.begin(tx)
        for kind in kinds:
            self._changes.save(tx, kind)

    def _refuse_cut(self, tx: Tx, old: ItemKind, new: ItemKind) -> None:
        """Return when no item hangs under a kind that its own shall not hang under any longer."""
        cut = set(old.parents) - set(new.parents)
        if cut and (held := cut.intersection(self._changes.above(tx, old.key))):
            raise ItemKindInUse(
                f"Items of the kind {old.key} hang under items of {', '.join(sorted(held))}, "
                "deleted items among them. Give them other parents first.",
                param="parents",
            )

    def _check_move(
        self,
        tx: Tx,
        held: tuple[str, int],
        move_to: str | None,
        left: Kinds,
        kinds: Kinds,
        types: Sequence[str],
    ) -> None:
        """Return when all items of a kind can be such of another one."""
        key, count = held
        if move_to is None:
            raise ItemKindInUse(
                f"There are {count} items of the kind {key}, deleted items among them. Name in "
                "move_to the kind that they shall have, or retire this one."
            )
        if move_to == key or left.get(move_to) is None:
            known = [each for each in left.offered if each != key]
            raise UnknownItemType(move_to, known, param="move_to")
        left.check(move_to)
        for above in self._changes.above(tx, key):
            if above not in left.parents_of(move_to) and (above or not left.may_be_top(move_to)):
                where = f"under items of {above}" if above else "right under the project"
                raise ItemKindInUse(
                    f"Items of {key} hang {where}, where those of {move_to} cannot. "
                    "Choose another kind, or give them other parents first.",
                    param="move_to",
                )
        for below in self._changes.below(tx, key):
            if move_to not in left.parents_of(below):
                raise ItemKindInUse(
                    f"Items of {below} hang under items of {key}, and cannot hang under those of "
                    f"{move_to}. Choose another kind, or give them other parents first.",
                    param="move_to",
                )
        if move_to not in kinds.in_sprints(types) and self._changes.are_in_sprints(tx, key):
            raise ItemKindInUse(
                f"Items of {key} lie in sprints, which do not take those of {move_to}.",
                param="move_to",
            )

    def _tell_updated(
        self, tx: Tx, before: Kinds, changed_kinds: Iterable[ItemKind], *, by: Actor
    ) -> None:
        for kind in changed_kinds:
            old = before.get(kind.key)
            tx.record(ItemKindUpdated(kind=state_of(kind), user_id=by.user_id), by=by)
            told = None if old is None else state_of(old)
            _audit(tx, "update", kind, by=by, before=told, after=state_of(kind))


def _found(kinds: Kinds, key: str) -> ItemKind:
    kind = kinds.get(key)
    if kind is None:
        raise ItemKindNotFound(key, [each.key for each in kinds])
    return kind


def _child(kinds: Kinds, key: str) -> ItemKind:
    kind = kinds.get(key)
    if kind is None:
        raise UnknownItemType(key, kinds.offered, param="children")
    return kind


def _stamped(tx: Tx, kind: ItemKind, *, by: Actor) -> ItemKind:
    """Return the next version of `kind`."""
    author = by.user_id or by.id
    return structs.replace(
        kind,
        version=kind.version + 1,
        created_at=tx.now if kind.created_at is None else kind.created_at,
        created_by=author if kind.created_by is None else kind.created_by,
        updated_at=tx.now,
        updated_by=author,
    )


def _told(kind: ItemKind, types: Sequence[str]) -> ItemKind:
    """Return `kind`, which says whether sprints take it, also where a setting says that."""
    if kind.in_sprints is not None:
        return kind
    return structs.replace(kind, in_sprints=kind.key in types)


def _audit(
    tx: Tx, verb: str, kind: ItemKind, *, by: Actor, before: object = None, after: object = None
) -> None:
    tx.audit(
        f"board.item_kinds.{verb}",
        by=by,
        resource=f"item-kind:{kind.key}",
        before=before,
        after=after,
    )
