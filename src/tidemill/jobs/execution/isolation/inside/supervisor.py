"""The first process of a room: raises its walls, begins its job, ends all that the job started.

Walls and runner are made before the job is known, so that a job begins with one packet.
"""

from __future__ import annotations

import json
import os
import resource
import select
import signal
import socket
import time
from contextlib import suppress
from typing import Any, Final, NoReturn

from . import channel, memory, rootfs, runner, warm
from .plan import Zygote
from .reuse import Usage, is_alone
from .signals import wake_on
from .syscalls import (
    PR_SET_CHILD_SUBREAPER,
    PR_SET_DUMPABLE,
    PR_SET_PDEATHSIG,
    prctl,
    raise_loopback,
)

JOB_UID: Final = 1000
_FILES_MAX: Final = 65_536
_END_SECONDS_MAX: Final = 2.0
_BACKLOG: Final = 16


def become(
    zygote: Zygote, packet: dict[str, Any], descriptors: list[int], go_read: int
) -> NoReturn:
    """Prepare the room of `packet`, run the job that it is given to its end, and exit.

    Descriptors: control, then files of control groups that take in whoever writes 0 to them.
    """
    control = socket.socket(fileno=descriptors[0])
    job: Job | None = None
    pid = 0
    try:
        for group in descriptors[1:]:
            os.write(group, b"0")
            os.close(group)
        os.read(go_read, 1)
        job = Job(zygote, packet, control)
        job.prepare()
        wake = wake_on(signal.SIGCHLD, signal.SIGTERM)
        orders, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        pid = os.fork()
        if pid == 0:
            runner.wait(zygote, packet, theirs)
        theirs.close()
        if job.begin(pid, orders, wake):
            job.watch(pid, wake)
        else:
            job.clean_up()
    except BaseException as error:  # noqa: BLE001 - the worker must hear of whatever it was
        if job is not None and pid:
            # Whatever broke, nothing of the job outlives it.
            job.end(pid)
        with suppress(OSError):
            channel.send(control, {"broken": f"{type(error).__name__}: {error}"}, [])
        os._exit(1)
    os._exit(0)


