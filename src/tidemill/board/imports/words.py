"""What the words of other tools mean here."""

from __future__ import annotations

import re
from typing import Final

from tidemill.board.imports.models import SourceFormat
from tidemill.board.item_kinds.models import BUILT_IN_KEYS, USUAL, Kinds
from tidemill.board.workflows.models import DEFAULT_WORKFLOW, Workflow

_TYPES: Final[dict[str, str]] = {
    "epic": "epic", "initiative": "epic",
    "story": "story", "user story": "story", "feature": "story", "requirement": "story",
    "improvement": "story", "enhancement": "story", "new feature": "story",
    "task": "task", "sub task": "task", "subtask": "task", "chore": "task", "support": "task",
    "bug": "bug", "defect": "bug", "issue": "bug", "incident": "bug",
}  # fmt: skip
# Below an epic Jira keeps stories and tasks side by side, and sub-tasks below both.
_TYPES_OF: Final[dict[SourceFormat, dict[str, str]]] = {
    SourceFormat.JIRA: {"task": "story", "spike": "story", "technical task": "task"},
}
_STATUSES: Final[dict[str, str]] = {
    "backlog": "backlog", "icebox": "backlog", "triage": "backlog", "draft": "backlog",
    "deferred": "backlog",
    "todo": "todo", "to do": "todo", "open": "todo", "new": "todo", "ready": "todo",
    "accepted": "todo",
    "selected for development": "todo", "reopened": "todo",
    "in progress": "in_progress", "doing": "in_progress", "started": "in_progress",
    "active": "in_progress", "in development": "in_progress", "indeterminate": "in_progress",
    "blocked": "blocked", "on hold": "blocked", "waiting": "blocked",
    "review": "review", "in review": "review", "code review": "review", "testing": "review",
    "feedback": "review",
    "done": "done", "closed": "done", "resolved": "done", "complete": "done",
    "completed": "done", "fixed": "done", "final": "done",
    "cancelled": "cancelled", "canceled": "cancelled", "wontfix": "cancelled",
    "won't do": "cancelled", "won't fix": "cancelled", "rejected": "cancelled",
    "duplicate": "cancelled", "withdrawn": "cancelled", "superseded": "cancelled",
    "not planned": "cancelled",
}  # fmt: skip
_PRIORITIES: Final[dict[str, str]] = {
    "critical": "critical", "highest": "critical", "blocker": "critical", "urgent": "critical",
    "p0": "critical", "immediate": "critical",
    "high": "high", "major": "high", "p1": "high",
    "medium": "medium", "normal": "medium", "p2": "medium", "none": "medium",
    "no priority": "medium",
    "low": "low", "minor": "low", "lowest": "low", "trivial": "low", "p3": "low", "p4": "low",
}  # fmt: skip
_PRIORITIES_OF: Final[dict[SourceFormat, dict[str, str]]] = {
    SourceFormat.VIKUNJA: {
        "0": "medium", "1": "low", "2": "medium", "3": "high", "4": "critical", "5": "critical",
    },
}  # fmt: skip
_SEPARATORS: Final = re.compile(r"[\s_\-./]+")


def plain(text: str) -> str:
    """Return a word as the tables have it, however it is written and parted."""
    return _SEPARATORS.sub(" ", text).strip().casefold()


def types_of(format_: SourceFormat, kinds: Kinds = USUAL) -> dict[str, str]:
    """Return the kind that each word of a tool stands for; own keys and names come first."""
    offered = [kind for kind in kinds if kind.retired_at is None]
    own = {plain(kind.name): kind.key for kind in reversed(offered)}
    own |= {plain(kind.key): kind.key for kind in offered}
    return _TYPES | _TYPES_OF.get(format_, {}) | _beside_usual(own)


def _beside_usual(own: dict[str, str]) -> dict[str, str]:
    # What a tool calls a task may be something else here; the usual words do not undo that.
    return {word: key for word, key in own.items() if word not in BUILT_IN_KEYS}


def priorities_of(format_: SourceFormat) -> dict[str, str]:
    """Return the priority that each word of a tool stands for."""
    return _PRIORITIES | _PRIORITIES_OF.get(format_, {})


def statuses_of(workflow: Workflow) -> dict[str, str]:
    """Return the status that each word stands for in a workflow.

    Its own keys and names come first. What other tools say stands for the usual status, and where
    the workflow lacks that one, for its first status that means the same.
    """
    found = {}
    for word, usual in _STATUSES.items():
        if usual in workflow.categories:
            found[word] = usual
        elif status := workflow.first_of(DEFAULT_WORKFLOW.categories[usual]):
            found[word] = status
    found |= {plain(one.name): one.key for one in reversed(workflow.statuses)}
    return found | {plain(one.key): one.key for one in workflow.statuses}
