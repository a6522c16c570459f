"""Every failure of sprints."""

from __future__ import annotations

from datetime import date

from tidemill.board.errors import shown
from tidemill.core.errors import Conflict, InvalidInput, NotFound, RuleViolation


class SprintNotFound(NotFound):
    """There is no such sprint for this tenant, or it was deleted."""

    code = "SPRINT_NOT_FOUND"

    def __init__(self, reference: str, *, param: str | None = None) -> None:
        super().__init__(f"There is no sprint {shown(reference)}.", param=param)


class SprintChanged(Conflict):
    """Somebody else changed the sprint first."""

    code = "SPRINT_CHANGED"

    def __init__(self, expected: int, current: int) -> None:
        super().__init__(
            f"The sprint has version {current}, not {expected}: somebody else changed it. "
            "Read it again and repeat the change.",
            param="expected_version",
        )


class SprintDatesReversed(InvalidInput):
    """A sprint ends before it starts."""

    code = "SPRINT_DATES_REVERSED"

    def __init__(self, start: date, end: date) -> None:
        super().__init__(
            f"The sprint would end on {end}, before its start on {start}.", param="end_date"
        )


class SprintTooLong(InvalidInput):
    """A sprint is longer than reports about it can show day by day."""

    code = "SPRINT_TOO_LONG"

    def __init__(self, days: int, days_max: int) -> None:
        super().__init__(
            f"The sprint would last {days} days; {days_max} are the limit.", param="end_date"
        )


class SprintStep(Conflict):
    """The sprint is in a state from which it cannot go there."""

    code = "SPRINT_STEP"

    def __init__(self, name: str, status: str, step: str) -> None:
        super().__init__(f"Sprint {shown(name)} is {status} and cannot be {step}.")


class SprintEnded(Conflict):
    """A sprint that has ended keeps what it was."""

    code = "SPRINT_ENDED"

    def __init__(self, name: str, status: str, *, param: str | None = None) -> None:
        super().__init__(
            f"Sprint {shown(name)} is {status}; choose one that is planned or active.",
            param=param,
        )


class SprintRuns(Conflict):
    """A project has one active sprint at a time, unless its tenant wants more."""

    code = "SPRINT_RUNS"

    def __init__(self, name: str) -> None:
        super().__init__(
            f"Sprint {shown(name)} of this project is active. Complete it first, or allow several "
            "with the setting board.parallel_sprints."
        )


class SprintHoldsItems(Conflict):
    """A sprint that items lie in cannot be deleted."""

    code = "SPRINT_HOLDS_ITEMS"

    def __init__(self, name: str, status: str) -> None:
        super().__init__(
            f"Sprint {shown(name)} is {status} and holds items. Cancel it, which says where they "
            "go, or take them out first."
        )


class WrongSprint(RuleViolation):
    """An item can only enter sprints of its own project."""

    code = "WRONG_SPRINT"

    def __init__(self, name: str, *, param: str) -> None:
        super().__init__(f"Sprint {shown(name)} belongs to another project.", param=param)


class CarriedOverToItself(RuleViolation):
    """What a sprint leaves behind cannot go into that sprint."""

    code = "CARRIED_OVER_TO_ITSELF"

    def __init__(self) -> None:
        super().__init__(
            "Name another sprint that is planned or active, or null for the backlog.",
            param="unfinished_to",
        )


class InvalidReportPeriod(InvalidInput):
    """A report's period ends before it begins, or is too long."""

    code = "INVALID_REPORT_PERIOD"

    def __init__(self, days_max: int) -> None:
        super().__init__(
            f"The period goes from a day to the same or a later one, up to today, {days_max} days "
            "at most.",
            param="from",
        )
