"""What the frame of a document makes here: of kinds, workflow, fields, templates and sprints."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial

import msgspec
from msgspec import structs

from tidemill.board.board_settings.models import Rules as BoardRules
from tidemill.board.board_settings.models import valid_rules
from tidemill.board.contract import ProjectId, SprintId
from tidemill.board.custom_field_errors import InvalidCustomField
from tidemill.board.custom_field_facts import CustomFieldId
from tidemill.board.custom_fields import models as fields
from tidemill.board.custom_fields.models import CustomField, FieldType, Given, check_rules
from tidemill.board.custom_fields.values import valid_bound
from tidemill.board.errors import InvalidProjectKey
from tidemill.board.item_kinds.models import ItemKind, Kinds, check_together
from tidemill.board.item_templates import models as templates
from tidemill.board.item_templates.models import Sketch
from tidemill.board.kind_changes.models import NewItemKind, new_kind, with_changed
from tidemill.board.labels import models as labels
from tidemill.board.limits import BoardLimits
from tidemill.board.project_access.models import ProjectVisibility
from tidemill.board.project_documents.parts import (
    CustomFieldPart,
    KindPart,
    LabelPart,
    SketchPart,
    SprintPart,
    TemplatePart,
    WorkflowPart,
)
from tidemill.board.project_imports.models import Known, WrongPart
from tidemill.board.project_imports.planned import (
    PlannedFrame,
    PlannedSprint,
    PlannedTemplate,
    World,
)
from tidemill.board.project_imports.reading import Frame
from tidemill.board.project_imports.trying import Trying
from tidemill.board.projects.models import (
    ProjectStatus,
    project_description,
    project_name,
    project_time_zone,
)
from tidemill.board.sprint_scope.models import ScopeEvent, ScopeKind
from tidemill.board.sprints.models import NewSprint, Sprint, SprintStatus, new_sprint
from tidemill.board.texts import is_project_key, item_key, name_key
from tidemill.board.workflow_changes.models import NewWorkflow, Rule, new_workflow
from tidemill.board.workflows.models import DEFAULT_WORKFLOW, Guard, Workflow
from tidemill.core.clock import Instant

_NOBODY = Instant(0)


class FramePlanner:
    """Decides what becomes of a frame in a tenant."""

    def __init__(
        self, frame: Frame, world: World, who: Mapping[str, Known], limits: BoardLimits
    ) -> None:
        self._frame = frame
        self._world = world
        self._who = who
        self._limits = limits
        self.wrong: list[WrongPart] = []

    def plan(self, key: str | None) -> PlannedFrame:
        """Return what is made; what is wrong is in `wrong`."""
        frame, limits = self._frame, self._limits
        trying = Trying("project")
        said = frame.project
        name = trying.take("name", lambda: project_name(said.name, limits), "a name")
        about = trying.take(
            "description", lambda: project_description(said.description, limits), "a text"
        )
        zone = trying.take("time_zone", lambda: project_time_zone(said.time_zone), "a time zone")
        if said.status not in set(ProjectStatus):
            trying.refuse("status", said.status, "there is no such status.", "active or archived")
        if said.visibility not in set(ProjectVisibility):
            trying.refuse("visibility", said.visibility, "nobody knows it.", "tenant or private")
        wanted = key or said.key
        if not is_project_key(wanted):
            trying.refuse("key", wanted, InvalidProjectKey().message, "a key such as TM")
        self.wrong += trying.wrong()
        kinds, made, changed = self._kinds()
        workflow = self._workflow(frame.workflow)
        custom_fields, of_project = self._custom_fields()
        return PlannedFrame(
            key=wanted,
            name=name or "",
            description=about,
            time_zone=zone or "UTC",
            # Whatever is wrong with it, it does not open a project to the tenant.
            visibility=ProjectVisibility.TENANT
            if said.visibility == ProjectVisibility.TENANT
            else ProjectVisibility.PRIVATE,
            is_archived=said.status == ProjectStatus.ARCHIVED,
            books_jobs=said.books_jobs,
            next_item_number=said.next_item_number,
            kinds=kinds,
            kinds_made=made,
            kinds_changed=changed,
            kinds_retired=frozenset(part.key for part in frame.kinds if part.retired),
            workflow=workflow,
            has_own_workflow=frame.workflow is not None,
            board_rules=self._board_rules(workflow),
            labels=tuple(map(self._label, range(len(frame.labels)))),
            custom_fields=custom_fields,
            fields_of_project=of_project,
            templates=self._templates(kinds),
            sprints=self._sprints(),
        )

    def _kinds(self) -> tuple[Kinds, list[ItemKind], list[ItemKind]]:
        """Return all kinds with those of the document; no kind that is here loses anything."""
        kinds, made = self._world.kinds, list[ItemKind]()
        parts = {part.key: part for part in self._frame.kinds}
        for place, part in enumerate(self._frame.kinds):
            if kinds.get(part.key) is not None:
                continue
            trying = Trying(f"kinds[{place}]", part.key)
            kind = trying.take("key", partial(_kind, part, kinds), "a kind as people make")
            self.wrong += trying.wrong()
            if kind is not None:
                kinds = with_changed(kinds, kind)
                made.append(kind)
        known = [(kind, parts[kind.key]) for kind in kinds if kind.key in parts]
        changed = [wider for kind, said in known if (wider := _wider(kind, said)) != kind]
        kinds = with_changed(kinds, *changed)
        keys = {kind.key for kind in made}
        made = [kind for kind in kinds if kind.key in keys]
        trying = Trying("kinds")
        trying.take("parents", lambda: check_together(kinds), "kinds that fit those that are here")
        self.wrong += trying.wrong()
        return kinds, made, [kind for kind in changed if kind.key not in keys]

    def _workflow(self, part: WorkflowPart | None) -> Workflow:
        if part is None:
            return DEFAULT_WORKFLOW
        trying = Trying("workflow")
        found = trying.take(
            "statuses", lambda: new_workflow(_wanted(part), DEFAULT_WORKFLOW), "a workflow"
        )
        self.wrong += trying.wrong()
        return found or DEFAULT_WORKFLOW

    def _board_rules(self, workflow: Workflow) -> BoardRules | None:
        rules = self._frame.board_settings
        if rules is None:
            return None
        trying = Trying("board_settings")
        found = trying.take("columns", lambda: valid_rules(rules, workflow), "board settings")
        self.wrong += trying.wrong()
        return found

    def _label(self, place: int) -> LabelPart:
        part, limits = self._frame.labels[place], self._limits
        trying = Trying(f"labels[{place}]", part.name)
        name = trying.take("name", lambda: labels.valid_name(part.name, limits), "a name")
        color = trying.take("color", lambda: labels.valid_color(part.color), "#rrggbb")
        about = trying.take(
            "description", lambda: labels.valid_description(part.description, limits), "a text"
        )
        twins = (one for one in self._frame.labels[:place] if one.of_project == part.of_project)
        if any(name_key(one.name) == name_key(part.name) for one in twins):
            trying.refuse("name", part.name, "another label has this name.", "a name of its own")
        self.wrong += trying.wrong()
        return structs.replace(
            part, name=name or part.name, color=color or part.color, description=about
        )

    def _custom_fields(self) -> tuple[dict[str, CustomField], frozenset[str]]:
        found: dict[str, CustomField] = {}
        of_project: set[str] = set()
        for place, part in enumerate(self._frame.custom_fields):
            trying = Trying(f"custom_fields[{place}]", part.key)
            here = [one for one in self._world.custom_fields if one.key == part.key]
            shared = next((one for one in here if one.project_id is None), None)
            field = trying.take("key", partial(self._field, part), "a custom field")
            if part.key in found:
                trying.refuse("key", part.key, "another field has this key.", "a key of its own")
            if shared is not None and shared.field_type != part.field_type:
                told = f"the field of all projects here is a {shared.field_type} field."
                trying.refuse("field_type", part.field_type, told, "the same type, or another key")
            self.wrong += trying.wrong()
            if field is not None:
                found[part.key] = shared or field
            # Where another project has the key, all projects cannot have it.
            if shared is None and (part.of_project or here):
                of_project.add(part.key)
        return found, frozenset(of_project)

    def _field(self, part: CustomFieldPart) -> CustomField:
        try:
            field_type = FieldType(part.field_type)
            rules = msgspec.json.decode(part.rules, type=fields.Rules)
        except (ValueError, msgspec.MsgspecError) as error:
            raise InvalidCustomField("rules", "they cannot be read.") from error
        check_rules(field_type, rules)
        given = tuple(
            fields.GivenChoice(name=one.name, id=one.id, color=one.color, is_retired=one.is_retired)
            for one in rules.choices
        )
        choices = fields.valid_choices(field_type, given)
        default = part.default
        if default is not None and field_type is FieldType.USER:
            default = self._who[default].id
        return CustomField(
            id=CustomFieldId(""),
            project_id=None,
            key=fields.valid_key(part.key),
            name=fields.valid_name(part.name),
            field_type=field_type,
            help=fields.valid_help(part.help),
            is_required=part.is_required,
            default=default,
            rules=structs.replace(
                rules,
                minimum=valid_bound(field_type, rules.minimum, param="minimum"),
                maximum=valid_bound(field_type, rules.maximum, param="maximum"),
                choices=choices,
            ),
            version=1,
            created_at=_NOBODY,
            created_by="",
            updated_at=_NOBODY,
            updated_by="",
        )

    def _templates(self, kinds: Kinds) -> list[PlannedTemplate]:
        found = list[PlannedTemplate]()
        for place, part in enumerate(self._frame.templates):
            trying = Trying(f"templates[{place}]", part.name)
            if any(name_key(one.name) == name_key(part.name) for one in found):
                told = "another template has this name."
                trying.refuse("name", part.name, told, "a name of its own")
            made = trying.take("item", partial(self._template, part, kinds), "a template")
            self.wrong += trying.wrong()
            if made is not None:
                found.append(made)
        return found

    def _template(self, part: TemplatePart, kinds: Kinds) -> PlannedTemplate:
        return PlannedTemplate(
            name=templates.valid_name(part.name),
            description=templates.valid_about(part.description, self._limits),
            root=templates.valid_root(self._sketch(part.item), kinds, self._limits),
        )

    def _sketch(self, part: SketchPart) -> Sketch:
        keys = {one.key for one in self._frame.custom_fields if one.field_type == FieldType.USER}

        def meant(key: str, value: Given) -> Given:
            return self._who[value].id if key in keys and isinstance(value, str) else value

        return Sketch(
            item_type=part.item_type,
            title=part.title,
            description=part.description,
            priority=part.priority,
            assignee_id=None if part.assignee is None else self._who[part.assignee].id,
            points=part.points,
            estimate_seconds=part.estimate_seconds,
            labels=part.labels,
            custom_fields={key: meant(key, value) for key, value in part.custom_fields.items()},
            children=tuple(map(self._sketch, part.children)),
        )

    def _sprints(self) -> list[PlannedSprint]:
        found, called = [], set[str]()
        for place, part in enumerate(self._frame.sprints):
            trying = Trying(f"sprints[{place}]", part.called)
            if part.called in called:
                trying.refuse("called", part.called, "another sprint is called so.", "its id")
            called.add(part.called)
            if part.status not in set(SprintStatus):
                trying.refuse("status", part.status, "there is no such status.", "a status")
            sprint = trying.take("name", partial(self._sprint, part), "a sprint")
            if sprint is not None:
                sprint = structs.replace(
                    sprint,
                    status=part.status,
                    started_at=trying.instant_or_none("started_at", part.started_at),
                    ended_at=trying.instant_or_none("ended_at", part.ended_at),
                )
                ledger = _ledger(part, trying)
                found.append(PlannedSprint(called=part.called, sprint=sprint, ledger=ledger))
            self.wrong += trying.wrong()
        return found

    def _sprint(self, part: SprintPart) -> Sprint:
        new = NewSprint(
            project="",
            name=part.name,
            goal=part.goal,
            start_date=part.start_date,
            end_date=part.end_date,
        )
        sprint = new_sprint(new, (SprintId(""), ProjectId("")), (_NOBODY, ""), self._limits)
        report = None if part.report is None else msgspec.json.encode(part.report).decode()
        return structs.replace(sprint, snapshot=report)


def _kind(part: KindPart, kinds: Kinds) -> ItemKind:
    kind = new_kind(
        NewItemKind(key=part.key, name=part.name, color=part.color, icon=part.icon), kinds
    )
    # Parents come when all kinds are there.
    return structs.replace(kind, top_level=part.top_level, in_sprints=part.in_sprints)


def _wider(kind: ItemKind, part: KindPart) -> ItemKind:
    parents = dict.fromkeys((*kind.parents, *part.parents))
    return structs.replace(kind, parents=tuple(parents), top_level=kind.top_level or part.top_level)


def _wanted(part: WorkflowPart) -> NewWorkflow:
    rules = part.transitions
    return NewWorkflow(
        statuses=part.statuses,
        initial=part.initial,
        rules=None
        if rules is None
        else tuple(
            Rule(
                source=one.from_,
                targets=one.to,
                guards=tuple(Guard(type=g.type, field=g.field, role=g.role) for g in one.guards),
            )
            for one in rules
        ),
    )


def _ledger(part: SprintPart, trying: Trying) -> list[tuple[int | None, ScopeEvent]]:
    found = []
    kinds = set(ScopeKind)
    for place, line in enumerate(part.ledger):
        key = None if line.item is None else item_key(line.item)
        if line.kind not in kinds:
            trying.refuse(f"ledger[{place}].kind", line.kind, "there is no such line.", "a kind")
            continue
        event = ScopeEvent(
            sprint_id=SprintId(""),
            kind=ScopeKind(line.kind),
            scope_count=line.scope_count,
            scope_points=line.scope_points,
            done_count=line.done_count,
            done_points=line.done_points,
            at=trying.instant(f"ledger[{place}].at", line.at),
        )
        found.append((None if key is None else key[1], event))
    return found
