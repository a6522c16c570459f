"""The ends of logs that no dispatcher has taken when a worker leaves: on disk for the next one.

An outcome without its last lines would say less than the job did. They lie beside the outcomes, in
one file that is written when a worker leaves and read when one starts.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Final

import msgspec

from tidemill.jobs.protocol.messages import Held, LogChunk

_FILE: Final = "logs"


class LeftLogs:
    """What the last worker of this directory left, and what this one leaves."""

    def __init__(self, directory: Path) -> None:
        self._path = directory / _FILE

    def read(self) -> dict[Held, tuple[LogChunk, ...]]:
        """Return what was left of each log, in order; nothing where the file cannot be read."""
        try:
            chunks = msgspec.msgpack.decode(self._path.read_bytes(), type=list[LogChunk])
        except (OSError, msgspec.MsgspecError):
            return {}
        found: dict[Held, tuple[LogChunk, ...]] = {}
        for chunk in chunks:
            held = Held(chunk.job_id, chunk.epoch)
            found[held] = (*found.get(held, ()), chunk)
        return found

    def write(self, chunks: Iterable[LogChunk]) -> None:
        """Leave `chunks`, and nothing of what was left before; raises `OSError`."""
        kept = list(chunks)
        if not kept:
            self._path.unlink(missing_ok=True)
            return
        draft = self._path.with_suffix(".new")
        draft.touch(mode=0o600)
        draft.write_bytes(msgspec.msgpack.encode(kept))
        draft.replace(self._path)
