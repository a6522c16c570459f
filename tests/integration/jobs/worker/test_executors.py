"""How scripts run: arguments in, lines and a result or an error out."""

from __future__ import annotations

import pytest

from tests.integration.jobs.worker.conftest import StartWorker
from tests.integration.jobs.worker.dispatcher import MEBIBYTE, Dispatcher, job, succeeded
from tidemill.jobs.protocol.messages import Isolation, Verdict

pytestmark = pytest.mark.anyio
both = pytest.mark.parametrize("isolation", [Isolation.FORK, Isolation.SANDBOX])


@both
async def test_worker_integration_runs_python_with_arguments(
    dispatcher: Dispatcher, start_worker: StartWorker, isolation: Isolation
) -> None:
    await start_worker()
    script = (
        "def main(name, times=2):\n    print('hello', name)\n    return {'said': [name] * times}"
    )

    outcome = await dispatcher.run(job("j", script, arguments={"name": "Zoë"}, isolation=isolation))

    assert succeeded(outcome) == {"said": ["Zoë", "Zoë"]}
    assert outcome.isolation is isolation
    assert outcome.started_at <= outcome.finished_at
    assert outcome.peak_memory_bytes > MEBIBYTE
    assert bytes(dispatcher.logs["j"]) == "hello Zoë\n".encode()
    assert outcome.epoch == 1


async def test_worker_integration_awaits_an_async_main(
    dispatcher: Dispatcher, start_worker: StartWorker
) -> None:
    await start_worker()
    script = "import asyncio\nasync def main():\n    await asyncio.sleep(0)\n    return 'later'"

    assert succeeded(await dispatcher.run(job("j", script))) == "later"


@pytest.mark.parametrize(
    ("line", "hint"),
    [
        ("import no_such_module", "Name the package that has no_such_module"),
        ("import socket; socket.create_connection(('192.0.2.1', 80))", "no network but"),
        ("import socket; socket.create_connection(('tidemill.invalid', 80))", "no network but"),
    ],
)
async def test_worker_integration_says_what_a_sandboxed_script_lacks(
    dispatcher: Dispatcher, start_worker: StartWorker, line: str, hint: str
) -> None:
    await start_worker()

    outcome = await dispatcher.run(
        job("j", f"def main():\n    {line}", isolation=Isolation.SANDBOX)
    )

    assert outcome.error is not None
    assert hint in outcome.error.get("hint", ""), outcome.error


async def test_worker_integration_trims_tracebacks_to_the_script(
    dispatcher: Dispatcher, start_worker: StartWorker
) -> None:
    await start_worker()
    script = "def main(x):\n    return deep(x)\n\ndef deep(x):\n    return 1 / x\n"

    outcome = await dispatcher.run(
        job("j", script, arguments={"x": 0}, script_path="f/sums", isolation=Isolation.SANDBOX)
    )

    assert outcome.verdict is Verdict.FAILED
    assert outcome.error is not None
    assert outcome.error["type"] == "ZeroDivisionError"
    assert outcome.error["message"] == "division by zero"
    lines = outcome.error["traceback"].splitlines()
    assert lines[1] == '  File "f/sums.py", line 2, in main'
    assert "    return 1 / x" in lines
    assert "tidemill" not in outcome.error["traceback"]


@pytest.mark.parametrize(
    ("script", "kind", "message"),
    [
        ("def main(:\n", "SyntaxError", "invalid syntax"),
        ("x = 1", "InvalidResult", "no function main"),
        ("def main(): return {'a': [1, {2}]}", "InvalidResult", "a set at the result['a'][1]"),
        ("def main(): return float('nan')", "InvalidResult", "nan at the result"),
        ("def main(): return {(1, 2): 3}", "InvalidResult", "a key of type tuple"),
        ("def main(): return 'x' * 2000", "InvalidResult", "over the limit of 1000"),
        ("def main(a): pass", "TypeError", "missing 1 required positional argument"),
        ("import sys\ndef main(): sys.exit(3)", "SystemExit", "sys.exit(3)"),
        ("import os\ndef main(): os._exit(0)", "NoResult", "before main returned"),
        ("import os\ndef main(): os._exit(7)", "ExitCode", "exit code 7"),
        ("import os\ndef main(): os.kill(os.getpid(), 11)", "Killed", "SIGSEGV"),
        ("class E(Exception):\n  def __str__(s): 1/0\ndef main(): raise E", "E", "without a"),
    ],
)
async def test_worker_integration_names_what_went_wrong(
    dispatcher: Dispatcher, start_worker: StartWorker, script: str, kind: str, message: str
) -> None:
    await start_worker()

    outcome = await dispatcher.run(job("j", script, result_bytes_max=1000))

    assert outcome.verdict is Verdict.FAILED
    assert outcome.result is None
    assert outcome.error is not None
    assert outcome.error["type"] == kind, outcome.error
    assert message in outcome.error["message"]


