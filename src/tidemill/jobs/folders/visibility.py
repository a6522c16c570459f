"""Who hears of what on streams: members, unless a closed place is among the topics."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

from tidemill.core.actor import Actor
from tidemill.core.authorization import is_allowed
from tidemill.core.facts import RecordedFact, Topic
from tidemill.core.ids import TenantId
from tidemill.core.ports import Ephemeral
from tidemill.events import EVERYBODY, READ_EVENTS, Audience
from tidemill.jobs.folders.models import OPEN, Level, Place, allows, place_of_topic
from tidemill.jobs.folders.service import FolderService


class FolderVisibility:
    """Fills `FOLDER_VISIBILITY`; goes by grants that are read as a stream begins, and then anew."""

    def __init__(self, folders: FolderService) -> None:
        self._folders = folders

    async def prepare(self, tenant_id: TenantId) -> None:
        """See `Visibility.prepare`."""
        await self._folders.learn(tenant_id)

    async def place(self, tenant_id: TenantId, topics: Sequence[Topic]) -> None:
        """Read nothing: a topic says itself which folder it is of."""
        del tenant_id, topics

    def heard(self, fact: RecordedFact) -> bool:
        """Take nothing in: grants are read anew by themselves."""
        del fact
        return False

    def sees_topic(self, actor: Actor, topic: Topic) -> bool:
        """See `Visibility.sees_topic`: what comes under it is looked at one by one."""
        del actor, topic
        return True

    def sees_fact(self, actor: Actor, fact: RecordedFact) -> bool:
        """See `Visibility.sees_fact`."""
        return actor.tenant_id == fact.tenant_id and self._sees(actor, fact.topics)

    def sees_update(self, actor: Actor, update: Ephemeral) -> bool:
        """See `Visibility.sees_update`."""
        return actor.tenant_id == update.tenant_id and self._sees(actor, update.topics)

    def audience(self, actor: Actor) -> Audience:
        """See `Visibility.audience`: what may be read is told whole."""
        del actor
        return EVERYBODY

    def told(self, audience: Audience, fact: RecordedFact) -> RecordedFact:
        """See `Visibility.told`."""
        del audience
        return fact

    def told_update(self, audience: Audience, update: Ephemeral) -> Ephemeral:
        """See `Visibility.told_update`."""
        del audience
        return update

    def _sees(self, actor: Actor, topics: Sequence[Topic]) -> bool:
        if not is_allowed(actor, READ_EVENTS):
            return False
        for place in _closed_places(tuple(topics)):
            grants = self._folders.learned(actor.tenant_id, place.name)
            if not allows(place, grants, actor, Level.READ):
                return False
        return True


@lru_cache(maxsize=4096)
def _closed_places(topics: tuple[Topic, ...]) -> tuple[Place, ...]:
    # One fact has the same topics for each of its hundreds of followers.
    return tuple(place for one in topics if (place := place_of_topic(one)) != OPEN)
