from __future__ import annotations

import asyncio
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from tidemill.jobs.protocol.connection import DispatcherConnection
from tidemill.jobs.protocol.errors import ConnectionLost, UntrustedSocket
from tidemill.jobs.protocol.messages import Drain
from tidemill.jobs.protocol.unix import UnixListener, connect, read_secret, secret_name, socket_name

pytestmark = pytest.mark.anyio


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


async def _send_drain(connection: DispatcherConnection) -> None:
    await connection.send(Drain())
    await connection.wait_closed()


async def test_start_makes_a_private_directory_socket_and_secret(tmp_path: Path) -> None:
    listener = UnixListener(tmp_path / "run", _send_drain)
    await listener.start()

    assert stat.S_IMODE((tmp_path / "run").stat().st_mode) == 0o700
    assert stat.S_IMODE((tmp_path / "run" / socket_name).stat().st_mode) == 0o600
    assert stat.S_IMODE((tmp_path / "run" / secret_name).stat().st_mode) == 0o600
    assert listener.is_secret(read_secret(tmp_path / "run"))
    assert not listener.is_secret("guess")
    await listener.stop()


async def test_start_makes_another_secret_each_time(tmp_path: Path) -> None:
    first = UnixListener(tmp_path, _send_drain)
    assert first.secret != UnixListener(tmp_path, _send_drain).secret


async def test_start_takes_the_place_of_a_socket_that_a_crash_left(tmp_path: Path) -> None:
    crashed = UnixListener(tmp_path / "run", _send_drain)
    await crashed.start()
    listener = UnixListener(tmp_path / "run", _send_drain)
    await listener.start()

    worker = await connect(tmp_path / "run")

    assert await worker.receive() == Drain()
    await worker.close()
    await listener.stop()
    await crashed.stop()


async def test_start_refuses_a_directory_that_others_may_enter(tmp_path: Path) -> None:
    (tmp_path / "open").mkdir(mode=0o755)

    with pytest.raises(UntrustedSocket):
        await UnixListener(tmp_path / "open", _send_drain).start()
    with pytest.raises(UntrustedSocket):
        await connect(tmp_path / "open")


async def test_connect_works_where_the_path_is_longer_than_a_socket_address(tmp_path: Path) -> None:
    directory = tmp_path / ("deep" * 20) / ("deeper" * 20)
    listener = UnixListener(directory, _send_drain)
    await listener.start()

    worker = await connect(directory)

    assert await worker.receive() == Drain()
    await worker.close()
    await listener.stop()


async def test_connect_says_that_nobody_listens(tmp_path: Path) -> None:
    (tmp_path / "run").mkdir(mode=0o700)

    with pytest.raises(ConnectionLost, match="No dispatcher answers"):
        await connect(tmp_path / "run")
    with pytest.raises(ConnectionLost, match="No dispatcher has started"):
        read_secret(tmp_path / "run")


_STRANGER = """
import os, socket, sys
os.setgid(65534); os.setuid(65534)
plug = socket.socket(socket.AF_UNIX)
plug.settimeout(5)
plug.connect(sys.argv[1])
sys.exit(0 if plug.recv(100) == b"" else 1)
"""


@pytest.mark.needs("root")
async def test_a_stranger_is_cut_off_even_where_the_directory_lets_him_in(tmp_path: Path) -> None:
    accepted: list[DispatcherConnection] = []

    async def accept(connection: DispatcherConnection) -> None:
        accepted.append(connection)

    listener = UnixListener(tmp_path / "run", accept)
    await listener.start()
    for path in [tmp_path / "run" / socket_name, tmp_path / "run", *tmp_path.parents[:3], tmp_path]:
        path.chmod(0o777)
    stranger = await asyncio.create_subprocess_exec(
        sys.executable, "-c", _STRANGER, str(tmp_path / "run" / socket_name),
        stderr=subprocess.PIPE,
    )  # fmt: skip
    _, stderr = await stranger.communicate()

    assert stranger.returncode == 0, stderr.decode()
    assert accepted == []
    await listener.stop()
