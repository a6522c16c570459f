"""The SQL of lists by filters."""

from __future__ import annotations

from typing import Final

from tidemill.board.contract import ProjectId
from tidemill.board.custom_fields.models import CustomField, is_key
from tidemill.board.custom_fields.repository import CustomFieldRepository
from tidemill.board.filters.compiling import COLUMNS, Compiled
from tidemill.board.filters.conditions import Condition, asks_for_archived
from tidemill.board.item_kinds.models import BUILT_IN_KEYS
from tidemill.board.item_kinds.repository import ItemKindRepository
from tidemill.board.labels.repository import LabelRepository
from tidemill.board.listing.models import Ordering
from tidemill.board.projects.repository import ProjectRepository
from tidemill.board.work_items.models import WorkItem
from tidemill.board.work_items.repository import SELECT_ITEMS, WorkItemRepository
from tidemill.board.workflows.repository import WorkflowRepository
from tidemill.core.pages import Key
from tidemill.core.ports import Tx, Value

_people_max: Final = 32
_PEOPLE: Final = """
    SELECT user_id FROM people
    WHERE tenant_id = :tenant_id AND (user_id = :name OR name = :name OR lower(name) = lower(:name))
    ORDER BY user_id LIMIT :limit
"""
# Of sprints with one name, and of active ones, a project has a few: no more bounds their number.
_SPRINTS: Final = """
    SELECT id FROM sprints
    WHERE tenant_id = :tenant_id AND deleted_at IS NULL
        AND (id = :reference OR name = :reference OR lower(name) = lower(:reference))
"""
_ACTIVE_SPRINTS: Final = """
    SELECT id FROM sprints
    WHERE tenant_id = :tenant_id AND status = 'active' AND deleted_at IS NULL
"""
_OF_PROJECT: Final = " AND project_id = :project_id"
_ORDERED: Final = " ORDER BY id"
# Of the fields with one key an item has one.
_CUSTOM: Final = """COALESCE((
        SELECT v.{} FROM custom_field_values AS v
        WHERE v.tenant_id = :tenant_id AND v.work_item_id = w.id AND v.field_id IN {}
        LIMIT 1), :order_last)"""


class ListingRepository:
    """Work items that fulfil a condition."""

    def page(
        self, tx: Tx, condition: Condition, ordering: Ordering, *, after: Key | None, limit: int
    ) -> list[WorkItem]:
        """Return at most `limit` living items in the order `ordering`, those behind `after`."""
        sql, parameters = filter_statement(condition, ordering, after, tx.dialect)
        return [WorkItem(*row) for row in tx.all(sql, limit=limit, **parameters)]


class NamesInStore:
    """See `Names`; looks into the tenant's store, for sprints of one project where that is said.

    Where the project `fields_of` has a custom field of a key, those of other projects are not
    meant by it.
    """

    def __init__(
        self, tx: Tx, project_id: ProjectId | None = None, *, fields_of: ProjectId | None = None
    ) -> None:
        self._tx = tx
        self._project_id = project_id
        self._fields_of = fields_of
        self._projects = ProjectRepository()
        self._items = WorkItemRepository()
        self._labels = LabelRepository()
        self._workflows = WorkflowRepository()
        self._fields = CustomFieldRepository()
        self._kinds = ItemKindRepository()

    def project(self, reference: str) -> str | None:
        """See `Names.project`."""
        found = self._projects.find(self._tx, reference)
        return found.id if found is not None and found.deleted_at is None else None

    def item(self, reference: str) -> str | None:
        """See `Names.item`."""
        found = self._items.find(self._tx, reference)
        return found.id if found is not None and found.deleted_at is None else None

    def people(self, name: str) -> list[str]:
        """See `Names.people`."""
        return [row[0] for row in self._tx.all(_PEOPLE, name=name, limit=_people_max)]

    def sprints(self, reference: str) -> list[str]:
        """See `Names.sprints`."""
        return self._sprint_ids(_SPRINTS, reference=reference)

    def active_sprints(self) -> list[str]:
        """See `Names.active_sprints`."""
        return self._sprint_ids(_ACTIVE_SPRINTS)

    def labels(self, reference: str) -> list[str]:
        """See `Names.labels`."""
        return sorted(label.id for label in self._labels.named(self._tx, [reference]))

    def statuses(self, word: str) -> list[str]:
        """See `Names.statuses`."""
        return self._workflows.named(self._tx, word)

    def known_statuses(self) -> list[str]:
        """See `Names.known_statuses`."""
        return self._workflows.keys(self._tx)

    def custom_fields(self, key: str) -> list[CustomField]:
        """See `Names.custom_fields`."""
        if not is_key(key):
            return []
        found = self._fields.keyed(self._tx, key)
        own = [field for field in found if field.project_id in {None, self._fields_of}]
        return own if self._fields_of is not None and own else found

    def kinds(self, word: str) -> list[str]:
        """See `Names.kinds`."""
        if word in BUILT_IN_KEYS:
            return [word]
        return self._kinds.load(self._tx).named(word)

    def known_kinds(self) -> list[str]:
        """See `Names.known_kinds`."""
        return [kind.key for kind in self._kinds.load(self._tx)]

    def _sprint_ids(self, sql: str, **said: Value) -> list[str]:
        if self._project_id is not None:
            sql += _OF_PROJECT
            said["project_id"] = self._project_id
        return [row[0] for row in self._tx.all(sql + _ORDERED, **said)]


def filter_statement(
    condition: Condition, ordering: Ordering, after: Key | None, dialect: str
) -> tuple[str, dict[str, Value]]:
    """Return the statement that lists what fulfils `condition`, and its parameters."""
    compiled = Compiled(condition, dialect)
    parameters = compiled.parameters
    column = _column(ordering, compiled)
    direction, beyond = ("DESC", "<") if ordering.is_descending else ("ASC", ">")
    order = f"{column} {direction}"
    behind = f"{column} {beyond} :after"
    if not ordering.is_unique:
        order = f"{order}, w.id {direction}"
        # The first half bounds what an index is read of.
        behind = (
            f"{column} {beyond}= :after AND ({column} {beyond} :after OR w.id {beyond} :after_id)"
        )
    if after is not None:
        parameters["after"] = after[0]
        if not ordering.is_unique:
            parameters["after_id"] = after[1]
    sql = "\n    ".join(
        (
            SELECT_ITEMS.rstrip(),
            "WHERE w.tenant_id = :tenant_id AND w.deleted_at IS NULL",
            *(() if asks_for_archived(condition) else ("AND w.archived_at IS NULL",)),
            f"AND {compiled.sql}",
            *((f"AND ({behind})",) if after is not None else ()),
            f"ORDER BY {order}",
            "LIMIT :limit",
        )
    )
    return sql, parameters


def _column(ordering: Ordering, compiled: Compiled) -> str:
    """Return by what a list is sorted; what custom fields need is put among the parameters."""
    if not ordering.field_ids:
        return COLUMNS[ordering.column]
    compiled.parameters["order_last"] = ordering.last
    column = "number_value" if ordering.is_of_numbers else "text_value"
    return _CUSTOM.format(column, compiled.among(ordering.field_ids))
