"""What one can do with views."""

from __future__ import annotations

from msgspec import structs

from tidemill.board.contract import (
    ProjectId,
    ViewCreated,
    ViewDeleted,
    ViewId,
    ViewUpdated,
)
from tidemill.board.errors import ProjectNotFound
from tidemill.board.filter_errors import TooManyViews, ViewNotFound
from tidemill.board.filters.parsing import parse
from tidemill.board.limits import BoardLimits
from tidemill.board.listing.models import Selection
from tidemill.board.listing.service import check_selection
from tidemill.board.project_access.database import WalledDatabase
from tidemill.board.projects.repository import ProjectRepository
from tidemill.board.texts import is_uuid
from tidemill.board.views.models import (
    NewView,
    View,
    ViewChanges,
    changed,
    person_of,
    valid_name,
    views_per_owner_max,
)
from tidemill.board.views.repository import ViewRepository
from tidemill.board.work_items.labelling.service import Labelling
from tidemill.board.work_items.models import WorkItemFilter
from tidemill.core.actor import Actor
from tidemill.core.keysets import after_text
from tidemill.core.pages import Page, PageRequest, page_of
from tidemill.core.ports import Database, Once, Tx
from tidemill.http import check_version


class ViewService:
    """Use cases of views. Who does not see a view is told that there is none."""

    def __init__(self, tenants: Database, limits: BoardLimits) -> None:
        self._tenants = WalledDatabase(tenants)
        self._labelling = Labelling(limits)
        self._views = ViewRepository()
        self._projects = ProjectRepository()

    async def create(self, new: NewView, *, actor: Actor, once: Once[View] | None = None) -> View:
        """Keep a filter; raises `InvalidFilter`, `ProjectNotFound` and `TooManyViews`."""
        name = valid_name(new.name)

        def use_case(tx: Tx) -> View:
            person = person_of(actor)
            if self._views.count_of(tx, person) >= views_per_owner_max:
                raise TooManyViews(views_per_owner_max)
            view = View(
                id=ViewId(tx.new_id()),
                project_id=self._project(tx, new.project),
                name=name,
                filter=new.filter,
                owner_id=person,
                shared_at=tx.now if new.is_shared else None,
                version=1,
                created_at=tx.now,
                updated_at=tx.now,
                updated_by=person,
            )
            check_selection(tx, selection_of(view), actor, self._labelling)
            self._views.add(tx, view)
            if view.is_shared:
                tx.record(ViewCreated(view_id=view.id, project_id=view.project_id), by=actor)
            _audit(tx, "create", view, by=actor, after=view)
            return view

        return await self._tenants.write(actor, use_case, once=once)

    async def get(self, view_id: str, *, actor: Actor) -> View:
        """Return a view; raises `ViewNotFound`."""
        return await self._tenants.read(actor, lambda tx: self._seen(tx, view_id, actor))

    async def list(self, page: PageRequest, *, project: str | None, actor: Actor) -> Page[View]:
        """Return shared views and one's own, oldest first; raises `ProjectNotFound`."""
        after = after_text(page) or ""

        def use_case(tx: Tx) -> list[View]:
            project_id = self._project(tx, project)
            limit = page.limit_plus_one
            return self._views.page(tx, person_of(actor), project_id, after=after, limit=limit)

        views = await self._tenants.read(actor, use_case)
        return page_of(views, page, lambda view: (view.id,))

    async def change(
        self,
        view_id: str,
        changes: ViewChanges,
        expected_version: int | None,
        *,
        actor: Actor,
        once: Once[View] | None = None,
    ) -> View:
        """Change a view; raises `ViewNotOwn`, `VersionChanged` and `InvalidFilter`."""

        def use_case(tx: Tx) -> View:
            view = self._changeable(tx, view_id, expected_version, actor)
            wanted = changed(view, changes, at=tx.now)
            if wanted == view:
                return view
            if wanted.filter != view.filter:
                check_selection(tx, selection_of(wanted), actor, self._labelling)
            saved = structs.replace(
                wanted, version=view.version + 1, updated_at=tx.now, updated_by=person_of(actor)
            )
            if not self._views.save(tx, saved):
                raise ViewNotFound(view_id)
            if view.is_shared or saved.is_shared:
                tx.record(ViewUpdated(view_id=view.id, project_id=view.project_id), by=actor)
            _audit(tx, "update", view, by=actor, before=view, after=saved)
            return saved

        return await self._tenants.write(actor, use_case, once=once)

    async def delete(self, view_id: str, expected_version: int | None, *, actor: Actor) -> None:
        """Delete a view; raises `ViewNotOwn` and `VersionChanged`."""

        def use_case(tx: Tx) -> None:
            view = self._changeable(tx, view_id, expected_version, actor)
            self._views.remove(tx, view.id)
            if view.is_shared:
                tx.record(ViewDeleted(view_id=view.id, project_id=view.project_id), by=actor)
            _audit(tx, "delete", view, by=actor, before=view)

        await self._tenants.write(actor, use_case)

    def _changeable(self, tx: Tx, view_id: str, expected_version: int | None, actor: Actor) -> View:
        view = self._seen(tx, view_id, actor, lock=True)
        view.check_changeable_by(actor)
        check_version(view.version, expected_version)
        return view

    def _seen(self, tx: Tx, view_id: str, actor: Actor, *, lock: bool = False) -> View:
        view = self._views.find(tx, view_id, lock=lock) if is_uuid(view_id) else None
        if view is None or not view.is_seen_by(actor):
            raise ViewNotFound(view_id)
        return view

    def _project(self, tx: Tx, reference: str | None) -> ProjectId | None:
        if reference is None:
            return None
        project = self._projects.find(tx, reference)
        if project is None or project.deleted_at is not None:
            raise ProjectNotFound(reference, param="project_id")
        return project.id


def selection_of(view: View) -> Selection:
    """Return what `view` lists; raises `InvalidFilter` when that cannot be read any more."""
    return Selection(
        parameters=WorkItemFilter(project_id=view.project_id), filter=parse(view.filter)
    )


def _audit(
    tx: Tx, verb: str, view: View, *, by: Actor, before: object = None, after: object = None
) -> None:
    tx.audit(f"board.views.{verb}", by=by, resource=f"view:{view.id}", before=before, after=after)
