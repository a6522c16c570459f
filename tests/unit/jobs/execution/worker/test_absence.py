from __future__ import annotations

from itertools import pairwise

from structlog.testing import capture_logs

from tidemill.jobs.execution.worker.absence import Absence

LATER = 10_000.0


def _told(tries: list[float]) -> list[tuple[float, str]]:
    absence, told = Absence(), []
    for at in tries:
        with capture_logs() as lines:
            absence.lasts("nobody answers", 2.0, LATER + at)
        told += [(at, line["log_level"]) for line in lines if line["log_level"] != "debug"]
    return told


def test_absence_warns_after_pauses_that_grow() -> None:
    told = _told([float(second) for second in range(0, 120, 2)])

    assert told[0] == (2.0, "info")
    warned = [at for at, level in told if level == "warning"]
    pauses = [later - at for at, later in pairwise(warned)]
    assert len(warned) + 1 == len(told)
    assert 3 <= len(warned) <= 6
    assert pauses == sorted(pauses)


def test_absence_at_a_start_is_not_worth_a_word() -> None:
    assert _told([0.0, 0.1, 0.4, 1.0]) == []


def test_absence_begins_anew_after_a_connection() -> None:
    absence = Absence()
    absence.lasts("nobody answers", 2.0, LATER)
    absence.over()

    with capture_logs() as lines:
        absence.lasts("nobody answers", 2.0, LATER + 60)

    assert [line["log_level"] for line in lines] == ["debug"]
