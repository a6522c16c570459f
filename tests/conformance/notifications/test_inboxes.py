"""What inboxes promise, on a file, in a schema and in a shared schema."""

from __future__ import annotations

import anyio
import pytest
from msgspec import structs

from tests.fixtures.notifications import NotificationWorld
from tests.fixtures.stores import a_tenant
from tidemill.board.bulk_changes.models import NewBulkChange
from tidemill.board.errors import ProjectNotFound
from tidemill.board.notification_errors import (
    InboxNeedsPerson,
    InvalidSnooze,
    NotificationNotFound,
    UnknownReason,
)
from tidemill.board.notification_preferences.models import (
    MailTiming,
    PreferenceChanges,
    WishChange,
)
from tidemill.board.notifications.models import Folder, NotificationChanges, Reason
from tidemill.board.notifications.service import Selection, Unread
from tidemill.board.notifying.service import Notifying
from tidemill.board.work_items.changing.models import StepKind
from tidemill.board.work_items.models import Priority, WorkItemChanges
from tidemill.core.actor import system
from tidemill.core.clock import seconds_after
from tidemill.core.ids import TenantId
from tidemill.core.pages import PageRequest, page_request
from tidemill.events.stream.service import Stream
from tidemill.http import VersionChanged

pytestmark = pytest.mark.anyio


async def test_inboxes_integration_hear_why_and_never_of_ones_own_deeds(
    world: NotificationWorld,
) -> None:
    world.actor = await world.a_reader("Ada")
    bo, cy = await world.a_reader("Bo"), await world.a_reader("Cy")
    item = await world.an_item(assignee_id=bo.id)
    await world.watchers.watch(item.key, "me", actor=cy)
    first = await world.a_comment("Who reads them?")
    await world.a_comment("I do, @Bo", parent_id=first.id, actor=cy)
    await world.items.change(item.key, WorkItemChanges(status="in_progress"), actor=bo)
    await world.items.change(item.key, WorkItemChanges(priority=Priority.HIGH, points=3), actor=bo)
    await world.items.delete(item.key, actor=bo)

    assert await world.reasons(bo) == ["assigned mentioned commented"]
    assert await world.reasons(cy) == ["commented status_changed changed"]
    assert await world.reasons(world.actor) == ["replied status_changed changed"]
    [row] = await world.inbox(cy)
    told = await world.notifications.events(row.id, PageRequest(), actor=cy)
    assert [(one.reason, one.field, one.old_value, one.new_value) for one in told.items] == [
        ("changed", "deleted_at", None, "yes"),
        ("changed", "priority", "medium", "high"),
        ("status_changed", "status", "backlog", "in_progress"),
        ("commented", None, None, None),
    ]
    assert (row.item_key, row.event_count, row.is_item_deleted) == ("TM-1", 4, True)
    assert {one.actor_user_id for one in told.items} == {bo.id, world.actor.user_id}


async def test_inboxes_integration_hear_each_fact_once_from_processes_that_die(
    world: NotificationWorld,
) -> None:
    bo = await world.a_reader()
    await world.an_item(assignee_id=bo.id)
    await world.a_comment()
    one, another = world.a_follower(), world.a_follower()

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(world.tell, one)
        tasks.start_soon(world.tell, another)
    await world.write(
        "UPDATE followers SET seq = 0 WHERE tenant_id = :tenant_id AND name = 'board.notifications'"
    )
    await world.tell()

    [row] = await world.inbox(bo)
    assert (row.event_count, row.reasons, row.version) == (2, "assigned commented", 2)
    assert world.bell.rung == [bo.id, bo.id]


async def test_inboxes_integration_hear_of_each_item_that_changes_with_many(
    world: NotificationWorld,
) -> None:
    bo = await world.a_reader()
    items = [await world.an_item() for _ in range(2)]
    everything = NewBulkChange(
        references=tuple(item.key for item in items),
        changes=WorkItemChanges(assignee_id=bo.id, priority=Priority.HIGH),
    )
    await world.bulk.apply(everything, actor=world.actor)
    await world.bulk.apply(
        structs.replace(everything, action=StepKind.DELETE, changes=WorkItemChanges()),
        actor=world.actor,
    )

    found = await world.inbox(bo)

    assert {row.item_key for row in found} == {"TM-1", "TM-2"}
    assert [(row.reasons, row.is_item_deleted) for row in found] == [("assigned changed", True)] * 2


