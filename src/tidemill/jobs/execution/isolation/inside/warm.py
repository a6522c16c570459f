"""Runs job after job of one script in one process; what the script keeps in its globals stays.

All jobs have the same pipe for what they print: whoever reads it takes the rest when a job has
ended, before the next one is ordered. Answers go back with the word that the job is done.
"""

from __future__ import annotations

import ctypes
import fcntl
import json
import os
import signal
import socket
import sys
from collections.abc import Callable
from functools import partial
from typing import Any, Final, NoReturn

from . import channel, python
from .order import read_all, surround

_TIMERS: Final = (signal.ITIMER_REAL, signal.ITIMER_VIRTUAL, signal.ITIMER_PROF)
_PART_CHARS: Final = 4 * 1024
"""What fits into a packet however it is escaped, with all that stands around it."""
_libc: Final = ctypes.PyDLL(None)


def serve(
    specification: dict[str, Any],
    environment: dict[str, str],
    orders: socket.socket,
    directory: str,
) -> NoReturn:
    """Run the job of `specification`, then those that come by `orders`, until none comes."""
    worker = os.getpid()
    python.open_streams()
    name = python.set_up(specification)
    script = _Script(specification, name)
    # The script may close its own.
    printed = [fcntl.fcntl(number, fcntl.F_DUPFD_CLOEXEC, 10) for number in (1, 2)]
    streams = [sys.stdin, sys.stdout, sys.stderr]
    job = specification
    while True:
        answer, status = python.answered(partial(script.call, job), name)
        _fall_silent()
        if os.getpid() != worker:
            os._exit(status)  # A child of the script that came back from main.
        last = _told_but_last(orders, answer.decode())
        if script.main is None:
            # What cannot be loaded is not tried again here.
            channel.send(orders, {"part": last}, [])
            os._exit(status)
        for number, descriptor in enumerate(printed, start=1):
            os.dup2(descriptor, number)
        if streams != [sys.stdin, sys.stdout, sys.stderr] or any(one.closed for one in streams):
            python.open_streams()
            streams = [sys.stdin, sys.stdout, sys.stderr]
        channel.send(orders, {"done": status, "answer": last}, [])
        order, descriptors = channel.receive(orders)
        if order is None:
            os._exit(0)
        job = order["job"] or read_all(descriptors[0])
        job["result_bytes_max"] = specification["result_bytes_max"]
        os.chdir(directory)
        surround(directory, job["environment"], environment)


def told_in(packet: bytes) -> dict[str, Any] | None:
    """Return what a process of `serve` tells, a part or its end; None for what it never would.

    The script has the same socket within its reach, and may send whatever it likes.
    """
    try:
        told = json.loads(packet)
    except (ValueError, RecursionError):
        return None
    if not isinstance(told, dict):
        return None
    kinds = {name: type(value) for name, value in told.items()}
    if kinds not in ({"part": str}, {"done": int, "answer": str}):
        return None
    text = told["part"] if "part" in told else told["answer"]
    return told if len(text) <= _PART_CHARS else None


def _told_but_last(orders: socket.socket, answer: str) -> str:
    """Tell an answer but for its last part, which is returned."""
    while len(answer) > _PART_CHARS:
        channel.send(orders, {"part": answer[:_PART_CHARS]}, [])
        answer = answer[_PART_CHARS:]
    return answer


class _Script:
    """The script, loaded by its first job."""

    def __init__(self, specification: dict[str, Any], name: str) -> None:
        self.main: Callable[..., Any] | None = None
        self._specification = specification
        self._name = name

    def call(self, job: dict[str, Any]) -> bytes:
        if self.main is None:
            self.main = python.load(self._specification, self._name)
        return python.call(self.main, job)


def _fall_silent() -> None:
    """Let everything that this job has printed be in the pipe, and nothing ring later."""
    for timer in _TIMERS:
        signal.setitimer(timer, 0)
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except (OSError, ValueError):
            continue
    _libc.fflush(None)
