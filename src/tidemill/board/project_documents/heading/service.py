"""Reads what a project document says ahead of its items, in the caller's transaction."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import msgspec
from msgspec import structs

from tidemill.board.board_settings.models import known_statuses
from tidemill.board.board_settings.repository import BoardSettingsRepository
from tidemill.board.contract import LabelId
from tidemill.board.custom_fields.models import FieldType, Given
from tidemill.board.item_kinds.models import Kinds
from tidemill.board.item_kinds.service import ItemKinds
from tidemill.board.item_templates.models import ItemTemplate, Sketch, sketches
from tidemill.board.item_templates.repository import ItemTemplateRepository
from tidemill.board.job_times.repository import TimeSettingsRepository
from tidemill.board.labels.repository import LabelRepository
from tidemill.board.project_documents.models import Called, Head, People, sprints_called
from tidemill.board.project_documents.parts import (
    CustomFieldPart,
    KindPart,
    LabelPart,
    ProjectPart,
    ScopePart,
    SketchPart,
    SprintPart,
    TemplatePart,
    WorkflowPart,
)
from tidemill.board.project_documents.repository import ProjectDocumentRepository, templates_max
from tidemill.board.projects.models import Project
from tidemill.board.sprints.burndown import Burndown
from tidemill.board.sprints.models import date_of
from tidemill.board.texts import is_uuid, name_key
from tidemill.board.workflows.service import Workflows
from tidemill.core.clock import rfc3339, rfc3339_or_none
from tidemill.core.ports import Row, Tx


class Heading:
    """Reads heads of documents."""

    def __init__(self) -> None:
        self._documents = ProjectDocumentRepository()
        self._settings = BoardSettingsRepository()
        self._time_settings = TimeSettingsRepository()
        self._templates = ItemTemplateRepository()
        self._labels = LabelRepository()
        self._workflows = Workflows()
        self._kinds = ItemKinds()

    def of(self, tx: Tx, project: Project, people: People) -> tuple[Head, Called]:
        """Return the head of a project's document, and what all of it calls people and sprints."""
        settings = self._settings.find(tx, project.id)
        workflow = self._workflows.of(tx, project.id, project.workflow_id)
        fields = self._documents.custom_fields(tx, project.id)
        templates = self._own_templates(tx, project)
        of_people = frozenset(row[0] for row in fields if row[2] == FieldType.USER)
        sprints = self._documents.sprints(tx, project.id)
        called = Called(people=people, sprints=sprints_called((row[0], row[1]) for row in sprints))
        head = Head(
            exported_at=rfc3339(tx.now),
            project=ProjectPart.of(
                project, books_jobs=self._time_settings.find(tx, project.id).books_jobs
            ),
            kinds=self._kinds_of(tx, project, templates),
            workflow=None if project.workflow_id is None else WorkflowPart.of(workflow),
            board_settings=None
            if settings.id is None
            else known_statuses(settings.rules, workflow),
            labels=self._labels_of(tx, project, templates),
            custom_fields=tuple(_custom_field(row, people) for row in fields),
            templates=tuple(_template(one, called, of_people) for one in templates),
            sprints=self._sprints(tx, project, sprints, called),
        )
        return head, called

    def _own_templates(self, tx: Tx, project: Project) -> list[ItemTemplate]:
        """Return the templates of the project, whose labels stand by their names."""
        found = self._templates.page(tx, project_id=project.id, after=None, limit=templates_max)
        own = [one for one in found if one.project_id == project.id]
        ids = {name for one in own for each in sketches(one.root) for name in each.labels}
        shown = self._labels.shown(tx, {LabelId(id_) for id_ in ids if is_uuid(id_)})
        names = {str(id_): label.name for id_, label in shown.items()}
        return [structs.replace(one, root=_named(one.root, names)) for one in own]

    def _kinds_of(
        self, tx: Tx, project: Project, templates: Iterable[ItemTemplate]
    ) -> tuple[KindPart, ...]:
        kinds = self._kinds.of(tx, project.kinds_id)
        used = set(self._documents.item_types(tx, project.id))
        used |= {each.item_type for one in templates for each in sketches(one.root)}
        keys = _with_above(kinds, used)
        found = (kind for key in sorted(keys) if (kind := kinds.get(key)) is not None)
        return tuple(KindPart.of(kind) for kind in found)

    def _labels_of(
        self, tx: Tx, project: Project, templates: Iterable[ItemTemplate]
    ) -> tuple[LabelPart, ...]:
        parts = [_label(row) for row in self._documents.labels(tx, project.id)]
        known = {name_key(part.name) for part in parts}
        wanted = {name for one in templates for each in sketches(one.root) for name in each.labels}
        for label in self._labels.named(tx, sorted(wanted)):
            if label.project_id is None and name_key(label.name) not in known:
                row = (label.name, label.color, label.description, None)
                parts.append(_label(row))
        return tuple(sorted(parts, key=lambda part: (name_key(part.name), part.of_project)))

    def _sprints(
        self, tx: Tx, project: Project, rows: Sequence[Row], called: Called
    ) -> tuple[SprintPart, ...]:
        ledgers: dict[str, list[ScopePart]] = {}
        for sprint_id, *line in self._documents.ledger(tx, project.id):
            ledgers.setdefault(sprint_id, []).append(_scope(line, project.key))
        return tuple(_sprint(row, called, ledgers.get(row[0], ())) for row in rows)


