from __future__ import annotations

import errno
import os
from collections.abc import Sequence
from pathlib import Path

import pytest

from tidemill.cli import supervise
from tidemill.cli.failures import ExitCode
from tidemill.cli.main import run
from tidemill.runtime import predecessor
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


def test_up_tells_once_what_none_of_its_processes_could_use(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(os, "execv", lambda *_: pytest.fail("it began"))

    code = run(["up", "--set", "server.port=no-number", "--set", "sever.host=::"])

    assert code == 78
    told = capsys.readouterr().err
    assert told.count("tidemill: ") == 1
    assert "server.port" in told
    assert "server.host" in told


def test_up_tells_of_a_data_directory_that_it_may_not_use(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "owner.lock").mkdir()

    monkeypatch.setattr(os, "execv", lambda *_: pytest.fail("it began"))

    code = run(["up", "--data-dir", str(tmp_path)])

    assert code == 78
    assert f"{tmp_path}/owner.lock cannot be used: Is a directory." in capsys.readouterr().err


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


def test_up_names_the_data_directory_where_the_failure_names_no_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def full(_directory: Path) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(predecessor, "refuse_directory_in_use", full)

    code = run(["up", "--data-dir", str(tmp_path)])

    assert code == ExitCode.REFUSED
    assert f"{tmp_path} cannot be used: No space left on device." in capsys.readouterr().err
