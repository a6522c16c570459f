"""A project and its rules."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from enum import StrEnum
from typing import Final

import msgspec
from msgspec import UNSET, Struct, UnsetType

from tidemill.board.contract import FieldChange, ProjectId, ProjectState
from tidemill.board.errors import InvalidProjectKey, NullNotAllowed
from tidemill.board.limits import BoardLimits
from tidemill.board.project_access.models import ProjectVisibility
from tidemill.board.texts import is_project_key, many_lines, single_line
from tidemill.board.zones import zone_named
from tidemill.core.clock import Instant

_made_key_chars_max: Final = 4
_made_key_words_min: Final = 2
_made_keys_max: Final = 1000


class ProjectStatus(StrEnum):
    """Archived projects can be read; nothing in them changes."""

    ACTIVE = "active"
    ARCHIVED = "archived"


class Project(Struct, frozen=True):
    """A project, in the order of its columns."""

    id: ProjectId
    key: str
    name: str
    description: str | None
    next_item_number: int
    version: int
    created_at: Instant
    created_by: str
    updated_at: Instant
    updated_by: str
    archived_at: Instant | None = None
    deleted_at: Instant | None = None
    time_zone: str = "UTC"
    workflow_id: str | None = None
    kinds_id: str | None = None
    visibility: str = ProjectVisibility.TENANT.value

    @property
    def status(self) -> ProjectStatus:
        """Return whether the project is active or archived."""
        return ProjectStatus.ACTIVE if self.archived_at is None else ProjectStatus.ARCHIVED

    def state(self) -> ProjectState:
        """Return what facts carry of the project."""
        return ProjectState(
            id=self.id,
            key=self.key,
            title=self.name,
            description=self.description,
            status=self.status,
            version=self.version,
            next_work_item_number=self.next_item_number,
            created_at=self.created_at,
            created_by=self.created_by,
            updated_at=self.updated_at,
            updated_by=self.updated_by,
            deleted_at=self.deleted_at,
            visibility=self.visibility,
        )


class ProjectChanges(Struct, frozen=True, kw_only=True):
    """What shall change; what is unset stays."""

    name: str | UnsetType | None = UNSET
    description: str | UnsetType | None = UNSET
    status: ProjectStatus | UnsetType | None = UNSET
    time_zone: str | UnsetType | None = UNSET
    visibility: ProjectVisibility | UnsetType | None = UNSET


class Stamp(Struct, frozen=True, kw_only=True):
    """When something was changed, and by whom."""

    at: Instant
    by: str


def new_project(
    id_: ProjectId,
    fields: tuple[str, str, str | None],
    stamp: Stamp,
    limits: BoardLimits,
    visibility: ProjectVisibility = ProjectVisibility.TENANT,
) -> Project:
    """Return a project of `fields`: key, name and description.

    Raises `InvalidProjectKey` and `InvalidText`.
    """
    key, name, description = fields
    if not is_project_key(key):
        raise InvalidProjectKey
    return Project(
        id=id_,
        key=key,
        name=project_name(name, limits),
        description=project_description(description, limits),
        next_item_number=1,
        version=1,
        created_at=stamp.at,
        created_by=stamp.by,
        updated_at=stamp.at,
        updated_by=stamp.by,
        visibility=visibility.value,
    )


def keys_for(name: str) -> Iterator[str]:
    """Return keys that a project of this name may have, the best one first.

    They are made of the initials of its words, or of the beginning of its one word.
    """
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode().upper()
    words = re.findall(r"[A-Z][A-Z0-9]*", plain)
    key = "".join(word[0] for word in words)[:_made_key_chars_max]
    if len(words) < _made_key_words_min:
        key = "".join(words)[:_made_key_chars_max]
    key = key or "P"
    yield key
    yield from (f"{key}{number}" for number in range(2, _made_keys_max))


def changed(
    project: Project, changes: ProjectChanges, stamp: Stamp, limits: BoardLimits
) -> Project:
    """Return `project` with `changes`; the same object when nothing differs.

    Raises `NullNotAllowed` and `InvalidText`.
    """
    name, description, archived_at = project.name, project.description, project.archived_at
    time_zone, visibility = project.time_zone, project.visibility
    for param in ("name", "status", "time_zone", "visibility"):
        if getattr(changes, param) is None:
            raise NullNotAllowed(param)
    if isinstance(changes.name, str):
        name = project_name(changes.name, limits)
    if changes.description is not UNSET:
        description = project_description(changes.description, limits)
    if isinstance(changes.time_zone, str):
        time_zone = project_time_zone(changes.time_zone)
    if isinstance(changes.visibility, ProjectVisibility):
        visibility = changes.visibility.value
    if changes.status is not UNSET and changes.status is not project.status:
        archived_at = stamp.at if changes.status is ProjectStatus.ARCHIVED else None
    wanted = msgspec.structs.replace(
        project,
        name=name,
        description=description,
        archived_at=archived_at,
        time_zone=time_zone,
        visibility=visibility,
    )
    return project if wanted == project else stamped(wanted, stamp)


def stamped(project: Project, stamp: Stamp) -> Project:
    """Return the next version of `project`."""
    return msgspec.structs.replace(
        project, version=project.version + 1, updated_at=stamp.at, updated_by=stamp.by
    )


def differences(old: Project, new: Project) -> tuple[FieldChange, ...]:
    """Return which fields that people can set differ."""
    return tuple(
        FieldChange(field_name=field, old_value=before, new_value=after)
        for field, before, after in (
            ("name", old.name, new.name),
            ("description", old.description, new.description),
            ("status", old.status.value, new.status.value),
            ("time_zone", old.time_zone, new.time_zone),
            ("visibility", old.visibility, new.visibility),
        )
        if before != after
    )


def project_name(text: str, limits: BoardLimits) -> str:
    """Return a valid name; raises `InvalidText`."""
    return single_line(text, param="name", chars_max=limits.project_name_chars_max)


def project_description(text: str | None, limits: BoardLimits) -> str | None:
    """Return a valid description; raises `InvalidText`."""
    return many_lines(text, param="description", chars_max=limits.description_chars_max)


def project_time_zone(name: str) -> str:
    """Return the name of a time zone that is known here; raises `UnknownTimeZone`."""
    return zone_named(name).key
