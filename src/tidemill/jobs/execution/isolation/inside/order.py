"""An order: how a process that waits becomes that of one job."""

from __future__ import annotations

import json
import os
from typing import Any, Final

from . import rootfs

RESULT: Final = 3


def take(order: dict[str, Any], descriptors: list[int], directory: str) -> dict[str, Any]:
    """Let this process be that of the ordered job: its streams, its environment."""
    specification = _read_all(descriptors[3])
    # Received while 0 to 4 were in use, so none is overwritten before its turn.
    for number, descriptor in enumerate(descriptors[:3], start=1):
        os.dup2(descriptor, number)
        os.close(descriptor)
    os.set_inheritable(RESULT, False)
    os.environ.clear()
    os.environ.update(
        PATH="/usr/local/bin:/usr/bin:/bin", HOME=directory, TMPDIR=rootfs.WRITABLE, LANG="C.UTF-8"
    )
    os.environ.update(specification["environment"])
    os.environ.update(order["environment"])
    return specification


def _read_all(descriptor: int) -> dict[str, Any]:
    try:
        data = os.pread(descriptor, os.fstat(descriptor).st_size, 0)
    finally:
        os.close(descriptor)
    specification: dict[str, Any] = json.loads(data)
    return specification
