"""HTTP of passwords."""

from __future__ import annotations

from typing import Any, Final

from litestar import Response
from litestar.connection import Request

from tidemill.core.actor import Actor
from tidemill.http import Public, post, put
from tidemill.identity.login.doorway import Doorway
from tidemill.identity.login.routes import without_token
from tidemill.identity.login.schemas import TokenView
from tidemill.identity.password_changes.schemas import (
    ChangePassword,
    RedeemReset,
    RequestReset,
)
from tidemill.identity.password_changes.service import PasswordService
from tidemill.identity.permissions import CHANGE_PASSWORD

_DOOR: Final = Public(reason="Whoever forgot the password cannot log in.")


@put("/auth/password", CHANGE_PASSWORD)
async def change_password(
    data: ChangePassword, actor: Actor, passwords: PasswordService, doorway: Doorway
) -> Response[TokenView]:
    """Set a new password. Every other session ends; this one goes on.

    A client gets a new access token, a browser a new cookie and, by `/auth/me`, a new CSRF token.
    """
    entry = await passwords.change(data.current_password, data.new_password, actor=actor)
    view = TokenView.of(entry)
    if entry.cookie is None:
        return Response(view)
    return Response(without_token(view), cookies=[doorway.cookie(entry)])


@post("/auth/password-resets", _DOOR, status_code=202)
async def request_password_reset(
    data: RequestReset,
    request: Request[Any, Any, Any],
    passwords: PasswordService,
    doorway: Doorway,
) -> None:
    """Ask for a link to choose a new password; the answer is the same for every address.

    Once it is there the request is kept, so that no stop of the server loses the letter.
    """
    await passwords.request_reset(data.email, await doorway.admit(request))


@post("/auth/password-resets/redemptions", _DOOR, status_code=204)
async def redeem_password_reset(
    data: RedeemReset,
    request: Request[Any, Any, Any],
    passwords: PasswordService,
    doorway: Doorway,
) -> None:
    """Choose a new password by the link's secret; every session ends."""
    origin = await doorway.admit(request)
    await passwords.redeem_reset(data.token, data.password, origin)


ROUTES: Final = (change_password, request_password_reset, redeem_password_reset)
