"""HTTP of the users of the installation."""

from __future__ import annotations

from typing import Annotated, Final

from litestar.params import QueryParameter

from tidemill.core.actor import Actor
from tidemill.core.ids import UserId
from tidemill.core.pages import page_request
from tidemill.http import get, post
from tidemill.http.parameters import Cursor, Limit
from tidemill.identity.directory.schemas import DisableUser, UserPage, UserView
from tidemill.identity.directory.service import UserDirectory
from tidemill.identity.permissions import DISABLE_USERS, ENABLE_USERS, READ_USERS

_Email = Annotated[
    str | None, QueryParameter(name="email", description="Only the user with this address.")
]


@get("/users", READ_USERS)
async def list_users(
    actor: Actor,
    user_directory: UserDirectory,
    email: _Email = None,
    limit: Limit = None,
    cursor: Cursor = None,
) -> UserPage:
    """List the users of the installation, of all tenants; operators only."""
    page = page_request(limit, cursor, f"users:{email}")
    found = await user_directory.list(page, email=email, actor=actor)
    return UserPage(
        items=[UserView.of(user) for user in found.items], next_cursor=found.next_cursor
    )


@post("/users/{user_id:str}/disable", DISABLE_USERS, status_code=200)
async def disable_user(
    user_id: str, actor: Actor, user_directory: UserDirectory, data: DisableUser | None = None
) -> UserView:
    """Close an account: sessions and invitations end, tokens and jobs count no more within 2 s.

    Operators of the installation only, and not their own.
    """
    force = data is not None and data.force
    return UserView.of(await user_directory.disable(UserId(user_id), force=force, actor=actor))


@post("/users/{user_id:str}/enable", ENABLE_USERS, status_code=200)
async def enable_user(user_id: str, actor: Actor, user_directory: UserDirectory) -> UserView:
    """Open an account again: its user can log in, and API tokens that still last count again.

    Operators of the installation only.
    """
    return UserView.of(await user_directory.enable(UserId(user_id), actor=actor))


ROUTES: Final = (list_users, disable_user, enable_user)
