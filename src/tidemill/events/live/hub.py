"""All live connections of this process, and the one follower of the bus behind them."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Coroutine, Sequence
from typing import Any, Final

import structlog
import uuid_utils
from msgspec import Struct

from tidemill.core.actor import Actor, ActorKind
from tidemill.core.clock import Clock
from tidemill.core.errors import TidemillError
from tidemill.core.facts import Topic
from tidemill.core.ids import INSTALLATION, TenantId
from tidemill.core.ports import Change, Ephemeral, EventBus, FactBatch
from tidemill.events.contract import Visibility
from tidemill.events.errors import (
    InvalidTopic,
    TooManyConnections,
    TooManyStreams,
)
from tidemill.events.live.connection import TRY_LATER, Connection, Limits, topics_max
from tidemill.events.live.feed import Feed
from tidemill.events.stream.service import Stream
from tidemill.events.wire import Format
from tidemill.http.authentication import StillValid

log = structlog.get_logger(__name__)

GOING_AWAY: Final = 1012
UNAUTHENTICATED: Final = 4401
FORBIDDEN: Final = 4403
checks_at_once_max: Final = 16
beats_at_once_max: Final = 16
check_attempts_max: Final = 30
check_retry_seconds: Final = 1.0
execution_check_seconds: Final = 1.0
close_seconds_max: Final = 2.0


class HubFigures(Struct, frozen=True, kw_only=True):
    """What is open, for metrics."""

    connections: int
    tenants: int
    lagged: int
    event_streams: int
    lagged_since_start: int


class Hub:
    """Brings facts and ephemeral updates to whoever watches, each from one encoding."""

    def __init__(
        self,
        *,
        bus: EventBus,
        stream: Stream,
        visibility: Visibility,
        still_valid: StillValid,
        clock: Clock,
        limits: Limits,
    ) -> None:
        self.limits = limits
        self._stream = stream
        self._visibility = visibility
        self._still_valid = still_valid
        self._clock = clock
        self._feeds: dict[TenantId, Feed] = {}
        self._count = 0
        self._lagged = 0
        self._tasks: set[asyncio.Task[None]] = set()
        self._checks = asyncio.Semaphore(checks_at_once_max)
        self._unchecked: set[Connection] = set()
        self._beats = asyncio.Semaphore(beats_at_once_max)
        self._beating: set[Feed] = set()
        self._beat: asyncio.Task[None] | None = None
        self._closing = False
        self._followed: list[Callable[[Connection, Sequence[Topic]], None]] = []
        bus.on_facts(self._on_facts)
        bus.on_ephemeral(self._on_ephemeral)
        bus.on_gap(self._on_gap)

    async def start(self) -> None:
        """Begin to send heartbeats."""
        self._beat = asyncio.create_task(self._heartbeats(), name="hub")

    async def stop(self) -> None:
        """Close every connection and end."""
        await self.close_all()
        tasks = [*self._tasks, *([self._beat] if self._beat else [])]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        for feed in self._feeds.values():
            feed.stop()

    async def close_all(self) -> None:
        """Tell every client to come back, and wait until they were told, two seconds at most.

        The server waits for open connections before it ends, so this comes first.
        """
        self._closing = True
        for feed in self._feeds.values():
            for connection in feed.connections:
                connection.close(GOING_AWAY, "the server restarts")
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(close_seconds_max):
                while self._count:  # noqa: ASYNC110 - the end of many tasks
                    await asyncio.sleep(0.01)

    @property
    def figures(self) -> HubFigures:
        """What is open now."""
        connections = [one for feed in self._feeds.values() for one in feed.connections]
        return HubFigures(
            connections=self._count,
            tenants=len(self._feeds),
            lagged=sum(connection.is_lagged for connection in connections),
            event_streams=sum(one.format is Format.EVENT_STREAM for one in connections),
            lagged_since_start=self._lagged + sum(one.lags for one in connections),
        )

    def is_watched(self, tenant_id: TenantId) -> bool:
        """Return whether a connection of this tenant is open here."""
        return tenant_id in self._feeds

    def check_room(self, actor: Actor) -> None:
        """Return when `actor` may open one more stream.

        Raises `TooManyConnections` and `TooManyStreams`.
        """
        limits, feed = self.limits, self._feeds.get(actor.tenant_id)
        if self._closing or self._count >= limits.connections_max:
            raise TooManyConnections
        if feed is None:
            return
        if len(feed.connections) >= limits.connections_per_tenant_max:
            raise TooManyStreams("This tenant", limits.connections_per_tenant_max)
        own = sum(one.actor.id == actor.id for one in feed.connections)
        if own >= limits.connections_per_actor_max:
            raise TooManyStreams("This user or token", limits.connections_per_actor_max)

    @contextlib.asynccontextmanager
    async def connected(
        self, actor: Actor, format_: Format, *, write: Callable[[bytes], bool] | None = None
    ) -> AsyncIterator[Connection]:
        """Hold a connection open for the block; `write` is its shorter way to the client, if any.

        Raises `TooManyConnections` and `TooManyStreams`.
        """
        self.check_room(actor)
        connection = Connection(str(uuid_utils.uuid7()), actor, format_, self.limits, write)
        self._count += 1
        feed = self._feeds.get(actor.tenant_id)
        if feed is None:
            feed = Feed(actor.tenant_id, self._stream, self._visibility, self._clock)
            self._feeds[actor.tenant_id] = feed
        feed.connections.add(connection)
        if actor.kind is ActorKind.JOB:
            self._spawn(self._follow_execution(connection))
        try:
            await feed.load()
            connection.delivered_seq = feed.flushed_seq
            yield connection
        finally:
            self._count -= 1
            self._lagged += connection.lags
            connection.close(1000, "")
            self._leave(feed, connection)

    def greet(self, connection: Connection) -> None:
        """Tell the client where the stream stands."""
        feed = self._feed_of(connection)
        connection.reply(
            connection.encoder.control(
                "hello",
                feed.flushed_seq,
                feed.epoch,
                connection_id=connection.id,
                heartbeat_seconds=int(self.limits.heartbeat_seconds),
            ),
            feed.flushed_seq,
        )

    async def subscribe(
        self,
        connection: Connection,
        topics: Sequence[Topic],
        *,
        since: int | None = None,
        epoch: str | None = None,
        reply_to: str = "",
    ) -> None:
        """Follow `topics`: what came after `since` first, then what happens.

        A client whose `since` is of another epoch, or too long ago, is told to resync and goes
        on live. Raises `InvalidTopic` when there are too many.
        """
        if len(connection.topics) + len(topics) > topics_max:
            raise InvalidTopic(f"One connection may follow {topics_max} topics.")
        feed = self._feed_of(connection)
        await self._visibility.place(feed.tenant_id, topics)
        if since is not None and epoch in {None, feed.epoch}:
            await feed.reach(since)
        everything = connection.is_lagged
        # Subscribed before the log is read: nothing can fall between the two.
        feed.follow(connection, topics)
        joined = feed.flushed_seq
        refusal = None if since is None else self._cannot_replay(feed, since, epoch)
        replays = since is not None and refusal is None
        position = since if since is not None and replays else joined
        if replays or everything:
            connection.begin_catching_up(position)
        name = "subscribed" if refusal is None else "resync"
        fields = {"topics": list(topics)} if refusal is None else {"reason": refusal}
        connection.reply(
            connection.encoder.control(name, position, feed.epoch, reply_to=reply_to, **fields),
            position,
        )
        missing = connection.topics if everything else topics
        try:
            await feed.replay(connection, frozenset(missing), since=position, through=joined)
        except Exception:
            # It would hold back for ever what happens; the client comes back for all of it.
            connection.close(TRY_LATER, "what happened before could not be read")
            raise
        for handler in self._followed:
            handler(connection, topics)

    async def place(self, connection: Connection, topics: Sequence[Topic]) -> None:
        """Learn what `topics` are about, before somebody says to be there."""
        await self._visibility.place(connection.actor.tenant_id, topics)

    def on_followed(self, handler: Callable[[Connection, Sequence[Topic]], None]) -> None:
        """Call `handler` when a connection has begun to follow topics. Before `start` only."""
        self._followed.append(handler)

    def tell(self, update: Ephemeral) -> None:
        """Show an update to those who follow it in this process."""
        self._on_ephemeral(update)

    def tell_one(self, connection: Connection, update: Ephemeral) -> None:
        """Show an update to one connection, if its actor may see it."""
        if not self._visibility.sees_update(connection.actor, update):
            return
        encoder, through = connection.encoder, connection.reached_seq
        told = self._visibility.told_update(self._visibility.audience(connection.actor), update)
        item = encoder.update(told, self._clock.now())
        epoch = self._feed_of(connection).epoch
        for frame in encoder.frames([item], through, epoch):
            connection.push(frame, through, epoch)

    def unsubscribe(self, connection: Connection, topics: Sequence[Topic]) -> None:
        """Follow `topics` no more."""
        self._feed_of(connection).unfollow(connection, topics)

    def pong(self, connection: Connection, message_id: str, timestamp: int) -> None:
        """Answer a ping."""
        feed = self._feed_of(connection)
        frame = connection.encoder.control(
            "pong", connection.reached_seq, feed.epoch, reply_to=message_id, timestamp=timestamp
        )
        connection.reply(frame)

    def reject(self, connection: Connection, error: TidemillError) -> None:
        """Tell the client what was wrong with its message; the connection lives on."""
        fields = {"code": error.code, "message": error.message}
        if error.param is not None:
            fields["field"] = error.param
        epoch = self._feed_of(connection).epoch
        connection.reply(
            connection.encoder.control("error", connection.reached_seq, epoch, **fields)
        )

    def on_change(self, change: Change) -> None:
        """Ask again whether those whom a change concerns may still watch."""
        for tenant_id, feed in self._feeds.items():
            for connection in feed.connections:
                actor = connection.actor
                named = change.key in {actor.user_id, actor.session_id, actor.id}
                if named or change.tenant_id in {tenant_id, INSTALLATION}:
                    self._recheck_soon(connection)

    def on_reset(self) -> None:
        """Ask again for everybody: changes may have been missed."""
        for feed in self._feeds.values():
            for connection in feed.connections:
                self._recheck_soon(connection)

    def _on_facts(self, batch: FactBatch) -> None:
        feed = self._feeds.get(batch.tenant_id)
        if feed is not None:
            feed.hear(batch)

    def _on_ephemeral(self, update: Ephemeral) -> None:
        feed = self._feeds.get(update.tenant_id)
        if feed is not None:
            feed.hear_update(update)

    def _on_gap(self) -> None:
        for feed in self._feeds.values():
            self._spawn(self._reconcile(feed))

    async def _reconcile(self, feed: Feed) -> None:
        try:
            await feed.reconcile()
        except TidemillError as error:
            log.warning("live.reconcile.failed", reason=error.message)
        except Exception:
            # One tenant's store must not end the heartbeats of all.
            log.exception("live.reconcile.broke", tenant_id=feed.tenant_id)

    async def _heartbeats(self) -> None:
        while True:
            await asyncio.sleep(self.limits.heartbeat_seconds)
            for feed in list(self._feeds.values()):
                for connection in list(feed.connections):
                    self._recheck_soon(connection)
                # Where a store hangs, the beat before waits for it; the other tenants do not.
                if feed not in self._beating:
                    self._beating.add(feed)
                    self._spawn(self._heartbeat(feed))

    async def _heartbeat(self, feed: Feed) -> None:
        try:
            async with self._beats:
                async with asyncio.timeout(self.limits.heartbeat_seconds):
                    # What the bus lost without a trace shows here at the latest.
                    await self._reconcile(feed)
        except TimeoutError:
            log.warning("live.reconcile.slow", tenant_id=feed.tenant_id)
        finally:
            self._beating.discard(feed)
        feed.heartbeat()

    async def _follow_execution(self, connection: Connection) -> None:
        # No change in the control store tells that an execution ended: where it runs, it ends.
        while connection.closed is None:
            await asyncio.sleep(execution_check_seconds)
            self._recheck_soon(connection)

    def _recheck_soon(self, connection: Connection) -> None:
        # A check that has not asked yet will hear of this change too.
        if connection not in self._unchecked:
            self._unchecked.add(connection)
            self._spawn(self._recheck(connection))

    async def _recheck(self, connection: Connection) -> None:
        for attempt in range(check_attempts_max):
            try:
                async with self._checks:
                    self._unchecked.discard(connection)
                    if connection.closed is not None:
                        return
                    valid = await self._still_valid(connection.actor)
            except Exception as error:  # noqa: BLE001 - whatever it is, nobody watches unchecked
                log.warning("live.recheck.failed", reason=repr(error), attempt=attempt)
                self._unchecked.add(connection)
                await asyncio.sleep(check_retry_seconds)
                continue
            if not valid:
                connection.close(UNAUTHENTICATED, "the credential is no longer valid")
            return
        self._unchecked.discard(connection)
        connection.close(UNAUTHENTICATED, "the credential could not be verified")

    def _cannot_replay(self, feed: Feed, since: int, epoch: str | None) -> str | None:
        if epoch is not None and epoch != feed.epoch:
            return "the stream began anew"
        if since > feed.flushed_seq:
            return "this number was not given yet"
        if feed.flushed_seq - since > self.limits.replayed_facts_max:
            return "too much happened since"
        return None

    def _feed_of(self, connection: Connection) -> Feed:
        return self._feeds[connection.actor.tenant_id]

    def _leave(self, feed: Feed, connection: Connection) -> None:
        feed.unfollow(connection, connection.topics)
        feed.connections.discard(connection)
        if not feed.connections:
            feed.stop()
            self._feeds.pop(feed.tenant_id, None)

    def _spawn(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
