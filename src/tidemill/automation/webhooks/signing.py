"""Signatures by the Standard Webhooks specification (https://www.standardwebhooks.com)."""

from __future__ import annotations

import base64
import hashlib
import hmac
import os
from collections.abc import Sequence
from typing import Final

_PREFIX: Final = "whsec_"
_KEY_BYTES: Final = 32


def new_secret() -> str:
    """Return a fresh secret, in the form that receivers' libraries take."""
    return _PREFIX + base64.b64encode(os.urandom(_KEY_BYTES)).decode()


def signed_headers(
    message_id: str, body: bytes, secrets: Sequence[str], *, at_seconds: int
) -> dict[str, str]:
    """Return the headers that prove who sent `body`, one signature for each secret."""
    content = f"{message_id}.{at_seconds}.".encode() + body
    return {
        "webhook-id": message_id,
        "webhook-timestamp": str(at_seconds),
        "webhook-signature": " ".join(_signature(secret, content) for secret in secrets),
    }


def _signature(secret: str, content: bytes) -> str:
    key = base64.b64decode(secret.removeprefix(_PREFIX))
    return f"v1,{base64.b64encode(hmac.digest(key, content, hashlib.sha256)).decode()}"
