"""Takes what a repository says of a project; works in the caller's transaction."""

from __future__ import annotations

from typing import Final

from tidemill.board.contract import ProjectId
from tidemill.board.custom_fields.models import FieldType
from tidemill.board.errors import ProjectIsArchived, ProjectNotFound
from tidemill.board.limits import BoardLimits
from tidemill.board.project_access.models import ProjectRole
from tidemill.board.project_access.service import require
from tidemill.board.project_documents.heading.service import Heading
from tidemill.board.project_documents.models import Belongings, Called, Head, ItemPart, People
from tidemill.board.project_documents.repository import ProjectDocumentRepository
from tidemill.board.project_git.frames import NAMES, frame_files
from tidemill.board.project_git.planning import (
    Files,
    Item,
    is_item_path,
    plan,
)
from tidemill.board.project_git.repository import GitRepository
from tidemill.board.project_git.syncing.doing import Doing
from tidemill.board.project_git.syncing.item_writing.service import ItemWriting
from tidemill.board.project_git.syncing.models import Applied, Task
from tidemill.board.project_git.values import Names, values_of
from tidemill.board.projects.models import Project
from tidemill.board.projects.repository import ProjectRepository
from tidemill.board.work_items.changing.models import Rules
from tidemill.board.work_items.changing.service import Changing
from tidemill.board.work_items.labelling.service import Labelling
from tidemill.board.work_items.models import WorkItemChanges
from tidemill.core.actor import Actor
from tidemill.core.git import GitSnapshot
from tidemill.core.ports import Tx

items_at_once_max: Final = 500
_NOTHING: Final = WorkItemChanges(item_type="", status="", parent="")
"""What touches all that items are locked behind."""


class SyncRefused(Exception):
    """A sync cannot go on; a sentence says why."""


class Applying:
    """Applies the plan of a sync to the board."""

    def __init__(self, limits: BoardLimits) -> None:
        self._limits = limits
        self._projects = ProjectRepository()
        self._documents = ProjectDocumentRepository()
        self._heading = Heading()
        self._git = GitRepository()
        self._labelling = Labelling(limits)
        self._changing = Changing(limits)
        self._writing = ItemWriting(limits)

    def apply(
        self, tx: Tx, task: Task, snapshot: GitSnapshot, rules: Rules, *, by: Actor
    ) -> Applied:
        """Write what the repository changed, and what both sides said since.

        Raises `SyncRefused`, `ProjectNotFound`, `ProjectIsArchived` and `ProjectRoleNeeded`.
        """
        self._changing.lock_others(tx, _NOTHING)
        project = self._project(tx, task.binding.project_id, by=by)
        people = People(self._documents.people(tx))
        ids = {row[0]: row[1] for row in self._documents.people(tx)}
        head, called = self._heading.of(tx, project, people)
        names = Names.of(called, ids, _of_people(head))
        known = self._git.bases(tx, project.id, self._limits.import_rows_max * 2)
        bases = {base.item_id: base for base in known}
        wanted = plan(
            self._read_items(tx, project, called),
            [base for base in known if base.item_id not in NAMES],
            _files(snapshot),
            deletions=task.binding.deletions,
            choices=task.request.choices,
        )
        doing = Doing(tx, self._writing, project, (called, names), (rules, snapshot, bases), by)
        for move in wanted.moves:
            doing.do(move)
        # With what the files have made, such as labels.
        head, _ = self._heading.of(tx, project, people)
        doing.write_frames(frame_files(head), task)
        self._git.save_bases(tx, project.id, doing.bases)
        self._git.remove_bases(tx, project.id, doing.gone)
        return doing.applied(wanted, ids)

    def _project(self, tx: Tx, project_id: ProjectId, *, by: Actor) -> Project:
        project = self._projects.find(tx, project_id, lock=True)
        if project is None or project.deleted_at is not None:
            raise ProjectNotFound(project_id)
        if project.archived_at is not None:
            raise ProjectIsArchived(project.key)
        require(tx, project.id, ProjectRole.OWNER, by=by)
        return project

    def _read_items(self, tx: Tx, project: Project, called: Called) -> list[Item]:
        found: list[Item] = []
        after = ""
        while True:
            page = self._documents.items(tx, project.id, after=after, limit=items_at_once_max)
            keys = self._documents.keys(tx, {one.parent_id for one in page if one.parent_id})
            for item in self._labelling.shown(tx, page):
                part = ItemPart.of(item, keys.get(item.parent_id or ""), called, Belongings())
                found.append(
                    Item(id=item.id, key=item.key, values=values_of(part), author=item.updated_by)
                )
            if len(found) > self._limits.import_rows_max:
                most = self._limits.import_rows_max
                raise SyncRefused(f"The project has more than {most} items.")
            if len(page) < items_at_once_max:
                return found
            after = page[-1].rank


def _files(snapshot: GitSnapshot) -> Files:
    texts: dict[str, str] = {}
    refused = {path: why for path, why in snapshot.refused.items() if is_item_path(path)}
    for path, content in snapshot.files.items():
        if not is_item_path(path):
            continue
        try:
            texts[path] = content.decode()
        except UnicodeDecodeError:
            refused[path] = f"{path} is no text in UTF-8."
    return Files(texts=texts, refused=refused)


def _of_people(head: Head) -> frozenset[str]:
    return frozenset(one.key for one in head.custom_fields if one.field_type == FieldType.USER)
