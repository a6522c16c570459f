"""What a function prints and logs goes to the log of its job, from its thread or its task."""

from __future__ import annotations

import asyncio
import logging
import sys
import threading
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any, Final, TextIO, cast

from tidemill.jobs.code.functions.context import CURRENT
from tidemill.jobs.execution.worker.output import Connected, JobLog
from tidemill.jobs.execution.worker.redaction import Redaction
from tidemill.jobs.protocol.messages import Held

piece_bytes_max: Final = 64 * 1024
_PRINTED: Final = {"stdout": "INFO", "stderr": "WARNING"}


class FunctionLog:
    """The output of one attempt; made whole lines with time and level, and sent by the loop.

    It takes no more than the log's limit into memory, so that a function that prints without end
    cannot fill it.
    """

    def __init__(
        self,
        held: Held,
        connected: Connected,
        loop: asyncio.AbstractEventLoop,
        *,
        bytes_max: int,
        redaction: Redaction | None = None,
    ) -> None:
        self.sink: JobLog | None = None
        self._held = held
        self._connected = connected
        self._bytes_max = bytes_max
        self._redaction = redaction
        self._loop = loop
        self._lock = threading.Lock()
        self._lines: list[bytes] = []
        self._open: dict[str, str] = {}
        self._bytes = 0
        self._pumping: asyncio.Task[None] | None = None
        self._scheduled = False

    def line(self, level: str, text: str) -> None:
        """See `Output.line`."""
        if self._redaction is not None:
            # As a whole, before it is cut: a secret may have several lines.
            text = self._redaction.text(text)
        stamp = datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
        data = "".join(f"{stamp} {level} {line}\n" for line in text.splitlines() or [""])
        with self._lock:
            if self._bytes > self._bytes_max:
                return
            encoded = data.encode(errors="replace")
            self._bytes += len(encoded)
            self._lines.append(encoded)
            if self._scheduled:
                return
            self._scheduled = True
        # A loop that has ended has nobody left who would send.
        with suppress(RuntimeError):
            self._loop.call_soon_threadsafe(self._pump_soon)

    def text(self, level: str, text: str) -> None:
        """See `Output.text`."""
        with self._lock:
            whole, newline, rest = (self._open.pop(level, "") + text).rpartition("\n")
            if rest:
                self._open[level] = rest
        if newline:
            self.line(level, whole)

    async def close(self) -> None:
        """Hand over what is left; the worker sends it before the outcome."""
        with self._lock:
            rest, self._open = self._open, {}
        for level, text in rest.items():
            self.line(level, text)
        if self.sink is None and not self._lines:
            return
        sink = self._made_sink()
        # From here on nothing waits for the dispatcher: little can come.
        await sink.close()
        if self._pumping is not None:
            await self._pumping
        await self._pump()

    def _pump_soon(self) -> None:
        if self._pumping is None:
            self._pumping = asyncio.create_task(self._pump())

    async def _pump(self) -> None:
        sink = self._made_sink()
        while True:
            with self._lock:
                data, self._lines = b"".join(self._lines), []
                if not data:
                    self._scheduled = False
                    break
            for start in range(0, len(data), piece_bytes_max):
                await sink.write(data[start : start + piece_bytes_max])
        self._pumping = None

    def _made_sink(self) -> JobLog:
        if self.sink is None:
            self.sink = JobLog(self._held, self._connected, bytes_max=self._bytes_max)
        return self.sink


class Capture:
    """Redirects print and logging of the process while it is installed."""

    def __init__(self) -> None:
        self._handler = _Handler()
        self._level = logging.WARNING
        self._filtered: list[logging.Handler] = []
        self._streams: dict[str, TextIO] = {}

    def install(self) -> None:
        """Begin."""
        root = logging.getLogger()
        for handler in root.handlers:
            if type(handler).__module__.startswith("tidemill."):
                # The worker's own log is for the worker; what a program set up stays as it is.
                handler.addFilter(_outside_jobs)
                self._filtered.append(handler)
        root.addHandler(self._handler)
        self._level = root.level
        if root.level == logging.WARNING:
            # The default, which nobody chose: people expect to find their info lines.
            root.setLevel(logging.INFO)
        for name in _PRINTED:
            self._streams[name] = getattr(sys, name)
            setattr(sys, name, cast("TextIO", _Stream(self._streams[name], _PRINTED[name])))

    def remove(self) -> None:
        """End."""
        logging.getLogger().removeHandler(self._handler)
        logging.getLogger().setLevel(self._level)
        for handler in self._filtered:
            handler.removeFilter(_outside_jobs)
        self._filtered.clear()
        for name, stream in self._streams.items():
            setattr(sys, name, stream)
        self._streams.clear()


def _outside_jobs(record: logging.LogRecord) -> bool:
    del record
    return CURRENT.get() is None


class _Handler(logging.Handler):
    """Writes a record to the log of the job that made it, with its traceback."""

    def __init__(self) -> None:
        super().__init__()
        self.setFormatter(logging.Formatter("%(name)s: %(message)s"))

    def emit(self, record: logging.LogRecord) -> None:
        job = CURRENT.get()
        if job is not None:
            job.output.line(record.levelname, self.format(record))
        elif logging.getLogger().handlers == [self] and logging.lastResort is not None:
            logging.lastResort.handle(record)


class _Stream:
    """Stands for stdout or stderr."""

    def __init__(self, own: TextIO, level: str) -> None:
        self._own = own
        self._level = level

    def write(self, text: str) -> int:
        job = CURRENT.get()
        if job is None:
            return self._own.write(text)
        job.output.text(self._level, text)
        return len(text)

    def writelines(self, lines: list[str]) -> None:
        for line in lines:
            self.write(line)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._own, name)