@pytest.mark.each_database(reason="the statements differ")
async def test_inboxes_integration_take_as_many_statements_for_many_items_as_for_two(
    world: NotificationWorld,
) -> None:
    world.defaults = structs.replace(world.defaults, mail_digest=("changed",))
    readers = [await world.a_reader(name) for name in ("Bo", "Cy", "Di")]
    items = [await world.an_item() for _ in range(6)]
    for item in items:
        for reader in readers[1:]:
            await world.watchers.watch(item.key, "me", actor=reader)
    await world.watchers.mute(items[5].key, "me", actor=readers[1])
    counts = []
    for keys, priority in ((items[:2], Priority.LOW), (items, Priority.HIGH)):
        await world.bulk.apply(
            NewBulkChange(
                references=tuple(item.key for item in keys),
                changes=WorkItemChanges(assignee_id=readers[0].id, priority=priority),
            ),
            actor=world.actor,
        )
        counts.append(await world.statements_told())

    assert counts[1] <= counts[0] + 1, "rows that are there already are read and saved, not added"
    assert counts[1] < len(items) * len(readers)
    told = [sorted(row.item_key or "" for row in await world.inbox(one)) for one in readers]
    everything = [f"TM-{number}" for number in range(1, 7)]
    assert told == [everything, everything[:5], everything]
    mails = await world.send(after=86_400)
    assert sorted(mail.to.partition("@")[0] for mail in mails) == ["bo", "cy", "di"]


