from __future__ import annotations

from tidemill.core.config import Config
from tidemill.core.config.sections.storing import MessageQueue
from tidemill.core.config.sections.working import Dispatcher
from tidemill.core.queues import JOB_QUEUES
from tidemill.jobs.dispatching.brokers.options import BrokerOptions, broker_options
from tidemill.runtime.job_queues import job_queues

BROKER = MessageQueue(
    url="amqp://h", carries_jobs=True, task_queue="work", status_queue="work_status"
)


def test_job_queues_fills_the_port_where_a_broker_carries_jobs() -> None:
    assert set(job_queues(Config(message_queue=BROKER))) == {JOB_QUEUES}


def test_job_queues_fills_nothing_where_the_broker_is_the_bus_alone() -> None:
    assert job_queues(Config(message_queue=MessageQueue(url="amqp://h"))) == {}


def test_job_queues_fills_nothing_in_a_process_that_dispatches_nothing() -> None:
    config = Config(message_queue=BROKER, dispatcher=Dispatcher(enabled=False))

    assert job_queues(config) == {}


def test_broker_options_have_the_names_that_are_set() -> None:
    assert broker_options(Config(message_queue=BROKER)) == BrokerOptions(
        task_queue="work", status_queue="work_status"
    )
