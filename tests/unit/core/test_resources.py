from __future__ import annotations

import pytest

from tidemill.core.resources import ResourceMissing, resource


def test_resource_finds_the_migrations() -> None:
    assert (resource("migrations") / "sqlite" / "control").is_dir()


def test_resource_names_what_is_missing() -> None:
    with pytest.raises(ResourceMissing, match="'nothing'"):
        resource("nothing")
