"""The zygote: forks one room per packet, and reaps. One thread, no secrets, no other work.

A room is the walls of one job with the two processes that wait behind them: the supervisor and
the runner. The worker gives a room its job by a socket of its own, so nothing of a job passes
through here.
"""

from __future__ import annotations

import gc
import os
import select
import signal
import socket
import sys
import time
from contextlib import suppress
from typing import Any, Final

from . import channel, memory, seccomp, supervisor
from .ids import write_ids
from .plan import Zygote
from .preload import preload
from .signals import wake_on
from .syscalls import NAMESPACES, NAMESPACES_ON_THE_NETWORK, fork_into

_STRAYS_SECONDS_MAX: Final = 2.0


def serve(control: socket.socket, plan: dict[str, Any]) -> None:
    """Start what the worker asks for, until it closes `control`."""
    walls = plan["walls"]
    sys.path.extend(plan["path"])
    late = preload(plan["preload"], wide=plan["wide"])
    program = seccomp.program(
        sockets=walls == "namespaces", counted_memory=bool(plan["counted_memory"])
    )
    zygote = Zygote(walls, plan, late, program, os.open("/proc", os.O_RDONLY | os.O_DIRECTORY))
    wake = wake_on(signal.SIGCHLD)
    rooms: dict[int, int] = {}
    # What is never collected is never written to, so its pages stay shared with the jobs.
    gc.collect()
    gc.disable()
    gc.freeze()
    channel.send(control, {"ready": os.getpid(), "late": late}, [])
    while True:
        readable, _, _ = select.select([control.fileno(), wake], [], [])
        if wake in readable:
            os.read(wake, 4096)
            _reap(control, rooms)
        if control.fileno() in readable:
            packet, descriptors = channel.receive(control)
            if packet is None:
                return
            if "room" in packet:
                rooms[_open(zygote, packet, descriptors)] = packet["room"]
            elif "kill" in packet:
                _kill(rooms, packet["kill"])


def _open(zygote: Zygote, packet: dict[str, Any], descriptors: list[int]) -> int:
    go_read, go_write = os.pipe2(os.O_CLOEXEC)
    behind_walls = zygote.walls == "namespaces"
    namespaces = NAMESPACES_ON_THE_NETWORK if zygote.plan["network"] else NAMESPACES
    pid = fork_into(namespaces if behind_walls else 0)
    if pid == 0:
        os.close(go_write)
        supervisor.become(zygote, packet, descriptors, go_read)
    for descriptor in descriptors:
        os.close(descriptor)
    os.close(go_read)
    if behind_walls:
        inside, outside = supervisor.JOB_UID, packet["uid"]
        ids = f"{inside} {outside} 1\n"
        write_ids(zygote.processes, pid, ids, ids, deny_groups=True)
    os.write(go_write, b"g")
    os.close(go_write)
    return pid


def _reap(control: socket.socket, rooms: dict[int, int]) -> None:
    while True:
        try:
            pid, _ = os.waitpid(-1, os.WNOHANG)
        except ChildProcessError:
            return
        if pid == 0:
            return
        if pid in rooms:
            number = rooms.pop(pid)
            _end_strays(rooms)
            channel.send(control, {"gone": number}, [])


def _end_strays(rooms: dict[int, int]) -> None:
    """End what a job without walls has left to us by killing its own supervisor."""
    deadline = time.monotonic() + _STRAYS_SECONDS_MAX
    while time.monotonic() < deadline:
        strays = [pid for pid in memory.children(os.getpid()) if pid not in rooms]
        if not strays:
            return
        for stray in strays:
            for pid in (*memory.descendants(stray), stray):
                with suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
            os.waitpid(stray, 0)


def _kill(rooms: dict[int, int], number: int) -> None:
    for pid, room in rooms.items():
        if room == number:
            os.kill(pid, signal.SIGKILL)
