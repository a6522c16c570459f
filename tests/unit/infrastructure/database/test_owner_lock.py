from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tidemill.infrastructure.database.owner_lock import DataDirectoryInUse, OwnerLock

_HOLDER = """
import sys, time
from pathlib import Path
from tidemill.infrastructure.database.owner_lock import OwnerLock
lock = OwnerLock.acquire(Path(sys.argv[1]))
print("held", flush=True)
time.sleep(60)
"""


def test_acquire_refuses_a_directory_that_another_process_holds(tmp_path: Path) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", _HOLDER, str(tmp_path)], stdout=subprocess.PIPE, text=True
    ) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "held\n"
        with pytest.raises(DataDirectoryInUse) as refused:
            OwnerLock.acquire(tmp_path)
        holder.send_signal(signal.SIGKILL)

    assert str(holder.pid) in str(refused.value)
    assert "\n" not in str(refused.value)


def test_acquire_takes_what_a_killed_process_held(tmp_path: Path) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", _HOLDER, str(tmp_path)], stdout=subprocess.PIPE, text=True
    ) as holder:
        assert holder.stdout is not None
        holder.stdout.readline()
        holder.kill()

    lock = OwnerLock.acquire(tmp_path)

    assert (tmp_path / "owner.lock").read_text() == f"{os.getpid()}\n"
    lock.release()


def test_release_lets_others_have_the_directory(tmp_path: Path) -> None:
    OwnerLock.acquire(tmp_path).release()

    OwnerLock.acquire(tmp_path).release()
