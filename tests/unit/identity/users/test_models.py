from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tidemill.core.clock import Instant
from tidemill.core.ids import UserId
from tidemill.identity.errors import InvalidAvatar, InvalidEmail, InvalidName, InvalidTimeZone
from tidemill.identity.users.models import (
    ProfileChanges,
    User,
    Visibility,
    email_address,
    new_user,
    valid_avatar,
    valid_name,
    valid_zone,
    with_profile,
)


def _user() -> User:
    return new_user(
        UserId("u1"),
        email_address("Ada@Example.org"),
        name="Ada",
        password_hash="h",
        now=Instant(1),
    )


def test_email_address_keeps_the_spelling_and_compares_without_case() -> None:
    address = email_address("  Ada.Lovelace@Example.ORG ")

    assert address.text == "Ada.Lovelace@Example.ORG"
    assert address.key == "ada.lovelace@example.org"


def test_email_address_compares_unicode_by_its_normal_form() -> None:
    assert email_address("ﬁsch@example.org").key == email_address("fisch@example.org").key


@pytest.mark.parametrize(
    "text", ["", "ada", "@example.org", "ada@", "a b@c.d", "a@b@c", "a\n@b.c", "x" * 65 + "@a.b"]
)
def test_email_address_refuses_what_is_none(text: str) -> None:
    with pytest.raises(InvalidEmail):
        email_address(text)


@given(st.text(max_size=300))
def test_email_address_returns_or_refuses_any_text(text: str) -> None:
    try:
        address = email_address(text)
    except InvalidEmail:
        return
    assert address.key == email_address(address.text).key


def test_valid_name_trims_and_refuses_control_characters() -> None:
    assert valid_name(" Ada ") == "Ada"
    for bad in ("", "   ", "a\nb", "a\x00b", "x" * 101):
        with pytest.raises(InvalidName):
            valid_name(bad)


def test_valid_zone_knows_the_iana_list_and_no_paths() -> None:
    assert valid_zone("Europe/Berlin") == "Europe/Berlin"
    for bad in ("", "Nowhere/City", "../../etc/passwd", "/etc/localtime", "Europe", "a" * 99):
        with pytest.raises(InvalidTimeZone):
            valid_zone(bad)


def test_valid_avatar_takes_https_only() -> None:
    assert valid_avatar(None) is None
    assert valid_avatar("https://example.org/a.png") == "https://example.org/a.png"
    for bad in ("http://example.org", "data:image/png;base64,A", "https://e.org/a b", "x"):
        with pytest.raises(InvalidAvatar):
            valid_avatar(bad)


def test_with_profile_tells_tenants_of_name_and_picture_only() -> None:
    user = _user()

    quiet = with_profile(user, ProfileChanges(visibility=Visibility.PRIVATE), Instant(2))
    loud = with_profile(user, ProfileChanges(name="Ada L."), Instant(2))

    assert (quiet.profile_version, quiet.version) == (1, 2)
    assert (loud.profile_version, loud.version) == (2, 2)


def test_with_profile_returns_the_same_user_when_nothing_changes() -> None:
    user = _user()

    assert with_profile(user, ProfileChanges(name=" Ada "), Instant(2)) is user
