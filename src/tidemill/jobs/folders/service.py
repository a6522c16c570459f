"""What one can do with folders, and what folders say to those who keep things in them."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from functools import partial
from typing import Final, TypeVar

import structlog

from tidemill.core.actor import Actor, Role
from tidemill.core.clock import Clock
from tidemill.core.errors import NotFound
from tidemill.core.ids import TenantId, UserId
from tidemill.core.pages import Page, PageRequest, page_of
from tidemill.core.ports import Database, Tx
from tidemill.http import check_found, check_written
from tidemill.identity import Identity
from tidemill.jobs.folder_errors import (
    FolderDenied,
    FolderInUse,
    FolderInvalid,
    FolderNotFound,
)
from tidemill.jobs.folders.models import (
    OPEN,
    Folder,
    Grants,
    Hidden,
    Level,
    Place,
    allows,
    checked_grants,
    checked_name,
    folders_max,
    hidden_prefix,
    place_of,
    users_in,
    visible,
)
from tidemill.jobs.folders.repository import FolderRepository

log = structlog.get_logger(__name__)

T = TypeVar("T")
known_seconds: Final = 1.0
"""How long this process goes by what it has read of a tenant's folders."""
tenants_known_max: Final = 1_000
_NOTHING: Final[Grants] = {}
UsersOf = Callable[[str, Actor], Awaitable[Sequence[str]]]
"""Returns what lies in a folder in another store."""


class FolderRules:
    """Asks the folders within a transaction on the tenant's store."""

    def __init__(self) -> None:
        self._folders = FolderRepository()

    def check(self, tx: Tx, path: str, wanted: Level, actor: Actor) -> None:
        """Return when `actor` may do that at `path`; raises `FolderDenied`."""
        place = place_of(path)
        if allows(place, self._grants(tx, place), actor, wanted):
            return
        raise FolderDenied(path, _named(place), wanted)

    def seen(self, tx: Tx, paths: Sequence[str], actor: Actor) -> list[str]:
        """Return those of `paths` that `actor` may see."""
        grants = self._folders.all_grants(tx)
        return [path for path in paths if hidden_prefix(path, grants, actor) is None]

    def seen_users(self, tx: Tx, users: Sequence[str], actor: Actor) -> tuple[list[str], int]:
        """Return those of `users` that `actor` may see, and how many others there are.

        Each is a kind of thing and its path, such as `schedule f/mill/daily`.
        """
        grants = self._folders.all_grants(tx)
        paths = [(user, user.partition(" ")[2]) for user in users]
        seen = [user for user, path in paths if hidden_prefix(path, grants, actor) is None]
        return seen, len(users) - len(seen)

    def visible(
        self,
        tx: Tx,
        read: Callable[[str, int], Sequence[T]],
        path_of: Callable[[T], str],
        page: PageRequest,
        actor: Actor,
    ) -> list[T]:
        """Return a page's rows that `actor` may see; see `visible`."""
        grants = self._folders.all_grants(tx)
        return visible(read, path_of, lambda path: hidden_prefix(path, grants, actor), page)

    def _grants(self, tx: Tx, place: Place) -> Grants:
        if place.kind != "f" or self._folders.find(tx, place.name) is None:
            return _NOTHING
        return {place.name: self._folders.grants(tx, place.name)}


