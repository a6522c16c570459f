"""HTTP of bulk changes."""

from __future__ import annotations

from typing import Any, Final

from litestar import Response
from litestar.openapi.datastructures import ResponseSpec

from tidemill.board.bulk_changes.models import BulkChangeRefused, BulkReport
from tidemill.board.bulk_changes.schemas import ChangeWorkItems, RefusedBulkChange
from tidemill.board.bulk_changes.service import BulkChangeService
from tidemill.board.permissions import WRITE_WORK_ITEMS
from tidemill.core.actor import Actor
from tidemill.http import Idempotency, post
from tidemill.http.bodies import ErrorDetail

_REFUSED: Final = ResponseSpec(
    RefusedBulkChange,
    description="Refused; where items may not change so, the report says of each why.",
    generate_examples=False,
)


@post(
    "/work-items/batch",
    WRITE_WORK_ITEMS,
    status_code=200,
    errors=(400, 401, 403, 404, 408, 409, 413, 429, 503),
    responses={422: _REFUSED},
)
async def change_work_items(
    data: ChangeWorkItems, actor: Actor, idempotency: Idempotency, bulk_changes: BulkChangeService
) -> Response[BulkReport]:
    """Change, delete or restore up to 1000 work items in one step, and report on each."""
    once = None if data.dry_run else idempotency.once(BulkReport)
    try:
        report = await bulk_changes.apply(data.wanted(), actor=actor, once=once)
    except BulkChangeRefused as refused:
        return _refused(refused)
    return Response(report, status_code=200)


def _refused(refused: BulkChangeRefused) -> Response[Any]:
    detail = ErrorDetail(message=refused.message, type=refused.type, code=refused.code)
    body = RefusedBulkChange(error=detail, report=refused.report)
    return Response(body, status_code=refused.status)


ROUTES: Final = (change_work_items,)
