"""Structured logging: one event with fields per line, as JSON or as text for people.

Fields bound with `structlog.contextvars` (request_id, tenant_id, job_id, trace_id) are on each
line. The level can be changed while the process runs.
"""

from __future__ import annotations

import logging
import sys
import time
from collections.abc import Mapping, MutableMapping
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any, BinaryIO, Final, TextIO

import msgspec
import structlog
from structlog.typing import FilteringBoundLogger

from tidemill.core.log_context import LOG_CONTEXT
from tidemill.infrastructure.observability import redaction
from tidemill.infrastructure.observability.sink import SINK

LEVELS: Final = {"trace": 5, "debug": 10, "info": 20, "warning": 30, "error": 40}
_LEVEL_NAMES: Final = {number: name for name, number in LEVELS.items()}
_encode: Final = msgspec.json.Encoder().encode

# Libraries that tell every frame at their finer levels.
_CHATTY: Final = ("aio_pika", "aiormq", "asyncio", "nats", "aiosmtplib", "uvicorn", "websockets")
# Libraries whose errors are raised to an adapter, which tells them, and how often that is worth it.
_RETOLD: Final = ("aio_pika", "aiormq")

Event = MutableMapping[str, Any]


class State:
    """What all loggers of the process share; until they are configured, nothing is `on`."""

    on = False
    threshold = LEVELS["info"]
    as_json = True
    fixed: dict[str, Any] = {}  # noqa: RUF012 - one process, one state


def configure_logging(
    *,
    level: str,
    as_json: bool,
    stream: BinaryIO | None = None,
    once: bool = True,
    **fixed: str,
) -> None:
    """Let everything log to `stream`, standard error by default, from `level` on.

    `fixed` fields are on every line: role, version. Loggers of libraries are led here, too.
    Unless this is called `once` only, loggers look at each line how they are configured, which
    costs time.
    """
    SINK.flush()
    SINK.stream = stream or sys.stderr.buffer
    State.on = True
    State.as_json = as_json
    State.fixed = {name: redaction.clean_field(name, value) for name, value in fixed.items()}
    structlog.configure(
        processors=[_add_context, _tell_exception, _render],
        wrapper_class=Logger,
        logger_factory=_Sink,
        cache_logger_on_first_use=once,
    )
    logging.captureWarnings(capture=True)
    root = logging.getLogger()
    root.handlers[:] = [_FromLibraries()]
    for name in _CHATTY:
        library = logging.getLogger(name)
        library.handlers.clear()
        library.propagate = True
    set_log_level(level)


def set_log_level(level: str) -> None:
    """Log from `level` on, at once and everywhere in this process."""
    State.threshold = LEVELS[level]
    logging.getLogger().setLevel(max(State.threshold, logging.DEBUG))
    for name in _CHATTY:
        logging.getLogger(name).setLevel(max(State.threshold, logging.WARNING))
    if State.threshold > logging.DEBUG:
        for name in _RETOLD:
            logging.getLogger(name).setLevel(logging.CRITICAL)


def wants_json(format_name: str, stream: TextIO | None = None) -> bool:
    """Return whether lines are JSON under `log.format`: `auto` writes text to terminals."""
    return format_name == "json" or (format_name == "auto" and not (stream or sys.stderr).isatty())


class Logger(structlog.BoundLoggerBase):
    """Gives each event that reaches the level to the processors."""

    def trace(self, event: str, **fields: Any) -> None:
        """Log what only a debugger wants to know."""
        self._log("trace", event, fields)

    def debug(self, event: str, **fields: Any) -> None:
        """Log what helps to find a mistake."""
        self._log("debug", event, fields)

    def info(self, event: str, **fields: Any) -> None:
        """Log what happened."""
        self._log("info", event, fields)

    def warning(self, event: str, **fields: Any) -> None:
        """Log what somebody should look at."""
        self._log("warning", event, fields)

    def error(self, event: str, **fields: Any) -> None:
        """Log what broke."""
        self._log("error", event, fields)

    def exception(self, event: str, **fields: Any) -> None:
        """Log what broke, with the exception that is being handled."""
        fields.setdefault("exc_info", True)
        self._log("error", event, fields)

    def _log(self, level: str, event: str, fields: dict[str, Any]) -> None:
        if LEVELS[level] >= State.threshold:
            self._proxy_to_logger(level, event, **fields)


