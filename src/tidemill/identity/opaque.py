"""Opaque secrets: tokens, cookies and links, in one form that clients and scanners can check.

`tmk_` names the kind, then come 12 characters that find the row, 43 of secret (256 bits), and 6
of checksum, so that a typing error is told apart from a revoked token without a look-up. Only the
SHA-256 of the secret is kept: it has the entropy that makes a slow hash needless.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
import zlib
from enum import StrEnum
from typing import Final

from msgspec import Struct

_ALPHABET: Final = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
_LETTERS: Final = frozenset(_ALPHABET)
_PREFIX_LENGTH: Final = 12
_SECRET_LENGTH: Final = 43
_CHECKSUM_LENGTH: Final = 6
_LENGTH: Final = _PREFIX_LENGTH + _SECRET_LENGTH + _CHECKSUM_LENGTH


class SecretKind(StrEnum):
    """What a secret is for, as its first characters say."""

    API_TOKEN = "tmk"  # noqa: S105 - a mark, not a secret
    REFRESH_TOKEN = "tmr"  # noqa: S105 - a mark, not a secret
    SESSION = "tms"
    INVITATION = "tmi"
    PASSWORD_RESET = "tmp"  # noqa: S105 - a mark, not a secret
    SETUP_TICKET = "tmt"
    GUEST_LINK = "tmg"
    WORKER_TOKEN = "tmw"  # noqa: S105 - a mark, not a secret


class Minted(Struct, frozen=True, kw_only=True):
    """A new secret: `text` goes to its owner once, the rest is kept."""

    text: str
    prefix: str
    secret_hash: str


class Presented(Struct, frozen=True, kw_only=True):
    """A secret that somebody presents, well-formed: what to look up and to compare."""

    prefix: str
    secret_hash: str

    def matches(self, stored_hash: str) -> bool:
        """Return whether this is the secret behind `stored_hash`, in constant time."""
        return hmac.compare_digest(self.secret_hash, stored_hash)


def mint(kind: SecretKind) -> Minted:
    """Return a new secret of 256 random bits."""
    prefix = _random(_PREFIX_LENGTH)
    secret = _random(_SECRET_LENGTH)
    text = f"{kind}_{prefix}{secret}"
    return Minted(text=text + _checksum(text), prefix=prefix, secret_hash=_hash(kind, secret))


def presented(kind: SecretKind, text: str) -> Presented | None:
    """Read a secret; None when it is not of this kind or mistyped."""
    mark, _, rest = text.partition("_")
    if mark != kind or len(rest) != _LENGTH or not _LETTERS.issuperset(rest):
        return None
    body = text[:-_CHECKSUM_LENGTH]
    if _checksum(body) != text[-_CHECKSUM_LENGTH:]:
        return None
    secret = rest[_PREFIX_LENGTH : _PREFIX_LENGTH + _SECRET_LENGTH]
    return Presented(prefix=rest[:_PREFIX_LENGTH], secret_hash=_hash(kind, secret))


def _random(length: int) -> str:
    return "".join(secrets.choice(_ALPHABET) for _ in range(length))


def _hash(kind: SecretKind, secret: str) -> str:
    return hashlib.sha256(f"{kind}:{secret}".encode()).hexdigest()


def _checksum(text: str) -> str:
    value = zlib.crc32(text.encode("ascii", "replace"))
    digits = ""
    for _ in range(_CHECKSUM_LENGTH):
        value, digit = divmod(value, len(_ALPHABET))
        digits = _ALPHABET[digit] + digits
    return digits
