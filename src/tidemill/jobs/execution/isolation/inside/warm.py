"""Runs job after job of one script in one process; what the script keeps in its globals stays."""

from __future__ import annotations

import ctypes
import os
import signal
import socket
import sys
from collections.abc import Callable
from functools import partial
from typing import Any, Final, NoReturn

from . import channel, python
from .order import RESULT, take

_TIMERS: Final = (signal.ITIMER_REAL, signal.ITIMER_VIRTUAL, signal.ITIMER_PROF)
_libc: Final = ctypes.PyDLL(None)


def serve(specification: dict[str, Any], orders: socket.socket, directory: str) -> NoReturn:
    """Run the job of `specification`, then those that come by `orders`, until none comes."""
    worker = os.getpid()
    python.open_streams()
    name = python.set_up(specification)
    script = _Script(specification, name)
    empty = os.open("/dev/null", os.O_RDWR | os.O_CLOEXEC)
    streams = [sys.stdin, sys.stdout, sys.stderr]
    while True:
        if streams != [sys.stdin, sys.stdout, sys.stderr] or any(one.closed for one in streams):
            python.open_streams()
            streams = [sys.stdin, sys.stdout, sys.stderr]
        answer, status = python.answered(partial(script.call, specification), name)
        _fall_silent()
        _write(answer)
        if os.getpid() != worker or script.main is None:
            # A child of the script that came back from main, or a script that cannot be loaded.
            os._exit(status)
        for number in (1, 2, RESULT):
            os.dup2(empty, number, inheritable=number != RESULT)
        channel.send(orders, {"done": status}, [])
        order, descriptors = channel.receive(orders)
        if order is None:
            os._exit(0)
        os.chdir(directory)
        specification = take(order, descriptors, directory)


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
    """Let everything that this job has printed be in its own pipe, and nothing ring later."""
    for timer in _TIMERS:
        signal.setitimer(timer, 0)
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except (OSError, ValueError):
            continue
    _libc.fflush(None)


def _write(answer: bytes) -> None:
    view = memoryview(answer)
    while view:
        view = view[os.write(RESULT, view) :]
