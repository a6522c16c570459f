"""How the settings of a board look on the wire."""

from __future__ import annotations

from typing import Annotated, Self

from msgspec import Meta

from tidemill.board.board_settings.models import (
    BoardColumn,
    BoardSettings,
    LaneField,
    Limit,
    LimitMode,
    Rules,
    columns_max,
    items_max_max,
    name_chars_max,
)
from tidemill.core.clock import MICROSECONDS_PER_SECOND
from tidemill.http import Body, View


class PutLimit(Body, frozen=True, kw_only=True):
    """How many items there may be at once."""

    items_max: Annotated[int, Meta(ge=1, le=items_max_max)]
    mode: Annotated[
        LimitMode,
        Meta(description="`warn` shows what is over; `enforce` refuses what would exceed it."),
    ] = LimitMode.WARN


class PutColumn(Body, frozen=True, kw_only=True):
    """A column: its statuses, the first of which is what the column is called by."""

    statuses: Annotated[tuple[str, ...], Meta(min_length=1)]
    name: Annotated[str, Meta(min_length=1, max_length=name_chars_max)] | None = None
    limit: PutLimit | None = None


class PutBoardSettings(Body, frozen=True, kw_only=True):
    """What shall hold for a board, as a whole; what is left out is not set."""

    columns: Annotated[
        tuple[PutColumn, ...],
        Meta(
            description=f"From left to right, at most {columns_max}; without any, each status is "
            "a column.",
        ),
    ] = ()
    lane_field: Annotated[LaneField | None, Meta(description="The lanes of who asks for none.")] = (
        None
    )
    lane_limit: Annotated[
        PutLimit | None, Meta(description="For the started items of each lane by lane_field.")
    ] = None
    person_limit: Annotated[
        PutLimit | None, Meta(description="For the started items of each assignee.")
    ] = None

    def rules(self) -> Rules:
        """Return what shall hold."""
        return Rules(
            columns=tuple(
                BoardColumn(statuses=one.statuses, name=one.name, limit=_limit(one.limit))
                for one in self.columns
            ),
            lane_field=self.lane_field,
            lane_limit=_limit(self.lane_limit),
            person_limit=_limit(self.person_limit),
        )


class LimitView(View, frozen=True, kw_only=True):
    """How many items there may be at once."""

    items_max: int
    mode: LimitMode

    @classmethod
    def of(cls, limit: Limit | None) -> Self | None:
        """Return the view of `limit`, if there is one."""
        return None if limit is None else cls(items_max=limit.items_max, mode=limit.mode)


class ColumnSettingsView(View, frozen=True, kw_only=True):
    """A column."""

    statuses: tuple[str, ...]
    name: str | None
    limit: LimitView | None


class BoardSettingsView(View, frozen=True, kw_only=True):
    """What holds for a board; what was never set has version 0."""

    project_id: str
    columns: list[ColumnSettingsView]
    lane_field: LaneField | None
    lane_limit: LimitView | None
    person_limit: LimitView | None
    version: int
    updated_at: int | None
    updated_by: str | None

    @classmethod
    def of(cls, settings: BoardSettings) -> Self:
        """Return the view of `settings`."""
        at, rules = settings.updated_at, settings.rules
        return cls(
            project_id=settings.project_id,
            columns=[
                ColumnSettingsView(
                    statuses=one.statuses, name=one.name, limit=LimitView.of(one.limit)
                )
                for one in rules.columns
            ],
            lane_field=rules.lane_field,
            lane_limit=LimitView.of(rules.lane_limit),
            person_limit=LimitView.of(rules.person_limit),
            version=settings.version,
            updated_at=None if at is None else at // MICROSECONDS_PER_SECOND,
            updated_by=settings.updated_by,
        )


def _limit(limit: PutLimit | None) -> Limit | None:
    return None if limit is None else Limit(items_max=limit.items_max, mode=limit.mode)
