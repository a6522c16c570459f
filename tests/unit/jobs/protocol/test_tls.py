"""TLS between a dispatcher and workers elsewhere: who is let in, and how much from strangers."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from msgspec import structs

from tests.fixtures.certificates import Authority
from tidemill.core.config import ConfigRefused
from tidemill.jobs.protocol.connection import DispatcherConnection
from tidemill.jobs.protocol.errors import ConnectionLost
from tidemill.jobs.protocol.messages import Hello, LogChunk, Refused, protocol_version
from tidemill.jobs.protocol.tls import TlsListener, TlsPlace, TlsTarget, dial
from tidemill.jobs.protocol.visitors import strangers_max

pytestmark = pytest.mark.anyio

HELLO = Hello(
    version=protocol_version,
    worker_id="w",
    secret="tmw_",
    host="h",
    slots=1,
    tags=("default",),
    isolations=(),
)


async def _answer(connection: DispatcherConnection, address: str) -> None:
    hello = await connection.receive()
    assert isinstance(hello, Hello)
    await connection.send(Refused(reason=f"{hello.worker_id} at {address}"))
    await connection.wait_closed()


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority.make(tmp_path_factory.mktemp("tls"))


@asynccontextmanager
async def _listening(
    authority: Authority, accept: Any = _answer, **fields: Any
) -> AsyncIterator[tuple[TlsListener, TlsTarget]]:
    files = authority.issue("dispatcher")
    may_enter: Callable[[str], bool] = fields.pop("may_enter", lambda _: True)
    known = {"certificate_file": str(files.certificate), "key_file": str(files.key)}
    strangers = fields.pop("strangers_max", strangers_max)
    place = TlsPlace(host="127.0.0.1", port=0, **{**known, **fields})
    listener = TlsListener(place, accept, may_enter=may_enter, strangers_max=strangers)
    await listener.start()
    target = TlsTarget(host="localhost", port=listener.port, ca_file=str(authority.file))
    try:
        yield listener, target
    finally:
        await listener.stop()


async def test_dial_carries_messages_both_ways(authority: Authority) -> None:
    async with _listening(authority) as (_, target):
        connection = await dial(target)
        await connection.send(HELLO)

        answer = await connection.receive()

        await connection.close()
    assert answer == Refused(reason="w at 127.0.0.1")


async def test_listener_lets_no_message_wait_for_the_next(authority: Authority) -> None:
    async def echo(connection: DispatcherConnection, _: str) -> None:
        while True:
            await connection.receive()
            await connection.send(Refused(reason="again"))

    async with _listening(authority, echo) as (_, target):
        connection = await dial(target)
        seconds = []
        for _ in range(100):
            began = asyncio.get_running_loop().time()
            await connection.send(HELLO)
            await connection.receive()
            seconds.append(asyncio.get_running_loop().time() - began)
        await connection.close()
    # With Nagle's algorithm each would wait some 40 ms for the answer to the one before.
    assert sorted(seconds)[50] < 0.02, "a busy machine delays some, and not half of them"


async def test_dial_trusts_no_certificate_of_another_authority(
    authority: Authority, tmp_path: Path
) -> None:
    other = Authority.make(tmp_path, "other")
    async with _listening(authority) as (_, target):
        with pytest.raises(ConnectionLost, match=r"is not trusted.*--ca"):
            await dial(structs.replace(target, ca_file=str(other.file)))


async def test_dial_trusts_no_certificate_of_another_host(authority: Authority) -> None:
    files = authority.issue("elsewhere", host="elsewhere.example")
    own = {"certificate_file": str(files.certificate), "key_file": str(files.key)}
    async with _listening(authority, **own) as (_, target):
        with pytest.raises(ConnectionLost, match=r"is not trusted.*Connect to a name") as told:
            await dial(target)

    assert "--ca" not in str(told.value)


async def test_dial_tells_where_nobody_answers(authority: Authority) -> None:
    async with _listening(authority) as (_, target):
        pass

    with pytest.raises(ConnectionLost, match=f"No dispatcher answers at localhost:{target.port}"):
        await dial(target)


@pytest.mark.filterwarnings("ignore:ssl.TLSVersion:DeprecationWarning")
async def test_listener_refuses_old_versions_of_tls(authority: Authority) -> None:
    async with _listening(authority) as (listener, _):
        context = ssl.create_default_context(cafile=str(authority.file))
        context.minimum_version = ssl.TLSVersion.TLSv1
        context.maximum_version = ssl.TLSVersion.TLSv1_1
        with pytest.raises(ssl.SSLError):
            await asyncio.open_connection("localhost", listener.port, ssl=context)


async def test_listener_lets_strangers_send_a_greeting_and_no_logs(authority: Authority) -> None:
    async def read(connection: DispatcherConnection, _: str) -> None:
        await connection.receive_batch(1)
        await connection.wait_closed()

    async with _listening(authority, read) as (_, target):
        connection = await dial(target)
        await connection.send(HELLO)
        chunk = LogChunk(job_id="j", epoch=1, offset=0, data=b"x")

        with pytest.raises(TimeoutError):
            await asyncio.wait_for(connection.send(chunk), 0.2)
        await connection.close()


async def test_listener_takes_logs_once_the_connection_is_wide(authority: Authority) -> None:
    heard: asyncio.Queue[Any] = asyncio.Queue()

    async def read(connection: DispatcherConnection, _: str) -> None:
        await connection.receive()
        connection.widen()
        heard.put_nowait(await connection.receive())

    async with _listening(authority, read) as (_, target):
        connection = await dial(target)
        await connection.send(HELLO)
        chunk = LogChunk(job_id="j", epoch=1, offset=0, data=b"x")
        await connection.send(chunk)

        assert await asyncio.wait_for(heard.get(), 60) == chunk
        await connection.close()


async def test_listener_keeps_addresses_out_that_may_not_enter(authority: Authority) -> None:
    async with _listening(authority, may_enter=lambda _: False) as (_, target):
        with pytest.raises(ConnectionLost):
            await dial(target)


async def test_listener_asks_for_a_certificate_where_it_is_told_to(authority: Authority) -> None:
    mine = authority.issue("worker")
    async with _listening(authority, client_ca_file=str(authority.file)) as (_, target):
        with_one = structs.replace(
            target, certificate_file=str(mine.certificate), key_file=str(mine.key)
        )
        connection = await dial(with_one)
        await connection.send(HELLO)
        assert isinstance(await connection.receive(), Refused)
        await connection.close()

        with pytest.raises(ConnectionLost):
            # In TLS 1.3 the server's refusal arrives after the client's handshake.
            await (await dial(target)).receive()


async def test_listener_shows_a_certificate_that_was_replaced(
    authority: Authority, tmp_path: Path
) -> None:
    async with _listening(authority) as (_, target):
        await (await dial(target)).close()
        newer = Authority.make(tmp_path, "newer")
        files = newer.issue("dispatcher")
        old = authority.issue("dispatcher")
        old.key.write_bytes(files.key.read_bytes())
        old.certificate.write_bytes(files.certificate.read_bytes())

        connection = await dial(structs.replace(target, ca_file=str(newer.file)))

        await connection.close()


@pytest.mark.parametrize("field", ["certificate_file", "key_file", "client_ca_file"])
async def test_listener_names_the_file_that_cannot_be_used(
    authority: Authority, tmp_path: Path, field: str
) -> None:
    with pytest.raises(ConfigRefused, match=f"dispatcher.tls_{field} .*cannot be used"):
        async with _listening(authority, **{field: str(tmp_path / "none.pem")}):
            pass


async def test_listener_names_the_address_that_cannot_be_used(authority: Authority) -> None:
    async with _listening(authority) as (listener, _):
        files = authority.issue("dispatcher")
        place = TlsPlace(
            host="127.0.0.1",
            port=listener.port,
            certificate_file=str(files.certificate),
            key_file=str(files.key),
        )
        with pytest.raises(ConfigRefused, match=r"dispatcher\.tls_listen"):
            await TlsListener(place, _answer).start()


async def test_listener_lets_a_worker_in_past_strangers_that_say_nothing(
    authority: Authority,
) -> None:
    async with _listening(authority, strangers_max=4) as (_, target):
        # Half of them do not even begin the handshake.
        silent = [await asyncio.open_connection("127.0.0.1", target.port) for _ in range(4)]
        shaken = [await dial(target) for _ in range(4)]
        connection = await dial(target)
        await connection.send(HELLO)

        answer = await connection.receive()

        for one in (connection, *shaken):
            await one.close()
        for _, writer in silent:
            writer.close()
    assert answer == Refused(reason="w at 127.0.0.1")
