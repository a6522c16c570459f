"""What a schedule is; no I/O."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from datetime import datetime
from enum import StrEnum
from typing import Annotated, Any, Final, Self

import msgspec
from msgspec import Meta, Struct, field, structs

from tidemill.core.clock import MICROSECONDS_PER_SECOND, Instant
from tidemill.core.ids import UserId
from tidemill.jobs.requirements.models import Requires
from tidemill.jobs.schedule_errors import InvalidSchedulePath
from tidemill.jobs.scheduling.calendars.models import Dates

_PATH: Final = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]*(?:/[A-Za-z0-9_][A-Za-z0-9_.-]*)*")
path_chars_max: Final = 200
interval_seconds_max: Final = 366 * 86_400
jitter_seconds_max: Final = 86_400
catch_up_max_max: Final = 1_000
dependencies_max: Final = 20

Moment = Annotated[datetime, Meta(tz=True)]
Path = Annotated[str, Meta(min_length=1, max_length=path_chars_max)]


class Overlap(StrEnum):
    """What happens when a run is due while another run of the schedule is under way."""

    ALLOW = "allow"
    """They run beside each other."""
    SKIP = "skip"
    """The new one is skipped."""
    QUEUE_ONE = "queue_one"
    """One waits until the other has ended; further ones are skipped."""
    QUEUE_ALL = "queue_all"
    """They run one after the other, up to `queue_max` of them waiting."""
    CANCEL_RUNNING = "cancel_running"
    """The one that runs is cancelled, and the new one starts when it has ended."""


class Missed(StrEnum):
    """What happens to due times that passed while nothing could start them."""

    SKIP = "skip"
    LAST = "last"
    """Only the latest one starts, and only if none is due right now."""
    ALL = "all"
    """All start, the latest `catch_up_max` of them; none is skipped for a run under way."""


class After(StrEnum):
    """What the run of a dependency must have come to."""

    SUCCESS = "success"
    FINISH = "finish"
    """It has ended, well or not."""
    ANY = "any"
    """It has ended, or was skipped or missed."""


class Trigger(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """When: exactly one of `cron`, `every_seconds`, `at` and `times`.

    Without any, the schedule runs whenever the first of its dependencies has.
    """

    cron: Annotated[str, Meta(min_length=1, max_length=200)] | None = None
    every_seconds: Annotated[int, Meta(ge=1, le=interval_seconds_max)] | None = None
    at: Moment | None = None
    times: Annotated[Sequence[str], Meta(max_length=100)] = ()
    zone: Annotated[str, Meta(min_length=1, max_length=60)] = "UTC"

    @property
    def kinds(self) -> list[str]:
        """Return which of its forms are given."""
        return [name for name in ("cron", "every_seconds", "at", "times") if getattr(self, name)]


class Days(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """On which days: those of a calendar, with dates added, without dates excluded."""

    calendar: Annotated[str, Meta(min_length=1, max_length=60)] = "every-day"
    include: Dates = ()
    exclude: Dates = ()


class Dependency(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A schedule that must have run for the same due time.

    Its run for a due time is its latest one that was due at that time or before, and not more
    than `fresh_seconds` before.
    """

    path: Path
    on: After = After.SUCCESS
    fresh_seconds: Annotated[int, Meta(ge=1, le=interval_seconds_max)] = 86_400


