"""What of a fact or an update is told to those who do not see all projects.

The items of jobs are left out for all of them alike, whoever may see which item: a live message is
made once for many, and must not say by what is missing in it that something is hidden.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final

import msgspec
from msgspec import structs

from tidemill.core.facts import RecordedFact, Topic
from tidemill.core.ports import Ephemeral

JOB_FIELDS: Final = frozenset({"job", "job_result"})
"""What histories and facts call what an item shows of its last job."""
_JOB: Final = "job:"
_ITEM: Final = "work-item:"


def is_of_job(topics: Iterable[Topic]) -> bool:
    """Return whether something is told of a job."""
    return any(one.startswith(_JOB) for one in topics)


def told_fact(fact: RecordedFact, *, is_guest: bool) -> RecordedFact:
    """Return a fact without the item of its job; for a guest, without the job of an item."""
    if is_guest:
        if b'"job' not in bytes(fact.data):
            return fact
        data = _without_jobs(msgspec.json.decode(fact.data))
        return structs.replace(fact, data=msgspec.Raw(msgspec.json.encode(data)))
    if fact.feature != "jobs" or not _names_item(fact.topics):
        return fact
    return structs.replace(fact, topics=_without_items(fact.topics), data=_unlinked(fact.data))


def told_update(update: Ephemeral) -> Ephemeral:
    """Return an update without the item of its job."""
    if not is_of_job(update.topics) or not _names_item(update.topics):
        return update
    topics = _without_items(update.topics)
    return structs.replace(update, topics=topics, data=_unlinked(update.data))


def _names_item(topics: Iterable[Topic]) -> bool:
    return any(one.startswith(_ITEM) for one in topics)


def _without_items(topics: Iterable[Topic]) -> tuple[Topic, ...]:
    return tuple(one for one in topics if not one.startswith(_ITEM))


def _unlinked(data: msgspec.Raw) -> msgspec.Raw:
    said: dict[str, Any] = msgspec.json.decode(data)
    if "work_item_id" in said:
        said["work_item_id"] = None
    return msgspec.Raw(msgspec.json.encode(said))


def _without_jobs(said: Any) -> Any:
    if isinstance(said, list):
        return [_without_jobs(one) for one in said if not _is_of_job(one)]
    if not isinstance(said, dict):
        return said
    # A custom field may be called so, too, and has no object for its value.
    return {
        name: None if name == "job" and isinstance(one, dict) else _without_jobs(one)
        for name, one in said.items()
    }


def _is_of_job(change: Any) -> bool:
    return isinstance(change, dict) and change.get("field_name") in JOB_FIELDS
