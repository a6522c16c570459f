"""Schedules that a program keeps of its functions, on both databases."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Any

import anyio
import pytest

from tests.fixtures import shop as program
from tests.fixtures.library import Shop
from tidemill.core.ids import TenantId
from tidemill.jobs.errors import ArgumentsInvalid
from tidemill.jobs.schedule_errors import ScheduleInvalid, ScheduleNotFound
from tidemill.jobs.scheduling.schedules.models import Sought
from tidemill.jobs.scheduling.schedules.repository import ScheduleRepository

pytestmark = pytest.mark.anyio
seconds = 60.0
on_sqlite = pytest.mark.parametrize("shop", ["sqlite"], indirect=True)
"""For what both databases have no part in."""


async def the_schedules(shop: Shop) -> list[Any]:
    queue = await shop.app.open()
    return await queue.store.jobs.read(
        TenantId(shop.app.tenant),
        lambda tx: ScheduleRepository().page(tx, Sought(), after="", limit=10),
    )


async def until(path: Path) -> str:
    with anyio.fail_after(seconds):
        while not (text := _read(path)).endswith("\n"):  # noqa: ASYNC110 - a file tells nobody
            await anyio.sleep(0.02)
        return text


def _read(path: Path) -> str:
    return path.read_text() if path.exists() else ""


async def test_schedule_integration_starts_the_function_and_its_handler(
    shop: Shop, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SHOP_HEARD", str(tmp_path / "heard"))
    fail = program.fail_into.options(app=shop.app)
    handler = program.hear_run.options(app=shop.app)
    async with shop.app.worker():
        await fail.schedule(
            every=1,
            name="tides/fail",
            args=(tmp_path / "ran",),
            attempts=1,
            on_failure=handler,
        )

        assert await until(tmp_path / "ran") == "ran\n"
        assert await until(tmp_path / "heard") == "failed: no tide\n"


async def test_schedule_integration_the_same_again_changes_nothing(shop: Shop) -> None:
    double = program.double.options(app=shop.app)

    first = await double.schedule("0 3 * * *", zone="Europe/Berlin", args={"number": 2})
    again = await double.schedule("0 3 * * *", zone="Europe/Berlin", args=(2,))
    (kept,) = await the_schedules(shop)
    assert (first.name, again.name) == ("tests.fixtures.shop/double",) * 2
    assert kept.version == 1
    assert kept.definition.args == {"number": 2}

    await double.schedule(every=90, args=(3,))
    (changed,) = await the_schedules(shop)
    assert changed.version == 2
    assert changed.definition.trigger.every_seconds == 90


@on_sqlite
async def test_schedule_integration_rests_goes_on_and_goes(shop: Shop) -> None:
    kept = await program.double.options(app=shop.app).schedule(every=60, name="d", args=(1,))

    await kept.pause()
    assert (await the_schedules(shop))[0].paused_at is not None
    assert await kept.next_at() is None
    await kept.resume()
    assert await kept.next_at() is not None
    with pytest.raises(TypeError, match=r"until must be a datetime with its zone, not 'x'"):
        await kept.pause(until="x")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="until needs a time zone"):
        await kept.pause(until=datetime(2031, 5, 1))  # noqa: DTZ001 - that it has none is the point
    await kept.delete()

    with pytest.raises(ScheduleNotFound):
        await kept.next_at()


@on_sqlite
async def test_schedule_integration_refuses_what_can_never_run(shop: Shop) -> None:
    double = program.double.options(app=shop.app)

    with pytest.raises(ScheduleInvalid, match=r"trigger\.cron"):
        await double.schedule("61 * * * *", args=(1,))
    with pytest.raises(ArgumentsInvalid, match="number"):
        await double.schedule(every=60, args=("x",))
    with pytest.raises(ScheduleInvalid, match="say when"):
        await double.schedule(args=(1,))
    assert await the_schedules(shop) == []
