"""Failures around guest links."""

from __future__ import annotations

from tidemill.core.errors import NotFound


class GuestLinkNotFound(NotFound):
    """There is no such guest link of this project."""

    code = "GUEST_LINK_NOT_FOUND"

    def __init__(self) -> None:
        super().__init__("This project has no such guest link.")
