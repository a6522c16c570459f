"""What the processes of one zygote share."""

from __future__ import annotations

from typing import Any, NamedTuple


class Zygote(NamedTuple):
    """What every job of this zygote shares."""

    walls: str
    plan: dict[str, Any]
    late: list[str]
    filter_program: bytes
    processes: int
