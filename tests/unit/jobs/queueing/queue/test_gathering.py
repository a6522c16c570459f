from __future__ import annotations

import asyncio
from collections.abc import Sequence

import pytest

from tidemill.jobs.queueing.queue.gathering import Gathering

pytestmark = pytest.mark.anyio


async def test_add_shares_the_commit_that_follows_the_one_under_way() -> None:
    batches: list[list[int]] = []
    release = asyncio.Event()

    async def commit(key: str, things: Sequence[int]) -> Sequence[int | Exception]:
        batches.append(list(things))
        await release.wait()
        return [thing * 2 for thing in things]

    gathering: Gathering[str, int, int] = Gathering(commit)
    first = asyncio.create_task(gathering.add("a", 1))
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    rest = [asyncio.create_task(gathering.add("a", number)) for number in (2, 3, 4)]
    await asyncio.sleep(0)
    release.set()

    assert await asyncio.gather(first, *rest) == [2, 4, 6, 8]
    assert batches == [[1], [2, 3, 4]]


async def test_add_gives_each_its_own_error_and_all_a_failed_commit() -> None:
    async def commit(key: str, things: Sequence[int]) -> Sequence[int | Exception]:
        if key == "down":
            raise OSError(key)
        return [ValueError(thing) if thing == 2 else thing for thing in things]

    gathering: Gathering[str, int, int] = Gathering(commit)
    answers = await asyncio.gather(
        *(gathering.add("up", number) for number in (1, 2, 3)),
        gathering.add("down", 1),
        return_exceptions=True,
    )

    assert [type(answer) for answer in answers] == [int, ValueError, int, OSError]
