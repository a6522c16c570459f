"""Reads boards: a whole one, or one cell of it further on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from msgspec import Struct, structs

from tidemill.board.board_errors import BoardColumnNotFound
from tidemill.board.board_settings.models import (
    BoardSettings,
    LaneField,
    ShownColumn,
    columns_of,
)
from tidemill.board.board_settings.repository import BoardSettingsRepository
from tidemill.board.boards.loads.service import Loading, Loads
from tidemill.board.boards.models import (
    NO_LANE,
    Board,
    Card,
    Cell,
    CellPage,
    Column,
    Lane,
    Tally,
    Wanted,
    digest_of,
    lanes_shown_max,
    per_cell_of,
    totals_of,
)
from tidemill.board.boards.repository import BoardRepository, Part
from tidemill.board.contract import ProjectId
from tidemill.board.errors import ProjectNotFound
from tidemill.board.filter_errors import InvalidFilter
from tidemill.board.filters.conditions import AllOf, Condition, OneOf
from tidemill.board.filters.models import Filter
from tidemill.board.labels.models import by_name, split_ids
from tidemill.board.labels.repository import LabelRepository
from tidemill.board.limits import BoardLimits
from tidemill.board.listing.models import Selection
from tidemill.board.listing.repository import NamesInStore
from tidemill.board.listing.service import condition_of
from tidemill.board.project_access.database import WalledDatabase
from tidemill.board.projects.models import Project
from tidemill.board.projects.repository import ProjectRepository
from tidemill.board.sprint_errors import SprintNotFound
from tidemill.board.swim_lanes.repository import LaneRepository
from tidemill.board.work_items.labelling.service import Labelling
from tidemill.board.work_items.models import WorkItemFilter
from tidemill.board.workflows.service import Workflows
from tidemill.core.actor import Actor
from tidemill.core.keysets import after_text
from tidemill.core.pages import PageRequest, cursor_after, page_of, page_request
from tidemill.core.ports import Database, Tx

CellKey = tuple[str | None, str]
"""The value of a lane, None without one, and a column's key."""
Named = tuple[str | None, str | None, str | None]
"""A lane: its value, its name, and the key of the item that it is."""

ACTIVE: Final = "active"


class Place(Struct, frozen=True, kw_only=True):
    """A part of a cell: of the column that has `status`, and of a lane where there are lanes."""

    status: str
    lane: tuple[LaneField, str | None] | None = None
    limit: int | None = None
    cursor: str | None = None


class Ground(Struct, frozen=True, kw_only=True):
    """What a board stands on."""

    project: Project
    settings: BoardSettings
    columns: tuple[ShownColumn, ...]
    wanted: Wanted
    field: LaneField | None
    condition: Condition


