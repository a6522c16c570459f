from __future__ import annotations

import pytest
from msgspec import structs

from tidemill.core.config.sections.storing import Secrets
from tidemill.core.ids import TenantId
from tidemill.jobs.code.variables.sealing import MasterKeys
from tidemill.jobs.resource_errors import SecretLocked

OURS, THEIRS = TenantId("ours"), TenantId("theirs")


def test_what_is_sealed_opens_in_its_own_tenant_and_by_its_own_key_only() -> None:
    masters = MasterKeys(Secrets(master_key="o" * 48))
    key = masters.new_key(OURS, "key")
    sealed = masters.seal(OURS, key, "a", "high tide")

    assert masters.open(OURS, key, "a", sealed) == "high tide"
    with pytest.raises(SecretLocked):
        masters.open(THEIRS, key, "a", sealed)
    with pytest.raises(SecretLocked):
        masters.open(OURS, structs.replace(key, id="other"), "a", sealed)
