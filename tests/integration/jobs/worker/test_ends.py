"""How jobs are ended early, and what is left of them: nothing."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.integration.jobs.worker.conftest import StartWorker
from tests.integration.jobs.worker.dispatcher import MEBIBYTE, Dispatcher, job, succeeded
from tidemill.jobs.protocol.messages import Isolation, Verdict

pytestmark = pytest.mark.anyio
both = pytest.mark.parametrize("isolation", [Isolation.FORK, Isolation.SANDBOX])

SLEEPS = "import time\ndef main():\n    print('asleep')\n    time.sleep(60)"
DEAF = (
    "import os, signal, time\ndef main(mark):\n"
    "    signal.signal(signal.SIGTERM, signal.SIG_IGN)\n"
    "    if os.fork() == 0:\n"
    "        os.setsid()\n"
    "        if os.fork() == 0:\n"
    "            os.execv('/bin/sh', ['sh', '-c', 'trap \"\" TERM; sleep 61; : ' + mark])\n"
    "        os._exit(0)\n"
    "    print('asleep')\n    time.sleep(60)"
)


def _processes_with(mark: str) -> list[str]:
    found = []
    for entry in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            if mark.encode() in entry.read_bytes():
                found.append(entry.parent.name)
        except OSError:
            continue
    return found


@both
async def test_worker_integration_cancels_a_running_job(
    dispatcher: Dispatcher, start_worker: StartWorker, isolation: Isolation
) -> None:
    await start_worker()
    await dispatcher.assign(job("j", SLEEPS, isolation=isolation))
    await dispatcher.until(lambda: b"asleep" in dispatcher.logs["j"])

    await dispatcher.cancel("j")

    outcome = await dispatcher.outcome("j")
    assert outcome.verdict is Verdict.CANCELLED
    assert outcome.finished_at - outcome.started_at < 30_000_000, "it would sleep for a minute"


@both
async def test_worker_integration_kills_what_does_not_heed_the_cancel(
    dispatcher: Dispatcher, start_worker: StartWorker, isolation: Isolation, tmp_path: Path
) -> None:
    mark = f"deaf-{tmp_path.name}-{isolation}"
    await start_worker()
    await dispatcher.assign(job("j", DEAF, isolation=isolation, arguments={"mark": mark}))
    await dispatcher.until(lambda: b"asleep" in dispatcher.logs["j"])

    await dispatcher.cancel("j", grace_seconds=0.1)

    assert (await dispatcher.outcome("j")).verdict is Verdict.CANCELLED
    assert _processes_with(mark) == []


async def test_worker_integration_ignores_a_cancel_of_another_epoch(
    dispatcher: Dispatcher, start_worker: StartWorker
) -> None:
    await start_worker()
    script = "import time\ndef main():\n    print('here')\n    time.sleep(0.2)\n    return 1"
    await dispatcher.assign(job("j", script, epoch=4))
    await dispatcher.until(lambda: b"here" in dispatcher.logs["j"])

    await dispatcher.cancel("j", epoch=3)

    assert succeeded(await dispatcher.outcome("j")) == 1


async def test_worker_integration_cancels_a_job_that_waits_for_a_slot(
    dispatcher: Dispatcher, start_worker: StartWorker
) -> None:
    await start_worker(slots=1)
    await dispatcher.assign(job("first", SLEEPS), job("second", SLEEPS))
    await dispatcher.until(lambda: b"asleep" in dispatcher.logs["first"])

    await dispatcher.cancel("second")
    await dispatcher.cancel("first")

    assert (await dispatcher.outcome("second")).verdict is Verdict.CANCELLED
    assert dispatcher.started["second"] == []


@both
async def test_worker_integration_ends_a_job_at_its_time_limit(
    dispatcher: Dispatcher, start_worker: StartWorker, isolation: Isolation
) -> None:
    await start_worker()

    outcome = await dispatcher.run(job("j", SLEEPS, timeout_seconds=0.3, isolation=isolation))

    assert outcome.verdict is Verdict.TIMED_OUT
    assert outcome.error is not None
    assert outcome.error["message"] == "The job ran longer than its limit of 0.3 s."
    assert outcome.finished_at - outcome.started_at < 30_000_000, "it would sleep for a minute"


async def test_worker_integration_ends_a_job_at_its_memory_limit(
    dispatcher: Dispatcher, start_worker: StartWorker
) -> None:
    await start_worker()
    script = (
        "import os, time\ndef main(share):\n"
        "    for _ in range(4):\n"
        "        if os.fork() == 0:\n"
        "            kept = bytearray(b'x') * share\n            time.sleep(30)\n"
        "    time.sleep(30)"
    )

    outcome = await dispatcher.run(
        job(
            "j", script, isolation=Isolation.SANDBOX, memory_bytes_max=128 * MEBIBYTE,
            arguments={"share": 60 * MEBIBYTE},
        )
    )  # fmt: skip

    assert outcome.verdict is Verdict.FAILED
    assert outcome.error is not None
    assert outcome.error["type"] == "MemoryLimitExceeded"
    assert "128 MiB" in outcome.error["message"]


async def test_worker_integration_ends_children_with_a_forked_job(
    dispatcher: Dispatcher, start_worker: StartWorker, tmp_path: Path
) -> None:
    mark = f"child-{tmp_path.name}"
    await start_worker()
    script = (
        "import os, subprocess\ndef main(mark):\n"
        "    subprocess.Popen(['sh', '-c', 'sleep 61; : ' + mark], start_new_session=True)\n"
        "    return os.getcwd()"
    )

    directory = succeeded(await dispatcher.run(job("j", script, arguments={"mark": mark})))

    assert _processes_with(mark) == []
    assert not os.path.exists(directory)  # noqa: ASYNC240, PTH110 - once


async def test_worker_integration_runs_on_after_its_zygote_was_killed(
    dispatcher: Dispatcher, start_worker: StartWorker
) -> None:
    worker = await start_worker()
    assert succeeded(await dispatcher.run(job("a", "def main(): return 1"))) == 1
    await dispatcher.assign(job("b", SLEEPS))
    await dispatcher.until(lambda: b"asleep" in dispatcher.logs["b"])

    for zygote in worker._keeper._zygotes.values():
        zygote._process.kill()

    lost = await dispatcher.outcome("b")
    assert lost.verdict is Verdict.FAILED
    assert succeeded(await dispatcher.run(job("c", "def main(): return 3"))) == 3


async def test_worker_integration_keeps_few_zygotes(
    dispatcher: Dispatcher, start_worker: StartWorker
) -> None:
    worker = await start_worker(zygotes_max=2)
    for tenant in ("a", "b", "c"):
        await dispatcher.run(
            job(tenant, "def main(): 1", tenant_id=tenant, isolation=Isolation.SANDBOX)
        )

    assert worker._keeper.zygotes == 2


async def test_worker_integration_ends_idle_zygotes(
    dispatcher: Dispatcher, start_worker: StartWorker
) -> None:
    worker = await start_worker(zygote_idle_seconds_max=0.1)
    await dispatcher.run(job("a", "def main(): 1", isolation=Isolation.SANDBOX))

    await dispatcher.until(lambda: worker._keeper.zygotes == 0)


async def test_worker_integration_limits_the_open_files_of_a_process(
    dispatcher: Dispatcher, start_worker: StartWorker
) -> None:
    await start_worker()
    script = "def main():\n    held = [open('/dev/null') for _ in range(100)]\n"

    outcome = await dispatcher.run(job("j", script, isolation=Isolation.SANDBOX, open_files_max=32))

    assert outcome.error is not None
    assert "Too many open files" in outcome.error["message"]


async def test_worker_integration_bounds_a_result_as_it_is_kept(
    dispatcher: Dispatcher, start_worker: StartWorker
) -> None:
    await start_worker()
    script = "def main(): return ['abcd'] * 100"

    plain = await dispatcher.run(job("a", script, result_bytes_max=1000))
    # Each secret grows as it is hidden.
    hidden = await dispatcher.run(job("b", script, result_bytes_max=1000, secrets=("abcd",)))

    assert len(succeeded(plain)) == 100
    assert hidden.error is not None
    assert hidden.error["type"] == "InvalidResult"
