"""What metrics show of jobs by their tag and script, within a bound of series."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Final

from msgspec import Struct

from tidemill.core.clock import MICROSECONDS_PER_SECOND
from tidemill.core.figures import (
    RUN_SECONDS,
    Distribution,
    Figure,
    FigureKind,
    Sample,
    Spread,
)
from tidemill.jobs.queueing.queue.claims import Claimed
from tidemill.jobs.queueing.queue.models import Job
from tidemill.jobs.queueing.specs.models import Spec

scripts_max: Final = 100
"""How many pairs of tag and script have series of their own; the first that a process meets."""
tags_max: Final = 100
known_max: Final = 10_000
OTHER: Final = "other"
_LABELS: Final = ("tag", "script")


class TagCount(Struct, frozen=True):
    """How many jobs of a tag are in a state, and since when the oldest one is due."""

    tag: str
    state: str
    count: int
    oldest_due_at: int | None


class TagSlots(Struct, frozen=True):
    """Slots of the workers that take a tag and are connected here."""

    tag: str
    slots: int
    taken: int


class Row:
    """The counts of the jobs of one script under one tag."""

    __slots__ = ("outcomes", "ran", "rescues", "retries", "waited")

    def __init__(self) -> None:
        self.waited = Distribution(RUN_SECONDS)
        self.ran = Distribution(RUN_SECONDS)
        self.outcomes: dict[str, int] = {}
        self.retries = 0
        self.rescues = 0

    def began(self, due_at: int, started_at: int) -> None:
        """Count how long a job waited, in microseconds."""
        self.waited.observe(max(0, started_at - due_at) / MICROSECONDS_PER_SECOND)

    def ended(self, started_at: int, finished_at: int) -> None:
        """Count how long an attempt ran."""
        self.ran.observe(max(0, finished_at - started_at) / MICROSECONDS_PER_SECOND)


def summed(spreads: Sequence[Spread]) -> Spread:
    """Return what `spreads` of the same bounds are together."""
    counts = [sum(column) for column in zip(*(one.counts for one in spreads), strict=True)]
    empty = [0] * (len(RUN_SECONDS) + 1)
    return Spread(RUN_SECONDS, counts or empty, sum(one.sum for one in spreads))


class Breakdown:
    """The counts of one process by tag and script."""

    def __init__(self) -> None:
        self._rows: dict[tuple[str, str], Row] = {}
        self._known: dict[int, tuple[Spec, Row]] = {}
        self.tags: Sequence[TagCount] = ()
        self.slots: Callable[[], Iterable[TagSlots]] = tuple

    def of(self, job: Job | Claimed) -> Row:
        """Return the counts of the script that `job` runs, or those of all others."""
        if isinstance(job, Claimed):
            # Jobs share their specification; to compare it would cost more than all the rest.
            known = self._known.get(id(job.spec))
            if known is not None and known[0] is job.spec:
                return known[1]
            row = self._row(job.spec.tag, job.spec.script_path or job.function or job.spec.language)
            if len(self._known) >= known_max:
                self._known.clear()
            self._known[id(job.spec)] = job.spec, row
            return row
        return self._row(job.tag, job.script_path or job.function or job.language)

    def _row(self, tag: str, script: str) -> Row:
        key = (tag, script)
        row = self._rows.get(key)
        if row is None:
            if len(self._rows) >= scripts_max:
                key = (OTHER, OTHER)
            row = self._rows.setdefault(key, Row())
        return row

    def ended(self, job: Job | Claimed, state: str) -> None:
        """Count a job that has ended for good."""
        outcomes = self.of(job).outcomes
        outcomes[state] = outcomes.get(state, 0) + 1

    def all_ended(self, jobs: Iterable[Claimed], state: str) -> None:
        """Count jobs that have ended for good; those of one script mostly come together."""
        spec, outcomes = None, {}
        for job in jobs:
            if job.spec is not spec:
                spec, outcomes = job.spec, self.of(job).outcomes
            outcomes[state] = outcomes.get(state, 0) + 1

    def figures(self, now: Callable[[], int]) -> Sequence[Figure]:
        """Return what a module offers of these counts."""
        return (*self._of_all(), *self._of_scripts(), *self._of_tags(now))

    def _of_all(self) -> Sequence[Figure]:
        return (
            Figure(
                name="tidemill_jobs_completed_total",
                meaning="Jobs that ended here.",
                read=self._all_outcomes,
                kind=FigureKind.COUNTER,
                labels=("outcome",),
            ),
            Figure(
                name="tidemill_job_wait_seconds",
                meaning="Time from when a job was due to when it began.",
                read=self._sum(lambda row: row.waited),
                kind=FigureKind.HISTOGRAM,
            ),
            Figure(
                name="tidemill_job_run_seconds",
                meaning="Time from the begin of an attempt to its end.",
                read=self._sum(lambda row: row.ran),
                kind=FigureKind.HISTOGRAM,
            ),
        )

    def _of_scripts(self) -> Sequence[Figure]:
        return (
            Figure(
                name="tidemill_script_jobs_completed_total",
                meaning="Jobs that ended here, by tag, script and outcome.",
                read=self._outcomes,
                kind=FigureKind.COUNTER,
                labels=(*_LABELS, "outcome"),
            ),
            Figure(
                name="tidemill_script_retries_total",
                meaning="Attempts that did not succeed and will follow again, by tag and script.",
                read=self._counts(lambda row: row.retries),
                kind=FigureKind.COUNTER,
                labels=_LABELS,
            ),
            Figure(
                name="tidemill_script_rescues_total",
                meaning="Jobs taken from lost workers, by tag and script.",
                read=self._counts(lambda row: row.rescues),
                kind=FigureKind.COUNTER,
                labels=_LABELS,
            ),
            Figure(
                name="tidemill_script_wait_seconds",
                meaning="Time from when a job was due to when it began, by tag and script.",
                read=self._spreads(lambda row: row.waited),
                kind=FigureKind.HISTOGRAM,
                labels=_LABELS,
            ),
            Figure(
                name="tidemill_script_run_seconds",
                meaning="Time from the begin of an attempt to its end, by tag and script.",
                read=self._spreads(lambda row: row.ran),
                kind=FigureKind.HISTOGRAM,
                labels=_LABELS,
            ),
        )

    def _of_tags(self, now: Callable[[], int]) -> Sequence[Figure]:
        return (
            Figure(
                name="tidemill_tag_jobs",
                meaning="Jobs that are not final, by tag and state; told by the leader.",
                read=self._in_state,
                labels=("tag", "state"),
            ),
            Figure(
                name="tidemill_tag_oldest_age_seconds",
                meaning="How long the oldest ready job of a tag has waited; told by the leader.",
                read=lambda: self._ages(now()),
                labels=("tag",),
            ),
            Figure(
                name="tidemill_tag_slots",
                meaning="Slots of the workers connected here that take a tag, free and taken.",
                read=self._slots,
                labels=("tag", "use"),
            ),
        )

    def _outcomes(self) -> Iterable[Sample]:
        return [
            Sample(count, (*key, outcome))
            for key, row in list(self._rows.items())
            for outcome, count in list(row.outcomes.items())
        ]

    def _all_outcomes(self) -> Iterable[Sample]:
        counts: dict[str, int] = {}
        for row in list(self._rows.values()):
            for outcome, count in list(row.outcomes.items()):
                counts[outcome] = counts.get(outcome, 0) + count
        return [Sample(count, (outcome,)) for outcome, count in counts.items()]

    def _sum(self, read: Callable[[Row], Distribution]) -> Callable[[], Iterable[Spread]]:
        return lambda: [
            summed([spread for row in list(self._rows.values()) for spread in read(row).spreads()])
        ]

    def _counts(self, read: Callable[[Row], int]) -> Callable[[], Iterable[Sample]]:
        return lambda: [Sample(read(row), key) for key, row in list(self._rows.items())]

    def _spreads(self, read: Callable[[Row], Distribution]) -> Callable[[], Iterable[Spread]]:
        return lambda: [
            spread for key, row in list(self._rows.items()) for spread in read(row).spreads(*key)
        ]

    def _in_state(self) -> Iterable[Sample]:
        counts: dict[tuple[str, str], int] = {}
        known = self._shown(one.tag for one in self.tags)
        for one in self.tags:
            key = (known.get(one.tag, OTHER), one.state)
            counts[key] = counts.get(key, 0) + one.count
        return [Sample(count, key) for key, count in counts.items()]

    def _ages(self, now: int) -> Iterable[Sample]:
        ages: dict[str, float] = {}
        known = self._shown(one.tag for one in self.tags)
        for one in self.tags:
            if one.state == "queued" and one.oldest_due_at is not None:
                tag = known.get(one.tag, OTHER)
                age = max(0, now - one.oldest_due_at) / MICROSECONDS_PER_SECOND
                ages[tag] = max(age, ages.get(tag, 0.0))
        return [Sample(age, (tag,)) for tag, age in ages.items()]

    def _slots(self) -> Iterable[Sample]:
        for one in list(self.slots())[:tags_max]:
            yield Sample(one.slots - one.taken, (one.tag, "free"))
            yield Sample(one.taken, (one.tag, "taken"))

    def _shown(self, tags: Iterable[str]) -> Mapping[str, str]:
        """Return the tags that have series of their own: the same ones as long as they are few."""
        return {tag: tag for tag in sorted(set(tags))[:tags_max]}
