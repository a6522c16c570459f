"""What a dispatcher is started with."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from msgspec import Struct

lead_seconds_max: Final = 15.0
lead_ticks_min: Final = 3
_terms_per_lease: Final = 3
_grace_seconds: Final = 10.0


class DispatcherOptions(Struct, frozen=True, kw_only=True):
    """Where it listens, how much it hands out, and what jobs may use.

    Without a `directory` its workers are in its own process.
    `heard_by_leader_only` says that there are workers which no other dispatcher can hear. One that
    may not lead rescues nothing and moves nothing that is due: others do.
    """

    directory: Path | None
    api_url: str
    holder: str
    lease_seconds: float = 30.0
    heard_by_leader_only: bool = False
    may_lead: bool = True
    heartbeat_seconds: float = 10.0
    jobs_per_turn_max: int = 200
    dispatched_max: int = 100
    tick_seconds: float = 1.0
    look_seconds: float = 10.0
    history_days: int = 30
    memory_bytes_max: int = 512 * 1024 * 1024
    disk_bytes_max: int = 256 * 1024 * 1024
    processes_max: int = 64
    open_files_max: int = 256
    log_bytes_max: int = 16 * 1024 * 1024
    result_bytes_max: int = 2 * 1024 * 1024

    @property
    def lead_seconds(self) -> float:
        """How long a leader leads that does not renew its term.

        Well below a lease: when leader and worker die together, the term is over by the time at
        which the lease is.
        """
        shortest = lead_ticks_min * self.tick_seconds
        return min(lead_seconds_max, max(self.lease_seconds / _terms_per_lease, shortest))

    @property
    def grace_seconds(self) -> float:
        """How long a new leader rescues nothing.

        Each worker that lives can be heard by then: it notices that its leader is another one, and
        says Hello to that one.
        """
        return min(self.lease_seconds, _grace_seconds)
