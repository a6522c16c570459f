"""What a transaction audits, as it lies in the outbox."""

from __future__ import annotations

import msgspec
import pytest
from msgspec import structs

from tidemill.core.actor import Origin, system
from tidemill.core.ids import TenantId
from tidemill.core.ports import Tx
from tidemill.infrastructure.database import Stores

pytestmark = pytest.mark.anyio


@pytest.mark.parametrize("store", ["control", "jobs"])
async def test_audit_lines_are_kept_as_said_and_in_order(stores: Stores, store: str) -> None:
    database = getattr(stores, store)
    said: list[tuple[str, str, str | None, str | None]] = [
        *((f"lamp:{number}", f"r-{number}", None, '{"lit":true}') for number in range(4)),
        ("lamp:4", "r-4", '{"lit":true}', '{"lit":false}'),
        ("lamp:\"5'\\ ü", "r-5", None, '{"lit":true}'),
        *((f"lamp:{number}", f"r-{number}", None, None) for number in range(6, 10)),
    ]

    def use_case(tx: Tx) -> None:
        for resource, request_id, before, after in said:
            by = structs.replace(
                system("test", TenantId("t-1")), origin=Origin(request_id=request_id)
            )
            tx.audit(
                "lamps.lamps.light",
                by=by,
                resource=resource,
                before=before and msgspec.json.decode(before),
                after=after and msgspec.json.decode(after),
            )

    await database.write(TenantId("t-1"), use_case)

    lines = await database.read(
        TenantId("t-1"),
        lambda tx: tx.all(
            "SELECT resource, request_id, before, after, id FROM audit_outbox"
            " WHERE tenant_id = :tenant_id ORDER BY position"
        ),
    )
    assert [tuple(line[:4]) for line in lines] == said
    assert len({line[4] for line in lines}) == len(said)
