"""Every failure of the board."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from tidemill.board.contract import FieldChange
from tidemill.core.errors import Conflict, InvalidInput, NotFound, RuleViolation, TooLarge


class ProjectNotFound(NotFound):
    """There is no such project for this tenant, or it was deleted."""

    code = "PROJECT_NOT_FOUND"

    def __init__(self, reference: str, *, param: str | None = None) -> None:
        super().__init__(f"There is no project {shown(reference)}.", param=param)


class WorkItemNotFound(NotFound):
    """There is no such work item for this tenant, or it was deleted."""

    code = "WORK_ITEM_NOT_FOUND"

    def __init__(self, reference: str, *, param: str | None = None) -> None:
        super().__init__(f"There is no work item {shown(reference)}.", param=param)


class PlaceAmbiguous(InvalidInput):
    """Both neighbours of an item's new place were named."""

    code = "PLACE_AMBIGUOUS"

    def __init__(self) -> None:
        super().__init__(
            "Name the item that it shall follow, after_id, or the one that it shall precede, "
            "before_id; null is the start and the end of the project.",
            param="before_id",
        )


class WrongNeighbour(RuleViolation):
    """An item cannot stand next to itself, or to one of another project."""

    code = "WRONG_NEIGHBOUR"

    def __init__(self, param: str, key: str) -> None:
        super().__init__(
            f"{key} is the item itself or belongs to another project. "
            "Name another item of the same project.",
            param=param,
        )


class RankNeedsProject(InvalidInput):
    """Items are ranked within a project, so a list by rank is one of a project."""

    code = "RANK_NEEDS_PROJECT"

    def __init__(self) -> None:
        super().__init__(
            "Name the project, project_id, to list items by rank, without updated_since.",
            param="sort",
        )


class SortWithoutEffect(InvalidInput):
    """What was asked for comes in another order than by number."""

    code = "SORT_WITHOUT_EFFECT"

    def __init__(self) -> None:
        super().__init__(
            "Items come by number within one project: name it, project_id, without updated_since, "
            "and without parent_id, assignee_id or label unless they stand in a filter. Else leave "
            "sort out.",
            param="sort",
        )


class InvalidProjectKey(InvalidInput):
    """A project's key has another form than the numbers of its items need."""

    code = "INVALID_PROJECT_KEY"

    def __init__(self) -> None:
        super().__init__(
            "A project's key is 1 to 10 upper-case letters or digits and begins with a letter, "
            "such as TM.",
            param="key",
        )


class UnknownTimeZone(InvalidInput):
    """There is no time zone of this name."""

    code = "UNKNOWN_TIME_ZONE"

    def __init__(self, name: str) -> None:
        super().__init__(
            f"{shown(name)} is no time zone. Use a name such as Europe/Berlin or UTC.",
            param="time_zone",
        )


class ProjectKeyTaken(Conflict):
    """Another project of the tenant has this key; a deleted one keeps it too."""

    code = "PROJECT_KEY_TAKEN"

    def __init__(self, key: str) -> None:
        super().__init__(
            f"The key {key} belongs to another project, perhaps a deleted one, whose item numbers "
            "are never given twice. Choose another key or restore that project.",
            param="key",
        )


class ProjectIsArchived(Conflict):
    """The project is archived, so nothing in it changes."""

    code = "PROJECT_IS_ARCHIVED"

    def __init__(self, key: str) -> None:
        super().__init__(
            f"The project {key} is archived. Set its status to active to change its items."
        )


class WorkItemIsArchived(Conflict):
    """The item is archived, so nothing of it changes."""

    code = "WORK_ITEM_IS_ARCHIVED"

    def __init__(self, key: str, *, param: str | None = None) -> None:
        super().__init__(f"{key} is archived. Set its archived to false to change it.", param=param)


class ProjectChanged(Conflict):
    """Somebody changed the project since the version that the body expects."""

    code = "PROJECT_CHANGED"

    def __init__(self, expected: int, current: int) -> None:
        super().__init__(
            f"You changed version {expected}, and it is at version {current} now. Read it again.",
            param="expected_version",
            headers={"ETag": f'"v{current}"'},
        )


class WorkItemChanged(Conflict):
    """Somebody changed the item since the version that the body expects."""

    code = "WORK_ITEM_CHANGED"

    def __init__(self, expected: int, current: int) -> None:
        super().__init__(
            f"You changed version {expected}, and it is at version {current} now. Read it again.",
            param="expected_version",
            headers={"ETag": f'"v{current}"'},
        )


class EditConflict(Conflict):
    """Somebody changed the same fields since the version that the caller read."""

    code = "EDIT_CONFLICT"

    def __init__(self, fields: Sequence[FieldChange], base: int) -> None:
        told = "; ".join(
            f"{field.field_name} to {_quoted(field.old_value)}, "
            f"and you want {_quoted(field.new_value)}"
            for field in fields
        )
        super().__init__(
            f"Since version {base} somebody set {told}. Read the item again and decide.",
            param=fields[0].field_name,
        )


class InvalidText(InvalidInput):
    """A text of a project or work item is empty, too long or holds control characters."""

    code = "INVALID_TEXT"

    def __init__(self, param: str, problem: str) -> None:
        super().__init__(f"{param}: {problem}", param=param)


