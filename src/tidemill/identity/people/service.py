"""Keeps each tenant's people as the facts of identity say."""

from __future__ import annotations

from tidemill.core.facts import RecordedFact, decode_fact
from tidemill.core.module import Projection
from tidemill.core.ports import Tx
from tidemill.identity.contract import (
    MemberAdded,
    MemberRemoved,
    MemberRoleChanged,
    UserProfileChanged,
)
from tidemill.identity.people.repository import PeopleRepository


def people_projection() -> Projection:
    """Return the follower that fills the tenants' table of people."""
    people = PeopleRepository()

    def apply(tx: Tx, recorded: RecordedFact) -> None:
        match recorded.type:
            case "MemberAdded":
                added = decode_fact(recorded, MemberAdded)
                people.put(tx, added.user_id, added.name, added.avatar, added.role)
            case "MemberRoleChanged":
                turned = decode_fact(recorded, MemberRoleChanged)
                people.set_role(tx, turned.user_id, turned.new_role)
            case "UserProfileChanged":
                changed = decode_fact(recorded, UserProfileChanged)
                people.rename(tx, changed.user_id, changed.name, changed.avatar)
            case "MemberRemoved":
                people.remove(tx, decode_fact(recorded, MemberRemoved).user_id)
            case _:
                pass

    return Projection(
        name="identity.people",
        facts=(MemberAdded, MemberRoleChanged, UserProfileChanged, MemberRemoved),
        apply=apply,
    )
