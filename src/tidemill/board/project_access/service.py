"""Asks for roles in projects; each function works in the caller's transaction."""

from __future__ import annotations

from collections.abc import Collection
from typing import Final

from tidemill.board.access_errors import ProjectRoleNeeded, TenantRoleNeeded
from tidemill.board.contract import ProjectId
from tidemill.board.errors import ProjectNotFound
from tidemill.board.project_access.deeds import CONSEQUENCES, NEEDS
from tidemill.board.project_access.models import (
    ProjectRole,
    known_as,
    project_role,
    reader_of,
)
from tidemill.board.project_access.repository import AccessRepository
from tidemill.board.project_access.whole import reader_behind, whole
from tidemill.core.actor import Actor, Role
from tidemill.core.facts import Fact
from tidemill.core.ports import Tx

_TOPIC: Final = "project:"
_access: Final = AccessRepository()


def check_deed(tx: Tx, fact: Fact, *, by: Actor) -> None:
    """Return when `by` may do what `fact` tells; `tx` has no walls.

    Raises `ProjectNotFound`, `ProjectRoleNeeded` and `TenantRoleNeeded`.
    """
    name = type(fact).__name__
    if name in CONSEQUENCES:
        return
    need = NEEDS[name]
    projects = [one.removeprefix(_TOPIC) for one in fact.topics() if one.startswith(_TOPIC)]
    if need.both or not projects:
        check_tenant_role(by, need.tenant)
    for project_id in projects[:1] if need.first_alone else projects:
        held = _held_role(tx, ProjectId(project_id), by)
        _check(ProjectId(project_id), held, need.project)


def check_tenant_role(by: Actor, needed: Role) -> None:
    """Return when `by` has such a role in the tenant; raises `TenantRoleNeeded`."""
    if by.role is None or by.role.rank < needed.rank:
        raise TenantRoleNeeded(needed)


def check_role(tx: Tx, project_id: ProjectId, needed: ProjectRole, *, by: Actor) -> None:
    """Return when `by` has such a role in a project, or a higher one.

    Raises `ProjectNotFound` and `ProjectRoleNeeded`.
    """
    _check(project_id, role_in(tx, project_id, by), needed)


def require(tx: Tx, project_id: ProjectId, needed: ProjectRole, *, by: Actor) -> None:
    """Return when `by` has such a role in a project; for what no fact tells.

    Raises `ProjectNotFound` and `ProjectRoleNeeded`.
    """
    if reader_of(by) is not None:
        check_role(whole(tx), project_id, needed, by=by)


def may(tx: Tx, project_id: ProjectId, needed: ProjectRole, actor: Actor) -> bool:
    """Return whether `actor` has such a role in a project, or a higher one."""
    if reader_of(actor) is None:
        return True
    role = role_in(whole(tx), project_id, actor)
    return role is not None and role.rank >= needed.rank


def owns(tx: Tx, project_id: ProjectId, user_id: str) -> bool:
    """Return whether somebody is an owner of a project, by whatever role; `tx` has no walls."""
    return _access.owns(tx, project_id, user_id)


def role_for_guards(tx: Tx, project_id: ProjectId, actor: Actor) -> Role | None:
    """Return the role by which the workflow of a project knows `actor`; see `known_as`."""
    if reader_of(actor) is None:
        return actor.role
    access = _access.find(whole(tx), project_id, actor.user_id or "")
    return actor.role if access is None else known_as(actor.role, access)


def hidden_among(tx: Tx, names: Collection[str]) -> frozenset[str]:
    """Return which keys of projects, or ids of what is in them, are of projects behind the walls.

    What nobody knows is none of them.
    """
    if not names or reader_behind(tx) is None:
        return frozenset()
    places = _access.named(whole(tx), names)
    seen = _access.seen(tx, set(places.values()))
    return frozenset(name for name, project_id in places.items() if project_id not in seen)


def _held_role(tx: Tx, project_id: ProjectId, actor: Actor) -> ProjectRole | None:
    """Return what `role_in` returns, which holds until this transaction ends."""
    if actor.project_id is not None:
        return role_in(tx, project_id, actor)
    access = _access.hold(tx, project_id, actor.user_id or "")
    return None if access is None else project_role(actor.role, access)


def _check(project_id: ProjectId, role: ProjectRole | None, needed: ProjectRole) -> None:
    if role is None:
        raise ProjectNotFound(project_id)
    if role.rank < needed.rank:
        raise ProjectRoleNeeded(needed, role)


def role_in(tx: Tx, project_id: ProjectId, actor: Actor) -> ProjectRole | None:
    """Return what `actor` may do in a project; None for one that it may not see."""
    if actor.project_id is not None:
        return ProjectRole.VIEWER if actor.project_id == project_id else None
    access = _access.find(tx, project_id, actor.user_id or "")
    return None if access is None else project_role(actor.role, access)
