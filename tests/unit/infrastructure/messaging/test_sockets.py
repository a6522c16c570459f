from __future__ import annotations

import socket
from pathlib import Path

import msgspec
import pytest

from tests.fixtures.run import run_directory, unique_name
from tests.fixtures.stores import until
from tidemill.core.ids import TenantId
from tidemill.core.ports import Ephemeral
from tidemill.infrastructure.messaging import BusUnavailable
from tidemill.infrastructure.messaging.sockets import SocketBus

pytestmark = pytest.mark.anyio
UPDATE = Ephemeral(tenant_id=TenantId("t"), topics=(), type="Said", data=msgspec.Raw(b"1"))


@pytest.fixture
def directory() -> Path:
    return run_directory() / unique_name("b").removeprefix("tidemill_test_")


async def test_broadcast_takes_away_the_socket_of_a_killed_process(directory: Path) -> None:
    bus = SocketBus(directory)
    await bus.start()
    left = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    left.bind(str(directory / "1-dead.bus"))
    left.close()

    await bus.broadcast(UPDATE)

    assert not (directory / "1-dead.bus").exists()
    await bus.stop()
    assert _left_in(directory) == []


async def test_broadcast_waits_for_a_reader_that_is_full(directory: Path) -> None:
    sender, reader = SocketBus(directory), SocketBus(directory)
    heard: list[Ephemeral] = []
    reader.on_ephemeral(heard.append)
    await sender.start()
    await reader.start()

    for _ in range(2_000):  # More than a system holds, without a turn for the reader.
        await sender.broadcast(UPDATE)
    await until(lambda: len(heard) == 2_000, seconds=30)

    await sender.stop()
    await reader.stop()


async def test_start_says_when_the_directory_cannot_be_made() -> None:
    with pytest.raises(BusUnavailable):
        await SocketBus(Path(__file__)).start()


def _left_in(directory: Path) -> list[Path]:
    return list(directory.iterdir())
