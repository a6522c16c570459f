"""What must hold between keys."""

from __future__ import annotations

from typing import Any

import pytest

from tidemill.core.config import Config
from tidemill.core.config.rules import problems_of
from tidemill.core.config.sections.people import Auth, JwtAlgorithm
from tidemill.core.config.sections.serving import Environment, Server
from tidemill.core.config.sections.storing import Database, MessageQueue
from tidemill.core.config.sections.working import Dispatcher, Worker

FILES: Any = {"tls_certificate_file": "c.pem", "tls_key_file": "k.pem"}


@pytest.mark.parametrize(
    "config",
    [
        Config(),
        Config(dispatcher=Dispatcher(tls_listen="0.0.0.0:7443", **FILES)),
        Config(worker=Worker(connect="tls://h:7443", token_file="t", tls_ca_file="ca", **FILES)),
        Config(message_queue=MessageQueue(url="amqp://h", carries_jobs=True)),
        Config(message_queue=MessageQueue(url="nats://h")),
        Config(message_queue=MessageQueue(url="tls://h", tls_ca_file="ca", **FILES)),
        Config(message_queue=MessageQueue(url="amqps://h", tls_ca_file="ca")),
    ],
)
def test_problems_of_lets_whole_settings_through(config: Config) -> None:
    assert list(problems_of(config)) == []


@pytest.mark.parametrize(
    ("config", "field"),
    [
        (Config(dispatcher=Dispatcher(tls_listen="0.0.0.0:7443")), "dispatcher.tls_key_file"),
        (
            Config(message_queue=MessageQueue(url="amqp://h", tls_ca_file="ca")),
            "message_queue.tls_ca_file",
        ),
        (
            Config(message_queue=MessageQueue(url="tls://h", tls_key_file="k")),
            "message_queue.tls_certificate_file",
        ),
        (Config(dispatcher=Dispatcher(tls_key_file="k")), "dispatcher.tls_key_file"),
        (Config(dispatcher=Dispatcher(tls_client_ca_file="c")), "dispatcher.tls_client_ca_file"),
        (Config(worker=Worker(connect="tls://h:7443")), "worker.token_file"),
        (Config(worker=Worker(token_file="t")), "worker.token_file"),
        (Config(worker=Worker(api_url="http://h")), "worker.api_url"),
        (
            Config(worker=Worker(connect="tls://h:1", token_file="t", tls_key_file="k")),
            "worker.tls_certificate_file",
        ),
        (Config(message_queue=MessageQueue(carries_jobs=True)), "message_queue.url"),
        (Config(message_queue=MessageQueue(status_queue="tasks")), "message_queue.status_queue"),
        (
            Config(
                message_queue=MessageQueue(url="amqp://h", carries_jobs=True),
                worker=Worker(connect="tls://h:1", token_file="t"),
            ),
            "message_queue.carries_jobs",
        ),
    ],
)
def test_problems_of_names_what_is_missing_or_without_effect(config: Config, field: str) -> None:
    assert any(field in problem for problem in problems_of(config))


def test_problems_of_asks_for_one_secret_for_all_machines_that_open_signing_keys() -> None:
    config = Config(
        server=Server(environment=Environment.PRODUCTION),
        database=Database(url="postgresql://h/t"),
        auth=Auth(jwt_algorithm=JwtAlgorithm.EDDSA),
    )

    assert any(problem.startswith("auth.jwt_secret") for problem in problems_of(config))
