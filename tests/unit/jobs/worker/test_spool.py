from __future__ import annotations

from pathlib import Path

from tidemill.jobs.protocol.messages import Held, Outcome, Verdict
from tidemill.jobs.worker.spool import Spool


def _outcome(job_id: str, epoch: int = 1) -> Outcome:
    return Outcome(
        job_id=job_id, epoch=epoch, verdict=Verdict.SUCCEEDED, started_at=1, finished_at=2
    )


def _opened(directory: Path) -> Spool:
    spool = Spool(directory)
    spool.open()
    return spool


def test_open_finds_what_an_earlier_worker_put(tmp_path: Path) -> None:
    first = _opened(tmp_path / "spool")
    first.put(_outcome("a"))
    first.put(_outcome("a", epoch=2))

    second = _opened(tmp_path / "spool")

    assert set(second.outcomes()) == {_outcome("a"), _outcome("a", epoch=2)}


def test_drop_forgets_for_good(tmp_path: Path) -> None:
    spool = _opened(tmp_path)
    spool.put(_outcome("a"))
    spool.put(_outcome("b"))

    spool.drop((Held("a", 1), Held("unknown", 1)))

    assert spool.held() == (Held("b", 1),)
    assert _opened(tmp_path).held() == (Held("b", 1),)


def test_put_keeps_ids_out_of_paths(tmp_path: Path) -> None:
    spool = _opened(tmp_path / "spool")

    spool.put(_outcome("../../escape"))

    assert [path.name for path in tmp_path.iterdir()] == ["spool"]
    assert _opened(tmp_path / "spool").held() == (Held("../../escape", 1),)


def test_open_sets_unreadable_files_aside(tmp_path: Path) -> None:
    spool = _opened(tmp_path)
    spool.put(_outcome("good"))
    (tmp_path / "half.outcome").write_bytes(b"\x93")
    (tmp_path / "draft.new").write_bytes(b"never finished")

    again = Spool(tmp_path)

    assert again.open() == 1
    assert again.held() == (Held("good", 1),)
    assert (tmp_path / "half.unreadable").exists()
