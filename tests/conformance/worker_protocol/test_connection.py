"""One suite for every link between a dispatcher and a worker."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from tidemill.jobs.protocol.connection import Connection, DispatcherConnection, WorkerConnection
from tidemill.jobs.protocol.errors import ConnectionLost, ProtocolViolation
from tidemill.jobs.protocol.memory import memory_pair
from tidemill.jobs.protocol.messages import (
    Channel,
    Credit,
    Drain,
    FromWorker,
    Heartbeat,
    Held,
    LogChunk,
    Outcome,
    OutcomesTaken,
    Verdict,
)
from tidemill.jobs.protocol.receiving import Windows
from tidemill.jobs.protocol.unix import UnixListener, connect

pytestmark = pytest.mark.anyio

Pair = tuple[DispatcherConnection, WorkerConnection]
Linked = Callable[[Windows | None], Awaitable[Pair]]


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(params=["memory", "unix"])
async def linked(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Linked]:
    async with _memory() if request.param == "memory" else _unix(tmp_path / "run") as make:
        yield make


@asynccontextmanager
async def _memory() -> AsyncIterator[Linked]:
    made: list[Connection[object, object]] = []

    async def make(windows: Windows | None) -> Pair:
        pair = memory_pair(dispatcher_windows=windows)
        made.extend(pair)  # type: ignore[arg-type]
        return pair

    yield make
    for end in made:
        await end.close()


@asynccontextmanager
async def _unix(directory: Path) -> AsyncIterator[Linked]:
    listeners: list[UnixListener] = []
    workers: list[WorkerConnection] = []

    async def make(windows: Windows | None) -> Pair:
        arrived: asyncio.Future[DispatcherConnection] = asyncio.get_running_loop().create_future()

        async def accept(connection: DispatcherConnection) -> None:
            arrived.set_result(connection)
            await connection.wait_closed()

        listener = UnixListener(directory, accept, windows=windows)
        listeners.append(listener)
        await listener.start()
        workers.append(await connect(directory))
        return await arrived, workers[-1]

    yield make
    for worker in workers:
        await worker.close()
    for listener in listeners:
        await listener.stop()


def _outcome(number: int, result: bytes = b"null") -> Outcome:
    return Outcome(
        job_id=f"job-{number}",
        epoch=1,
        verdict=Verdict.SUCCEEDED,
        started_at=1,
        finished_at=2,
        result=result,
    )


def _log(number: int, data: bytes = b"line\n") -> LogChunk:
    return LogChunk(job_id="job", epoch=1, offset=number, data=data)


async def test_messages_arrive_as_they_were_sent_in_both_directions(linked: Linked) -> None:
    dispatcher, worker = await linked(None)

    await worker.send(_outcome(1))
    await dispatcher.send(OutcomesTaken(jobs=(Held("job-1", 1),)))

    assert await dispatcher.receive() == _outcome(1)
    assert await worker.receive() == OutcomesTaken(jobs=(Held("job-1", 1),))


async def test_a_message_longer_than_a_frame_arrives_whole(linked: Linked) -> None:
    dispatcher, worker = await linked(None)
    big = _outcome(1, result=b"9" * 1_000_000)

    await worker.send(big)

    assert await dispatcher.receive() == big


async def test_many_messages_keep_their_order_across_grants_of_credit(linked: Linked) -> None:
    dispatcher, worker = await linked(Windows(outcomes=4))

    async def produce() -> None:
        for number in range(300):
            await worker.send(_outcome(number))

    producing = asyncio.create_task(produce())
    received: list[FromWorker] = []
    while len(received) < 300:
        received += await dispatcher.receive_batch(7)
    await producing

    assert received == [_outcome(number) for number in range(300)]


async def test_control_passes_logs_that_have_no_credit(linked: Linked) -> None:
    dispatcher, worker = await linked(Windows(logs=2))
    dispatcher.pause(Channel.LOGS)
    logs = asyncio.create_task(_send_logs(worker, 10))

    await worker.send(Heartbeat(free_slots=3), seconds_max=60)

    assert await dispatcher.receive() == Heartbeat(free_slots=3)
    assert not logs.done(), "the reader's window of 0 did not hold the logs back"
    dispatcher.resume(Channel.LOGS)
    received = [await dispatcher.receive() for _ in range(10)]
    assert received == [_log(number) for number in range(10)]
    await logs


async def _send_logs(worker: WorkerConnection, count: int) -> None:
    for number in range(count):
        await worker.send(_log(number))


async def test_control_is_received_before_outcomes_that_arrived_first(linked: Linked) -> None:
    dispatcher, worker = await linked(None)
    worker.send_soon(_outcome(1))
    await worker.send(_log(1))
    worker.send_soon(Heartbeat(free_slots=1))
    await worker.close()
    await dispatcher.wait_closed()

    assert await dispatcher.receive_batch(10) == [Heartbeat(free_slots=1), _outcome(1), _log(1)]


async def test_send_ends_the_connection_when_the_peer_takes_nothing(linked: Linked) -> None:
    dispatcher, worker = await linked(Windows(control=2))
    for number in range(2):
        await worker.send(Heartbeat(free_slots=number))

    with pytest.raises(ConnectionLost):
        await worker.send(Heartbeat(free_slots=2), seconds_max=0.05)

    assert worker.closed
    await dispatcher.wait_closed()


async def test_close_lets_the_peer_take_what_was_sent_before_it_hears(linked: Linked) -> None:
    dispatcher, worker = await linked(None)
    await worker.send(_outcome(1))
    await worker.close()
    await dispatcher.wait_closed()

    assert await dispatcher.receive() == _outcome(1)
    with pytest.raises(ConnectionLost):
        await dispatcher.receive()
    with pytest.raises(ConnectionLost):
        await dispatcher.send(Drain())


async def test_waiting_senders_hear_of_the_end(linked: Linked) -> None:
    dispatcher, worker = await linked(Windows(logs=1))
    dispatcher.pause(Channel.LOGS)
    logs = asyncio.create_task(_send_logs(worker, 5))
    await dispatcher.receive()

    await dispatcher.close()

    with pytest.raises(ConnectionLost):
        await logs


async def test_a_sender_without_credit_is_cut_off(linked: Linked) -> None:
    dispatcher, worker = await linked(Windows(outcomes=2))
    await worker.send(_outcome(0))
    worker._sender.credited(Channel.OUTCOMES, 10)

    for number in range(5):
        worker.send_soon(_outcome(number))
    await dispatcher.wait_closed()

    assert len(await dispatcher.receive_batch(10)) == 2
    with pytest.raises(ProtocolViolation):
        await dispatcher.receive()


@pytest.mark.parametrize("frames", [0, -5, 2_000_000])
async def test_a_grant_out_of_range_is_refused(linked: Linked, frames: int) -> None:
    dispatcher, worker = await linked(None)

    worker.send_soon(Credit(channel=Channel.LOGS, frames=frames))
    await dispatcher.wait_closed()

    with pytest.raises(ProtocolViolation):
        await dispatcher.receive()


async def test_what_is_held_back_gives_no_credit_until_it_is_released(linked: Linked) -> None:
    dispatcher, worker = await linked(Windows(logs=2))
    sending = [asyncio.create_task(worker.send(_log(number))) for number in range(3)]
    taken = 0
    while taken < 2:
        taken += len(await dispatcher.receive_batch(10, holding=Channel.LOGS))
    await worker.send(Heartbeat(free_slots=1))
    assert isinstance(await dispatcher.receive(), Heartbeat)
    waited = not sending[2].done()

    dispatcher.release(Channel.LOGS, 2)
    (last,) = await dispatcher.receive_batch(10, holding=Channel.LOGS)
    await asyncio.gather(*sending)

    assert waited, "the third had credit before the first two were released"
    assert last == _log(2)
