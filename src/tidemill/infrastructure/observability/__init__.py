"""Logs, figures and health of a process."""

from tidemill.core.figures import Sample
from tidemill.infrastructure.observability.access_log import log_request
from tidemill.infrastructure.observability.health import Health
from tidemill.infrastructure.observability.logs import configure_logging, set_log_level
from tidemill.infrastructure.observability.loop_lag import LoopLag
from tidemill.infrastructure.observability.metrics import Metrics

__all__ = [
    "Health",
    "LoopLag",
    "Metrics",
    "Sample",
    "configure_logging",
    "log_request",
    "set_log_level",
]
