"""HTTP of folders."""

from __future__ import annotations

from typing import Any

from litestar.connection import Request

from tidemill.core.actor import Actor
from tidemill.core.pages import PageRequest
from tidemill.http import Tagged, composed, delete, get, put
from tidemill.jobs.folders.schemas import FolderPage, FolderView, PutFolder
from tidemill.jobs.folders.service import FolderService
from tidemill.jobs.permissions import READ_FOLDERS, WRITE_FOLDERS


@get("/folders", READ_FOLDERS)
async def list_folders(page: PageRequest, actor: Actor, folders: FolderService) -> FolderPage:
    """List the folders that one may see, by name."""
    found = await folders.list(page, actor=actor)
    return FolderPage(
        items=[FolderView.of(folder) for folder in found.items], next_cursor=found.next_cursor
    )


@get("/folders/{name:str}", READ_FOLDERS)
async def get_folder(
    name: str, actor: Actor, folders: FolderService, request: Request[Any, Any, Any]
) -> Tagged[FolderView]:
    """Read a folder: who may do what with things at `f/NAME/…`."""
    folder = await folders.get(name, actor=actor)
    return composed(
        FolderView.of(folder), version=folder.version, request=request, born=folder.created_at
    )


@put("/folders/{name:str}", WRITE_FOLDERS)
async def put_folder(
    *,
    name: str,
    data: PutFolder,
    actor: Actor,
    expected_version: int | None,
    folders: FolderService,
    request: Request[Any, Any, Any],
) -> Tagged[FolderView]:
    """Make a folder (admins), or change who may do what in it (its owners)."""
    folder = await folders.put(
        name,
        description=data.description,
        grants=data.grants,
        expected_version=expected_version,
        actor=actor,
    )
    return composed(
        FolderView.of(folder), version=folder.version, request=request, born=folder.created_at
    )


@delete("/folders/{name:str}", WRITE_FOLDERS)
async def delete_folder(
    name: str, actor: Actor, expected_version: int | None, folders: FolderService
) -> None:
    """Delete a folder in which nothing is left."""
    await folders.delete(name, expected_version=expected_version, actor=actor)


ROUTES = (list_folders, get_folder, put_folder, delete_folder)
