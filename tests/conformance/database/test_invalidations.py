"""Caches in every process hear what to drop, in the order of the commits."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from tests.fixtures.stores import StoreClock, make_stores, store_options, until
from tidemill.core.ids import INSTALLATION, TenantId
from tidemill.core.ports import Change, Tx
from tidemill.infrastructure.database import Stores, open_stores

pytestmark = pytest.mark.anyio


async def test_on_change_integration_hears_changes_of_its_kind_in_order(stores: Stores) -> None:
    heard: list[Change] = []
    stores.invalidations.on_change("lamp", heard.append)

    def use_case(tx: Tx) -> None:
        tx.invalidate("lamp", "1")
        tx.invalidate("bulb", "2")
        tx.invalidate("lamp", "3")

    await stores.control.write(TenantId("t1"), use_case)
    await until(lambda: len(heard) == 2, seconds=30)

    assert [(change.kind, change.tenant_id, change.key) for change in heard] == [
        ("lamp", "t1", "1"),
        ("lamp", "t1", "3"),
    ]


async def test_on_change_integration_does_not_hear_what_was_rolled_back(stores: Stores) -> None:
    heard: list[str] = []
    stores.invalidations.on_change("lamp", lambda change: heard.append(change.key))

    def use_case(tx: Tx) -> None:
        tx.invalidate("lamp", "1")
        raise LookupError

    with pytest.raises(LookupError):
        await stores.control.write(INSTALLATION, use_case)
    await stores.control.write(INSTALLATION, lambda tx: tx.invalidate("lamp", "2"))
    await until(lambda: heard, seconds=30)

    assert heard == ["2"]


async def test_on_change_integration_loses_none_of_many_at_a_time(stores: Stores) -> None:
    """A number that is taken early and commits late must not be passed over."""
    heard: list[str] = []
    stores.invalidations.on_change("lamp", lambda change: heard.append(change.key))

    def use_case(number: int) -> object:
        return lambda tx: tx.invalidate("lamp", str(number))

    await asyncio.gather(
        *(stores.control.write(INSTALLATION, use_case(n)) for n in range(60))  # type: ignore[arg-type]
    )
    await until(lambda: len(heard) >= 60, seconds=30)

    assert sorted(map(int, heard)) == list(range(60))


@pytest.mark.parametrize("store", ["jobs", "tenants"])
async def test_invalidate_integration_is_refused_outside_the_control_store(
    stores: Stores, store: str
) -> None:
    with pytest.raises(RuntimeError, match="control"):
        await getattr(stores, store).write(INSTALLATION, lambda tx: tx.invalidate("lamp", "1"))


async def test_on_change_integration_hears_another_process_on_postgres(tmp_path: Path) -> None:
    async with store_options("schema", tmp_path, poll_seconds=60.0) as options:
        one = await open_stores(options, StoreClock())
        two = await open_stores(options, StoreClock())
        try:
            heard: list[str] = []
            two.invalidations.on_change("lamp", lambda change: heard.append(change.key))

            await one.control.write(INSTALLATION, lambda tx: tx.invalidate("lamp", "1"))

            await until(lambda: heard == ["1"], seconds=30)
        finally:
            await one.close()
            await two.close()


async def test_age_seconds_integration_grows_in_silence_and_shrinks_with_a_look(
    stores: Stores, clock: StoreClock
) -> None:
    await stores.invalidations.stop()  # type: ignore[attr-defined]
    clock.advance(7)

    silent = stores.invalidations.age_seconds()
    await stores.invalidations.look()  # type: ignore[attr-defined]

    assert silent >= 7
    assert stores.invalidations.age_seconds() < 5


async def test_on_reset_integration_is_called_when_the_table_went_back(tmp_path: Path) -> None:
    async with make_stores("sqlite", tmp_path, poll_seconds=60.0) as stores:
        resets: list[bool] = []
        stores.invalidations.on_reset(lambda: resets.append(True))
        await stores.control.write(INSTALLATION, lambda tx: tx.invalidate("lamp", "1"))
        await stores.invalidations.look()  # type: ignore[attr-defined]

        await stores.control.write(INSTALLATION, lambda tx: tx.execute("DELETE FROM changes"))
        await stores.invalidations.look()  # type: ignore[attr-defined]

        assert resets == [True]
