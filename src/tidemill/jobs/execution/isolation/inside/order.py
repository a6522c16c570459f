"""An order: how a process that waits becomes that of one job."""

from __future__ import annotations

import json
import os
from typing import Any, Final

from . import rootfs

RESULT: Final = 3


def take(order: dict[str, Any], descriptors: list[int], directory: str) -> dict[str, Any]:
    """Let this process be that of the ordered job: its streams, its environment.

    Descriptors: stdout, stderr, for most the result, and last the specification.
    """
    *streams, described = descriptors
    specification = read_all(described)
    # Received while 0 to 4 were in use, so none is overwritten before its turn.
    for number, descriptor in enumerate(streams, start=1):
        os.dup2(descriptor, number)
        os.close(descriptor)
    os.set_inheritable(RESULT, False)
    surround(directory, specification["environment"], order["environment"])
    return specification


def surround(directory: str, *environments: dict[str, str]) -> None:
    """Let this process have these variables, and no other but what every job has."""
    wanted = {
        "PATH": "/usr/local/bin:/usr/bin:/bin",
        "HOME": directory,
        "TMPDIR": rootfs.WRITABLE,
        "LANG": "C.UTF-8",
    }
    for environment in environments:
        wanted.update(environment)
    present = dict(os.environ)
    for name in present.keys() - wanted.keys():
        del os.environ[name]
    for name, value in wanted.items():
        if present.get(name) != value:
            os.environ[name] = value


def read_all(descriptor: int) -> dict[str, Any]:
    """Return the JSON object in a file, which is closed."""
    try:
        data = os.pread(descriptor, os.fstat(descriptor).st_size, 0)
    finally:
        os.close(descriptor)
    specification: dict[str, Any] = json.loads(data)
    return specification
