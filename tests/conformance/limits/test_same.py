"""Jobs that stand for others, and results that answer them, on both databases."""

from __future__ import annotations

from typing import Any

import pytest
from msgspec import structs

from tests.fixtures.jobs import JobsWorld
from tests.fixtures.stores import a_tenant
from tests.fixtures.turns import Turns, limited
from tidemill.core.clock import Instant
from tidemill.core.pages import PageRequest
from tidemill.core.ports import Tx
from tidemill.jobs.contract import JobRequest, JobState
from tidemill.jobs.limit_errors import JobNotUnique
from tidemill.jobs.limits.models import (
    Debounce,
    Limits,
    OnConflict,
    Unique,
    UniqueBy,
)
from tidemill.jobs.queueing.queue.preparing import Order
from tidemill.jobs.queueing.queue.repository import JobRepository
from tidemill.jobs.records.search.models import JobFilter

pytestmark = pytest.mark.anyio


async def test_a_unique_job_is_found_again_while_it_lives(world: JobsWorld, turns: Turns) -> None:
    first = await limited(world, unique=Unique())
    again = await limited(world, unique=Unique())
    other = await limited(world, 2, unique=Unique())
    assert (again.id, again.found_by, other.found_by) == (first.id, "unique", None)

    assert set(await turns.take()) == {first.id, other.id}
    await turns.end(first.id)

    assert (await limited(world, unique=Unique())).id != first.id


async def test_a_window_outlives_the_job(world: JobsWorld, turns: Turns) -> None:
    unique = Unique(window_seconds=60)
    first = await limited(world, unique=unique)
    await turns.take()
    await turns.end(first.id)
    assert (await limited(world, unique=unique)).id == first.id

    world.clock.advance(61)

    assert (await limited(world, unique=unique)).id != first.id


async def test_a_second_unique_job_can_be_refused(world: JobsWorld) -> None:
    unique = Unique(by=UniqueBy.ALL, on_conflict=OnConflict.REFUSE)
    first = await limited(world, unique=unique)

    with pytest.raises(JobNotUnique, match=first.id):
        await limited(world, 2, unique=unique)


async def test_unique_jobs_that_come_together_are_one(world: JobsWorld, turns: Turns) -> None:
    request = JobRequest(
        language="python", content="def main(): pass", limits=Limits(unique=Unique())
    )
    jobs = await world.jobs.create_many([request] * 5, actor=world.actor)

    assert len({job.id for job in jobs}) == 1
    assert await turns.take() == [jobs[0].id]


async def test_an_id_of_a_client_finds_the_job_that_stands_for_it(world: JobsWorld) -> None:
    first = await limited(world, unique=Unique(), id="order-1")
    await limited(world, unique=Unique(), id="order-2")

    found = await world.jobs.get("order-2", actor=world.actor)

    assert found.id == first.id


async def test_a_debounced_job_takes_the_last_arguments_after_a_pause(
    world: JobsWorld, turns: Turns
) -> None:
    debounce = Debounce(seconds=10)
    first = await limited(world, 1, debounce=debounce)
    world.clock.advance(6)
    second = await limited(world, 2, debounce=debounce)
    world.clock.advance(6)
    assert await turns.take() == []
    world.clock.advance(5)

    assert await turns.take() == [first.id]
    assert (second.id, second.found_by) == (first.id, "debounce")
    assert turns.held[first.id].args == '{"number":2}'
    assert (await limited(world, 3, debounce=debounce)).id != first.id


async def test_a_debounced_job_goes_by_the_last_affinity(world: JobsWorld) -> None:
    limits = Limits(debounce=Debounce(seconds=10))
    await world.a_job(limits=limits, affinity_key="one")

    last = await world.a_job(limits=limits, affinity_key="two")

    assert last.affinity_key == "two"


async def test_a_debounced_job_has_the_last_labels(world: JobsWorld) -> None:
    limits = Limits(debounce=Debounce(seconds=10))
    await world.a_job(limits=limits, labels=("old", "kept"))

    last = await world.a_job(limits=limits, labels=("kept", "new"))

    assert last.labels == '["kept","new"]'
    for label, found in (("old", 0), ("kept", 1), ("new", 1)):
        page = await world.search.list(
            PageRequest(limit=5), JobFilter(label=label), actor=world.actor
        )
        assert len(page.items) == found, label


