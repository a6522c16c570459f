from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tidemill.identity.errors import WeakPassword
from tidemill.identity.passwords.policy import check, normal

CONTEXT = ("Ada Lovelace", "ada.lovelace@example.org", "Tide works")


@pytest.mark.parametrize(
    "password",
    [
        "correct horse staple",
        "Zx9!kqpLm",
        "пароль из слов",
        "ada lovelace counts whales",
        "x7" * 3 + "!Qw",
        "tidemill turns at night",
    ],
)
def test_check_accepts_anything_that_is_long_and_its_own(password: str) -> None:
    assert check(password, length_min=8, context=CONTEXT) == normal(password)


@pytest.mark.parametrize(
    "password",
    [
        "short",
        "x" * 129,
        "aaaaaaaaaa",
        "abababab",
        "12345678",
        "87654321",
        "abcdefgh",
        "qwertyuiop",
        "lkjhgfdsa",
        "password",
        "Password1",
        "P@ssw0rd!",
        "password2026!!",
        "Iloveyou1",
        "!!!letmein!!!",
        "tidemill123",
        "Ada Lovelace",
        "adalovelace1",
        "ada.lovelace@example.org",
        "tideworks99",
    ],
)
def test_check_refuses_what_is_guessed_first(password: str) -> None:
    with pytest.raises(WeakPassword):
        check(password, length_min=8, context=CONTEXT)


def test_check_never_repeats_the_password() -> None:
    with pytest.raises(WeakPassword) as caught:
        check("Password1", length_min=8)

    assert "Password1" not in caught.value.message


def test_check_counts_characters_after_normalisation() -> None:
    with pytest.raises(WeakPassword):
        check("e\u0301" * 4 + "xyz", length_min=8)


@given(st.text(min_size=8, max_size=128))
def test_check_is_the_same_for_a_password_and_its_normal_form(password: str) -> None:
    def outcome(text: str) -> str | None:
        try:
            return check(text, length_min=8)
        except WeakPassword:
            return None

    assert outcome(password) == outcome(normal(password))
