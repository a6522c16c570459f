"""Runs every attack as the present user and prints what each one got, as JSON.

`harness.py WALLS WARM DIRECTORY`: WARM is `warm` for processes that stay for more jobs, and
DIRECTORY is private to the user. Run as a process of its own, since one test process cannot be
two users.
"""

from __future__ import annotations

import asyncio
import json
import os
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

from tests.conformance.sandbox.attacks import ATTACKS, UNWALLED, VICTIM
from tests.fixtures.waiting import Stopwatch
from tidemill.jobs.execution.isolation.keeper import Keeper, KeeperOptions
from tidemill.jobs.execution.isolation.plan import JobLimits, Specification, Walls, ZygoteKey
from tidemill.jobs.execution.isolation.running import RunningJob
from tidemill.jobs.execution.worker.output import Collected
from tidemill.jobs.execution.worker.pipes import Pipe
from tidemill.jobs.protocol.connection import DispatcherConnection
from tidemill.jobs.protocol.unix import UnixListener, secret_name, socket_name

CANARY = f"canary-5f1c-{os.getpid()}"
"""Another run beside this one has another: what it leaves behind is not ours."""
MEBIBYTE = 1024 * 1024
LIMITS = JobLimits(memory_bytes_max=192 * MEBIBYTE, disk_bytes_max=32 * MEBIBYTE, processes_max=24)
ATTACK_SECONDS_MAX = 15.0
STOP_GRACE_SECONDS = 0.2
DYING_SECONDS = 0.5
"""What a process may take to end that was killed; more on a busy machine."""


def _lives_on(process: subprocess.Popen[bytes]) -> bool:
    try:
        process.wait(DYING_SECONDS)
    except subprocess.TimeoutExpired:
        return True
    return False


