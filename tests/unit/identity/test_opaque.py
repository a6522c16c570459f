from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tidemill.identity.opaque import SecretKind, mint, presented


@pytest.mark.parametrize("kind", list(SecretKind))
def test_presented_finds_what_was_minted(kind: SecretKind) -> None:
    minted = mint(kind)
    shown = presented(kind, minted.text)

    assert shown is not None
    assert shown.prefix == minted.prefix
    assert shown.matches(minted.secret_hash)
    assert minted.text.startswith(f"{kind}_")
    assert minted.secret_hash not in minted.text


def test_presented_refuses_another_kind() -> None:
    minted = mint(SecretKind.SESSION)

    assert presented(SecretKind.API_TOKEN, minted.text) is None
    renamed = minted.text.replace("tms_", "tmk_")
    assert presented(SecretKind.API_TOKEN, renamed) is None


@given(position=st.integers(4, 64), letter=st.sampled_from("abcXYZ019"))
def test_presented_finds_any_typing_error_of_one_letter(position: int, letter: str) -> None:
    text = mint(SecretKind.API_TOKEN).text
    typo = text[:position] + letter + text[position + 1 :]

    assert (presented(SecretKind.API_TOKEN, typo) is None) == (typo != text)


@given(st.text())
def test_presented_survives_any_text(text: str) -> None:
    assert presented(SecretKind.API_TOKEN, text) is None
    assert presented(SecretKind.API_TOKEN, f"tmk_{text}") is None


def test_mint_never_repeats() -> None:
    texts = {mint(SecretKind.API_TOKEN).text for _ in range(500)}
    prefixes = {text[4:16] for text in texts}

    assert len(texts) == len(prefixes) == 500


def test_matches_tells_another_secret_apart() -> None:
    one, other = mint(SecretKind.SESSION), mint(SecretKind.SESSION)
    shown = presented(SecretKind.SESSION, one.text)

    assert shown is not None
    assert not shown.matches(other.secret_hash)
