"""What lies sealed in the control store, under keys that are derived from `auth.jwt_secret`."""

from __future__ import annotations

import base64
import os
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

_nonce_bytes: Final = 12


class SealedOtherwise(ValueError):
    """It was sealed under another secret, for another purpose or name, or changed since."""


def seal(secret: str, purpose: str, name: str, text: str) -> str:
    """Return `text` sealed by AES-256-GCM for one purpose and name, in base64."""
    nonce = os.urandom(_nonce_bytes)
    sealed = _key(secret, purpose).encrypt(nonce, text.encode(), name.encode())
    return base64.b64encode(nonce + sealed).decode()


def unseal(secret: str, purpose: str, name: str, sealed: str) -> str:
    """Return what was sealed; raises `SealedOtherwise`."""
    try:
        raw = base64.b64decode(sealed)
        nonce, rest = raw[:_nonce_bytes], raw[_nonce_bytes:]
        return _key(secret, purpose).decrypt(nonce, rest, name.encode()).decode()
    except (InvalidTag, ValueError) as error:
        raise SealedOtherwise from error


def _key(secret: str, purpose: str) -> AESGCM:
    derive = HKDF(algorithm=SHA256(), length=32, salt=None, info=f"tidemill {purpose}".encode())
    return AESGCM(derive.derive(secret.encode()))
