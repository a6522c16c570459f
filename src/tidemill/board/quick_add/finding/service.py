"""Finds what a line names; each method works in the caller's transaction."""

from __future__ import annotations

from typing import Final

from tidemill.board.contract import ProjectId
from tidemill.board.errors import shown
from tidemill.board.filters.models import Word
from tidemill.board.handles.models import folded, handles_of
from tidemill.board.handles.service import Handles
from tidemill.board.label_errors import LabelNotFound
from tidemill.board.labels.models import ItemLabel
from tidemill.board.limits import BoardLimits
from tidemill.board.projects.models import Project
from tidemill.board.projects.repository import ProjectRepository
from tidemill.board.quick_add.finding.repository import FindingRepository
from tidemill.board.quick_add_errors import InvalidQuickText, could_be, nothing_called
from tidemill.board.sprint_scope.models import OpenSprint
from tidemill.board.texts import name_key
from tidemill.board.work_items.labelling.service import Labelling
from tidemill.board.work_items.models import Assignee, WorkItem
from tidemill.board.work_items.repository import WorkItemRepository
from tidemill.board.workflows.models import Workflow
from tidemill.board.workflows.service import Workflows
from tidemill.core.actor import Actor
from tidemill.core.ports import Tx

ME: Final = "me"
CURRENT: Final = frozenset({"current", "active"})
NEXT: Final = "next"


class Finding:
    """What words of a line mean; each raises `InvalidQuickText` with what would do."""

    def __init__(self, limits: BoardLimits) -> None:
        self._names = FindingRepository()
        self._handles = Handles()
        self._items = WorkItemRepository()
        self._projects = ProjectRepository()
        self._labelling = Labelling(limits)
        self._workflows = Workflows()

    def project(self, tx: Tx, word: Word) -> Project:
        """Return the living project that is named by its key or id."""
        found = self._projects.find(tx, word.text)
        if found is None or found.deleted_at is not None:
            raise InvalidQuickText(word.at, f"There is no project {shown(word.text)}.")
        return found

    def parent(self, tx: Tx, word: Word) -> WorkItem:
        """Return the living item that is named by its key or id."""
        found = self._items.find(tx, word.text)
        if found is None or found.deleted_at is not None:
            raise InvalidQuickText(
                word.at,
                f"There is no work item {shown(word.text)}. Name a parent by its key, such as "
                ">TM-4, or write \\> where it belongs to the title.",
            )
        return found

    def assignee(self, tx: Tx, word: Word, known: str | None, *, by: Actor) -> Assignee:
        """Return the member who is named by handle, name or id, or whose id is `known`."""
        user_id = known or self._user_id(tx, word, by)
        found = self._items.assignee(tx, user_id) if user_id else None
        if found is None:
            raise self._nobody(tx, word)
        return found

    def labels(
        self, tx: Tx, project_id: ProjectId, words: tuple[Word, ...]
    ) -> tuple[ItemLabel, ...]:
        """Return labels of the project, or of all, by name or id."""
        for word in words:
            try:
                self._labelling.found(tx, project_id, [word.text])
            except LabelNotFound as error:
                known = self._names.labels(tx, project_id)
                raise nothing_called("label", word.text, known, at=word.at) from error
        return self._labelling.found(tx, project_id, [word.text for word in words])

    def sprint(self, tx: Tx, project_id: ProjectId, word: Word) -> OpenSprint:
        """Return the open sprint that is named: by name or id, `current` or `next`."""
        sprints = self._names.open_sprints(tx, project_id)
        text = word.text.lower()
        if not word.is_quoted and text in CURRENT:
            found = [one for one in sprints if one.status == "active"]
        elif not word.is_quoted and text == NEXT:
            found = [one for one in sprints if one.status == "planned"][:1]
        else:
            key = name_key(word.text)
            found = [one for one in sprints if text == one.id or key == name_key(one.name)]
        if not found:
            known = [one.name for one in sprints]
            raise nothing_called("open sprint", word.text, known, at=word.at)
        if len(found) > 1:
            names = [f"{one.name} ({one.id})" for one in found]
            raise could_be("sprints", word.text, names, at=word.at)
        return found[0]

    def workflow(self, tx: Tx, project: Project) -> Workflow:
        """Return the workflow of a project."""
        return self._workflows.of(tx, project.id, project.workflow_id)

    def _nobody(self, tx: Tx, word: Word) -> InvalidQuickText:
        names, wanted = self._names.people(tx), folded(word.text)
        meant = [name for name in names if wanted and wanted in handles_of("", name)]
        if len(meant) > 1:
            return could_be("members", word.text, meant, at=word.at)
        return nothing_called("member", word.text, names, at=word.at)

    def _user_id(self, tx: Tx, word: Word, by: Actor) -> str | None:
        if word.text.lower() == ME and not word.is_quoted:
            if by.user_id is None:
                raise InvalidQuickText(word.at, "Nobody is meant by me here: name a person.")
            return by.user_id
        return self._handles.meant(tx, [word.text]).get(word.text)
