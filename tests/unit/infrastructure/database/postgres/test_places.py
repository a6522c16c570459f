from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tidemill.core.ids import INSTALLATION, TenantId
from tidemill.infrastructure.database.postgres.places import schema_name

_ids = st.from_regex(r"[A-Za-z0-9_-]{1,64}", fullmatch=True).map(TenantId)


def test_schema_name_of_a_uuid_is_readable() -> None:
    tenant = TenantId("0190f3a1-7c4e-7abc-8def-0123456789ab")

    assert schema_name("", tenant) == "t_0190f3a17c4e7abc8def0123456789ab"


def test_schema_name_of_the_installation_is_its_own() -> None:
    assert schema_name("x_", INSTALLATION) == "x_installation"


@given(tenant=_ids, prefix=st.sampled_from(["", "tidemill_test_abcdef_gw0_12_"]))
def test_schema_name_fits_and_holds_plain_characters(tenant: TenantId, prefix: str) -> None:
    """U9: 63 bytes at most, nothing that would need quoting."""
    name = schema_name(prefix, tenant)

    assert len(name) <= 63
    assert name.replace("_", "").isalnum()
    assert name.islower() or name == name.lower()


@given(one=_ids, two=_ids)
def test_schema_name_differs_between_tenants(one: TenantId, two: TenantId) -> None:
    assert one == two or schema_name("", one) != schema_name("", two)


@pytest.mark.parametrize("name", ["control", "jobs", "pool"])
def test_schema_name_never_is_that_of_a_shared_store(name: str) -> None:
    assert schema_name("", TenantId(name)) != name
