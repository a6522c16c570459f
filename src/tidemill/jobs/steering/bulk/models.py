"""What a change of many jobs did; no I/O."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from msgspec import Struct, structs

from tidemill.core.errors import TidemillError
from tidemill.jobs.contract import JobState
from tidemill.jobs.control_errors import FilterBesidesAll, FilterMissing, FilterStateWrong
from tidemill.jobs.records.search.models import DEAD_STATES, Among, JobFilter

portion_max: Final = 200
counted_max: Final = 10_000
_LIVE_NAMES: Final = ", ".join(state for state in JobState if not state.final)


class Refusal(Struct, frozen=True, kw_only=True):
    """A job that was left as it is, and why."""

    id: str
    code: str
    message: str


class BulkResult(Struct, frozen=True, kw_only=True):
    """What one portion did.

    `matched` counts the jobs that fit: of a dry run all of them, up to a limit, beyond which
    `more` is set. `after` is where the next portion begins.
    """

    matched: int
    changed: int = 0
    more: bool = False
    refused: tuple[Refusal, ...] = ()
    after: str | None = None


def to_cancel(wanted: JobFilter) -> JobFilter:
    """Return the filter of jobs that can be cancelled. Raises for one that fits nothing or all."""
    _check_named(wanted)
    if wanted.state is not None and wanted.state.final:
        raise FilterStateWrong(wanted.state, _LIVE_NAMES)
    return structs.replace(wanted, among=Among.LIVE).checked()


def to_retry(wanted: JobFilter) -> JobFilter:
    """Return the filter of jobs that can be retried and were not; without a state, of dead ones."""
    _check_named(wanted)
    if wanted.state is JobState.CANCELLED:
        return structs.replace(wanted, among=Among.UNRETRIED).checked()
    return _dead(wanted, (*DEAD_STATES, JobState.CANCELLED))


def to_replay(wanted: JobFilter) -> JobFilter:
    """Return the filter of dead jobs."""
    return _dead(wanted, DEAD_STATES)


def _dead(wanted: JobFilter, possible: Sequence[JobState]) -> JobFilter:
    if wanted.state not in {None, *DEAD_STATES}:
        raise FilterStateWrong(str(wanted.state), " or ".join(possible))
    return structs.replace(wanted, among=Among.DEAD).checked()


def check_all_meant(wanted: JobFilter, *, all_: bool) -> None:
    """Raise unless a replay says of which jobs, in one way: by a filter, or that it is all."""
    if not all_ and _is_bare(wanted):
        raise FilterMissing(or_all=True)
    if all_ and not _is_bare(wanted):
        raise FilterBesidesAll


def refusal(id_: str, error: TidemillError) -> Refusal:
    """Return why a job was left as it is."""
    return Refusal(id=id_, code=error.code, message=error.message)


def _check_named(wanted: JobFilter) -> None:
    if _is_bare(wanted):
        raise FilterMissing


def _is_bare(wanted: JobFilter) -> bool:
    return structs.replace(wanted, state=None) == JobFilter()
