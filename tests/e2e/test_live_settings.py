"""What is set at run time takes effect in every process (issue 2, line 3)."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Final

import pytest

from tests.fixtures.client import log_in
from tests.fixtures.databases import a_database
from tests.fixtures.roles import DISPATCHER_ROLE
from tests.fixtures.server import API, API_ROLE, WORKER, WORKER_ROLE, Server
from tests.fixtures.waiting import wait_until

arrives_seconds_max: Final = 60.0


@pytest.mark.needs("postgres")
def test_a_change_and_a_removal_reach_every_process_also_one_that_comes_later() -> None:
    with _three_processes() as (api, dispatcher, worker), log_in(api.url) as owner:
        processes = (api, dispatcher, worker)

        owner.ask("PUT", "/settings/log.level", json={"value": "debug"})
        _soon(lambda: all(_levels(process)[-1:] == ["debug"] for process in processes))

        owner.ask("DELETE", "/settings/log.level")
        _soon(lambda: all(_levels(process)[-1:] == ["info"] for process in processes))

        worker.stop()
        owner.ask("PUT", "/settings/log.level", json={"value": "debug"})
        worker.start(wait=False)
        _soon(lambda: _levels(worker)[-1:] == ["debug"])


@pytest.mark.full(reason="it starts a server for one line; its parts have their own tests")
def test_up_starts_no_worker_when_the_configuration_does_without() -> None:
    with Server(settings={"worker.enabled": "false"}) as server:
        wait_until(lambda: server.pid_of(WORKER) is None, seconds_max=60, what="no worker")

        with log_in(server.url) as owner:
            assert owner.get("/workers")["items"] == []
        assert "starting it again" not in server.log


@pytest.mark.full(reason="it starts a server for one line; its parts have their own tests")
def test_an_api_process_without_http_only_dispatches() -> None:
    server = Server(settings={"api.enabled": "false"})
    server.start(wait=False)
    try:
        wait_until(lambda: "worker.welcomed" in server.log, seconds_max=60, what="a dispatcher")

        assert server.pid_of(API) is not None
        assert not server.is_ready()
    finally:
        server.__exit__(None, None, None)


def test_an_api_process_without_anything_to_do_says_so() -> None:
    settings = {"api.enabled": "false", "dispatcher.enabled": "false"}
    server = Server(settings=settings, command=API_ROLE)
    server.start(wait=False)
    try:
        wait_until(lambda: not server.is_running, seconds_max=60, what="its end")

        assert "api.enabled and dispatcher.enabled are both false" in server.log
    finally:
        server.__exit__(None, None, None)


@contextmanager
def _three_processes() -> Iterator[tuple[Server, Server, Server]]:
    with a_database("live") as url, ExitStack() as stack:
        shared = {"database.url": url, "auth.jwt_secret": "j" * 48, "audit.chain_key": "c" * 48}
        without = {**shared, "dispatcher.enabled": "false"}
        api = stack.enter_context(Server(settings=without, command=API_ROLE))
        dispatcher = Server(settings=shared, command=DISPATCHER_ROLE, environment={})
        worker = Server(
            settings=shared, command=WORKER_ROLE, environment={}, data_dir=dispatcher.data_dir
        )
        for process in (dispatcher, worker):
            process.start(wait=False)
            stack.enter_context(process)
        wait_until(lambda: "worker.welcomed" in worker.log, seconds_max=60, what="a welcome")
        yield api, dispatcher, worker


def _levels(server: Server) -> list[str]:
    lines = [line for line in server.log.splitlines() if "log.level.changed" in line]
    return [line.partition('"to":"')[2].partition('"')[0] for line in lines]


def _soon(is_true: Callable[[], bool]) -> None:
    wait_until(is_true, seconds_max=arrives_seconds_max, what="the change")
