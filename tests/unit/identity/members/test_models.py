from __future__ import annotations

import itertools

import pytest

from tidemill.core.actor import Role
from tidemill.identity.errors import RoleTooHigh
from tidemill.identity.members.models import check_reach


@pytest.mark.parametrize(("acting", "wanted"), list(itertools.product(Role, Role)))
def test_check_reach_ends_at_the_own_role(acting: Role, wanted: Role) -> None:
    if wanted.rank <= acting.rank:
        check_reach(acting, wanted)
        return
    with pytest.raises(RoleTooHigh):
        check_reach(acting, wanted)


def test_check_reach_refuses_who_has_no_role() -> None:
    with pytest.raises(RoleTooHigh):
        check_reach(None, Role.VIEWER)
