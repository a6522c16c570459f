"""Who sees which facts and updates live: the rule of reads, answered from memory.

What it knows of a tenant it reads once, before the first connection is served, and goes on from
there by the facts themselves, which come in their order and without gaps.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, Final

import msgspec

from tidemill.board.project_access.live.telling import is_of_job, told_fact, told_update
from tidemill.board.project_access.models import ProjectVisibility as Seen
from tidemill.board.project_access.models import reader_of
from tidemill.board.project_access.repository import AccessRepository
from tidemill.core.actor import Actor
from tidemill.core.authorization import is_allowed
from tidemill.core.facts import RecordedFact, Topic
from tidemill.core.ids import TenantId
from tidemill.core.ports import Database, Ephemeral
from tidemill.events import EVERYBODY, READ_EVENTS, Audience

_PROJECT: Final = "project:"
_GUESTS: Final = "guests"
_READERS: Final = "readers"
_PLACED: Final = ("work-item:", "sprint:")
places_max: Final = 100_000
GUESTS_HEAR_OF: Final = frozenset({
    "AttachmentCreated", "AttachmentDeleted", "BoardSettingsChanged", "CommentCreated",
    "CommentDeleted", "CommentReactionAdded", "CommentReactionRemoved", "CommentUpdated",
    "CustomFieldCreated", "CustomFieldDeleted", "CustomFieldUpdated", "DependencyCreated",
    "DependencyDeleted", "LabelCreated", "LabelDeleted", "LabelRestored", "LabelUpdated",
    "ProjectUpdated", "SprintCreated", "SprintDeleted", "SprintUpdated", "WorkItemBlocked",
    "WorkItemCreated", "WorkItemDeleted", "WorkItemRestored", "WorkItemTransferred",
    "WorkItemUnblocked", "WorkItemUpdated", "WorkItemsDeleted", "WorkItemsReordered",
    "WorkItemsRestored", "WorkItemsUpdated", "WorkflowChanged",
})  # fmt: skip
"""The facts that tell what guests can read, too."""


class _Tenant:
    """What is known of one tenant: members of private projects, and where items are."""

    def __init__(self, private: dict[str, set[str]]) -> None:
        self.private = private
        self.members: dict[str, set[str]] = {}
        self.places: dict[str, str] = {}


class LiveProjects:
    """Fills the port `PROJECT_VISIBILITY`."""

    def __init__(self, tenants: Database) -> None:
        self._tenants = tenants
        self._access = AccessRepository()
        self._known: dict[TenantId, _Tenant] = {}

    async def prepare(self, tenant_id: TenantId) -> None:
        """Read who may see which private projects."""
        members, private = await self._tenants.read(tenant_id, self._access.everything)
        known = _Tenant(private)
        known.members = members
        self._known[tenant_id] = known

    async def place(self, tenant_id: TenantId, topics: Sequence[Topic]) -> None:
        """Find out in which projects the things of `topics` are."""
        known = self._known.get(tenant_id)
        ids = [one.partition(":")[2] for one in topics if one.startswith(_PLACED)]
        if known is None or not ids:
            return
        found = await self._tenants.read(tenant_id, lambda tx: self._access.places(tx, ids))
        for topic, project_id in found:
            known.places.setdefault(topic, project_id)
        while len(known.places) > places_max:
            del known.places[next(iter(known.places))]

    def heard(self, fact: RecordedFact) -> bool:
        """See `Visibility.heard`."""
        known = self._known.get(fact.tenant_id)
        if known is None:
            return False
        _move(known, fact.topics)
        if fact.type == "MemberRemoved":
            return _left_tenant(known, msgspec.json.decode(fact.data)["user_id"])
        return fact.feature == "board" and _learn(known, fact)

    def sees_fact(self, actor: Actor, fact: RecordedFact) -> bool:
        """See `Visibility.sees_fact`."""
        if actor.tenant_id != fact.tenant_id or not is_allowed(actor, READ_EVENTS):
            return False
        if actor.project_id is not None:
            projects = [one for one in fact.topics if one.startswith(_PROJECT)]
            only = f"{_PROJECT}{actor.project_id}"
            return fact.type in GUESTS_HEAR_OF and set(projects) == {only}
        # A job can be seen wherever its item is, which is left out.
        if fact.feature == "jobs" or self._sees_all(actor):
            return True
        return not any(self._is_hidden(actor, one) for one in fact.topics)

    def sees_update(self, actor: Actor, update: Ephemeral) -> bool:
        """See `Visibility.sees_update`."""
        if actor.tenant_id != update.tenant_id or not is_allowed(actor, READ_EVENTS):
            return False
        if actor.project_id is not None:
            return False  # Of who is there, and of jobs, guests hear nothing.
        if is_of_job(update.topics) or self._sees_all(actor):
            return True
        if len(update.topics) == 1:
            return all(self.sees_topic(actor, one) for one in update.topics)
        return not any(self._is_hidden(actor, one) for one in update.topics)

    def audience(self, actor: Actor) -> Audience:
        """See `Visibility.audience`."""
        if actor.project_id is not None:
            return _GUESTS
        return EVERYBODY if self._sees_all(actor) else _READERS

    def told(self, audience: Audience, fact: RecordedFact) -> RecordedFact:
        """See `Visibility.told`."""
        return told_fact(fact, is_guest=audience == _GUESTS) if audience != EVERYBODY else fact

    def told_update(self, audience: Audience, update: Ephemeral) -> Ephemeral:
        """See `Visibility.told_update`."""
        return update if audience == EVERYBODY else told_update(update)

    def sees_topic(self, actor: Actor, topic: Topic) -> bool:
        """See `Visibility.sees_topic`."""
        if reader_of(actor) is None:
            return True
        if topic.startswith(_PROJECT):
            return self._sees_project(actor, topic.removeprefix(_PROJECT))
        if not topic.startswith(_PLACED):
            return actor.project_id is None
        known = self._known.get(actor.tenant_id)
        place = known.places.get(topic) if known is not None else None
        if place is not None:
            return self._sees_project(actor, place)
        # Where nothing is private there is nothing to hide.
        return actor.project_id is None and known is not None and not known.private

    def _sees_all(self, actor: Actor) -> bool:
        """Return whether nothing of the tenant is hidden from `actor`; each delivery asks."""
        known = self._known.get(actor.tenant_id)
        if actor.project_id is None and known is not None and not known.private:
            return True
        return reader_of(actor) is None

    def _is_hidden(self, actor: Actor, topic: Topic) -> bool:
        """Return whether a topic is of a project that `actor` surely may not see."""
        if topic.startswith(_PROJECT):
            return not self._sees_project(actor, topic.removeprefix(_PROJECT))
        known = self._known.get(actor.tenant_id)
        place = known.places.get(topic) if known is not None else None
        return place is not None and not self._sees_project(actor, place)

    def _sees_project(self, actor: Actor, project_id: str) -> bool:
        reader = reader_of(actor)
        if reader is None:
            return True
        if reader.is_guest:
            return reader.project_id == project_id
        known = self._known.get(actor.tenant_id)
        if known is None:
            return False
        return project_id not in known.private or reader.user_id in known.private[project_id]


def _move(known: _Tenant, topics: Iterable[Topic]) -> None:
    """Remember where things are that somebody follows, also when they go elsewhere."""
    projects = [one.removeprefix(_PROJECT) for one in topics if one.startswith(_PROJECT)]
    if len(projects) != 1:
        return
    for topic in topics:
        if topic.startswith(_PLACED):
            known.places[topic] = projects[0]


def _learn(known: _Tenant, fact: RecordedFact) -> bool:
    """Take in what a fact says of access; return whether somebody may see less now."""
    if fact.type not in _LESSONS:
        return False
    said: dict[str, Any] = msgspec.json.decode(fact.data)
    return _LESSONS[fact.type](known, said)


def _created(known: _Tenant, said: dict[str, Any]) -> bool:
    project = said["project"]
    members = known.members.setdefault(project["id"], set())
    if said.get("user_id") is not None:
        members.add(said["user_id"])
    if project.get("visibility") == Seen.PRIVATE:
        known.private[project["id"]] = members
    return False


def _turned(known: _Tenant, said: dict[str, Any]) -> bool:
    if said["visibility"] == Seen.PRIVATE:
        known.private[said["project_id"]] = known.members.setdefault(said["project_id"], set())
        return True
    known.private.pop(said["project_id"], None)
    return False


def _joined(known: _Tenant, said: dict[str, Any]) -> bool:
    known.members.setdefault(said["project_id"], set()).add(said["member_id"])
    return False


def _parted(known: _Tenant, said: dict[str, Any]) -> bool:
    known.members.setdefault(said["project_id"], set()).discard(said["member_id"])
    return True


def _left_tenant(known: _Tenant, user_id: str) -> bool:
    # Who is invited again is a member of no project.
    for members in known.members.values():
        members.discard(user_id)
    return True


def _transferred(known: _Tenant, said: dict[str, Any]) -> bool:
    place = said["work_item"]["project_id"]
    for item in said["items"]:
        known.places[f"work-item:{item['id']}"] = place
    return True


_LESSONS: Final = {
    "ProjectCreated": _created,
    "ProjectVisibilityChanged": _turned,
    "ProjectMemberSet": _joined,
    "ProjectMemberRemoved": _parted,
    "WorkItemTransferred": _transferred,
}
