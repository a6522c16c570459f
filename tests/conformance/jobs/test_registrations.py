"""Workers that register anew while a dispatcher still takes their last connection for alive."""

from __future__ import annotations

from typing import Any, Final

import pytest
from msgspec import structs

from tests.fixtures.jobs import JobsWorld, news_seconds_max
from tests.fixtures.looks import looked
from tests.fixtures.run import run_directory, unique_name
from tests.fixtures.stores import until
from tidemill.core.ids import INSTALLATION
from tidemill.jobs.code.functions.repository import FunctionRepository
from tidemill.jobs.code.functions.service import FunctionService
from tidemill.jobs.contract import JobState
from tidemill.jobs.dispatching.dispatcher.models import Turn
from tidemill.jobs.protocol.messages import Held, Refused, RegisteredFunction
from tidemill.jobs.queueing.workers.models import Registration

pytestmark = pytest.mark.anyio

ONE: Final = Registration(
    id="one", host="here", slots=1, tags=("default",), isolations=("sandbox",)
)


@pytest.mark.each_database(reason="claims and leases lock rows")
async def test_a_job_claimed_for_a_worker_that_is_back_elsewhere_is_handed_out_again(
    world: JobsWorld,
) -> None:
    """A connection that died without a word looks alive for a while, and its worker beats on."""
    async with world.dispatching_now() as dispatcher, world.a_worker("one") as one:
        await world.dispatching.register(ONE, {})
        job = await world.a_job()
        await one.assignment(job)
        dispatcher.sessions["one"].heard_at -= 2 * world.options.heartbeat_seconds
        async with world.a_worker("two") as two:
            found = await two.assignment(job)
            await two.end(found)

        ended = await world.job(job)

    assert (ended.state, ended.rescues) == (JobState.SUCCEEDED, 1)
    assert world.signals.figures.leases_expired == 0, "whoever beats on elsewhere keeps its lease"


@pytest.mark.each_database(reason="claims and leases lock rows")
async def test_a_job_of_a_worker_that_leaves_is_handed_out_again_where_it_is_back_elsewhere(
    world: JobsWorld,
) -> None:
    async with world.dispatching_now(), world.a_worker("one") as one:
        await world.dispatching.register(ONE, {})
        job = await world.a_job()
        await one.assignment(job)
        await one.leave()
        async with world.a_worker("two") as two:
            assert (await two.assignment(job)).epoch == 2

    assert world.signals.figures.leases_expired == 0, "whoever beats on elsewhere keeps its lease"


async def test_a_worker_that_speaks_keeps_its_jobs_though_another_has_its_name_elsewhere(
    world: JobsWorld,
) -> None:
    async with world.dispatching_now(), world.a_worker("one") as one:
        await world.dispatching.register(ONE, {})
        job = await world.a_job()
        found = await one.assignment(job)
        await looked(world)
        await one.end(found)

        ended = await world.job(job)

    assert (ended.state, ended.attempts, ended.rescues) == (JobState.SUCCEEDED, 1, 0)


async def test_a_job_claimed_while_its_worker_came_back_is_handed_out_anew(
    world: JobsWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By the books it is of the registration before."""
    take = world.dispatching.turn

    async with world.dispatching_now() as dispatcher, world.a_worker("one") as one:

        async def turn(*given: Any, **named: Any) -> Turn:
            done: Turn = await take(*given, **named)
            if any(done.claimed.values()):
                monkeypatch.setattr(world.dispatching, "turn", take)
                dispatcher.sessions["one"].generation += 1
            return done

        monkeypatch.setattr(world.dispatching, "turn", turn)
        job = await world.a_job()

        assert (await one.assignment(job)).epoch == 2


@pytest.mark.each_database(reason="who is let in is decided by what the database says")
async def test_of_two_processes_under_one_name_the_later_one_is_let_in_at_any_dispatcher(
    world: JobsWorld,
) -> None:
    options = world.options
    async with world.dispatching_now(), world.a_worker("one", process="1") as earlier:
        job = await world.a_job()
        found = await earlier.assignment(job)
        world.options = structs.replace(options, directory=run_directory() / unique_name("e"))
        async with world.dispatching_now(), world.a_worker("one", process="2") as later:
            again = await later.assignment(job)
            world.options = options
            await until(lambda: earlier.gone, seconds=news_seconds_max)
            async with world.a_worker(
                "one", process="1", holding=(Held(found.job_id, found.epoch),)
            ) as back:
                (refused,) = back.other
            await later.end(again)
            ended = await world.job(job)
        world.clock.advance(2 * options.lease_seconds)
        async with world.a_worker("one", process="1") as alone:
            welcome = alone.welcome

    assert isinstance(refused, Refused)
    assert "Another worker named 'one' is connected" in refused.reason
    # More than one later, where the first dispatcher claimed it once more for the earlier one.
    assert again.epoch > found.epoch
    assert ended.state is JobState.SUCCEEDED
    assert welcome is not None, "nobody else has the name any more"


async def test_a_process_that_is_sent_away_for_a_later_one_changes_nothing_of_its_functions(
    world: JobsWorld,
) -> None:
    """It runs the code of before, and asks again every few seconds."""
    world.functions = FunctionService(world.stores.jobs)
    later = RegisteredFunction(name="shop.tasks:charge", schema="{}", priority=7)
    earlier = structs.replace(later, priority=1)
    options = world.options
    async with world.dispatching_now(), world.a_worker("one", process="2", functions=(later,)):
        world.options = structs.replace(options, directory=run_directory() / unique_name("e"))
        async with (
            world.dispatching_now(),
            world.a_worker("one", process="1", functions=(earlier,)) as back,
        ):
            (refused,) = back.other
        world.options = options
        found = await world.stores.jobs.read(
            INSTALLATION, lambda tx: FunctionRepository().find(tx, later.name)
        )

    assert isinstance(refused, Refused)
    assert found == later
