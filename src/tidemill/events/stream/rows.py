"""Facts as rows of a stream or an outbox."""

from __future__ import annotations

from typing import Any, Final

import msgspec

from tidemill.core.clock import Instant
from tidemill.core.facts import FactActor, RecordedFact, Topic
from tidemill.core.ids import TenantId
from tidemill.core.ports import Row

_actor: Final = msgspec.json.Decoder(FactActor)
_topics: Final = msgspec.json.Decoder(tuple[Topic, ...])


def recorded(tenant_id: TenantId, row: Row) -> RecordedFact:
    """Return the fact in a row of a stream or an outbox."""
    id_, seq, feature, type_, subject, at, actor, topics, data, traceparent = row
    return RecordedFact(
        id=id_,
        tenant_id=tenant_id,
        seq=seq,
        feature=feature,
        type=type_,
        subject=subject,
        at=Instant(at),
        actor=_actor.decode(actor),
        topics=_topics.decode(topics),
        data=msgspec.Raw(data.encode()),
        traceparent=traceparent,
    )


def as_parameters(fact: RecordedFact) -> dict[str, Any]:
    """Return the parameters that insert `fact`."""
    return {
        "seq": fact.seq,
        "id": fact.id,
        "feature": fact.feature,
        "type": fact.type,
        "subject": fact.subject,
        "at": fact.at,
        "actor": msgspec.json.encode(fact.actor).decode(),
        "topics": msgspec.json.encode(fact.topics).decode(),
        "data": bytes(fact.data).decode(),
        "traceparent": fact.traceparent,
    }
