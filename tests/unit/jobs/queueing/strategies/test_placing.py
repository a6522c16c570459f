"""Which worker gets which job, in simulated time: each rule keeps what it promises (Q27)."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest

from tests.unit.jobs.queueing.strategies.simulation import Simulation, Start, chance
from tidemill.jobs.queueing.strategies.affinity import owner
from tidemill.jobs.queueing.strategies.models import Strategy, WorkerRule
from tidemill.jobs.queueing.strategies.ordering import Candidate
from tidemill.jobs.queueing.strategies.placing import Present, Seat, place
from tidemill.jobs.requirements.models import Machine, Requires


def by(rule: WorkerRule, **fields: Any) -> Strategy:
    return Strategy(tag="t", workers=rule, **fields)


def test_round_robin_serves_each_worker_alike() -> None:
    simulation = Simulation(by(WorkerRule.ROUND_ROBIN), {"a": 5, "b": 5, "c": 5})
    for number in range(300):
        simulation.a_job(number * 0.1)

    simulation.run(100)

    counts = Counter(start.worker for start in simulation.starts)
    assert max(counts.values()) - min(counts.values()) <= 1


def test_round_robin_passes_over_who_is_full() -> None:
    simulation = Simulation(by(WorkerRule.ROUND_ROBIN), {"a": 1, "b": 9})
    for _ in range(10):
        simulation.a_job(0)

    simulation.run(0)

    assert Counter(start.worker for start in simulation.starts) == {"a": 1, "b": 9}


@pytest.mark.parametrize("seed", range(3))
def test_least_loaded_keeps_loads_closer_than_turns_do(seed: int) -> None:
    level = _spread(WorkerRule.LEAST_LOADED, seed)
    taking_turns = _spread(WorkerRule.ROUND_ROBIN, seed)

    assert level <= 0.15, "in the mean less than two of ten slots between most and least"
    assert level < taking_turns


def test_least_loaded_looks_at_shares_of_slots_not_at_numbers() -> None:
    simulation = Simulation(
        by(WorkerRule.LEAST_LOADED), {"small": 2, "large": 18}, run_seconds=lambda job: 99.0
    )
    for _ in range(10):
        simulation.a_job(0)

    simulation.run(0)

    assert Counter(start.worker for start in simulation.starts) == {"small": 1, "large": 9}


@pytest.mark.parametrize("seed", range(3))
def test_affinity_keeps_a_key_on_its_worker(seed: int) -> None:
    starts = _affinity(seed).starts

    owners = _owners(start for start in starts if start.at < 300_000_000)
    at_home = sum(owner.most_common(1)[0][1] for owner in owners.values())
    assert at_home / sum(owner.total() for owner in owners.values()) >= 0.95


@pytest.mark.parametrize("seed", range(3))
def test_affinity_moves_the_keys_of_a_worker_that_has_gone_and_no_others(seed: int) -> None:
    starts = _affinity(seed).starts

    before = _owners(start for start in starts if start.at < 300_000_000)
    after = _owners(start for start in starts if start.at > 305_000_000)
    homes = {key: owner.most_common(1)[0][0] for key, owner in before.items()}
    later = {key: owner.most_common(1)[0][0] for key, owner in after.items()}
    moved = {key for key in homes if homes[key] != later[key]}
    assert moved == {key for key, home in homes.items() if home == "w0"}
    assert all(start.worker != "w0" for start in starts if start.at > 300_000_000)


def test_affinity_keys_of_two_tenants_wait_apart() -> None:
    workers = {"a": 1, "b": 1}
    busy = owner("k", workers)
    seats = {
        name: Seat(
            worker_id=name,
            isolations=frozenset({"sandbox"}),
            slots=1,
            held=int(name == busy),
            free=int(name != busy),
        )
        for name in workers
    }
    present = [
        Present(worker_id=name, isolations=seat.isolations, slots=1, machine=Machine())
        for name, seat in seats.items()
    ]
    jobs = [
        Candidate(
            tenant_id=tenant,
            id=tenant,
            position=1,
            order_key=1,
            due_at=due_at,
            isolation="sandbox",
            spec_id=number,
            affinity_key="k",
        )
        for number, (tenant, due_at) in enumerate([("new", 30_000_000), ("long", 0)])
    ]

    placed = place(jobs, seats, by(WorkerRule.AFFINITY), present, now=30_000_000)

    assert [job.id for job, _ in placed.given] == ["long"]
    assert placed.waiting == {("new", "k")}


def test_affinity_goes_elsewhere_when_its_worker_stays_busy() -> None:
    simulation = Simulation(
        by(WorkerRule.AFFINITY, affinity_wait_seconds=10),
        {"a": 1, "b": 1},
        run_seconds=lambda job: 100.0,
    )
    for _ in range(2):
        simulation.a_job(0, key="k")
    simulation.at(10, lambda now: None)

    simulation.run(20)

    first, second = simulation.starts
    assert {first.worker, second.worker} == {"a", "b"}
    assert (first.waited_seconds, second.waited_seconds) == (0, 10)


@pytest.mark.parametrize("seed", range(3))
def test_resource_aware_never_gives_more_than_a_machine_has(seed: int) -> None:
    random = chance(seed)
    machines = {
        "small": Machine(cpu=2, memory_mib=2048),
        "large": Machine(cpu=16, memory_mib=65536),
        "gpu": Machine(cpu=8, memory_mib=32768, labels=frozenset({"gpu"})),
    }
    simulation = Simulation(
        by(WorkerRule.RESOURCE_AWARE),
        dict.fromkeys(machines, 40),
        machines=machines,
        run_seconds=lambda job: random.uniform(0.5, 5),
    )
    for _ in range(200):
        requires = Requires(
            cpu=random.choice((0.25, 0.5, 1, 2, 4)),
            memory_mib=random.choice((128, 1024, 8192)),
            labels=("gpu",) if random.random() < 0.2 else (),
        )
        simulation.a_job(random.uniform(0, 30), requires=requires)
    worst = {name: [0.0, 0] for name in machines}

    def look(now: int) -> None:
        for name, seat in simulation.seats.items():
            worst[name][0] = max(worst[name][0], seat.cpu_used)
            worst[name][1] = max(worst[name][1], seat.memory_mib_used)

    for tick in range(400):
        simulation.at(tick / 4, look)
    simulation.run(2000)

    assert len(simulation.starts) == 200
    for name, machine in machines.items():
        assert worst[name][0] <= (machine.cpu or 0) + 1e-6
        assert worst[name][1] <= (machine.memory_mib or 0)
    gpu = [start.worker for start in simulation.starts if start.job.requires.labels]
    assert set(gpu) == {"gpu"}


def test_resource_aware_spares_labelled_workers_for_who_asks() -> None:
    machines = {
        "plain": Machine(cpu=4),
        "gpu": Machine(cpu=4, labels=frozenset({"gpu"})),
    }
    simulation = Simulation(
        by(WorkerRule.RESOURCE_AWARE), {"plain": 10, "gpu": 10}, machines=machines
    )
    for _ in range(4):
        simulation.a_job(0, requires=Requires(cpu=1))
    simulation.a_job(0, requires=Requires(cpu=4, labels=("gpu",)))

    simulation.run(0)

    assert Counter(start.worker for start in simulation.starts) == {"plain": 4, "gpu": 1}


def test_resource_aware_starts_a_large_job_behind_an_endless_stream_of_small_ones() -> None:
    simulation = Simulation(
        by(WorkerRule.RESOURCE_AWARE, reserve_seconds=30),
        {"one": 100},
        machines={"one": Machine(cpu=4)},
        run_seconds=lambda job: 2.0,
    )
    for number in range(600):
        simulation.a_job(number * 0.25, requires=Requires(cpu=1))
    simulation.a_job(10, requires=Requires(cpu=4))

    simulation.run(1000)

    large = next(start for start in simulation.starts if start.job.requires.cpu == 4)
    assert large.waited_seconds <= 30 + 2 + 0.25, "kept free after 30 s, then two seconds to end"


def _spread(rule: WorkerRule, seed: int) -> float:
    """Return the mean distance between the most and the least loaded of three workers."""
    random = chance(seed)
    simulation = Simulation(
        by(rule), dict.fromkeys("abc", 10), run_seconds=lambda job: random.uniform(0.1, 10)
    )
    for number in range(400):
        simulation.a_job(number * 0.25)
    simulation.run(95)
    spreads = [max(loads.values()) - min(loads.values()) for loads in simulation.loads]
    return sum(spreads) / len(spreads)


def _affinity(seed: int) -> Simulation:
    """Return ten minutes of forty keys on four workers, of which one goes after half the time."""
    random = chance(seed)
    simulation = Simulation(
        by(WorkerRule.AFFINITY, affinity_wait_seconds=10),
        {f"w{number}": 8 for number in range(4)},
        run_seconds=lambda job: random.uniform(0.1, 1.0),
    )
    for number in range(1500):
        simulation.a_job(number / 2.5, key=f"key-{random.randrange(40)}")
    simulation.lose(300, "w0")
    simulation.run(700)
    return simulation


def _owners(starts: object) -> dict[str, Counter[str]]:
    owners: dict[str, Counter[str]] = {}
    for start in starts:  # type: ignore[attr-defined]
        assert isinstance(start, Start)
        owners.setdefault(start.job.affinity_key or "", Counter())[start.worker] += 1
    return owners
