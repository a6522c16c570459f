from __future__ import annotations

from pathlib import Path

import pytest

from tidemill.infrastructure.database.owner_lock import OwnerLock
from tidemill.runtime.predecessor import (
    DataDirectoryInUse,
    orphan_of,
    refuse_directory_in_use,
)

SUPERVISED = b"HOME=/root\0TIDEMILL_SUPERVISOR_PID=40\0LANG=C\0"


def _a_process(folder: Path, *, parent: int, environment: bytes) -> tuple[Path, Path]:
    data, processes = folder / "data", folder / "proc"
    data.mkdir()
    (data / "owner.lock").write_text("41\n")
    (processes / "41").mkdir(parents=True)
    (processes / "41" / "environ").write_bytes(environment)
    (processes / "41" / "stat").write_bytes(b"41 (py) thon) S %d 41 41 0" % parent)
    return data, processes


def test_orphan_of_names_the_holder_whose_supervisor_is_gone(tmp_path: Path) -> None:
    data, processes = _a_process(tmp_path, parent=1, environment=SUPERVISED)

    assert orphan_of(data, processes) == 41


@pytest.mark.parametrize(
    ("parent", "environment"),
    [(40, SUPERVISED), (1, b"HOME=/root\0")],
    ids=["its supervisor lives", "it never had one"],
)
def test_orphan_of_passes_by_holders_that_mean_to_stay(
    tmp_path: Path, parent: int, environment: bytes
) -> None:
    data, processes = _a_process(tmp_path, parent=parent, environment=environment)

    assert orphan_of(data, processes) is None


def test_orphan_of_is_none_without_a_holder(tmp_path: Path) -> None:
    data, processes = _a_process(tmp_path, parent=1, environment=SUPERVISED)
    (data / "owner.lock").write_text("42\n")

    assert orphan_of(data, processes) is None
    assert orphan_of(tmp_path / "nothing", processes) is None


def test_refuse_directory_in_use_names_a_holder_that_stays(tmp_path: Path) -> None:
    lock = OwnerLock.acquire(tmp_path)

    with pytest.raises(DataDirectoryInUse, match="is in use by process"):
        refuse_directory_in_use(tmp_path)

    lock.release()
    refuse_directory_in_use(tmp_path)
    OwnerLock.acquire(tmp_path).release()


def test_refuse_directory_in_use_leaves_nothing_where_there_was_nothing(tmp_path: Path) -> None:
    refuse_directory_in_use(tmp_path / "nothing")

    assert list(tmp_path.iterdir()) == []
