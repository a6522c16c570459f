"""Facts in the CloudEvents 1.0 JSON format."""

from __future__ import annotations

from typing import Any

from tidemill.core.clock import rfc3339
from tidemill.core.facts import RecordedFact


def cloud_event(fact: RecordedFact) -> dict[str, Any]:
    """Return `fact` as an event, ready to be encoded as JSON."""
    return {
        "specversion": "1.0",
        "id": fact.id,
        "source": f"/tidemill/{fact.feature}",
        "type": fact.type,
        "subject": fact.subject,
        "time": rfc3339(fact.at),
        "datacontenttype": "application/json",
        "tenantid": fact.tenant_id,
        "sequence": fact.seq,
        "traceparent": fact.traceparent,
        "actor": fact.actor,
        "topics": fact.topics,
        "data": fact.data,
    }
