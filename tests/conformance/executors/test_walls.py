"""What still stands around our own code when it is on the network."""

from __future__ import annotations

import asyncio
import os
import sys
from pathlib import Path
from typing import Any

import msgspec
import pytest

from tidemill.jobs.execution.isolation.keeper import Keeper, KeeperOptions
from tidemill.jobs.execution.isolation.plan import (
    Environment,
    JobLimits,
    Specification,
    Walls,
    ZygoteKey,
)
from tidemill.jobs.execution.worker.output import Collected
from tidemill.jobs.execution.worker.pipes import Pipe

pytestmark = [
    pytest.mark.anyio,
    pytest.mark.skipif(sys.platform != "linux", reason="the walls are Linux's namespaces"),
]
MEBIBYTE = 1024 * 1024
LIMITS = JobLimits(memory_bytes_max=192 * MEBIBYTE, disk_bytes_max=8 * MEBIBYTE, processes_max=16)
LOOK = """
import os, socket

def attempt(work):
    try:
        return repr(work())
    except OSError as error:
        return type(error).__name__

def main(port, pid, path, shown):
    status = open("/proc/self/status").read()
    return {
        "network": attempt(lambda: socket.create_connection(("127.0.0.1", port), 2).close()),
        "processes": sorted(int(n) for n in os.listdir("/proc") if n.isdigit()) == [1, os.getpid()],
        "rights": "CapEff:\\t0000000000000000" in status and "Seccomp:\\t2" in status,
        "host files": os.path.exists(path) or os.path.exists("/home"),
        "signal": attempt(lambda: os.kill(pid, 0)),
        "elsewhere": attempt(lambda: open("/opt/x", "w")),
        "shown": attempt(lambda: open(shown + "/kept", "w").write("x")),
        "relay": os.environ.get("TIDEMILL_URL"),
    }
"""


async def test_walls_around_our_own_code_lack_only_that_of_the_network(tmp_path: Path) -> None:
    files = tmp_path / "files"
    files.mkdir()
    files.chmod(0o777)
    server = await asyncio.start_server(lambda _, writer: writer.close(), "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    shown = "/opt/tidemill/files"
    environment = Environment(network=True, writable=((str(files), shown),))

    seen = await _look(
        tmp_path, environment, port=port, pid=os.getpid(), path=str(tmp_path), shown=shown
    )
    server.close()

    assert seen["network"] == "None", "it is on the network"
    assert seen["processes"] is True
    assert seen["rights"] is True
    assert seen["host files"] is False
    assert seen["signal"] == "ProcessLookupError"
    assert seen["elsewhere"] != "None"
    assert seen["relay"] is None
    assert (files / "kept").read_text() == "x"


async def test_walls_without_a_network_stand_with_shown_files(tmp_path: Path) -> None:
    server = await asyncio.start_server(lambda _, writer: writer.close(), "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]

    seen = await _look(
        tmp_path, Environment(), port=port, pid=os.getpid(), path=str(tmp_path), shown="/nowhere"
    )
    server.close()

    assert seen["network"] != "None"
    assert seen["relay"] is not None


async def _look(directory: Path, environment: Environment, **arguments: Any) -> dict[str, Any]:
    keeper = Keeper(
        KeeperOptions(worker_id=f"walls-{os.getpid()}", slots=1, directory=directory / "jobs")
    )
    await keeper.start()
    try:
        specification = Specification(
            language="python",
            name="look",
            content=LOOK,
            arguments=msgspec.json.encode(arguments).decode(),
            environment={},
            result_bytes_max=MEBIBYTE,
        )
        key = ZygoteKey(Walls.NAMESPACES, "tenant-a", environment)
        running = await keeper.run(key, specification, LIMITS)
        answer = Collected(MEBIBYTE)
        assert running.process.result is not None
        await asyncio.gather(
            Pipe(running.process.result, answer.add).read(),
            Pipe(running.process.stdout, lambda _: None).read(),
            running.end(),
        )
        running.process.close()
    finally:
        await keeper.stop()
    found: dict[str, dict[str, Any]] = msgspec.json.decode(answer.get())
    return found["result"]
