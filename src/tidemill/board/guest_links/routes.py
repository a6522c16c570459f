"""HTTP of guest links."""

from __future__ import annotations

from typing import Any

from litestar.connection import Request

from tidemill.board.guest_links.schemas import (
    CreateGuestLink,
    GuestLinkPage,
    GuestLinkView,
    NewGuestLinkView,
)
from tidemill.board.guest_links.service import GuestLinkUseCases
from tidemill.board.permissions import WRITE_PROJECT_MEMBERS
from tidemill.core.actor import Actor
from tidemill.core.pages import PageRequest
from tidemill.http import Idempotency, delete, get, post
from tidemill.identity import NewGuestLink


@post("/projects/{project_id:str}/guest-links", WRITE_PROJECT_MEMBERS)
async def create_guest_link(
    *,
    project_id: str,
    data: CreateGuestLink,
    actor: Actor,
    idempotency: Idempotency,
    guest_links: GuestLinkUseCases,
    request: Request[Any, Any, Any],
) -> NewGuestLinkView:
    """Let whoever has a link read a project; its token is shown in this answer and never again."""
    made = await guest_links.create(
        project_id,
        data.name,
        expires_in_days=data.expires_in_days,
        actor=actor,
        once=idempotency.once(NewGuestLink, without_secrets=NewGuestLink.without_secret),
    )
    address = str(request.base_url).rstrip("/")
    return NewGuestLinkView.of(made, f"{address}/api/v1/projects/{made.link.project_id}")


@get("/projects/{project_id:str}/guest-links", WRITE_PROJECT_MEMBERS)
async def list_guest_links(
    project_id: str, actor: Actor, page: PageRequest, guest_links: GuestLinkUseCases
) -> GuestLinkPage:
    """List the guest links of a project, the oldest first."""
    found = await guest_links.list(project_id, page, actor=actor)
    return GuestLinkPage(
        items=[GuestLinkView.of(link) for link in found.items], next_cursor=found.next_cursor
    )


@delete("/projects/{project_id:str}/guest-links/{guest_link_id:str}", WRITE_PROJECT_MEMBERS)
async def revoke_guest_link(
    project_id: str, guest_link_id: str, actor: Actor, guest_links: GuestLinkUseCases
) -> None:
    """End a guest link, in every process within 2 s."""
    await guest_links.revoke(project_id, guest_link_id, actor=actor)


ROUTES = (create_guest_link, list_guest_links, revoke_guest_link)
