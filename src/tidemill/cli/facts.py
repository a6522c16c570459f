"""What `tidemill watch` tells of facts and updates, in words instead of JSON."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final

from tidemill.cli.output import moment
from tidemill.cli.times import duration

Data = Mapping[str, Any]
_text_length_max: Final = 100
_PEOPLE: Final = {"user_id", "assignee_id", "watcher_id"}
"""The fields that hold a person's id and are told."""


def words_of(kind: str, data: Data) -> str | None:
    """Return what a fact or an update says; None for a kind that this program does not know."""
    told = TOLD.get(kind)
    if told is None:
        return None
    return "  ".join(cut(" ".join(str(word).split())) for word in told(data) if word)


def with_names(value: Any, name_of: Callable[[str], str]) -> Any:
    """Return what a fact or an update says, with people's names where it has their ids."""
    if isinstance(value, list):
        return [with_names(each, name_of) for each in value]
    if not isinstance(value, dict):
        return value
    told = {name: with_names(each, name_of) for name, each in value.items()}
    whose = {"new_value"} if value.get("field_name") in _PEOPLE else _PEOPLE
    for name in whose & told.keys():
        if isinstance(told[name], str):
            told[name] = name_of(told[name])
    if isinstance(people := value.get("user_ids"), list):
        told["user_ids"] = [name_of(str(each)) for each in people]
    return told


def cut(text: str) -> str:
    """Return the begin of what is too long for a line."""
    return text if len(text) <= _text_length_max else text[: _text_length_max - 1] + "…"


def _thing(name: str) -> Callable[[Data], Iterable[object]]:
    """Return what tells of a project or a work item: what people know it by, and what changed."""

    def told(data: Data) -> Iterable[object]:
        thing = data.get(name) or {}
        yield from (thing.get("key"), thing.get("title") or thing.get("name"))
        for change in data.get("changes") or ():
            yield _change(change)

    return told


def _change(change: Data) -> str:
    name, value = str(change.get("field_name")), change.get("new_value")
    return f"{name} → {value}" if value is not None else f"no {name} any more"


def _present(data: Data) -> Iterable[object]:
    people = data.get("people") or ()
    yield data.get("topic")
    for person in people:
        yield f"{person.get('user_id')}{' types' if person.get('typing') else ''}"
    if others := int(data.get("count") or 0) - len(people):
        yield f"and {others} others"
    if not data.get("count"):
        yield "nobody"


def _comment(data: Data) -> tuple[object, object]:
    comment = data.get("comment") or {}
    return comment.get("work_item_id"), comment.get("content")


def _attachment(data: Data) -> tuple[object, object]:
    attachment = data.get("attachment") or {}
    return attachment.get("work_item_id"), attachment.get("name")


def _fields(*names: str) -> Callable[[Data], Iterable[object]]:
    return lambda data: [data.get(name) for name in names]


def _label(data: Data) -> Iterable[object]:
    label = data.get("label") or {}
    return label.get("name"), label.get("color")


def _custom_field(data: Data) -> Iterable[object]:
    field = data.get("custom_field") or {}
    return field.get("key"), field.get("name"), field.get("field_type")


def _kind(data: Data) -> Iterable[object]:
    kind = data.get("kind") or {}
    return kind.get("key"), kind.get("name"), kind.get("retired") and "retired"


def _entry(data: Data) -> Iterable[object]:
    entry = data.get("time_entry") or {}
    seconds = entry.get("duration_seconds")
    yield from (entry.get("work_item_key"), entry.get("user_id"))
    yield from (seconds is not None and duration(seconds), entry.get("description"))


def _stopped(data: Data) -> object:
    stopped = data.get("stopped_entry")
    return stopped and f"stopped that of {stopped.get('work_item_key')}"


def _changed_entry(data: Data) -> Iterable[object]:
    yield from _entry(data)
    for change in data.get("changes") or ():
        yield _change(change)


