"""What one can do with labels."""

from __future__ import annotations

from collections.abc import Sequence

from msgspec import structs

from tidemill.board.contract import (
    LabelCreated,
    LabelDeleted,
    LabelId,
    LabelRestored,
    LabelUpdated,
    ProjectId,
)
from tidemill.board.errors import ProjectIsArchived, ProjectNotFound
from tidemill.board.label_errors import LabelChanged, LabelNameTaken, LabelNotFound
from tidemill.board.labels.models import (
    Label,
    LabelChanges,
    NewLabel,
    changed,
    color_of,
    valid_color,
    valid_description,
    valid_name,
)
from tidemill.board.labels.repository import LabelRepository
from tidemill.board.limits import BoardLimits
from tidemill.board.project_access.database import WalledDatabase
from tidemill.board.projects.repository import ProjectRepository
from tidemill.board.texts import is_uuid
from tidemill.board.versions import ANY_VERSION, Expected
from tidemill.core.actor import Actor
from tidemill.core.keysets import after_text
from tidemill.core.pages import Page, PageRequest, page_of
from tidemill.core.ports import Database, Once, Tx


class LabelService:
    """Use cases of labels; a label is named by its id."""

    def __init__(self, tenants: Database, limits: BoardLimits) -> None:
        self._tenants = WalledDatabase(tenants)
        self._limits = limits
        self._labels = LabelRepository()
        self._projects = ProjectRepository()

    async def create(
        self, new: NewLabel, *, actor: Actor, once: Once[Label] | None = None
    ) -> Label:
        """Make a label of a project, or of all; raises `LabelNameTaken`."""
        name = valid_name(new.name, self._limits)
        color = valid_color(new.color) if new.color is not None else color_of(name)
        description = valid_description(new.description, self._limits)

        def use_case(tx: Tx) -> Label:
            by = actor.user_id or actor.id
            label = Label(
                id=LabelId(tx.new_id()),
                project_id=self._project(tx, new.project, write=True),
                name=name,
                color=color,
                description=description,
                version=1,
                created_at=tx.now,
                created_by=by,
                updated_at=tx.now,
                updated_by=by,
            )
            make(tx, label, by=actor)
            return label

        return await self._tenants.write(actor, use_case, once=once)

    async def get(self, label_id: str, *, actor: Actor) -> Label:
        """Return a label; raises `LabelNotFound`."""
        return await self._tenants.read(actor, lambda tx: self._living(tx, label_id))

    async def list(self, page: PageRequest, *, project: str | None, actor: Actor) -> Page[Label]:
        """Return labels, oldest first; of a project: those that its items can bear."""
        after = after_text(page)

        def use_case(tx: Tx) -> Sequence[Label]:
            project_id = self._project(tx, project)
            return self._labels.page(
                tx, project_id=project_id, after=after, limit=page.limit_plus_one
            )

        labels = await self._tenants.read(actor, use_case)
        return page_of(labels, page, lambda label: (label.id,))

    async def change(
        self,
        label_id: str,
        changes: LabelChanges,
        expected: Expected = ANY_VERSION,
        *,
        actor: Actor,
        once: Once[Label] | None = None,
    ) -> Label:
        """Change name, colour or description; raises `VersionChanged` and `LabelChanged`."""

        def use_case(tx: Tx) -> Label:
            label = self._living(tx, label_id, lock=True)
            expected.check(label.version, LabelChanged)
            wanted = changed(label, changes, self._limits)
            if wanted == label:
                return label
            saved = self._save(tx, wanted, by=actor)
            tx.record(LabelUpdated(label=saved.state(), user_id=actor.user_id), by=actor)
            _audit(tx, "update", saved, by=actor, before=label.state(), after=saved.state())
            return saved

        return await self._tenants.write(actor, use_case, once=once)

    async def delete(
        self, label_id: str, expected: Expected = ANY_VERSION, *, actor: Actor
    ) -> None:
        """Hide a label, also on the items that bear it; `restore` brings it back to them."""

        def use_case(tx: Tx) -> None:
            label = self._living(tx, label_id, lock=True)
            expected.check(label.version, LabelChanged)
            deleted = self._save(tx, structs.replace(label, deleted_at=tx.now), by=actor)
            tx.record(LabelDeleted(label=deleted.state(), user_id=actor.user_id), by=actor)
            _audit(tx, "delete", deleted, by=actor, before=label.state())

        await self._tenants.write(actor, use_case)

    async def restore(self, label_id: str, *, actor: Actor) -> Label:
        """Bring a deleted label back; one that was never deleted stays as it is."""

        def use_case(tx: Tx) -> Label:
            label = self._find(tx, label_id, lock=True)
            if label.deleted_at is None:
                return label
            restored = self._save(tx, structs.replace(label, deleted_at=None), by=actor)
            tx.record(LabelRestored(label=restored.state(), user_id=actor.user_id), by=actor)
            _audit(tx, "restore", restored, by=actor, after=restored.state())
            return restored

        return await self._tenants.write(actor, use_case)

    def _living(self, tx: Tx, label_id: str, *, lock: bool = False) -> Label:
        label = self._find(tx, label_id, lock=lock)
        if label.deleted_at is not None:
            raise LabelNotFound(label_id)
        return label

    def _find(self, tx: Tx, label_id: str, *, lock: bool) -> Label:
        if lock:
            self._labels.lock_names(tx)
        label = self._labels.find(tx, label_id) if is_uuid(label_id) else None
        if label is None or not self._is_reachable(tx, label.project_id, write=lock):
            raise LabelNotFound(label_id)
        return label

    def _is_reachable(self, tx: Tx, project_id: ProjectId | None, *, write: bool) -> bool:
        """Return whether the project of a label is there; raises `ProjectIsArchived`."""
        if project_id is None:
            return True
        project = self._projects.find(tx, project_id)
        if project is None or project.deleted_at is not None:
            return False
        if write and project.archived_at is not None:
            raise ProjectIsArchived(project.key)
        return True

    def _save(self, tx: Tx, label: Label, *, by: Actor) -> Label:
        saved = structs.replace(
            label, version=label.version + 1, updated_at=tx.now, updated_by=by.user_id or by.id
        )
        if saved.deleted_at is None and self._labels.has_twin(tx, saved):
            raise LabelNameTaken(saved.name)
        if not self._labels.save(tx, saved):
            raise LabelChanged(label.version, saved.version)
        return saved

    def _project(self, tx: Tx, reference: str | None, *, write: bool = False) -> ProjectId | None:
        if reference is None:
            return None
        project = self._projects.find(tx, reference)
        if project is None or project.deleted_at is not None:
            raise ProjectNotFound(reference, param="project_id")
        if write and project.archived_at is not None:
            raise ProjectIsArchived(project.key)
        return project.id


def make(tx: Tx, label: Label, *, by: Actor) -> None:
    """Make `label` in the caller's transaction; raises `LabelNameTaken`."""
    if not LabelRepository().add(tx, label):
        raise LabelNameTaken(label.name)
    tx.record(LabelCreated(label=label.state(), user_id=by.user_id), by=by)
    _audit(tx, "create", label, by=by, after=label.state())


def _audit(
    tx: Tx, verb: str, label: Label, *, by: Actor, before: object = None, after: object = None
) -> None:
    tx.audit(
        f"board.labels.{verb}", by=by, resource=f"label:{label.id}", before=before, after=after
    )
