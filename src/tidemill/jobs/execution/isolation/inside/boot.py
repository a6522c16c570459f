"""Where a zygote begins: raise the walls, import what jobs need, then fork at request.

A fresh interpreter calls `main` with the number of an inherited socket, whose first packet is
the plan, a `ZygotePlan` as JSON.
"""

from __future__ import annotations

import os
import signal
import socket
from typing import Any, Final

from . import channel, rootfs, zygote
from .ids import write_ids
from .syscalls import (
    CLONE_NEWNS,
    NAMESPACES,
    NAMESPACES_ON_THE_NETWORK,
    PR_SET_CHILD_SUBREAPER,
    PR_SET_DUMPABLE,
    PR_SET_PDEATHSIG,
    fork_into,
    prctl,
    unshare,
)

ZYGOTE_UID_AS_ROOT: Final = 60999


def main(control_number: int) -> None:
    """Become a zygote; returns when the worker has closed the control socket."""
    control = socket.socket(fileno=control_number)
    control.set_inheritable(False)
    prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    plan, _ = channel.receive(control)
    if plan is None:
        return
    if plan["walls"] != "namespaces":
        prctl(PR_SET_CHILD_SUBREAPER, 1)
        zygote.serve(control, plan)
    elif os.geteuid() == 0:
        _serve_behind_walls_as_root(control, plan)
    else:
        _serve_behind_walls_as_user(control, plan)


def _serve_behind_walls_as_root(control: socket.socket, plan: dict[str, Any]) -> None:
    # The root is built with real rights, since Python may lie where only root may look; then
    # everything goes on as a user without any.
    processes = os.open("/proc", os.O_RDONLY | os.O_DIRECTORY)
    unshare(CLONE_NEWNS)
    rootfs.enter(plan)
    first, count = plan["uids"]
    ids = f"0 {ZYGOTE_UID_AS_ROOT} 1\n{first} {first} {count}\n"
    go_read, go_write = os.pipe()
    child = fork_into(_namespaces(plan))
    if child == 0:
        os.close(processes)
        _wait_for_ids(go_read, go_write)
        os.setgroups([])
        os.setresgid(0, 0, 0)
        os.setresuid(0, 0, 0)
        _serve_as_first_process(control, plan)
    write_ids(processes, child, ids, ids, deny_groups=False)
    _watch(child, control, go_write)


def _serve_behind_walls_as_user(control: socket.socket, plan: dict[str, Any]) -> None:
    processes = os.open("/proc", os.O_RDONLY | os.O_DIRECTORY)
    users, groups = f"0 {os.geteuid()} 1\n", f"0 {os.getegid()} 1\n"
    go_read, go_write = os.pipe()
    child = fork_into(_namespaces(plan))
    if child == 0:
        os.close(processes)
        _wait_for_ids(go_read, go_write)
        rootfs.enter(plan)
        _serve_as_first_process(control, plan)
    write_ids(processes, child, users, groups, deny_groups=True)
    _watch(child, control, go_write)


def _serve_as_first_process(control: socket.socket, plan: dict[str, Any]) -> None:
    # A change of ids hides a process's entries in /proc from itself, and those of its children.
    prctl(PR_SET_DUMPABLE, 1)
    prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    rootfs.mount_proc()
    rootfs.seal()
    zygote.serve(control, plan)
    os._exit(0)


def _namespaces(plan: dict[str, Any]) -> int:
    return NAMESPACES_ON_THE_NETWORK if plan["network"] else NAMESPACES


def _wait_for_ids(go_read: int, go_write: int) -> None:
    os.close(go_write)
    if os.read(go_read, 1) != b"g":
        os._exit(1)
    os.close(go_read)


def _watch(child: int, control: socket.socket, go_write: int) -> None:
    # This process stays outside as the parent: when it dies, the kernel ends the first process
    # of the namespace, and with it everything inside.
    control.close()
    os.write(go_write, b"g")
    os.close(go_write)
    _, status = os.waitpid(child, 0)
    os._exit(0 if status == 0 else 1)
