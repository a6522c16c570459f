"""How boards look on the wire."""

from __future__ import annotations

from typing import Final, Self

from tidemill.board.board_settings.models import LaneField, LimitMode
from tidemill.board.boards.models import Board, Card, Cell, Column, Lane, Load, PersonLoad
from tidemill.board.work_items.models import Priority
from tidemill.board.work_items.schemas import ItemLabelView, PersonView, SprintView
from tidemill.board.workflows.models import Category, Status
from tidemill.core.clock import MICROSECONDS_PER_SECOND
from tidemill.http import PageView, View

# To call an enum costs four times as much, and a board has hundreds of cards.
_PRIORITIES: Final = {each.value: each for each in Priority}
_CATEGORIES: Final = {each.value: each for each in Category}


class CardView(View, frozen=True, kw_only=True):
    """What a board shows of an item; the item itself tells the rest, its description too."""

    id: str
    key: str
    number: int
    item_type: str
    title: str
    status: str
    status_category: Category
    priority: Priority
    parent_id: str | None
    assignee: PersonView | None
    sprint: SprintView | None
    rank: str
    points: int | None
    estimate_seconds: int | None
    start_date: str | None
    due_date: str | None
    labels: list[ItemLabelView]
    blocked: bool
    version: int
    updated_at: int

    @classmethod
    def of(cls, card: Card, project_key: str) -> Self:
        """Return the view of `card`."""
        return cls(
            id=card.id,
            key=f"{project_key}-{card.number}",
            number=card.number,
            item_type=card.item_type,
            title=card.title,
            status=card.status,
            status_category=_CATEGORIES[card.status_category],
            priority=_PRIORITIES[card.priority],
            parent_id=card.parent_id,
            assignee=_assignee(card),
            sprint=None
            if card.sprint_id is None
            else SprintView(id=card.sprint_id, name=card.sprint_name or ""),
            rank=card.rank,
            points=card.points,
            estimate_seconds=card.estimate_seconds,
            start_date=card.start_date,
            due_date=card.due_date,
            labels=[
                ItemLabelView(id=label.id, name=label.name, color=label.color)
                for label in card.labels
            ],
            blocked=card.is_blocked,
            version=card.version,
            updated_at=card.updated_at // MICROSECONDS_PER_SECOND,
        )


class CardPage(PageView, frozen=True, kw_only=True):
    """Further cards of a cell, in the order of their ranks."""

    items: list[CardView]


class LoadView(View, frozen=True, kw_only=True):
    """A limit, and how many items count towards it."""

    items_max: int
    mode: LimitMode
    count: int
    is_over: bool

    @classmethod
    def of(cls, load: Load | None) -> Self | None:
        """Return the view of `load`, where there is a limit."""
        if load is None:
            return None
        limit = load.limit
        return cls(
            items_max=limit.items_max, mode=limit.mode, count=load.count, is_over=load.is_over
        )


class ColumnStatusView(View, frozen=True, kw_only=True):
    """A status of a column."""

    key: str
    name: str
    category: Category
    color: str | None

    @classmethod
    def of(cls, status: Status) -> Self:
        """Return the view of `status`."""
        return cls(key=status.key, name=status.name, category=status.category, color=status.color)


class CellView(View, frozen=True, kw_only=True):
    """Where a column and a lane cross; `next_cursor` leads on from the last card."""

    column: str
    count: int
    cards: list[CardView]
    next_cursor: str | None

    @classmethod
    def of(cls, cell: Cell, project_key: str) -> Self:
        """Return the view of `cell`."""
        return cls(
            column=cell.column,
            count=cell.count,
            cards=[CardView.of(card, project_key) for card in cell.cards],
            next_cursor=cell.next_cursor,
        )


class ColumnView(View, frozen=True, kw_only=True):
    """A column; `key` is its first status. On a board with lanes they hold the cards."""

    key: str
    name: str
    statuses: list[ColumnStatusView]
    count: int
    limit: LoadView | None
    cards: list[CardView]
    next_cursor: str | None

    @classmethod
    def of(cls, column: Column, project_key: str) -> Self:
        """Return the view of `column`."""
        cards = column.cell.cards if column.cell else ()
        return cls(
            key=column.shown.key,
            name=column.shown.name,
            statuses=[ColumnStatusView.of(status) for status in column.shown.statuses],
            count=column.count,
            limit=LoadView.of(column.load),
            cards=[CardView.of(card, project_key) for card in cards],
            next_cursor=column.cell.next_cursor if column.cell else None,
        )


class LaneView(View, frozen=True, kw_only=True):
    """A lane with a cell for each column; `value` is null for items without one.

    `item_key` is that of the item that the lane is, by parent or epic.
    """

    value: str | None
    name: str | None
    item_key: str | None
    count: int
    limit: LoadView | None
    cells: list[CellView]

    @classmethod
    def of(cls, lane: Lane, project_key: str) -> Self:
        """Return the view of `lane`."""
        return cls(
            value=lane.value,
            name=lane.name,
            item_key=lane.item_key,
            count=lane.count,
            limit=LoadView.of(lane.load),
            cells=[CellView.of(cell, project_key) for cell in lane.cells],
        )


class PersonLoadView(View, frozen=True, kw_only=True):
    """Somebody who has begun items, where that is limited."""

    id: str
    name: str
    limit: LoadView | None

    @classmethod
    def of(cls, person: PersonLoad) -> Self:
        """Return the view of `person`."""
        return cls(id=person.user_id, name=person.name, limit=LoadView.of(person.load))


class StatusCountView(View, frozen=True, kw_only=True):
    """How many items have a status."""

    status: str
    count: int


class BoardView(View, frozen=True, kw_only=True):
    """A board.

    `limit` is how many cards each cell shows at most, fewer than asked for on a large board;
    `lanes_left_out` is how many lanes there are beyond those that are shown.
    """

    project_id: str
    project_key: str
    settings_version: int
    lane_field: LaneField | None
    limit: int
    columns: list[ColumnView]
    lanes: list[LaneView]
    lanes_left_out: int
    persons: list[PersonLoadView]
    statuses_left_out: list[StatusCountView]

    @classmethod
    def of(cls, board: Board) -> Self:
        """Return the view of `board`."""
        key = board.project_key
        return cls(
            project_id=board.project_id,
            project_key=key,
            settings_version=board.settings_version,
            lane_field=board.lane_field,
            limit=board.per_cell,
            columns=[ColumnView.of(column, key) for column in board.columns],
            lanes=[LaneView.of(lane, key) for lane in board.lanes],
            lanes_left_out=board.lanes_left_out,
            persons=[PersonLoadView.of(person) for person in board.persons],
            statuses_left_out=[
                StatusCountView(status=status, count=count)
                for status, count in sorted(board.statuses_left_out.items())
            ],
        )


def _assignee(card: Card) -> PersonView | None:
    if card.assignee_id is None:
        return None
    # Whoever left the tenant altogether has no name here any more.
    return PersonView(
        id=card.assignee_id, name=card.assignee_name or "", avatar=card.assignee_avatar
    )