class InvalidReference(InvalidInput):
    """An id in the request is neither a UUID nor a key such as TM-12."""

    code = "INVALID_REFERENCE"

    def __init__(self, param: str, wanted: str) -> None:
        super().__init__(f"{param} must be {wanted}.", param=param)


class ProjectMissing(InvalidInput):
    """A new item names neither its project nor a parent from which the project follows."""

    code = "PROJECT_MISSING"

    def __init__(self) -> None:
        super().__init__(
            "Name the project in project_id, or a parent in parent_id.", param="project_id"
        )


class NullNotAllowed(InvalidInput):
    """A field that cannot be empty was set to null."""

    code = "NULL_NOT_ALLOWED"

    def __init__(self, param: str) -> None:
        super().__init__(f"{param} cannot be null; leave it out to keep it.", param=param)


class UnknownStatus(InvalidInput):
    """The project's workflow has no such status."""

    code = "UNKNOWN_STATUS"

    def __init__(self, status: str, known: Iterable[str]) -> None:
        super().__init__(
            f"{shown(status)} is no status of this project. Use one of: {', '.join(known)}.",
            param="status",
        )


class StatusTransitionForbidden(RuleViolation):
    """The workflow does not lead from the item's status to the wanted one."""

    code = "STATUS_TRANSITION_FORBIDDEN"

    def __init__(self, old: str, new: str, allowed: Iterable[str]) -> None:
        super().__init__(
            f"An item cannot go from {old} to {new}. From {old} it can go to: "
            f"{', '.join(allowed) or 'no other status'}.",
            param="status",
        )


class ProjectIsNotAWorkItem(RuleViolation):
    """A work item does not become a project."""

    code = "PROJECT_IS_NOT_A_WORK_ITEM"

    def __init__(self) -> None:
        super().__init__(
            "A work item does not become a project. Make one, by POST /api/v1/projects or by "
            "POST /api/v1/work-items with item_type project, and transfer the item into it.",
            param="item_type",
        )


class NotOfProjects(InvalidInput):
    """Projects have no such field, though they can be made and listed as work items."""

    code = "NOT_OF_PROJECTS"

    def __init__(self, param: str) -> None:
        super().__init__(
            f"{param}: projects have none. With item_type project there are title, description, "
            "project_key, and lists by status.",
            param=param,
        )


class NotOfItems(InvalidInput):
    """A field of projects was given for a work item."""

    code = "NOT_OF_ITEMS"

    def __init__(self, param: str) -> None:
        super().__init__(f"{param}: projects alone have one. Leave it out.", param=param)


class WrongParent(RuleViolation):
    """The hierarchy does not allow this parent."""

    code = "WRONG_PARENT"

    def __init__(self, problem: str) -> None:
        super().__init__(problem, param="parent_id")


class AssigneeNotMember(RuleViolation):
    """The assignee is no active member of the tenant."""

    code = "ASSIGNEE_NOT_MEMBER"

    def __init__(self, assignee: str) -> None:
        super().__init__(
            f"{shown(assignee)} is the id of no active member. `tidemill members list` tells ids.",
            param="assignee_id",
        )


class NotPlannable(RuleViolation):
    """The sprints of this tenant do not take items of this type."""

    code = "NOT_PLANNABLE"

    def __init__(self, item_type: str, types: Iterable[str]) -> None:
        super().__init__(
            f"Sprints take items of the types {', '.join(types)}; plan the parts of this "
            f"{item_type} instead, or change the setting board.sprint_item_types.",
            param="sprint_id",
        )


class InvalidPoints(InvalidInput):
    """Points are whole numbers within limits."""

    code = "INVALID_POINTS"

    def __init__(self, points_max: int) -> None:
        super().__init__(f"points must be a whole number from 0 to {points_max}.", param="points")


class DatesOutOfOrder(RuleViolation):
    """An item would be due before it starts."""

    code = "DATES_OUT_OF_ORDER"

    def __init__(self, start: str, due: str) -> None:
        super().__init__(
            f"The item would start on {start} and be due on {due}. "
            "Choose a due_date that is not before the start_date.",
            param="due_date",
        )


class DeleteBlocked(Conflict):
    """The item still has children."""

    code = "DELETE_BLOCKED"

    def __init__(self, key: str) -> None:
        super().__init__(f"{key} has children. Delete them or give them another parent first.")


class ParentIsDeleted(Conflict):
    """A deleted item cannot come back below a parent that is deleted itself."""

    code = "PARENT_IS_DELETED"

    def __init__(self, key: str) -> None:
        super().__init__(f"The parent of {key} is deleted. Restore the parent first.")


class ImportUnreadable(InvalidInput):
    """The file, or its mapping, is not of the form that was named, or holds no titles."""

    code = "IMPORT_UNREADABLE"


class ImportTooLarge(TooLarge):
    """The file has more bytes or rows than one import takes."""

    code = "IMPORT_TOO_LARGE"


def _quoted(value: str | None) -> str:
    return "nothing" if value is None else f'"{shown(value)}"'


def shown(text: str, length_max: int = 80) -> str:
    """Return `text` as messages may repeat it: printable and short."""
    printable = "".join(char if char.isprintable() else "�" for char in text)
    return printable if len(printable) <= length_max else f"{printable[: length_max - 1]}…"
