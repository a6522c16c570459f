"""Changing the key that signs access tokens, as an operator asks for it."""

from __future__ import annotations

from collections.abc import Callable

from tidemill.core.actor import Actor
from tidemill.core.operators import Operators, is_operator
from tidemill.core.ports import Once
from tidemill.identity.keys.models import SigningKey
from tidemill.identity.keys.service import SigningKeys
from tidemill.identity.signing_key_errors import SigningKeysForOperators, SigningKeysNotStored


class SigningKeyRotation:
    """The use cases."""

    def __init__(self, keys: SigningKeys, operators: Callable[[], Operators | None]) -> None:
        self._keys = keys
        self._operators = operators

    async def rotate(self, *, actor: Actor, once: Once[SigningKey] | None = None) -> SigningKey:
        """Let a new key sign soon; tokens of the old one hold until they expire.

        Raises `SigningKeysForOperators` and `SigningKeysNotStored`.
        """
        await self._check(actor)
        return await self._keys.rotate(by=actor, once=once)

    async def replace(self, *, actor: Actor, once: Once[SigningKey] | None = None) -> SigningKey:
        """Let a new key sign at once, and end what older ones have signed: one may have leaked.

        Raises `SigningKeysForOperators` and `SigningKeysNotStored`.
        """
        await self._check(actor)
        return await self._keys.replace(by=actor, once=once)

    async def _check(self, actor: Actor) -> None:
        operators = self._operators()
        if operators is None or not await is_operator(operators, actor):
            raise SigningKeysForOperators
        if not self._keys.stored:
            raise SigningKeysNotStored
