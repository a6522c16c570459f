"""Who hears of a private project, on a file, in a schema and in a shared schema."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta

import pytest
from msgspec import structs

from tests.fixtures.notifications import NotificationWorld
from tidemill.board.notification_errors import NotificationNotFound
from tidemill.board.notifications.service import Unread
from tidemill.board.project_access.models import ProjectRole, ProjectVisibility
from tidemill.board.project_members.service import ProjectMemberService
from tidemill.board.projects.models import ProjectChanges
from tidemill.board.reminders.service import Reminding
from tidemill.board.versions import ANY_VERSION
from tidemill.core.actor import Role

pytestmark = pytest.mark.anyio


async def test_private_projects_integration_are_heard_of_by_their_members(
    world: NotificationWorld,
) -> None:
    bo, cy, admin = [await world.a_reader(name) for name in ("Bo", "Cy", "Admin")]
    await world.write(
        "UPDATE people SET role = 'admin' WHERE tenant_id = :tenant_id AND user_id = :id",
        id=admin.id,
    )
    item = await world.an_item()
    for one in (bo, cy, admin):
        await world.watchers.watch(item.key, "me", actor=one)
    await _turn(world, ProjectVisibility.PRIVATE)
    members = ProjectMemberService(world.stores.tenants)
    await members.put("TM", bo.id, ProjectRole.VIEWER, actor=world.actor)
    comment = await world.a_comment("For @Bo and @Cy")

    assert comment.mentioned == (bo.id,), "nobody is called who cannot come"
    assert await world.reasons(bo) == ["mentioned"]
    assert await world.reasons(cy) == []
    assert await world.reasons(structs.replace(admin, role=Role.ADMIN)) == ["commented"]


async def test_private_projects_integration_leave_inboxes_and_mail_of_who_is_removed(
    world: NotificationWorld,
) -> None:
    bo = await world.a_reader("Bo")
    members = ProjectMemberService(world.stores.tenants)
    await members.put("TM", bo.id, ProjectRole.EDITOR, actor=world.actor)
    await _turn(world, ProjectVisibility.PRIVATE)
    await world.an_item()
    await world.a_comment("@Bo")
    [before] = await world.inbox(bo)

    await members.remove("TM", bo.id, actor=world.actor)

    assert await world.inbox(bo) == []
    assert await world.notifications.unread(actor=bo) == Unread(0, is_more=False)
    with pytest.raises(NotificationNotFound):
        await world.notifications.get(before.id, actor=bo)
    assert await world.send() == [], "what was to tell is told no more"
    await members.put("TM", bo.id, ProjectRole.VIEWER, actor=world.actor)
    assert [row.id for row in await world.inbox(bo)] == [before.id]


async def test_private_projects_integration_remind_and_tell_of_sprints_their_members_alone(
    world: NotificationWorld,
) -> None:
    bo, cy = [await world.a_reader(name) for name in ("Bo", "Cy")]
    today = datetime.fromtimestamp(world.clock.now() / 1_000_000, UTC).date()
    sprint = await world.a_sprint("Ebb")
    for one in (bo, cy):
        due = today + timedelta(days=5)
        await world.an_item(assignee_id=one.id, due_date=due, sprint=sprint.id)
    await _turn(world, ProjectVisibility.PRIVATE)
    members = ProjectMemberService(world.stores.tenants)
    await members.put("TM", bo.id, ProjectRole.VIEWER, actor=world.actor)

    await world.sprints.start(sprint.id, actor=world.actor)
    noon = datetime.combine(today + timedelta(days=4), time(12), UTC)
    world.clock.advance(noon.timestamp() - world.clock.now() / 1_000_000)
    await Reminding(world.stores.tenants, world, world.defaults_of).remind(world.tenant_id)

    assert await world.reasons(bo) == ["assigned due_soon sprint_started"]
    assert await world.reasons(cy) == []
    letters = await world.send()
    assert [mail.to for mail in letters if mail.to.startswith("cy")] == []


async def _turn(world: NotificationWorld, visibility: ProjectVisibility) -> None:
    changes = ProjectChanges(visibility=visibility)
    await world.projects.change("TM", changes, ANY_VERSION, actor=world.actor)
