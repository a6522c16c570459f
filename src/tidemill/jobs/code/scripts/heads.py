"""The versions that run, as this process has read them a moment ago."""

from __future__ import annotations

from collections import OrderedDict
from typing import Final

from tidemill.core.clock import Clock
from tidemill.core.ids import TenantId
from tidemill.jobs.code.scripts.models import Script

known_seconds: Final = 1.0
"""How long this process goes by what it has read of a script; what it deploys counts at once."""
heads_max: Final = 4096


class Heads:
    """Scripts of which jobs were started lately; without a clock, none are kept."""

    def __init__(self, clock: Clock | None) -> None:
        self._clock = clock
        self._known: OrderedDict[tuple[TenantId, str], tuple[float, Script]] = OrderedDict()
        self._epoch = 0

    def find(self, tenant_id: TenantId, path: str) -> Script | None:
        """Return a script as it was within the last second, if it was read by then."""
        known = self._known.get((tenant_id, path))
        if known is None or self._clock is None:
            return None
        return known[1] if self._clock.monotonic() < known[0] else None

    def reading(self) -> tuple[int, float]:
        """Return what `keep` wants to know of when a read began."""
        return self._epoch, 0.0 if self._clock is None else self._clock.monotonic()

    def keep(self, tenant_id: TenantId, script: Script, began: tuple[int, float]) -> None:
        """Go by what was read, unless something was changed since that began."""
        epoch, began_at = began
        if self._clock is None or epoch != self._epoch:
            return
        self._known[tenant_id, script.path] = (began_at + known_seconds, script)
        while len(self._known) > heads_max:
            self._known.popitem(last=False)

    def drop(self, tenant_id: TenantId, path: str) -> None:
        """Read a script again that was changed here."""
        self._epoch += 1
        self._known.pop((tenant_id, path), None)
