"""Event buses: in-process, NATS JetStream, AMQP, and PostgreSQL alone."""

from tidemill.infrastructure.messaging.errors import BusUnavailable, InvalidSubject
from tidemill.infrastructure.messaging.factory import BusOptions, open_bus

__all__ = ["BusOptions", "BusUnavailable", "InvalidSubject", "open_bus"]
