"""What jobs are searched by; no I/O."""

from __future__ import annotations

from enum import StrEnum
from typing import Final

import msgspec
from msgspec import Struct

from tidemill.core.clock import MICROSECONDS_PER_SECOND, Instant
from tidemill.jobs.contract import JobState
from tidemill.jobs.errors import InvalidJobField
from tidemill.jobs.queueing.queue.requests import is_label

NEWEST: Final = "ffffffff-ffff-7fff-ffff-ffffffffffff"
DEAD_STATES: Final = (JobState.FAILED, JobState.TIMED_OUT)
_TEXT_LAST: Final = chr(0x10FFFF)
_MICROSECONDS_PER_MILLISECOND: Final = MICROSECONDS_PER_SECOND // 1000
_path_chars_max: Final = 200


class Among(StrEnum):
    """Which jobs are looked at, whatever else is asked."""

    ALL = "all"
    LIVE = "live"
    """They have not ended."""
    DEAD = "dead"
    """They have failed for good, and nobody has retried them."""
    UNRETRIED = "unretried"
    """Nobody has retried them."""


class JobFilter(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Which jobs are meant; what is left out does not matter.

    `path` is that of a script or the name of a function; a `*` at its end stands for anything.
    `actor_id` is the person, token or job that started it. `since` and `until` are about the time
    when the job was made, the second one not included.
    """

    state: JobState | None = None
    tag: str | None = None
    script_path: str | None = None
    path: str | None = None
    label: str | None = None
    actor_id: str | None = None
    work_item_id: str | None = None
    parent_id: str | None = None
    root_id: str | None = None
    since: Instant | None = None
    until: Instant | None = None
    among: Among = Among.ALL

    @property
    def not_retried(self) -> bool:
        """Return whether what was retried does not fit."""
        return self.among in {Among.DEAD, Among.UNRETRIED}

    @property
    def digest(self) -> str:
        """Return what ties a cursor to this filter."""
        return f"jobs:{msgspec.json.encode(self).decode()}"

    @property
    def is_empty(self) -> bool:
        """Return whether every job fits."""
        return self == JobFilter()

    @property
    def live(self) -> bool:
        """Return whether jobs that have not ended can fit."""
        among = self.among in {Among.ALL, Among.LIVE}
        return among and (self.state is None or not self.state.final)

    @property
    def past_states(self) -> tuple[JobState | None, ...]:
        """Return the final states that can fit, each looked for by itself; None is any."""
        if self.among is Among.LIVE:
            return ()
        if self.among is Among.DEAD:
            return tuple(state for state in DEAD_STATES if self.state in {None, state})
        if self.state is None or self.state.final:
            return (self.state,)
        return ()

    @property
    def path_range(self) -> tuple[str, str] | None:
        """Return from which path on, and before which one, paths fit."""
        if self.path is None:
            return None
        if self.path.endswith("*"):
            return self.path[:-1], self.path[:-1] + _TEXT_LAST
        return self.path, self.path + "\x01"

    @property
    def common(self) -> dict[str, str]:
        """Return what is asked of the job's specification, by column."""
        fields = {"tag": self.tag, "script_path": self.script_path, "actor_id": self.actor_id}
        return {name: value for name, value in fields.items() if value is not None}

    @property
    def own(self) -> dict[str, str]:
        """Return what is asked of the job's own row, by column."""
        names = ("work_item_id", "parent_id", "root_id")
        fields = {name: getattr(self, name) for name in names}
        return {name: value for name, value in fields.items() if value is not None}

    def checked(self) -> JobFilter:
        """Return this filter; raises `InvalidJobField` for what no job could have."""
        if self.path is not None and (not self.path or "*" in self.path[:-1]):
            raise InvalidJobField(
                "path", "a path or the name of a function, with * at its end for anything"
            )
        if self.path is not None and len(self.path) > _path_chars_max:
            raise InvalidJobField("path", f"at most {_path_chars_max} characters")
        if self.label is not None and not is_label(self.label):
            raise InvalidJobField("label", "one label, such as customer:acme")
        for name in ("tag", "script_path", "path", "actor_id"):
            if "\0" in (getattr(self, name) or ""):
                raise InvalidJobField(name, "text without control characters")
        if self.since is not None and self.until is not None and self.since >= self.until:
            raise InvalidJobField("until", "later than since")
        return self


def id_floor(instant: Instant) -> str:
    """Return the lowest id that a job made at `instant` can have, to the millisecond."""
    milliseconds = max(0, instant) // _MICROSECONDS_PER_MILLISECOND
    digits = f"{milliseconds:012x}"
    return f"{digits[:8]}-{digits[8:]}-7000-8000-000000000000"