def _with_above(kinds: Kinds, used: Iterable[str]) -> set[str]:
    """Return these kinds and all under which they may hang, near or far."""
    found: set[str] = set()
    left = list(used)
    while left:
        key = left.pop()
        if key not in found:
            found.add(key)
            left += kinds.parents_of(key)
    return found


def _named(sketch: Sketch, names: Mapping[str, str]) -> Sketch:
    return structs.replace(
        sketch,
        labels=tuple(names.get(label, label) for label in sketch.labels),
        children=tuple(_named(child, names) for child in sketch.children),
    )


def _template(template: ItemTemplate, called: Called, of_people: frozenset[str]) -> TemplatePart:
    return TemplatePart(
        name=template.name,
        description=template.description,
        item=_sketch(template.root, called.people, of_people),
    )


def _sketch(sketch: Sketch, people: People, of_people: frozenset[str]) -> SketchPart:
    def said(key: str, value: Given) -> Given:
        return people.name(value) if key in of_people and isinstance(value, str) else value

    return SketchPart(
        item_type=sketch.item_type,
        title=sketch.title,
        description=sketch.description,
        priority=sketch.priority,
        assignee=None if sketch.assignee_id is None else people.name(sketch.assignee_id),
        points=sketch.points,
        estimate_seconds=sketch.estimate_seconds,
        labels=sketch.labels,
        custom_fields={key: said(key, value) for key, value in sketch.custom_fields.items()},
        children=tuple(_sketch(child, people, of_people) for child in sketch.children),
    )


def _label(row: Row) -> LabelPart:
    name, color, description, owner = row
    return LabelPart(name=name, color=color, description=description, of_project=owner is not None)


def _custom_field(row: Row, people: People) -> CustomFieldPart:
    key, name, field_type, help_, is_required, default, rules, owner = row
    if default is not None and field_type == FieldType.USER:
        default = people.name(default)
    return CustomFieldPart(
        key=key,
        name=name,
        field_type=field_type,
        help=help_,
        is_required=bool(is_required),
        default=default,
        rules=msgspec.Raw(rules.encode()),
        of_project=owner is not None,
    )


def _scope(line: Row, project_key: str) -> ScopePart:
    at, number, kind, scope_count, scope_points, done_count, done_points = line
    return ScopePart(
        at=rfc3339(at),
        item=None if number is None else f"{project_key}-{number}",
        kind=kind,
        scope_count=scope_count,
        scope_points=scope_points,
        done_count=done_count,
        done_points=done_points,
    )


def _sprint(row: Row, called: Called, ledger: Sequence[ScopePart]) -> SprintPart:
    id_, name, goal, start, end, status, started_at, ended_at, snapshot = row
    return SprintPart(
        called=called.sprints[id_],
        name=name,
        goal=goal,
        start_date=date_of(start),
        end_date=date_of(end),
        status=status,
        started_at=rfc3339_or_none(started_at),
        ended_at=rfc3339_or_none(ended_at),
        ledger=tuple(ledger),
        report=None if snapshot is None else msgspec.json.decode(snapshot, type=Burndown),
    )
