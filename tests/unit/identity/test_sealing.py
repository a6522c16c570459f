from __future__ import annotations

import pytest

from tidemill.identity.sealing import SealedOtherwise, seal, unseal

SECRET = "s" * 32


def test_unseal_gives_what_was_sealed_and_shows_nothing_of_it() -> None:
    sealed = seal(SECRET, "letters", "one", "high water")

    assert "water" not in sealed
    assert sealed != seal(SECRET, "letters", "one", "high water")
    assert unseal(SECRET, "letters", "one", sealed) == "high water"


@pytest.mark.parametrize(
    ("secret", "purpose", "name"),
    [("t" * 32, "letters", "one"), (SECRET, "keys", "one"), (SECRET, "letters", "two")],
)
def test_unseal_refuses_what_was_sealed_otherwise(secret: str, purpose: str, name: str) -> None:
    sealed = seal(SECRET, "letters", "one", "high water")

    with pytest.raises(SealedOtherwise):
        unseal(secret, purpose, name, sealed)


@pytest.mark.parametrize("sealed", ["", "no base64", "AAAA"])
def test_unseal_refuses_what_was_never_sealed(sealed: str) -> None:
    with pytest.raises(SealedOtherwise):
        unseal(SECRET, "letters", "one", sealed)
