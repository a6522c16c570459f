"""The event stream as the runtime sees it; built before every other module."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import uuid_utils

from tidemill.core.module import LIVE_UPDATES, Module, Offer, Parts, Periodic, Projection, Reaction
from tidemill.core.ports import EventBus
from tidemill.events.contract import (
    DELIVERY,
    FOLDER_VISIBILITY,
    LIVE_CONNECTIONS,
    PROJECT_VISIBILITY,
    READ_EVENTS,
    DeliveryFigures,
    Drain,
    Visibility,
)
from tidemill.events.figures import figures_of
from tidemill.events.followers.drain import Followers
from tidemill.events.followers.service import Cursors
from tidemill.events.live.connection import Limits
from tidemill.events.live.hub import Hub
from tidemill.events.live.presence.service import Presence
from tidemill.events.live.replays import Replays
from tidemill.events.live.routes import ROUTES as EVENT_ROUTES
from tidemill.events.live.updates import BusLiveUpdates
from tidemill.events.live.visibility import LateVisibility
from tidemill.events.live.websocket import ROUTES as SOCKET_ROUTES
from tidemill.events.relay.drains import OutboxToStream, StreamToBus
from tidemill.events.relay.relay import Relay
from tidemill.events.relay.service import Outboxes
from tidemill.events.stream.service import Stream
from tidemill.events.tickets.routes import ROUTES as TICKET_ROUTES
from tidemill.events.tickets.service import Tickets
from tidemill.http.authentication import AUTHENTICATOR, REVOKING_CHANGES, still_valid_by

prune_every_seconds: Final = 3600.0


class EventDelivery:
    """The parts of a process that run beside its requests: bus, relay and hub."""

    def __init__(
        self,
        bus: EventBus,
        relay: Relay,
        followers: Followers,
        hub: Hub,
        updates: BusLiveUpdates,
        presence: Presence,
    ) -> None:
        self.relay = relay
        self.followers = followers
        self.hub = hub
        self._bus = bus
        self._updates = updates
        self.presence = presence

    def add(self, drain: Drain) -> None:
        """See `Delivery.add`."""
        self.relay.add(drain)

    def follow(self, projections: Sequence[Projection], reactions: Sequence[Reaction]) -> None:
        """See `Delivery.follow`."""
        self.followers.add(projections, reactions)

    def figures(self) -> DeliveryFigures:
        """See `Delivery.figures`."""
        hub, relay, followers = self.hub.figures, self.relay.figures, self.followers.figures
        return DeliveryFigures(
            connections=hub.connections,
            connections_lagged=hub.lagged,
            lanes_waiting=relay.lanes_waiting,
            lanes_failing=relay.lanes_failing,
            followers_blocked=followers.blocked,
            facts_parked=followers.parked,
            event_streams=hub.event_streams,
            lagged_since_start=hub.lagged_since_start,
            oldest_seconds=relay.oldest_seconds,
        )

    async def start(self) -> None:
        """Connect the bus, then deliver."""
        await self._bus.start()
        await self.hub.start()
        await self.presence.start()
        await self.relay.start()

    async def stop(self) -> None:
        """Deliver what waits, close what is open, and let go of the bus."""
        await self.relay.stop()
        await self.presence.stop()
        await self._updates.stop()
        await self.hub.stop()
        await self._bus.stop()


def build(parts: Parts) -> Offer:
    """Return what the event stream offers to a process."""
    stream = Stream(parts.tenants)
    updates = BusLiveUpdates(parts.bus)
    visibility = LateVisibility(parts.late(PROJECT_VISIBILITY), parts.late(FOLDER_VISIBILITY))
    hub = _hub(parts, stream, visibility)
    updates.watched = hub.is_watched
    presence = Presence(hub, parts.bus, updates, visibility, parts.clock)
    relay = Relay(parts.wakeups)
    followers = Followers(stream, Cursors(parts.tenants), holder=str(uuid_utils.uuid7()))
    outboxes = Outboxes(
        control=parts.control,
        jobs=parts.jobs,
        clock=parts.clock,
        days_kept=parts.config.events.outbox_days,
    )
    to_bus = StreamToBus(stream, parts.bus)
    relay.add(to_bus)
    relay.add(OutboxToStream(outboxes, stream, relay.wake))
    relay.add(followers)
    delivery = EventDelivery(parts.bus, relay, followers, hub, updates, presence)
    return Offer(
        routes=(*SOCKET_ROUTES, *EVENT_ROUTES, *TICKET_ROUTES),
        dependencies={
            "live_hub": hub,
            "presence": presence,
            "replays": Replays(
                parts.rate_limiter, per_minute=parts.config.events.replays_per_minute
            ),
            "tickets": Tickets(parts.control, seconds=parts.config.events.ticket_seconds),
        },
        provides={LIVE_UPDATES: updates, LIVE_CONNECTIONS: hub, DELIVERY: delivery},
        periodic=(
            Periodic(name="prune outboxes", every_seconds=prune_every_seconds, run=outboxes.prune),
        ),
        services=(delivery,),
        permissions=(READ_EVENTS,),
        figures=figures_of(delivery.figures, lambda: to_bus.published),
    )


def _hub(parts: Parts, stream: Stream, visibility: Visibility) -> Hub:
    events = parts.config.events
    hub = Hub(
        bus=parts.bus,
        stream=stream,
        visibility=visibility,
        still_valid=still_valid_by(parts.late(AUTHENTICATOR)),
        clock=parts.clock,
        limits=Limits(
            connections_max=events.connections_max,
            connections_per_tenant_max=events.connections_per_tenant_max,
            connections_per_actor_max=events.connections_per_actor_max,
            queued_frames_max=events.queued_frames_max,
            heartbeat_seconds=events.heartbeat_seconds,
        ),
    )
    for kind in REVOKING_CHANGES:
        parts.invalidations.on_change(kind, hub.on_change)
    parts.invalidations.on_reset(hub.on_reset)
    return hub


MODULE: Final = Module(name="events", build=build)
