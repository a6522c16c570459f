"""Wire bodies of the audit log."""

from __future__ import annotations

from typing import Any, Self

from tidemill.audit.chain.models import ChainProblem, Line
from tidemill.audit.chain.service import Verification
from tidemill.core.actor import AuditActor
from tidemill.core.clock import rfc3339
from tidemill.http import PageView, View


class AuditEventView(View, frozen=True, kw_only=True):
    """A line of the log; its body is null once retention has erased it."""

    seq: int
    id: str
    at: str
    action: str
    resource: str
    actor: AuditActor | None
    request_id: str | None
    address: str | None
    before: Any
    after: Any
    detail: str | None
    erased: bool
    hash: str

    @classmethod
    def of(cls, line: Line) -> Self:
        """Return the line as it is shown."""
        entry = line.entry()
        return cls(
            seq=line.seq,
            id=line.id,
            at=rfc3339(line.at),
            action=line.action,
            resource=line.resource,
            actor=entry.actor if entry else None,
            request_id=entry.request_id if entry else None,
            address=entry.address if entry else None,
            before=entry.before if entry else None,
            after=entry.after if entry else None,
            detail=entry.detail if entry else None,
            erased=entry is None,
            hash=line.hash,
        )


class AuditEventPage(PageView, frozen=True, kw_only=True):
    """A page of the log, newest first."""

    items: list[AuditEventView]


class VerificationView(View, frozen=True, kw_only=True):
    """What a check of the chain found; `witnessed_seq` is the last head kept apart."""

    holds: bool
    lines: int
    head_seq: int
    witnessed_seq: int | None
    problems: list[ChainProblem]

    @classmethod
    def of(cls, verification: Verification) -> Self:
        """Return the check as it is shown."""
        witnessed = verification.witnessed
        return cls(
            holds=verification.holds,
            lines=verification.lines,
            head_seq=verification.head.seq,
            witnessed_seq=witnessed.seq if witnessed else None,
            problems=verification.problems,
        )
