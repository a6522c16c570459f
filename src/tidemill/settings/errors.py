"""What can go wrong with settings."""

from __future__ import annotations

from tidemill.core.config import KEYS, Key, Origin, Scope, nearest
from tidemill.core.errors import Conflict, Forbidden, InvalidInput, NotFound, RuleViolation


class SettingNotFound(NotFound):
    """There is no setting of this name, or the actor may not see it."""

    code = "SETTING_NOT_FOUND"

    def __init__(self, name: str) -> None:
        guess = nearest(name, {key.name: key for key in KEYS.values() if key.live})
        hint = f" Did you mean {guess}?" if guess and guess != name else ""
        super().__init__(f"There is no setting {name} that you may see.{hint}", param="key")


class SettingShadowed(Conflict):
    """A source above the database sets the key, so that a stored value would have no effect."""

    code = "SETTING_SHADOWED"

    def __init__(self, key: Key, origin: Origin) -> None:
        source = origin.source.value.replace("_", " ")
        super().__init__(
            f"{key.name} is set by the {source}: {origin}. That wins over stored values; "
            "change it there, or remove it there first.",
            param="key",
        )


class SettingNotChangeable(RuleViolation):
    """The key is read at start only."""

    code = "SETTING_NOT_CHANGEABLE"

    def __init__(self, key: Key) -> None:
        super().__init__(
            f"{key.name} is read when a process starts. Set it as {key.variable}, or as "
            f"{key.field} under [{key.section}] in the configuration file, and restart.",
            param="key",
        )


class SettingScopeNotAllowed(RuleViolation):
    """The key cannot be set at a scope this narrow."""

    code = "SETTING_SCOPE_NOT_ALLOWED"

    def __init__(self, key: Key, scope: Scope) -> None:
        super().__init__(
            f"{key.name} cannot be set for each {scope}, only for each {key.scope} or wider.",
            param="scope",
        )


class SettingValueInvalid(InvalidInput):
    """The value is not of the key's type or outside its limits."""

    code = "SETTING_VALUE_INVALID"

    def __init__(self, key: Key, expected: str) -> None:
        super().__init__(f"{key.name} must be {expected}.", param="value")


class SettingTenantNotFound(NotFound):
    """There is no tenant of this id for which a value could be set."""

    code = "SETTING_TENANT_NOT_FOUND"

    def __init__(self, tenant_id: str) -> None:
        super().__init__(f"There is no tenant {tenant_id}.", param="tenant_id")


class OperatorNeeded(Forbidden):
    """Only an operator of the installation may change what concerns every tenant."""

    code = "OPERATOR_NEEDED"

    def __init__(self) -> None:
        super().__init__("Only an operator of this installation may do this.")


class UserNeeded(Forbidden):
    """A value of a user's own can be set by that user only, not by Tidemill itself."""

    code = "USER_NEEDED"

    def __init__(self) -> None:
        super().__init__("This credential belongs to no user; choose another scope.")
