"""Programs of one package that have different functions share a queue, on both databases."""

from __future__ import annotations

import asyncio

import pytest

from tests.fixtures import shop as program
from tests.fixtures.library import Shop
from tidemill import Tidemill
from tidemill.jobs.code.functions.registry import REGISTRY

pytestmark = pytest.mark.anyio
seconds = 60.0


def _has(monkeypatch: pytest.MonkeyPatch, *functions: str) -> None:
    """Let the next worker register these functions of the program only."""
    ours = {f"tests.fixtures.shop:{name}" for name in functions}
    declared = {name: one for name, one in _ALL.items() if name in ours}
    monkeypatch.setattr(REGISTRY, "_declared", declared)


_ALL = dict(REGISTRY.all())


async def test_a_function_that_no_program_has_any_more_holds_up_nobody(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    gone = await program.add.options(app=shop.app).enqueue_many([(n,) for n in range(300)])
    doubled = await program.double.options(app=shop.app).enqueue(21)
    _has(monkeypatch, "double")
    async with shop.app.worker():
        assert await doubled.result(seconds) == 42

        assert {str(await job.state()) for job in gone[::100]} == {"queued"}

    _has(monkeypatch, "double", "add")
    async with shop.app.worker():
        assert await gone[-1].result(seconds) == 300


@pytest.mark.parametrize("shop", ["postgres"], indirect=True)
async def test_two_programs_of_one_package_each_get_the_jobs_of_their_functions(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = Tidemill(shop.database, schema_prefix=shop.prefix, state=shop.directory / "other-state")
    _has(monkeypatch, "double")
    async with shop.app.worker():
        _has(monkeypatch, "add")
        async with other, other.worker():
            doubled = await program.double.options(app=shop.app).enqueue_many(
                [(n,) for n in range(6)]
            )
            added = await program.add.options(app=other).enqueue_many([(n,) for n in range(6)])

            results = await asyncio.gather(*(job.result(seconds) for job in [*doubled, *added]))

    assert results == [0, 2, 4, 6, 8, 10, 1, 2, 3, 4, 5, 6]