class _Sink:
    """What structlog makes for each logger, and hands rendered lines to."""

    def __init__(self, name: str = "tidemill") -> None:
        self.name = name

    def write(self, line: bytes) -> None:
        SINK.write(line)

    trace = debug = info = warning = error = write


def _add_context(_logger: Any, _method: str, event: Event) -> Event:
    """Add what is bound, and what the request knows of itself; the line's own fields win."""
    context = LOG_CONTEXT.get()
    fields = context.log_fields() if context is not None else {}
    return {**fields, **structlog.contextvars.get_contextvars(), **event}


def _tell_exception(_logger: Any, _method: str, event: Event) -> Event:
    """Turn `exc_info` into the text of its traceback, without local variables."""
    exc_info = event.pop("exc_info", None)
    if not exc_info:
        return event
    if isinstance(exc_info, BaseException):
        exc_info = (type(exc_info), exc_info, exc_info.__traceback__)
    elif not isinstance(exc_info, tuple):
        exc_info = sys.exc_info()
    if exc_info[0] is not None:
        event["exception"] = logging.Formatter().formatException(exc_info)
    return event


def _render(logger: Any, method: str, event: Event) -> bytes:
    name = redaction.clean_field("event", event.pop("event"))
    safe = {key: redaction.clean_field(key, value) for key, value in event.items()}
    return rendered(method, name, redaction.clean_field("logger", logger.name), safe)


def rendered(level: str, event: object, logger: object, safe: Mapping[str, object]) -> bytes:
    """Return the line of an event: time, level and origin before its cleaned fields."""
    line = {
        "at": _now(),
        "level": level,
        "event": event,
        "logger": logger,
        **State.fixed,
        **safe,
    }
    return _as_json(line) if State.as_json else _as_text(line)


def _now() -> str:
    seconds, ms = divmod(time.time_ns() // 1_000_000, 1000)
    return f"{_second(seconds)}.{ms:03}Z"


@lru_cache(maxsize=4)
def _second(seconds: int) -> str:
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%S")


def _as_json(event: dict[str, Any]) -> bytes:
    return _encode(event) + b"\n"


def _as_text(event: dict[str, Any]) -> bytes:
    exception = event.pop("exception", None)
    head = f"{event.pop('at')} {event.pop('level'):<7} {redaction.one_line(event.pop('event'))}"
    event.pop("logger", None)
    fields = "".join(
        f" {redaction.one_line(key)}={_written(value)}" for key, value in event.items()
    )
    lines = [head + fields]
    if exception:
        lines += [f"    {line}" for line in str(exception).splitlines()]
    return ("\n".join(lines) + "\n").encode("utf-8", "backslashreplace")


def _written(value: object) -> str:
    if isinstance(value, str) and value and not any(c in value for c in ' ="\n\t'):
        return value
    return redaction.one_line(msgspec.json.encode(value).decode())


class _FromLibraries(logging.Handler):
    """Leads what libraries log the standard way into our lines."""

    def emit(self, record: logging.LogRecord) -> None:
        level = next(name for number, name in _BY_RANK if record.levelno >= number)
        try:
            message = record.getMessage()
        except Exception:  # noqa: BLE001 - a library's mistake in formatting is not ours to raise
            message = str(record.msg)
        _library_logger(record.name)._log(  # noqa: SLF001 - our own class
            level, "library.said", {"message": message, "exc_info": record.exc_info}
        )


_BY_RANK: Final = (*sorted(((n, name) for name, n in LEVELS.items()), reverse=True), (0, "trace"))


def _library_logger(name: str) -> Any:
    logger: FilteringBoundLogger = structlog.get_logger(name)
    return logger.bind()
