"""Warm processes: one script version, job after job; what must stay apart stays apart."""

from __future__ import annotations

import select
from functools import partial
from typing import Any

import pytest

from tests.integration.jobs.isolation.keeping import until
from tests.integration.jobs.worker.conftest import StartWorker
from tests.integration.jobs.worker.dispatcher import MEBIBYTE, Dispatcher, job, succeeded
from tidemill.jobs.execution.isolation.guarantees import BETWEEN_WARM_JOBS, Guarantee
from tidemill.jobs.execution.isolation.warm import WarmLimits
from tidemill.jobs.protocol.messages import Assignment, Isolation, Verdict

pytestmark = pytest.mark.anyio

COUNTS = """
count = 0
def main(**_):
    global count
    count += 1
    return count
"""


def warm(job_id: str, content: str = COUNTS, **fields: Any) -> Assignment:
    return job(job_id, content, isolation=Isolation.WARM, **fields)


async def count_after(
    dispatcher: Dispatcher, ending: str, *, timeout_seconds: float = 30.0, **fields: Any
) -> Any:
    """Run a job that counts, one of the same script that ends as `ending` says, one that counts."""
    script = COUNTS.replace("    return count", f"    if ending:\n{ending}\n    return count")
    script = script.replace("main(**_)", "main(ending=False)")
    assert succeeded(await dispatcher.run(warm("before", script, **fields))) == 1
    last: dict[str, Any] = {"arguments": {"ending": True}, "timeout_seconds": timeout_seconds}
    await dispatcher.run(warm("ending", script, **fields, **last))
    return succeeded(await dispatcher.run(warm("after", script, **fields)))


async def test_warm_integration_keeps_globals_from_job_to_job(
    dispatcher: Dispatcher, start_worker: StartWorker
) -> None:
    worker = await start_worker()

    counts = [succeeded(await dispatcher.run(warm(f"j{number}"))) for number in range(5)]

    assert counts == [1, 2, 3, 4, 5]
    assert worker._keeper.warm_processes == 1
    assert {dispatcher.outcomes[f"j{n}"][-1].isolation for n in range(5)} == {Isolation.WARM}


@pytest.mark.parametrize(
    "fields",
    [
        {"tenant_id": "tenant-b"},
        {"content": COUNTS + "# another version\n"},
        {"memory_bytes_max": 300 * MEBIBYTE},
        {"script_path": "f/other"},
    ],
    ids=lambda fields: next(iter(fields)),
)
async def test_warm_integration_shares_no_process_between(
    dispatcher: Dispatcher, start_worker: StartWorker, fields: dict[str, Any]
) -> None:
    worker = await start_worker()
    await dispatcher.run(warm("a"))

    other = await dispatcher.run(warm("b", **fields))

    assert succeeded(other) == 1
    assert worker._keeper.warm_processes == 2


async def test_warm_integration_gives_each_job_its_own_lines_and_environment(
    dispatcher: Dispatcher, start_worker: StartWorker
) -> None:
    await start_worker()
    script = (
        "import ctypes, os, sys\nlibc = ctypes.CDLL(None)\ndef main(name):\n"
        "    libc.printf(b'%s in C\\n', name.encode())\n"
        "    print(name, end='')\n    os.environ['LEFT'] = name\n    os.chdir('/')\n"
        "    print(name, 'error', file=sys.stderr, end='')\n"
        "    return sorted(v for k, v in os.environ.items() if k.startswith(('TIDEMILL_J', 'LEF')))"
    )

    for name in ("first", "second"):
        outcome = await dispatcher.run(warm(name, script, arguments={"name": name}))
        assert succeeded(outcome) == sorted([name, name])
        for part in (b"in C", b"error"):
            await dispatcher.until(partial(_contains, dispatcher.logs[name], part))

    for name, other in (("first", "second"), ("second", "first")):
        assert name in dispatcher.logs[name].decode()
        assert f"{name} error" in dispatcher.logs[name].decode()
        assert other not in dispatcher.logs[name].decode()


def _contains(text: bytearray, part: bytes) -> bool:
    return part in text


async def test_warm_integration_never_shows_a_token_to_the_process(
    dispatcher: Dispatcher, start_worker: StartWorker
) -> None:
    await start_worker()
    script = (
        "import os\ndef main():\n    env = open('/proc/self/environ', 'rb').read()\n"
        "    return 'token-of' in str(dict(os.environ)) or b'token-of' in env"
    )

    answers = [succeeded(await dispatcher.run(warm(name, script))) for name in ("a", "b")]

    assert answers == [False, False]


async def test_warm_integration_replaces_a_process_after_its_jobs(
    dispatcher: Dispatcher, start_worker: StartWorker
) -> None:
    await start_worker(warm=WarmLimits(jobs_max=2))

    counts = [succeeded(await dispatcher.run(warm(f"j{number}"))) for number in range(5)]

    assert counts == [1, 2, 1, 2, 1]


