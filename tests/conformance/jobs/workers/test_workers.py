"""What every worker of the protocol does, in whatever language it is written."""

from __future__ import annotations

import os
import signal
from functools import partial
from pathlib import Path

import pytest

from tests.conformance.jobs.workers.conftest import Bench, Gate
from tests.fixtures.remote import RemoteServer, is_connected


def test_worker_hands_arguments_to_the_job_and_its_last_line_back(bench: Bench) -> None:
    job = bench.start('echo working\necho "{\\"double\\": $((number * 2))}"', args={"number": 21})

    assert bench.result(job) == {"double": 42}


def test_worker_gives_a_last_line_that_is_no_json_as_text(bench: Bench) -> None:
    assert bench.result(bench.start("echo 'low tide'")) == "low tide"


def test_worker_runs_several_jobs_at_once(bench: Bench, gate: Gate) -> None:
    jobs = [bench.start(f"echo up\n{gate.line}") for _ in range(2)]

    for job in jobs:
        bench.until(partial(_has_said, bench, job, "up"), "both jobs")
    gate.open()

    assert [bench.finished(job)["state"] for job in jobs] == ["succeeded", "succeeded"]


def test_worker_sends_the_log_while_the_job_runs(bench: Bench, gate: Gate) -> None:
    job = bench.start(f"echo before\n{gate.line}\necho after")

    bench.until(lambda: bench.log(job) == "before\n", "the first line")
    bench.until(lambda: bench.job(job)["state"] == "running", "its begin in the books")
    gate.open()
    bench.finished(job)

    assert bench.log(job) == "before\nafter\n"


def test_worker_sends_a_log_that_is_longer_than_its_credit(bench: Bench) -> None:
    job = bench.start("head -c 2000000 /dev/zero | tr '\\0' x | fold -w 99; echo; echo done")

    bench.finished(job)
    shown, offset = "", 0
    while True:
        part = bench.owner.get(f"/jobs/{job}/logs", offset=offset)
        shown += part["text"]
        if part["complete"]:
            break
        offset = part["next_offset"]

    lines = shown.splitlines()
    assert (sum(map(len, lines[:-1])), lines[-1]) == (2_000_000, "done")


def test_worker_tells_why_a_job_failed(bench: Bench) -> None:
    job = bench.finished(bench.start("echo it breaks >&2\nexit 3"))

    assert job["state"] == "failed"
    assert "exit code 3" in job["error"]["message"]
    assert "it breaks" in bench.log(job["id"])


def test_worker_fails_a_job_that_it_cannot_run(bench: Bench) -> None:
    job = bench.finished(bench.start('{"url": "http://127.0.0.1:9/"}', language="http"))

    assert job["state"] == "failed"
    assert job["error"]["message"]


def test_worker_outlasts_a_job_whose_arguments_no_process_takes(bench: Bench) -> None:
    refused = bench.finished(bench.start("echo never", args={"word": "x" * 200_000}))

    assert refused["state"] == "failed"
    assert bench.result(bench.start("echo 1")) == 1


def test_worker_hides_a_secret_that_is_printed_in_two_pieces(bench: Bench, gate: Gate) -> None:
    bench.owner.put("/variables/harbour/key", {"value": "low-tide-at-noon", "is_secret": True})
    content = f"printf 'it is low-tide-'\n{gate.line}\necho at-noon; printf 'and low-tide'"

    job = bench.start(content, args={"key": "$var:harbour/key"})
    bench.until(partial(_has_said, bench, job, "it is"), "the first piece")
    before = bench.log(job)
    gate.open()
    ended = bench.finished(job)

    assert (ended["state"], before) == ("succeeded", "it is ")
    assert bench.log(job) == "it is [redacted]\nand low-tide"


def test_worker_hides_a_secret_in_the_result(bench: Bench) -> None:
    bench.owner.put("/variables/harbour/key", {"value": "low-tide-at-noon", "is_secret": True})

    job = bench.start('key="$1"\necho "key=$key"', args={"key": "$var:harbour/key"})

    assert bench.result(job) == "key=[redacted]"


