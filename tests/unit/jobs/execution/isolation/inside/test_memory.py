from __future__ import annotations

import os
import signal
import subprocess

from tidemill.jobs.execution.isolation.inside.memory import Watch, descendants

MEBIBYTE = 1024 * 1024


def test_descendants_finds_grandchildren() -> None:
    with subprocess.Popen(
        ["sh", "-c", "sleep 60 & echo $!; read x"],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
    ) as shell:  # fmt: skip
        assert shell.stdout is not None
        grandchild = int(shell.stdout.readline())

        found = set(descendants(os.getpid()))
        os.kill(grandchild, signal.SIGKILL)
        shell.kill()

    assert {shell.pid, grandchild} <= found


def test_watch_looks_more_often_near_the_limit() -> None:
    far, near = Watch(10**12), Watch(1)

    assert not far.is_over([os.getpid()])
    assert near.is_over([os.getpid()])
    assert near.seconds_to_next < far.seconds_to_next <= 0.25
    assert not near.is_over([])
