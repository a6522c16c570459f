"""Bodies of variables and secrets."""

from __future__ import annotations

from typing import Annotated, Self

from msgspec import Meta

from tidemill.core.clock import rfc3339
from tidemill.http import Body, PageView, View
from tidemill.jobs.code.variables.models import Rotation, Variable

Description = Annotated[str, Meta(max_length=1_000)]


class PutVariable(Body, frozen=True, kw_only=True):
    """A text, up to 64 KiB; `is_secret` null leaves what it was, and a new one is none."""

    value: str
    is_secret: bool | None = None
    description: Description = ""


class VariableView(View, frozen=True, kw_only=True):
    """A variable; `value` is null for secrets and in lists."""

    path: str
    is_secret: bool
    value: str | None
    description: str
    version: int
    created_at: str
    created_by: str
    updated_at: str
    updated_by: str

    @classmethod
    def of(cls, variable: Variable, *, shown: bool) -> Self:
        """Return the view of `variable`; `shown` says whether with the value, if it is plain."""
        return cls(
            path=variable.path,
            is_secret=variable.is_secret,
            value=variable.value if shown and not variable.is_secret else None,
            description=variable.description,
            version=variable.version,
            created_at=rfc3339(variable.created_at),
            created_by=variable.created_by,
            updated_at=rfc3339(variable.updated_at),
            updated_by=variable.updated_by,
        )


class VariablePage(PageView, frozen=True, kw_only=True):
    """A part of the list of variables, by path."""

    items: list[VariableView]


class ValueView(View, frozen=True, kw_only=True):
    """The value of a variable or secret; `secrets` are the texts in it that no log may show."""

    path: str
    value: str
    secrets: list[str]


class RotateSecrets(Body, frozen=True, kw_only=True):
    """What to do besides sealing the tenant's keys by the current master key.

    `renew` makes a new key of the tenant, and seals every secret by it.
    """

    renew: bool = False


class RotationView(View, frozen=True, kw_only=True):
    """What a rotation has done."""

    keys_wrapped: int
    secrets_sealed: int

    @classmethod
    def of(cls, rotation: Rotation) -> Self:
        """Return the view of `rotation`."""
        return cls(keys_wrapped=rotation.keys_wrapped, secrets_sealed=rotation.secrets_sealed)
