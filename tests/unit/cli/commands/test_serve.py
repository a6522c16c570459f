from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

import pytest

from tidemill.cli import supervise
from tidemill.cli.main import run
from tidemill.runtime.supervisor import Supervisor


def test_worker_offers_what_its_options_say(monkeypatch: pytest.MonkeyPatch) -> None:
    became: list[str] = []
    monkeypatch.setattr(os, "execv", lambda _, words: became.extend(words))

    run(["worker", "--tag", "a", "--tag", "b", "--label", "gpu", "--cpu", "2.5"])

    assert became[-6:] == [
        *("--set", "worker.tags=a,b"),
        *("--set", "worker.labels=gpu"),
        *("--set", "worker.cpu=2.5"),
    ]


@pytest.mark.parametrize(
    ("options", "seconds"),
    [
        ((), {"api": 15, "worker": 45}),
        (("server.stop_seconds_max=40", "worker.stop_seconds_max=5"), {"api": 40, "worker": 45}),
        (("server.port=no-number",), {"api": 15, "worker": 45}),
    ],
)
def test_up_gives_each_process_the_time_to_stop_that_is_configured(
    options: Sequence[str],
    seconds: dict[str, float],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    became: list[str] = []
    monkeypatch.setattr(os, "execv", lambda _, words: became.extend(words))
    supervisors: list[Supervisor] = []

    def keep(supervisor: Supervisor) -> int:
        supervisors.append(supervisor)
        return 0

    monkeypatch.setattr(Supervisor, "run", keep)
    words = [word for option in options for word in ("--set", option)]

    run(["up", "--data-dir", str(tmp_path), *words])
    supervise.main(became[3:])

    assert became[2] == "tidemill.cli.supervise"
    children = supervisors[0].children
    assert {child.name: child.stop_seconds_max for child in children} == seconds
    assert all(set(words) <= set(child.command) for child in children)


def test_worker_hands_on_the_way_to_a_dispatcher_far_away(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    became: list[str] = []
    monkeypatch.setattr(os, "execv", lambda _, words: became.extend(words))

    run([
        "worker", "--connect", "tls://h:7443", "--token-file", "t", "--ca", "c.pem",
        "--app", "shop.tasks",
    ])  # fmt: skip

    assert became[2] == "tidemill.runtime.worker_process"
    assert {word for word in became if "=" in word} == {
        "worker.connect=tls://h:7443",
        "worker.token_file=t",
        "worker.tls_ca_file=c.pem",
        "worker.app=shop.tasks",
    }