class Job:
    """One job as its supervisor sees it."""

    def __init__(self, zygote: Zygote, packet: dict[str, Any], control: socket.socket) -> None:
        self._behind_walls = zygote.walls == "namespaces"
        self._on_network: bool = zygote.plan["network"]
        self._packet = packet
        self._control = control
        self._listener: socket.socket | None = None
        # What only this side of the wall can know.
        self._environment: dict[str, str] = {}
        self._deadline: float | None = None
        self._reason: str | None = None
        self._memory: memory.Watch | None = None
        # Where a warm process is handed its next job and says that it has done the last.
        self._orders: socket.socket | None = None
        self._done: int | None = None
        self._answer = ""
        self._usage: Usage | None = None

    def prepare(self) -> None:
        """Set up what the job may use."""
        if not self._behind_walls:
            # Without a namespace that ends with us, we must live to end what we started.
            prctl(PR_SET_PDEATHSIG, signal.SIGTERM)
            prctl(PR_SET_CHILD_SUBREAPER, 1)
            os.makedirs(self._packet["directory"], 0o700, exist_ok=True)
            return
        prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
        os.setresgid(JOB_UID, JOB_UID, JOB_UID)
        os.setresuid(JOB_UID, JOB_UID, JOB_UID)
        # After a change of ids this process would not own its own entries in /proc.
        prctl(PR_SET_DUMPABLE, 1)
        rootfs.mount_writable()
        rootfs.mount_proc()
        os.mkdir(rootfs.JOB_DIRECTORY, 0o700)
        prctl(PR_SET_DUMPABLE, 0)
        if self._on_network:
            return
        raise_loopback()
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=_BACKLOG)
        port = self._listener.getsockname()[1]
        self._environment = {"TIDEMILL_URL": f"http://127.0.0.1:{port}"}

    def begin(self, pid: int, orders: socket.socket, wake: int) -> bool:
        """Wait for the job and hand it to the runner; return False when none will come."""
        waiting = [self._control.fileno(), wake]
        readable, _, _ = select.select(waiting, [], [])
        if wake in readable:
            # The zygote is ending, or the runner has died: there will be another room.
            _hear_why(orders)
            return False
        order, descriptors = channel.receive(self._control)
        if order is None:
            return False
        if self._behind_walls:
            rootfs.resize_writable(order["disk_bytes_max"], _FILES_MAX)
        if not order["counted"]:
            self._memory = memory.Watch(order["memory_bytes_max"])
        if order["warm"]:
            self._orders, self._usage = orders, Usage(pid)
        self._hand_over(orders, order, descriptors)
        self._announce()
        if not order["warm"]:
            orders.close()
        return True

    def _hand_over(
        self, orders: socket.socket, order: dict[str, Any], descriptors: list[int]
    ) -> None:
        channel.send(orders, order | {"environment": self._environment}, descriptors)
        for descriptor in descriptors:
            os.close(descriptor)

    def _announce(self) -> None:
        """Tell the worker that the code runs, and give it the door of the job's relay."""
        doors = [] if self._listener is None else [self._listener.fileno()]
        channel.send(self._control, {"started": _now()}, doors)
        if self._listener is not None:
            self._listener.close()

    def watch(self, pid: int, wake: int) -> None:
        """Wait for the end of `pid`; then end everything that is left, and report."""
        status = None
        while status is None:
            waiting = [self._control.fileno(), wake]
            if self._orders is not None:
                waiting.append(self._orders.fileno())
            readable, _, _ = select.select(waiting, [], [], self._patience())
            if waiting[2:] and waiting[2] in readable:
                self._hear_done(pid)
            if wake in readable and signal.SIGTERM in os.read(wake, 4096):
                self._signal_all(pid, signal.SIGKILL)
            if waiting[0] in readable:
                self._obey(pid)
            self._check_limits(pid)
            status = _reap(pid)
        self._end_all()
        self.clean_up()
        self._report(status)

    def _hear_done(self, pid: int) -> None:
        """Tell the worker that a warm process has done its job, and whether it is clean."""
        if self._orders is None or self._usage is None:
            return
        packet, _ = channel.receive_packet(self._orders)
        if not packet:
            self._orders = None
            return
        told = warm.told_in(packet)
        if told is None:
            # The script speaks in its runner's name; the worker, which serves others, too, must
            # not have to understand it.
            self._orders = None
            self._signal_all(pid, signal.SIGKILL)
            return
        if "part" in told:
            channel.pass_on(self._control, packet, [])
            return
        clean = self._deadline is None and is_alone(pid)
        if not clean:
            # What the job left must not see the next one; the report follows when all have ended.
            self._signal_all(pid, signal.SIGKILL)
            self._done, self._answer = told["done"], told["answer"]
            return
        report = {
            "ended": _now(), "exit": told["done"], "reason": None, "reusable": True,
            "answer": told["answer"],
        }  # fmt: skip
        channel.send(self._control, report | self._usage.since_last(), [])

    def _patience(self) -> float | None:
        waits = [] if self._memory is None else [self._memory.seconds_to_next]
        if self._deadline is not None:
            waits.append(max(0.0, self._deadline - time.monotonic()))
        return min(waits, default=None)

    def _obey(self, pid: int) -> None:
        packet, descriptors = channel.receive_packet(self._control)
        if not packet:
            # The worker is gone, and with it everybody who could want a result.
            self._signal_all(pid, signal.SIGKILL)
            return
        order = json.loads(packet)
        if "stop" in order:
            self._deadline = time.monotonic() + order["stop"]
            self._signal_all(pid, signal.SIGTERM)
        elif self._orders is not None:
            channel.pass_on(self._orders, packet, descriptors)
            for descriptor in descriptors:
                os.close(descriptor)
            channel.send(self._control, {"started": _now()}, [])

    def _check_limits(self, pid: int) -> None:
        if self._deadline is not None and time.monotonic() >= self._deadline:
            self._deadline = None
            self._signal_all(pid, signal.SIGKILL)
        if self._memory is not None and self._memory.is_over(self._processes(pid)):
            self._reason = "memory"
            self._signal_all(pid, signal.SIGKILL)

    def _processes(self, pid: int) -> list[int]:
        if self._behind_walls:
            return [int(name) for name in os.listdir("/proc") if name.isdigit() and name != "1"]
        return [pid, *memory.descendants(pid)]

    def _signal_all(self, pid: int, number: int) -> None:
        try:
            if self._behind_walls:
                os.kill(-1, number)
            else:
                os.killpg(pid, number)
        except ProcessLookupError:
            pass

    def end(self, pid: int) -> None:
        """End the job and all that it started, and remove what it left."""
        self._signal_all(pid, signal.SIGKILL)
        self._end_all()
        self.clean_up()

    def _end_all(self) -> None:
        # Behind walls this process is the first of its namespace, elsewhere the reaper of its
        # descendants: either way nobody is left when it has no child.
        deadline = time.monotonic() + _END_SECONDS_MAX
        while _has_children() and time.monotonic() < deadline:
            if self._behind_walls:
                self._signal_all(0, signal.SIGKILL)
            else:
                for child in memory.descendants(os.getpid()):
                    _kill(child)
            time.sleep(0.001)

    def clean_up(self) -> None:
        """Remove what the job left on the disk of the host."""
        if self._behind_walls:
            return
        try:
            os.rmdir(self._packet["directory"])
        except OSError:
            import shutil  # noqa: PLC0415 - brings pages that every fork would have to copy

            shutil.rmtree(self._packet["directory"], ignore_errors=True)

    def _report(self, status: int) -> None:
        usage = resource.getrusage(resource.RUSAGE_CHILDREN)
        report = {
            "ended": _now(),
            "exit": os.waitstatus_to_exitcode(status) if self._done is None else self._done,
            "reason": self._reason,
            "reusable": False,
            "answer": self._answer,
            "peak": usage.ru_maxrss * 1024,
            "cpu": int((usage.ru_utime + usage.ru_stime) * 1_000_000),
        }
        try:
            channel.send(self._control, report, [])
        except BrokenPipeError:
            os._exit(0)


def _hear_why(orders: socket.socket) -> None:
    """Raise what the runner could not do, if it said so before it died."""
    orders.setblocking(False)
    try:
        told, _ = channel.receive(orders)
    except OSError:
        return
    if told is not None:
        raise RuntimeError(told["broken"])


def _reap(main: int) -> int | None:
    """Reap whoever has ended; return the status of `main` when it is among them."""
    found = None
    while True:
        try:
            pid, status = os.waitpid(-1, os.WNOHANG)
        except ChildProcessError:
            return found
        if pid == 0:
            return found
        if pid == main:
            found = status


def _has_children() -> bool:
    """Reap whoever has ended, and return whether anybody has not."""
    try:
        while os.waitpid(-1, os.WNOHANG)[0] != 0:
            pass
    except ChildProcessError:
        return False
    return True


def _kill(pid: int) -> None:
    with suppress(ProcessLookupError):
        os.kill(pid, signal.SIGKILL)


def _now() -> int:
    return time.time_ns() // 1000