async def test_warm_integration_ends_a_process_that_waits_too_long(
    dispatcher: Dispatcher, start_worker: StartWorker
) -> None:
    worker = await start_worker(warm=WarmLimits(idle_seconds_max=0.1))
    await dispatcher.run(warm("a"))

    await until(lambda: worker._keeper.warm_processes == 0)

    assert succeeded(await dispatcher.run(warm("b"))) == 1


@pytest.mark.parametrize("processes_max", [0, 2])
async def test_warm_integration_keeps_no_more_processes_than_allowed(
    dispatcher: Dispatcher, start_worker: StartWorker, processes_max: int
) -> None:
    worker = await start_worker(warm=WarmLimits(processes_max=processes_max))

    for number in range(4):
        await dispatcher.run(warm(f"j{number}", COUNTS + f"# {number}"))

    await until(lambda: worker._keeper.warm_processes == processes_max)


async def test_warm_integration_takes_a_process_for_each_of_two_jobs_at_once(
    dispatcher: Dispatcher, start_worker: StartWorker
) -> None:
    worker = await start_worker()
    script = "def main(path):\n    open(path, 'w').close()\n    while True: pass"
    await dispatcher.assign(
        *(warm(name, script, arguments={"path": f"/tmp/{name}"}) for name in ("a", "b"))  # noqa: S108
    )
    await dispatcher.until(lambda: bool(dispatcher.started["a"] and dispatcher.started["b"]))

    assert worker._keeper.warm_processes == 2
    for name in ("a", "b"):
        await dispatcher.cancel(name)
        assert (await dispatcher.outcome(name)).verdict is Verdict.CANCELLED


@pytest.mark.parametrize(
    "ending",
    [
        "        raise ValueError('its own')",
        "        import sys; sys.exit()",
        "        import sys; sys.stdout.close()",
        "        import os; os.close(1)",
        "        import os; os.closerange(0, 4)",
    ],
    ids=["error", "exit", "closed stream", "closed descriptor", "closed descriptors"],
)
async def test_warm_integration_goes_on_after(
    dispatcher: Dispatcher, start_worker: StartWorker, ending: str
) -> None:
    await start_worker()

    assert await count_after(dispatcher, ending) == 3


@pytest.mark.parametrize(
    "ending",
    [
        "        import threading, time; threading.Thread(target=time.sleep, args=(60,)).start()",
        "        import subprocess; subprocess.Popen(['sleep', '60'], start_new_session=True)",
        "        import os; os.fork()",
        "        import os; os._exit(0)",
        "        import os; os.kill(os.getpid(), 9)",
        "        import os; os.close(4)",
        "        import os; os.closerange(1, 100)",
    ],
    ids=["thread", "child", "fork", "exit", "killed", "no orders", "no descriptors"],
)
async def test_warm_integration_starts_anew_after(
    dispatcher: Dispatcher, start_worker: StartWorker, ending: str
) -> None:
    worker = await start_worker()

    assert await count_after(dispatcher, ending) == 1
    assert worker._keeper.warm_processes == 1


async def test_warm_integration_hears_nothing_of_a_thread_that_was_left(
    dispatcher: Dispatcher, start_worker: StartWorker
) -> None:
    await start_worker()
    script = (
        "import threading, time\ndef late():\n    while True:\n        time.sleep(0.001)\n"
        "        print('late', flush=True)\n"
        "def main(left=False):\n    if left:\n        threading.Thread(target=late).start()\n"
        "    print('here')"
    )
    await dispatcher.run(warm("a", script))
    await dispatcher.run(warm("b", script, arguments={"left": True}))

    await dispatcher.run(warm("c", script))
    await dispatcher.until(lambda: bool(dispatcher.logs["c"]))

    assert bytes(dispatcher.logs["a"]) == b"here\n"
    assert bytes(dispatcher.logs["c"]) == b"here\n"


async def test_warm_integration_starts_anew_after_a_timeout(
    dispatcher: Dispatcher, start_worker: StartWorker
) -> None:
    await start_worker()
    ending = "        while True: pass"

    assert await count_after(dispatcher, ending, timeout_seconds=0.5) == 1
    assert dispatcher.outcomes["ending"][-1].verdict is Verdict.TIMED_OUT


async def test_warm_integration_starts_anew_after_a_cancel_that_the_script_survives(
    dispatcher: Dispatcher, start_worker: StartWorker
) -> None:
    await start_worker()
    script = (
        "import signal, time\ncount = 0\nclass Stopped(Exception): pass\n"
        "def stop(*_): raise Stopped\n"
        "def main(waits=False):\n    global count\n    count += 1\n"
        "    signal.signal(signal.SIGTERM, stop)\n    print('ready', flush=True)\n"
        "    try:\n        while waits: time.sleep(1)\n    except Stopped: pass\n    return count"
    )
    await dispatcher.run(warm("a", script))
    await dispatcher.assign(warm("b", script, arguments={"waits": True}))
    await dispatcher.until(lambda: b"ready" in dispatcher.logs["b"])
    await dispatcher.cancel("b", grace_seconds=5.0)

    assert (await dispatcher.outcome("b")).verdict is Verdict.CANCELLED
    assert succeeded(await dispatcher.run(warm("c", script))) == 1


