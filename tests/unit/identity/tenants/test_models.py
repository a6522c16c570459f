from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tidemill.core.clock import Instant
from tidemill.core.ids import TenantId, UserId
from tidemill.identity.errors import InvalidSlug
from tidemill.identity.tenants.models import (
    TenantChanges,
    changed,
    new_tenant,
    slug_of,
    valid_slug,
)


@pytest.mark.parametrize("slug", ["ab", "tide-works", "a1-b2-c3", "x" * 40])
def test_valid_slug_takes_words_and_hyphens(slug: str) -> None:
    assert valid_slug(slug) == slug


@pytest.mark.parametrize(
    "slug", ["", "a", "Tide", "a_b", "-a", "a-", "a--b", "x" * 41, "api", "installation", "ä-b"]
)
def test_valid_slug_refuses_what_cannot_stand_in_an_address(slug: str) -> None:
    with pytest.raises(InvalidSlug):
        valid_slug(slug)


@given(st.text(max_size=100))
def test_slug_of_any_name_is_valid(name: str) -> None:
    assert valid_slug(slug_of(name)) == slug_of(name)


def test_changed_returns_the_same_tenant_when_nothing_changes() -> None:
    tenant = new_tenant(TenantId("t1"), "Tide", "tide", by=UserId("u1"), now=Instant(1))

    assert changed(tenant, TenantChanges(name="Tide"), Instant(2)) is tenant
    assert changed(tenant, TenantChanges(slug="other"), Instant(2)).version == 2
