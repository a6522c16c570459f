"""What this machine can keep of the promises, found by doing it."""

from __future__ import annotations

import asyncio
import os
import sys
import tempfile
from pathlib import Path

import msgspec
from msgspec import Struct

from tidemill.jobs.execution.isolation.cgroups import cell_groups
from tidemill.jobs.execution.isolation.guarantees import Setting, every_cell_holds
from tidemill.jobs.execution.isolation.inside import landlock
from tidemill.jobs.execution.isolation.job import JobNotStarted
from tidemill.jobs.execution.isolation.keeper import Keeper, KeeperOptions
from tidemill.jobs.execution.isolation.plan import JobLimits, Specification, Walls, ZygoteKey
from tidemill.jobs.execution.isolation.zygote import ZygoteNotReady
from tidemill.jobs.protocol.messages import Isolation

_probe_seconds_max = 20.0
_MEBIBYTE = 1024 * 1024
_LIMITS = JobLimits(memory_bytes_max=256 * _MEBIBYTE, disk_bytes_max=_MEBIBYTE, processes_max=8)
# What must be true of a job behind walls, seen by itself.
_LOOK = """
import os
def main():
    status = open("/proc/self/status").read()
    return {
        "alone": sorted(int(n) for n in os.listdir("/proc") if n.isdigit()) == [1, os.getpid()],
        "filtered": "Seccomp:\\t2" in status,
        "powerless": "CapEff:\\t0000000000000000" in status,
        "homeless": not os.path.exists("/home") and not os.path.exists("/var"),
    }
"""


class Offer(Struct, frozen=True, kw_only=True):
    """Which isolation a worker can offer here, and what stands in the way of more."""

    setting: Setting | None
    isolations: tuple[Isolation, ...]
    memory_counted: bool
    landlock_version: int
    reason: str | None = None
    fix: str | None = None


async def probe(directory: Path | None = None) -> Offer:
    """Run a job behind every wall and say what this machine offers, and why not more."""
    version = landlock.version() if sys.platform == "linux" else 0
    if sys.platform != "linux":
        return _without(version, "The walls are made of Linux's namespaces.", "Run on Linux.")
    with tempfile.TemporaryDirectory(dir=directory, prefix="probe-") as scratch:
        try:
            async with asyncio.timeout(_probe_seconds_max):
                counted, seen = await _try(Path(scratch))
        except (ZygoteNotReady, JobNotStarted, OSError, TimeoutError) as error:
            return _without(version, _last_line(str(error)), _fix(str(error)))
    broken = sorted(name for name, is_true in seen.items() if not is_true)
    if broken or not seen:
        reason = f"A job behind the walls is not {', '.join(broken) or 'able to run'}."
        return _without(version, reason, "Report this with the kernel's version.")
    setting = Setting.ROOT if os.geteuid() == 0 else Setting.USER_WITH_NAMESPACES
    isolations = (Isolation.FORK, Isolation.SANDBOX, Isolation.WARM)
    return Offer(
        setting=setting,
        isolations=isolations if every_cell_holds(setting) else isolations[:1],
        memory_counted=counted,
        landlock_version=version,
    )


async def _try(directory: Path) -> tuple[bool, dict[str, bool]]:
    counted = cell_groups(f"probe-{os.getpid()}", 1)
    for group in counted or ():
        group.remove()
    keeper = Keeper(
        KeeperOptions(worker_id=f"probe-{os.getpid()}", slots=1, directory=directory / "jobs")
    )
    await keeper.start()
    try:
        specification = Specification(
            language="python", name="probe", content=_LOOK, arguments="{}",
            environment={}, result_bytes_max=1000,
        )  # fmt: skip
        key = ZygoteKey(Walls.NAMESPACES, "probe")
        running = await keeper.run(key, specification, _LIMITS)
        await running.process.started
        await running.end()
        result = running.process.result
        answer = b"" if result is None else os.read(result, 4096)
        said = os.read(running.process.stdout, 4096).decode(errors="replace")
        running.process.close()
    finally:
        await keeper.stop()
    if not answer:
        raise JobNotStarted(said)
    seen = msgspec.json.decode(answer, type=dict[str, dict[str, bool]])
    return counted is not None, seen.get("result", {})


def _without(version: int, reason: str, fix: str) -> Offer:
    setting = Setting.LANDLOCK_ONLY if version else None
    return Offer(
        setting=setting,
        isolations=(Isolation.FORK,),
        memory_counted=False,
        landlock_version=version,
        reason=reason,
        fix=fix,
    )


def _last_line(text: str) -> str:
    lines = [line for line in text.splitlines() if line.strip()]
    return lines[-1].strip() if lines else "The walls could not be raised."


def _fix(text: str) -> str:
    if "unshare" in text or "clone" in text:
        return (
            "Allow user namespaces: sysctl user.max_user_namespaces, "
            "kernel.unprivileged_userns_clone and kernel.apparmor_restrict_unprivileged_userns, "
            "or the seccomp profile of the container."
        )
    if "mount" in text or "pivot_root" in text:
        return (
            "Let the container mount in its own namespaces: an unmasked /proc and a profile that "
            "allows mount (for example --security-opt systempaths=unconfined)."
        )
    if "seccomp" in text or "prctl" in text:
        return "Use a kernel with seccomp filters."
    return "Run `tidemill doctor` as the worker's user and report what it prints."
