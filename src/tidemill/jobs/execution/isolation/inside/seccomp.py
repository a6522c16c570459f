"""Seccomp: the system calls that a job has no use for, refused by the kernel.

A small assembler makes the filter once per zygote; each job only loads it.
"""

from __future__ import annotations

import ctypes
import errno
import platform
import struct
from typing import Final

from .syscalls import (
    CLONE_NEWCGROUP,
    CLONE_NEWIPC,
    CLONE_NEWNET,
    CLONE_NEWNS,
    CLONE_NEWPID,
    CLONE_NEWUSER,
    CLONE_NEWUTS,
    PR_SET_SECCOMP,
    prctl,
)

_X86: Final = platform.machine() == "x86_64"
_ARCH: Final = 0xC000003E if _X86 else 0xC00000B7
_X32_BIT: Final = 0x40000000
_MODE_FILTER: Final = 2

_LOAD: Final = 0x20
_EQUAL: Final = 0x15
_AT_LEAST: Final = 0x35
_ANY_BIT: Final = 0x45
_AND: Final = 0x54
_RETURN: Final = 0x06
_ALLOW: Final = 0x7FFF0000
_KILL: Final = 0x80000000
_ERRNO: Final = 0x00050000

_AT_NUMBER: Final = 0
_AT_ARCH: Final = 4
_AT_ARGUMENTS: Final = 16

_NEW_NAMESPACES: Final = (
    CLONE_NEWCGROUP
    | CLONE_NEWIPC
    | CLONE_NEWNET
    | CLONE_NEWNS
    | CLONE_NEWPID
    | CLONE_NEWUSER
    | CLONE_NEWUTS
)

# name: (number on x86-64, number on arm64); None where the machine lacks the call.
_DENIED: Final[dict[str, tuple[int | None, int | None]]] = {
    "ptrace": (101, 117),
    "process_vm_readv": (310, 270),
    "process_vm_writev": (311, 271),
    "kcmp": (312, 272),
    "pidfd_getfd": (438, 438),
    "process_madvise": (440, 440),
    "add_key": (248, 217),
    "request_key": (249, 218),
    "keyctl": (250, 219),
    "bpf": (321, 280),
    "io_uring_setup": (425, 425),
    "io_uring_enter": (426, 426),
    "io_uring_register": (427, 427),
    "userfaultfd": (323, 282),
    "perf_event_open": (298, 241),
    "mount": (165, 40),
    "umount2": (166, 39),
    "pivot_root": (155, 41),
    "chroot": (161, 51),
    "open_tree": (428, 428),
    "move_mount": (429, 429),
    "fsopen": (430, 430),
    "fsconfig": (431, 431),
    "fsmount": (432, 432),
    "fspick": (433, 433),
    "mount_setattr": (442, 442),
    "unshare": (272, 97),
    "setns": (308, 268),
    "name_to_handle_at": (303, 264),
    "open_by_handle_at": (304, 265),
    "quotactl": (179, 60),
    "quotactl_fd": (443, 443),
    "fanotify_init": (300, 262),
    "swapon": (167, 224),
    "swapoff": (168, 225),
    "reboot": (169, 142),
    "kexec_load": (246, 104),
    "kexec_file_load": (320, 294),
    "init_module": (175, 105),
    "finit_module": (313, 273),
    "delete_module": (176, 106),
    "acct": (163, 89),
    "syslog": (103, 116),
    "settimeofday": (164, 170),
    "clock_settime": (227, 112),
    "clock_adjtime": (305, 266),
    "adjtimex": (159, 171),
    "sethostname": (170, 161),
    "setdomainname": (171, 162),
    "personality": (135, 92),
    "lookup_dcookie": (212, 18),
    "iopl": (172, None),
    "ioperm": (173, None),
    "modify_ldt": (154, None),
    "vhangup": (153, 58),
    "nfsservctl": (180, 42),
}
# Memory that no process of the job needs to map: it would escape a limit that is measured by
# looking at processes, so these go where no control group counts it.
_UNCOUNTED_MEMORY: Final[dict[str, tuple[int | None, int | None]]] = {
    "memfd_create": (319, 279),
    "memfd_secret": (447, 447),
    "shmget": (29, 194),
    "msgget": (68, 186),
    "mq_open": (240, 180),
}
_CLONE: Final = 56 if _X86 else 220
_CLONE3: Final = 435
_SOCKET: Final = 41 if _X86 else 198
_SOCKETPAIR: Final = 53 if _X86 else 199
_IOCTL: Final = 16 if _X86 else 29

