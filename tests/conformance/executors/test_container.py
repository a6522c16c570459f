"""Containers, with an engine that only writes down how it was called."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any
from uuid import UUID

import anyio
import pytest

from tests.conformance.executors.languages import JOB_IDS
from tests.integration.jobs.worker.conftest import StartWorker
from tests.integration.jobs.worker.dispatcher import Dispatcher, job, succeeded
from tidemill.jobs.errors import LanguageNotInstalled, ScriptInvalid
from tidemill.jobs.execution.executors import container
from tidemill.jobs.execution.executors.contract import Machine
from tidemill.jobs.execution.languages.container import parse_container
from tidemill.jobs.protocol.messages import Isolation, Outcome

pytestmark = pytest.mark.anyio
Run = Callable[..., Awaitable[Outcome]]

ENGINE = """#!/usr/bin/env python3
import json, os, sys
if sys.argv[1] == "ps":
    assert sys.argv[2:5] == ["--all", "--quiet", "--filter"], sys.argv
    with open(sys.argv[0] + ".asked", "w") as file:
        file.write(sys.argv[5])
    print("c0ffee\\nbeef" if os.path.exists(sys.argv[0] + ".left") else "")
    sys.exit()
if sys.argv[1] == "rm":
    with open(sys.argv[0] + ".removed", "w") as file:
        file.write(" ".join(sys.argv[1:]))
    sys.exit()
print("from the container", file=sys.stderr)
print(json.dumps({"called": sys.argv[1:]}))
sys.exit(int("fail" in sys.argv) * 4)
"""


@pytest.fixture
def engine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "bin"
    folder.mkdir()
    program = folder / "podman"
    program.write_text(ENGINE)
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder}:/usr/bin:/bin")
    return program


@pytest.fixture
def run(dispatcher: Dispatcher, start_worker: StartWorker, tmp_path: Path) -> Run:
    async def run(document: dict[str, Any], *, allowed: bool = True, **arguments: Any) -> Outcome:
        machine = Machine(
            files_directory=tmp_path / "files",
            cache_directory=tmp_path / "cache",
            containers=allowed,
        )
        await start_worker(machine=machine)
        return await dispatcher.run(
            job(
                JOB_IDS.format(1), json.dumps(document), language="container",
                isolation=Isolation.SANDBOX, arguments=arguments, token="s3cret",
            )
        )  # fmt: skip

    return run


async def test_container_executor_closes_what_it_starts(
    run: Run, engine: Path, dispatcher: Dispatcher
) -> None:
    document = {
        "image": "alpine:3.22",
        "command": ["echo", "{name}"],
        "env": {"NAME": "is {name}"},
    }

    outcome = await run(document, name="x; --privileged")

    called = succeeded(outcome)["called"]
    assert called[:2] == ["run", "--rm"]
    assert called[called.index("--network") + 1] == "none"
    assert called[called.index("--cap-drop") + 1] == "ALL"
    assert {"--read-only", "--memory", "--pids-limit"} <= set(called)
    assert called[-3:] == ["alpine:3.22", "echo", "x; --privileged"]
    assert "NAME=is x; --privileged" in called
    assert not any("s3cret" in word or "TIDEMILL_TOKEN" in word for word in called)
    assert b"from the container" in dispatcher.logs[JOB_IDS.format(1)]


async def test_container_executor_removes_first_what_outlived_its_worker(
    run: Run, engine: Path
) -> None:
    engine.with_name("podman.left").touch()

    called = succeeded(await run({"image": "alpine"}))["called"]

    assert engine.with_name("podman.removed").read_text() == "rm --force c0ffee beef"
    label = called[called.index("--label") + 1]
    assert engine.with_name("podman.asked").read_text() == f"label={label}"
    assert UUID(label.removeprefix("tidemill.worker="))


async def test_take_containers_gives_an_engine_up_that_waits_for_a_process_of_its_own(
    engine: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Such as a script in the place of the engine: what it has started holds the pipes."""
    await anyio.Path(engine).write_text("#!/bin/sh\nsleep 300\ntrue\n")
    monkeypatch.setattr(container, "engine_seconds_max", 0.2)
    machine = Machine(
        files_directory=tmp_path / "files", cache_directory=tmp_path / "cache", containers=True
    )

    with anyio.fail_after(60):
        taken = await container.take_containers(machine, tmp_path)

    assert taken.holder


async def test_container_executor_fails_as_its_container_does(run: Run, engine: Path) -> None:
    outcome = await run({"image": "alpine", "command": ["fail"]})

    assert outcome.error is not None
    assert (outcome.error["type"], outcome.error["exit_code"]) == ("ExitCode", "4")


async def test_container_executor_needs_the_operators_consent(run: Run, engine: Path) -> None:
    outcome = await run({"image": "alpine"}, allowed=False)

    assert outcome.error is not None
    assert outcome.error["type"] == "ContainersNotAllowed"


def test_parse_container_refuses_options_in_place_of_an_image(engine: Path) -> None:
    with pytest.raises(ScriptInvalid):
        parse_container('{"image": "--privileged"}')


def test_parse_container_refuses_at_the_door_without_an_engine(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("PATH", "/nowhere")

    with pytest.raises(LanguageNotInstalled, match="podman or docker"):
        parse_container('{"image": "alpine"}')
