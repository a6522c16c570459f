"""Landlock: the kernel's list of what a process may still reach in the file system.

A second wall behind the mount namespace, and the first one where namespaces are forbidden.
"""

from __future__ import annotations

import ctypes
import os
import struct
from typing import Final

from .syscalls import syscall

_CREATE: Final = 444
_ADD_RULE: Final = 445
_RESTRICT_SELF: Final = 446
_VERSION_FLAG: Final = 1
_RULE_PATH_BENEATH: Final = 1

_EXECUTE: Final = 1 << 0
_WRITE_FILE: Final = 1 << 1
_READ_FILE: Final = 1 << 2
_READ_DIR: Final = 1 << 3
_TRUNCATE: Final = 1 << 14
_IOCTL_DEV: Final = 1 << 15
# What each version of the interface added to the rights on files.
_ALL_BY_VERSION: Final = {1: (1 << 13) - 1, 2: (1 << 14) - 1, 3: (1 << 15) - 1, 5: (1 << 16) - 1}
_NET_ALL: Final = 3
_SCOPE_ALL: Final = 3

READ: Final = _READ_FILE | _READ_DIR
READ_AND_RUN: Final = READ | _EXECUTE
DEVICE: Final = _READ_FILE | _WRITE_FILE
WRITE: Final = (1 << 16) - 1
_ON_FILES: Final = _EXECUTE | _WRITE_FILE | _READ_FILE | _TRUNCATE | _IOCTL_DEV

version_of_network: Final = 4
version_of_signals: Final = 6


def version() -> int:
    """Return the version of Landlock that this kernel offers, 0 for none."""
    try:
        return syscall(_CREATE, None, ctypes.c_size_t(0), ctypes.c_uint(_VERSION_FLAG), what="")
    except OSError:
        return 0


def restrict(paths: dict[str, int], *, network: bool) -> bool:
    """Allow this process and its children nothing but `paths`; return whether Landlock is there.

    Signals and abstract sockets stay among themselves. `network` is whether TCP is still
    allowed, which is right only where another wall leads it nowhere. Needs `no_new_privs`.
    """
    found = version()
    if found == 0:
        return False
    handled = _ALL_BY_VERSION[max(known for known in _ALL_BY_VERSION if known <= found)]
    parts = [handled]
    if found >= version_of_network:
        parts.append(0 if network else _NET_ALL)
    if found >= version_of_signals:
        parts.append(_SCOPE_ALL)
    attributes = struct.pack(f"{len(parts)}Q", *parts)
    ruleset = syscall(
        _CREATE,
        attributes,
        ctypes.c_size_t(len(attributes)),
        ctypes.c_uint(0),
        what="landlock_create_ruleset",
    )
    try:
        for path, access in paths.items():
            _allow(ruleset, path, access & handled)
        syscall(_RESTRICT_SELF, ctypes.c_int(ruleset), ctypes.c_uint(0), what="landlock")
    finally:
        os.close(ruleset)
    return True


def _allow(ruleset: int, path: str, access: int) -> None:
    try:
        beneath = os.open(path, os.O_PATH | os.O_CLOEXEC)
    except FileNotFoundError:
        return
    try:
        if not os.path.isdir(path):
            access &= _ON_FILES
        rule = struct.pack("=Qi", access, beneath)
        syscall(
            _ADD_RULE,
            ctypes.c_int(ruleset),
            ctypes.c_int(_RULE_PATH_BENEATH),
            rule,
            ctypes.c_uint(0),
            what=f"landlock_add_rule {path}",
        )
    finally:
        os.close(beneath)
