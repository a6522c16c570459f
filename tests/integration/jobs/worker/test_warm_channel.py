"""What goes to and from a warm process: arguments, output, answers and stops, each job's own."""

from __future__ import annotations

import asyncio
from functools import partial

import pytest

from tests.integration.jobs.isolation.keeping import until
from tests.integration.jobs.worker.conftest import StartWorker
from tests.integration.jobs.worker.dispatcher import Dispatcher, job, succeeded
from tidemill.jobs.execution.worker.execution import Execution
from tidemill.jobs.protocol.messages import Isolation, Verdict

pytestmark = pytest.mark.anyio
warm = partial(job, isolation=Isolation.WARM)


async def test_warm_integration_takes_large_arguments_and_results(
    dispatcher: Dispatcher, start_worker: StartWorker
) -> None:
    await start_worker()
    large = "x" * 200_000

    for name in ("a", "b"):
        outcome = await dispatcher.run(
            warm(name, "def main(text): return text * 4", arguments={"text": large})
        )
        assert succeeded(outcome) == large * 4


async def test_warm_integration_returns_an_answer_in_many_parts(
    dispatcher: Dispatcher, start_worker: StartWorker
) -> None:
    await start_worker()
    large = 'ä\N{GRINNING FACE}"\\\n' * 20_000

    for name in ("a", "b"):
        outcome = await dispatcher.run(
            warm(name, "def main(text): return text", arguments={"text": large})
        )
        assert succeeded(outcome) == large


async def test_warm_integration_refuses_a_result_over_its_limit_and_goes_on(
    dispatcher: Dispatcher, start_worker: StartWorker
) -> None:
    await start_worker()
    script = "def main(size): return 'x' * size"
    await dispatcher.run(warm("a", script, arguments={"size": 1}, result_bytes_max=10_000))

    refused = await dispatcher.run(
        warm("b", script, arguments={"size": 20_000}, result_bytes_max=10_000)
    )
    after = await dispatcher.run(warm("c", script, arguments={"size": 2}, result_bytes_max=10_000))

    assert refused.error is not None
    assert refused.error["type"] == "InvalidResult"
    assert succeeded(after) == "xx"


async def test_warm_integration_keeps_all_that_each_job_prints_apart(
    dispatcher: Dispatcher, start_worker: StartWorker
) -> None:
    await start_worker()
    script = "import os\ndef main(letter, times):\n    os.write(1, letter.encode() * times)"
    # More than a pipe holds, so that the writer has to wait for its reader.
    lengths = {"a": 1, "b": 300_000, "c": 1, "d": 65_536, "e": 0}
    for letter, times in lengths.items():
        arguments = {"letter": letter, "times": times}
        await dispatcher.run(warm(letter, script, arguments=arguments))

    for letter, times in lengths.items():
        assert bytes(dispatcher.logs[letter]) == letter.encode() * times


async def test_warm_integration_keeps_the_last_words_of_a_process_that_was_killed(
    dispatcher: Dispatcher, start_worker: StartWorker
) -> None:
    await start_worker()
    script = (
        "import os\ndef main(dies=False):\n    print('last words')\n"
        "    if dies: os.kill(os.getpid(), 9)"
    )
    await dispatcher.run(warm("a", script))

    killed = await dispatcher.run(warm("b", script, arguments={"dies": True}))

    assert killed.error is not None
    assert killed.error["type"] == "Killed"
    assert bytes(dispatcher.logs["b"]) == b"last words\n"


async def test_warm_integration_heeds_no_stop_that_was_meant_for_an_earlier_job(
    dispatcher: Dispatcher, start_worker: StartWorker
) -> None:
    worker = await start_worker()
    script = "import time\ndef main(seconds): time.sleep(seconds)"
    earlier = Execution(warm("earlier", script, arguments={"seconds": 0}))
    later = Execution(warm("later", script, arguments={"seconds": 0.3}))
    await dispatcher.connected()
    await earlier.run(worker._surroundings)
    running = asyncio.create_task(later.run(worker._surroundings))
    await until(lambda: later.started_at is not None or running.done())

    earlier.stop(Verdict.CANCELLED, 0.0)

    assert (await running).verdict is Verdict.SUCCEEDED
    assert worker._keeper.warm_processes == 1


SPOOFS = [
    b"[]",
    b"{}",
    b"no json",
    b'{"started": "soon"}',
    b'{"part": 1}',
    b'{"done": "x", "answer": ""}',
    b'{"done": 0, "answer": []}',
    b'{"done": 0, "answer": "' + b"x" * 60_000 + b'"}',
    b'{"ended": "x", "exit": 0, "reason": null, "peak": 0, "cpu": 0, "answer": ""}',
]


@pytest.mark.parametrize("packet", SPOOFS, ids=lambda packet: packet[:32].decode())
async def test_warm_integration_ends_a_script_that_speaks_in_the_name_of_its_runner(
    dispatcher: Dispatcher, start_worker: StartWorker, packet: bytes
) -> None:
    worker = await start_worker()
    script = (
        "import os, socket, stat, time\n"
        "def main(packet):\n"
        "    for number in map(int, os.listdir('/proc/self/fd')):\n"
        "        try:\n"
        "            if stat.S_ISSOCK(os.fstat(number).st_mode):\n"
        "                os.write(number, packet.encode())\n"
        "        except OSError:\n"
        "            pass\n"
        "    time.sleep(60)\n"
    )

    spoofed = await dispatcher.run(warm("a", script, arguments={"packet": packet.decode()}))

    assert spoofed.verdict is Verdict.FAILED
    assert spoofed.error is not None
    assert spoofed.error["type"] == "Killed"
    assert worker._keeper.warm_processes == 0
