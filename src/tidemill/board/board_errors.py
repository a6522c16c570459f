"""Failures of boards and of their limits."""

from __future__ import annotations

from tidemill.board.errors import shown
from tidemill.core.errors import Conflict, InvalidInput, NotFound


class InvalidBoardSettings(InvalidInput):
    """The settings of a board contradict themselves or the project's workflow."""

    code = "INVALID_BOARD_SETTINGS"

    def __init__(self, param: str, problem: str) -> None:
        super().__init__(f"{param}: {problem}", param=param)


class BoardColumnNotFound(NotFound):
    """No column of the project's board holds items of this status."""

    code = "BOARD_COLUMN_NOT_FOUND"

    def __init__(self, status: str) -> None:
        super().__init__(f"The board has no column for {shown(status)}.")


class LaneUnclear(InvalidInput):
    """A part of a board names one of a lane's field and value without the other."""

    code = "LANE_UNCLEAR"

    def __init__(self) -> None:
        super().__init__(
            "Name the field in lane and its value in lane_value, or neither.", param="lane_value"
        )


class WipLimitReached(Conflict):
    """The board refuses more items at once in a column, a lane or with a person."""

    code = "WIP_LIMIT_REACHED"

    def __init__(self, where: str, items_max: int, count: int, *, param: str) -> None:
        super().__init__(
            f"{where} takes at most {items_max} items at once and would have {count}. "
            "Finish or move another one first, or change the limit in the board's settings.",
            param=param,
        )
