"""The bus of a single process: a function call."""

from __future__ import annotations

from collections.abc import Sequence

from tidemill.core.ports import Ephemeral, FactBatch
from tidemill.infrastructure.messaging.messages import check_subjects, subject
from tidemill.infrastructure.messaging.receivers import Receivers


class InProcessBus(Receivers):
    """Hands everything to the handlers of this process at once."""

    shared = False

    async def start(self) -> None:
        """Nothing to connect to."""

    async def stop(self) -> None:
        """Nothing to flush."""

    async def publish(self, batches: Sequence[FactBatch]) -> None:
        """Hand facts over; returns when every handler has them."""
        check_subjects(tuple(batches))
        for batch in batches:
            self._received_facts(batch)

    async def broadcast(self, update: Ephemeral) -> None:
        """Hand an ephemeral update over."""
        subject("", update.tenant_id)
        self._received_ephemeral(update)
