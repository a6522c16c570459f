"""HTTP of signing keys."""

from __future__ import annotations

from typing import Final

from tidemill.core.actor import Actor
from tidemill.http import Idempotency, post
from tidemill.identity.keys.models import SigningKey
from tidemill.identity.keys.rotation import SigningKeyRotation
from tidemill.identity.keys.schemas import CreateSigningKey, SigningKeyView
from tidemill.identity.permissions import ROTATE_SIGNING_KEYS


@post("/signing-keys", ROTATE_SIGNING_KEYS)
async def create_signing_key(
    actor: Actor,
    idempotency: Idempotency,
    signing_key_rotation: SigningKeyRotation,
    data: CreateSigningKey | None = None,
) -> SigningKeyView:
    """Let a new key sign access tokens; those of the old one hold until they expire.

    With `revoke_others`, for a key that may have leaked, they end at once, and the tokens of
    running jobs with them. Operators of the installation only, and with EdDSA only.
    """
    once = idempotency.once(SigningKey, without_secrets=SigningKey.without_secret)
    if data is not None and data.revoke_others:
        made = await signing_key_rotation.replace(actor=actor, once=once)
    else:
        made = await signing_key_rotation.rotate(actor=actor, once=once)
    return SigningKeyView.of(made)


ROUTES: Final = (create_signing_key,)
