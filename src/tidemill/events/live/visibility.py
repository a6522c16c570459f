"""Who may see what of a tenant's stream."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Final, cast

from tidemill.core.actor import Actor
from tidemill.core.authorization import is_allowed
from tidemill.core.facts import RecordedFact, Topic
from tidemill.core.ids import TenantId
from tidemill.core.ports import Ephemeral
from tidemill.events.contract import EVERYBODY, READ_EVENTS, Audience, Visibility

INBOX: Final = "inbox:"


class MembersSeeTheirTenant:
    """Whoever may read in a tenant sees all of its facts, and nothing of any other tenant."""

    async def prepare(self, tenant_id: TenantId) -> None:
        """Read nothing: roles come with the actor."""
        del tenant_id

    async def place(self, tenant_id: TenantId, topics: Sequence[Topic]) -> None:
        """Read nothing: what a topic is about makes no difference."""
        del tenant_id, topics

    def heard(self, fact: RecordedFact) -> bool:
        """See `Visibility.heard`."""
        del fact
        return False

    def sees_topic(self, actor: Actor, topic: Topic) -> bool:
        """See `Visibility.sees_topic`."""
        del topic
        return is_allowed(actor, READ_EVENTS)

    def sees_fact(self, actor: Actor, fact: RecordedFact) -> bool:
        """See `Visibility.sees_fact`."""
        return actor.tenant_id == fact.tenant_id and is_allowed(actor, READ_EVENTS)

    def sees_update(self, actor: Actor, update: Ephemeral) -> bool:
        """See `Visibility.sees_update`."""
        return actor.tenant_id == update.tenant_id and is_allowed(actor, READ_EVENTS)

    def audience(self, actor: Actor) -> Audience:
        """See `Visibility.audience`."""
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


class LateVisibility:
    """The rules that modules built later provide, all of which hold; without any, membership.

    Whatever the rules: an update under the topic of somebody's inbox is for that person alone.
    """

    def __init__(self, *late: Callable[[], Visibility | None]) -> None:
        self._late = late
        self._default = MembersSeeTheirTenant()
        self._found: Sequence[Visibility] = ()

    async def prepare(self, tenant_id: TenantId) -> None:
        """See `Visibility.prepare`."""
        for rule in self._rules():
            await rule.prepare(tenant_id)

    async def place(self, tenant_id: TenantId, topics: Sequence[Topic]) -> None:
        """See `Visibility.place`."""
        for rule in self._rules():
            await rule.place(tenant_id, topics)

    def heard(self, fact: RecordedFact) -> bool:
        """See `Visibility.heard`."""
        # Each of them has to hear it.
        return any([rule.heard(fact) for rule in self._rules()])  # noqa: C419 - as above

    def sees_topic(self, actor: Actor, topic: Topic) -> bool:
        """See `Visibility.sees_topic`."""
        return all(rule.sees_topic(actor, topic) for rule in self._rules())

    def sees_fact(self, actor: Actor, fact: RecordedFact) -> bool:
        """See `Visibility.sees_fact`."""
        return all(rule.sees_fact(actor, fact) for rule in self._rules())

    def sees_update(self, actor: Actor, update: Ephemeral) -> bool:
        """See `Visibility.sees_update`."""
        if any(one.startswith(INBOX) and one != f"{INBOX}{actor.user_id}" for one in update.topics):
            return False
        return all(rule.sees_update(actor, update) for rule in self._rules())

    def audience(self, actor: Actor) -> Audience:
        """See `Visibility.audience`: one for each rule."""
        return tuple(rule.audience(actor) for rule in self._rules())

    def told(self, audience: Audience, fact: RecordedFact) -> RecordedFact:
        """See `Visibility.told`."""
        for rule, one in self._each(audience):
            fact = rule.told(one, fact)
        return fact

    def told_update(self, audience: Audience, update: Ephemeral) -> Ephemeral:
        """See `Visibility.told_update`."""
        for rule, one in self._each(audience):
            update = rule.told_update(one, update)
        return update

    def _each(self, audience: Audience) -> Iterable[tuple[Visibility, Audience]]:
        return zip(self._rules(), cast("tuple[Audience, ...]", audience), strict=True)

    def _rules(self) -> Sequence[Visibility]:
        if len(self._found) < len(self._late):
            self._found = [rule for late in self._late if (rule := late()) is not None]
        return self._found or (self._default,)