async def test_inboxes_integration_tell_what_another_tenants_facts_came_between(
    world: NotificationWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tidemill.board.notifying.service._tenants_max", 2)
    bo = await world.a_reader()
    await world.an_item(assignee_id=bo.id)
    facts = await Stream(world.stores.tenants).after(world.tenant_id, 0)
    notifying = Notifying(world.defaults_of, world.bell)
    for tenant_id in (TenantId("before"), world.tenant_id, TenantId("between")):
        assert await notifying.wanted(tenant_id, facts)
    [created] = [one for one in facts if one.type == "WorkItemCreated"]

    await world.stores.tenants.write(world.tenant_id, lambda tx: notifying.apply(tx, created))

    assert world.bell.rung == [bo.id]


async def test_inboxes_integration_keep_the_newest_events_of_an_item(
    world: NotificationWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tidemill.board.notifying.service.events_kept_max", 2)
    bo = await world.a_reader()
    await world.an_item(assignee_id=bo.id)
    comments = [await world.a_comment() for _ in range(3)]

    [row] = await world.inbox(bo)

    events = await world.notifications.events(row.id, PageRequest(), actor=bo)
    assert [one.comment_id for one in events.items] == [comments[2].id, comments[1].id]
    assert row.event_count == 4


async def test_inboxes_integration_cost_no_commit_where_nobody_hears(
    world: NotificationWorld,
) -> None:
    async def cursor() -> int:
        rows = await world.rows(
            "SELECT seq FROM followers"
            " WHERE tenant_id = :tenant_id AND name = 'board.notifications'"
        )
        return int(rows[0][0]) if rows else 0

    bo = await world.a_reader()
    follower = world.a_follower()
    await world.an_item(description='Not "assignee_id":null in the text')
    await world.tell(follower)
    before = await cursor()
    await world.an_item(assignee_id=bo.id, description='Nor "assignee_id":null here')
    await world.tell(follower)

    assert before == 0
    assert await cursor() > 0
    assert await world.reasons(bo) == ["assigned"]


async def test_inboxes_integration_gather_until_they_are_read(world: NotificationWorld) -> None:
    bo = await world.a_reader()
    item = await world.an_item(assignee_id=bo.id)
    other = await world.an_item(assignee_id=bo.id)
    await world.a_comment(item=item.key)
    found = await world.inbox(bo)
    assert [row.item_key for row in found] == [item.key, other.key]
    assert await world.notifications.unread(actor=bo) == Unread(2, False)

    await world.a_comment(item=other.key)
    await world.tell()
    read = await world.notifications.read_through(found[0].seq, None, actor=bo)

    assert read == 1
    [still] = await world.inbox(bo, folder=Folder.UNREAD)
    assert (still.item_key, still.reasons) == (other.key, "assigned commented")
    await world.a_comment(item=item.key)
    assert [(row.item_key, row.reasons, row.event_count) for row in await world.inbox(bo)] == [
        (item.key, "commented", 1),
        (other.key, "assigned commented", 2),
    ]
    everything = await world.notifications.read_through(2**53, "TM", actor=bo)
    assert (everything, await world.notifications.unread(actor=bo)) == (2, Unread(0, False))


async def test_inboxes_integration_archive_snooze_and_bring_back(world: NotificationWorld) -> None:
    bo = await world.a_reader()
    item = await world.an_item(assignee_id=bo.id)
    [row] = await world.inbox(bo)

    async def change(expected: int | None = None, **fields: object) -> int:
        changes = NotificationChanges(**fields)  # type: ignore[arg-type]  # the fields that a case names
        changed = await world.notifications.change(row.id, changes, expected, actor=bo)
        return changed.version

    until = seconds_after(world.clock.now(), 3600)
    assert await change(1, snoozed_until=until) == 2
    assert (await world.reasons(bo), await world.reasons(bo, Folder.SNOOZED)) == ([], ["assigned"])
    assert await world.notifications.unread(actor=bo) == Unread(0, False)
    world.clock.advance(3601)
    assert await world.reasons(bo, Folder.UNREAD) == ["assigned"]
    assert await change(is_archived=True) == 3
    assert (await world.reasons(bo), await world.reasons(bo, Folder.ARCHIVED)) == ([], ["assigned"])
    assert await change(is_archived=True) == 3
    await world.a_comment(item=item.key)
    assert await world.reasons(bo, Folder.UNREAD) == ["commented"]
    assert await change(is_read=True) == 5
    assert await world.reasons(bo, Folder.UNREAD) == []
    assert await change(is_read=False) == 6
    with pytest.raises(VersionChanged):
        await change(1, is_read=True)
    for wrong in (world.clock.now() - 1, seconds_after(world.clock.now(), 400 * 86_400)):
        with pytest.raises(InvalidSnooze):
            await change(snoozed_until=wrong)


async def test_inboxes_integration_are_of_their_member_alone(world: NotificationWorld) -> None:
    bo, cy = await world.a_reader("Bo"), await world.a_reader("Cy")
    await world.an_item(assignee_id=bo.id)
    [row] = await world.inbox(bo)
    stranger = structs.replace(bo, tenant_id=await a_tenant(world.stores))

    for nobody in (cy, stranger):
        with pytest.raises(NotificationNotFound):
            await world.notifications.get(row.id, actor=nobody)
        with pytest.raises(NotificationNotFound):
            await world.notifications.change(
                row.id, NotificationChanges(is_read=True), None, actor=nobody
            )
        with pytest.raises(NotificationNotFound):
            await world.notifications.events(row.id, PageRequest(), actor=nobody)
    assert await world.notifications.read_through(2**53, None, actor=cy) == 0
    with pytest.raises(InboxNeedsPerson):
        await world.notifications.unread(actor=system("board", world.tenant_id))
    assert await world.reasons(bo, Folder.UNREAD) == ["assigned"]


async def test_inboxes_integration_leave_out_who_left_or_muted(world: NotificationWorld) -> None:
    bo, cy, gone = [await world.a_reader(name) for name in ("Bo", "Cy", "Gone")]
    item = await world.an_item()
    for one in (bo, cy, gone):
        await world.watchers.watch(item.key, "me", actor=one)
    await world.write(
        "UPDATE people SET state = 'removed' WHERE tenant_id = :tenant_id AND user_id = :id",
        id=gone.id,
    )
    await world.watchers.mute(item.key, "me", actor=bo)
    await world.preferences.mute("TM", actor=cy)
    await world.a_comment("For @Bo, @Cy and @Gone")

    assert await world.reasons(bo) == ["mentioned"]
    assert await world.reasons(cy) == []
    assert await world.reasons(gone) == []
    assert (await world.preferences.get(actor=cy)).muted_project_ids == (item.project_id,)
    await world.preferences.unmute("TM", actor=cy)
    await world.a_comment()
    assert await world.reasons(cy) == ["commented"]
    with pytest.raises(ProjectNotFound):
        await world.preferences.mute("NONE", actor=cy)


async def test_inboxes_integration_pages_and_filters(world: NotificationWorld) -> None:
    bo = await world.a_reader()
    await world.a_project("SEA")
    items = [await world.an_item(assignee_id=bo.id) for _ in range(4)]
    await world.an_item(assignee_id=bo.id, project="SEA")
    await world.a_comment(item=items[1].key)
    await world.tell()

    first = await world.notifications.list(Selection(), page_request(3, None), actor=bo)
    rest = await world.notifications.list(Selection(), page_request(3, first.next_cursor), actor=bo)

    keys = [row.item_key for row in (*first.items, *rest.items)]
    assert keys == ["TM-2", "SEA-1", "TM-4", "TM-3", "TM-1"]
    assert rest.next_cursor is None
    assert [row.item_key for row in await world.inbox(bo, project="SEA")] == ["SEA-1"]
    assert [row.item_key for row in await world.inbox(bo, reason="commented")] == ["TM-2"]
    with pytest.raises(UnknownReason):
        await world.inbox(bo, reason="bored")


async def test_preferences_integration_say_what_one_hears_of(world: NotificationWorld) -> None:
    bo = await world.a_reader()
    world.defaults = structs.replace(world.defaults, inbox_off=("commented",))
    item = await world.an_item(assignee_id=bo.id)
    await world.a_comment(item=item.key)
    assert await world.reasons(bo) == ["assigned"]

    hear = {
        Reason.COMMENTED: WishChange(inbox=True),
        Reason.CHANGED: WishChange(inbox=False, mail=MailTiming.OFF),
    }
    kept = await world.preferences.change(
        PreferenceChanges(reasons=hear, digest_hour=7), 0, actor=bo
    )
    await world.a_comment(item=item.key)
    await world.items.change(item.key, WorkItemChanges(priority=Priority.LOW), actor=world.actor)

    assert await world.reasons(bo) == ["assigned commented"]
    assert (kept.version, kept.digest_hour, kept.own) == (1, 7, ("commented", "changed"))
    assert kept.wishes["commented"].mail == "digest"
    with pytest.raises(VersionChanged):
        await world.preferences.change(PreferenceChanges(digest_hour=9), 0, actor=bo)
    same = await world.preferences.change(PreferenceChanges(digest_hour=7), 1, actor=bo)
    assert same.version == 1
    back = await world.preferences.change(
        PreferenceChanges(reasons={Reason.COMMENTED: None}, digest_hour=None), 1, actor=bo
    )
    assert (back.version, back.digest_hour, back.own) == (2, 8, ("changed",))
    changes = [one for one in await world.audit_actions() if "preferences" in one]
    assert changes == ["board.notification_preferences.change"] * 2


async def test_preferences_integration_count_a_choice_that_looks_like_the_default(
    world: NotificationWorld,
) -> None:
    bo = await world.a_reader()
    default = world.defaults.digest_hour

    chosen = await world.preferences.change(PreferenceChanges(digest_hour=default), None, actor=bo)
    world.defaults = structs.replace(world.defaults, digest_hour=default + 1)
    kept = await world.preferences.get(actor=bo)
    await world.preferences.change(PreferenceChanges(digest_hour=default), None, actor=bo)

    assert (chosen.version, kept.digest_hour, kept.version) == (1, default, 1)
    changes = [one for one in await world.audit_actions() if "preferences" in one]
    assert changes == ["board.notification_preferences.change"]
