"""Bodies of folders."""

from __future__ import annotations

from typing import Annotated, Self

from msgspec import Meta, field

from tidemill.core.clock import rfc3339
from tidemill.http import Body, PageView, View
from tidemill.jobs.folders.models import Folder, Level


class PutFolder(Body, frozen=True, kw_only=True):
    """Who may do what in the folder: `user:ID` or `role:member` and a level for each."""

    description: Annotated[str, Meta(max_length=2_000)] = ""
    grants: dict[str, Level] = field(default_factory=dict)


class FolderView(View, frozen=True, kw_only=True):
    """A folder and who may do what in it."""

    name: str
    description: str
    grants: dict[str, Level]
    version: int
    created_at: str
    created_by: str
    updated_at: str
    updated_by: str

    @classmethod
    def of(cls, folder: Folder) -> Self:
        """Return the view of `folder`."""
        return cls(
            name=folder.name,
            description=folder.description,
            grants=dict(folder.grants),
            version=folder.version,
            created_at=rfc3339(folder.created_at),
            created_by=folder.created_by,
            updated_at=rfc3339(folder.updated_at),
            updated_by=folder.updated_by,
        )


class FolderPage(PageView, frozen=True, kw_only=True):
    """A part of the list of folders, by name."""

    items: list[FolderView]
