"""Which worker belongs to a key, without anybody having to remember it; no I/O."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Mapping
from functools import lru_cache
from typing import Final

_RANGE: Final = 1 << 64


def owner(key: str, workers: Mapping[str, int]) -> str | None:
    """Return the worker of `key` among `workers`, which are given with their slots.

    Rendezvous hashing: every dispatcher finds the same one. When a worker goes, only its own keys
    move; when one comes, it takes its share of them, by its slots.
    """
    if not workers:
        return None
    return max(workers, key=lambda worker: (_score(key, worker, workers[worker]), worker))


@lru_cache(maxsize=65_536)
def _score(key: str, worker: str, slots: int) -> float:
    digest = hashlib.blake2b(f"{worker}\0{key}".encode(), digest_size=8).digest()
    share = (int.from_bytes(digest, "big") + 0.5) / _RANGE
    return -max(1, slots) / math.log(share)
