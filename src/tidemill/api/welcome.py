"""Where a browser lands that opens the address alone."""

from __future__ import annotations

from typing import Final

from litestar.response import Redirect

from tidemill.http.routing import Public, get


@get(
    "/",
    Public(reason="It says nothing but where to go."),
    opt={"root": True},
    errors=(),
    include_in_schema=False,
    status_code=302,
)
async def welcome() -> Redirect:
    """Lead to the documentation of the API."""
    return Redirect("/api/docs", status_code=302)


ROUTES: Final = (welcome,)
