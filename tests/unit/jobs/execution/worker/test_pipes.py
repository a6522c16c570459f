from __future__ import annotations

import asyncio
import os
from collections.abc import Iterator
from itertools import count

import pytest

from tidemill.jobs.execution.worker.pipes import Pipe

pytestmark = pytest.mark.anyio


@pytest.fixture
def ends() -> Iterator[tuple[int, int]]:
    read, write = os.pipe()
    os.set_blocking(read, False)
    yield read, write
    for descriptor in (read, write):
        try:
            os.close(descriptor)
        except OSError:
            continue


async def turns() -> None:
    for _ in range(10):
        await asyncio.sleep(0)


async def test_everything_is_taken_in_order_and_the_end_is_told_once(
    ends: tuple[int, int],
) -> None:
    read, write = ends
    taken: list[bytes] = []
    pipe = Pipe(read, taken.append, lambda: taken.append(b"end"))

    os.write(write, b"first")
    await turns()
    assert taken == [b"first"]
    os.write(write, b"second")
    os.close(write)
    await pipe.read()
    await pipe.read()

    assert b"|".join(taken) == b"first|second|end"


async def test_a_pipe_is_not_read_on_while_a_piece_is_being_taken(ends: tuple[int, int]) -> None:
    read, write = ends
    may_go_on = asyncio.Event()
    taken: list[bytes] = []

    async def take(data: bytes) -> None:
        taken.append(data)
        await may_go_on.wait()

    pipe = Pipe(read, take)
    os.write(write, b"first")
    await turns()
    assert taken == [b"first"]
    os.write(write, b"second")
    os.close(write)
    await turns()

    assert taken == [b"first"]
    may_go_on.set()
    await pipe.read()
    assert taken == [b"first", b"second"]


async def test_others_get_their_turn_while_a_job_prints_without_end(
    ends: tuple[int, int],
) -> None:
    read, write = ends
    reads = count(1)

    def take(_: bytes) -> None:
        assert next(reads) < 100, "nothing else got its turn, so no timeout could end the job"
        os.write(write, b"more")

    pipe = Pipe(read, take)
    os.write(write, b"more")
    await turns()

    assert next(reads) > 2, "it was read meanwhile"
    pipe.stop()


@pytest.mark.parametrize("is_slow", [False, True])
async def test_what_a_taker_raises_is_raised_where_the_end_is_awaited(
    ends: tuple[int, int], *, is_slow: bool
) -> None:
    read, write = ends

    def take(_: bytes) -> None:
        raise LookupError("no place for it")

    async def take_slowly(data: bytes) -> None:
        await asyncio.sleep(0)
        take(data)

    pipe = Pipe(read, take_slowly if is_slow else take)
    os.write(write, b"text")

    with pytest.raises(LookupError, match="no place for it"):
        await pipe.read()
    pipe.stop()


async def test_a_stopped_pipe_takes_nothing_more(ends: tuple[int, int]) -> None:
    read, write = ends
    taken: list[bytes] = []
    pipe = Pipe(read, taken.append)

    pipe.stop()
    os.write(write, b"late")
    await turns()

    assert taken == []


async def test_rest_takes_what_is_in_it_and_leaves_it_open(ends: tuple[int, int]) -> None:
    read, write = ends
    taken: list[bytes] = []
    os.write(write, b"first")
    pipe = Pipe(read, taken.append, lambda: taken.append(b"end"), listens=False)

    await pipe.rest()
    os.write(write, b"of the next one")
    await turns()

    assert taken == [b"first", b"end"]
    assert os.read(read, 100) == b"of the next one"


async def test_rest_waits_for_a_piece_that_is_being_taken(ends: tuple[int, int]) -> None:
    read, write = ends
    may_go_on = asyncio.Event()
    taken: list[bytes] = []

    async def take(data: bytes) -> None:
        await may_go_on.wait()
        taken.append(data)

    pipe = Pipe(read, take)
    os.write(write, b"first")
    await turns()
    os.write(write, b"second")
    rest = asyncio.create_task(pipe.rest())
    await turns()
    assert not rest.done()
    may_go_on.set()
    await rest

    assert taken == [b"first", b"second"]


async def test_a_pipe_is_not_read_before_it_shall_be(ends: tuple[int, int]) -> None:
    read, write = ends
    taken: list[bytes] = []
    pipe = Pipe(read, taken.append, listens=False)
    os.write(write, b"early")
    await turns()
    assert not taken

    pipe.listen()
    await turns()

    assert taken == [b"early"]
    pipe.stop()
