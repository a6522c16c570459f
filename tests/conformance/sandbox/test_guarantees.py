"""The guarantee table, cell by cell: each promise is attacked in each setting (F1, F2, F3)."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import subprocess
import sys
import sysconfig
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final, NamedTuple

import pytest

from tests.conformance.sandbox import harness as world
from tidemill.jobs.execution.isolation.guarantees import (
    OF_FORK,
    TABLE,
    Guarantee,
    Setting,
    every_cell_holds,
    table_in_markdown,
)
from tidemill.jobs.execution.isolation.probe import probe

ROOT: Final = Path(__file__).parents[3]
NOBODY: Final = 65534
HARNESS_SECONDS_MAX: Final = 90.0
_WALLS: Final = {
    Setting.ROOT: "namespaces",
    Setting.USER_WITH_NAMESPACES: "namespaces",
    Setting.LANDLOCK_ONLY: "landlock",
}
Found = dict[str, Any]


class Case(NamedTuple):
    """Where the attacks run: in which setting, and whether in processes that stay."""

    setting: Setting
    warm: bool


_CASES: Final = (
    *(Case(setting, warm=False) for setting in Setting),
    *(Case(setting, warm=True) for setting in Setting if every_cell_holds(setting)),
)


@pytest.fixture(
    scope="module",
    params=_CASES,
    ids=lambda case: case.setting.replace(" ", "-") + ("-warm" if case.warm else ""),
)
def case(request: pytest.FixtureRequest) -> Case:
    found: Case = request.param
    return found


@pytest.fixture(scope="module")
def setting(case: Case) -> Setting:
    return case.setting


@pytest.fixture(scope="module")
def found(case: Case) -> Iterator[Found]:
    """Run every attack in the setting, once."""
    if case.setting is Setting.ROOT and os.geteuid() != 0:
        pytest.skip("the tests do not run as root")
    with _a_directory(as_nobody=case.setting is not Setting.ROOT) as directory:
        yield _attacked(
            _WALLS[case.setting],
            directory,
            warm=case.warm,
            as_nobody=case.setting is not Setting.ROOT,
        )


@pytest.fixture(scope="module")
def unwalled() -> Iterator[Found]:
    """Run what gets through where nothing stands around a job, as a user without rights."""
    with _a_directory(as_nobody=True) as directory:
        yield _attacked("none", directory, as_nobody=True)


@contextmanager
def _a_directory(*, as_nobody: bool) -> Iterator[Path]:
    directory = Path(tempfile.mkdtemp(prefix="tidemill-sandbox-"))
    if as_nobody and os.geteuid() == 0:
        os.chown(directory, NOBODY, NOBODY)
    try:
        yield directory
    finally:
        shutil.rmtree(directory, ignore_errors=True)


def _attacked(walls: str, directory: Path, *, warm: bool = False, as_nobody: bool = False) -> Found:
    as_nobody = as_nobody and os.geteuid() == 0
    command = [_python(as_nobody=as_nobody), "-m", "tests.conformance.sandbox.harness"]
    ids = {"user": NOBODY, "group": NOBODY, "extra_groups": []} if as_nobody else {}
    done = subprocess.run(
        [*command, walls, "warm" if warm else "", str(directory)],
        env=os.environ | {"PYTHONPATH": _path(), "PYTHONDONTWRITEBYTECODE": "1"},
        cwd=ROOT,
        capture_output=True,
        timeout=HARNESS_SECONDS_MAX,
        check=False,
        **ids,  # type: ignore[call-overload]
    )
    assert done.returncode == 0, done.stderr.decode()
    answer: Found = json.loads(done.stdout)
    return answer


def _path() -> str:
    return os.pathsep.join([str(ROOT), str(ROOT / "src"), sysconfig.get_path("purelib")])


def _python(*, as_nobody: bool) -> str:
    """Return an interpreter of this version that the user may run."""
    version = f"python{sys.version_info.major}.{sys.version_info.minor}"
    for path in (sys.executable, f"/usr/local/bin/{version}", f"/usr/bin/{version}"):
        if not as_nobody:
            return path
        command = [path, "-c", ""]
        try:
            done = subprocess.run(command, user=NOBODY, group=NOBODY, check=False, cwd="/")
        except OSError:
            continue
        if done.returncode == 0:
            return path
    pytest.skip("no interpreter of this version is open to other users")


def _answer(found: Found, attack: str) -> Any:
    """Return what the script returned, for attacks that must fail without ending it."""
    told = found[attack]
    assert told["answer"] is not None, told
    return told["answer"].get("result", told["answer"].get("error"))


def _successes(answers: dict[str, Any]) -> list[str]:
    return [what for what, told in answers.items() if "got" in told]


def test_files_of_others_cannot_be_read(found: Found) -> None:
    answers = _answer(found, "read_files")

    assert any(path.endswith("jobs.db") for path in answers)
    assert any(path.endswith("workers.secret") for path in answers)
    assert _successes(answers) == []


def test_files_outside_cannot_be_written(found: Found) -> None:
    assert _successes(_answer(found, "write_files")) == []


def test_environment_of_worker_and_neighbours_stays_unknown(setting: Setting, found: Found) -> None:
    answer = _answer(found, "environment")

    if setting is Setting.LANDLOCK_ONLY:
        assert answer["type"] == "PermissionError", "the list of processes itself is closed"
        return
    assert answer["seen"] == []
    assert answer["names"] == ["HOME", "LANG", "PATH", "TIDEMILL_URL", "TMPDIR"]


def test_rights_cannot_be_regained(found: Found) -> None:
    answer = _answer(found, "climb")

    assert "error" in answer["root"]
    assert "error" in answer["group"]
    assert answer["su"] != 0
    assert answer["status"]["CapEff"] == "0" * 16
    assert answer["status"]["NoNewPrivs"] == "1"
    assert answer["status"]["Seccomp"] == "2"


def test_network_leads_nowhere(found: Found) -> None:
    answers = _answer(found, "network")

    assert {"127.0.0.1", "dns", "udp", "raw", "abstract"} <= set(answers)
    assert _successes(answers) == []


def test_worker_socket_cannot_be_reached_to_claim_jobs(found: Found) -> None:
    assert "error" in _answer(found, "network")["worker socket"]
    assert found["world"]["worker connections"] == 0


def test_processes_of_others_cannot_be_seen(setting: Setting, found: Found) -> None:
    answer = _answer(found, "see_processes")

    if setting is Setting.LANDLOCK_ONLY:
        assert answer["type"] == "PermissionError"
    else:
        assert len(answer) == 2, "a job sees its first process and itself"


def test_processes_have_a_limit(setting: Setting, found: Found) -> None:
    if TABLE[Guarantee.PROCESSES, setting].holds:
        answer = _answer(found, "fork_bomb")
        assert answer["problem"] == "EAGAIN"
        assert answer["children"] <= world.LIMITS.processes_max
    else:
        ended = found["fork_bomb"]
        assert ended["exit_code"] != 0 or ended["answer"]["result"]["children"] > 24, (
            "the limit held: say so in the table"
        )


def test_processes_do_not_outlive_the_job(found: Found) -> None:
    assert _answer(found, "outlive") == "left one behind"
    assert found["world"]["left behind"] == 0


def test_a_job_that_ignores_term_is_gone_within_a_second(found: Found) -> None:
    assert found["hang"]["exit_code"] == -9
    assert found["hang"]["seconds"] < world.STOP_GRACE_SECONDS + 1.0


@pytest.mark.parametrize("attack", ["memory", "memory_of_tree"])
def test_memory_has_a_limit(found: Found, attack: str) -> None:
    told = found[attack]

    error = (told["answer"] or {}).get("error", {})
    assert told["reason"] == "memory" or error.get("type") == "MemoryError", told
    assert told["seconds"] < 10


def test_memory_without_a_process_has_a_limit(found: Found) -> None:
    told = found["memory_unmapped"]

    refused = (told["answer"] or {}).get("error", {}).get("type") == "PermissionError"
    assert refused or told["reason"] == "memory", told


def test_disk_has_a_limit(setting: Setting, found: Found) -> None:
    answer = _answer(found, "disk")

    if TABLE[Guarantee.DISK, setting].holds:
        assert answer["problem"] == "ENOSPC"
        assert answer["written"] <= world.LIMITS.disk_bytes_max
        assert _answer(found, "many_files")["problem"] == "ENOSPC"
    else:
        assert answer["written"] > world.LIMITS.disk_bytes_max, "the limit held: say so"


def test_signals_reach_no_one_else(found: Found) -> None:
    assert _successes(_answer(found, "signals")) == []
    assert found["world"]["bystander alive"]
    assert found["world"]["victims alive"]


def test_others_cannot_be_traced(found: Found) -> None:
    assert _successes(_answer(found, "trace")) == []


def test_dangerous_system_calls_are_refused(found: Found) -> None:
    answers = _answer(found, "system_calls")

    assert {"keyctl", "bpf", "io_uring_setup", "userfaultfd", "perf_event_open"} <= set(answers)
    assert _successes(answers) == []


def test_flood_of_output_ends_with_the_job(found: Found) -> None:
    assert _answer(found, "flood") == "done"


def test_fork_is_no_wall_and_ends_what_a_job_started(unwalled: Found) -> None:
    files = _answer(unwalled, "read_files")
    network = _answer(unwalled, "network")
    own = [path for path in files if path.endswith("jobs.db")]

    assert not any(cell.holds for cell in OF_FORK.values())
    assert [path for path in own if "got" in files[path]] == own != []
    assert {"127.0.0.1", "worker socket"} <= set(_successes(network))
    assert len(_answer(unwalled, "see_processes")) > 2
    assert _answer(unwalled, "hold") is True
    assert _answer(unwalled, "disk")["written"] > world.LIMITS.disk_bytes_max
    assert "got" in _answer(unwalled, "end")
    assert not unwalled["world"]["bystander alive"]
    assert _answer(unwalled, "outlive") == "left one behind"
    assert unwalled["world"]["left behind"] == 0
    assert unwalled["hang"]["exit_code"] == -9
    assert unwalled["hang"]["seconds"] < world.STOP_GRACE_SECONDS + 1.0


def test_sandbox_is_offered_only_where_every_cell_holds() -> None:
    offered = {setting for setting in Setting if every_cell_holds(setting)}

    assert offered == {Setting.ROOT, Setting.USER_WITH_NAMESPACES}
    assert len(TABLE) == len(Guarantee) * len(Setting)


def test_probe_agrees_with_the_table(tmp_path: Path) -> None:
    offer = asyncio.run(probe(tmp_path))

    assert offer.setting is not None
    assert ("sandbox" in offer.isolations) is every_cell_holds(offer.setting)
    assert (offer.reason is None) is ("sandbox" in offer.isolations)


def test_documentation_shows_the_table() -> None:
    page = (ROOT / "docs" / "deployment" / "isolation.md").read_text()

    assert table_in_markdown() in page