def test_worker_of_the_example_lets_no_argument_change_what_programs_do(
    benches: dict[str, Bench],
) -> None:
    if "node" not in benches:
        pytest.skip("node is not installed")
    bench = benches["node"]
    names = ("BASH_ENV", "LD_PRELOAD", "NODE_OPTIONS", "http_proxy")
    args = {"word": "tide", **dict.fromkeys(names, "/nowhere")}

    job = bench.start(f'echo "$word {" ".join(f"${{{name}-}}" for name in names)}"', args=args)

    assert str(bench.result(job)).split() == ["tide"]
    assert "nowhere" not in bench.log(job)


def test_worker_ends_a_job_that_takes_too_long(bench: Bench) -> None:
    job = bench.finished(bench.start("sleep 60", timeout_seconds=1))

    assert job["state"] == "timed_out"


def test_worker_ends_a_cancelled_job_with_all_its_processes(
    bench: Bench, gate: Gate, tmp_path: Path
) -> None:
    pids = tmp_path / "pids"
    job = bench.start(f"sleep 60 & echo $! > {pids}\n{gate.line}")
    bench.until(lambda: pids.exists() and pids.read_text().strip(), "its processes")

    bench.owner.post(f"/jobs/{job}/cancel")

    assert bench.finished(job)["state"] == "cancelled"
    bench.until(lambda: not _lives(int(pids.read_text())), "the end of its processes")


def test_workers_keep_their_jobs_over_a_restart_of_the_dispatcher(
    benches: dict[str, Bench], remote: RemoteServer, gate: Gate
) -> None:
    content = f"echo before\n{gate.line}\necho after\necho $TIDEMILL_ATTEMPT"
    jobs = {name: bench.start(content) for name, bench in benches.items()}
    for name, bench in benches.items():
        bench.until(partial(_has_said, bench, jobs[name], "before\n"), "the first line")

    remote.server.kill()
    gate.open()
    remote.server.start()
    ended = {name: bench.finished(jobs[name]) for name, bench in benches.items()}

    assert {
        name: (job["state"], job["attempts"], job["rescues"], benches[name].log(job["id"]))
        for name, job in ended.items()
    } == dict.fromkeys(benches, ("succeeded", 1, 0, "before\nafter\n1\n"))


@pytest.mark.full(reason="waits for a lease to run out")
def test_worker_that_was_away_for_longer_than_its_lease_tells_no_second_end(
    bench: Bench, gate: Gate
) -> None:
    job = bench.start(f"echo up\n{gate.line}\necho $TIDEMILL_ATTEMPT")
    bench.until(lambda: "up" in bench.log(job), "the first line")

    os.kill(bench.worker.pid, signal.SIGSTOP)
    bench.until(lambda: bench.job(job)["state"] == "queued", "its rescue")
    gate.open()
    os.kill(bench.worker.pid, signal.SIGCONT)
    ended = bench.finished(job)

    assert (ended["state"], ended["attempts"], ended["rescues"]) == ("succeeded", 2, 1)
    assert bench.result(job) == 2


@pytest.mark.full(reason="starts each worker anew")
def test_worker_that_is_told_to_stop_ends_its_job_and_leaves(bench: Bench, gate: Gate) -> None:
    job = bench.start(f"echo up\n{gate.line}\necho $TIDEMILL_ATTEMPT")
    bench.until(lambda: "up" in bench.log(job), "the first line")

    os.kill(bench.worker.pid, signal.SIGTERM)
    bench.until(lambda: not is_connected(bench.owner, bench.worker.name), "its farewell")
    gate.open()
    ended = bench.finished(job)
    code = bench.worker.wait()
    bench.worker.start()

    assert (ended["state"], ended["attempts"], code) == ("succeeded", 1, 0)
    bench.until(lambda: is_connected(bench.owner, bench.worker.name), "the worker")


def test_worker_that_was_killed_gets_its_job_again_when_it_is_back(
    bench: Bench, gate: Gate
) -> None:
    job = bench.start(f"echo up\n{gate.line}\necho $TIDEMILL_ATTEMPT")
    bench.until(lambda: "up" in bench.log(job), "the first line")

    bench.worker.end(signal.SIGKILL)
    gate.open()
    bench.worker.start()
    ended = bench.finished(job)

    assert (ended["state"], ended["attempts"]) == ("succeeded", 2)
    bench.until(lambda: is_connected(bench.owner, bench.worker.name), "the worker")


def _has_said(bench: Bench, job_id: str, text: str) -> bool:
    return text in bench.log(job_id)


def _lives(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().split(") ")[1][0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False