class Harness:
    """The world that an attack meets: a worker with secrets, neighbours, and open doors."""

    def __init__(self, walls: Walls, *, warm: bool, directory: Path) -> None:
        self.walls = walls
        self.warm = warm
        self.directory = directory
        self.keeper = Keeper(
            KeeperOptions(worker_id=f"harness-{os.getpid()}", slots=3, directory=directory / "jobs")
        )
        self.arrived = 0
        self.listener = UnixListener(directory / "run", self._arrive)

    async def run(self) -> dict[str, Any]:
        (self.directory / "jobs.db").write_text(CANARY)
        bystander = subprocess.Popen(["sleep", "600"])  # noqa: ASYNC220 - at once
        await self.listener.start()
        await self.keeper.start()
        tcp = await asyncio.start_server(lambda r, w: w.close(), "0.0.0.0", 0)  # noqa: S104
        abstract = socket.socket(socket.AF_UNIX)
        abstract.bind(f"\0{CANARY}-{os.getpid()}")
        abstract.listen()
        try:
            sibling = await self._victim("tenant-a", 1)
            stranger = await self._victim("tenant-b", 2)
            arguments = self._arguments(tcp.sockets[0].getsockname()[1], bystander.pid)
            found: dict[str, Any] = {}
            attacks = UNWALLED if self.walls is Walls.NONE else ATTACKS
            for name, source in attacks.items():
                found[name] = await self._attack(source, arguments)
            found["world"] = {
                "bystander alive": await asyncio.to_thread(_lives_on, bystander),
                "victims alive": not (
                    sibling.process.gone.is_set() or stranger.process.gone.is_set()
                ),
                "worker connections": self.arrived,
                "left behind": _processes_with(CANARY + "-left"),
                "counted": self.keeper._groups is not None,
            }
            return found
        finally:
            bystander.kill()
            abstract.close()
            tcp.close()
            await self.keeper.stop()
            await self.listener.stop()

    async def _arrive(self, connection: DispatcherConnection) -> None:
        self.arrived += 1
        await connection.wait_closed()

    def _arguments(self, port: int, bystander: int) -> dict[str, Any]:
        return {
            "canary": CANARY + "-left",
            "secret": CANARY,
            "paths": [
                "/etc/shadow",
                f"/proc/{os.getpid()}/environ",
                f"/proc/{bystander}/environ",
                str(self.directory / "jobs.db"),
                str(self.directory / "run" / secret_name),
                "/tmp/job/secret-of-the-victim.txt",  # noqa: S108
                *map(str, self.directory.glob("jobs/*/secret-of-the-victim.txt")),
                "/proc/1/environ",
                "/proc/1/root" + "/etc/shadow",
                "/proc/kcore",
            ],
            "prefix": os.path.realpath(sys.base_prefix),
            "outside": str(self.directory),
            "port": port,
            "udp_port": port,
            "addresses": ["127.0.0.1", "localhost", _own_address()],
            "abstract": f"{CANARY}-{os.getpid()}",
            "unix_socket": str(self.directory / "run" / socket_name),
            "pids": [bystander, os.getpid()],
            "memory_bytes_max": LIMITS.memory_bytes_max,
            "disk_bytes_max": LIMITS.disk_bytes_max,
            # Where nothing limits them, to make and remove them all takes four seconds.
            "files_max": 1_000 if self.walls is Walls.LANDLOCK else 80_000,
        }

    async def _victim(self, tenant: str, slot: int) -> RunningJob:
        job = await self._start(VICTIM, {"canary": CANARY}, slot, tenant)
        await job.process.started
        while not os.get_blocking(job.process.stdout):
            try:
                if b"ready" in os.read(job.process.stdout, 100):
                    break
            except BlockingIOError:
                await asyncio.sleep(0.005)
        return job

    async def _attack(self, source: str, arguments: dict[str, Any]) -> dict[str, Any]:
        watches = [Stopwatch()]
        job = await self._start(source, arguments, 0, "tenant-a")
        printed, result = Collected(64 * 1024), Collected(MEBIBYTE)
        output = Pipe(job.process.stdout, printed.add)
        answer = None if job.process.result is None else Pipe(job.process.result, result.add)
        stopping = asyncio.get_running_loop().call_later(
            ATTACK_SECONDS_MAX, job.stop, STOP_GRACE_SECONDS
        )
        watching = asyncio.create_task(_watch(job, printed, watches))
        ending = await job.end()
        seconds = watches[-1].look()
        stopping.cancel()
        watching.cancel()
        for part in ending.answer:
            result.add(part)
        if answer is not None:
            await answer.read()
        await (output.rest() if ending.reusable else output.read())
        output.stop()
        job.process.close()
        job.release()
        return {
            "exit_code": ending.exit_code,
            "reason": ending.reason,
            "peak": ending.peak_memory_bytes,
            "seconds": seconds,
            "answer": json.loads(result.get() or b"null"),
            "printed": printed.get().decode(errors="replace")[-2000:],
        }

    async def _start(
        self, source: str, arguments: dict[str, Any], slot: int, tenant: str
    ) -> RunningJob:
        specification = Specification(
            language="python",
            name="attack",
            content=source,
            arguments=json.dumps(arguments),
            environment={},
            result_bytes_max=MEBIBYTE,
            warm=self.warm,
        )
        return await self.keeper.run(ZygoteKey(self.walls, tenant), specification, LIMITS)


async def _watch(job: RunningJob, printed: Collected, watches: list[Stopwatch]) -> None:
    """Measure the job; stop it when it says that it is ready to be, and measure from there."""
    while True:
        if len(watches) == 1 and b"ready" in printed.get():
            job.stop(STOP_GRACE_SECONDS)
            watches.append(Stopwatch())
        watches[-1].look()
        await asyncio.sleep(0.01)


def _own_address() -> str:
    try:
        return socket.gethostbyname(socket.gethostname())
    except OSError:
        return "127.0.0.2"


def _processes_with(text: str) -> int:
    found = 0
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                command = (entry / "cmdline").read_bytes()
            except OSError:
                continue
            found += text.encode() in command
    return found


if __name__ == "__main__":
    os.environ["TIDEMILL_CANARY"] = CANARY
    harness = Harness(Walls(sys.argv[1]), warm=sys.argv[2] == "warm", directory=Path(sys.argv[3]))
    print(json.dumps(asyncio.run(harness.run())))
