"""Makes the frame of an imported project, in the caller's transaction."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from msgspec import Struct, structs

from tidemill.board.board_settings.models import BoardSettings
from tidemill.board.board_settings.repository import BoardSettingsRepository
from tidemill.board.contract import LabelId, ProjectCreated, ProjectId, SprintId
from tidemill.board.custom_field_errors import TooManyCustomFields
from tidemill.board.custom_field_facts import CustomFieldCreated, CustomFieldId
from tidemill.board.custom_fields.models import CustomField
from tidemill.board.custom_fields.repository import CustomFieldRepository
from tidemill.board.errors import ProjectKeyTaken
from tidemill.board.item_kinds.models import ItemKind
from tidemill.board.item_kinds.repository import ItemKindRepository, kinds_max
from tidemill.board.item_templates.models import ItemTemplate, templates_max
from tidemill.board.item_templates.repository import ItemTemplateRepository
from tidemill.board.job_times.models import TimeSettings, changed
from tidemill.board.job_times.repository import TimeSettingsRepository
from tidemill.board.kind_changes.models import state_of
from tidemill.board.kind_changes.repository import KindChangeRepository
from tidemill.board.kind_errors import TooManyItemKinds
from tidemill.board.kind_facts import ItemKindCreated, ItemKindUpdated
from tidemill.board.labels.models import ItemLabel, Label, color_of
from tidemill.board.labels.repository import LabelRepository
from tidemill.board.labels.service import make
from tidemill.board.limits import BoardLimits
from tidemill.board.project_access.models import ProjectRole
from tidemill.board.project_access.repository import AccessRepository
from tidemill.board.project_documents.parts import LabelPart
from tidemill.board.project_imports.planned import PlannedFrame, PlannedSprint, World
from tidemill.board.project_imports.planning import Plan
from tidemill.board.project_imports.reading import Frame
from tidemill.board.projects.models import Project, new_project
from tidemill.board.projects.repository import ProjectRepository
from tidemill.board.projects.service import stamp_of
from tidemill.board.sprints.models import SprintStatus
from tidemill.board.sprints.repository import SprintRepository
from tidemill.board.template_errors import TooManyItemTemplates
from tidemill.board.texts import name_key
from tidemill.board.workflow_changes.models import ProjectWorkflow
from tidemill.board.workflow_changes.repository import WorkflowChangeRepository
from tidemill.core.actor import Actor
from tidemill.core.ports import Tx


class Founded(Struct, frozen=True, kw_only=True):
    """What items refer to: labels by the keys of their names, fields by key, sprints by name."""

    project: Project
    labels: Mapping[str, ItemLabel]
    fields: Mapping[str, CustomFieldId]
    sprints: Mapping[str, SprintId]


class Founding:
    """Makes projects with all that their items refer to."""

    def __init__(self, limits: BoardLimits) -> None:
        self._limits = limits
        self._projects = ProjectRepository()
        self._access = AccessRepository()
        self._settings = BoardSettingsRepository()
        self._time_settings = TimeSettingsRepository()
        self._workflows = WorkflowChangeRepository()
        self._kinds = ItemKindRepository()
        self._kind_changes = KindChangeRepository()
        self._labels = LabelRepository()
        self._fields = CustomFieldRepository()
        self._templates = ItemTemplateRepository()
        self._sprints = SprintRepository()

    def world(self, tx: Tx, frame: Frame) -> World:
        """Return what the tenant has of what a frame names."""
        keys = dict.fromkeys(part.key for part in frame.custom_fields)
        found = (field for key in keys for field in self._fields.keyed(tx, key))
        return World(kinds=self._kinds.load(tx), custom_fields=tuple(found))

    def lock(self, tx: Tx, frame: PlannedFrame) -> None:
        """Let nobody else make or change what projects share, until the transaction ends."""
        if frame.kinds_made or frame.kinds_changed:
            self._kinds.lock(tx)
        else:
            # Others go on to make items meanwhile.
            self._kinds.share(tx)
        self._fields.lock_keys(tx)
        self._labels.lock_names(tx)
        self._templates.lock(tx)

    def found(self, tx: Tx, plan: Plan, *, by: Actor) -> Founded:
        """Make a project and its frame; raises `ProjectKeyTaken`, and what has no room."""
        frame = plan.frame
        self._make_kinds(tx, frame, by=by)
        project = self._make_project(tx, plan, by=by)
        self._set_rules(tx, project.id, frame, by=by)
        borne = {name for item in plan.items for name in item.labels}
        labels = self._make_labels(tx, project.id, (frame.labels, borne), by=by)
        fields = self._make_fields(tx, project.id, frame, by=by)
        self._make_templates(tx, project.id, frame, by=by)
        sprints = {
            one.called: self._make_sprint(tx, project.id, one, by=by) for one in frame.sprints
        }
        return Founded(project=project, labels=labels, fields=fields, sprints=sprints)

    def close(self, tx: Tx, project: Project, frame: PlannedFrame, *, by: Actor) -> Project:
        """Give the project what only a change gives, and archive it where it was archived."""
        wanted = structs.replace(
            project,
            time_zone=frame.time_zone,
            archived_at=tx.now if frame.is_archived else None,
        )
        if wanted == project:
            return project
        saved = structs.replace(wanted, version=project.version + 1, updated_by=_author(by))
        self._projects.save(tx, saved)
        return saved

    def _make_project(self, tx: Tx, plan: Plan, *, by: Actor) -> Project:
        frame = plan.frame
        said = (frame.key, frame.name, frame.description)
        project = structs.replace(
            new_project(
                ProjectId(tx.new_id()), said, stamp_of(tx, by), self._limits, frame.visibility
            ),
            next_item_number=plan.next_item_number,
        )
        if not self._projects.add(tx, project):
            raise ProjectKeyTaken(project.key)
        if by.user_id is not None:
            self._access.put(tx, project.id, by.user_id, ProjectRole.OWNER, by=_author(by))
        tx.record(ProjectCreated(project=project.state(), user_id=by.user_id), by=by)
        return self._projects.find(tx, project.id) or project

    def _set_rules(self, tx: Tx, project_id: ProjectId, frame: PlannedFrame, *, by: Actor) -> None:
        """Write the workflow, and what holds for board and time, where somebody set them."""
        if frame.has_own_workflow:
            wanted = ProjectWorkflow(
                project_id=project_id,
                version=2,
                workflow=frame.workflow,
                updated_at=tx.now,
                updated_by=_author(by),
            )
            self._workflows.save(tx, wanted, ())
        if frame.board_rules is not None:
            self._settings.save(
                tx,
                BoardSettings(
                    project_id=project_id,
                    id=tx.new_id(),
                    rules=frame.board_rules,
                    version=1,
                    updated_at=tx.now,
                    updated_by=_author(by),
                ),
            )
        if frame.books_jobs:
            quiet = TimeSettings(project_id)
            booking = changed(quiet, books_jobs=True, at=tx.now, by=_author(by))
            self._time_settings.save(tx, booking)

    def _make_kinds(self, tx: Tx, frame: PlannedFrame, *, by: Actor) -> None:
        if not frame.kinds_made and not frame.kinds_changed:
            return
        if len(frame.kinds.all) > kinds_max:
            raise TooManyItemKinds(kinds_max)
        self._kind_changes.begin(tx)
        made = {kind.key for kind in frame.kinds_made}
        for kind in (*frame.kinds_made, *frame.kinds_changed):
            is_new = kind.key in made
            saved = _stamped(tx, kind, frame, by=by, is_new=is_new)
            self._kind_changes.save(tx, saved)
            fact = ItemKindCreated if is_new else ItemKindUpdated
            tx.record(fact(kind=state_of(saved), user_id=by.user_id), by=by)

    def _make_labels(
        self,
        tx: Tx,
        project_id: ProjectId,
        wanted: tuple[Iterable[LabelPart], Iterable[str]],
        *,
        by: Actor,
    ) -> dict[str, ItemLabel]:
        """Return labels by the keys of their names, those of the project ahead of shared ones."""
        parts, borne = wanted
        names = [part.name for part in parts]
        known = {
            name_key(label.name): label
            for label in self._labels.named(tx, names)
            if label.project_id is None
        }
        found: dict[str, Label] = {}
        for part in sorted(parts, key=lambda part: part.of_project):
            key = name_key(part.name)
            shared = None if part.of_project else known.get(key)
            owner = project_id if part.of_project else None
            label = shared or _label(tx, owner, part, by)
            if shared is None:
                make(tx, label, by=by)
            found[key] = label
        for name in sorted(borne):
            if name_key(name) not in found:
                part = LabelPart(name=name, color=color_of(name), description=None, of_project=True)
                found[name_key(name)] = label = _label(tx, project_id, part, by)
                make(tx, label, by=by)
        return {key: ItemLabel(one.id, one.name, one.color) for key, one in found.items()}

    def _make_fields(
        self, tx: Tx, project_id: ProjectId, frame: PlannedFrame, *, by: Actor
    ) -> dict[str, CustomFieldId]:
        found: dict[str, CustomFieldId] = {}
        for key, planned in frame.custom_fields.items():
            found[key] = planned.id
            if not planned.id:
                owner = project_id if key in frame.fields_of_project else None
                found[key] = self._make_field(tx, owner, planned, by=by).id
        return found

    def _make_field(
        self, tx: Tx, project_id: ProjectId | None, planned: CustomField, *, by: Actor
    ) -> CustomField:
        if self._fields.count(tx, project_id) >= self._limits.custom_fields_max:
            raise TooManyCustomFields(
                self._limits.custom_fields_max, of_project=project_id is not None
            )
        author = _author(by)
        field = structs.replace(
            planned,
            id=CustomFieldId(tx.new_id()),
            project_id=project_id,
            created_at=tx.now,
            created_by=author,
            updated_at=tx.now,
            updated_by=author,
        )
        self._fields.add(tx, field)
        tx.record(CustomFieldCreated(custom_field=field.state(), user_id=by.user_id), by=by)
        return field

    def _make_templates(
        self, tx: Tx, project_id: ProjectId, frame: PlannedFrame, *, by: Actor
    ) -> None:
        if self._templates.count(tx) + len(frame.templates) > templates_max:
            raise TooManyItemTemplates(templates_max)
        author = _author(by)
        for one in frame.templates:
            template = ItemTemplate(
                id=tx.new_id(),
                project_id=project_id,
                name=one.name,
                description=one.description,
                root=one.root,
                version=1,
                created_at=tx.now,
                created_by=author,
                updated_at=tx.now,
                updated_by=author,
            )
            self._templates.add(tx, template)

    def _make_sprint(
        self, tx: Tx, project_id: ProjectId, planned: PlannedSprint, *, by: Actor
    ) -> SprintId:
        author = _author(by)
        sprint = structs.replace(
            planned.sprint,
            id=SprintId(tx.new_id()),
            project_id=project_id,
            created_at=tx.now,
            created_by=author,
            updated_at=tx.now,
            updated_by=author,
        )
        self._sprints.add(tx, sprint)
        if sprint.status != SprintStatus.PLANNED:
            self._sprints.save(tx, structs.replace(sprint, version=2))
        return sprint.id


def _author(by: Actor) -> str:
    return by.user_id or by.id


def _label(tx: Tx, project_id: ProjectId | None, part: LabelPart, by: Actor) -> Label:
    return Label(
        id=LabelId(tx.new_id()),
        project_id=project_id,
        name=part.name,
        color=part.color,
        description=part.description,
        version=1,
        created_at=tx.now,
        created_by=_author(by),
        updated_at=tx.now,
        updated_by=_author(by),
    )


def _stamped(tx: Tx, kind: ItemKind, frame: PlannedFrame, *, by: Actor, is_new: bool) -> ItemKind:
    is_retired = is_new and kind.key in frame.kinds_retired
    return structs.replace(
        kind,
        version=1 if is_new else kind.version + 1,
        created_at=kind.created_at or tx.now,
        created_by=kind.created_by or _author(by),
        updated_at=tx.now,
        updated_by=_author(by),
        retired_at=tx.now if is_retired else kind.retired_at,
    )
