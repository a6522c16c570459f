"""Handles follow what happens to members."""

from __future__ import annotations

import msgspec
import pytest

from tests.fixtures.board import BoardWorld
from tidemill.board.handles.service import Handles, handles_projection
from tidemill.core.actor import ActorKind, Role
from tidemill.core.clock import Instant
from tidemill.core.facts import Fact, FactActor, RecordedFact
from tidemill.core.ids import UserId
from tidemill.core.ports import Tx
from tidemill.identity import MemberAdded, MemberRemoved, UserProfileChanged

pytestmark = pytest.mark.anyio
_ADA = UserId("u-ada")


async def told(world: BoardWorld, *facts: Fact) -> None:
    def use_case(tx: Tx) -> None:
        for fact in facts:
            handles_projection().apply(tx, _recorded(world, fact))

    await world.stores.tenants.write(world.tenant_id, use_case)


async def meant(world: BoardWorld, *names: str) -> dict[str, str]:
    return await world.stores.tenants.read(world.tenant_id, lambda tx: Handles().meant(tx, names))


def _recorded(world: BoardWorld, fact: Fact) -> RecordedFact:
    return RecordedFact(
        id="f",
        tenant_id=world.tenant_id,
        seq=1,
        feature=fact.feature,
        type=type(fact).__name__,
        subject=fact.subject,
        at=Instant(1),
        actor=FactActor(kind=ActorKind.SYSTEM, id="test"),
        topics=(),
        data=msgspec.Raw(msgspec.json.encode(fact)),
    )


def _added(name: str) -> MemberAdded:
    return MemberAdded(user_id=_ADA, name=name, avatar=None, role=Role.MEMBER)


async def test_handles_follow_members_as_they_come_change_and_leave(world: BoardWorld) -> None:
    names = ("Ada", "ada.king", "ada-lovelace", "U-Ada", "...", "nobody")
    await told(world, _added("Ada King"), _added("Ada King"))
    at_first = await meant(world, *names)
    await told(world, UserProfileChanged(user_id=_ADA, name="Ada Lovelace", avatar=None))
    renamed = await meant(world, *names)
    await told(
        world,
        MemberRemoved(user_id=_ADA),
        UserProfileChanged(user_id=_ADA, name="Ada", avatar=None),
    )

    assert set(at_first) == {"Ada", "ada.king", "U-Ada"}
    assert set(renamed) == {"Ada", "ada-lovelace", "U-Ada"}
    assert set(renamed.values()) == {_ADA}
    assert await meant(world, *names) == {}
    assert await meant(world) == {}


async def test_handles_of_fifty_names_are_looked_up_and_no_more(world: BoardWorld) -> None:
    ada = await world.a_person("Ada")
    names = [f"nobody{n}" for n in range(49)]

    assert await meant(world, *names, "ada") == {"ada": ada}
    assert await meant(world, "more", *names, "ada") == {}
