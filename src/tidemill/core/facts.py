"""Facts: what happened, in the past tense, on the event stream."""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar, NewType, TypeVar

import msgspec
from msgspec import Struct

from tidemill.core.actor import ActorKind
from tidemill.core.clock import Instant
from tidemill.core.ids import TenantId

Topic = NewType("Topic", str)
"""What a client subscribes to: `project:ID`, `work-item:ID`, `job:ID`, `tag:NAME`, or `tenant`."""


def topic(kind: str, id_: str) -> Topic:
    """Return the topic of one thing, e.g. `topic("project", project_id)`."""
    return Topic(f"{kind}:{id_}")


class Fact(Struct, frozen=True, kw_only=True):
    """Base of all facts. A feature declares its facts in `contract.py`.

    The class name is the fact's type on the stream; `feature` is the package that owns it.
    Fields are plain data; ids and enums travel as text.
    """

    feature: ClassVar[str]
    of_one: ClassVar[str | None] = None
    """The fact that tells of one thing what this one tells of many, where there is such a fact."""

    def topics(self) -> tuple[Topic, ...]:
        """Return what a subscriber may follow to hear of this fact, besides `tenant`."""
        return ()

    @property
    def subject(self) -> str:
        """Return the id of the thing that the fact is about."""
        raise NotImplementedError


class FactActor(Struct, frozen=True, kw_only=True):
    """Who caused a fact, as far as everybody may know."""

    kind: ActorKind
    id: str
    user_id: str | None = None


F = TypeVar("F", bound=Fact)


class RecordedFact(Struct, frozen=True, kw_only=True):
    """A fact as it lies in a store or travels: with its number, instant and actor.

    `seq` is gapless per tenant; it is 0 until the tenant's stream has numbered the fact.
    `data` is the fact itself as JSON.
    """

    id: str
    tenant_id: TenantId
    seq: int
    feature: str
    type: str
    subject: str
    at: Instant
    actor: FactActor
    topics: tuple[Topic, ...]
    data: msgspec.Raw
    traceparent: str | None = None


def decode_fact(recorded: RecordedFact, fact_type: type[F]) -> F:
    """Return the fact itself; raises `msgspec.ValidationError` when it has another shape."""
    return msgspec.json.decode(recorded.data, type=fact_type)


def every_fact(base: type[Fact] = Fact) -> Iterator[type[Fact]]:
    """Yield each declared fact class."""
    for fact in base.__subclasses__():
        yield fact
        yield from every_fact(fact)
