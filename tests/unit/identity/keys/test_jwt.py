from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from joserfc.jwk import OctKey
from msgspec import structs

from tidemill.core.clock import Instant
from tidemill.core.errors import TidemillError
from tidemill.identity.credential_errors import TokenExpired, TokenSignatureInvalid
from tidemill.identity.keys.jwt import ACCESS, Claims, JwtCodec, Policy

KEY = OctKey.import_key("k" * 48)
CODEC = JwtCodec(
    Policy(algorithm="HS256", issuer="tidemill", audience="tidemill", leeway_seconds=30)
)
CLAIMS = Claims(
    sub="u1",
    tenant_id="t1",
    exp=1_000,
    iat=100,
    iss="tidemill",
    aud="tidemill",
    jti="j1",
    sid="s1",
    ver=1,
)


def _decode(token: str, seconds: int) -> Claims:
    now = Instant(seconds * 1_000_000)
    return CODEC.decode(token, CODEC.header(token), {"k1": KEY}, now)


def _token(claims: Claims = CLAIMS) -> str:
    return CODEC.encode(claims, ACCESS, "k1", KEY)


def test_decode_returns_what_was_encoded() -> None:
    assert _decode(_token(), 500) == CLAIMS


@pytest.mark.parametrize(
    ("seconds", "holds"), [(69, False), (70, True), (1_029, True), (1_030, False)]
)
def test_decode_allows_the_clocks_to_differ_by_the_leeway(seconds: int, holds: bool) -> None:
    """X27: a token is neither used before its time nor after its end, give or take 30 s."""
    if holds:
        assert _decode(_token(), seconds) == CLAIMS
        return
    with pytest.raises(TokenExpired):
        _decode(_token(), seconds)


def test_decode_refuses_a_key_that_is_not_known() -> None:
    token = CODEC.encode(CLAIMS, ACCESS, "k2", KEY)

    with pytest.raises(TokenSignatureInvalid):
        _decode(token, 500)


@given(st.integers(0, 400), st.characters(codec="ascii"))
def test_decode_refuses_every_change_of_a_letter(position: int, letter: str) -> None:
    token = _token()
    position %= len(token)
    forged = token[:position] + letter + token[position + 1 :]
    try:
        claims = _decode(forged, 500)
    except TidemillError:
        return
    assert claims == CLAIMS, "only spare bits of the last letter may differ"


@given(st.text(max_size=200))
def test_header_survives_any_text(text: str) -> None:
    for candidate in (text, f"{text}.{text}.{text}"):
        with pytest.raises(TidemillError):
            CODEC.header(candidate)


def test_decode_refuses_claims_beyond_the_bounds_of_numbers() -> None:
    token = _token(structs.replace(CLAIMS, exp=2**62))

    assert _decode(token, 500).exp == 2**62
