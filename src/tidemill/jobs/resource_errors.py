"""Every failure of variables, secrets and resources."""

from __future__ import annotations

from collections.abc import Sequence

from tidemill.core.errors import (
    Conflict,
    Forbidden,
    InvalidInput,
    NotFound,
    RuleViolation,
    Unavailable,
)
from tidemill.jobs.folder_errors import named


class InvalidResourcePath(InvalidInput):
    """The path of a variable or resource could not be a path below one root."""

    code = "INVALID_RESOURCE_PATH"

    def __init__(self) -> None:
        super().__init__(
            "A path is 1 to 200 characters: names of letters, digits, '_', '-' and '.', that begin "
            "with a letter, digit or '_', joined by '/', such as mail/password.",
            param="path",
        )


class VariableInvalid(RuleViolation):
    """A field of a variable cannot hold."""

    code = "VARIABLE_INVALID"

    def __init__(self, param: str, reason: str) -> None:
        super().__init__(f"{param}: {reason}", param=param)


class VariableNotFound(NotFound):
    """There is no such variable or secret for this tenant."""

    code = "VARIABLE_NOT_FOUND"

    def __init__(self, path: str) -> None:
        super().__init__(f"There is no variable {_shown(path)}.", param="path")


class VariableInUse(Conflict):
    """Resources, scripts or schedules refer to the variable."""

    code = "VARIABLE_IN_USE"

    def __init__(self, path: str, users: Sequence[str], hidden: int = 0) -> None:
        told = named(users, hidden)
        super().__init__(
            f"{_shown(path)} is referred to by {told}. Change or delete those first.", param="path"
        )


class SecretNotForToken(Forbidden):
    """The token may start jobs, and only those may read secrets."""

    code = "SECRET_NOT_FOR_TOKEN"

    def __init__(self) -> None:
        super().__init__(
            "A token with the scope jobs:run does not read values itself; the jobs that it starts "
            "do. Use a token with the scope write."
        )


class SecretLocked(Unavailable):
    """The secret was sealed by a master key that this server does not have, or is damaged."""

    code = "SECRET_LOCKED"

    def __init__(self, reason: str) -> None:
        super().__init__(f"The secret cannot be opened: {reason}")


class ResourceTypeInvalid(RuleViolation):
    """A field of a resource type cannot hold."""

    code = "RESOURCE_TYPE_INVALID"

    def __init__(self, param: str, reason: str) -> None:
        super().__init__(f"{param}: {reason}", param=param)


class ResourceTypeNotFound(NotFound):
    """There is no such type for this tenant, and none is built in."""

    code = "RESOURCE_TYPE_NOT_FOUND"

    def __init__(self, name: str) -> None:
        super().__init__(f"There is no resource type {_shown(name)}.", param="name")


class ResourceTypeInUse(Conflict):
    """Resources have the type."""

    code = "RESOURCE_TYPE_IN_USE"

    def __init__(self, name: str, users: Sequence[str], hidden: int = 0) -> None:
        told = named(users, hidden)
        super().__init__(
            f"The resources {told} have the type {_shown(name)}. Delete them first.", param="name"
        )


class ResourceInvalid(RuleViolation):
    """A field of a resource cannot hold: its type is unknown, or the value does not fit it."""

    code = "RESOURCE_INVALID"

    def __init__(self, param: str, reason: str) -> None:
        super().__init__(f"{param}: {reason}", param=param)


class ResourceNotFound(NotFound):
    """There is no such resource for this tenant."""

    code = "RESOURCE_NOT_FOUND"

    def __init__(self, path: str) -> None:
        super().__init__(f"There is no resource {_shown(path)}.", param="path")


class ResourceInUse(Conflict):
    """Other resources, scripts or schedules refer to the resource."""

    code = "RESOURCE_IN_USE"

    def __init__(self, path: str, users: Sequence[str], hidden: int = 0) -> None:
        told = named(users, hidden)
        super().__init__(
            f"{_shown(path)} is referred to by {told}. Change or delete those first.", param="path"
        )


class ReferenceInvalid(RuleViolation):
    """What a value refers to is not there, leads back to itself, or leads too far."""

    code = "REFERENCE_INVALID"

    def __init__(self, way: Sequence[str], reason: str) -> None:
        super().__init__(f"{' → '.join(way)}: {reason}", param="value")
        self.way = tuple(way)


def _shown(text: str) -> str:
    short = text if len(text) <= 100 else f"{text[:99]}…"
    return repr(short)
