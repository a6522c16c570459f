from __future__ import annotations

import asyncio
import contextvars
import weakref
from concurrent.futures import ThreadPoolExecutor
from functools import partial

import pytest

from tidemill.infrastructure.database.postgres.bridge import run_bridged, wait_for

pytestmark = pytest.mark.anyio


async def _later(value: int) -> int:
    await asyncio.sleep(0)
    return value


async def _fail() -> int:
    await asyncio.sleep(0)
    raise LookupError("gone")


async def test_run_bridged_returns_what_the_function_returns() -> None:
    assert await run_bridged(lambda: wait_for(_later(1)) + wait_for(_later(2))) == 3


async def test_run_bridged_without_a_wait_needs_no_loop() -> None:
    assert await run_bridged(lambda: 5) == 5


async def test_wait_for_raises_inside_the_function() -> None:
    def function() -> str:
        try:
            wait_for(_fail())
        except LookupError as error:
            return str(error)
        return "nothing rose"

    assert await run_bridged(function) == "gone"


async def test_run_bridged_raises_what_the_function_raises() -> None:
    with pytest.raises(ZeroDivisionError):
        await run_bridged(lambda: wait_for(_later(1)) // 0)


async def test_run_bridged_keeps_many_apart() -> None:
    async def run(number: int) -> int:
        return await run_bridged(lambda: sum(wait_for(_later(number)) for _ in range(5)))

    assert await asyncio.gather(*(run(n) for n in range(50))) == [5 * n for n in range(50)]


async def test_run_bridged_shows_the_context_of_its_caller() -> None:
    name: contextvars.ContextVar[str] = contextvars.ContextVar("name", default="none")
    name.set("caller")

    assert await run_bridged(name.get) == "caller"


async def test_run_bridged_passes_a_cancellation_to_the_function() -> None:
    seen: list[type[BaseException]] = []

    def function() -> None:
        try:
            wait_for(asyncio.sleep(60))
        except BaseException as error:
            seen.append(type(error))
            raise

    task = asyncio.create_task(run_bridged(function))
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task

    assert seen == [asyncio.CancelledError]


async def test_wait_for_is_refused_outside_a_use_case() -> None:
    coroutine = _later(1)

    with pytest.raises(RuntimeError, match="outside its use case"):
        wait_for(coroutine)

    coroutine.close()


async def test_run_bridged_holds_on_to_nothing_that_has_ended() -> None:
    class Arguments:
        pass

    given = Arguments()
    known = weakref.ref(given)
    await run_bridged(partial(id, given))
    del given

    assert known() is None


async def test_run_bridged_runs_on_after_a_function_that_failed() -> None:
    for _ in range(3):
        with pytest.raises(LookupError, match="gone"):
            await run_bridged(lambda: wait_for(_fail()))

    assert await run_bridged(lambda: wait_for(_later(4))) == 4


def test_run_bridged_serves_each_thread_by_itself() -> None:
    def work(number: int) -> int:
        async def many() -> list[int]:
            waits = (run_bridged(partial(wait_for_number, number)) for _ in range(3))
            return await asyncio.gather(*waits)

        return sum(asyncio.run(many()))

    def wait_for_number(number: int) -> int:
        return wait_for(_later(number))

    with ThreadPoolExecutor(4) as threads:
        assert list(threads.map(work, range(8))) == [3 * number for number in range(8)]
