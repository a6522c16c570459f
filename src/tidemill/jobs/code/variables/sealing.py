"""Seals secrets: AES-256-GCM with a key of the tenant, which is sealed by the master key.

What is sealed is bound to its place: put into another row, tenant or path, it does not open.
"""

from __future__ import annotations

import base64
import hashlib
import os
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from tidemill.core.config.sections.storing import Secrets
from tidemill.core.ids import TenantId
from tidemill.jobs.code.variables.models import SecretKey
from tidemill.jobs.resource_errors import SecretLocked

_NONCE_BYTES: Final = 12
_KEY_BYTES: Final = 32
_KEY_USE: Final = b"tidemill secrets master key"


class MasterKeys:
    """The installation's master key, and the one before it while keys still need that."""

    def __init__(self, secrets: Secrets) -> None:
        given = [text for text in (secrets.master_key, secrets.master_key_previous) if text]
        keys = [_derived(text) for text in given]
        self._keys = {_id_of(key): AESGCM(key) for key in keys}
        self._current = _id_of(keys[0]) if secrets.master_key else None

    @property
    def current_id(self) -> str:
        """Return the id of the key that seals now."""
        if self._current is None:
            raise SecretLocked("this server has no secrets.master_key.")
        return self._current

    def new_key(self, tenant_id: TenantId, id_: str) -> SecretKey:
        """Return a fresh key of the tenant."""
        return self._wrap(tenant_id, id_, AESGCM.generate_key(bit_length=256))

    def wrapped_again(self, tenant_id: TenantId, key: SecretKey) -> SecretKey:
        """Return `key` sealed by the current master key."""
        return self._wrap(tenant_id, key.id, self._unwrap(tenant_id, key))

    def seal(self, tenant_id: TenantId, key: SecretKey, path: str, value: str) -> str:
        """Return `value` sealed for its path."""
        cipher = AESGCM(self._unwrap(tenant_id, key))
        return _sealed(cipher, value.encode(), _place("secret", tenant_id, path, key.id))

    def open(self, tenant_id: TenantId, key: SecretKey, path: str, sealed: str) -> str:
        """Return the value of the secret at `path`; raises `SecretLocked`."""
        cipher = AESGCM(self._unwrap(tenant_id, key))
        return _opened(cipher, sealed, _place("secret", tenant_id, path, key.id)).decode()

    def _wrap(self, tenant_id: TenantId, id_: str, plain: bytes) -> SecretKey:
        master = self.current_id
        place = _place("key", tenant_id, id_, master)
        return SecretKey(id_, master, _sealed(self._keys[master], plain, place))

    def _unwrap(self, tenant_id: TenantId, key: SecretKey) -> bytes:
        master = self._keys.get(key.master_key_id)
        if master is None:
            raise SecretLocked(
                f"master key {key.master_key_id} sealed it, which this server does not have. "
                "Set it as secrets.master_key_previous."
            )
        place = _place("key", tenant_id, key.id, key.master_key_id)
        return _opened(master, key.wrapped, place)


def _derived(text: str) -> bytes:
    derivation = HKDF(algorithm=SHA256(), length=_KEY_BYTES, salt=None, info=_KEY_USE)
    return derivation.derive(text.encode())


def _id_of(key: bytes) -> str:
    return hashlib.sha256(b"id of " + key).hexdigest()[:16]


def _place(*parts: str) -> bytes:
    # Each part says its length, so that no two places have the same bytes.
    return b"".join(f"{len(part.encode())}:{part}".encode() for part in parts)


def _sealed(cipher: AESGCM, plain: bytes, place: bytes) -> str:
    nonce = os.urandom(_NONCE_BYTES)
    return base64.b64encode(nonce + cipher.encrypt(nonce, plain, place)).decode()


def _opened(cipher: AESGCM, sealed: str, place: bytes) -> bytes:
    try:
        data = base64.b64decode(sealed, validate=True)
        return cipher.decrypt(data[:_NONCE_BYTES], data[_NONCE_BYTES:], place)
    except (InvalidTag, ValueError):
        raise SecretLocked(
            "what is stored was changed or moved, or is of another installation."
        ) from None
