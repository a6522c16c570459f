from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import structs

from tests.fixtures.actors import a_person
from tidemill.board.project_access.models import (
    Access,
    ProjectRole,
    ProjectVisibility,
    Reader,
    project_role,
    reader_of,
)
from tidemill.core.actor import Role, system
from tidemill.core.ids import TenantId

TENANT = TenantId("harbour")
OPEN, PRIVATE = ProjectVisibility.TENANT, ProjectVisibility.PRIVATE
ACCESSES = st.builds(
    Access, st.sampled_from(ProjectVisibility), st.none() | st.sampled_from(list(ProjectRole))
)


@pytest.mark.parametrize(
    ("tenant_role", "access", "role"),
    [
        (Role.OWNER, Access(PRIVATE, None), ProjectRole.OWNER),
        (Role.ADMIN, Access(PRIVATE, ProjectRole.VIEWER), ProjectRole.OWNER),
        (Role.MEMBER, Access(OPEN, None), ProjectRole.EDITOR),
        (Role.VIEWER, Access(OPEN, None), ProjectRole.VIEWER),
        (Role.MEMBER, Access(PRIVATE, None), None),
        (Role.VIEWER, Access(PRIVATE, ProjectRole.EDITOR), ProjectRole.EDITOR),
        (Role.MEMBER, Access(OPEN, ProjectRole.COMMENTER), ProjectRole.COMMENTER),
        (None, Access(OPEN, ProjectRole.OWNER), None),
    ],
)
def test_project_role_is_that_of_the_rule(
    tenant_role: Role | None, access: Access, role: ProjectRole | None
) -> None:
    assert project_role(tenant_role, access) is role


@given(st.sampled_from(Role), ACCESSES)
def test_project_role_is_what_somebody_was_made_or_what_the_tenant_says(
    tenant_role: Role, access: Access
) -> None:
    role = project_role(tenant_role, access)

    if tenant_role in {Role.OWNER, Role.ADMIN}:
        assert role is ProjectRole.OWNER
    elif access.member_role is not None:
        assert role is access.member_role
    else:
        assert (role is None) is (access.visibility is PRIVATE)


@given(st.sampled_from(Role), ACCESSES)
def test_project_role_of_a_private_project_is_never_more_than_of_an_open_one(
    tenant_role: Role, access: Access
) -> None:
    closed = project_role(tenant_role, structs.replace(access, visibility=PRIVATE))
    opened = project_role(tenant_role, structs.replace(access, visibility=OPEN))

    assert opened is not None
    assert closed is None or closed is opened


def test_reader_of_is_nobody_for_those_who_see_all() -> None:
    member = a_person(TENANT)

    assert reader_of(member) == Reader(str(member.user_id))
    for one in (a_person(TENANT, Role.ADMIN), a_person(TENANT, Role.OWNER), system("x", TENANT)):
        assert reader_of(one) is None


def test_reader_of_tells_who_is_no_person_apart_from_everybody() -> None:
    nobody = structs.replace(a_person(TENANT), user_id=None)

    assert reader_of(nobody) == Reader("")
