"""A kept filter, and who may see and change it."""

from __future__ import annotations

from typing import Final

from msgspec import UNSET, Struct, UnsetType, structs

from tidemill.board.contract import ProjectId, ViewId
from tidemill.board.errors import NullNotAllowed
from tidemill.board.filter_errors import ViewNotOwn
from tidemill.board.texts import single_line
from tidemill.core.actor import Actor, Role
from tidemill.core.clock import Instant

views_per_owner_max: Final = 200
_name_chars_max: Final = 100


class View(Struct, frozen=True):
    """A view, in the order of the columns that a read selects."""

    id: ViewId
    project_id: ProjectId | None
    name: str
    filter: str
    owner_id: str
    shared_at: Instant | None
    version: int
    created_at: Instant
    updated_at: Instant
    updated_by: str

    @property
    def is_shared(self) -> bool:
        """Return whether all of the tenant see it."""
        return self.shared_at is not None

    def is_seen_by(self, actor: Actor) -> bool:
        """Return whether `actor` may know of it."""
        return self.is_shared or self.owner_id == person_of(actor)

    def check_changeable_by(self, actor: Actor) -> None:
        """Return when `actor` may change it; raises `ViewNotOwn`."""
        is_admin = actor.role is not None and actor.role.rank >= Role.ADMIN.rank
        if self.owner_id != person_of(actor) and not is_admin:
            raise ViewNotOwn(self.name)


class NewView(Struct, frozen=True, kw_only=True):
    """What a caller gives to keep a filter; the project by id or key."""

    name: str
    filter: str
    project: str | None = None
    is_shared: bool = False


class ViewChanges(Struct, frozen=True, kw_only=True):
    """What shall change; what is unset stays."""

    name: str | UnsetType | None = UNSET
    filter: str | UnsetType | None = UNSET
    is_shared: bool | UnsetType | None = UNSET


def person_of(actor: Actor) -> str:
    """Return whose views are the actor's own: the person's, where there is one."""
    return actor.user_id or actor.id


def valid_name(text: str) -> str:
    """Return a name on one line; raises `InvalidText`."""
    return single_line(text, param="name", chars_max=_name_chars_max)


def changed(view: View, changes: ViewChanges, *, at: Instant) -> View:
    """Return `view` with `changes`; its version stays. Raises `NullNotAllowed`, `InvalidText`."""
    for param in ("name", "filter", "is_shared"):
        if getattr(changes, param) is None:
            raise NullNotAllowed(param)
    wanted = view
    if isinstance(changes.name, str):
        wanted = structs.replace(wanted, name=valid_name(changes.name))
    if isinstance(changes.filter, str):
        wanted = structs.replace(wanted, filter=changes.filter)
    if isinstance(changes.is_shared, bool) and changes.is_shared != view.is_shared:
        wanted = structs.replace(wanted, shared_at=at if changes.is_shared else None)
    return wanted
