"""How sessions look on the wire."""

from __future__ import annotations

from typing import Self

from tidemill.core.clock import rfc3339
from tidemill.http import PageView, View
from tidemill.identity.sessions.models import Session


class SessionView(View, frozen=True, kw_only=True):
    """A log-in on one device; `current` is the one that asks."""

    id: str
    kind: str
    tenant_id: str
    address: str | None
    user_agent: str | None
    current: bool
    created_at: str
    last_seen_at: str
    expires_at: str

    @classmethod
    def of(cls, session: Session, current: str | None) -> Self:
        """Return the view of `session`."""
        return cls(
            id=session.id,
            kind=session.kind,
            tenant_id=session.tenant_id,
            address=session.address,
            user_agent=session.user_agent,
            current=session.id == current,
            created_at=rfc3339(session.created_at),
            last_seen_at=rfc3339(session.last_seen_at),
            expires_at=rfc3339(session.expires_at),
        )


class SessionPage(PageView, frozen=True, kw_only=True):
    """A part of the list of sessions, the oldest first."""

    items: list[SessionView]
