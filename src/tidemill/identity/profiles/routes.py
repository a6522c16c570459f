"""HTTP of one's own account."""

from __future__ import annotations

from typing import Any, Final

from litestar.connection import Request

from tidemill.core.actor import Actor
from tidemill.http import Tagged, get, patch, single
from tidemill.http.authentication import session_cookie_of
from tidemill.identity.login.entries import csrf_token
from tidemill.identity.permissions import CHANGE_ME, READ_ME
from tidemill.identity.profiles.schemas import ChangeProfile, MeView, ProfileView
from tidemill.identity.profiles.service import ProfileService
from tidemill.identity.users.models import ProfileChanges


@get("/auth/me", READ_ME)
async def read_me(
    actor: Actor, profiles: ProfileService, request: Request[Any, Any, Any]
) -> MeView:
    """Read who acts, in which tenant, and with which rights."""
    me = await profiles.me(actor=actor)
    cookie = session_cookie_of(request)
    by_cookie = cookie is not None and "authorization" not in request.headers
    return MeView.of(me, actor, csrf_token(cookie) if cookie and by_cookie else None)


@patch("/auth/me", CHANGE_ME)
async def change_me(
    data: ChangeProfile,
    actor: Actor,
    expected_version: int | None,
    profiles: ProfileService,
    request: Request[Any, Any, Any],
) -> Tagged[ProfileView]:
    """Change your name, picture, time zone or who sees your address."""
    user = await profiles.change_profile(
        ProfileChanges(
            name=data.name,
            avatar=data.avatar,
            time_zone=data.time_zone,
            visibility=data.visibility,
        ),
        expected_version=expected_version,
        actor=actor,
    )
    return single(ProfileView.of(user), version=user.version, request=request)


ROUTES: Final = (read_me, change_me)
