"""Every failure of schedules, their occurrences and calendars."""

from __future__ import annotations

from collections.abc import Sequence

from tidemill.core.errors import Conflict, Forbidden, InvalidInput, NotFound, RuleViolation
from tidemill.jobs.folder_errors import named


class ScheduleInvalid(RuleViolation):
    """A field of a schedule cannot hold: it never fires, or names what does not exist."""

    code = "SCHEDULE_INVALID"

    def __init__(self, param: str, reason: str) -> None:
        super().__init__(f"{param}: {reason}", param=param)


class InvalidSchedulePath(InvalidInput):
    """A schedule's path could not be a path below one root."""

    code = "INVALID_SCHEDULE_PATH"

    def __init__(self) -> None:
        super().__init__(
            "A schedule's path is 1 to 200 characters: names of letters, digits, '_', '-' and "
            "'.', that begin with a letter, digit or '_', joined by '/', such as reports/daily.",
            param="path",
        )


class ScheduleNotFound(NotFound):
    """There is no such schedule for this tenant."""

    code = "SCHEDULE_NOT_FOUND"

    def __init__(self, reference: str) -> None:
        super().__init__(f"There is no schedule {_shown(reference)}.", param="schedule_id")


class SchedulePathTaken(Conflict):
    """Another schedule of the tenant has this path."""

    code = "SCHEDULE_PATH_TAKEN"

    def __init__(self, path: str) -> None:
        super().__init__(
            f"There is a schedule {_shown(path)} already. Change that one, or choose another path.",
            param="path",
        )


class ScheduleCycle(Conflict):
    """The schedule would wait for itself, over those that it waits for."""

    code = "SCHEDULE_CYCLE"

    def __init__(self, paths: Sequence[str]) -> None:
        super().__init__(
            f"This would wait for itself: {' after '.join(paths)}. Leave one of them out.",
            param="after",
        )


class ScheduleInUse(Conflict):
    """Other schedules wait for this one."""

    code = "SCHEDULE_IN_USE"

    def __init__(self, path: str, dependents: Sequence[str], hidden: int = 0) -> None:
        super().__init__(
            f"{_shown(path)} cannot go: {named(dependents, hidden)} run after it. Change them "
            "first.",
            param="schedule_id",
        )


class ScheduleNeedsPerson(Forbidden):
    """A schedule's jobs run with a person's rights, and no person stands behind this request."""

    code = "SCHEDULE_NEEDS_PERSON"

    def __init__(self) -> None:
        super().__init__("Log in, or use an API token: jobs of schedules run with your rights.")


class ScheduleOwnerGone(Forbidden):
    """The person whose rights a schedule's jobs have may not start them any more."""

    code = "SCHEDULE_OWNER_GONE"

    def __init__(self, reason: str) -> None:
        super().__init__(
            f"The schedule's owner {reason}. Whoever saves it again becomes its owner."
        )


class TooManySchedules(RuleViolation):
    """The tenant has as many schedules as it may have."""

    code = "TOO_MANY_SCHEDULES"

    def __init__(self, limit: int) -> None:
        super().__init__(
            f"This tenant has {limit} schedules, which is the limit "
            "(jobs.schedules_per_tenant_max). Delete one that is not needed any more."
        )


class BackfillTooLarge(RuleViolation):
    """A backfill would start more jobs than one request may."""

    code = "BACKFILL_TOO_LARGE"

    def __init__(self, limit: int) -> None:
        super().__init__(
            f"There are more than {limit} due times in this range. Fill it in smaller parts.",
            param="until",
        )


class CalendarInvalid(RuleViolation):
    """A field of a calendar cannot hold."""

    code = "CALENDAR_INVALID"

    def __init__(self, param: str, reason: str) -> None:
        super().__init__(f"{param}: {reason}", param=param)


class CalendarNotFound(NotFound):
    """There is no such calendar for this tenant."""

    code = "CALENDAR_NOT_FOUND"

    def __init__(self, name: str) -> None:
        super().__init__(f"There is no calendar {_shown(name)}.", param="name")


class CalendarInUse(Conflict):
    """Schedules run by this calendar."""

    code = "CALENDAR_IN_USE"

    def __init__(self, name: str, paths: Sequence[str], hidden: int = 0) -> None:
        super().__init__(
            f"{_shown(name)} cannot go: {named(paths, hidden)} run by it. Change them first.",
            param="name",
        )


class OccurrenceNotFound(NotFound):
    """There is no such occurrence for this tenant, or it is older than the history."""

    code = "OCCURRENCE_NOT_FOUND"

    def __init__(self, reference: str) -> None:
        super().__init__(f"There is no occurrence {_shown(reference)}.", param="occurrence_id")


def _shown(text: str) -> str:
    short = text if len(text) <= 100 else f"{text[:99]}…"
    return repr(short)
