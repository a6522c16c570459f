"""Outcomes on disk until the dispatcher has confirmed them: one file that grows at its end.

It holds outcomes, and the names of those that were confirmed since. Each record has its length and
a checksum before it, so of a worker that is killed in the middle of a record all but that one
counts. It is not forced to the disk: after a loss of power the job's lease runs out and it runs
again.
"""

from __future__ import annotations

import asyncio
import contextlib
import errno
import os
import struct
import threading
import zlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Final

import msgspec

from tidemill.jobs.protocol.messages import Held, Outcome, OutcomesTaken

quick_bytes_max: Final = 256 * 1024
"""Up to here is written on the event loop: 100 B to 200 KB take some tens of microseconds."""
waste_bytes_max: Final = 4 * 1024 * 1024
"""The file is compacted when it holds more than this of what was confirmed, and more of it than of
anything else."""
_FILE: Final = "outcomes"
_UNREADABLE: Final = "outcomes.unreadable"
_HEAD: Final = struct.Struct(">II")
_APPENDED: Final = os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC


class Spool:
    """The outcomes that this worker still has to tell."""

    def __init__(self, directory: Path) -> None:
        self._path = directory / _FILE
        self._outcomes: dict[Held, Outcome] = {}
        self._sizes: dict[Held, int] = {}
        self._file = -1
        self._size = 0
        self._writing = asyncio.Lock()
        self._dropped: list[Held] = []
        self._encoder = msgspec.msgpack.Encoder()
        # A thread may still write when whoever waited for it was cancelled.
        self._guard = threading.RLock()
        self._compacting: asyncio.Task[None] | None = None

    def open(self) -> int:
        """Read what an earlier worker left here; return how many bytes of it were unreadable.

        Those are set aside in a file of their own, if the disk takes that.
        """
        self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        data = self._path.read_bytes() if self._path.exists() else b""
        read = 0
        for end, record in _records(data):
            read = end
            if isinstance(record, OutcomesTaken):
                for held in record.jobs:
                    self._outcomes.pop(held, None)
            else:
                self._outcomes[Held(record.job_id, record.epoch)] = record
        with contextlib.suppress(OSError):
            if read < len(data):
                self._path.with_name(_UNREADABLE).write_bytes(data[read:])
        try:
            self._compact(self._outcomes)
        except OSError:
            # A full disk keeps nobody from telling what lies on it.
            self._file = os.open(self._path, _APPENDED, 0o600)
            os.ftruncate(self._file, read)
            self._size = read
        return len(data) - read

    def close(self) -> None:
        """Let go of the file, after what a thread writes to it."""
        with self._guard:
            if self._file >= 0:
                os.close(self._file)
                self._file = -1

    async def put(self, outcomes: Sequence[Outcome]) -> None:
        """Keep `outcomes`; raises `OSError` when the disk takes nothing more."""
        kept = {Held(outcome.job_id, outcome.epoch): outcome for outcome in outcomes}
        records = {held: self._record(outcome) for held, outcome in kept.items()}
        self._outcomes.update(kept)
        self._sizes.update((held, len(record)) for held, record in records.items())
        async with self._writing:
            # Another write may have taken so long that some are of no use any more.
            data = b"".join(record for held, record in records.items() if held in self._outcomes)
            if len(data) > quick_bytes_max:
                await asyncio.to_thread(self._append, data)
            else:
                self._append(data)
        if self._dropped:
            self._drop()

    def drop(self, jobs: Iterable[Held]) -> None:
        """Forget what the dispatcher has confirmed."""
        for held in jobs:
            if self._outcomes.pop(held, None) is not None:
                self._sizes.pop(held, None)
                self._dropped.append(held)
        if self._dropped and not self._writing.locked():
            self._drop()

    def held(self) -> tuple[Held, ...]:
        """Return which outcomes are kept, oldest first."""
        return tuple(self._outcomes)

    def outcomes(self) -> tuple[Outcome, ...]:
        """Return what is kept, oldest first."""
        return tuple(self._outcomes.values())

    def _drop(self) -> None:
        dropped, self._dropped = self._dropped, []
        # What stays in the file by mistake is told once more after a restart, and heeded no more.
        with contextlib.suppress(OSError), self._guard:
            if not self._outcomes:
                os.ftruncate(self._file, 0)
                self._size = 0
                return
            self._append(self._record(OutcomesTaken(jobs=tuple(dropped))))
            kept = sum(self._sizes.values()) if self._size > waste_bytes_max else self._size
            if self._size - kept <= max(waste_bytes_max, kept):
                return
            if kept <= quick_bytes_max:
                self._compact(self._outcomes)
            elif self._compacting is None:
                self._compacting = asyncio.create_task(self._compact_beside(), name="spool")

    async def _compact_beside(self) -> None:
        """Write the file anew in a thread; what is confirmed meanwhile is said in the new one."""

        def compact() -> None:
            with contextlib.suppress(OSError), self._guard:
                if self._file >= 0:
                    self._compact(outcomes)

        try:
            async with self._writing:
                outcomes = dict(self._outcomes)
                await asyncio.to_thread(compact)
        finally:
            self._compacting = None
        if self._dropped:
            self._drop()

    def _record(self, content: Outcome | OutcomesTaken) -> bytes:
        data = self._encoder.encode(content)
        return _HEAD.pack(len(data), zlib.crc32(data)) + data

    def _append(self, data: bytes) -> None:
        with self._guard:
            try:
                self._size += _written(self._file, data, self._path)
            except OSError:
                # Nothing that comes after half a record could be read.
                os.ftruncate(self._file, self._size)
                raise

    def _compact(self, outcomes: Mapping[Held, Outcome]) -> None:
        """Write `outcomes` to a file that takes the old one's place."""
        draft, size = self._path.with_suffix(".new"), 0
        file = os.open(draft, _APPENDED | os.O_TRUNC, 0o600)
        try:
            for held, outcome in outcomes.items():
                record = self._record(outcome)
                if held in self._outcomes:
                    self._sizes[held] = len(record)
                size += _written(file, record, self._path)
            draft.replace(self._path)
        except BaseException:
            os.close(file)
            raise
        self.close()
        self._file, self._size = file, size


def _written(file: int, data: bytes, path: Path) -> int:
    """Write all of `data`, or raise `OSError`."""
    if os.write(file, data) < len(data):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(path))
    return len(data)


def _records(data: bytes) -> Iterator[tuple[int, Outcome | OutcomesTaken]]:
    """Yield each record and where it ends, up to the first that is not whole."""
    decoder: msgspec.msgpack.Decoder[Outcome | OutcomesTaken]
    decoder = msgspec.msgpack.Decoder(Outcome | OutcomesTaken)
    end = 0
    while end + _HEAD.size <= len(data):
        length, checksum = _HEAD.unpack_from(data, end)
        begin = end + _HEAD.size
        body = data[begin : begin + length]
        if len(body) < length or zlib.crc32(body) != checksum:
            return
        try:
            record = decoder.decode(body)
        except msgspec.MsgspecError:
            return
        end = begin + length
        yield end, record
