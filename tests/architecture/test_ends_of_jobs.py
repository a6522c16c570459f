"""Live jobs leave their table through the history's one door, where slots are handed on."""

from __future__ import annotations

from tests.architecture.sources import ROOT

SOURCES = ROOT / "src" / "tidemill" / "jobs"
DOOR = "from tidemill.jobs.queueing.history.repository import"


def test_only_the_repositories_that_hand_slots_on_end_jobs() -> None:
    users = {
        file.relative_to(SOURCES).as_posix()
        for file in SOURCES.rglob("*.py")
        if DOOR in file.read_text(encoding="utf-8")
    }

    assert users == {"queueing/queue/repository.py", "dispatching/dispatcher/repository.py"}


def test_nobody_else_deletes_live_jobs() -> None:
    deleting = {
        file.relative_to(SOURCES).as_posix()
        for file in SOURCES.rglob("*.py")
        if "DELETE FROM jobs " in file.read_text(encoding="utf-8")
    }

    assert deleting == {"queueing/history/repository.py"}
