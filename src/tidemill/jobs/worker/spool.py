"""Outcomes on disk until the dispatcher has confirmed them: one small file each.

A file is complete when it has its name, so a worker that is killed leaves no half of one. It is
not forced to the disk: after a loss of power the job's lease runs out and it runs again.
"""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Final

import msgspec

from tidemill.jobs.protocol.messages import Held, Outcome

_SUFFIX: Final = ".outcome"


class Spool:
    """The outcomes that this worker still has to tell."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._outcomes: dict[Held, Outcome] = {}
        self._encoder = msgspec.msgpack.Encoder()

    def open(self) -> int:
        """Read what an earlier worker left here; return how many files were unreadable."""
        self._directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        decoder = msgspec.msgpack.Decoder(Outcome)
        unreadable = 0
        for path in sorted(self._directory.glob(f"*{_SUFFIX}")):
            try:
                outcome = decoder.decode(path.read_bytes())
            except (OSError, msgspec.MsgspecError):
                path.rename(path.with_suffix(".unreadable"))
                unreadable += 1
                continue
            self._outcomes[Held(outcome.job_id, outcome.epoch)] = outcome
        return unreadable

    def put(self, outcome: Outcome) -> None:
        """Keep `outcome`; raises `OSError` when the disk takes nothing more."""
        held = Held(outcome.job_id, outcome.epoch)
        self._outcomes[held] = outcome
        path = self._path(held)
        draft = path.with_suffix(".new")
        draft.write_bytes(self._encoder.encode(outcome))
        draft.replace(path)

    def drop(self, jobs: tuple[Held, ...]) -> None:
        """Forget what the dispatcher has confirmed."""
        for held in jobs:
            if self._outcomes.pop(held, None) is not None:
                self._path(held).unlink(missing_ok=True)

    def held(self) -> tuple[Held, ...]:
        """Return which outcomes are kept, oldest first."""
        return tuple(self._outcomes)

    def outcomes(self) -> tuple[Outcome, ...]:
        """Return what is kept, oldest first."""
        return tuple(self._outcomes.values())

    def _path(self, held: Held) -> Path:
        # Ids may be chosen by clients, so they never become part of a path.
        digest = hashlib.sha256(held.job_id.encode()).hexdigest()[:32]
        return self._directory / f"{digest}-{held.epoch}{_SUFFIX}"
