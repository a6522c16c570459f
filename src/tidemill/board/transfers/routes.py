"""HTTP of transfers."""

from __future__ import annotations

from msgspec import UNSET

from tidemill.board.permissions import WRITE_WORK_ITEMS
from tidemill.board.transfers.models import NewTransfer, Transfer
from tidemill.board.transfers.schemas import CreateTransfer, TransferView
from tidemill.board.transfers.service import TransferService
from tidemill.board.versions import Expected
from tidemill.core.actor import Actor
from tidemill.http import Idempotency, post


@post("/work-items/{item_id:str}/transfers", WRITE_WORK_ITEMS, status_code=200)
async def transfer_work_item(
    item_id: str,
    data: CreateTransfer,
    actor: Actor,
    expected_version: int | None,
    idempotency: Idempotency,
    transfers: TransferService,
) -> TransferView:
    """Take a work item to another project; its former key goes on naming it."""
    made = await transfers.transfer(
        item_id,
        NewTransfer(project=data.project_id, children=data.children, parent=data.parent_id),
        Expected(
            if_match=expected_version,
            version=None if data.expected_version is UNSET else data.expected_version,
        ),
        actor=actor,
        once=idempotency.once(Transfer),
    )
    return TransferView.of(made)


ROUTES = (transfer_work_item,)
