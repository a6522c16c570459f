"""How often the garbage collector looks at a process that lives long."""

from __future__ import annotations

import gc
from typing import Final

_collect_after_objects: Final = 10_000
"""Requests and jobs free nearly all of theirs without it; at the default of 700 it costs 5 % of a
GET, and more of a short job."""


def spare_collections() -> None:
    """Let the collector look at what work leaves behind, seldom, and not at the program."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(_collect_after_objects)
