from __future__ import annotations

from collections.abc import Callable

import pytest

from tidemill.core.actor import Role
from tidemill.core.ids import TenantId, UserId
from tidemill.core.ports import Change
from tidemill.http.authentication import CHANGED_GUEST_LINK, REVOKING_CHANGES
from tidemill.identity.credential_errors import CredentialsUnverifiable
from tidemill.identity.grants.cache import Bounded, GrantCache
from tidemill.identity.grants.models import UserState

ADA, TIDE, MILL = UserId("ada"), TenantId("tide"), TenantId("mill")


class Changes:
    """Hands on changes as a test says, and is as old as a test says."""

    def __init__(self) -> None:
        self.handlers: dict[str, Callable[[Change], None]] = {}
        self.resets: list[Callable[[], None]] = []
        self.age = 0.0

    def on_change(self, kind: str, handler: Callable[[Change], None]) -> None:
        self.handlers[kind] = handler

    def on_reset(self, handler: Callable[[], None]) -> None:
        self.resets.append(handler)

    def age_seconds(self) -> float:
        return self.age

    def send(self, kind: str, key: str, tenant_id: TenantId = TIDE) -> None:
        self.handlers[kind](Change(seq=1, kind=kind, tenant_id=tenant_id, key=key))


@pytest.fixture
def changes() -> Changes:
    return Changes()


@pytest.fixture
def cache(changes: Changes) -> GrantCache:
    return GrantCache(changes)


def test_cache_follows_every_revoking_kind_of_change(cache: GrantCache, changes: Changes) -> None:
    # Nothing is remembered of guest links.
    cached = set(REVOKING_CHANGES) - {CHANGED_GUEST_LINK}

    assert set(changes.handlers) == cached
    for kind in cached:
        before = cache.epoch
        changes.send(kind, "anything")
        assert cache.epoch > before, "what is being read meanwhile must not be kept"


def test_cache_drops_the_role_of_the_changed_tenant_only(
    cache: GrantCache, changes: Changes
) -> None:
    for tenant in (TIDE, MILL):
        cache.roles.put((tenant, ADA), Role.OWNER)

    changes.send("membership", ADA, TIDE)

    assert cache.roles.get((TIDE, ADA)) is None
    assert cache.roles.get((MILL, ADA)) is Role.OWNER


def test_cache_forgets_all_when_changes_were_missed(cache: GrantCache, changes: Changes) -> None:
    cache.users.put(ADA, UserState(1, disabled=False))

    changes.resets[0]()

    assert cache.users.get(ADA) is None


@pytest.mark.parametrize(("age", "trusted"), [(0.0, True), (5.0, True), (5.1, False), (30, False)])
def test_trusted_ends_after_five_seconds_of_silence(
    cache: GrantCache, changes: Changes, age: float, trusted: bool
) -> None:
    changes.age = age

    assert cache.trusted() is trusted


def test_trusted_refuses_after_thirty_seconds_of_silence(
    cache: GrantCache, changes: Changes
) -> None:
    changes.age = 30.1

    with pytest.raises(CredentialsUnverifiable):
        cache.trusted()


def test_bounded_forgets_the_oldest() -> None:
    entries: Bounded[int, str] = Bounded(2)
    for key in (1, 2, 3):
        entries.put(key, str(key))

    assert (entries.get(1), entries.get(2), entries.get(3)) == (None, "2", "3")
    assert len(entries) == 2