@pytest.mark.parametrize("kind", ["debounce", "unique"])
async def test_a_request_that_another_process_has_just_accepted_changes_nothing(
    world: JobsWorld, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    same: dict[str, Any] = (
        {"debounce": Debounce(seconds=10)} if kind == "debounce" else {"unique": Unique(key="one")}
    )
    first = await limited(world, 1, id="first", **same)
    await limited(world, 2, id="second", **same)
    if kind == "unique":
        await world.jobs.cancel_job(first.id, actor=world.actor)
    before = await world.rows("SELECT args FROM jobs")
    stands = await world.rows("SELECT job_id FROM job_stands")
    look, seen = JobRepository.key, list[str]()

    def too_early(own: JobRepository, tx: Tx, key: str) -> tuple[str, str] | None:
        """Look before the other process has committed; what is seen later is true."""
        seen.append(key)
        return None if seen == ["first"] else look(own, tx, key)

    monkeypatch.setattr(JobRepository, "key", too_early)
    again = await limited(world, 1, id="first", **same)

    assert again.id == first.id
    assert await world.rows("SELECT args FROM jobs") == before
    assert await world.rows("SELECT job_id FROM job_stands") == stands


async def test_a_refused_request_leaves_its_id_free(world: JobsWorld) -> None:
    unique = Unique(by=UniqueBy.ALL, on_conflict=OnConflict.REFUSE)
    limits = Limits(unique=unique)
    request = JobRequest(language="python", content="def main(): pass", limits=limits)
    again = structs.replace(request, id="again")
    first = await world.jobs.create(request, actor=world.actor)
    orders = await world.jobs.prepare_many([again], actor=world.actor)
    refused = await world.stores.jobs.write(
        world.tenant_id,
        lambda tx: world.jobs.accept_in(tx, [one for one in orders if isinstance(one, Order)]),
    )
    await world.jobs.cancel_job(first.id, actor=world.actor)

    assert isinstance(refused[0], JobNotUnique)
    assert (await world.jobs.create(again, actor=world.actor)).id != first.id


async def test_a_debounced_job_does_not_wait_for_ever(world: JobsWorld, turns: Turns) -> None:
    debounce = Debounce(seconds=10, max_seconds=15)
    first = await limited(world, debounce=debounce)
    for _ in range(2):
        world.clock.advance(7)
        await limited(world, debounce=debounce)
    world.clock.advance(2)

    assert await turns.take() == [first.id]


async def test_a_debounced_job_runs_with_the_rights_of_who_came_last(
    world: JobsWorld, turns: Turns
) -> None:
    debounce = Debounce(seconds=60)
    await limited(world, debounce=debounce)
    last = world.an_actor()
    await limited(world, debounce=debounce, actor=last)
    world.clock.advance(61)

    (id_,) = await turns.take()

    assert last.id in turns.held[id_].spec.actor


async def test_a_result_answers_jobs_with_the_same_arguments_for_a_while(
    world: JobsWorld, turns: Turns
) -> None:
    first = await limited(world, cache_seconds=60)
    await turns.take()
    await turns.end(first.id, result="42")
    cached = await limited(world, cache_seconds=60)
    other = await limited(world, 2, cache_seconds=60)

    assert (cached.state, cached.result, cached.cached_from) == (
        JobState.SUCCEEDED, "42", first.id,
    )  # fmt: skip
    assert (await world.job(cached)).cached_from == first.id
    assert other.state is JobState.QUEUED
    world.clock.advance(61)
    assert (await limited(world, cache_seconds=60)).state is JobState.QUEUED


async def test_a_result_answers_a_later_job_when_its_time_comes(
    world: JobsWorld, turns: Turns
) -> None:
    later = Instant(world.clock.now() + 30_000_000)
    waiting = [await limited(world, n, cache_seconds=60, run_at=later) for n in (1, 2)]
    first = await limited(world, cache_seconds=60)
    await turns.take()
    await turns.end(first.id, result="42")
    assert (await world.job(waiting[0])).state is JobState.SCHEDULED
    world.clock.advance(30)

    taken = await turns.take()

    answered = await world.job(waiting[0])
    assert (answered.state, answered.result, answered.cached_from) == (
        JobState.SUCCEEDED, "42", first.id,
    )  # fmt: skip
    assert taken == [waiting[1].id]


async def test_a_result_answers_no_later_attempt(world: JobsWorld, turns: Turns) -> None:
    job = await limited(world, cache_seconds=60, attempts_max=2)
    await turns.take()
    other = await limited(world, cache_seconds=60)
    await turns.take()
    await turns.end(other.id, result="42")
    await turns.end(job.id, JobState.FAILED)
    world.clock.advance(10)

    assert await turns.take() == [job.id]


async def test_what_a_reference_gave_to_one_person_answers_nobody_else(
    world: JobsWorld, turns: Turns
) -> None:
    job: dict[str, Any] = {
        "limits": Limits(cache_seconds=60),
        "args": {"number": "$var:f/vault/key"},
    }
    first = await world.a_job(**job)
    await turns.take()
    await turns.end(first.id, result="42")

    mine = await world.a_job(**job)
    theirs = await world.a_job(**job, actor=world.an_actor())

    assert (mine.cached_from, theirs.cached_from) == (first.id, None)


ASKS = "from tidemill import context\n\ndef main():\n    return context.variable('f/vault/key')\n"
MAIN = "def main():\n    return 1\n"


@pytest.mark.parametrize(
    ("content", "answers"),
    [
        pytest.param(MAIN, True, id="plain"),
        pytest.param(ASKS, False, id="asks"),
        pytest.param(f"import vault.key\n\n{MAIN}", False, id="imports what asks"),
        pytest.param(MAIN.replace("()", "(key='$var:f/vault/key')"), False, id="by default"),
        pytest.param(None, False, id="in place"),
    ],
)
async def test_a_result_answers_other_people_unless_its_code_may_ask_with_their_rights(
    world: JobsWorld, turns: Turns, content: str | None, answers: bool
) -> None:
    await world.deploy(ASKS, path="vault/key")
    job: dict[str, Any] = {"limits": Limits(cache_seconds=60)}
    if content is None:
        job |= {"language": "python", "content": MAIN, "args": {}}
    else:
        path = f"cached-{len(content)}"
        await world.deploy(content, path=path)
        job |= {"script_path": path}
    first = await world.a_job(**job)
    await turns.take()
    await turns.end(first.id, result="42")

    mine = await world.a_job(**job)
    theirs = await world.a_job(**job, actor=world.an_actor())

    assert mine.cached_from == first.id
    assert theirs.cached_from == (first.id if answers else None)


async def test_failures_and_other_tenants_answer_nothing(world: JobsWorld, turns: Turns) -> None:
    failed = await limited(world, cache_seconds=60)
    await turns.take()
    await turns.end(failed.id, JobState.FAILED)
    again = await limited(world, cache_seconds=60)
    assert again.state is JobState.QUEUED
    await turns.take()
    await turns.end(again.id, result="42")
    stranger = world.an_actor(await a_tenant(world.stores))

    theirs = await limited(world, cache_seconds=60, actor=stranger)

    assert theirs.state is JobState.QUEUED
