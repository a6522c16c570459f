"""The one rule of folders, for any grants and anybody."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tidemill.core.actor import Actor, ActorKind, Role
from tidemill.core.ids import TenantId, UserId
from tidemill.core.pages import PageRequest
from tidemill.jobs.folder_errors import FolderInvalid
from tidemill.jobs.folders.models import (
    OPEN,
    Level,
    Place,
    allows,
    checked_grants,
    function_path,
    hidden_prefix,
    level_in,
    place_of,
    visible,
)

USERS = ("ann", "bob")
GRANTS = st.dictionaries(
    st.sampled_from([f"user:{name}" for name in USERS] + ["role:viewer", "role:member"]),
    st.sampled_from(Level),
)
ROLES = st.sampled_from(Role)
LEVELS = st.sampled_from(Level)
FOLDER = Place("f", "sales")


def an_actor(name: str | None = "ann", role: Role = Role.MEMBER) -> Actor:
    kind = ActorKind.USER if name else ActorKind.SYSTEM
    user_id = None if name is None else UserId(name)
    return Actor(
        kind=kind, id=name or "system", tenant_id=TenantId("t"), user_id=user_id, role=role
    )


@given(GRANTS, LEVELS)
def test_allows_admins_and_owners_everything(grants: dict[str, Level], wanted: Level) -> None:
    for role in (Role.ADMIN, Role.OWNER):
        for place in (FOLDER, Place("u", "bob")):
            assert allows(place, {"sales": grants}, an_actor(role=role), wanted)


@given(GRANTS, LEVELS, ROLES)
def test_allows_what_a_level_includes(grants: dict[str, Level], wanted: Level, role: Role) -> None:
    actor = an_actor(role=role)
    for less in Level:
        if less.rank <= wanted.rank and allows(FOLDER, {"sales": grants}, actor, wanted):
            assert allows(FOLDER, {"sales": grants}, actor, less)


@given(GRANTS, GRANTS, LEVELS, ROLES)
def test_allows_no_less_with_more_grants(
    some: dict[str, Level], more: dict[str, Level], wanted: Level, role: Role
) -> None:
    actor = an_actor(role=role)
    both = {**more, **some}
    if allows(FOLDER, {"sales": some}, actor, wanted):
        assert allows(FOLDER, {"sales": both}, actor, wanted)


@given(GRANTS, LEVELS)
def test_allows_nobody_what_nobody_was_granted(grants: dict[str, Level], wanted: Level) -> None:
    others = {who: level for who, level in grants.items() if who == "user:bob"}
    assert not allows(FOLDER, {"sales": others}, an_actor("ann"), wanted)


@given(LEVELS, ROLES)
def test_allows_a_role_what_a_weaker_one_may(level: Level, role: Role) -> None:
    grants = {"sales": {"role:viewer": level}}
    assert allows(FOLDER, grants, an_actor(role=role), level)


@given(ROLES, LEVELS)
def test_allows_everything_where_no_folder_is(role: Role, wanted: Level) -> None:
    assert allows(OPEN, {}, an_actor(role=role), wanted)
    assert allows(FOLDER, {}, an_actor(role=role), wanted)


def test_level_in_the_space_of_a_person_is_hers_alone() -> None:
    assert level_in(Place("u", "ann"), {}, an_actor("ann")) is Level.OWN
    assert level_in(Place("u", "ann"), {}, an_actor("bob")) is None


def test_level_in_a_folder_is_everything_for_tidemill_itself() -> None:
    assert level_in(FOLDER, {"sales": {}}, an_actor(None)) is Level.OWN


@pytest.mark.parametrize(
    ("path", "place"),
    [
        ("f/sales/report", FOLDER),
        ("f/sales/monthly/report", FOLDER),
        ("u/ann/draft", Place("u", "ann")),
        ("f/sales", OPEN),
        ("sales/report", OPEN),
        ("fa/sales/report", OPEN),
    ],
)
def test_place_of_a_path(path: str, place: Place) -> None:
    assert place_of(path) == place


def test_function_path_lies_in_the_folder_of_the_root_package() -> None:
    assert function_path("shop.tasks:send") == "f/shop/tasks/send"
    assert place_of(function_path("shop:send")) == Place("f", "shop")


@given(
    st.lists(
        st.sampled_from([f"{where}/{name}" for where in ("f/sales", "f/ops", "u/bob", "z")
                         for name in "abcdefg"]),
        unique=True,
    ),
    st.integers(1, 5),
)  # fmt: skip
def test_visible_gives_each_row_that_is_not_hidden_once(paths: list[str], limit: int) -> None:
    rows, actor = sorted(paths), an_actor("ann")
    grants = {"sales": {"user:bob": Level.OWN}, "ops": {"user:ann": Level.READ}}

    def read(after: str, count: int) -> Sequence[str]:
        return [row for row in rows if row > after][:count]

    def hidden(path: str) -> str | None:
        return hidden_prefix(path, grants, actor)

    seen: list[str] = []
    after = None
    while True:
        page = PageRequest(limit=limit, after=None if after is None else (after,))
        found = visible(read, lambda row: row, hidden, page)
        seen += found[:limit]
        if len(found) <= limit:
            break
        after = found[limit - 1]

    assert seen == [row for row in rows if hidden(row) is None]


@pytest.mark.parametrize("who", ["role:admin", "ann", "user:", "group:x"])
def test_checked_grants_refuses_whom_nobody_knows(who: str) -> None:
    with pytest.raises(FolderInvalid, match="write user:ID"):
        checked_grants({who: Level.READ})