_AF_UNIX: Final = 1
_AF_INET: Final = 2
_AF_INET6: Final = 10
_SOCK_TYPE_MASK: Final = 0xF
_SOCK_STREAM: Final = 1
_SOCK_DGRAM: Final = 2
_TERMINAL_INJECTIONS: Final = (0x5412, 0x541C)  # TIOCSTI, TIOCLINUX


def program(*, sockets: bool, counted_memory: bool) -> bytes:
    """Return the filter.

    `sockets` is whether the job may make Unix, TCP and UDP sockets, which is right only within
    a network namespace of its own. `counted_memory` is whether a control group counts memory
    that no process has mapped.
    """
    lines = [
        _line(_LOAD, _AT_ARCH),
        _line(_EQUAL, _ARCH, skip_if=1),
        _line(_RETURN, _KILL),
        _line(_LOAD, _AT_NUMBER),
    ]
    if _X86:
        lines += [_line(_AT_LEAST, _X32_BIT, skip_unless=1), _line(_RETURN, _KILL)]
    denied = _DENIED if counted_memory else _DENIED | _UNCOUNTED_MEMORY
    for numbers in denied.values():
        number = numbers[0 if _X86 else 1]
        if number is not None:
            lines += _when(number, [_refuse(errno.EPERM)])
    # The flags of clone3 lie in memory that a filter cannot see; libraries fall back to clone.
    lines += _when(_CLONE3, [_refuse(errno.ENOSYS)])
    lines += _when(_CLONE, _without_namespaces())
    lines += _when(_IOCTL, _without_injection())
    lines += _when(_SOCKETPAIR, _only_families([_AF_UNIX]))
    lines += _when(_SOCKET, _sockets() if sockets else [_refuse(errno.EACCES)])
    lines.append(_line(_RETURN, _ALLOW))
    return b"".join(lines)


def load(filter_program: bytes) -> None:
    """Put this process and its children behind the filter. Needs `no_new_privs`."""
    buffer = ctypes.create_string_buffer(filter_program, len(filter_program))
    header = struct.pack("HxxxxxxP", len(filter_program) // 8, ctypes.addressof(buffer))
    prctl(PR_SET_SECCOMP, _MODE_FILTER, header)


def _when(number: int, body: list[bytes]) -> list[bytes]:
    """Run `body`, which must return, for the call `number`."""
    return [_line(_EQUAL, number, skip_unless=len(body)), *body]


def _without_namespaces() -> list[bytes]:
    return [
        _line(_LOAD, _AT_ARGUMENTS),
        _line(_ANY_BIT, _NEW_NAMESPACES, skip_unless=1),
        _refuse(errno.EPERM),
        _line(_RETURN, _ALLOW),
    ]


def _without_injection() -> list[bytes]:
    checks = [_line(_LOAD, _AT_ARGUMENTS + 8)]
    for command in _TERMINAL_INJECTIONS:
        checks += [_line(_EQUAL, command, skip_unless=1), _refuse(errno.EPERM)]
    return [*checks, _line(_RETURN, _ALLOW)]


def _only_families(families: list[int]) -> list[bytes]:
    checks = [_line(_LOAD, _AT_ARGUMENTS)]
    for family in families:
        checks += [_line(_EQUAL, family, skip_unless=1), _line(_RETURN, _ALLOW)]
    return [*checks, _refuse(errno.EACCES)]


def _sockets() -> list[bytes]:
    kinds = [
        _line(_LOAD, _AT_ARGUMENTS + 8),
        _line(_AND, _SOCK_TYPE_MASK),
        _line(_EQUAL, _SOCK_STREAM, skip_if=2),
        _line(_EQUAL, _SOCK_DGRAM, skip_if=1),
        _refuse(errno.EPERM),
        _line(_RETURN, _ALLOW),
    ]
    return [
        _line(_LOAD, _AT_ARGUMENTS),
        _line(_EQUAL, _AF_UNIX, skip_if=3),
        _line(_EQUAL, _AF_INET, skip_if=2),
        _line(_EQUAL, _AF_INET6, skip_if=1),
        _refuse(errno.EACCES),
        *kinds,
    ]


def _refuse(number: int) -> bytes:
    return _line(_RETURN, _ERRNO | number)


def _line(code: int, value: int, *, skip_if: int = 0, skip_unless: int = 0) -> bytes:
    return struct.pack("HBBI", code, skip_if, skip_unless, value)
