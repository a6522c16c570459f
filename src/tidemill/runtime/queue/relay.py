"""Carries jobs from the SQLite files of a program, where `enqueue_in` left them, to the queue."""

from __future__ import annotations

import asyncio
import sqlite3
import threading
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Final

import msgspec
import structlog

from tidemill.core.errors import TidemillError
from tidemill.jobs.contract import JobRequest
from tidemill.runtime.queue.opening import OpenQueue

log = structlog.get_logger(__name__)

look_seconds: Final = 0.05
failure_seconds: Final = 1.0
rows_per_turn_max: Final = 500
busy_seconds_max: Final = 5.0
_READ: Final = """
    SELECT position, id, tenant_id, request FROM tidemill_outbox
    WHERE error IS NULL AND tenant_id NOT IN (SELECT value FROM json_each(?))
    ORDER BY position LIMIT ?
"""
_FORGET: Final = "DELETE FROM tidemill_outbox WHERE position = ?"
_REFUSE: Final = "UPDATE tidemill_outbox SET error = ? WHERE position = ?"

Left = tuple[int, str, str, str]


class OutboxRelay:
    """A service with a thread of its own: SQLite files of others may be locked for a while.

    A row goes after its job is durable. When the worker dies in between, the job is enqueued once
    more under the same id, which gives the same job.
    """

    def __init__(self, files: Sequence[Path], queue: OpenQueue) -> None:
        self._queue = queue
        self._files = files
        self._stopping = threading.Event()
        self._thread: threading.Thread | None = None
        self._versions: dict[Path, int] = {}
        self._connections: dict[Path, sqlite3.Connection] = {}
        self._loop: asyncio.AbstractEventLoop | None = None

    async def start(self) -> None:
        """Begin to look."""
        self._loop = asyncio.get_running_loop()
        self._thread = threading.Thread(target=self._run, name="tidemill-relay", daemon=True)
        self._thread.start()

    async def stop(self) -> None:
        """End after the present portion."""
        self._stopping.set()
        if self._thread is not None:
            await asyncio.to_thread(self._thread.join, busy_seconds_max)

    def _run(self) -> None:
        while not self._stopping.is_set():
            pause = look_seconds
            for file in self._files:
                try:
                    self._carry(file)
                except Exception as error:  # noqa: BLE001 - nobody begins this thread anew
                    self._drop(file)
                    if "no such table" not in str(error):
                        log.warning("outbox.not_relayed", file=str(file), reason=str(error))
                    pause = failure_seconds
            self._stopping.wait(pause)
        for file in tuple(self._connections):
            self._drop(file)

    def _carry(self, file: Path) -> None:
        """Carry over what the queue takes of a file; raise why the rest has to wait."""
        waiting: dict[str, Exception] = {}
        while not self._stopping.is_set() and self._relay(file, waiting):
            pass
        if waiting:
            raise next(iter(waiting.values()))

    def _relay(self, file: Path, waiting: dict[str, Exception]) -> bool:
        """Carry a portion over, past the tenants that are `waiting`; return if there may be more.

        Tenants whose jobs the queue does not take now are added to those.
        """
        if not file.exists():
            return False
        connection = self._connection(file)
        version = connection.execute("PRAGMA data_version").fetchone()[0]
        if self._versions.get(file) == version:
            return False
        passed = msgspec.json.encode(list(waiting)).decode()
        rows: list[Left] = connection.execute(_READ, (passed, rows_per_turn_max)).fetchall()
        if not rows:
            if not waiting:
                self._versions[file] = version
            return False
        refused, later = self._enqueue(rows)
        with connection:
            connection.execute("BEGIN IMMEDIATE")
            for position, *_ in rows:
                if position in refused:
                    connection.execute(_REFUSE, (refused[position], position))
                elif position not in later:
                    connection.execute(_FORGET, (position,))
        waiting.update((row[2], later[row[0]]) for row in rows if row[0] in later)
        return True

    def _enqueue(self, rows: Sequence[Left]) -> tuple[dict[int, str], dict[int, Exception]]:
        assert self._loop is not None  # noqa: S101 - the thread starts after it is set
        return asyncio.run_coroutine_threadsafe(self._enqueue_all(rows), self._loop).result()

    async def _enqueue_all(
        self, rows: Sequence[Left]
    ) -> tuple[dict[int, str], dict[int, Exception]]:
        """Enqueue; return why which rows can never be jobs, and which cannot be yet."""
        results = await asyncio.gather(
            *(self._enqueue_one(tenant, request) for _, _, tenant, request in rows),
            return_exceptions=True,
        )
        refused: dict[int, str] = {}
        later: dict[int, Exception] = {}
        for (position, id_, *_), result in zip(rows, results, strict=True):
            if isinstance(result, msgspec.MsgspecError) or _is_final(result):
                log.error("outbox.job.refused", job_id=id_, reason=str(result))
                refused[position] = str(result)
            elif isinstance(result, Exception):
                later[position] = result
            elif isinstance(result, BaseException):
                raise result
        return refused, later

    async def _enqueue_one(self, tenant: str, request: str) -> None:
        wanted = msgspec.json.decode(request, type=JobRequest)
        await self._queue.enqueue(wanted, tenant=tenant)

    def _connection(self, file: Path) -> sqlite3.Connection:
        if file not in self._connections:
            self._versions.pop(file, None)
            self._connections[file] = sqlite3.connect(
                file, timeout=busy_seconds_max, isolation_level=None, check_same_thread=False
            )
        return self._connections[file]

    def _drop(self, file: Path) -> None:
        connection = self._connections.pop(file, None)
        if connection is not None:
            with suppress(sqlite3.Error):
                connection.close()


def _is_final(result: object) -> bool:
    return isinstance(result, TidemillError) and 400 <= result.status < 500 and result.status != 429