async def test_warm_integration_starts_anew_after_too_much_memory(
    dispatcher: Dispatcher, start_worker: StartWorker
) -> None:
    await start_worker()
    ending = "        kept = [bytearray(b'x') * 50_000_000 for _ in range(20)]"

    assert await count_after(dispatcher, ending, memory_bytes_max=128 * MEBIBYTE) == 1
    error = dispatcher.outcomes["ending"][-1].error
    assert error is not None
    assert error["type"] in {"MemoryLimitExceeded", "MemoryError"}


async def test_warm_integration_rings_no_alarm_in_the_next_job(
    dispatcher: Dispatcher, start_worker: StartWorker
) -> None:
    await start_worker()
    script = (
        "import signal, time\ndef main(sets):\n    if sets:\n"
        "        signal.setitimer(signal.ITIMER_REAL, 0.05)\n    else:\n        time.sleep(0.2)\n"
        "    return 'alive'"
    )
    await dispatcher.run(warm("a", script, arguments={"sets": True}))

    assert succeeded(await dispatcher.run(warm("b", script, arguments={"sets": False}))) == "alive"


async def test_warm_integration_loads_a_broken_script_anew(
    dispatcher: Dispatcher, start_worker: StartWorker
) -> None:
    worker = await start_worker()

    for name in ("a", "b"):
        outcome = await dispatcher.run(warm(name, "raise ValueError('at the top')"))
        assert outcome.error is not None
        assert outcome.error["message"] == "at the top"
    assert worker._keeper.warm_processes == 0


async def test_warm_integration_runs_a_job_whose_process_has_died_while_it_waited(
    dispatcher: Dispatcher, start_worker: StartWorker
) -> None:
    worker = await start_worker()
    await dispatcher.run(warm("a"))
    (process,) = worker._keeper._warm._all.values()

    process.running.kill()
    # Without the loop, so that the worker does not hear of it before the job comes.
    assert select.select([process.running.room.plug], [], [], 20)[0]

    assert succeeded(await dispatcher.run(warm("b"))) == 1


async def test_warm_integration_awaits_an_async_main(
    dispatcher: Dispatcher, start_worker: StartWorker
) -> None:
    await start_worker()
    script = "import asyncio\nasync def main():\n    await asyncio.sleep(0)\n    return 'later'"

    answers = [succeeded(await dispatcher.run(warm(name, script))) for name in ("a", "b")]

    assert answers == ["later", "later"]


# What the table says that the next job of a warm process meets.


async def test_warm_integration_leaves_files_to_the_next_job(
    dispatcher: Dispatcher, start_worker: StartWorker
) -> None:
    assert not BETWEEN_WARM_JOBS[Guarantee.FILES].holds
    await start_worker()
    script = (
        "import os\ndef main():\n    open('left', 'a').write('x')\n    return open('left').read()"
    )

    answers = [succeeded(await dispatcher.run(warm(name, script))) for name in ("a", "b")]

    assert answers == ["x", "xx"]


async def test_warm_integration_counts_the_disk_of_all_its_jobs(
    dispatcher: Dispatcher, start_worker: StartWorker
) -> None:
    assert not BETWEEN_WARM_JOBS[Guarantee.DISK].holds
    await start_worker()
    script = (
        "def main(name):\n    with open(name, 'wb') as file:\n"
        "        for _ in range(6): file.write(b'x' * 1024 * 1024)\n    return 'fits'"
    )
    runs = [
        await dispatcher.run(
            warm(name, script, arguments={"name": name}, disk_bytes_max=10 * MEBIBYTE)
        )
        for name in ("a", "b")
    ]

    assert succeeded(runs[0]) == "fits"
    assert runs[1].error is not None
    assert "No space left" in runs[1].error["message"]


async def test_warm_integration_counts_the_memory_of_all_its_jobs(
    dispatcher: Dispatcher, start_worker: StartWorker
) -> None:
    assert not BETWEEN_WARM_JOBS[Guarantee.MEMORY].holds
    await start_worker()
    script = "kept = []\ndef main():\n    kept.append(bytearray(b'x') * 60_000_000)\n    return 1"
    runs = [
        await dispatcher.run(warm(name, script, memory_bytes_max=128 * MEBIBYTE))
        for name in ("a", "b", "c")
    ]

    assert succeeded(runs[0]) == 1
    assert any(run.error is not None for run in runs[1:])


def test_what_does_not_hold_between_warm_jobs_is_shown_here_and_what_does_elsewhere() -> None:
    holding = {guarantee for guarantee in Guarantee if BETWEEN_WARM_JOBS[guarantee].holds}

    assert holding == {Guarantee.NETWORK, Guarantee.PROCESSES, Guarantee.SIGNALS}
