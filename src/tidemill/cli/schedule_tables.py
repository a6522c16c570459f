"""How `tidemill schedules` shows schedules."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from tidemill.cli.output import Column, moment, offset_of


def state_of(row: Any) -> str:
    """Return whether a schedule starts anything."""
    if not row.get("enabled"):
        return "off"
    if row.get("paused"):
        until = row.get("paused_until")
        return f"paused until {moment(until, zone_of(row))}" if until else "paused"
    return "on"


def zone_of(row: Any) -> str | None:
    """Return the name of the zone by whose clock a schedule's times are told."""
    zone = (row.get("trigger") or {}).get("zone")
    return str(zone) if zone else None


def changes_of_clock(dues: Sequence[str], zone: str | None) -> dict[str, str]:
    """Return how the clock of `zone` was set before each of `dues`, since the one before it."""
    offsets = [offset_of(due, zone) for due in dues]
    changes = {}
    for due, before, after in zip(dues[1:], offsets, offsets[1:], strict=False):
        if before is not None and after is not None and before != after:
            minutes = int(abs(after - before).total_seconds()) // 60
            way = "forward" if after > before else "back"
            changes[due] = f"set {way} by {minutes} min before this one"
    return changes


def next_of(row: dict[str, Any]) -> str:
    """Return a sentence that says when a schedule is due next; nothing where it is not."""
    due = moment(row.get("next_at"), zone_of(row))
    return f"It is due next at {due}." if due else ""


def _rhythm(row: Any) -> str:
    trigger = row.get("trigger") or {}
    if trigger.get("cron"):
        return f"{trigger['cron']} ({trigger['zone']})"
    if trigger.get("every_seconds"):
        return f"every {trigger['every_seconds']} s"
    if trigger.get("at"):
        return f"at {moment(trigger['at'], zone_of(row))}"
    if trigger.get("times"):
        return f"{', '.join(trigger['times'])} ({trigger['zone']})"
    return f"after {row['after'][0]['path']}" if row.get("after") else ""


def _handler(handler: dict[str, Any] | None) -> str | None:
    if handler is None:
        return None
    args = json.dumps(handler["args"], ensure_ascii=False) if handler.get("args") else ""
    return f"{handler.get('script_path') or handler.get('function')} {args}".rstrip()


COLUMNS: list[Column] = [
    ("PATH", "path"),
    ("WHEN", _rhythm),
    ("STARTS", lambda row: row.get("script_path") or row.get("function")),
    ("STATE", state_of),
    ("NEXT", lambda row: moment(row.get("next_at"), zone_of(row))),
    ("FAILURES", "failures"),
]
FIELDS: list[Column] = [
    *COLUMNS,
    ("ARGUMENTS", lambda row: json.dumps(row.get("args"), ensure_ascii=False)),
    ("AFTER", lambda row: [f"{one['path']} ({one['on']})" for one in row.get("after", [])]),
    ("OVERLAP", "overlap"),
    ("MISSED", "missed"),
    ("DAYS", lambda row: row["days"]["calendar"]),
    ("DUE ARGUMENT", "due_argument"),
    ("TAG", "tag"),
    ("PRIORITY", "priority"),
    ("TIMEOUT", lambda row: f"{row['timeout_seconds']} s" if row.get("timeout_seconds") else None),
    ("ATTEMPTS", "attempts_max"),
    ("JITTER", lambda row: f"{row['jitter_seconds']} s" if row.get("jitter_seconds") else None),
    ("ON SUCCESS", lambda row: _handler(row.get("on_success"))),
    ("ON FAILURE", lambda row: _handler(row.get("on_failure"))),
    ("ON RECOVERY", lambda row: _handler(row.get("on_recovery"))),
    ("DESCRIPTION", "description"),
    ("OWNER", "owner"),
    ("VERSION", "version"),
    ("ID", "id"),
]