class BoardService:
    """Use cases of boards."""

    def __init__(self, tenants: Database, limits: BoardLimits) -> None:
        self._tenants = WalledDatabase(tenants)
        self._projects = ProjectRepository()
        self._settings = BoardSettingsRepository()
        self._boards = BoardRepository()
        self._loading = Loading()
        self._named = LaneRepository()
        self._labels = LabelRepository()
        self._labelling = Labelling(limits)
        self._workflows = Workflows()

    async def read(self, project: str, wanted: Wanted, *, actor: Actor) -> Board:
        """Return a board with the first cards of each cell.

        Raises `ProjectNotFound`, `SprintNotFound` and `InvalidFilter`.
        """

        def use_case(tx: Tx) -> Board:
            ground = self._ground(tx, project, wanted, actor)
            field = ground.field
            tallies = self._boards.tallies(tx, ground.condition, field)
            # An item with two labels lies in two lanes, and once in its column.
            by_status = (
                self._boards.tallies(tx, ground.condition, None)
                if field is LaneField.LABEL
                else tallies
            )
            lanes, left_out = self._lanes(tx, ground, tallies)
            counts = _cells(ground, tallies, lanes)
            most = per_cell_of(
                wanted.per_cell, has_lanes=field is not None, counts=list(counts.values())
            )
            sizes = _parts(ground, tallies, counts)
            cells = self._filled(tx, ground, counts, sizes, most)
            is_whole = wanted.sprint is None and wanted.filter == Filter()
            every = by_status if is_whole else None
            loads = self._loading.loads(
                tx, (ground.project.id, ground.settings.rules, field), every
            )
            totals = totals_of(by_status)
            return Board(
                project_id=ground.project.id,
                project_key=ground.project.key,
                settings_version=ground.settings.version,
                lane_field=field,
                per_cell=most,
                columns=tuple(
                    Column(
                        shown=column,
                        count=sum(totals[status.key] for status in column.statuses),
                        load=loads.column(column),
                        cell=cells[None, column.key] if field is None else None,
                    )
                    for column in ground.columns
                ),
                lanes=tuple(_lane(ground, each, cells, loads) for each in lanes),
                lanes_left_out=left_out,
                persons=loads.persons,
                statuses_left_out=_left_out(ground, totals),
            )

        return await self._tenants.read(actor, use_case)

    async def cell(self, project: str, place: Place, wanted: Wanted, *, actor: Actor) -> CellPage:
        """Return further cards of one cell, in the order of ranks.

        Raises `BoardColumnNotFound`, `InvalidCursor`, and what `read` raises.
        """

        def use_case(tx: Tx) -> CellPage:
            ground = self._ground(tx, project, wanted, actor)
            column = _column(ground, place.status)
            page = page_request(place.limit, place.cursor, _digest(ground, column, place.lane))
            cards = self._boards.first(
                tx,
                ground.condition,
                [status.key for status in column.statuses],
                limit=page.limit_plus_one,
                lane=place.lane,
                after=after_text(page),
            )
            cards = self._with_labels(tx, cards[: page.limit_plus_one])
            return CellPage(
                project_key=ground.project.key,
                page=page_of(cards, page, lambda card: (card.rank,)),
            )

        return await self._tenants.read(actor, use_case)

    def _ground(self, tx: Tx, reference: str, wanted: Wanted, actor: Actor) -> Ground:
        project = self._projects.find(tx, reference)
        if project is None or project.deleted_at is not None:
            raise ProjectNotFound(reference)
        if (order := wanted.filter.order) is not None:
            raise InvalidFilter(order.name.at, "A board has the order of ranks. Leave sort: out.")
        settings = self._settings.find(tx, project.id)
        workflow = self._workflows.of(tx, project.id, project.workflow_id)
        field = settings.rules.lane_field
        if wanted.lane is not None:
            field = None if wanted.lane == NO_LANE else LaneField(wanted.lane)
        selection = Selection(
            parameters=WorkItemFilter(project_id=project.id),
            filter=wanted.filter,
            zone=wanted.zone,
        )
        return Ground(
            project=project,
            settings=settings,
            columns=columns_of(settings.rules, workflow),
            wanted=wanted,
            field=field,
            condition=AllOf(
                (
                    condition_of(tx, selection, actor, self._labelling),
                    *_in_sprint(tx, project.id, wanted.sprint),
                )
            ),
        )

    def _lanes(self, tx: Tx, ground: Ground, tallies: Sequence[Tally]) -> tuple[list[Named], int]:
        """Return the first lanes in order, that without a value last, and how many are left out."""
        if ground.field is None:
            return [], 0
        shown = {status.key for column in ground.columns for status in column.statuses}
        found = {tally.lane for tally in tallies if tally.status in shown}
        values = sorted(value for value in found if value is not None)
        most = lanes_shown_max(len(ground.columns))
        lanes: list[Named] = [*self._named.lane_names(tx, ground.field, values, limit=most)]
        if len(values) <= most:
            # Whoever left the tenant altogether has no name here any more.
            known = {value for value, _, _ in lanes}
            lanes += [(value, "", None) for value in values if value not in known]
        if None in found:
            lanes.append((None, None, None))
        return lanes, len(found) - len(lanes)

    def _filled(
        self,
        tx: Tx,
        ground: Ground,
        counts: Mapping[CellKey, int],
        sizes: Mapping[Part, int],
        limit: int,
    ) -> dict[CellKey, Cell]:
        """Return each cell with its first cards."""
        column_of = {status.key: one for one in ground.columns for status in one.statuses}
        columns = {status: column.key for status, column in column_of.items()}
        if ground.field is None:
            cards = self._boards.first(tx, ground.condition, list(columns), limit=limit)
        else:
            cards = self._boards.first_in_lanes(
                tx, ground.condition, columns, ground.field, sizes=sizes, limit=limit
            )
        found: dict[CellKey, list[Card]] = {key: [] for key in counts}
        for card in self._with_labels(tx, cards):
            cell = found[card.lane, columns[card.status]]
            if len(cell) < limit:
                cell.append(card)
        return {
            key: Cell(
                column=key[1],
                count=counts[key],
                cards=tuple(cell),
                next_cursor=_next(ground, column_of[key[1]], key[0], cell, counts[key]),
            )
            for key, cell in found.items()
        }

    def _with_labels(self, tx: Tx, cards: Sequence[Card]) -> list[Card]:
        known = self._labels.shown(tx, {id_ for card in cards for id_ in split_ids(card.label_ids)})
        return [
            structs.replace(
                card,
                labels=by_name(known[id_] for id_ in split_ids(card.label_ids) if id_ in known),
            )
            if card.label_ids
            else card
            for card in cards
        ]


