"""The tables and columns of which an assistant may know, and what they hold."""

from __future__ import annotations

from typing import Final

_STAMPS: Final = {
    "version": "grows by 1 with each change",
    "created_at": "microseconds since 1970",
    "created_by": "id of who made it",
    "updated_at": "microseconds since 1970",
    "updated_by": "id of who changed it last",
    "deleted_at": "null while it is there",
}

TABLES: Final[dict[str, dict[str, str]]] = {
    "projects": {
        "id": "UUID",
        "key": "upper-case letters and digits, such as TM",
        "name": "what people wrote",
        "description": "Markdown that people wrote",
        "next_item_number": "of the item that is made next",
        "archived_at": "null unless it is archived: then nothing in it changes",
        "time_zone": "whose days count",
        **_STAMPS,
    },
    "work_items": {
        "id": "UUID",
        "project_id": "projects.id",
        "number": "unique in the project; key and number make TM-12",
        "item_type": "epic, story, task or bug",
        "title": "what people wrote",
        "description": "Markdown that people wrote",
        "status": "key of a status of the project's workflow",
        "status_category": "what the status means",
        "priority": "critical, high, medium or low",
        "parent_id": "work_items.id of the item right above",
        "assignee_id": "people.user_id of who shall do it",
        "external_id": "id that it was imported with",
        "rank": "order among the items of the project",
        "points": "how large it is",
        "estimate_seconds": "how long it may take",
        "start_date": "YYYY-MM-DD",
        "due_date": "YYYY-MM-DD",
        "sprint_id": "sprints.id of the sprint that it lies in",
        "started_at": "since when it is worked on",
        "completed_at": "since when it is done or cancelled",
        "archived_at": "null unless it is put away",
        "custom_values": "JSON: by custom_fields.id, the key, type and value of each",
        **_STAMPS,
    },
    "sprints": {
        "id": "UUID",
        "project_id": "projects.id",
        "name": "what people wrote",
        "goal": "what people wrote",
        "start_date": "YYYY-MM-DD",
        "end_date": "YYYY-MM-DD",
        "status": "planned, active, completed or cancelled",
        "started_at": "microseconds since 1970",
        "ended_at": "microseconds since 1970",
        **_STAMPS,
    },
    "labels": {
        "id": "UUID",
        "project_id": "projects.id, or null for a label of all projects",
        "name": "what people wrote",
        "color": "#rrggbb",
        "description": "what people wrote",
        **_STAMPS,
    },
    "custom_fields": {
        "id": "UUID",
        "project_id": "projects.id, or null for a field of all projects",
        "key": "how items and filters name it",
        "name": "what people wrote",
        "field_type": "text, number, date, choice, user or link",
        "help": "what people wrote",
        "is_required": "1 when each new item must have it",
        "default_value": "what new items have",
        "rules": "JSON: minimum, maximum, length_max, choices",
        **{name: what for name, what in _STAMPS.items() if name != "deleted_at"},
    },
    "custom_field_values": {
        "field_id": "custom_fields.id",
        "work_item_id": "work_items.id",
        "text_value": "as it is compared: days, ids, texts without case",
        "number_value": "millionths",
    },
    "dependencies": {
        "id": "UUID",
        "dependency_type": "blocks, relates_to or duplicates",
        "blocking_item_id": "work_items.id of the first",
        "blocked_item_id": "work_items.id of the second",
        "created_at": "microseconds since 1970",
        "created_by": "id of who made it",
    },
    "comments": {
        "id": "UUID",
        "work_item_id": "work_items.id",
        "parent_id": "comments.id that it answers",
        "content": "Markdown that people wrote",
        **_STAMPS,
    },
    "activities": {
        "work_item_id": "work_items.id",
        "version": "of the item, with which the change came",
        "field": "that changed; empty for the item as a whole",
        "action": "what happened",
        "old_value": "before, null for none",
        "new_value": "after, null for none",
        "at": "microseconds since 1970",
        "actor_kind": "who acted: user, token, job or another",
        "actor_id": "id of who acted",
        "user_id": "people.user_id with whose rights",
    },
    "people": {
        "user_id": "UUID",
        "name": "what people wrote",
        "state": "active or removed",
    },
}

KEPT_BACK: Final[dict[str, frozenset[str]]] = {
    # What a job printed is for those who may read jobs.
    "work_items": frozenset({"job", "label_ids"}),
    "projects": frozenset({"limits_id", "workflow_id"}),
    "sprints": frozenset({"snapshot"}),
    "labels": frozenset({"name_key"}),
    "activities": frozenset({"fact_id"}),
    "comments": frozenset({"place", "content_html", "renderer", "mentions"}),
    "people": frozenset({"avatar"}),
}
"""Columns that tell an assistant nothing, or nothing that it should know."""
