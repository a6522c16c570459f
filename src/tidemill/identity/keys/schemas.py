"""Shapes of signing keys over HTTP."""

from __future__ import annotations

from typing import Self

from tidemill.core.clock import rfc3339
from tidemill.http import Body, View
from tidemill.identity.keys.models import SigningKey


class CreateSigningKey(Body, frozen=True, kw_only=True):
    """What becomes of the keys before the new one; `revoke_others` ends their tokens at once."""

    revoke_others: bool = False


class SigningKeyView(View, frozen=True, kw_only=True):
    """A key that signs access tokens from `signs_from` on."""

    id: str
    signs_from: str

    @classmethod
    def of(cls, key: SigningKey) -> Self:
        """Return the view of `key`."""
        return cls(id=key.id, signs_from=rfc3339(key.signs_from))
