"""HTTP of members."""

from __future__ import annotations

from typing import Any, Final

from litestar.connection import Request

from tidemill.core.actor import Actor
from tidemill.core.ids import UserId
from tidemill.core.pages import PageRequest
from tidemill.http import Tagged, composed, delete, get, patch
from tidemill.identity.errors import MemberNotFound
from tidemill.identity.members.models import Member
from tidemill.identity.members.schemas import ChangeMember, MemberPage, MemberView
from tidemill.identity.members.service import MemberService
from tidemill.identity.permissions import CHANGE_MEMBERS, LEAVE_TENANT, READ_MEMBERS


@get("/members", READ_MEMBERS)
async def list_members(actor: Actor, page: PageRequest, members: MemberService) -> MemberPage:
    """List who belongs to your tenant."""
    found = await members.list(page, actor=actor)
    return MemberPage(
        items=[MemberView.of(member, to=actor) for member in found.items],
        next_cursor=found.next_cursor,
    )


@get("/members/{user_id:str}", READ_MEMBERS)
async def get_member(
    user_id: str, actor: Actor, members: MemberService, request: Request[Any, Any, Any]
) -> Tagged[MemberView]:
    """Read a member of your tenant."""
    return _answer(await members.get(UserId(user_id), actor=actor), actor, request)


@patch("/members/{user_id:str}", CHANGE_MEMBERS)
async def change_member(
    user_id: str,
    data: ChangeMember,
    actor: Actor,
    expected_version: int | None,
    members: MemberService,
    request: Request[Any, Any, Any],
) -> Tagged[MemberView]:
    """Give a member another role, at most your own; the last owner stays one."""
    member = await members.set_role(
        UserId(user_id), data.role, expected_version=expected_version, actor=actor
    )
    return _answer(member, actor, request)


@delete("/members/{user_id:str}", CHANGE_MEMBERS)
async def remove_member(
    user_id: str, actor: Actor, expected_version: int | None, members: MemberService
) -> None:
    """Remove a member; its sessions and tokens end here within 2 s."""
    await members.remove(UserId(user_id), expected_version=expected_version, actor=actor)


@delete("/members/me", LEAVE_TENANT)
async def leave_tenant(actor: Actor, members: MemberService) -> None:
    """Leave the tenant; its last owner cannot."""
    if actor.user_id is None:
        raise MemberNotFound
    await members.remove(actor.user_id, actor=actor)


def _answer(member: Member, actor: Actor, request: Request[Any, Any, Any]) -> Tagged[MemberView]:
    # The version is that of the membership; the name and the last login are the person's.
    return composed(
        MemberView.of(member, to=actor),
        version=member.version,
        request=request,
        born=member.joined_at,
    )


ROUTES: Final = (list_members, get_member, change_member, remove_member, leave_tenant)
