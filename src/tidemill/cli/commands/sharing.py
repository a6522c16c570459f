"""`tidemill projects visibility`, `members`, `share` and `unshare`."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

import typer

from tidemill.cli.client import connect, segment
from tidemill.cli.lazy import group
from tidemill.cli.options import All, Limit, limit_of
from tidemill.cli.output import Column, emit, emit_rows

sharing_app = group("Say who sees a project, and who does what there.")

_COLUMNS: list[Column] = [("NAME", "name"), ("ROLE", "role"), ("ID", "id")]
Project = Annotated[str, typer.Argument(help="The project's key or id.")]
User = Annotated[str, typer.Argument(help="Id of a member of the tenant, or `me`.")]


class SeenBy(StrEnum):
    """Who may see a project."""

    TENANT = "tenant"
    PRIVATE = "private"


class MayBe(StrEnum):
    """What somebody may be in a project."""

    OWNER = "owner"
    EDITOR = "editor"
    COMMENTER = "commenter"
    VIEWER = "viewer"


@sharing_app.command(examples=("tidemill projects visibility TM private",))
def visibility(
    project: Project,
    seen_by: Annotated[SeenBy, typer.Argument(help="The whole tenant, or its members alone.")],
) -> None:
    """Say whether the whole tenant sees a project, or its members alone."""
    body = {"visibility": seen_by.value}
    changed = connect().patch(f"/projects/{segment(project)}", body)
    emit(changed, f"{changed['key']} is seen by {_WHO[seen_by]}.")


@sharing_app.command(examples=("tidemill projects members TM",))
def members(project: Project, limit: Limit = 50, all_: All = False) -> None:
    """List who was made a member of a project."""
    address = f"/projects/{segment(project)}/members"
    rows = list(connect().pages(address, limit=limit_of(limit, all_)))
    emit_rows(rows, _COLUMNS, "Nobody: the roles in the tenant count.")


@sharing_app.command(examples=("tidemill projects share TM 019c0000-… --role commenter",))
def share(
    project: Project,
    user: User,
    role: Annotated[MayBe, typer.Option(help="What that person may do there.")] = MayBe.EDITOR,
) -> None:
    """Give somebody a role in a project, be it more or less than in the tenant."""
    address = f"/projects/{segment(project)}/members/{segment(user)}"
    member = connect().put(address, {"role": role.value})
    emit(member, f"{member['name']} is {member['role']} of {project}.")


@sharing_app.command(examples=("tidemill projects unshare TM 019c0000-…",))
def unshare(project: Project, user: User) -> None:
    """Take somebody's role in a project; `me` leaves it."""
    connect().delete(f"/projects/{segment(project)}/members/{segment(user)}")
    emit({"project": project, "user": user}, f"{user} has no role in {project} any more.")


_WHO = {SeenBy.TENANT: "the whole tenant", SeenBy.PRIVATE: "its members alone"}
