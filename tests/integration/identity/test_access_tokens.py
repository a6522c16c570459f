"""What is refused as an access token, and why."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from joserfc import jwt
from joserfc.jwk import OctKey, OKPKey
from msgspec import structs

from tests.fixtures.identity import IdentityWorld, bearer, identity_world, identity_worlds
from tests.fixtures.stores import StoresKind, until
from tidemill.core.actor import Origin
from tidemill.core.config import ConfigRefused
from tidemill.core.config.sections.people import JwtAlgorithm
from tidemill.core.ids import INSTALLATION
from tidemill.core.operators import OPERATORS
from tidemill.identity.keys.service import SigningKeys
from tidemill.settings.operators.service import FirstOwners

pytestmark = pytest.mark.anyio


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[IdentityWorld]:
    async with identity_world(tmp_path) as world:
        yield world


def _part(data: dict[str, Any]) -> str:
    return base64.urlsafe_b64encode(json.dumps(data).encode()).decode().rstrip("=")


def _read(token: str) -> tuple[dict[str, Any], dict[str, Any]]:
    head, body, _ = token.split(".")
    decoded = [json.loads(base64.urlsafe_b64decode(p + "=" * (-len(p) % 4))) for p in (head, body)]
    return decoded[0], decoded[1]


def _signed(header: dict[str, Any], claims: dict[str, Any], secret: str = "s" * 48) -> str:
    return jwt.encode(header, claims, OctKey.import_key(secret))


async def _code(world: IdentityWorld, token: str) -> str:
    async with world.client(**bearer(token)) as client:
        answer = await client.get("/api/v1/auth/me")
    assert answer.status_code == 401, answer.text
    return str(answer.json()["error"]["code"])


async def test_access_tokens_integration_have_the_promised_claims(world: IdentityWorld) -> None:
    owner = await world.an_owner()

    header, claims = _read(owner["access_token"])

    assert set(claims) == {
        "sub", "tenant_id", "exp", "iat", "iss", "aud", "jti", "sid", "ver",
    }  # fmt: skip
    assert claims["exp"] - claims["iat"] == owner["expires_in"]
    assert (header["alg"], header["typ"]) == ("HS256", "at+jwt")


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"alg": "none"}, "TOKEN_SIGNATURE_INVALID"),
        ({"alg": "None"}, "TOKEN_SIGNATURE_INVALID"),
        ({"alg": "hs256"}, "TOKEN_SIGNATURE_INVALID"),
        ({"alg": "HS512"}, "TOKEN_SIGNATURE_INVALID"),
        ({"kid": "../../etc/passwd"}, "TOKEN_SIGNATURE_INVALID"),
        ({"kid": "https://evil.example/key"}, "TOKEN_SIGNATURE_INVALID"),
        ({"kid": "' OR 1=1 --"}, "TOKEN_SIGNATURE_INVALID"),
        ({"kid": "x" * 65}, "TOKEN_SIGNATURE_INVALID"),
        ({"crit": ["b64"], "b64": False}, "TOKEN_MALFORMED"),
        ({"jku": "https://evil.example/keys"}, "TOKEN_MALFORMED"),
        ({"x5u": "https://evil.example/cert"}, "TOKEN_MALFORMED"),
        ({"jwk": {"kty": "oct", "k": "AAAA"}}, "TOKEN_MALFORMED"),
        ({"zip": "DEF"}, "TOKEN_MALFORMED"),
    ],
)
async def test_access_tokens_integration_refuse_other_headers(
    world: IdentityWorld, change: dict[str, Any], code: str
) -> None:
    """C1, C2: one algorithm, our keys, and nothing that the token brings along."""
    owner = await world.an_owner()
    header, claims = _read(owner["access_token"])
    _, _, signature = owner["access_token"].split(".")

    forged = f"{_part({**header, **change})}.{_part(claims)}.{signature}"

    assert await _code(world, forged) == code
    assert await _code(world, forged.rpartition(".")[0] + ".") == code


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"exp": 1}, "TOKEN_EXPIRED"),
        ({"iat": 9_999_999_999}, "TOKEN_EXPIRED"),
        ({"aud": "another"}, "TOKEN_CLAIMS_INVALID"),
        ({"iss": "another"}, "TOKEN_CLAIMS_INVALID"),
        ({"sub": 7}, "TOKEN_CLAIMS_INVALID"),
        ({"exp": "soon"}, "TOKEN_CLAIMS_INVALID"),
        ({"sid": ""}, "TOKEN_CLAIMS_INVALID"),
        ({"sid": "another"}, "SESSION_REVOKED"),
        ({"ver": 0}, "TOKEN_REVOKED"),
        ({"sub": "nobody"}, "TOKEN_REVOKED"),
        ({"tenant_id": "another"}, "MEMBERSHIP_ENDED"),
    ],
)
async def test_access_tokens_integration_refuse_other_claims_though_signed(
    world: IdentityWorld, change: dict[str, Any], code: str
) -> None:
    """C3: time, audience, issuer, session and tenant are checked behind a right signature."""
    owner = await world.an_owner()
    header, claims = _read(owner["access_token"])

    assert await _code(world, _signed(header, {**claims, **change})) == code


async def test_access_tokens_integration_refuse_other_types_keys_and_sizes(
    world: IdentityWorld,
) -> None:
    """C1, C3: neither a refresh token, an id token, nor a giant is an access token."""
    owner = await world.an_owner()
    header, claims = _read(owner["access_token"])

    codes = [
        await _code(world, _signed({**header, "typ": "JWT"}, claims)),
        await _code(world, _signed({**header, "typ": "job+jwt"}, claims)),
        await _code(world, _signed(header, claims, "t" * 48)),
        await _code(world, owner["refresh_token"]),
        await _code(world, "a.b.c.d.e"),
        await _code(world, owner["access_token"] + "x" * 9000),
        await _code(world, owner["access_token"][:-3] + "AAA"),
    ]

    assert codes == [
        "TOKEN_CLAIMS_INVALID",
        "TOKEN_CLAIMS_INVALID",
        "TOKEN_SIGNATURE_INVALID",
        "TOKEN_MALFORMED",
        "TOKEN_MALFORMED",
        "TOKEN_MALFORMED",
        "TOKEN_SIGNATURE_INVALID",
    ]


async def test_access_tokens_integration_are_verified_again_after_they_were_seen(
    world: IdentityWorld,
) -> None:
    owner = await world.an_owner()
    async with world.client(**bearer(owner)) as client:
        for _ in range(2):
            assert (await client.get("/api/v1/auth/me")).status_code == 200
    world.clock.advance(901 + world.config.auth.clock_leeway_seconds)
    follower: Any = world.stores.invalidations
    await follower.look()

    assert await _code(world, owner["access_token"]) == "TOKEN_EXPIRED"


async def test_access_tokens_integration_rotate_eddsa_keys_with_an_overlap(
    tmp_path: Path,
) -> None:
    """C5: an old key verifies until its tokens are over; the private key lies sealed."""
    async with identity_world(tmp_path, jwt_algorithm=JwtAlgorithm.EDDSA) as world:
        owner = await world.an_owner()
        keys = world.part("signing_keys")
        async with world.client(**bearer(owner)) as client:
            before = (await client.get("/.well-known/jwks.json")).json()["keys"]
            assert (await client.post("/api/v1/signing-keys")).status_code == 403
            me = await world.authenticator.bearer(owner["access_token"], Origin())
            job = world.job_tokens.issue_job_token(me, "job-1", ttl_seconds=90_000)
            world.ports[OPERATORS] = FirstOwners(world.stores.control)
            made = await client.post("/api/v1/signing-keys")
            at_once = await world.tokens()
            world.clock.advance(11)
            second = await world.tokens()
            both = (await client.get("/.well-known/jwks.json")).json()["keys"]
            assert (await client.get("/api/v1/auth/me")).status_code == 200
        rows = await world.stores.control.read(
            INSTALLATION, lambda tx: tx.all("SELECT sealed_private_key FROM signing_keys")
        )
        private = [key.as_dict(private=True)["d"] for key in keys._keys.values()]
        world.clock.advance(1000)
        follower: Any = world.stores.invalidations
        await follower.look()
        expired = await _code(world, owner["access_token"])
        async with world.client(**bearer(job)) as client:
            held = await client.get("/api/v1/members")
        world.clock.advance(world.config.jobs.timeout_seconds_max)
        await follower.look()
        left = keys.public_keys()
        gone = await _code(world, job)

    assert len(before) == 1
    assert len(both) == 2
    assert made.status_code == 201, made.text
    assert _read(at_once["access_token"])[0]["kid"] == before[0]["kid"], "others must know it first"
    assert _read(second["access_token"])[0]["kid"] == made.json()["id"]
    assert all("d" not in key for key in both)
    assert _read(second["access_token"])[0]["kid"] != _read(owner["access_token"])[0]["kid"]
    assert not any(secret in row[0] for secret in private for row in rows)
    assert expired == "TOKEN_EXPIRED"
    assert held.status_code == 200, "a job that runs for a day is not cut off"
    assert gone == "TOKEN_SIGNATURE_INVALID", "the key is gone"
    assert len(left) == 1


async def test_access_tokens_integration_end_at_once_with_keys_that_are_revoked(
    tmp_path: Path,
) -> None:
    """Whoever took a key could sign as anybody, for as long as the key verifies."""
    async with identity_world(tmp_path, jwt_algorithm=JwtAlgorithm.EDDSA) as world:
        owner = await world.an_owner()
        world.ports[OPERATORS] = FirstOwners(world.stores.control)
        leaked = dict(world.part("signing_keys")._keys)
        async with world.client(**bearer(owner)) as client:
            assert (await client.post("/api/v1/signing-keys")).status_code == 201
            made = await client.post("/api/v1/signing-keys", json={"revoke_others": True})
        ended = await _code(world, owner["access_token"])
        header, claims = _read(owner["access_token"])
        forged = jwt.encode(header, claims, leaked[header["kid"]], algorithms=["EdDSA"])
        refused = await _code(world, forged)
        async with world.client() as client:
            body = {"refresh_token": owner["refresh_token"]}
            renewed = await client.post("/api/v1/auth/refresh", json=body)
            shown = (await client.get("/.well-known/jwks.json")).json()["keys"]
        told = await world.audit_actions()

    assert made.status_code == 201, made.text
    assert (ended, refused) == ("TOKEN_SIGNATURE_INVALID", "TOKEN_SIGNATURE_INVALID")
    assert renewed.status_code == 200, "who is logged in stays so"
    assert _read(renewed.json()["access_token"])[0]["kid"] == made.json()["id"]
    assert [key["kid"] for key in shown] == [made.json()["id"]]
    assert told.count("identity.signing_keys.revoke") == 2


@pytest.mark.each_database(reason="other processes hear of it by the store")
@pytest.mark.parametrize("kind", ["schema"])
async def test_access_tokens_integration_of_revoked_keys_end_in_every_process(
    tmp_path: Path, kind: StoresKind
) -> None:
    eddsa = JwtAlgorithm.EDDSA
    async with identity_worlds(tmp_path, kind, 2, jwt_algorithm=eddsa) as (here, there):
        owner = await here.an_owner()
        here.ports[OPERATORS] = FirstOwners(here.stores.control)
        async with there.client(**bearer(owner)) as client:
            before = (await client.get("/api/v1/auth/me")).status_code
        async with here.client(**bearer(owner)) as client:
            made = await client.post("/api/v1/signing-keys", json={"revoke_others": True})
        keys = there.part("signing_keys")
        await until(lambda: [key["kid"] for key in keys.public_keys()] == [made.json()["id"]])
        ended = await _code(there, owner["access_token"])
        renewed = await here.tokens()
        async with there.client(**bearer(renewed)) as client:
            after = (await client.get("/api/v1/auth/me")).status_code

    assert (before, ended, after) == (200, "TOKEN_SIGNATURE_INVALID", 200)


async def test_access_tokens_integration_tell_that_one_secret_is_changed_by_configuration(
    tmp_path: Path,
) -> None:
    async with identity_world(tmp_path) as world:
        owner = await world.an_owner()
        world.ports[OPERATORS] = FirstOwners(world.stores.control)
        async with world.client(**bearer(owner)) as client:
            refused = await client.post("/api/v1/signing-keys")

    assert refused.status_code == 409
    assert refused.json()["error"]["code"] == "SIGNING_KEYS_NOT_STORED"
    assert "auth.jwt_secret" in refused.json()["error"]["message"]


async def test_access_tokens_integration_refuse_to_start_under_another_secret(
    tmp_path: Path,
) -> None:
    """A supervisor must not start again what would end the same way."""
    async with identity_world(tmp_path, jwt_algorithm=JwtAlgorithm.EDDSA) as world:
        auth = structs.replace(world.config.auth, jwt_secret="t" * 48)
        other = structs.replace(world.config, auth=auth)
        keys = SigningKeys(world.stores.control, world.stores.invalidations, world.clock, other)

        with pytest.raises(ConfigRefused, match=r"auth.jwt_secret is not"):
            await keys.start()


async def test_access_tokens_integration_refuse_hs256_signed_with_the_public_key(
    tmp_path: Path,
) -> None:
    """C1: the public key of EdDSA is no secret of HS256."""
    async with identity_world(tmp_path, jwt_algorithm=JwtAlgorithm.EDDSA) as world:
        owner = await world.an_owner()
        header, claims = _read(owner["access_token"])
        public = world.part("signing_keys").public_keys()[0]
        pem = OKPKey.import_key({k: public[k] for k in ("kty", "crv", "x")}).as_pem(private=False)
        forged = _forge_hs256({**header, "alg": "HS256"}, claims, pem)

        assert await _code(world, forged) == "TOKEN_SIGNATURE_INVALID"


def _forge_hs256(header: dict[str, Any], claims: dict[str, Any], key: bytes) -> str:
    signed = f"{_part(header)}.{_part(claims)}"
    digest = hmac.new(key, signed.encode(), hashlib.sha256).digest()
    return f"{signed}.{base64.urlsafe_b64encode(digest).decode().rstrip('=')}"


async def test_access_tokens_integration_show_no_key_set_under_hs256(
    world: IdentityWorld,
) -> None:
    async with world.client() as client:
        assert (await client.get("/.well-known/jwks.json")).json() == {"keys": []}
