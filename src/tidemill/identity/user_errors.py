"""What can go wrong when operators look after the users of the installation."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from tidemill.core.errors import Conflict, Forbidden

_named_max: Final = 5


class UsersForOperators(Forbidden):
    """The users of every tenant are listed, so only operators see them."""

    code = "USERS_FOR_OPERATORS"

    def __init__(self) -> None:
        super().__init__(
            "Only an operator of this installation, an owner of its first tenant, may do this."
        )


class OwnAccount(Conflict):
    """Nobody closes the account that they act with: nothing would be left to open it again."""

    code = "OWN_ACCOUNT"

    def __init__(self) -> None:
        super().__init__("This is your own account. Another operator can close it.")


class LastOperator(Conflict):
    """An installation keeps at least one operator whose account is open."""

    code = "LAST_OPERATOR"

    def __init__(self) -> None:
        super().__init__(
            "This is the last operator whose account is open. Make somebody else an owner of the "
            "first tenant first."
        )


class LastActiveOwner(Conflict):
    """Closing the account would leave a tenant without an owner whose account is open."""

    code = "LAST_ACTIVE_OWNER"

    def __init__(self, tenants: Sequence[str]) -> None:
        named = ", ".join(tenants[:_named_max])
        more = " and others" if len(tenants) > _named_max else ""
        super().__init__(
            f"Nobody else owns {named}{more} whose account is open. Let an owner be made there "
            "first, or send `force` to leave it without one.",
            param="force",
        )
