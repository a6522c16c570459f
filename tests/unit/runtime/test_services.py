from __future__ import annotations

import asyncio

import pytest

from tidemill.core.module import Periodic
from tidemill.runtime.services import PeriodicWork, Services, running

pytestmark = pytest.mark.anyio


class _Part:
    def __init__(self, name: str, log: list[str], *, fails: bool = False) -> None:
        self._name, self._log, self._fails = name, log, fails

    async def start(self) -> None:
        if self._fails:
            raise OSError(self._name)
        self._log.append(f"+{self._name}")

    async def stop(self) -> None:
        self._log.append(f"-{self._name}")


async def test_services_stop_in_reverse_order() -> None:
    log: list[str] = []

    async with running(Services([_Part("a", log), _Part("b", log)])):
        pass

    assert log == ["+a", "+b", "-b", "-a"]


async def test_start_undoes_what_was_started_when_one_fails() -> None:
    log: list[str] = []

    with pytest.raises(OSError, match="b"):
        await Services([_Part("a", log), _Part("b", log, fails=True)]).start()

    assert log == ["+a", "-a"]


async def test_periodic_work_goes_on_after_a_failure() -> None:
    runs = 0
    twice = asyncio.Event()

    async def run() -> None:
        nonlocal runs
        runs += 1
        if runs == 1:
            raise ValueError
        twice.set()

    work = PeriodicWork([Periodic(name="test", every_seconds=0.001, run=run)])
    async with running(Services([work])):
        await asyncio.wait_for(twice.wait(), 60)

    assert runs >= 2
