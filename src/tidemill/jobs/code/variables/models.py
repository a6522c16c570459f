"""Variables, secrets and the keys that seal them; no I/O."""

from __future__ import annotations

from typing import Final

from msgspec import Struct

from tidemill.core.clock import Instant
from tidemill.jobs.code.scripts.models import script_path
from tidemill.jobs.errors import InvalidScriptPath
from tidemill.jobs.resource_errors import InvalidResourcePath, VariableInvalid

value_bytes_max: Final = 64 * 1024
variables_max: Final = 10_000
_TAKEN: Final = "value"


class Variable(Struct, frozen=True):
    """A variable, with the columns of the repository in order; a secret has `key_id`.

    The `value` of a secret is what its key has sealed.
    """

    path: str
    value: str
    key_id: str | None
    description: str
    version: int
    created_at: Instant
    created_by: str
    updated_at: Instant
    updated_by: str

    @property
    def is_secret(self) -> bool:
        """Return whether the value is sealed."""
        return self.key_id is not None


class SecretKey(Struct, frozen=True):
    """A key of one tenant, itself sealed by a master key."""

    id: str
    master_key_id: str
    wrapped: str


class Rotation(Struct, frozen=True, kw_only=True):
    """What a rotation has done."""

    keys_wrapped: int
    secrets_sealed: int


def resource_path(text: str) -> str:
    """Return `text` as the path of a variable or resource, without a slash at its ends."""
    try:
        path = script_path(text)
    except InvalidScriptPath:
        raise InvalidResourcePath from None
    if path == _TAKEN:
        # Its address is that of values, so that it could be written and never read.
        raise VariableInvalid("path", f"{_TAKEN!r} alone is taken; give it a name before or after.")
    return path


def checked_value(value: str) -> str:
    """Return `value`, which every database can keep, within the limit."""
    try:
        size = len(value.encode())
    except UnicodeEncodeError:
        raise VariableInvalid("value", "it holds a character that is no valid Unicode.") from None
    if size > value_bytes_max:
        reason = f"it has {size} bytes; {value_bytes_max} are the limit."
        raise VariableInvalid("value", reason)
    if "\x00" in value:
        raise VariableInvalid("value", "it holds a NUL character. Remove it.")
    return value
