"""Many jobs at once that differ in their arguments only, on both databases."""

from __future__ import annotations

import pytest

from tests.fixtures.jobs import JobsWorld
from tidemill.core.actor import Actor, system
from tidemill.jobs.contract import JobRequest
from tidemill.jobs.errors import ArgumentsTooLarge, QueueFull
from tidemill.jobs.queueing.queue.alike.service import accepted_alike_per_commit_max
from tidemill.jobs.queueing.queue.limits import QueueLimits

pytestmark = pytest.mark.anyio
_ROWS = "SELECT id, args, state FROM jobs WHERE tenant_id = :tenant ORDER BY position"


def a_program(world: JobsWorld) -> Actor:
    return system("library", world.an_actor().tenant_id)


async def test_each_job_has_its_own_arguments_in_the_order_of_the_call(world: JobsWorld) -> None:
    arguments = [b'{"text":"\\u001f\\u0000 \xc3\xa9\'"}', b"{}", b'{"n":[1,null]}']

    ids = await world.jobs.create_alike(
        JobRequest(function="shop:noop"), arguments, actor=a_program(world)
    )

    rows = await world.rows(_ROWS, tenant=world.an_actor().tenant_id)
    assert [tuple(row) for row in rows] == [
        (id_, text.decode(), "queued") for id_, text in zip(ids, arguments, strict=True)
    ]


async def test_what_has_to_be_told_one_by_one_is_accepted_one_by_one(world: JobsWorld) -> None:
    request = JobRequest(function="shop:noop", labels=("night",))
    labelled = await world.jobs.create_alike(request, [b'{"n":1}'], actor=a_program(world))
    owned = await world.jobs.create_alike(
        JobRequest(function="shop:noop"), [b'{"n":2}'], actor=world.an_actor()
    )

    labels = await world.rows("SELECT job_id FROM job_labels")
    audited = await world.rows("SELECT resource FROM audit_outbox")
    assert [row[0] for row in labels] == labelled
    assert [row[0] for row in audited] == [f"job:{owned[0]}"]


async def test_arguments_that_are_too_long_leave_no_job_behind(world: JobsWorld) -> None:
    long = b'{"text":"' + b"x" * 2_000_000 + b'"}'

    with pytest.raises(ArgumentsTooLarge):
        await world.jobs.create_alike(
            JobRequest(function="shop:noop"), [b"{}", long], actor=a_program(world)
        )

    assert await world.rows(_ROWS, tenant=world.an_actor().tenant_id) == []


async def test_a_portion_that_the_queue_has_no_room_for_is_refused_whole(world: JobsWorld) -> None:
    world.limits = QueueLimits(queued_per_tenant_max=accepted_alike_per_commit_max)
    world.build()
    many = [b"{}"] * (accepted_alike_per_commit_max + 1)

    with pytest.raises(QueueFull):
        await world.jobs.create_alike(
            JobRequest(function="shop:noop"), many, actor=a_program(world)
        )

    rows = await world.rows("SELECT COUNT(*) FROM jobs")
    assert rows[0][0] == accepted_alike_per_commit_max


async def test_jobs_of_several_functions_stay_in_line_as_they_came(world: JobsWorld) -> None:
    names = ["shop:a", *["shop:b"] * 5, "shop:a", *["shop:c"] * 4, "shop:b"]

    jobs = await world.jobs.create_many(
        [JobRequest(function=name) for name in names], actor=a_program(world)
    )

    rows = await world.rows(_ROWS, tenant=world.an_actor().tenant_id)
    assert [row[0] for row in rows] == [job.id for job in jobs]
    assert [job.function for job in jobs] == names


async def test_many_jobs_sent_again_are_found_by_their_ids_after_their_script_has_gone(
    world: JobsWorld,
) -> None:
    await world.deploy(path="tides")
    wanted = [
        JobRequest(script_path="tides", args={"number": 1}, id=name)
        for name in ("monday", "tuesday")
    ]
    first = await world.jobs.create_many(wanted, actor=world.an_actor())
    await world.scripts.archive("tides", actor=world.an_actor())
    wanted = [JobRequest(function="shop:noop"), *wanted]

    again = await world.jobs.create_many(wanted, actor=world.an_actor())

    assert [job.id for job in again[1:]] == [job.id for job in first]
    assert again[0].function == "shop:noop"