def _dependency(data: Data) -> Iterable[object]:
    joined = data.get("dependency") or {}
    names = ("blocking_item_key", "dependency_type", "blocked_item_key")
    return [" ".join(str(joined.get(name)) for name in names)]


def _transferred(data: Data) -> Iterable[object]:
    for item in data.get("items") or ():
        yield f"{item.get('old_key')} is {item.get('key')}"


def _many(data: Data) -> Iterable[object]:
    """Yield how many items changed, which they are, and what they all became."""
    items = data.get("items") or ()
    yield f"{len(items)} items"
    yield ", ".join(str(item.get("key")) for item in items)
    changed = [[_change(one) for one in item.get("changes") or ()] for item in items]
    yield from (told for told in next(iter(changed), []) if all(told in one for one in changed))


def _job(data: Data) -> tuple[object, object]:
    return data.get("script_path") or data.get("function"), data.get("job_id")


def _queued(data: Data) -> Iterable[object]:
    later = data.get("run_at", 0) > data.get("queued_at", 0)
    return (*_job(data), later and f"runs at {_at(data, 'run_at')}")


def _retried(data: Data) -> Iterable[object]:
    yield from _job(data)
    yield from (_numbered(data, "attempt"), data.get("error"))
    yield f"again at {_at(data, 'run_at')}"


def _skipped(data: Data) -> Iterable[object]:
    yield from (data.get("path"), _at(data, "due_at"))
    if data.get("dues", 1) > 1:
        yield f"and {data['dues'] - 1} more until {_at(data, 'through_at')}"
    yield data.get("reason")


def _progress(data: Data) -> Iterable[object]:
    percent = data.get("percent")
    return data.get("job_id"), percent is not None and f"{percent:g} %", data.get("text")


def _metrics(data: Data) -> Iterable[object]:
    return data.get("job_id"), *(f"{name}={value}" for name, value in data["values"].items())


def _numbered(data: Data, name: str) -> str:
    return f"{name} {data.get(name)}"


def _at(data: Data, name: str) -> str:
    return moment(data.get(name, 0) / 1_000_000)


