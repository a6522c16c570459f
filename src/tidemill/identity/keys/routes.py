"""HTTP of signing keys."""

from __future__ import annotations

from typing import Final

from tidemill.core.actor import Actor
from tidemill.http import post
from tidemill.identity.keys.rotation import SigningKeyRotation
from tidemill.identity.keys.schemas import SigningKeyView
from tidemill.identity.permissions import ROTATE_SIGNING_KEYS


@post("/signing-keys", ROTATE_SIGNING_KEYS)
async def create_signing_key(
    actor: Actor, signing_key_rotation: SigningKeyRotation
) -> SigningKeyView:
    """Let a new key sign access tokens; those of the old one hold until they expire.

    Operators of the installation only, and with EdDSA only.
    """
    return SigningKeyView.of(await signing_key_rotation.rotate(actor=actor))


ROUTES: Final = (create_signing_key,)
