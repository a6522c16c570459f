from __future__ import annotations

from pathlib import Path

from tidemill.runtime.queue.identity import WorkerIdentity


def test_take_gives_each_living_worker_its_own_name(tmp_path: Path) -> None:
    first, second = WorkerIdentity.take(tmp_path), WorkerIdentity.take(tmp_path)

    assert first.name != second.name

    first.release()
    second.release()


def test_take_gives_the_same_name_after_a_restart(tmp_path: Path) -> None:
    before = WorkerIdentity.take(tmp_path)
    before.release()
    after = WorkerIdentity.take(tmp_path)

    assert after.name == before.name

    after.release()


def test_take_gives_other_names_on_other_machines(tmp_path: Path) -> None:
    here, there = WorkerIdentity.take(tmp_path / "a"), WorkerIdentity.take(tmp_path / "b")

    assert here.name != there.name

    here.release()
    there.release()
