"""Takes what a part of a document says, and notes what is wrong with it instead of giving up."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import TypeVar

from tidemill.board.errors import shown
from tidemill.board.imports.models import RowProblem
from tidemill.board.project_imports.models import WrongPart
from tidemill.core.clock import Instant, from_datetime, to_datetime
from tidemill.core.errors import TidemillError

T = TypeVar("T")


class Trying:
    """What is wrong with one part."""

    def __init__(self, path: str, key: str | None = None) -> None:
        self._path = path
        self._key = key
        self._problems: list[RowProblem] = []

    def take(self, column: str, rule: Callable[[], T], expected: str) -> T | None:
        """Return what `rule` gives; None, and a problem, where it raises."""
        try:
            return rule()
        except TidemillError as error:
            wrong = error.message.removeprefix(f"{error.param}: ")
            self.refuse(column, None, wrong, expected)
            return None

    def refuse(self, column: str, value: str | None, problem: str, expected: str) -> None:
        """Note a problem."""
        self._problems.append(
            RowProblem(
                column=column,
                value=None if value is None else shown(value),
                problem=problem,
                expected=expected,
            )
        )

    def instant(self, column: str, text: str) -> Instant:
        """Return an instant; that of 1970, and a problem, where it is none."""
        try:
            moment = datetime.fromisoformat(text)
            if moment.tzinfo is not None and to_datetime(found := _exact(moment)).year > 0:
                return found
        except (ValueError, OverflowError, OSError):
            pass
        self.refuse(column, text, "this is no instant.", "an instant such as 2026-03-31T12:00:00Z")
        return Instant(0)

    def instant_or_none(self, column: str, text: str | None) -> Instant | None:
        """Return an instant, or None for what has not happened."""
        return None if text is None else self.instant(column, text)

    def wrong(self) -> tuple[WrongPart, ...]:
        """Return the part where anything is wrong with it."""
        if not self._problems:
            return ()
        return (WrongPart(path=self._path, key=self._key, problems=tuple(self._problems)),)


def _exact(moment: datetime) -> Instant:
    # Seconds as a float lose microseconds in our century already.
    whole = from_datetime(moment.replace(microsecond=0))
    return Instant(whole + moment.microsecond)
