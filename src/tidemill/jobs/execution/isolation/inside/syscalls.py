"""The system calls that Python does not offer, by ctypes. Each raises `OSError` on failure."""

from __future__ import annotations

import ctypes
import fcntl
import os
import platform
import socket
import struct
from typing import Final

CLONE_NEWNS: Final = 0x00020000
CLONE_NEWCGROUP: Final = 0x02000000
CLONE_NEWUTS: Final = 0x04000000
CLONE_NEWIPC: Final = 0x08000000
CLONE_NEWUSER: Final = 0x10000000
CLONE_NEWPID: Final = 0x20000000
CLONE_NEWNET: Final = 0x40000000
NAMESPACES: Final = (
    CLONE_NEWUSER | CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWNET | CLONE_NEWIPC | CLONE_NEWUTS
)
NAMESPACES_ON_THE_NETWORK: Final = NAMESPACES & ~CLONE_NEWNET

MS_RDONLY: Final = 1
MS_NOSUID: Final = 2
MS_NODEV: Final = 4
MS_NOEXEC: Final = 8
MS_REMOUNT: Final = 32
MS_BIND: Final = 4096
MS_REC: Final = 16384
MS_PRIVATE: Final = 1 << 18
MNT_DETACH: Final = 2

PR_SET_PDEATHSIG: Final = 1
PR_SET_DUMPABLE: Final = 4
PR_SET_SECCOMP: Final = 22
PR_CAPBSET_DROP: Final = 24
PR_SET_CHILD_SUBREAPER: Final = 36
PR_SET_NO_NEW_PRIVS: Final = 38

_X86: Final = platform.machine() == "x86_64"
_NR_CLONE: Final = 56 if _X86 else 220
_NR_PIVOT_ROOT: Final = 155 if _X86 else 41
_NR_CAPSET: Final = 126 if _X86 else 91
_NR_MOUNT_SETATTR: Final = 442
_SIGCHLD: Final = 17
_AT_FDCWD: Final = -100
_AT_RECURSIVE: Final = 0x8000
_SIOCGIFFLAGS: Final = 0x8913
_SIOCSIFFLAGS: Final = 0x8914
_IFF_UP: Final = 1
_CAPABILITY_VERSION: Final = 0x20080522
_CAPABILITY_LAST: Final = 63

# PyDLL keeps the interpreter's lock during the call, which a fork needs.
_libc: Final = ctypes.PyDLL(None, use_errno=True)


def _checked(result: int, what: str) -> int:
    if result < 0:
        number = ctypes.get_errno()
        raise OSError(number, f"{what}: {os.strerror(number)}")
    return result


def syscall(number: int, *arguments: object, what: str) -> int:
    """Call the kernel by number; `what` names the call in the error."""
    return _checked(_libc.syscall(ctypes.c_long(number), *arguments), what)


def mount(
    source: str | None, target: str, kind: str | None, flags: int, data: str | None = None
) -> None:
    """Mount, bind or remount."""
    arguments = [None if text is None else os.fsencode(text) for text in (source, target, kind)]
    result = _libc.mount(*arguments, ctypes.c_ulong(flags), None if data is None else data.encode())
    _checked(result, f"mount {target}")


def make_read_only(target: str) -> None:
    """Make the mount at `target` and all below it read-only, without set-uid and devices."""
    attributes = struct.pack("QQQQ", MS_RDONLY | MS_NOSUID | MS_NODEV, 0, 0, 0)
    syscall(
        _NR_MOUNT_SETATTR,
        ctypes.c_int(_AT_FDCWD),
        os.fsencode(target),
        ctypes.c_uint(_AT_RECURSIVE),
        attributes,
        ctypes.c_size_t(len(attributes)),
        what=f"mount_setattr {target}",
    )


def pivot_root(new: str, old: str) -> None:
    """Make `new` the root and put the old one at `old`."""
    syscall(_NR_PIVOT_ROOT, os.fsencode(new), os.fsencode(old), what="pivot_root")


def unmount(target: str) -> None:
    """Detach the mount at `target` and all below it."""
    _checked(_libc.umount2(os.fsencode(target), MNT_DETACH), f"umount {target}")


def unshare(flags: int) -> None:
    """Leave the namespaces of the parent."""
    _checked(_libc.unshare(ctypes.c_int(flags)), "unshare")


def fork_into(flags: int) -> int:
    """Fork, into new namespaces when `flags` name any; return 0 in the child.

    One call instead of `unshare` and a second fork: the child is the first process of its
    process namespace. Only for a process with a single thread, and only into our own code: the
    modules' hooks after a fork do not run, since they touch many pages and a supervisor needs
    none of them. The job's own process is made by `os.fork`.
    """
    return syscall(
        _NR_CLONE, ctypes.c_ulong(flags | _SIGCHLD), None, None, None, None, what="clone"
    )


def prctl(option: int, argument: int, second: object = 0) -> None:
    """Change an attribute of this process."""
    zero = ctypes.c_ulong(0)
    _checked(
        _libc.prctl(ctypes.c_int(option), ctypes.c_ulong(argument), second, zero, zero),
        f"prctl {option}",
    )


def drop_capabilities() -> None:
    """Give up every capability, also those that an `exec` could bring back."""
    for capability in range(_CAPABILITY_LAST + 1):
        try:
            prctl(PR_CAPBSET_DROP, capability)
        except OSError:
            # Beyond the last capability of this kernel, or without the right to drop any,
            # which then also means that there is none to lose by `no_new_privs`.
            break
    header = struct.pack("Ii", _CAPABILITY_VERSION, 0)
    syscall(_NR_CAPSET, header, bytes(24), what="capset")


def raise_loopback() -> None:
    """Switch on the loopback interface of this network namespace."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as plug:
        request = struct.pack("16sH22x", b"lo", 0)
        flags = struct.unpack_from("H", fcntl.ioctl(plug, _SIOCGIFFLAGS, request), 16)[0]
        fcntl.ioctl(plug, _SIOCSIFFLAGS, struct.pack("16sH22x", b"lo", flags | _IFF_UP))
