"""What a dispatcher is started with."""

from __future__ import annotations

from pathlib import Path

from msgspec import Struct


class DispatcherOptions(Struct, frozen=True, kw_only=True):
    """Where it listens, how much it hands out, and what jobs may use.

    Without a `directory` its workers are in its own process.
    """

    directory: Path | None
    api_url: str
    holder: str
    lease_seconds: float = 30.0
    heartbeat_seconds: float = 10.0
    jobs_per_turn_max: int = 200
    dispatched_max: int = 100
    tick_seconds: float = 1.0
    look_seconds: float = 10.0
    lead_seconds: float = 15.0
    history_days: int = 30
    memory_bytes_max: int = 512 * 1024 * 1024
    disk_bytes_max: int = 256 * 1024 * 1024
    processes_max: int = 64
    open_files_max: int = 256
    log_bytes_max: int = 16 * 1024 * 1024
    result_bytes_max: int = 2 * 1024 * 1024
