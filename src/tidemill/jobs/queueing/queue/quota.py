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

    def __init__(self) -> None:
        self._at_most: dict[TenantId, int] = {}

    def admits(
        self, tenant_id: TenantId, count: Callable[[int], int], *, jobs_max: int, jobs: int = 1
    ) -> bool:
        """Return whether so many more may wait; `count` counts those that wait, up to a limit."""
        known = self._at_most.get(tenant_id)
        if known is None or known + jobs > jobs_max:
            known = count(jobs_max)
        admitted = known + jobs <= jobs_max
        self._at_most[tenant_id] = known + jobs if admitted else known
        return admitted
