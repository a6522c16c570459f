from __future__ import annotations

import os
import subprocess

from tidemill.jobs.isolation.inside.memory import Watch, descendants

MEBIBYTE = 1024 * 1024


def test_descendants_finds_grandchildren() -> None:
    with subprocess.Popen(
        ["sh", "-c", "sh -c 'echo $$; read x' & echo $!; read x"],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
    ) as shell:  # fmt: skip
        assert shell.stdout is not None
        grandchild = int(shell.stdout.readline())

        assert {shell.pid, grandchild} <= set(descendants(os.getpid()))
        shell.kill()


def test_watch_looks_more_often_near_the_limit() -> None:
    far, near = Watch(10**12), Watch(1)

    assert not far.is_over([os.getpid()])
    assert near.is_over([os.getpid()])
    assert near.seconds_to_next < far.seconds_to_next <= 0.25
    assert not near.is_over([])
