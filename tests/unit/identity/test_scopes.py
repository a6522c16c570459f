from __future__ import annotations

import pytest

from tidemill.core.actor import Role
from tidemill.core.authorization import Permission, Scope
from tidemill.identity.errors import ScopeBeyondRole, UnknownScope
from tidemill.identity.scopes import ScopeRegistry


@pytest.mark.parametrize(
    ("scope", "role"),
    [
        ("read", Role.VIEWER),
        ("write", Role.MEMBER),
        ("admin", Role.ADMIN),
        ("jobs:run", Role.MEMBER),
        ("llm:chat", Role.MEMBER),
    ],
)
def test_check_lets_a_scope_pass_from_its_role_on(scope: str, role: Role) -> None:
    registry = ScopeRegistry()
    for candidate in Role:
        if candidate.rank >= role.rank:
            assert registry.check([scope], candidate) == {scope}
        else:
            with pytest.raises(ScopeBeyondRole):
                registry.check([scope], candidate)


def test_check_refuses_what_no_permission_names() -> None:
    with pytest.raises(UnknownScope) as caught:
        ScopeRegistry().check(["read", "moon:land"], Role.OWNER)

    assert "jobs:run" in caught.value.message


def test_learn_takes_the_weakest_role_of_a_resource_scope() -> None:
    registry = ScopeRegistry()
    registry.learn(
        Permission(name=name, role=role, scope=Scope.WRITE, resource_scope="board:write")
        for name, role in (("a", Role.ADMIN), ("b", Role.MEMBER))
    )

    assert registry.check(["board:write"], Role.MEMBER) == {"board:write"}
