"""User and group ids across user namespaces."""

from __future__ import annotations

import os


def write_ids(processes: int, pid: int, users: str, groups: str, *, deny_groups: bool) -> None:
    """Say which ids of this user namespace process `pid` of a new one has; `/proc` is open."""
    if deny_groups:
        _write(processes, f"{pid}/setgroups", "deny")
    _write(processes, f"{pid}/uid_map", users)
    _write(processes, f"{pid}/gid_map", groups)


def _write(directory: int, path: str, text: str) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CLOEXEC, dir_fd=directory)
    try:
        os.write(descriptor, text.encode())
    finally:
        os.close(descriptor)
