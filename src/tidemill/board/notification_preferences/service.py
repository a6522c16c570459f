"""What members can say of the reasons to hear of something."""

from __future__ import annotations

from msgspec import UNSET, structs

from tidemill.board.errors import ProjectNotFound
from tidemill.board.notification_errors import TooManyMutes
from tidemill.board.notification_preferences.models import (
    Defaults,
    DefaultsFor,
    PreferenceChanges,
    Preferences,
    Profile,
    changed_wish,
    mutes_max,
    preferences_of,
)
from tidemill.board.notification_preferences.repository import PreferenceRepository
from tidemill.board.notifications.service import person_of
from tidemill.board.project_access.database import WalledDatabase
from tidemill.board.projects.repository import ProjectRepository
from tidemill.core.actor import Actor
from tidemill.core.ports import Database, Once, Tx
from tidemill.http import check_version


class PreferenceService:
    """Use cases of one's own preferences."""

    def __init__(self, tenants: Database, defaults: DefaultsFor) -> None:
        self._tenants = WalledDatabase(tenants)
        self._defaults = defaults
        self._preferences = PreferenceRepository()
        self._projects = ProjectRepository()

    async def get(self, *, actor: Actor) -> Preferences:
        """Return what holds for the person who acts."""
        user_id = person_of(actor)
        defaults = await self._defaults(actor)
        return await self._tenants.read(actor, lambda tx: self._read(tx, user_id, defaults))

    async def change(
        self,
        changes: PreferenceChanges,
        expected_version: int | None,
        *,
        actor: Actor,
        once: Once[Preferences] | None = None,
    ) -> Preferences:
        """Change one's preferences; raises `VersionChanged`."""
        user_id = person_of(actor)
        defaults = await self._defaults(actor)

        def use_case(tx: Tx) -> Preferences:
            profile = self._preferences.profile(tx, user_id, lock=True)
            check_version(profile.version, expected_version)
            before = self._read(tx, user_id, defaults)
            self._change_reasons(tx, user_id, changes, defaults)
            wanted = _changed(profile, changes, tx)
            if wanted != profile:
                self._preferences.save(tx, user_id, wanted)
            after = self._read(tx, user_id, defaults)
            # An hour of one's own that is the tenant's, too, looks the same and is another choice.
            is_changed = wanted != profile or after != before
            return self._kept(tx, user_id, before, after, by=actor) if is_changed else before

        return await self._tenants.write(actor, use_case, once=once)

    async def mute(self, project: str, *, actor: Actor) -> None:
        """Hear of nothing in a project; raises `ProjectNotFound` and `TooManyMutes`."""
        await self._set_muted(project, True, actor=actor)

    async def unmute(self, project: str, *, actor: Actor) -> None:
        """Hear of a project again; raises `ProjectNotFound`."""
        await self._set_muted(project, False, actor=actor)

    async def _set_muted(self, reference: str, wanted: bool, *, actor: Actor) -> None:
        user_id = person_of(actor)
        defaults = await self._defaults(actor)

        def use_case(tx: Tx) -> None:
            project = self._projects.find(tx, reference)
            if project is None:
                raise ProjectNotFound(reference)
            self._preferences.profile(tx, user_id, lock=True)
            before = self._read(tx, user_id, defaults)
            if wanted and project.id not in before.muted_project_ids:
                if len(before.muted_project_ids) >= mutes_max:
                    raise TooManyMutes(mutes_max)
                self._preferences.mute(tx, user_id, project.id)
            elif not wanted:
                self._preferences.unmute(tx, user_id, project.id)
            after = self._read(tx, user_id, defaults)
            if after != before:
                self._kept(tx, user_id, before, after, by=actor)

        await self._tenants.write(actor, use_case)

    def _change_reasons(
        self, tx: Tx, user_id: str, changes: PreferenceChanges, defaults: Defaults
    ) -> None:
        own = self._preferences.wishes(tx, user_id)
        for reason, change in changes.reasons.items():
            if change is None:
                self._preferences.remove(tx, user_id, reason.value)
            else:
                wish = own.get(reason.value) or defaults.wish(reason.value)
                self._preferences.put(tx, user_id, reason.value, changed_wish(wish, change))

    def _kept(
        self, tx: Tx, user_id: str, before: Preferences, after: Preferences, *, by: Actor
    ) -> Preferences:
        """Count a version and write the audit line of what changed."""
        profile = self._preferences.profile(tx, user_id)
        version = profile.version + 1
        self._preferences.save(tx, user_id, structs.replace(profile, version=version))
        tx.audit(
            "board.notification_preferences.change",
            by=by,
            resource=f"user:{user_id}",
            before=before,
            after=after,
        )
        return structs.replace(after, version=version)

    def _read(self, tx: Tx, user_id: str, defaults: Defaults) -> Preferences:
        return preferences_of(
            self._preferences.profile(tx, user_id),
            self._preferences.wishes(tx, user_id),
            self._preferences.mutes(tx, user_id),
            defaults,
        )


def _changed(profile: Profile, changes: PreferenceChanges, tx: Tx) -> Profile:
    wanted = profile
    if changes.digest_hour is not UNSET:
        wanted = structs.replace(wanted, digest_hour=changes.digest_hour)
    if changes.is_mail_stopped is not UNSET:
        stopped_at = (profile.mail_stopped_at or tx.now) if changes.is_mail_stopped else None
        wanted = structs.replace(wanted, mail_stopped_at=stopped_at)
    return wanted
