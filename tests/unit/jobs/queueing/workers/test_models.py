from __future__ import annotations

from tidemill.core.clock import Instant
from tidemill.jobs.queueing.workers.models import Worker, waiting_for
from tidemill.jobs.requirements.models import Requires

_NOW = Instant(1_000_000)


def _waits_for(*isolations: str) -> str:
    there = Worker("far", "far", 2, ("node",), isolations, 1, 1, 0, _NOW, _NOW, None, None)
    told = waiting_for([there], ("node", "sandbox"), Requires(), now=_NOW, lease_seconds=30)
    return told or ""


def test_waiting_for_names_what_the_workers_of_the_tag_offer_and_what_to_do() -> None:
    told = _waits_for("fork")

    assert "offers isolation 'sandbox', only fork" in told
    assert "jobs.isolation_default" in told


def test_waiting_for_asks_for_no_consent_that_would_change_nothing() -> None:
    told = _waits_for("function:shop")

    assert "offers isolation 'sandbox'; `tidemill doctor`" in told
    assert "isolation_default" not in told


def test_waiting_for_names_the_worker_that_drains_beside_others() -> None:
    drains = Worker("vm", "vm", 2, ("default",), ("sandbox",), 1, 1, 0, _NOW, _NOW, _NOW, None)
    other = Worker("far", "far", 2, ("node",), ("sandbox",), 1, 1, 0, _NOW, _NOW, None, None)
    lane = ("default", "sandbox")

    told = waiting_for([drains, other], lane, Requires(), now=_NOW, lease_seconds=30)

    assert (told or "").startswith("vm is draining")
