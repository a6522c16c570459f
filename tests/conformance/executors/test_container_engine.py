"""Containers with a real engine, where this machine has one that works."""

from __future__ import annotations

import io
import json
import shutil
import subprocess
import tarfile
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest

from tests.conformance.executors.languages import JOB_IDS
from tests.fixtures.run import unique_name
from tests.integration.jobs.worker.conftest import StartWorker
from tests.integration.jobs.worker.dispatcher import Dispatcher, eventually, job, succeeded
from tidemill.jobs.execution.executors.contract import Machine
from tidemill.jobs.execution.languages.container import engine
from tidemill.jobs.protocol.messages import Assignment, Isolation, Verdict

pytestmark = [
    pytest.mark.anyio,
    pytest.mark.full(reason="needs podman or docker, and busybox; others use a recorded engine"),
]
BUSYBOX: Final = Path("/bin/busybox")


@pytest.fixture(scope="module")
def image() -> Iterator[str]:
    """Return an image that holds a shell and nothing else."""
    command = engine()
    if command is None or not BUSYBOX.exists():
        pytest.skip("no engine, or no busybox to make an image of")
    name = f"localhost/{unique_name('image')}:1"
    subprocess.run([command, "import", "-", name], input=_layer(), check=True, capture_output=True)
    try:
        tried = _engine("run", "--rm", "--network", "none", name, "/bin/sh", "-c", "echo works")
        if tried.stdout != "works\n":
            pytest.skip(f"the engine runs nothing here: {tried.stderr.strip()}")
        yield name
    finally:
        _engine("rmi", "--force", name)


def _layer() -> bytes:
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode="w") as archive:
        archive.add(BUSYBOX.resolve(), "bin/busybox")
        for name in ("sh", "sleep"):
            link = tarfile.TarInfo(f"bin/{name}")
            link.type, link.linkname = tarfile.SYMTYPE, "busybox"
            archive.addfile(link)
        folder = tarfile.TarInfo("tmp")
        folder.type = tarfile.DIRTYPE
        archive.addfile(folder)
    return file.getvalue()


def _engine(*words: str) -> subprocess.CompletedProcess[str]:
    command = engine() or shutil.which("false") or "false"
    return subprocess.run([command, *words], capture_output=True, text=True, check=False)


def _job(image: str, script: str, **arguments: str) -> Assignment:
    document = {"image": image, "command": ["/bin/sh", "-c", script], "env": {"NAME": "{name}"}}
    return job(
        JOB_IDS.format(1), json.dumps(document), language="container",
        isolation=Isolation.SANDBOX, arguments=arguments,
    )  # fmt: skip


def _machine(directory: Path) -> Machine:
    return Machine(
        files_directory=directory / "files", cache_directory=directory / "cache", containers=True
    )


async def test_container_engine_runs_what_the_document_says(
    image: str, dispatcher: Dispatcher, start_worker: StartWorker, tmp_path: Path
) -> None:
    await start_worker(machine=_machine(tmp_path))

    outcome = await dispatcher.run(
        _job(image, 'echo "hello $NAME"; touch /new 2>&1; echo "{\\"low\\": 1.2}"', name="pier; id")
    )

    assert succeeded(outcome) == {"low": 1.2}
    log = bytes(dispatcher.logs[JOB_IDS.format(1)]).decode()
    assert "hello pier; id\n" in log
    assert "Read-only file system" in log


async def test_container_engine_ends_a_container_with_its_job(
    image: str, dispatcher: Dispatcher, start_worker: StartWorker, tmp_path: Path
) -> None:
    worker = await start_worker(machine=_machine(tmp_path))
    await dispatcher.assign(_job(image, "echo begun; sleep 300", name=""))
    await dispatcher.until(lambda: b"begun" in dispatcher.logs[JOB_IDS.format(1)])
    label = f"label=tidemill.worker={worker._surroundings.machine.holder}"
    running = _engine("ps", "--quiet", "--filter", label).stdout.split()

    await dispatcher.cancel(JOB_IDS.format(1), grace_seconds=20)
    outcome = await dispatcher.outcome(JOB_IDS.format(1))

    assert len(running) == 1
    assert outcome.verdict is Verdict.CANCELLED
    await eventually(lambda: not _engine("ps", "--all", "--quiet", "--filter", label).stdout)