async def test_worker_integration_believes_no_result_over_the_limit(
    dispatcher: Dispatcher, start_worker: StartWorker
) -> None:
    """A script may write its answer past the executor; the worker checks again."""
    await start_worker()
    script = (
        "import os\ndef main():\n"
        "    os.write(3, b'{\"result\":\"' + b'x' * 3_000_000 + b'\"}')\n    os._exit(0)"
    )

    outcome = await dispatcher.run(job("j", script, result_bytes_max=1000))

    assert outcome.error is not None
    assert outcome.error["type"] == "InvalidResult"


@both
async def test_worker_integration_runs_bash_with_declared_arguments(
    dispatcher: Dispatcher, start_worker: StartWorker, isolation: Isolation
) -> None:
    await start_worker()
    script = (
        'who="$1"\ncount="${2:-7}"\nlist="$3"\n'
        'echo "to stderr" >&2\necho "$who $count $list"\n'
        'echo "{\\"who\\": \\"$who\\", \\"count\\": $count, \\"list\\": $list}"\n'
    )

    outcome = await dispatcher.run(
        job(
            "j", script, language="bash", isolation=isolation,
            arguments={"list": [1, 2], "who": "a b"},
        )
    )  # fmt: skip

    assert succeeded(outcome) == {"who": "a b", "count": 7, "list": [1, 2]}
    assert b"to stderr\n" in dispatcher.logs["j"]
    assert b"a b 7 [1, 2]\n" in dispatcher.logs["j"]


@pytest.mark.parametrize(
    ("script", "result"),
    [
        ("echo plain text", "plain text"),
        ("echo 42; echo; echo", 42),
        ("true", None),
        ("printf 'no newline'", "no newline"),
        ('echo "$name"', "by name"),
        ('cat <(echo "substituted")', "substituted"),
    ],
)
async def test_worker_integration_takes_the_last_line_of_bash_as_result(
    dispatcher: Dispatcher, start_worker: StartWorker, script: str, result: object
) -> None:
    await start_worker()
    assignment = job(
        "j", script, language="bash", arguments={"name": "by name"}, isolation=Isolation.SANDBOX
    )

    assert succeeded(await dispatcher.run(assignment)) == result


async def test_worker_integration_fails_bash_by_its_exit_code(
    dispatcher: Dispatcher, start_worker: StartWorker
) -> None:
    await start_worker()

    outcome = await dispatcher.run(job("j", "echo 1; exit 3", language="bash"))

    assert outcome.verdict is Verdict.FAILED
    assert outcome.error is not None
    assert outcome.error["message"] == "bash ended with exit code 3."


async def test_worker_integration_streams_lines_while_the_job_runs(
    dispatcher: Dispatcher, start_worker: StartWorker
) -> None:
    await start_worker()
    script = "import time\ndef main():\n    print('first')\n    time.sleep(60)"

    await dispatcher.assign(job("j", script))
    await dispatcher.until(lambda: b"first\n" in dispatcher.logs["j"])

    assert dispatcher.outcomes["j"] == []


async def test_worker_integration_limits_the_log_with_a_visible_line(
    dispatcher: Dispatcher, start_worker: StartWorker
) -> None:
    await start_worker()
    script = "def main():\n    for n in range(20000): print('x' * 99)\n    return 'done'"

    outcome = await dispatcher.run(job("j", script, log_bytes_max=10_000))

    assert succeeded(outcome) == "done"
    log = bytes(dispatcher.logs["j"])
    assert log[:10_000] == (b"x" * 99 + b"\n") * 100
    assert log[10_000:].strip() == b"[truncated: the log is limited to 10000 bytes]"


@both
async def test_worker_integration_starts_each_job_in_a_clean_state(
    dispatcher: Dispatcher, start_worker: StartWorker, isolation: Isolation
) -> None:
    await start_worker(slots=1)
    script = (
        "import os, json\ndef main():\n"
        "    seen = getattr(json, 'seen', 0), os.path.exists('mark'), os.environ.get('MARK')\n"
        "    json.seen = 1\n    open('mark', 'w').close()\n    os.environ['MARK'] = '1'\n"
        "    return seen"
    )

    first = await dispatcher.run(job("a", script, isolation=isolation))
    second = await dispatcher.run(job("b", script, isolation=isolation))

    assert succeeded(first) == succeeded(second) == [0, False, None]


async def test_worker_integration_refuses_what_it_does_not_offer(
    dispatcher: Dispatcher, start_worker: StartWorker
) -> None:
    await start_worker(isolations=(Isolation.FORK,))

    walls = await dispatcher.run(job("a", "def main(): 1", isolation=Isolation.SANDBOX))
    language = await dispatcher.run(job("b", "1", language="cobol"))

    assert walls.error is not None
    assert walls.error["type"] == "IsolationNotOffered"
    assert language.error is not None
    assert language.error["type"] == "LanguageUnknown"
