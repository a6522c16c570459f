"""How many jobs a tenant has waiting, without counting them each time."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from tidemill.core.ids import TenantId

counting_share_max: Final = 0.05
"""What of a writer's time may go into counting for a tenant whose queue stays full."""
counting_rest_seconds_max: Final = 10.0
counted_anew_max: Final = 10_000
"""A queue that is full with no more jobs is counted at each request."""


class Quota:
    """Admits jobs until a tenant has too many waiting.

    It counts what was admitted since the last look at the table, which can only be too much, and
    looks again when that reaches the limit. Processes that admit at once count apart, so together
    they may admit up to the limit times their number.
    """

    def __init__(self, monotonic: Callable[[], float]) -> None:
        self._monotonic = monotonic
        self._at_most: dict[TenantId, int] = {}
        self._full_until: dict[TenantId, float] = {}

    def admits(
        self, tenant_id: TenantId, count: Callable[[int], int], *, jobs_max: int, jobs: int = 1
    ) -> bool:
        """Return whether so many more may wait; `count` counts those that wait, up to a limit."""
        known = self._at_most.get(tenant_id)
        if known is None or known + jobs > jobs_max:
            began = self._monotonic()
            # A long queue takes long to count, and whoever is refused may ask again at once.
            if began < self._full_until.get(tenant_id, began):
                return False
            known = count(jobs_max)
            self._full_until.pop(tenant_id, None)
            if known + jobs > jobs_max > counted_anew_max:
                ended = self._monotonic()
                rest = min((ended - began) / counting_share_max, counting_rest_seconds_max)
                self._full_until[tenant_id] = ended + rest
        admitted = known + jobs <= jobs_max
        self._at_most[tenant_id] = known + jobs if admitted else known
        return admitted
