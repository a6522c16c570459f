"""How quick add looks on the wire."""

from __future__ import annotations

from typing import Annotated, Self

from msgspec import Meta

from tidemill.board.filters.models import Word
from tidemill.board.quick_add.models import Mark, Marked, chars_max
from tidemill.board.quick_add.understanding import Understood
from tidemill.board.work_items.models import Priority
from tidemill.board.work_items.schemas import ItemLabelView, PersonView, SprintView
from tidemill.http import Body, View


class QuickAdd(Body, frozen=True, kw_only=True):
    """One line that says a work item."""

    text: Annotated[
        str,
        Meta(
            min_length=1,
            max_length=chars_max,
            examples=["Fix the sluice #bug @ada !high ^fri ~3 >TM-4 sprint:current"],
        ),
    ]
    project_id: Annotated[
        str | None,
        Meta(description="The project's id or key, where the line or its parent names none."),
    ] = None
    description: str | None = None
    time_zone: Annotated[
        str | None,
        Meta(description="Whose days are meant, such as Europe/Berlin; your own by default."),
    ] = None


class NamedView(View, frozen=True, kw_only=True):
    """A project or an item by its id and key."""

    id: str
    key: str
    name: str


class MarkView(View, frozen=True, kw_only=True):
    """A mark of the line: what it says, its value, and the column where that begins, from 1."""

    mark: Mark
    text: str
    column: int

    @classmethod
    def of(cls, marked: Marked) -> Self:
        """Return the view of `marked`."""
        word: Word = marked.word
        return cls(mark=marked.mark, text=word.text, column=word.at)


class QuickPreviewView(View, frozen=True, kw_only=True):
    """What a line says; nothing is made of it. Dates are YYYY-MM-DD."""

    title: str
    item_type: str
    project: NamedView
    status: str
    priority: Priority
    parent: NamedView | None
    assignee: PersonView | None
    labels: list[ItemLabelView]
    sprint: SprintView | None
    points: int | None
    start_date: str | None
    due_date: str | None
    marks: list[MarkView]

    @classmethod
    def of(cls, said: Understood) -> Self:
        """Return the view of `said`."""
        parent, assignee, sprint = said.parent, said.assignee, said.sprint
        return cls(
            title=said.title,
            item_type=said.item_type,
            project=NamedView(id=said.project.id, key=said.project.key, name=said.project.name),
            status=said.status,
            priority=said.priority,
            parent=NamedView(id=parent.id, key=parent.key, name=parent.title) if parent else None,
            assignee=PersonView(id=assignee.id, name=assignee.name, avatar=assignee.avatar)
            if assignee
            else None,
            labels=[
                ItemLabelView(id=label.id, name=label.name, color=label.color)
                for label in said.labels
            ],
            sprint=SprintView(id=sprint.id, name=sprint.name) if sprint else None,
            points=said.points,
            start_date=str(said.start_date) if said.start_date else None,
            due_date=str(said.due_date) if said.due_date else None,
            marks=[MarkView.of(marked) for marked in said.draft.marks],
        )
