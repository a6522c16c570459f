"""By which handles a person can be mentioned."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable
from enum import IntEnum
from typing import Final

from msgspec import Struct

_length_max: Final = 200


class HandleKind(IntEnum):
    """What a handle was made of; a smaller one counts before a greater one."""

    ID = 0
    NAME = 1
    FIRST_NAME = 2


class Handle(Struct, frozen=True):
    """How many people have a handle of one kind, and one of them."""

    handle: str
    kind: HandleKind
    user_id: str
    people: int


def folded(text: str) -> str:
    """Return `text` as handles are compared: its letters and digits, whatever their case."""
    plain = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", text).casefold())
    return "".join(char for char in plain if char.isalnum())[:_length_max]


def handles_of(user_id: str, name: str) -> dict[str, HandleKind]:
    """Return the handles of a person: the id, the whole name and its first word."""
    words = name.split()
    made = (
        (folded(words[0]) if words else "", HandleKind.FIRST_NAME),
        (folded(name), HandleKind.NAME),
        (folded(user_id), HandleKind.ID),
    )
    return {handle: kind for handle, kind in made if handle}


def meant_by(handles: Iterable[Handle]) -> dict[str, str]:
    """Return whom handles name, as ids of users: nobody where it could be one of several."""
    found: dict[str, str] = {}
    decided: set[str] = set()
    for one in sorted(handles, key=lambda one: one.kind):
        if one.handle in decided:
            continue
        decided.add(one.handle)
        if one.people == 1:
            found[one.handle] = one.user_id
    return found
