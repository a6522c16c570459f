"""What a zygote imports before it forks, so that its jobs start with it."""

from __future__ import annotations

import importlib
import os
from contextlib import suppress

# Every fork copies the tables of these modules' pages, so this is what small scripts need.
BASE = (
    "collections",
    "enum",
    "functools",
    "inspect",
    "io",
    "itertools",
    "json",
    "linecache",
    "math",
    "os",
    "re",
    "time",
    "traceback",
    "typing",
)
# What takes tens of milliseconds to import, for scripts that name any of it.
WIDE = (
    "asyncio",
    "base64",
    "csv",
    "dataclasses",
    "datetime",
    "decimal",
    "hashlib",
    "http.client",
    "pathlib",
    "random",
    "shutil",
    "statistics",
    "subprocess",
    "tempfile",
    "urllib.request",
    "uuid",
)


def preload(modules: list[str], *, wide: bool) -> list[str]:
    """Import the standard modules and `modules`; return those that jobs must import themselves.

    A module that starts a thread cannot be forked with. Each is tried in a child that is thrown
    away, so a thread never exists here.
    """
    for name in (*BASE, *WIDE) if wide else BASE:
        importlib.import_module(name)
    left_over = []
    for name in modules:
        if _leaves_one_thread(name):
            importlib.import_module(name)
        else:
            left_over.append(name)
    return left_over


def import_late(modules: list[str]) -> None:
    """Import after the fork what could not be imported before it."""
    for name in modules:
        # A job that needs it fails by itself, with a traceback of its own.
        with suppress(Exception):
            importlib.import_module(name)


def thread_count() -> int:
    """Return how many threads this process has, as the kernel counts them."""
    return len(os.listdir("/proc/self/task"))


def _leaves_one_thread(name: str) -> bool:
    child = os.fork()
    if child == 0:
        status = 1
        try:
            importlib.import_module(name)
            status = 0 if thread_count() == 1 else 1
        finally:
            os._exit(status)
    _, status = os.waitpid(child, 0)
    return status == 0
