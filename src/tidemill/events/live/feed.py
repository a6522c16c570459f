"""One tenant's facts in this process, in order and without gaps, for those who watch now."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Iterable, Sequence
from typing import Final

import structlog

from tidemill.core.clock import Clock
from tidemill.core.errors import TidemillError
from tidemill.core.facts import RecordedFact, Topic
from tidemill.core.ids import TenantId
from tidemill.core.ports import Ephemeral, FactBatch
from tidemill.events.contract import Visibility
from tidemill.events.live.connection import TRY_LATER, Connection
from tidemill.events.live.frames import frames_of
from tidemill.events.live.tick import Tick
from tidemill.events.stream.service import Stream

log = structlog.get_logger(__name__)

TENANT_TOPIC: Final = Topic("tenant")
tick_seconds: Final = 0.005
tick_seconds_max: Final = 0.025
reach_seconds_max: Final = 5.0
reorder_seconds: Final = 0.02
pending_facts_max: Final = 1_000
fill_retry_seconds_max: Final = 5.0


class Feed:
    """Follows one tenant's stream from when somebody watches until nobody does.

    Whatever the bus loses, repeats or mixes up: facts leave here by their numbers, and what is
    missing is read from the log.
    """

    def __init__(
        self, tenant_id: TenantId, stream: Stream, visibility: Visibility, clock: Clock
    ) -> None:
        self.tenant_id = tenant_id
        self.epoch = ""
        self.flushed_seq = 0
        self.connections: set[Connection] = set()
        self._stream = stream
        self._visibility = visibility
        self._clock = clock
        self._through = 0
        self._known = 0
        self._loaded = False
        self._load_lock = asyncio.Lock()
        self._pending: dict[int, RecordedFact] = {}
        self._followers: dict[Topic, set[Connection]] = {}
        self._facts: list[RecordedFact] = []
        self._updates: list[Ephemeral] = []
        self._flush_handle: asyncio.Handle | None = None
        self._flushed_at = 0.0
        self._pause_seconds = tick_seconds
        self._filler: asyncio.Task[None] | None = None

    async def load(self) -> None:
        """Find where the stream stands; facts that arrive meanwhile are kept."""
        async with self._load_lock:
            if self._loaded:
                return
            head = await self._stream.head(self.tenant_id)
            self.epoch = head.epoch
            self._begin_at(head.seq)
            self._pending = {seq: one for seq, one in self._pending.items() if seq > head.seq}
            # Behind the head: what changes access from here on comes as a fact.
            await self._visibility.prepare(self.tenant_id)
            self._loaded = True
        self._advance()

    def follow(self, connection: Connection, topics: Iterable[Topic]) -> None:
        """Deliver what happens under `topics` to `connection`."""
        for topic in topics:
            connection.topics.add(topic)
            self._followers.setdefault(topic, set()).add(connection)

    def unfollow(self, connection: Connection, topics: Iterable[Topic]) -> None:
        """Deliver it no more."""
        for topic in list(topics):
            connection.topics.discard(topic)
            followers = self._followers.get(topic)
            if followers is not None:
                followers.discard(connection)
                if not followers:
                    del self._followers[topic]

    def hear(self, batch: FactBatch) -> None:
        """Take what the bus brings."""
        self._known = max(self._known, batch.through)
        for fact in batch.facts:
            if fact.seq > self._through and len(self._pending) < pending_facts_max:
                self._pending[fact.seq] = fact
        if self._loaded:
            self._advance()

    def hear_update(self, update: Ephemeral) -> None:
        """Take an ephemeral update, if anybody follows its topics."""
        if any(topic in self._followers for topic in update.topics):
            self._updates.append(update)
            self._flush_soon()

    async def reconcile(self) -> None:
        """Compare with the log: something may have been missed."""
        if not self._loaded:
            return
        # More facts may arrive while the log is asked: only what came before must be in the answer.
        through = self._through
        head = await self._stream.head(self.tenant_id)
        if head.epoch != self.epoch or head.seq < through:
            self._begin_anew(head.epoch, head.seq)
            await self._visibility.prepare(self.tenant_id)
            return
        self._known = max(self._known, head.seq)
        self._advance()

    async def reach(self, seq: int) -> None:
        """Return when what follows `seq` can be told, or when the log does not come so far.

        A client may know from another process what the bus has not brought to this one yet.
        """
        if seq <= self.flushed_seq:
            return
        head = await self._stream.head(self.tenant_id)
        if head.epoch != self.epoch or head.seq < seq:
            return
        self._known = max(self._known, head.seq)
        self._advance()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(reach_seconds_max):
                while self.flushed_seq < seq:  # noqa: ASYNC110 - whichever way it comes
                    await asyncio.sleep(tick_seconds)

    async def replay(
        self, connection: Connection, topics: frozenset[Topic], *, since: int, through: int
    ) -> None:
        """Send what followed `since` from the log, at the client's pace, then go on live."""
        position = since
        while position < through:
            page = await self._stream.after(self.tenant_id, position)
            facts = [fact for fact in page if fact.seq <= through]
            if not facts:
                break
            position = facts[-1].seq
            seen = [fact for fact in facts if self._concerns(connection, fact, topics)]
            audience = self._visibility.audience(connection.actor)
            seen = [self._visibility.told(audience, fact) for fact in seen]
            if seen:
                reached = [*(fact.seq for fact in seen[:-1]), position]
                items = [connection.encoder.fact(fact) for fact in seen]
                both = list(zip(items, reached, strict=True))
                for frame, far in frames_of(connection.encoder, both, self.epoch):
                    if not await connection.push_when_there_is_room(frame, far):
                        return
        connection.end_catching_up()

    def heartbeat(self) -> None:
        """Tell everybody how far they have come."""
        if not self._loaded:
            return  # Nobody knows yet, and who came back there would be told to begin anew.
        frames: dict[str, bytes] = {}
        for connection in self.connections:
            if connection.is_live:
                frame = frames.get(connection.format)
                if frame is None:
                    frame = connection.encoder.control("heartbeat", self.flushed_seq, self.epoch)
                    frames[connection.format] = frame
                connection.push(frame, self.flushed_seq, self.epoch)

    def stop(self) -> None:
        """End what runs for nobody."""
        if self._filler is not None:
            self._filler.cancel()
        if self._flush_handle is not None:
            self._flush_handle.cancel()

    def _begin_at(self, seq: int) -> None:
        self._through = self.flushed_seq = seq
        self._known = max(self._known, seq)

    def _begin_anew(self, epoch: str, seq: int) -> None:
        log.warning("live.feed.restarted", tenant_id=self.tenant_id, seq=seq)
        self.epoch = epoch
        self._pending.clear()
        self._facts.clear()
        self._known = seq
        self._begin_at(seq)
        self._tell_to_resync("the stream began anew")

    def _tell_to_resync(self, reason: str) -> None:
        seq, epoch = self.flushed_seq, self.epoch
        for connection in self.connections:
            frame = connection.encoder.control("resync", seq, epoch, reason=reason)
            connection.delivered_seq = seq
            connection.push(frame, seq, epoch)

    def _advance(self) -> None:
        self._take_pending()
        if self._known > self._through and self._filler is None:
            self._filler = asyncio.create_task(self._fill())

    def _take_pending(self) -> None:
        while (fact := self._pending.pop(self._through + 1, None)) is not None:
            self._accept(fact)

    def _accept(self, fact: RecordedFact) -> None:
        self._through = fact.seq
        self._facts.append(fact)
        if self._visibility.heard(fact):
            self._part()
        self._flush_soon()

    def _part(self) -> None:
        """Close what follows something that its actor may not see any more."""
        for connection in self.connections:
            # What happens in the whole tenant is looked at fact by fact.
            topics = connection.topics - {TENANT_TOPIC}
            if not all(self._visibility.sees_topic(connection.actor, one) for one in topics):
                connection.close(TRY_LATER, "what may be seen has changed")

    async def _fill(self) -> None:
        # A fact that was merely overtaken arrives by itself in a moment.
        delay = reorder_seconds if self._pending else 0.0
        try:
            while self._known > self._through:
                await asyncio.sleep(delay)
                known = self._known
                try:
                    page = await self._stream.after(self.tenant_id, self._through)
                except Exception as error:
                    # Whatever it is, those who watch wait for these facts.
                    if isinstance(error, TidemillError):
                        log.warning("live.fill.failed", reason=error.message)
                    else:
                        log.exception("live.fill.broke", tenant_id=self.tenant_id)
                    delay = min(max(delay, reorder_seconds) * 2, fill_retry_seconds_max)
                    continue
                delay = 0.0
                self._take_page(page)
                if not page and self._known == known:
                    # The log is the truth: the number came from elsewhere.
                    self._known = self._through
        finally:
            self._filler = None
        self._advance()

    def _take_page(self, page: Sequence[RecordedFact]) -> None:
        for fact in page:
            if fact.seq == self._through + 1:
                self._accept(fact)
        self._take_pending()
        self._pending = {seq: fact for seq, fact in self._pending.items() if seq > self._through}

    def _flush_soon(self) -> None:
        if self._flush_handle is not None:
            return
        loop = asyncio.get_running_loop()
        wait = self._pause_seconds - (time.monotonic() - self._flushed_at)
        # An idle tenant's fact leaves at once; a busy one's share a frame.
        if wait > 0:
            self._flush_handle = loop.call_later(wait, self._flush)
        else:
            self._flush_handle = loop.call_soon(self._flush)

    def _flush(self) -> None:
        self._flush_handle = None
        self._flushed_at = time.monotonic()
        facts, self._facts = self._facts, []
        updates, self._updates = self._updates, []
        self.flushed_seq = self._through
        try:
            self._deliver(facts, updates)
        except Exception:
            # What could not be told must not pass for told.
            log.exception("live.flush.broke", tenant_id=self.tenant_id)
            self._tell_to_resync("some of it could not be told")
        # Whom this woke comes before it in the loop: it runs when they have sent their frames.
        asyncio.get_running_loop().call_soon(self._measure, self._flushed_at)

    def _measure(self, started: float) -> None:
        # The next tick is as long as this fan-out took: half of the loop is left to requests,
        # and the more there is to tell, the more facts share a frame.
        self._flushed_at = time.monotonic()
        took = self._flushed_at - started
        self._pause_seconds = min(max(took, tick_seconds), tick_seconds_max)

    def _deliver(self, facts: Sequence[RecordedFact], updates: Sequence[Ephemeral]) -> None:
        tick = Tick(
            facts,
            updates,
            through_seq=self._through,
            epoch=self.epoch,
            at=self._clock.now(),
            visibility=self._visibility,
        )
        for index, fact in enumerate(facts):
            for connection in self._followers_of((TENANT_TOPIC, *fact.topics)):
                if self._visibility.sees_fact(connection.actor, fact):
                    tick.add(connection, index)
        for index, update in enumerate(updates, len(facts)):
            for connection in self._followers_of(update.topics):
                if self._visibility.sees_update(connection.actor, update):
                    tick.add(connection, index)
        tick.send()

    def _followers_of(self, topics: Sequence[Topic]) -> Iterable[Connection]:
        sets = [self._followers[topic] for topic in topics if topic in self._followers]
        return sets[0] if len(sets) == 1 else set().union(*sets)

    def _concerns(
        self, connection: Connection, fact: RecordedFact, topics: frozenset[Topic]
    ) -> bool:
        followed = TENANT_TOPIC in topics or not topics.isdisjoint(fact.topics)
        return followed and self._visibility.sees_fact(connection.actor, fact)
