"""`tidemill up`: starts the processes of the embedded shape and keeps them alive.

It imports nothing but the standard library, so that the parent of everything stays small. A
child that dies is started again with back-off; a child that keeps dying ends the whole with its
exit code. Children get SIGTERM by themselves when the supervisor dies (`die_with_supervisor`).
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from types import FrameType
from typing import Final

restart_delay_seconds_min: Final = 0.2
restart_delay_seconds_max: Final = 10.0
silent_stop_seconds_max: Final = 2.0
healthy_after_seconds: Final = 20.0
restarts_in_a_row_max: Final = 8
EXIT_REFUSED: Final = 78
"""A child's exit code for "my configuration or my data directory is not usable": no restart."""
EXIT_NOT_WANTED: Final = 79
"""A child's exit code for "the configuration does without me": the others go on alone."""
EXIT_INTERRUPTED: Final = 130
"""The exit code for the whole when it was not waited for: what shells tell of Ctrl-C."""

_AWAITED: Final = frozenset({signal.SIGCHLD, signal.SIGINT, signal.SIGTERM})


@dataclass
class Child:
    """One process of the shape, and when it may start again."""

    name: str
    command: Sequence[str]
    stop_seconds_max: float
    process: subprocess.Popen[bytes] | None = None
    started_at: float = 0.0
    failures: int = 0
    due_at: float = 0.0
    wanted: bool = True

    def start(self, now: float) -> None:
        """Start the process in a group of its own, so that Ctrl-C reaches only the parent."""
        signal.pthread_sigmask(signal.SIG_UNBLOCK, _AWAITED)
        try:
            self.process = subprocess.Popen(  # noqa: S603 - our own interpreter and module
                self.command, start_new_session=True, env=_child_environment()
            )
        finally:
            signal.pthread_sigmask(signal.SIG_BLOCK, _AWAITED)
        self.started_at = now

    def kill(self) -> None:
        """End the process, and what it started in its group, without a word."""
        # A process that was seen to end leaves its number to others.
        if self.process is not None and self.process.poll() is None:
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()

    def died(self, now: float) -> int | None:
        """Note the end of the process; return its exit code, or None while it lives."""
        if self.process is None:
            return None
        code = self.process.poll()
        if code is None:
            return None
        self.process = None
        lived = now - self.started_at
        self.failures = 1 if lived > healthy_after_seconds else self.failures + 1
        self.due_at = now + restart_delay(self.failures)
        return code


def restart_delay(failures: int) -> float:
    """Return how many seconds to wait before the next start after `failures` in a row."""
    return min(restart_delay_seconds_min * 2.0 ** (failures - 1), restart_delay_seconds_max)


@dataclass
class Supervisor:
    """Keeps children alive until it is told to stop, then stops them in order, last first.

    Who presses Ctrl-C again does not wait for them.
    """

    children: Sequence[Child]
    say: Callable[[str], None]
    _stopping: bool = field(default=False, init=False)
    _interrupts: int = field(default=0, init=False)
    _started: bool = field(default=False, init=False)

    def run(self) -> int:
        """Run until SIGINT or SIGTERM; return the exit code for the whole."""
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, self._on_signal)
        # Blocked, so that none is lost between two waits; children get a clean mask.
        signal.pthread_sigmask(signal.SIG_BLOCK, _AWAITED)
        exit_code = 0
        while not self._stopping:
            code = self._turn(time.monotonic())
            if code is not None:
                exit_code = code
                break
            self._wait()
        return exit_code if self.stop() else EXIT_INTERRUPTED

    def stop(self) -> bool:
        """Stop every child, in reverse order of their start; return whether all had their time."""
        for child in reversed(self.children):
            if child.process is not None:
                self._end(child, child.process)
        if self._interrupts > 1:
            for child in self.children:
                child.kill()
            return False
        return True

    def _end(self, child: Child, process: subprocess.Popen[bytes]) -> None:
        """Let the process end by itself within its time; say so when that takes a while."""
        if self._interrupts > 1:
            return
        with contextlib.suppress(ProcessLookupError):
            process.send_signal(signal.SIGTERM)
        silent = min(silent_stop_seconds_max, child.stop_seconds_max)
        if self._wait_for(process, silent):
            return
        left = child.stop_seconds_max - silent
        if left > 0:
            self.say(f"The {child.name} finishes what it runs, for {left:g} s at most.")
        if not self._wait_for(process, left):
            process.kill()
            process.wait()

    def _wait_for(self, process: subprocess.Popen[bytes], seconds: float) -> bool:
        """Return whether it ended in time, or need not be waited for after a second Ctrl-C."""
        ends_at = time.monotonic() + seconds
        while self._interrupts <= 1 and process.poll() is None:
            left = ends_at - time.monotonic()
            if left <= 0:
                return False
            self._receive(left)
        return True

    def _turn(self, now: float) -> int | None:
        for child in self.children:
            code = child.died(now)
            if code == EXIT_REFUSED:
                return code
            if code == EXIT_NOT_WANTED:
                child.wanted = False
            elif code is not None:
                self.say(f"{child.name} ended with {_describe(code)}; starting it again.")
                if child.failures > restarts_in_a_row_max:
                    self.say(f"{child.name} ended {child.failures} times in a row; giving up.")
                    return 1
            if child.wanted and child.process is None and now >= child.due_at:
                child.start(now)
                self._started = True
        return None

    def _seconds_until_due(self, now: float) -> float:
        waits = [
            child.due_at - now for child in self.children if child.wanted and child.process is None
        ]
        return max(0.01, min(waits, default=60.0))

    def _wait(self) -> None:
        """Wait for a signal, or until a child is due.

        While a child is started signals are not held back: one that came then is not waited for.
        """
        if self._stopping:
            return
        seconds = self._seconds_until_due(time.monotonic())
        if self._started:
            self._started, seconds = False, min(seconds, restart_delay_seconds_min)
        self._receive(seconds)

    def _receive(self, seconds: float) -> None:
        """Take the next signal, if one comes in time."""
        received = signal.sigtimedwait(_AWAITED, seconds)
        if received is not None and received.si_signo != signal.SIGCHLD:
            self._on_signal(received.si_signo, None)

    def _on_signal(self, number: int, frame: FrameType | None) -> None:
        del frame
        self._stopping = True
        if number == signal.SIGINT:
            self._interrupts += 1
            if self._interrupts == 1:
                self.say("Stopping; press Ctrl-C again to end at once.")


def embedded(
    arguments: Sequence[str],
    say: Callable[[str], None],
    *,
    api_stop_seconds_max: float,
    worker_stop_seconds_max: float,
) -> Supervisor:
    """Return the supervisor of one API process and one worker, both given `arguments`."""
    python = [sys.executable, "-m"]
    api = [*python, "tidemill.api", "--embedded", *arguments]
    worker = [*python, "tidemill.runtime.worker_process", "--embedded", *arguments]
    return Supervisor(
        children=[
            Child("api", api, stop_seconds_max=api_stop_seconds_max),
            Child("worker", worker, stop_seconds_max=worker_stop_seconds_max),
        ],
        say=say,
    )


def _child_environment() -> dict[str, str]:
    return {**os.environ, "TIDEMILL_SUPERVISOR_PID": str(os.getpid())}


def _describe(code: int) -> str:
    if code < 0:
        return signal.Signals(-code).name
    return f"exit code {code}"