class Handler(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A script or a function that hears how a run ended, in its argument `run`."""

    script_path: Path | None = None
    function: Annotated[str, Meta(min_length=1, max_length=200)] | None = None
    args: dict[str, Any] = field(default_factory=dict)


class Definition(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """All that a person says of a schedule besides its path.

    It starts either a deployed script or a function of the operator's own code.
    """

    script_path: Path | None = None
    function: Annotated[str, Meta(min_length=1, max_length=200)] | None = None
    args: dict[str, Any] = field(default_factory=dict)
    due_argument: Annotated[str, Meta(min_length=1, max_length=100)] | None = None
    tag: str | None = None
    priority: int | None = None
    timeout_seconds: int | None = None
    attempts_max: int | None = None
    isolation: str | None = None
    requires: Requires | None = None
    affinity_key: str | None = None
    trigger: Trigger = field(default_factory=Trigger)
    days: Days = field(default_factory=Days)
    start_at: Moment | None = None
    end_at: Moment | None = None
    jitter_seconds: Annotated[int, Meta(ge=0, le=jitter_seconds_max)] = 0
    overlap: Overlap = Overlap.SKIP
    queue_max: Annotated[int, Meta(ge=1, le=10_000)] = 100
    missed: Missed = Missed.LAST
    catch_up_max: Annotated[int, Meta(ge=1, le=catch_up_max_max)] = 10
    after: Annotated[Sequence[Dependency], Meta(max_length=dependencies_max)] = ()
    wait_seconds_max: Annotated[int, Meta(ge=1, le=interval_seconds_max)] = 86_400
    on_success: Handler | None = None
    on_failure: Handler | None = None
    on_recovery: Handler | None = None
    description: Annotated[str, Meta(max_length=2_000)] = ""

    @property
    def target(self) -> str:
        """Return the name of what it starts."""
        return self.script_path or self.function or ""

    @property
    def handlers(self) -> dict[str, Handler]:
        """Return its handlers by the name of their field."""
        names = ("on_success", "on_failure", "on_recovery")
        return {name: handler for name in names if (handler := getattr(self, name)) is not None}

    @property
    def policy(self) -> Overlap:
        """Return how its runs overlap: where all start that were missed, each waits its turn."""
        lossy = self.overlap in {Overlap.SKIP, Overlap.QUEUE_ONE}
        return Overlap.QUEUE_ALL if lossy and self.missed is Missed.ALL else self.overlap

    @property
    def waiting_max(self) -> int:
        """Return how many of its due times wait for a run under way."""
        if self.policy is self.overlap:
            return self.queue_max
        return max(self.queue_max, self.catch_up_max)

    @property
    def follows(self) -> bool:
        """Return whether its due times are those of its first dependency."""
        return not self.trigger.kinds


class Owner(Struct, frozen=True, kw_only=True):
    """With whose rights a schedule's jobs run; with fewer where a token's scopes say so."""

    user_id: UserId
    scopes: frozenset[str] | None = None


class Sought(Struct, frozen=True, kw_only=True):
    """Which schedules are wanted; every field that is set must match.

    `owner_id` and `updated_since` together are what whoever had a person's session may have left.
    """

    path: str | None = None
    script_path: str | None = None
    owner_id: str | None = None
    updated_since: Instant | None = None


class Schedule(Struct, frozen=True, kw_only=True):
    """A schedule, and how far it has come.

    `next_at` is the first due time without a row of its own, `wake_at` is when somebody has to
    look at the schedule again, `failures` counts the runs that failed since one succeeded.
    """

    id: str
    path: str
    definition: Definition
    owner: Owner
    anchor_at: Instant
    next_at: Instant | None
    wake_at: Instant | None
    disabled_at: Instant | None
    paused_at: Instant | None
    paused_until: Instant | None
    failures: int
    version: int
    created_at: Instant
    created_by: str
    updated_at: Instant
    updated_by: str

    @property
    def enabled(self) -> bool:
        """Return whether it starts anything at all."""
        return self.disabled_at is None

    def paused(self, now: Instant) -> bool:
        """Return whether it rests at `now`."""
        if self.paused_at is None:
            return False
        return self.paused_until is None or now < self.paused_until

    def stamped(self, *, now: Instant, by: str) -> Self:
        """Return its next version."""
        return structs.replace(self, version=self.version + 1, updated_at=now, updated_by=by)


def schedule_path(text: str) -> str:
    """Return `text` as the path of a schedule, without a slash at its ends."""
    path = text.strip("/")
    if len(path) > path_chars_max or not _PATH.fullmatch(path):
        raise InvalidSchedulePath
    return path


def jitter(schedule_id: str, due_at: Instant, seconds_max: int) -> int:
    """Return how many microseconds later the occurrence starts: always the same for the same."""
    if seconds_max <= 0:
        return 0
    digest = hashlib.sha256(f"{schedule_id}:{due_at}".encode()).digest()
    return int.from_bytes(digest[:8]) % (seconds_max * MICROSECONDS_PER_SECOND)


def to_json(value: object) -> str:
    """Return `value` as JSON text."""
    return msgspec.json.encode(value, order="sorted").decode()
