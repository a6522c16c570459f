"""The job's own process: lock the door behind it, then run the code of the user."""

from __future__ import annotations

import fcntl
import json
import os
import resource
import signal
from typing import Any, Final, NoReturn

from . import bash, container, http, landlock, python, rootfs, seccomp, sql, typescript
from .plan import Zygote
from .preload import import_late
from .syscalls import (
    PR_SET_DUMPABLE,
    PR_SET_NO_NEW_PRIVS,
    PR_SET_PDEATHSIG,
    drop_capabilities,
    prctl,
)

RESULT: Final = 3
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


def run(
    zygote: Zygote, packet: dict[str, Any], environment: dict[str, str], descriptors: list[int]
) -> NoReturn:
    """Run the job in this process and exit. Descriptors: stdout, stderr, result, specification."""
    try:
        os.setsid()
        prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
        specification = _read_all(descriptors[3])
        _keep_only(descriptors[:3])
        signal.set_wakeup_fd(-1)
        for number in (signal.SIGCHLD, signal.SIGTERM):
            signal.signal(number, signal.SIG_DFL)
        directory = _directory(zygote, packet)
        os.chdir(directory)
        os.environ.clear()
        os.environ.update(
            PATH="/usr/local/bin:/usr/bin:/bin",
            HOME=directory,
            TMPDIR=directory if zygote.walls != "namespaces" else rootfs.WRITABLE,
            LANG="C.UTF-8",
        )
        os.environ.update(specification["environment"])
        os.environ.update(environment)
        _limit(zygote, packet)
        _lock(zygote, directory)
        import_late(zygote.late)
        _RUNNERS[specification["language"]](specification, RESULT)
    except BaseException as error:  # noqa: BLE001 - nothing may unwind into the zygote's code
        os.write(2, f"The job could not be started: {type(error).__name__}: {error}\n".encode())
    os._exit(125)


def _read_all(descriptor: int) -> dict[str, Any]:
    with open(descriptor, "rb") as file:
        file.seek(0)
        specification: dict[str, Any] = json.loads(file.read())
    return specification


def _keep_only(descriptors: list[int]) -> None:
    # Away from the numbers that they are to get, so that none is overwritten before its turn.
    safe = [fcntl.fcntl(descriptor, fcntl.F_DUPFD_CLOEXEC, 10) for descriptor in descriptors]
    empty = os.open("/dev/null", os.O_RDONLY)
    os.dup2(empty, 0)
    for number, descriptor in enumerate(safe, start=1):
        os.dup2(descriptor, number)
    os.set_inheritable(RESULT, False)
    os.closerange(RESULT + 1, 1 << 20)


def _directory(zygote: Zygote, packet: dict[str, Any]) -> str:
    if zygote.walls == "namespaces":
        return rootfs.JOB_DIRECTORY
    directory: str = packet["directory"]
    return directory


def _limit(zygote: Zygote, packet: dict[str, Any]) -> None:
    limits = {resource.RLIMIT_CORE: 0}
    if zygote.walls != "none":
        limits[resource.RLIMIT_NOFILE] = packet["open_files_max"]
        limits[resource.RLIMIT_FSIZE] = packet["disk_bytes_max"]
        limits[resource.RLIMIT_AS] = packet["address_bytes_max"]
    if zygote.walls == "namespaces":
        # The kernel counts per user, and behind these walls each job is a user of its own.
        limits[resource.RLIMIT_NPROC] = packet["processes_max"]
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
            **dict.fromkeys(zygote.plan["writable"], landlock.WRITE),
        }
    paths = dict.fromkeys(_SYSTEM_FILES, landlock.READ_AND_RUN)
    paths |= dict.fromkeys(zygote.plan["read_only"], landlock.READ_AND_RUN)
    paths |= dict.fromkeys(_DEVICES, landlock.DEVICE)
    paths[directory] = landlock.WRITE
    return paths
