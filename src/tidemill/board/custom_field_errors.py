"""Failures around custom fields."""

from __future__ import annotations

from tidemill.board.errors import shown
from tidemill.core.errors import Conflict, InvalidInput, NotFound, RuleViolation


class CustomFieldNotFound(NotFound):
    """There is no such custom field for this tenant, or it was deleted."""

    code = "CUSTOM_FIELD_NOT_FOUND"

    def __init__(self, reference: str) -> None:
        super().__init__(f"There is no custom field {shown(reference)}.")


class UnknownCustomField(RuleViolation):
    """An item's project has no custom field with this key."""

    code = "UNKNOWN_CUSTOM_FIELD"

    def __init__(self, key: str, project_key: str) -> None:
        super().__init__(
            f"Items of {project_key} have no custom field {shown(key)}. "
            "GET /api/v1/custom-fields lists those of a project.",
            param=value_param(key),
        )


class CustomFieldKeyTaken(Conflict):
    """Another custom field that the same items have bears this key."""

    code = "CUSTOM_FIELD_KEY_TAKEN"

    def __init__(self, key: str) -> None:
        super().__init__(
            f"There is a custom field {shown(key)} already. Choose another key; "
            "one of the whole tenant differs from those of every project.",
            param="key",
        )


class CustomFieldChanged(Conflict):
    """Somebody changed the custom field since the version that the body expects."""

    code = "CUSTOM_FIELD_CHANGED"

    def __init__(self, expected: int, current: int) -> None:
        super().__init__(
            f"You changed version {expected}, and it is at version {current} now. Read it again.",
            param="expected_version",
            headers={"ETag": f'"v{current}"'},
        )


class InvalidCustomField(InvalidInput):
    """What was said of a custom field does not go together."""

    code = "INVALID_CUSTOM_FIELD"

    def __init__(self, param: str, problem: str) -> None:
        super().__init__(problem, param=param)


class CustomFieldTypeFixed(RuleViolation):
    """A custom field keeps its type, since its values would mean something else."""

    code = "CUSTOM_FIELD_TYPE_FIXED"

    def __init__(self, key: str, old: str, new: str) -> None:
        super().__init__(
            f"{shown(key)} stays a {old} field. Make another one of the type {new}, "
            "write what its items shall have there, and delete this one.",
            param="type",
        )


class TooManyCustomFields(RuleViolation):
    """The tenant, or the project, has as many custom fields as it can."""

    code = "TOO_MANY_CUSTOM_FIELDS"

    def __init__(self, count_max: int, *, of_project: bool) -> None:
        whose = "A project has" if of_project else "All projects together share"
        super().__init__(f"{whose} at most {count_max} custom fields. Delete one that nobody uses.")


class InvalidCustomValue(RuleViolation):
    """A value does not fit its custom field."""

    code = "INVALID_CUSTOM_VALUE"

    def __init__(self, key: str, problem: str) -> None:
        super().__init__(problem, param=value_param(key))


class CustomFieldRequired(RuleViolation):
    """A custom field that every item must have was left empty."""

    code = "CUSTOM_FIELD_REQUIRED"

    def __init__(self, key: str, name: str) -> None:
        super().__init__(f"{shown(name)} must be filled in.", param=value_param(key))


def value_param(key: str) -> str:
    """Return how callers name the value of a custom field."""
    return f"custom_fields.{key}"
