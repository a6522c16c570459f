"""Every failure of time tracking."""

from __future__ import annotations

from tidemill.board.errors import shown
from tidemill.core.errors import Conflict, Forbidden, InvalidInput, NotFound, RuleViolation


class TimeEntryNotFound(NotFound):
    """There is no such time entry for this tenant, or it was deleted."""

    code = "TIME_ENTRY_NOT_FOUND"

    def __init__(self, reference: str) -> None:
        super().__init__(f"There is no time entry {shown(reference)}.")


class NotYourTimeEntry(Forbidden):
    """The entry is somebody else's, and the actor is no admin."""

    code = "NOT_YOUR_TIME_ENTRY"

    def __init__(self, *, param: str | None = None) -> None:
        super().__init__(
            "This is the time of somebody else. Members write their own; admins may write all.",
            param=param,
        )


class TimeEntryChanged(Conflict):
    """Somebody changed the entry since the version that the body expects."""

    code = "TIME_ENTRY_CHANGED"

    def __init__(self, expected: int, current: int) -> None:
        super().__init__(
            f"You changed version {expected}, and it is at version {current} now. Read it again.",
            param="expected_version",
            headers={"ETag": f'"v{current}"'},
        )


class NoTimerRunning(Conflict):
    """The person has no timer that runs."""

    code = "NO_TIMER_RUNNING"

    def __init__(self) -> None:
        super().__init__("You have no timer that runs. Start one with POST /api/v1/timer.")


class TimerRuns(Conflict):
    """The entry's timer runs, so it has no end yet that could be changed."""

    code = "TIMER_RUNS"

    def __init__(self, param: str) -> None:
        super().__init__(
            "The timer of this entry still runs. Stop it first; until then only started_at, "
            "description and work_item_id can be changed.",
            param=param,
        )


class TimerBusy(Conflict):
    """Timers of one person were started faster than they could be stopped."""

    code = "TIMER_BUSY"

    def __init__(self) -> None:
        super().__init__("Another request starts timers of yours right now. Try again.")


class TimesUnclear(InvalidInput):
    """The times of an entry are too few, or too many."""

    code = "TIMES_UNCLEAR"

    def __init__(self, param: str) -> None:
        super().__init__(
            "Give two of started_at, ended_at and duration_seconds, or date with duration_seconds.",
            param=param,
        )


class TimeInFuture(RuleViolation):
    """Time was entered that has not passed yet."""

    code = "TIME_IN_FUTURE"

    def __init__(self, param: str) -> None:
        super().__init__(f"{param} lies in the future. Enter time once it has passed.", param=param)


class TimeTooOld(RuleViolation):
    """Time was entered of a century in which nobody tracked it here."""

    code = "TIME_TOO_OLD"

    def __init__(self, param: str) -> None:
        super().__init__(f"{param} must not lie before the year 2000.", param=param)


class TimeNotPositive(RuleViolation):
    """An entry would end before it begins, or at once."""

    code = "TIME_NOT_POSITIVE"

    def __init__(self, param: str) -> None:
        super().__init__("An entry must end after it has begun.", param=param)


class TimeTooLong(RuleViolation):
    """One entry would be longer than a day."""

    code = "TIME_TOO_LONG"

    def __init__(self, param: str, hours_max: int) -> None:
        super().__init__(
            f"An entry has at most {hours_max} hours. Make one for each day.", param=param
        )


class TimeUserNotMember(RuleViolation):
    """Time is entered for active members only."""

    code = "TIME_USER_NOT_MEMBER"

    def __init__(self, user_id: str) -> None:
        super().__init__(
            f"{shown(user_id)} is the id of no active member. `tidemill members list` tells ids.",
            param="user_id",
        )


class InvalidGrouping(InvalidInput):
    """A report is grouped by something unknown, or twice by the same."""

    code = "INVALID_GROUPING"

    def __init__(self) -> None:
        super().__init__(
            "Group by user, item, project, day or week, each once, such as group_by=user,day.",
            param="group_by",
        )


class InvalidPeriod(InvalidInput):
    """A report's period ends before it begins, or is too long."""

    code = "INVALID_PERIOD"

    def __init__(self, days_max: int) -> None:
        super().__init__(
            f"The period goes from a day to the same or a later one, {days_max} days at most, "
            "and not before the year 2000.",
            param="to",
        )
