"""The audit log as the runtime sees it."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Final

from tidemill.audit.chain.routes import ROUTES
from tidemill.audit.chain.service import Chain
from tidemill.audit.chain.witness import Witness, WitnessKeeper, interval_seconds
from tidemill.audit.permissions import PERMISSIONS
from tidemill.core.clock import after
from tidemill.core.figures import Figure, FigureKind, gauge
from tidemill.core.module import Module, Offer, Parts, Periodic
from tidemill.core.ports import StoreKind
from tidemill.events import DELIVERY

erase_every_seconds: Final = 6 * 3600.0


def build(parts: Parts) -> Offer:
    """Return what the audit log offers to a process."""
    key = parts.config.audit.chain_key.encode()
    witness = Witness(Path(parts.config.server.data_dir) / "audit", key)
    stores = {
        StoreKind.CONTROL: parts.control,
        StoreKind.JOBS: parts.jobs,
        StoreKind.TENANT: parts.tenants,
    }
    chain = Chain(stores, key, witness)
    parts.get(DELIVERY).add(chain)
    keeper = WitnessKeeper(witness, chain.head_after)
    days = parts.config.audit.retention_days

    async def erase_old() -> None:
        if days:
            await chain.erase_before(after(parts.clock.now(), timedelta(days=-days)))

    return Offer(
        routes=ROUTES,
        dependencies={"audit_chain": chain},
        services=(keeper,),
        periodic=(
            Periodic(name="audit.witness", every_seconds=interval_seconds, run=keeper.keep),
            Periodic(name="audit.retention", every_seconds=erase_every_seconds, run=erase_old),
        ),
        permissions=PERMISSIONS,
        figures=(
            Figure(
                name="tidemill_audit_lines_total",
                meaning="Lines that were added to audit chains.",
                read=gauge(lambda: chain.lines_added),
                kind=FigureKind.COUNTER,
            ),
            Figure(
                name="tidemill_audit_verifications_total",
                meaning="Audit chains that were verified, by what was found.",
                read=chain.verified.samples,
                kind=FigureKind.COUNTER,
                labels=("outcome",),
            ),
        ),
    )


MODULE: Final = Module(name="audit", build=build, requires=(DELIVERY,))
