"""HTTP of sessions."""

from __future__ import annotations

from typing import Final

from tidemill.core.actor import Actor
from tidemill.core.pages import PageRequest
from tidemill.http import delete, get
from tidemill.identity.permissions import END_SESSIONS, READ_SESSIONS
from tidemill.identity.sessions.schemas import SessionPage, SessionView
from tidemill.identity.sessions.service import SessionService


@get("/auth/sessions", READ_SESSIONS)
async def list_sessions(actor: Actor, page: PageRequest, sessions: SessionService) -> SessionPage:
    """List the devices that you are logged in on."""
    found = await sessions.list(page, actor=actor)
    return SessionPage(
        items=[SessionView.of(session, actor.session_id) for session in found.items],
        next_cursor=found.next_cursor,
    )


@delete("/auth/sessions/{session_id:str}", END_SESSIONS)
async def end_session(session_id: str, actor: Actor, sessions: SessionService) -> None:
    """Log a device out, in every process within 2 s."""
    await sessions.end(session_id, actor=actor)


@delete("/auth/sessions", END_SESSIONS)
async def end_other_sessions(actor: Actor, sessions: SessionService) -> None:
    """Log out every device but this one."""
    await sessions.end_others(actor=actor)


ROUTES: Final = (list_sessions, end_session, end_other_sessions)
