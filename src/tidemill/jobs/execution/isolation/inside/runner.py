"""The job's own process: lock the door behind it, wait for the job, then run its code."""

from __future__ import annotations

import fcntl
import os
import resource
import signal
import socket
from typing import Any, Final, NoReturn

from . import (
    bash,
    channel,
    container,
    http,
    landlock,
    python,
    rootfs,
    seccomp,
    sql,
    typescript,
    warm,
)
from .order import RESULT, take
from .plan import Zygote
from .preload import import_late
from .syscalls import (
    PR_SET_DUMPABLE,
    PR_SET_NO_NEW_PRIVS,
    PR_SET_PDEATHSIG,
    drop_capabilities,
    prctl,
)

_ORDERS: Final = 4
_RUNNERS: Final = {
    "bash": bash.run,
    "container": container.run,
    "http": http.run,
    "python": python.run,
    "sql": sql.run,
    "typescript": typescript.run,
}
_SYSTEM_FILES: Final = (
    "/bin", "/etc/alternatives", "/etc/group", "/etc/hosts", "/etc/ld.so.cache",
    "/etc/localtime", "/etc/nsswitch.conf", "/etc/passwd", "/etc/ssl/certs", "/lib", "/lib64",
    "/proc/cpuinfo", "/proc/meminfo", "/proc/self", "/sbin", "/usr",
)  # fmt: skip
_DEVICES: Final = ("/dev/full", "/dev/null", "/dev/random", "/dev/urandom", "/dev/zero")


def wait(zygote: Zygote, packet: dict[str, Any], orders: socket.socket) -> NoReturn:
    """Lock this process in, wait for a job on `orders`, run it and exit.

    The order comes with the descriptors that `take` names.
    """
    try:
        os.setsid()
        prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
        orders = _keep_only(orders)
        signal.set_wakeup_fd(-1)
        for number in (signal.SIGCHLD, signal.SIGTERM):
            signal.signal(number, signal.SIG_DFL)
        directory = _directory(zygote, packet)
        os.chdir(directory)
        _lock(zygote, directory)
        order, descriptors = channel.receive(orders)
        if order is None:
            os._exit(0)
    except BaseException as error:  # noqa: BLE001 - nothing may unwind into the zygote's code
        channel.send(orders, {"broken": f"{type(error).__name__}: {error}"}, [])
        os._exit(125)
    _run(zygote, order, descriptors, directory, orders)


def _run(
    zygote: Zygote,
    order: dict[str, Any],
    descriptors: list[int],
    directory: str,
    orders: socket.socket,
) -> NoReturn:
    try:
        specification = take(order, descriptors, directory)
        os.environ["TMPDIR"] = directory if zygote.walls != "namespaces" else rootfs.WRITABLE
        _limit(zygote, order)
        import_late(zygote.late)
        if order["warm"]:
            warm.serve(specification, order["environment"], orders, directory)
        os.close(orders.detach())
        _RUNNERS[specification["language"]](specification, RESULT)
    except BaseException as error:  # noqa: BLE001 - nothing may unwind into the zygote's code
        os.write(2, f"The job could not be started: {type(error).__name__}: {error}\n".encode())
    os._exit(125)


def _keep_only(orders: socket.socket) -> socket.socket:
    # Away from the numbers that are to be overwritten.
    safe = fcntl.fcntl(orders.detach(), fcntl.F_DUPFD_CLOEXEC, 10)
    empty = os.open("/dev/null", os.O_RDWR)
    for number in range(_ORDERS):
        os.dup2(empty, number)
    os.dup2(safe, _ORDERS, inheritable=False)
    os.closerange(_ORDERS + 1, 1 << 20)
    return socket.socket(fileno=_ORDERS)


def _directory(zygote: Zygote, packet: dict[str, Any]) -> str:
    if zygote.walls == "namespaces":
        return rootfs.JOB_DIRECTORY
    directory: str = packet["directory"]
    return directory


def _limit(zygote: Zygote, order: dict[str, Any]) -> None:
    limits = {resource.RLIMIT_CORE: 0}
    if zygote.walls != "none":
        limits[resource.RLIMIT_NOFILE] = order["open_files_max"]
        limits[resource.RLIMIT_FSIZE] = order["disk_bytes_max"]
        limits[resource.RLIMIT_AS] = order["address_bytes_max"]
    if zygote.walls == "namespaces":
        # The kernel counts per user, and behind these walls each job is a user of its own.
        limits[resource.RLIMIT_NPROC] = order["processes_max"]
    for kind, value in limits.items():
        _, hard = resource.getrlimit(kind)
        allowed = value if hard == resource.RLIM_INFINITY else min(value, hard)
        resource.setrlimit(kind, (allowed, allowed))


def _lock(zygote: Zygote, directory: str) -> None:
    if zygote.walls == "none":
        return
    # The supervisor hides its own memory; the job may look at itself.
    prctl(PR_SET_DUMPABLE, 1)
    prctl(PR_SET_NO_NEW_PRIVS, 1)
    landlock.restrict(_paths(zygote, directory), network=zygote.walls == "namespaces")
    drop_capabilities()
    seccomp.load(zygote.filter_program)


def _paths(zygote: Zygote, directory: str) -> dict[str, int]:
    if zygote.walls == "namespaces":
        return {
            "/": landlock.READ_AND_RUN,
            "/dev": landlock.DEVICE | landlock.READ,
            rootfs.WRITABLE: landlock.WRITE,
            **{seen_at: landlock.WRITE for _, seen_at in zygote.plan["writable"]},
        }
    paths = dict.fromkeys(_SYSTEM_FILES, landlock.READ_AND_RUN)
    paths |= {path: landlock.READ_AND_RUN for path, _ in zygote.plan["read_only"]}
    paths |= dict.fromkeys(_DEVICES, landlock.DEVICE)
    paths[directory] = landlock.WRITE
    return paths
