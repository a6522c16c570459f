"""HTTP of the audit log."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import datetime
from typing import Annotated, Final

import msgspec
from litestar.openapi.datastructures import ResponseSpec
from litestar.params import QueryParameter
from litestar.response import Stream

from tidemill.audit.chain.models import Query
from tidemill.audit.chain.schemas import AuditEventPage, AuditEventView, VerificationView
from tidemill.audit.chain.service import Chain
from tidemill.audit.permissions import READ_AUDIT, VERIFY_AUDIT
from tidemill.core.actor import Actor
from tidemill.core.pages import page_request
from tidemill.http import get, post
from tidemill.http.parameters import Cursor, Limit, instant_of

Who = Annotated[str | None, QueryParameter(name="actor", description="Id of the actor.")]
What = Annotated[
    str | None, QueryParameter(name="action", description="Such as board.projects.create.")
]
Which = Annotated[str | None, QueryParameter(name="resource", description="Such as project:ID.")]
Since = Annotated[
    datetime | None, QueryParameter(name="since", description="From this instant on.")
]
Until = Annotated[datetime | None, QueryParameter(name="until", description="Before this instant.")]


@get("/audit-events", READ_AUDIT)
async def list_audit_events(  # noqa: PLR0913 - one parameter for each filter
    actor: Actor,
    audit_chain: Chain,
    *,
    who: Who = None,
    what: What = None,
    which: Which = None,
    since: Since = None,
    until: Until = None,
    limit: Limit = None,
    cursor: Cursor = None,
) -> AuditEventPage:
    """List what was done in the tenant, newest first."""
    query = _query(who, what, which, since, until)
    digest = msgspec.json.encode(query.filters()).decode()
    page = await audit_chain.search(query, page_request(limit, cursor, digest), actor=actor)
    return AuditEventPage(
        items=[AuditEventView.of(line) for line in page.items], next_cursor=page.next_cursor
    )


_EXPORT: Final = ResponseSpec(
    str,
    description="Lines of JSON, each a line of the audit log.",
    media_type="application/x-ndjson",
    generate_examples=False,
)


@get(
    "/audit-events/export",
    READ_AUDIT,
    opt={"stream": True},
    media_type="application/x-ndjson",
    responses={200: _EXPORT},
)
async def export_audit_events(  # noqa: PLR0913 - one parameter for each filter
    actor: Actor,
    audit_chain: Chain,
    *,
    who: Who = None,
    what: What = None,
    which: Which = None,
    since: Since = None,
    until: Until = None,
) -> Stream:
    """Export matching lines, oldest first, one JSON document a line."""
    pages = audit_chain.export(_query(who, what, which, since, until), actor=actor)

    async def text() -> AsyncIterator[bytes]:
        async for lines in pages:
            yield b"".join(msgspec.json.encode(AuditEventView.of(line)) + b"\n" for line in lines)

    return Stream(text(), media_type="application/x-ndjson")


@post("/audit-verifications", VERIFY_AUDIT, status_code=200)
async def verify_audit_chain(actor: Actor, audit_chain: Chain) -> VerificationView:
    """Walk the tenant's whole chain and tell every line that was changed, removed or cut."""
    return VerificationView.of(await audit_chain.verify(actor.tenant_id))


def _query(
    who: str | None,
    what: str | None,
    which: str | None,
    since: datetime | None,
    until: datetime | None,
) -> Query:
    return Query(
        actor=who,
        action=what,
        resource=which,
        since=instant_of("since", since),
        until=instant_of("until", until),
    )


ROUTES: Final = (list_audit_events, export_audit_events, verify_audit_chain)
