"""What histories leave out: names of what lies in other projects.

Whoever may see an item need not see the project that it came from, nor the items of other projects
that it is joined to.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Final

from msgspec import structs

from tidemill.board.activities.models import Activity
from tidemill.board.contract import FieldChange
from tidemill.board.project_access.live.telling import JOB_FIELDS

UNSEEN_ITEM: Final = "an item of another project"
key_separator: Final = ", "
_KEYS: Final = frozenset(
    {"key", "blocks", "blocked_by", "relates_to", "duplicates", "duplicated_by"}
)
_IDS: Final = frozenset({"project_id", "parent_id", "sprint_id"})


def names_in(activity: Activity) -> frozenset[str]:
    """Return the keys of projects, and the ids of what is in projects, that an activity tells."""
    values = [one for one in (activity.old_value, activity.new_value) if one is not None]
    if activity.field in _IDS:
        return frozenset(values)
    if activity.field not in _KEYS:
        return frozenset()
    return frozenset(_project_key(key) for one in values for key in one.split(key_separator))


def masked(activity: Activity, hidden: Collection[str]) -> Activity:
    """Return an activity that tells none of the `hidden` keys of projects and ids."""
    if not names_in(activity).intersection(hidden):
        return activity
    old, new = (
        _masked(activity.field, value, hidden) for value in (activity.old_value, activity.new_value)
    )
    return structs.replace(activity, old_value=old, new_value=new)


def without_job(activity: Activity) -> Activity:
    """Return an activity that tells of no job."""
    if activity.field not in JOB_FIELDS:
        return activity
    return structs.replace(activity, old_value=None, new_value=None)


def within_project(changes: Collection[FieldChange], item_key: str) -> tuple[FieldChange, ...]:
    """Return changes of an item as all may hear them who see its project."""
    return tuple(_within(change, _project_key(item_key)) for change in changes)


def _within(change: FieldChange, project_key: str) -> FieldChange:
    if change.field_name not in _KEYS:
        return change
    keys = [*_keys(change.old_value), *_keys(change.new_value)]
    others = {_project_key(key) for key in keys} - {project_key}
    if not others:
        return change
    return structs.replace(
        change,
        old_value=_masked(change.field_name, change.old_value, others),
        new_value=_masked(change.field_name, change.new_value, others),
    )


def _masked(field: str, value: str | None, hidden: Collection[str]) -> str | None:
    if value is None:
        return None
    if field in _IDS:
        return None if value in hidden else value
    return key_separator.join(
        UNSEEN_ITEM if _project_key(key) in hidden else key for key in _keys(value)
    )


def _keys(value: str | None) -> list[str]:
    return value.split(key_separator) if value else []


def _project_key(item_key: str) -> str:
    return item_key.rpartition("-")[0]
