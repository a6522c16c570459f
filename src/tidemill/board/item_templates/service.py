"""What one can do with templates of work items."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from msgspec import Struct, structs

from tidemill.board.contract import ProjectId
from tidemill.board.errors import ProjectIsArchived, ProjectMissing, ProjectNotFound
from tidemill.board.item_kinds.service import ItemKinds
from tidemill.board.item_templates.models import (
    ItemTemplate,
    ItemTemplateChanges,
    NewItemTemplate,
    Sketch,
    TemplateUse,
    changed,
    filled,
    sketches,
    templates_max,
    usual_values,
    valid_about,
    valid_name,
    valid_root,
)
from tidemill.board.item_templates.repository import ItemTemplateRepository
from tidemill.board.limits import BoardLimits
from tidemill.board.project_access.database import WalledDatabase
from tidemill.board.projects.models import Project
from tidemill.board.projects.repository import ProjectRepository
from tidemill.board.template_errors import (
    ItemTemplateChanged,
    ItemTemplateNameTaken,
    ItemTemplateNotFound,
    TemplateOfAnotherProject,
    TooManyItemTemplates,
)
from tidemill.board.template_facts import (
    ItemTemplateCreated,
    ItemTemplateDeleted,
    ItemTemplateFact,
    ItemTemplateUpdated,
)
from tidemill.board.texts import is_uuid
from tidemill.board.versions import ANY_VERSION, Expected
from tidemill.board.work_items.creating.service import Creating
from tidemill.board.work_items.labelling.service import Labelling
from tidemill.board.work_items.models import NewWorkItem, Priority, WorkItem
from tidemill.board.work_items.references.service import References
from tidemill.board.work_items.service import TypesFor, usual_types
from tidemill.board.zones import zone_named
from tidemill.core.actor import Actor
from tidemill.core.clock import MICROSECONDS_PER_SECOND, Instant
from tidemill.core.keysets import after_text
from tidemill.core.pages import Page, PageRequest, page_of
from tidemill.core.ports import Database, Once, Tx


class Made(Struct, frozen=True):
    """What was made of a template: all items, parents first."""

    items: tuple[WorkItem, ...]


class ItemTemplateService:
    """Use cases of templates; a template is named by its id."""

    def __init__(
        self, tenants: Database, limits: BoardLimits, *, sprint_types: TypesFor = usual_types
    ) -> None:
        self._tenants = WalledDatabase(tenants)
        self._limits = limits
        self._sprint_types = sprint_types
        self._templates = ItemTemplateRepository()
        self._projects = ProjectRepository()
        self._kinds = ItemKinds()
        self._creating = Creating(limits)
        self._labelling = Labelling(limits)
        self._references = References(self._labelling)

    async def create(
        self, new: NewItemTemplate, *, actor: Actor, once: Once[ItemTemplate] | None = None
    ) -> ItemTemplate:
        """Make a template of a project, or of all.

        Raises `ItemTemplateNameTaken`, `AssigneeNotMember` and what labels raise.
        """
        name = valid_name(new.name)
        description = valid_about(new.description, self._limits)

        def use_case(tx: Tx) -> ItemTemplate:
            self._templates.lock(tx)
            if self._templates.count(tx) >= templates_max:
                raise TooManyItemTemplates(templates_max)
            by = actor.user_id or actor.id
            project_id = self._project(tx, new.project, write=True)
            self._check(tx, project_id, new.root)
            template = ItemTemplate(
                id=tx.new_id(),
                project_id=project_id,
                name=name,
                description=description,
                root=valid_root(new.root, self._kinds.current(tx), self._limits),
                version=1,
                created_at=tx.now,
                created_by=by,
                updated_at=tx.now,
                updated_by=by,
            )
            if not self._templates.add(tx, template):
                raise ItemTemplateNameTaken(template.name)
            _tell(tx, ItemTemplateCreated, "create", template, by=actor, after=template)
            return template

        return await self._tenants.write(actor, use_case, once=once)

    async def get(self, template_id: str, *, actor: Actor) -> ItemTemplate:
        """Return a template; raises `ItemTemplateNotFound`."""
        return await self._tenants.read(actor, lambda tx: self._found(tx, template_id))

    async def list(
        self, page: PageRequest, *, project: str | None, actor: Actor
    ) -> Page[ItemTemplate]:
        """Return templates, oldest first; of a project: those that it can use."""
        after = after_text(page)

        def use_case(tx: Tx) -> Sequence[ItemTemplate]:
            project_id = self._project(tx, project)
            return self._templates.page(
                tx, project_id=project_id, after=after, limit=page.limit_plus_one
            )

        found = await self._tenants.read(actor, use_case)
        return page_of(found, page, lambda template: (template.id,))

    async def change(
        self,
        template_id: str,
        changes: ItemTemplateChanges,
        expected: Expected = ANY_VERSION,
        *,
        actor: Actor,
        once: Once[ItemTemplate] | None = None,
    ) -> ItemTemplate:
        """Change a template; raises `VersionChanged` and `ItemTemplateChanged`."""

        def use_case(tx: Tx) -> ItemTemplate:
            template = self._writable(tx, template_id)
            expected.check(template.version, ItemTemplateChanged)
            wanted = changed(template, changes, self._kinds.current(tx), self._limits)
            if wanted == template:
                return template
            self._check(tx, template.project_id, wanted.root, before=template.root)
            saved = structs.replace(
                wanted,
                version=template.version + 1,
                updated_at=tx.now,
                updated_by=actor.user_id or actor.id,
            )
            if self._templates.has_twin(tx, saved):
                raise ItemTemplateNameTaken(saved.name)
            if not self._templates.save(tx, saved):
                raise ItemTemplateChanged(template.version, saved.version)
            _tell(tx, ItemTemplateUpdated, "update", saved, by=actor, before=template, after=saved)
            return saved

        return await self._tenants.write(actor, use_case, once=once)

    async def delete(
        self, template_id: str, expected: Expected = ANY_VERSION, *, actor: Actor
    ) -> None:
        """Forget a template; what was made of it stays."""

        def use_case(tx: Tx) -> None:
            template = self._writable(tx, template_id)
            expected.check(template.version, ItemTemplateChanged)
            self._templates.delete(tx, template.id)
            _tell(tx, ItemTemplateDeleted, "delete", template, by=actor, before=template)

        await self._tenants.write(actor, use_case)

    async def use(
        self, template_id: str, wanted: TemplateUse, *, actor: Actor, once: Once[Made] | None = None
    ) -> Made:
        """Make all items of a template, or none of them.

        Raises what making each item raises, `TemplateValuesMissing` and
        `TemplateOfAnotherProject`.
        """

        def use_case(tx: Tx) -> Made:
            template = self._found(tx, template_id)
            project = self._target(tx, template, wanted.project, wanted.parent)
            values = {**_usual(project, tx.now), **wanted.values}
            every = {"project": project.id, "custom_fields": wanted.custom_fields}
            given = {**every, "parent": wanted.parent}
            if wanted.title is not None:
                given["title"] = wanted.title
            items: list[WorkItem] = []
            left: list[tuple[Sketch, Mapping[str, Any]]] = [(template.root, given)]
            while left:
                sketch, said = left.pop(0)
                new = self._item_of(tx, sketch, said, values, param="values")
                made = self._creating.make(tx, new, (), by=actor)
                items.append(made)
                below = {**every, "parent": made.id}
                left += [(child, below) for child in sketch.children]
            return Made(tuple(items))

        return await self._tenants.write(actor, use_case, once=once)

    async def create_item(
        self,
        template_id: str,
        given: Mapping[str, Any],
        values: Mapping[str, str],
        *,
        actor: Actor,
        once: Once[WorkItem] | None = None,
    ) -> WorkItem:
        """Make the item of a template alone; what is `given`, as of `NewWorkItem`, wins."""
        types = await self._sprint_types(actor)

        def use_case(tx: Tx) -> WorkItem:
            template = self._found(tx, template_id, param="template_id")
            project = self._target(tx, template, given.get("project"), given.get("parent"))
            said = {**given, "project": project.id}
            known = {**_usual(project, tx.now), **values}
            new = self._item_of(tx, template.root, said, known, param="template_values")
            return self._creating.make(tx, new, types, by=actor)

        return await self._tenants.write(actor, use_case, once=once)

    def _check(
        self, tx: Tx, project_id: ProjectId | None, root: Sketch, *, before: Sketch | None = None
    ) -> None:
        """Return when there is whom and what items name; what a template had already may be gone.

        Raises `AssigneeNotMember`, `LabelNotFound`, `LabelOfAnotherProject` and `TooManyLabels`.
        """
        kept = list(sketches(before)) if before is not None else []
        people = {sketch.assignee_id for sketch in kept}
        names = {label for sketch in kept for label in sketch.labels}
        for sketch in sketches(root):
            if sketch.assignee_id not in people:
                self._references.assignee(tx, sketch.assignee_id, None)
            self._labelling.check(
                tx, project_id, [label for label in sketch.labels if label not in names]
            )

    def _item_of(
        self,
        tx: Tx,
        sketch: Sketch,
        given: Mapping[str, Any],
        values: Mapping[str, str],
        *,
        param: str,
    ) -> NewWorkItem:
        said = {
            "item_type": sketch.item_type,
            "description": sketch.description,
            "priority": sketch.priority or Priority.MEDIUM,
            "points": sketch.points,
            "estimate_seconds": sketch.estimate_seconds,
            "labels": sketch.labels,
            **given,
            "custom_fields": {**sketch.custom_fields, **given.get("custom_fields", {})},
        }
        if "assignee_id" not in given:
            said["assignee_id"] = self._references.member(tx, sketch.assignee_id, given["project"])
        if "title" not in given:
            said["title"] = filled(sketch.title, values, param=param)
        return NewWorkItem(**said)

    def _target(
        self, tx: Tx, template: ItemTemplate, reference: str | None, parent: str | None
    ) -> Project:
        """Return the project in which items shall be made."""
        if reference is None and parent is not None:
            above = self._references.parent(tx, parent)
            reference = above.project_id if above else None
        wanted = reference or template.project_id
        if wanted is None:
            raise ProjectMissing
        project = self._projects.find(tx, wanted)
        if project is None or project.deleted_at is not None:
            raise ProjectNotFound(wanted, param="project_id")
        if template.project_id not in {None, project.id}:
            raise TemplateOfAnotherProject(template.name)
        return project

    def _writable(self, tx: Tx, template_id: str) -> ItemTemplate:
        self._templates.lock(tx)
        template = self._found(tx, template_id)
        self._project(tx, template.project_id, write=True)
        return template

    def _found(self, tx: Tx, template_id: str, *, param: str | None = None) -> ItemTemplate:
        found = self._templates.find(tx, template_id) if is_uuid(template_id) else None
        if found is None:
            raise ItemTemplateNotFound(template_id, param=param)
        return found

    def _project(self, tx: Tx, reference: str | None, *, write: bool = False) -> ProjectId | None:
        if reference is None:
            return None
        project = self._projects.find(tx, reference)
        if project is None or project.deleted_at is not None:
            raise ProjectNotFound(reference, param="project_id")
        if write and project.archived_at is not None:
            raise ProjectIsArchived(project.key)
        return project.id


def _usual(project: Project, now: Instant) -> dict[str, str]:
    at = datetime.fromtimestamp(now / MICROSECONDS_PER_SECOND, tz=UTC)
    return usual_values(project.key, at.astimezone(zone_named(project.time_zone)).date())


def _tell(  # noqa: PLR0913 - what happened, to what, by whom
    tx: Tx,
    fact: type[ItemTemplateFact],
    verb: str,
    template: ItemTemplate,
    *,
    by: Actor,
    before: object = None,
    after: object = None,
) -> None:
    tx.record(
        fact(
            template_id=template.id,
            project_id=template.project_id,
            name=template.name,
            version=template.version,
            user_id=by.user_id,
        ),
        by=by,
    )
    tx.audit(
        f"board.item_templates.{verb}",
        by=by,
        resource=f"item-template:{template.id}",
        before=before,
        after=after,
    )
