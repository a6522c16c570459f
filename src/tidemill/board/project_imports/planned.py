"""What a tenant has that a document names, and the frame that is planned from both."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from msgspec import Struct

from tidemill.board.board_settings.models import Rules as BoardRules
from tidemill.board.custom_fields.models import CustomField
from tidemill.board.item_kinds.models import ItemKind, Kinds
from tidemill.board.item_templates.models import Sketch
from tidemill.board.project_access.models import ProjectVisibility
from tidemill.board.project_documents.parts import LabelPart
from tidemill.board.sprint_scope.models import ScopeEvent
from tidemill.board.sprints.models import Sprint
from tidemill.board.workflows.models import Workflow


class World(Struct, frozen=True, kw_only=True):
    """What the tenant has of what the document names: its kinds, and fields with these keys."""

    kinds: Kinds
    custom_fields: Sequence[CustomField]


class PlannedSprint(Struct, frozen=True, kw_only=True):
    """A sprint, whose ids and author are not known yet, and its ledger by numbers of items."""

    called: str
    sprint: Sprint
    ledger: Sequence[tuple[int | None, ScopeEvent]]


class PlannedTemplate(Struct, frozen=True, kw_only=True):
    """A template of the project's own."""

    name: str
    description: str | None
    root: Sketch


class PlannedFrame(Struct, frozen=True, kw_only=True):
    """The frame as it will be. Fields that are made have no id yet."""

    key: str
    name: str
    description: str | None
    time_zone: str
    visibility: ProjectVisibility
    is_archived: bool
    books_jobs: bool
    next_item_number: int
    kinds: Kinds
    kinds_made: Sequence[ItemKind]
    kinds_changed: Sequence[ItemKind]
    kinds_retired: frozenset[str]
    workflow: Workflow
    has_own_workflow: bool
    board_rules: BoardRules | None
    labels: Sequence[LabelPart]
    custom_fields: Mapping[str, CustomField]
    fields_of_project: frozenset[str]
    templates: Sequence[PlannedTemplate]
    sprints: Sequence[PlannedSprint]
