"""Makes items, with all that follows from a new one; works in the caller's transaction."""

from __future__ import annotations

from collections.abc import Sequence

from tidemill.board.activities.service import History
from tidemill.board.contract import WorkItemId
from tidemill.board.errors import ProjectIsArchived, ProjectMissing, ProjectNotFound
from tidemill.board.item_kinds.models import Kinds
from tidemill.board.item_kinds.service import ItemKinds
from tidemill.board.labels.models import joined_ids
from tidemill.board.limits import BoardLimits
from tidemill.board.projects.repository import Numbers, ProjectRepository
from tidemill.board.ranking.service import Ranking
from tidemill.board.work_items.changes import entered
from tidemill.board.work_items.changing.service import Changing
from tidemill.board.work_items.custom_values.service import CustomValues
from tidemill.board.work_items.guarding.service import Guarding
from tidemill.board.work_items.labelling.service import Labelling
from tidemill.board.work_items.models import (
    NewWorkItem,
    WorkItem,
    check_parent,
    check_without_parent,
    valid_dates,
    valid_description,
    valid_points,
    valid_title,
)
from tidemill.board.work_items.references.service import References
from tidemill.board.work_items.repository import WorkItemRepository
from tidemill.board.work_items.sprinting.service import Sprinting
from tidemill.board.workflows.service import Workflows
from tidemill.core.actor import Actor
from tidemill.core.ports import Tx


class Creating:
    """What it takes to make one item."""

    def __init__(self, limits: BoardLimits) -> None:
        self._limits = limits
        self._items = WorkItemRepository()
        self._projects = ProjectRepository()
        self._history = History()
        self._ranking = Ranking()
        self._labelling = Labelling(limits)
        self._sprinting = Sprinting()
        self._references = References(self._labelling)
        self._workflows = Workflows()
        self._guarding = Guarding()
        self._kinds = ItemKinds()
        self._changing = Changing(limits)
        self._custom_values = CustomValues()

    def make(self, tx: Tx, new: NewWorkItem, types: Sequence[str], *, by: Actor) -> WorkItem:
        """Make an item with the next number of its project.

        `types` are those of the usual kinds that sprints take.
        """
        title = valid_title(new.title, self._limits)
        description = valid_description(new.description, self._limits)
        start, due = valid_dates(new.start_date, new.due_date)
        parent = self._references.parent(tx, new.parent)
        numbers = self._take_number(tx, new.project or (parent.project_id if parent else None))
        place = (numbers.project_id, numbers.project_key)
        assignee = self._references.assignee(tx, new.assignee_id, place)
        _check_kind(new, numbers, parent, self._kinds.of(tx, numbers.kinds_id))
        workflow = self._workflows.of(tx, numbers.project_id, numbers.workflow_id)
        labels = self._labelling.found(tx, numbers.project_id, new.labels)
        author = by.user_id or by.id
        [rank] = self._ranking.at_the_end(tx, numbers.project_id)
        item = WorkItem(
            id=WorkItemId(tx.new_id()),
            project_id=numbers.project_id,
            project_key=numbers.project_key,
            project_archived_at=None,
            number=numbers.first,
            item_type=new.item_type,
            title=title,
            description=description,
            status=workflow.check(new.status or workflow.initial),
            priority=new.priority.value,
            parent_id=parent.id if parent else None,
            assignee_id=assignee.id if assignee else None,
            assignee_name=assignee.name if assignee else None,
            assignee_avatar=assignee.avatar if assignee else None,
            external_id=new.external_id,
            job=None,
            rank=rank,
            points=valid_points(new.points),
            estimate_seconds=new.estimate_seconds,
            start_date=start,
            due_date=due,
            label_ids=joined_ids(labels),
            workflow_id=numbers.workflow_id,
            limits_id=numbers.limits_id,
            kinds_id=numbers.kinds_id,
            custom_values=self._custom_values.initial(tx, numbers, new.custom_fields),
            labels=labels,
            version=1,
            created_at=tx.now,
            created_by=author,
            updated_at=tx.now,
            updated_by=author,
        )
        begun = entered(item, None, workflow=workflow, at=tx.now)
        item = self._sprinting.changed(tx, begun, new.sprint, types)
        self._guarding.check_entry(tx, item, workflow, by=by)
        self._items.add(tx, item)
        self._changing.follow(tx, None, item)
        self._history.created(tx, item.state(), by=by)
        return item

    def _take_number(self, tx: Tx, project: str | None) -> Numbers:
        if project is None:
            raise ProjectMissing
        numbers = self._projects.take_numbers(tx, project)
        if numbers is not None:
            return numbers
        found = self._projects.find(tx, project)
        if found is None or found.deleted_at is not None:
            raise ProjectNotFound(project, param="project_id")
        raise ProjectIsArchived(found.key)


def _check_kind(new: NewWorkItem, numbers: Numbers, parent: WorkItem | None, kinds: Kinds) -> None:
    kinds.check(new.item_type)
    if parent is None:
        check_without_parent(new.item_type, kinds)
        return
    check_parent(
        (None, new.item_type, numbers.project_id),
        (parent.id, parent.item_type, parent.project_id),
        kinds,
    )
