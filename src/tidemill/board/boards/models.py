"""A board: columns, lanes, and the cards where they cross."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from enum import StrEnum
from typing import Final
from zoneinfo import ZoneInfo

import msgspec
from msgspec import Struct

from tidemill.board.board_settings.models import LaneField, Limit, ShownColumn
from tidemill.board.contract import ProjectId
from tidemill.board.filters.models import Filter
from tidemill.board.filters.printing import printed
from tidemill.board.labels.models import ItemLabel
from tidemill.board.listing.models import UTC
from tidemill.board.workflows.models import CLOSED
from tidemill.core.clock import Instant
from tidemill.core.pages import Page

NO_LANE: Final = "none"
"""The lane of items that have no value, and what to say for a board without lanes."""

cards_max: Final = 2_000
lanes_max: Final = 50
per_cell_default: Final = 50
per_cell_in_lanes_default: Final = 20
per_cell_max: Final = 100


class LaneChoice(StrEnum):
    """How somebody may ask for a board's lanes: by a field, or for none of them."""

    NONE = NO_LANE
    ASSIGNEE = LaneField.ASSIGNEE.value
    PRIORITY = LaneField.PRIORITY.value
    ITEM_TYPE = LaneField.ITEM_TYPE.value
    PARENT = LaneField.PARENT.value
    EPIC = LaneField.EPIC.value
    SPRINT = LaneField.SPRINT.value
    LABEL = LaneField.LABEL.value


class Card(Struct, frozen=True):
    """What a board shows of an item, in the order of the columns that a read selects.

    `lane` is the value of the lane that it was read for. `labels` is no column: those of
    `label_ids` that are not deleted.
    """

    id: str
    lane: str | None
    number: int
    item_type: str
    title: str
    status: str
    status_category: str
    priority: str
    parent_id: str | None
    assignee_id: str | None
    assignee_name: str | None
    assignee_avatar: str | None
    sprint_id: str | None
    sprint_name: str | None
    rank: str
    points: int | None
    estimate_seconds: int | None
    start_date: str | None
    due_date: str | None
    label_ids: str
    has_open_blocker: int
    version: int
    updated_at: Instant
    labels: tuple[ItemLabel, ...] = ()

    @property
    def is_blocked(self) -> bool:
        """Return whether it is unfinished and waits for something else that is."""
        return self.status_category not in CLOSED and bool(self.has_open_blocker)


class Wanted(Struct, frozen=True, kw_only=True):
    """Which items a board holds and how it is cut: `lane` is a field, `none`, or as is set.

    `sprint` is a sprint's id, or `active`.
    """

    filter: Filter = Filter()
    zone: ZoneInfo = UTC
    sprint: str | None = None
    lane: str | None = None
    per_cell: int | None = None


class Cell(Struct, frozen=True, kw_only=True):
    """Where a column and a lane cross: the first cards in their order, and how many there are."""

    column: str
    count: int
    cards: tuple[Card, ...] = ()
    next_cursor: str | None = None


class CellPage(Struct, frozen=True, kw_only=True):
    """Further cards of a cell, and the key of their project."""

    project_key: str
    page: Page[Card]


class Load(Struct, frozen=True, kw_only=True):
    """How many items count towards a limit."""

    limit: Limit
    count: int

    @property
    def is_over(self) -> bool:
        """Return whether there are more than the limit says."""
        return self.count > self.limit.items_max


class Column(Struct, frozen=True, kw_only=True):
    """A column of a board; `cell` holds its cards where there are no lanes."""

    shown: ShownColumn
    count: int
    load: Load | None
    cell: Cell | None


class Lane(Struct, frozen=True, kw_only=True):
    """A lane of a board, with a cell for each column; one without a value holds the rest."""

    value: str | None
    name: str | None
    item_key: str | None
    count: int
    load: Load | None
    cells: tuple[Cell, ...]


class PersonLoad(Struct, frozen=True, kw_only=True):
    """How many items a person has begun, where that is limited."""

    user_id: str
    name: str
    load: Load


class Board(Struct, frozen=True, kw_only=True):
    """A board, as it was at one moment."""

    project_id: ProjectId
    project_key: str
    settings_version: int
    lane_field: LaneField | None
    per_cell: int
    columns: tuple[Column, ...]
    lanes: tuple[Lane, ...]
    lanes_left_out: int
    persons: tuple[PersonLoad, ...]
    statuses_left_out: Mapping[str, int]


class Tally(Struct, frozen=True):
    """How many items of a status a lane has."""

    status: str
    lane: str | None
    count: int


def totals_of(tallies: Iterable[Tally]) -> Counter[str]:
    """Return how many items each status has in all lanes."""
    totals: Counter[str] = Counter()
    for tally in tallies:
        totals[tally.status] += tally.count
    return totals


def lanes_shown_max(columns: int) -> int:
    """Return how many lanes with a value a board shows, so that it has at most `cards_max` cells.

    One more lane may hold what has no value.
    """
    return min(lanes_max, cards_max // max(columns, 1) - 1)


def per_cell_of(wanted: int | None, *, has_lanes: bool, counts: Sequence[int]) -> int:
    """Return how many cards each cell shows, so that the board has at most `cards_max`.

    `counts` are the sizes of the cells, of which there are at most `cards_max`.
    """
    usual = per_cell_in_lanes_default if has_lanes else per_cell_default
    most = min(wanted or usual, per_cell_max)
    while most > 1 and sum(min(count, most) for count in counts) > cards_max:
        most -= 1
    return most


def digest_of(
    project_id: str, wanted: Wanted, statuses: Sequence[str], lane: tuple[str, str | None] | None
) -> str:
    """Return what ties a cursor to the cell that it was made for."""
    said = (project_id, printed(wanted.filter), wanted.zone.key, wanted.sprint, statuses, lane)
    return hashlib.blake2b(msgspec.json.encode(said), digest_size=8).hexdigest()