class FolderService:
    """Use cases of folders."""

    def __init__(
        self, tenants: Database, clock: Clock, identity: Callable[[], Identity | None]
    ) -> None:
        self._database = tenants
        self._clock = clock
        self._identity = identity
        self._folders = FolderRepository()
        self._known: dict[TenantId, tuple[float, Grants]] = {}
        self._reading: dict[TenantId, asyncio.Task[Grants]] = {}
        self._users: list[UsersOf] = []

    def on_delete(self, users_of: UsersOf) -> None:
        """Ask `users_of` whether something lies in a folder before that goes."""
        self._users.append(users_of)

    async def get(self, name: str, *, actor: Actor) -> Folder:
        """Return a folder that the actor may see; raises `FolderNotFound`."""
        return await self._database.read(actor.tenant_id, lambda tx: self._found(tx, name, actor))

    async def list(self, page: PageRequest, *, actor: Actor) -> Page[Folder]:
        """Return the folders by name that the actor may see."""

        def use_case(tx: Tx) -> list[Folder]:
            return FolderRules().visible(
                tx,
                lambda after, limit: self._folders.page(tx, after=_name(after), limit=limit),
                lambda folder: f"f/{folder.name}/",
                page,
                actor,
            )

        found = await self._database.read(actor.tenant_id, use_case)
        return page_of(found, page, lambda folder: (f"f/{folder.name}/",))

    async def put(
        self,
        name: str,
        *,
        description: str,
        grants: Mapping[str, Level],
        expected_version: int | None,
        actor: Actor,
    ) -> Folder:
        """Make a folder, which admins may, or change one that the actor owns."""
        checked_name(name)
        wanted = checked_grants(grants)
        await self._check_people(wanted, actor)

        def use_case(tx: Tx) -> Folder:
            before = self._folders.find(tx, name, lock=True)
            check_found(before, expected_version)
            self._check_owner(before, name, actor)
            if before is None and self._folders.count(tx) >= folders_max:
                raise FolderInvalid("name", f"there are {folders_max} already, the limit.")
            by = actor.user_id or actor.id
            self._folders.put(tx, name, description=description, grants=wanted, by=by)
            tx.audit(
                "jobs.folders.put",
                by=actor,
                resource=f"folder:{name}",
                before=None if before is None else dict(before.grants),
                after=wanted,
            )
            after = self._folders.find(tx, name)
            assert after is not None  # noqa: S101 - it was just made
            check_written(after, expected_version)
            return after

        made = await self._database.write(actor.tenant_id, use_case)
        await self._read(actor.tenant_id)
        return made

    async def delete(self, name: str, *, expected_version: int | None = None, actor: Actor) -> None:
        """Remove an empty folder; raises `FolderInUse` and `FolderNotFound`."""
        elsewhere = [path for users_of in self._users for path in await users_of(name, actor)]

        def use_case(tx: Tx) -> None:
            before = self._found(tx, name, actor, lock=True)
            check_found(before, expected_version)
            self._check_owner(before, name, actor)
            things = [*self._folders.things(tx, name), *elsewhere]
            if things:
                raise FolderInUse(name, things)
            self._folders.delete(tx, name)
            tx.audit(
                "jobs.folders.delete",
                by=actor,
                resource=f"folder:{name}",
                before=dict(before.grants),
            )

        await self._database.write(actor.tenant_id, use_case)
        await self._read(actor.tenant_id)

    async def require(self, path: str, wanted: Level, *, actor: Actor) -> None:
        """Return when `actor` may do that at `path`; raises `FolderDenied`.

        For what lies in another store; a change of the folder counts within a second.
        """
        if not await self.may(path, wanted, actor=actor):
            raise FolderDenied(path, _named(place_of(path)), wanted)

    async def may(self, path: str, wanted: Level, *, actor: Actor) -> bool:
        """Return whether `actor` may do that at `path`."""
        place = place_of(path)
        if place == OPEN:
            return True
        grants = await self.grants(actor.tenant_id) if place.kind == "f" else _NOTHING
        return allows(place, grants, actor, wanted)

    async def hides(self, actor: Actor) -> Hidden:
        """Return what says of a path in which hidden place it lies, if so; for lists."""
        grants = await self.grants(actor.tenant_id)
        return lambda path: hidden_prefix(path, grants, actor)

    async def learn(self, tenant_id: TenantId) -> None:
        """Read a tenant's folders, for `learned`."""
        await self.grants(tenant_id)

    def learned(self, tenant_id: TenantId, name: str) -> Grants:
        """Return what was read last of a folder, and read again beside if that is a while ago.

        For streams, which decide at once. What `learn` has not read is closed.
        """
        known = self._known.get(tenant_id)
        if known is None or self._clock.monotonic() - known[0] >= known_seconds:
            self._read_beside(tenant_id)
        return {name: {}} if known is None else known[1]

    def _read_beside(self, tenant_id: TenantId) -> None:
        if tenant_id not in self._reading:
            task = asyncio.create_task(self.grants(tenant_id))
            self._reading[tenant_id] = task
            task.add_done_callback(partial(self._has_read, tenant_id))

    def _has_read(self, tenant_id: TenantId, task: asyncio.Task[Grants]) -> None:
        del self._reading[tenant_id]
        if not task.cancelled() and task.exception() is not None:
            log.warning("folders.not_read", tenant_id=tenant_id, reason=str(task.exception()))

    async def grants(self, tenant_id: TenantId) -> Grants:
        """Return what may be done in the folders of a tenant, read within a second."""
        now = self._clock.monotonic()
        known = self._known.get(tenant_id)
        if known is not None and now - known[0] < known_seconds:
            return known[1]
        return await self._read(tenant_id)

    async def _read(self, tenant_id: TenantId) -> Grants:
        now = self._clock.monotonic()
        grants = await self._database.read(tenant_id, self._folders.all_grants)
        if len(self._known) >= tenants_known_max:
            self._known.clear()
        self._known[tenant_id] = (now, grants)
        return grants

    async def _check_people(self, grants: Mapping[str, Level], actor: Actor) -> None:
        identity = self._identity()
        for user_id in users_in(grants):
            try:
                found = identity and await identity.find_member(actor.tenant_id, UserId(user_id))
            except NotFound:
                found = None
            if not found:
                raise FolderInvalid(
                    f"grants.user:{user_id}", "no member of this tenant has this id."
                )

    def _check_owner(self, folder: Folder | None, name: str, actor: Actor) -> None:
        if actor.role in {Role.ADMIN, Role.OWNER}:
            return
        if folder is None:
            # It would close to others what is theirs: until now its paths were open to all.
            raise FolderDenied(f"The new folder {name}", "this tenant", "admin")
        place = Place("f", name)
        if not allows(place, {name: folder.grants}, actor, Level.OWN):
            raise FolderDenied(f"The folder {name}", _named(place), Level.OWN)

    def _found(self, tx: Tx, name: str, actor: Actor, *, lock: bool = False) -> Folder:
        folder = self._folders.find(tx, name, lock=lock)
        seen = folder and allows(Place("f", name), {name: folder.grants}, actor, Level.READ)
        if folder is None or not seen:
            raise FolderNotFound(name)
        return folder


async def hidden_by(folders: FolderService | None, actor: Actor) -> Hidden:
    """Return what says which paths `actor` may not see; without folders, none are hidden."""
    return (lambda _: None) if folders is None else await folders.hides(actor)


def _named(place: Place) -> str:
    return f"the folder {place.name}" if place.kind == "f" else "the space of its owner"


def _name(path: str) -> str:
    return path.removeprefix("f/").rstrip("~").rstrip("/")
