"""How many jobs a tenant has waiting, without counting them each time."""

from __future__ import annotations

from collections.abc import Callable

from tidemill.core.ids import TenantId


class Quota:
    """Admits jobs until a tenant has too many waiting.

    It counts what was admitted since the last look at the table, which can only be too much, and
    looks again when that reaches the limit. Processes that admit at once count apart, so together
    they may admit up to the limit times their number.
    """

    def __init__(self, jobs_max: int) -> None:
        self._jobs_max = jobs_max
        self._at_most: dict[TenantId, int] = {}

    def admits(self, tenant_id: TenantId, count: Callable[[int], int]) -> bool:
        """Return whether one more job may wait; `count` counts those that wait, up to a limit."""
        known = self._at_most.get(tenant_id)
        if known is None or known >= self._jobs_max:
            known = count(self._jobs_max)
        self._at_most[tenant_id] = known + 1
        if known < self._jobs_max:
            return True
        self._at_most[tenant_id] = known
        return False