def _in_sprint(tx: Tx, project_id: ProjectId, sprint: str | None) -> tuple[Condition, ...]:
    if sprint is None:
        return ()
    names = NamesInStore(tx, project_id)
    found = names.active_sprints() if sprint == ACTIVE else names.sprints(sprint)
    if not found and sprint != ACTIVE:
        raise SprintNotFound(sprint, param="sprint")
    return (OneOf("sprint_id", tuple(found)),)


def _column(ground: Ground, status: str) -> ShownColumn:
    for column in ground.columns:
        if any(one.key == status for one in column.statuses):
            return column
    raise BoardColumnNotFound(status)


def _lane(ground: Ground, named: Named, cells: Mapping[CellKey, Cell], loads: Loads) -> Lane:
    value, name, item_key = named
    own = tuple(cells[value, column.key] for column in ground.columns)
    return Lane(
        value=value,
        name=name,
        item_key=item_key,
        count=sum(cell.count for cell in own),
        load=loads.lane(value),
        cells=own,
    )


def _cells(ground: Ground, tallies: Sequence[Tally], lanes: Sequence[Named]) -> dict[CellKey, int]:
    """Return how many items each cell has, by the value of its lane and its column's key."""
    values = [None] if ground.field is None else [value for value, _, _ in lanes]
    counts = {(value, column.key): 0 for value in values for column in ground.columns}
    column_of = {one.key: column.key for column in ground.columns for one in column.statuses}
    for tally in tallies:
        key = tally.lane, column_of.get(tally.status, "")
        if key in counts:
            counts[key] += tally.count
    return counts


def _parts(
    ground: Ground, tallies: Sequence[Tally], counts: Mapping[CellKey, int]
) -> dict[Part, int]:
    """Return how many items each status has in each lane that is shown."""
    column_of = {one.key: column.key for column in ground.columns for one in column.statuses}
    return {
        (tally.status, tally.lane): tally.count
        for tally in tallies
        if (tally.lane, column_of.get(tally.status, "")) in counts
    }


def _next(
    ground: Ground, column: ShownColumn, value: str | None, cards: Sequence[Card], count: int
) -> str | None:
    if not cards or len(cards) >= count:
        return None
    lane = None if ground.field is None else (ground.field, value)
    page = PageRequest(filter_digest=_digest(ground, column, lane))
    return cursor_after((cards[-1].rank,), page)


def _digest(ground: Ground, column: ShownColumn, lane: tuple[LaneField, str | None] | None) -> str:
    statuses = [status.key for status in column.statuses]
    return digest_of(ground.project.id, ground.wanted, statuses, lane)


def _left_out(ground: Ground, totals: Mapping[str, int]) -> dict[str, int]:
    shown = {status.key for column in ground.columns for status in column.statuses}
    return {status: count for status, count in totals.items() if status not in shown}
