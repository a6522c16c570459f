"""What can be said of a tag; no I/O."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from msgspec import Struct, structs

from tidemill.core.clock import Instant
from tidemill.jobs.contract import JobState

_RUNNING = frozenset({JobState.LEASED, JobState.RUNNING})


class TagState(Struct, frozen=True, kw_only=True):
    """How many jobs of a tag wait and run, and since when none is handed out.

    `oldest_due_at` is since when the oldest ready job could run.
    """

    tag: str
    scheduled: int = 0
    waiting: int = 0
    queued: int = 0
    running: int = 0
    oldest_due_at: Instant | None = None
    paused_at: Instant | None = None
    paused_everywhere_at: Instant | None = None

    @property
    def paused(self) -> bool:
        """Return whether no job of the tag is handed out."""
        return self.paused_at is not None or self.paused_everywhere_at is not None


class Pauses(Struct, frozen=True, kw_only=True):
    """Since when tags are paused: for one tenant, and for everybody."""

    own: Mapping[str, Instant] = {}
    everywhere: Mapping[str, Instant] = {}


def states_of(
    counts: Sequence[tuple[str, str, int, Instant | None]], pauses: Pauses
) -> list[TagState]:
    """Return each tag by name, of rows of tag, state, number of jobs and the oldest due time."""
    tags: dict[str, TagState] = {}
    for tag, state, number, oldest in counts:
        known = tags.get(tag) or TagState(tag=tag)
        job_state = JobState(state)
        name = "running" if job_state in _RUNNING else job_state.value
        known = structs.replace(known, **{name: getattr(known, name) + number})
        if job_state is JobState.QUEUED:
            known = structs.replace(known, oldest_due_at=oldest)
        tags[tag] = known
    for tag in {*pauses.own, *pauses.everywhere}:
        tags[tag] = structs.replace(
            tags.get(tag) or TagState(tag=tag),
            paused_at=pauses.own.get(tag),
            paused_everywhere_at=pauses.everywhere.get(tag),
        )
    return [tags[tag] for tag in sorted(tags)]
