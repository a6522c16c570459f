"""What every executor promises, in each language and on both sides of the walls (Q29)."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable
from datetime import datetime
from pathlib import Path
from typing import Any

import msgspec
import pytest

from tests.conformance.executors.conftest import Server
from tests.conformance.executors.languages import (
    JOB_IDS,
    LANGUAGES,
    Language,
    Script,
    assignment,
)
from tests.integration.jobs.worker.conftest import StartWorker
from tests.integration.jobs.worker.dispatcher import MEBIBYTE, Dispatcher, succeeded
from tidemill.jobs.execution.executors.contract import Machine
from tidemill.jobs.protocol.messages import Isolation, Outcome, Verdict

pytestmark = pytest.mark.anyio

JOB = JOB_IDS.format(1)
LINE = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z (DEBUG|INFO|WARNING|ERROR) ")
Run = Callable[..., Awaitable[Outcome]]


@pytest.fixture(params=[Isolation.FORK, Isolation.SANDBOX], ids=str)
def isolation(request: pytest.FixtureRequest) -> Isolation:
    chosen: Isolation = request.param
    return chosen


@pytest.fixture(params=sorted(LANGUAGES))
def language(request: pytest.FixtureRequest) -> Language:
    return LANGUAGES[request.param]


@pytest.fixture
async def run(
    dispatcher: Dispatcher,
    start_worker: StartWorker,
    server: Server,
    isolation: Isolation,
    tmp_path: Path,
) -> Run:
    machine = Machine(
        files_directory=tmp_path / "files",
        cache_directory=tmp_path / "cache",
        addresses_allowed=(f"127.0.0.1:{server.port}",),
    )
    await start_worker(machine=machine)

    async def run(language: Language, script: Script, **fields: Any) -> Outcome:
        return await dispatcher.run(
            assignment(language, script, url=server.url, isolation=isolation, **fields)
        )

    return run


def having(aspect: str) -> pytest.MarkDecorator:
    names = [name for name in sorted(LANGUAGES) if getattr(LANGUAGES[name], aspect) is not None]
    return pytest.mark.parametrize("language", [LANGUAGES[name] for name in names], ids=names)


async def test_executors_pass_arguments_through_as_they_are(
    run: Run, language: Language, server: Server
) -> None:
    outcome = await run(language, language.echoes)

    result = succeeded(outcome)
    if language.name == "http":
        assert msgspec.json.decode(server.asked[0].body) == language.echoes.arguments
    else:
        assert result == language.echoed


async def test_executors_count_memory_and_processor_time(run: Run, language: Language) -> None:
    outcome = await run(language, language.echoes)

    assert outcome.peak_memory_bytes > MEBIBYTE
    assert outcome.cpu_microseconds > 0
    assert outcome.started_at <= outcome.finished_at


async def test_executors_name_errors(run: Run, language: Language, server: Server) -> None:
    server.answer({"error": "no such tide"}, status=404)

    outcome = await run(language, language.fails)

    assert outcome.verdict is Verdict.FAILED
    assert outcome.result is None
    assert outcome.error is not None
    kind, message = language.failure
    assert outcome.error["type"] == kind, outcome.error
    assert message in outcome.error["message"]
    assert outcome.error["exit_code"] != "0"


@pytest.mark.parametrize("language", [LANGUAGES["python"], LANGUAGES["typescript"]], ids=str)
async def test_executors_show_where_code_failed(run: Run, language: Language) -> None:
    outcome = await run(language, language.fails, script_path="f/tides/low")

    assert outcome.error is not None
    assert re.search(r"f/tides/low\.(py|ts)", outcome.error["traceback"])
    assert "tidemill" not in outcome.error["traceback"]


@having("exits")
async def test_executors_pass_exit_codes_on(run: Run, language: Language) -> None:
    assert language.exits is not None

    outcome = await run(language, language.exits)

    assert outcome.error is not None
    assert (outcome.error["type"], outcome.error["exit_code"]) == ("ExitCode", "7")


@having("says")
async def test_executors_write_lines_with_time_and_level(
    run: Run, language: Language, dispatcher: Dispatcher
) -> None:
    assert language.says is not None

    outcome = await run(language, language.says)

    assert succeeded(outcome) == 1
    (line,) = [line for line in dispatcher.logs[JOB].decode().splitlines() if "high tide" in line]
    found = LINE.match(line)
    assert found is not None, line
    assert found[1] == "WARNING"
    said_at = datetime.fromisoformat(line.split()[0]).timestamp() * 1_000
    assert outcome.started_at // 1_000 <= round(said_at) <= outcome.finished_at // 1_000


@pytest.mark.parametrize("language", [LANGUAGES[name] for name in ("sqlite", "duckdb", "http")])
async def test_executors_of_our_own_write_what_they_do(
    run: Run, language: Language, dispatcher: Dispatcher
) -> None:
    await run(language, language.echoes)

    lines = dispatcher.logs[JOB].decode().splitlines()
    assert lines
    assert all(LINE.match(line) for line in lines), lines


@having("tells")
async def test_executors_know_their_job_and_its_token(run: Run, language: Language) -> None:
    assert language.tells is not None

    outcome = await run(language, language.tells, token="the-job's-own")

    assert succeeded(outcome) == [JOB, "the-job's-own"]


@having("boasts")
async def test_executors_refuse_results_over_the_limit(run: Run, language: Language) -> None:
    assert language.boasts is not None

    outcome = await run(language, language.boasts, result_bytes_max=10_000)

    assert outcome.error is not None
    assert outcome.error["type"] == "InvalidResult"


async def test_executors_end_at_their_timeout(run: Run, language: Language) -> None:
    outcome = await run(language, language.sleeps, timeout_seconds=1.0)

    assert outcome.verdict is Verdict.TIMED_OUT
    assert outcome.error is not None
    assert outcome.error["type"] == "TimedOut"


async def test_executors_end_when_cancelled(
    dispatcher: Dispatcher, run: Run, language: Language, isolation: Isolation, server: Server
) -> None:
    await dispatcher.assign(
        assignment(language, language.sleeps, url=server.url, isolation=isolation)
    )
    await dispatcher.until(lambda: bool(dispatcher.started[JOB]))

    await dispatcher.cancel(JOB)

    assert (await dispatcher.outcome(JOB)).verdict is Verdict.CANCELLED
