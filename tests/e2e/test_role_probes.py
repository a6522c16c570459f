"""What an orchestrator sees of processes without an API."""

from __future__ import annotations

import socket

import httpx

from tests.fixtures.ports import free_port
from tests.fixtures.roles import DISPATCHER_ROLE
from tests.fixtures.server import SUPERVISOR, WORKER_ROLE, Server, status_of
from tests.fixtures.waiting import wait_until

SECRETS = {"auth.jwt_secret": "j" * 48, "audit.chain_key": "c" * 48}
soon_seconds_max = 60.0


def test_a_dispatcher_and_its_worker_answer_probes() -> None:
    of_dispatcher, of_worker = (f"127.0.0.1:{free_port()}" for _ in range(2))
    settings = {
        **SECRETS,
        "dispatcher.http_address": of_dispatcher,
        "worker.http_address": of_worker,
    }
    dispatcher = Server(settings=settings, command=DISPATCHER_ROLE, environment={})
    worker = Server(
        settings=settings, command=WORKER_ROLE, environment={}, data_dir=dispatcher.data_dir
    )
    for process in (worker, dispatcher):
        process.start(wait=False)
    with dispatcher, worker:
        _until(of_worker, "/live", 200)
        _until(of_dispatcher, "/ready", 200)
        _until(of_worker, "/ready", 200)
        assert 'role="dispatcher"' in _metrics(of_dispatcher)
        assert "tidemill_jobs_completed_total" in _metrics(of_dispatcher)
        assert 'role="worker"' in _metrics(of_worker)
        assert "tidemill_worker_slots 5.0" in _metrics(of_worker)

        dispatcher.kill(SUPERVISOR)
        answer = _until(of_worker, "/ready", 503)
        assert [part["name"] for part in answer.json()["parts"]] == ["dispatcher"]
        assert status_of(f"http://{of_worker}/live") == 200


def test_an_address_that_is_taken_is_told_in_one_line() -> None:
    with socket.create_server(("127.0.0.1", 0)) as somebody:
        taken = f"127.0.0.1:{somebody.getsockname()[1]}"
        settings = {**SECRETS, "dispatcher.http_address": taken}
        dispatcher = Server(settings=settings, command=DISPATCHER_ROLE, environment={})
        dispatcher.start(wait=False)
        with dispatcher:
            wait_until(
                lambda: not dispatcher.is_running, seconds_max=soon_seconds_max, what="the refusal"
            )
            assert f"tidemill: {taken} cannot be listened on" in dispatcher.log
            assert "Traceback" not in dispatcher.log


def _until(address: str, path: str, status: int) -> httpx.Response:
    wait_until(
        lambda: status_of(f"http://{address}{path}") == status,
        seconds_max=soon_seconds_max,
        what=f"{status} of {path}",
    )
    return httpx.get(f"http://{address}{path}", timeout=60)


def _metrics(address: str) -> str:
    return httpx.get(f"http://{address}/metrics", timeout=60).text
