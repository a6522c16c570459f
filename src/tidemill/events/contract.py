"""What features may use of the event stream, and what they may plug into it."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from typing import Final, Protocol

from msgspec import Struct

from tidemill.core.actor import Actor, Role
from tidemill.core.authorization import Permission, Scope
from tidemill.core.facts import RecordedFact, Topic
from tidemill.core.ids import TenantId
from tidemill.core.module import Port, Projection, Reaction
from tidemill.core.ports import Ephemeral, StoreKind

READ_EVENTS: Final = Permission(name="events.stream.read", role=Role.VIEWER, scope=Scope.READ)


Audience = Hashable
"""Those who are told the same; `EVERYBODY` where nothing is left out."""
EVERYBODY: Final = "everybody"


class Visibility(Protocol):
    """Decides at delivery, by the same rule as reads, what a connection may see."""

    async def prepare(self, tenant_id: TenantId) -> None:
        """Read what the others need, which answer at once; before a connection is served.

        From then on `heard` tells each fact of the tenant, until nobody watches.
        """
        ...

    async def place(self, tenant_id: TenantId, topics: Sequence[Topic]) -> None:
        """Read what `sees_topic` needs for `topics`; before somebody follows them."""
        ...

    def heard(self, fact: RecordedFact) -> bool:
        """Take in what a fact says of access; return whether somebody may see less now."""
        ...

    def sees_topic(self, actor: Actor, topic: Topic) -> bool:
        """Return whether `actor` may follow `topic`."""
        ...

    def sees_fact(self, actor: Actor, fact: RecordedFact) -> bool:
        """Return whether `actor` may read what `fact` tells; the tenant is the same already."""
        ...

    def sees_update(self, actor: Actor, update: Ephemeral) -> bool:
        """Return whether `actor` may read `update`."""
        ...

    def audience(self, actor: Actor) -> Audience:
        """Return among whom `actor` is, all of whom are told the same of what they may read."""
        ...

    def told(self, audience: Audience, fact: RecordedFact) -> RecordedFact:
        """Return a fact that an audience may read, without what of it is not for them."""
        ...

    def told_update(self, audience: Audience, update: Ephemeral) -> Ephemeral:
        """Return an update that an audience may read, without what of it is not for them."""
        ...


PROJECT_VISIBILITY: Final[Port[Visibility]] = Port("project visibility")
FOLDER_VISIBILITY: Final[Port[Visibility]] = Port("folder visibility")


class Progress(Struct, frozen=True, kw_only=True):
    """What a drain left: `more` to do at once, or something to try again later.

    `found` is whether there was anything; where there never is, the relay looks less often.
    """

    found: bool = True
    more: bool = False
    retry_after_seconds: float | None = None

    @property
    def clean(self) -> bool:
        """Return whether nothing is left."""
        return not self.more and self.retry_after_seconds is None


class Drain(Protocol):
    """Moves what one tenant left in one store on to where it belongs; idempotent.

    The relay calls it after each commit that left something, never twice at once for the same
    tenant and store, and again until it says that nothing is left.
    """

    @property
    def name(self) -> str:
        """Its name in logs and metrics."""
        ...

    @property
    def kinds(self) -> frozenset[StoreKind]:
        """The kinds of store that it looks into."""
        ...

    @property
    def delay_seconds(self) -> float:
        """How long it waits after a commit, so that one turn serves many."""
        ...

    async def drain(self, kind: StoreKind, tenant_id: TenantId) -> Progress:
        """Move a bounded batch."""
        ...

    async def settle(self, kind: StoreKind, tenant_id: TenantId) -> None:
        """Persist what it keeps in memory; called when the tenant has become quiet."""
        ...


class LiveConnections(Protocol):
    """The open streams of this process."""

    async def close_all(self) -> None:
        """Tell every client to come back, and close; within two seconds."""
        ...


LIVE_CONNECTIONS: Final[Port[LiveConnections]] = Port("live connections")


class DeliveryFigures(Struct, frozen=True, kw_only=True):
    """What this process delivers now, and what needs a person.

    `lanes_failing` are pieces of delivery that are tried again, `followers_blocked` followers
    that fail now, `facts_parked` facts that reactions set aside since the start.
    """

    connections: int
    connections_lagged: int
    lanes_waiting: int
    lanes_failing: int
    followers_blocked: int
    facts_parked: int
    event_streams: int = 0
    lagged_since_start: int = 0
    oldest_seconds: float = 0.0


class Delivery(Protocol):
    """What carries facts and audit lines onward; other modules hang their parts into it."""

    def add(self, drain: Drain) -> None:
        """Call `drain` whenever a store has something to deliver. Before the start only."""
        ...

    def follow(self, projections: Sequence[Projection], reactions: Sequence[Reaction]) -> None:
        """Show every tenant's facts to these followers. Before the start only."""
        ...

    def figures(self) -> DeliveryFigures:
        """Return what metrics show."""
        ...


DELIVERY: Final[Port[Delivery]] = Port("delivery")
