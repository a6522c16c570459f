from __future__ import annotations

from typing import Any

import msgspec

from tidemill.board.project_access.live.telling import is_of_job, told_fact, told_update
from tidemill.core.actor import ActorKind
from tidemill.core.clock import Instant
from tidemill.core.facts import FactActor, RecordedFact, Topic
from tidemill.core.ids import TenantId
from tidemill.core.ports import Ephemeral

_TENANT = TenantId("t")
_TOPICS = (Topic("job:j"), Topic("work-item:i"), Topic("tag:default"))


def _raw(data: dict[str, Any]) -> msgspec.Raw:
    return msgspec.Raw(msgspec.json.encode(data))


def _fact(feature: str, topics: tuple[Topic, ...], data: dict[str, Any]) -> RecordedFact:
    return RecordedFact(
        id="f",
        tenant_id=_TENANT,
        seq=1,
        feature=feature,
        type="Something",
        subject="s",
        at=Instant(1),
        actor=FactActor(kind=ActorKind.USER, id="ada"),
        topics=topics,
        data=_raw(data),
    )


def test_told_update_leaves_the_item_of_a_job_out() -> None:
    data = _raw({"job_id": "j", "work_item_id": "i"})
    update = Ephemeral(tenant_id=_TENANT, topics=_TOPICS, type="JobStateChanged", data=data)

    told = told_update(update)

    assert is_of_job(update.topics)
    assert told.topics == (_TOPICS[0], _TOPICS[2])
    assert msgspec.json.decode(told.data) == {"job_id": "j", "work_item_id": None}


def test_told_update_tells_whole_what_is_of_no_job() -> None:
    update = Ephemeral(
        tenant_id=_TENANT, topics=_TOPICS[1:2], type="PresenceChanged", data=_raw({"count": 1})
    )

    assert told_update(update) is update


def test_told_fact_leaves_the_item_of_a_job_out() -> None:
    told = told_fact(_fact("jobs", _TOPICS, {"job_id": "j", "work_item_id": "i"}), is_guest=False)

    assert Topic("work-item:i") not in told.topics
    assert msgspec.json.decode(told.data)["work_item_id"] is None


def test_told_fact_leaves_jobs_of_items_out_for_guests() -> None:
    said = {
        "work_item": {"id": "i", "job": {"id": "j"}, "custom_fields": {"job": "pilot"}},
        "changes": [{"field_name": "job"}, {"field_name": "title"}],
    }
    fact = _fact("board", _TOPICS[1:2], said)

    told = msgspec.json.decode(told_fact(fact, is_guest=True).data)

    assert told == {
        "work_item": {"id": "i", "job": None, "custom_fields": {"job": "pilot"}},
        "changes": [{"field_name": "title"}],
    }
    assert told_fact(fact, is_guest=False) is fact
