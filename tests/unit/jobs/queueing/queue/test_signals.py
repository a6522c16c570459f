from __future__ import annotations

from tests.fixtures.jobs import LiveNotes
from tidemill.jobs.queueing.queue.signals import Signals

NOW = 100


def _heard(signals: Signals) -> list[int]:
    heard: list[int] = []
    signals.on_ready(heard.append)
    return heard


def test_foretell_tells_that_jobs_come_where_writes_are_in_order() -> None:
    signals = Signals(LiveNotes(), in_order=True)
    told: list[str] = []
    signals.on_coming(lambda: told.append("coming"))

    assert signals.foretell() == 1
    assert told == ["coming"]


def test_foretell_says_nothing_where_a_write_may_miss_what_was_asked_for_before() -> None:
    signals = Signals(LiveNotes())
    told: list[str] = []
    signals.on_coming(lambda: told.append("coming"))

    assert signals.foretell() == 0
    assert told == []


def test_ready_says_nothing_of_what_was_found_already() -> None:
    signals = Signals(LiveNotes(), in_order=True)
    heard = _heard(signals)
    first = signals.foretell()
    signals.look()
    second = signals.foretell()

    signals.ready(NOW, first)
    assert heard == []
    signals.ready(NOW, second)
    assert heard == [NOW]


def test_ready_tells_of_what_was_not_foretold() -> None:
    signals = Signals(LiveNotes(), in_order=True)
    heard = _heard(signals)
    signals.look()

    signals.ready(NOW)

    assert heard == [NOW]