TOLD: Final[Mapping[str, Callable[[Data], Iterable[object]]]] = {
    "UserRegistered": _fields("user_id"),
    "UserProfileChanged": _fields("name"),
    "TenantCreated": _fields("slug", "name"),
    "TenantChanged": _fields("slug", "name"),
    "MemberAdded": _fields("name", "role"),
    "MemberRoleChanged": lambda data: [
        data.get("user_id"),
        f"{data.get('old_role')} → {data.get('new_role')}",
    ],
    "MemberRemoved": _fields("user_id"),
    "GuestLinkCreated": _fields("project_id", "name"),
    "GuestLinkRevoked": _fields("project_id", "guest_link_id"),
    "SettingChanged": lambda data: [
        data.get("key"),
        data.get("scope"),
        data.get("removed") and "removed",
    ],
    "ProjectCreated": _thing("project"),
    "ProjectUpdated": _thing("project"),
    "ProjectDeleted": _fields("project_id"),
    "ProjectRestored": _thing("project"),
    "ProjectImported": lambda data: [data.get("key"), f"{data.get('items')} items"],
    "ProjectGitBound": _fields("project_id"),
    "ProjectGitUnbound": _fields("project_id"),
    "ProjectGitSynced": lambda data: [
        data.get("project_id"),
        data.get("outcome"),
        f"{data.get('pulled')} pulled",
        f"{data.get('pushed')} pushed",
    ],
    "ProjectMemberSet": _fields("project_id", "member_id", "role"),
    "ProjectMemberRemoved": _fields("project_id", "member_id"),
    "ProjectVisibilityChanged": _fields("project_id", "visibility"),
    "WorkflowChanged": lambda data: [
        data.get("project_id"),
        ", ".join(status.get("key", "") for status in data.get("statuses") or ()),
    ],
    "BoardSettingsChanged": _fields("project_id"),
    "ViewCreated": _fields("view_id"),
    "ViewUpdated": _fields("view_id"),
    "ViewDeleted": _fields("view_id"),
    "WorkItemCreated": _thing("work_item"),
    "WorkItemUpdated": _thing("work_item"),
    "WorkItemDeleted": _fields("work_item_id"),
    "WorkItemRestored": _thing("work_item"),
    "WorkItemTransferred": _transferred,
    "WorkItemDueSoon": _fields("key", "due_date"),
    "WorkItemsUpdated": _many,
    "WorkItemsDeleted": _many,
    "WorkItemsRestored": _many,
    "WorkItemsReordered": lambda data: [
        data.get("project_id"),
        f"{len(data['ranks'])} ranks made anew",
    ],
    "ItemKindCreated": _kind,
    "ItemKindUpdated": _kind,
    "ItemKindDeleted": lambda data: [
        *_kind(data),
        data.get("items_moved") and f"{data['items_moved']} items → {data.get('moved_to')}",
    ],
    "ItemTemplateCreated": _fields("name"),
    "ItemTemplateUpdated": _fields("name"),
    "ItemTemplateDeleted": _fields("name"),
    "LabelCreated": _label,
    "LabelUpdated": _label,
    "LabelDeleted": _label,
    "LabelRestored": _label,
    "CustomFieldCreated": _custom_field,
    "CustomFieldUpdated": _custom_field,
    "CustomFieldDeleted": _custom_field,
    "WatcherAdded": _fields("work_item_id", "watcher_id"),
    "WatcherRemoved": _fields("work_item_id", "watcher_id"),
    "TimerStarted": lambda data: [*_entry(data), _stopped(data)],
    "TimerStopped": _entry,
    "TimeEntryCreated": _entry,
    "TimeEntryUpdated": _changed_entry,
    "TimeEntryDeleted": _fields("time_entry_id"),
    "SprintCreated": _thing("sprint"),
    "SprintUpdated": _thing("sprint"),
    "SprintDeleted": _fields("sprint_id"),
    "CommentCreated": _comment,
    "CommentUpdated": _comment,
    "CommentDeleted": _fields("comment_id"),
    "CommentReactionAdded": _fields("emoji", "comment_id"),
    "CommentReactionRemoved": _fields("emoji", "comment_id"),
    "PeopleMentioned": lambda data: [data.get("comment_id"), *data["user_ids"]],
    "AttachmentCreated": _attachment,
    "AttachmentDeleted": _attachment,
    "WorkItemBlocked": _fields("key"),
    "WorkItemUnblocked": _fields("key"),
    "DependencyCreated": _dependency,
    "DependencyDeleted": _dependency,
    "JobQueued": _queued,
    "JobStarted": lambda data: [*_job(data), _numbered(data, "attempt")],
    "JobRetryScheduled": _retried,
    "JobFinished": lambda data: [*_job(data), data.get("state"), data.get("error")],
    "ScriptDeployed": lambda data: [
        data.get("path"),
        _numbered(data, "version"),
        data.get("language"),
    ],
    "ScriptArchived": _fields("path"),
    "ScheduleCreated": _fields("path"),
    "ScheduleChanged": _fields("path", "change"),
    "ScheduleDeleted": _fields("path"),
    "OccurrenceSkipped": _skipped,
    "WebhookCreated": _fields("host"),
    "WebhookUpdated": _fields("host"),
    "WebhookSecretRotated": _fields("host"),
    "WebhookDisabled": _fields("host", "reason"),
    "WebhookDeleted": _fields("host"),
    "ProviderCreated": _fields("name"),
    "ProviderUpdated": _fields("name"),
    "ProviderDeleted": _fields("name"),
    "AliasCreated": _fields("name"),
    "AliasUpdated": _fields("name"),
    "AliasDeleted": _fields("name"),
    "JobStateChanged": _fields("job_id", "state", "error"),
    "JobProgress": _progress,
    "JobMetrics": _metrics,
    "PresenceChanged": _present,
}
