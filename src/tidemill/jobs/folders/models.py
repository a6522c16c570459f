"""Folders and the one rule of who may do what below a path; no I/O.

A path begins with `f/FOLDER/…` or `u/USER/…`, or lies in no folder. Roles and scopes come first:
what they do not allow, no folder does. A folder narrows what is left.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from enum import StrEnum
from functools import lru_cache
from typing import Final, TypeVar

from msgspec import Struct

from tidemill.core.actor import Actor, ActorKind, Role
from tidemill.core.clock import Instant
from tidemill.core.facts import Topic, topic
from tidemill.core.keysets import after_text
from tidemill.core.pages import PageRequest
from tidemill.jobs.folder_errors import FolderInvalid

T = TypeVar("T")

folders_max: Final = 500
grants_max: Final = 200
_NAME: Final = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_-]{0,59}")
_WHO: Final = re.compile(r"user:[A-Za-z0-9-]{1,60}")
_PARTS: Final = 3
"""A thing in a folder has a name of its own: `f/sales/report`."""


class Level(StrEnum):
    """What one may do in a folder; each includes those before it."""

    READ = "read"
    """See what is there: code, schedules, resources, the names of secrets, jobs and logs."""
    RUN = "run"
    """Start scripts and functions, and use the values of variables and resources."""
    WRITE = "write"
    """Make, change and delete."""
    OWN = "own"
    """Change what others may do."""

    @property
    def rank(self) -> int:
        """Return 0 for the least, rising."""
        return _RANKS[self]


_RANKS: Final = {Level.READ: 0, Level.RUN: 1, Level.WRITE: 2, Level.OWN: 3}


class Place(Struct, frozen=True):
    """Where a path lies: `kind` is f, u, or empty in no folder."""

    kind: str = ""
    name: str = ""

    @property
    def prefix(self) -> str:
        """Return what the paths there begin with."""
        return f"{self.kind}/{self.name}/"


OPEN: Final = Place()
_KINDS: Final = {"f": "folder", "u": "space"}
_LETTERS: Final = {kind: letter for letter, kind in _KINDS.items()}


class Folder(Struct, frozen=True, kw_only=True):
    """A folder; `grants` says by whom what may be done: `user:ID` or `role:NAME`."""

    name: str
    description: str
    grants: Mapping[str, Level]
    version: int
    created_at: Instant
    created_by: str
    updated_at: Instant
    updated_by: str


Grants = Mapping[str, Mapping[str, Level]]
"""What may be done in each folder, by its name."""
Hidden = Callable[[str], str | None]
"""Returns the prefix of the hidden place in which a path lies, or None."""


@lru_cache(maxsize=4096)
def place_of(path: str) -> Place:
    """Return the place of a thing at `path`."""
    if not path.startswith(("f/", "u/")):
        return OPEN
    parts = path.split("/", _PARTS - 1)
    return Place(parts[0], parts[1]) if len(parts) == _PARTS else OPEN


def place_topics(path: str | None) -> tuple[Topic, ...]:
    """Return the topic of the place of `path`, by which streams know who may hear of it."""
    place = OPEN if path is None else place_of(path)
    return () if place == OPEN else (topic(_KINDS[place.kind], place.name),)


def place_of_topic(one: Topic) -> Place:
    """Return the place that a topic names; `OPEN` for the topics of other things."""
    kind, _, name = one.partition(":")
    return Place(_LETTERS[kind], name) if kind in _LETTERS else OPEN


@lru_cache(maxsize=4096)
def function_path(name: str) -> str:
    """Return the path of a function: `shop.tasks:send` lies in the folder of its root package."""
    module, _, function = name.partition(":")
    return f"f/{module.replace('.', '/')}/{function}"


def level_in(place: Place, grants: Grants, actor: Actor) -> Level | None:
    """Return what `actor` may do in `place` at most; None for nothing."""
    if actor.role in {Role.ADMIN, Role.OWNER} or place == OPEN:
        return Level.OWN
    if actor.user_id is None:
        return Level.OWN if actor.kind is ActorKind.SYSTEM else None
    if place.kind == "u":
        return Level.OWN if place.name == actor.user_id else None
    given = grants.get(place.name)
    if given is None:
        # A folder that nobody has made is open, as everything was before there were folders.
        return Level.OWN
    levels = [level for who, level in given.items() if _means(who, actor)]
    return max(levels, key=lambda level: level.rank, default=None)


def allows(place: Place, grants: Grants, actor: Actor, wanted: Level) -> bool:
    """Return whether `actor` may do `wanted` in `place`."""
    level = level_in(place, grants, actor)
    return level is not None and level.rank >= wanted.rank


def hidden_prefix(path: str, grants: Grants, actor: Actor) -> str | None:
    """Return the prefix of the place of `path` when `actor` may not see what is there."""
    place = place_of(path)
    return None if allows(place, grants, actor, Level.READ) else place.prefix


def seen_of(paths: Iterable[str], hidden: Hidden) -> tuple[list[str], int]:
    """Return those of `paths` that are not hidden, and how many are."""
    paths = list(paths)
    seen = [path for path in paths if hidden(path) is None]
    return seen, len(paths) - len(seen)


def visible(
    read: Callable[[str, int], Sequence[T]],
    path_of: Callable[[T], str],
    hidden: Hidden,
    page: PageRequest,
) -> list[T]:
    """Return a page's rows and one more that are not hidden; `read` gives those after a path.

    A hidden place is passed over as a whole, however much is in it.
    """
    wanted, after = page.limit_plus_one, after_text(page) or ""
    found: list[T] = []
    while len(found) < wanted:
        rows = read(after, wanted)
        for row in rows:
            prefix = hidden(path_of(row))
            if prefix is not None:
                # No path that begins so comes after this: `~` is beyond all that paths hold.
                after = f"{prefix}~"
                break
            found.append(row)
        else:
            if len(rows) < wanted:
                break
            after = path_of(rows[-1])
    return found[:wanted]


def checked_name(name: str) -> str:
    """Return `name` when a folder may be called so; raises `FolderInvalid`."""
    if not _NAME.fullmatch(name):
        reason = "write 1 to 60 letters, digits, '_' and '-', the first no '-'."
        raise FolderInvalid("name", reason)
    return name


def checked_grants(grants: Mapping[str, Level]) -> dict[str, Level]:
    """Return `grants` that can hold; raises `FolderInvalid`."""
    if len(grants) > grants_max:
        raise FolderInvalid("grants", f"{grants_max} are the limit; give them to a role.")
    for who in grants:
        if not _WHO.fullmatch(who) and who not in _ROLES:
            shown = ", ".join(_ROLES)
            raise FolderInvalid(f"grants.{who[:80]}", f"write user:ID, or one of {shown}.")
    return dict(sorted(grants.items()))


def users_in(grants: Iterable[str]) -> list[str]:
    """Return the ids of the people that grants name."""
    return [who.removeprefix("user:") for who in grants if who.startswith("user:")]


_ROLES: Final = ("role:viewer", "role:member")
"""Admins and owners of a tenant may do everything in each folder anyway."""


def _means(who: str, actor: Actor) -> bool:
    kind, _, name = who.partition(":")
    if kind == "user":
        return name == actor.user_id
    return actor.role is not None and actor.role.rank >= Role(name).rank
