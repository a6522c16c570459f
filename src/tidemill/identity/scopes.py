"""Which scopes a token may carry."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from tidemill.core.actor import Role
from tidemill.core.authorization import Permission, Scope
from tidemill.identity.errors import ScopeBeyondRole, UnknownScope

# The weakest role that can make use of a general scope.
_ROLES: Final = {Scope.READ: Role.VIEWER, Scope.WRITE: Role.MEMBER, Scope.ADMIN: Role.ADMIN}
_FIXED: Final = {
    "jobs:run": Role.MEMBER,
    "llm:chat": Role.MEMBER,
}


class ScopeRegistry:
    """Every scope that some permission names, and the weakest role that has it."""

    def __init__(self, permissions: Iterable[Permission] = ()) -> None:
        self._roles: dict[str, Role] = {str(scope): role for scope, role in _ROLES.items()}
        self._roles.update(_FIXED)
        self.learn(permissions)

    def learn(self, permissions: Iterable[Permission]) -> None:
        """Add the resource scopes that `permissions` name."""
        for permission in permissions:
            name = permission.resource_scope
            if name is None:
                continue
            known = self._roles.get(name)
            if known is None or permission.role.rank < known.rank:
                self._roles[name] = permission.role

    @property
    def known(self) -> tuple[str, ...]:
        """Return every scope, the general ones first."""
        return tuple(self._roles)

    def check(self, scopes: Iterable[str], role: Role) -> frozenset[str]:
        """Return `scopes` when they exist and suit `role`.

        Raises `UnknownScope` and `ScopeBeyondRole`.
        """
        wanted = frozenset(scopes)
        for scope in sorted(wanted):
            needed = self._roles.get(scope)
            if needed is None:
                raise UnknownScope(scope, self.known)
            if role.rank < needed.rank:
                raise ScopeBeyondRole(scope)
        return wanted
