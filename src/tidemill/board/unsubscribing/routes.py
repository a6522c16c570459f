"""The page behind the link in a mail, as RFC 8058 wants it: GET asks, POST does."""

from __future__ import annotations

from typing import Any, Final
from urllib.parse import quote

from litestar import Response

from tidemill.board.unsubscribing.service import Unsubscribing
from tidemill.core.errors import TidemillError
from tidemill.http import Public, get, post
from tidemill.http.pages import Form, form_page, message_page

_LINK: Final = Public(reason="The signed link in a mail is the credential; it ends mail alone.")
_TITLE: Final = "Unsubscribe"
_OPTIONS: Final[dict[str, Any]] = {
    "opt": {"root": True},
    "include_in_schema": False,
    "errors": (),
    "media_type": "text/html",
    "exception_handlers": {TidemillError: lambda _, error: _refusal(error)},
}


@get("/unsubscribe", _LINK, **_OPTIONS)
async def show_unsubscribe(unsubscribing: Unsubscribing, token: str = "") -> Response[str]:
    """Ask whether no more mail shall come; what follows links changes nothing."""
    await unsubscribing.check(token)
    return form_page(
        Form(
            title=_TITLE,
            text="Notifications of this team will come by mail no more. Your inbox stays as it is.",
            action=f"/unsubscribe?token={quote(token)}",
            button="No more mail",
            fields=(),
        )
    )


@post("/unsubscribe", _LINK, status_code=200, **_OPTIONS)
async def unsubscribe(unsubscribing: Unsubscribing, token: str = "") -> Response[str]:
    """End mail of notifications; mail programs do so by one click, without cookies."""
    await unsubscribing.stop(token)
    return message_page(
        "No more mail",
        "You get no more mail of notifications. This brings it back:",
        command="tidemill inbox preferences --any-mail",
    )


def _refusal(error: TidemillError) -> Response[str]:
    return message_page(_TITLE, error.message, status_code=error.status)


ROUTES: Final = (show_unsubscribe, unsubscribe)
