"""Access tokens and job tokens as JSON Web Tokens, read as strictly as they are written."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping
from typing import Any, Final

import msgspec
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import OctKey, OKPKey
from joserfc.jws import JWSRegistry
from msgspec import Struct

from tidemill.core.clock import MICROSECONDS_PER_SECOND, Instant
from tidemill.identity.credential_errors import (
    TokenClaimsInvalid,
    TokenExpired,
    TokenMalformed,
    TokenSignatureInvalid,
)

token_bytes_max: Final = 8 * 1024
ACCESS: Final = "at+jwt"
JOB: Final = "job+jwt"

Key = OctKey | OKPKey


class Header(Struct, frozen=True, forbid_unknown_fields=True):
    """The only header that is accepted: no `crit`, no `jku`, no key inside the token."""

    alg: str
    kid: str
    typ: str


class Claims(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What a token says. `job`, `epoch`, `scopes` and `via` stand in tokens of jobs only."""

    sub: str
    tenant_id: str
    exp: int
    iat: int
    iss: str
    aud: str
    jti: str
    sid: str = ""
    ver: int = 0
    job: str = ""
    epoch: int = 0
    scopes: tuple[str, ...] | None = None
    via: str = ""


class Policy(Struct, frozen=True, kw_only=True):
    """What this installation writes into tokens and expects of them."""

    algorithm: str
    issuer: str
    audience: str
    leeway_seconds: int


class _Registry(JWSRegistry):
    """Allows one algorithm, without a warning for its widely known name."""

    def get_alg(self, name: str) -> Any:
        if not self.allowed or name not in self.allowed:
            raise TokenSignatureInvalid
        return self.algorithms[name]


class JwtCodec:
    """Signs and verifies tokens under one policy."""

    def __init__(self, policy: Policy) -> None:
        self._policy = policy
        self._registry = _Registry(algorithms=[policy.algorithm])

    def encode(self, claims: Claims, typ: str, key_id: str, key: Key) -> str:
        """Return a signed token."""
        header = {"alg": self._policy.algorithm, "typ": typ, "kid": key_id}
        return jwt.encode(header, msgspec.to_builtins(claims), key, registry=self._registry)

    def header(self, token: str) -> Header:
        """Return the header; raises `TokenMalformed` and `TokenSignatureInvalid`."""
        if len(token) > token_bytes_max or not token.isascii() or token.count(".") != 2:
            raise TokenMalformed
        first = token.partition(".")[0]
        try:
            raw = base64.b64decode(first + "=" * (-len(first) % 4), altchars=b"-_", validate=True)
            header = msgspec.json.decode(raw, type=Header)
        except (binascii.Error, ValueError, msgspec.DecodeError) as error:
            raise TokenMalformed from error
        if header.alg != self._policy.algorithm or not 1 <= len(header.kid) <= 64:
            raise TokenSignatureInvalid
        return header

    def decode(self, token: str, header: Header, keys: Mapping[str, Key], now: Instant) -> Claims:
        """Return the claims of a token that was signed by one of `keys` and holds at `now`.

        Raises the error that names the first thing that is wrong: signature, claims, time.
        """
        key = keys.get(header.kid)
        if key is None:
            raise TokenSignatureInvalid
        try:
            verified = jwt.decode(token, key, registry=self._registry)
            claims = msgspec.convert(verified.claims, Claims)
        except msgspec.ValidationError as error:
            raise TokenClaimsInvalid from error
        except (JoseError, ValueError) as error:
            raise TokenSignatureInvalid from error
        if claims.iss != self._policy.issuer or claims.aud != self._policy.audience:
            raise TokenClaimsInvalid
        self.check_time(claims, now)
        return claims

    def check_time(self, claims: Claims, now: Instant) -> None:
        """Raise `TokenExpired` unless the token holds at `now`, give or take the leeway."""
        seconds = now // MICROSECONDS_PER_SECOND
        leeway = self._policy.leeway_seconds
        if seconds >= claims.exp + leeway or claims.iat > seconds + leeway:
            raise TokenExpired
