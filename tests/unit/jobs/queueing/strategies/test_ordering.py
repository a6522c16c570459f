"""The shares and bounds that the orders between tenants promise, in simulated time."""

from __future__ import annotations

import pytest

from tests.unit.jobs.queueing.strategies.simulation import (
    Simulation,
    ageing_seconds,
    chance,
    shares,
)
from tidemill.jobs.queueing.strategies.models import OrderRule, Strategy, WorkerRule
from tidemill.jobs.queueing.strategies.ordering import Candidate, Shares

FAIR = Strategy(tag="t", order=OrderRule.FAIR_SHARE, workers=WorkerRule.LEAST_LOADED)
PRIORITY = Strategy(tag="t", order=OrderRule.PRIORITY_FIFO, workers=WorkerRule.LEAST_LOADED)


@pytest.mark.parametrize("seed", range(3))
def test_fair_share_gives_tenants_their_weights_within_five_percent(seed: int) -> None:
    random = chance(seed)
    weights = {"a": 1, "b": 3, "c": 6}
    simulation = Simulation(
        FAIR, {"w1": 3, "w2": 5}, weights=weights, run_seconds=lambda job: random.uniform(0.2, 1.8)
    )
    for tenant in weights:
        for _ in range(400):
            simulation.a_job(random.uniform(0, 1), tenant=tenant)

    simulation.run(60)

    assert len(simulation.starts) > 400
    for tenant, share in shares(simulation.starts[50:]).items():
        assert share == pytest.approx(weights[tenant] / 10, rel=0.05), tenant


def test_fair_share_starts_a_newcomer_at_once_behind_a_backlog() -> None:
    simulation = Simulation(FAIR, {"w": 4})
    for _ in range(2000):
        simulation.a_job(0, tenant="greedy")
    for number in range(20):
        simulation.a_job(10.5 + number, tenant="modest")

    simulation.run(60)

    modest = [start for start in simulation.starts if start.job.tenant_id == "modest"]
    assert len(modest) == 20
    assert max(start.waited_seconds for start in modest) <= 1, "one job's time"


def test_fair_share_saves_nothing_for_who_was_away() -> None:
    simulation = Simulation(FAIR, {"w": 2})
    for _ in range(400):
        simulation.a_job(0, tenant="here")
        simulation.a_job(50, tenant="away")

    simulation.run(100)

    after = [start for start in simulation.starts if start.at > 51_000_000]
    assert shares(after)["away"] == pytest.approx(0.5, abs=0.05)


def test_fair_share_lets_a_tenants_own_jobs_pass_by_priority() -> None:
    simulation = Simulation(FAIR, {"w": 1})
    for number in range(10):
        simulation.a_job(0, priority=-number)
        simulation.a_job(0, priority=number)

    simulation.run(60)

    keys = [start.job.order_key for start in simulation.starts]
    assert keys == sorted(keys)


@pytest.mark.parametrize("seed", range(3))
def test_priority_fifo_keeps_its_bound_for_the_lowest_priority(seed: int) -> None:
    """A job waits no longer than its steps of priority are worth, and for what came before it."""
    random = chance(seed)
    simulation = Simulation(PRIORITY, {"w": 2}, run_seconds=lambda job: 1.0)
    simulation.a_job(5, tenant="low", priority=0)
    for number in range(1500):
        # More than the workers can do, without an end, three steps above.
        simulation.a_job(number / 2.5, tenant=random.choice("xyz"), priority=3)

    simulation.run(1000)

    low = next(start for start in simulation.starts if start.job.tenant_id == "low")
    overtaken_by = ageing_seconds * 3
    backlog = (5 + overtaken_by) * 2.5 / 2
    assert low.waited_seconds <= backlog + 1
    assert low.waited_seconds > 100, "the higher ones did go first"


def test_priority_fifo_is_first_in_first_out_within_a_priority() -> None:
    random = chance(1)
    simulation = Simulation(PRIORITY, {"w1": 1, "w2": 1})
    for _ in range(200):
        simulation.a_job(random.uniform(0, 20), tenant=random.choice("abc"))

    simulation.run(400)

    places = [start.job.place for start in simulation.starts]
    after_backlog = places[60:]
    assert after_backlog == sorted(after_backlog)


def test_shares_stay_small_and_forget_who_is_gone() -> None:
    shares_now = Shares()
    for turn in range(1000):
        job = Candidate(
            tenant_id=str(turn % 7),
            id="1",
            position=1,
            order_key=1,
            due_at=0,
            isolation="sandbox",
            spec_id=1,
        )
        shares_now = shares_now.after([job], [job.tenant_id, "other"], {})

    assert len(shares_now.served) <= 2
    assert max(shares_now.served.values()) <= 1
