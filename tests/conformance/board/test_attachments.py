"""Files on items, on a file, in a schema and in a shared schema."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator

import pytest

from tests.fixtures.attachments import Files, a_file
from tests.fixtures.board import BoardWorld
from tests.fixtures.stores import a_tenant
from tidemill.board.attachment_errors import (
    AttachmentNotFound,
    AttachmentsFull,
    FileIsEmpty,
    FileTooLarge,
    FileTypeMismatch,
    FileTypeRefused,
    TooManyAttachments,
)
from tidemill.board.attachments.models import Attachment, Incoming
from tidemill.board.errors import ProjectIsArchived, WorkItemNotFound
from tidemill.board.projects.models import ProjectChanges, ProjectStatus
from tidemill.board.versions import ANY_VERSION
from tidemill.board.work_items.models import NewWorkItem
from tidemill.core.blobs import BlobMissing
from tidemill.core.pages import page_request
from tidemill.core.ports import Once, Tx
from tidemill.core.store_errors import IdempotencyKeyReused

pytestmark = pytest.mark.anyio

_A_DAY = 25 * 3600.0


@pytest.fixture
async def files(world: BoardWorld) -> Files:
    """Return the files of a board with the project `TM` and the item `TM-1`."""
    await world.a_project()
    await world.an_item()
    return Files(world, attachment_bytes_max=1_000_000)


async def test_attachments_integration_are_told_everywhere(files: Files) -> None:
    made = await files.attach("photo.png", b"\x89PNG\r\n\x1a\n", b"tide" * 100_000)
    world = files.world
    counted = await world.reads.get("TM-1", actor=world.actor)
    page = await files.service.list("TM-1", page_request(1, None, ""), actor=world.actor)
    read = await files.service.get(made.id.upper(), actor=world.actor)
    activity = await world.reads.activity("TM-1", page_request(1, None, ""), actor=world.actor)
    content = await files.read(made)
    await files.service.delete(made.id, actor=world.actor)

    assert page.items == [made] == [read]
    assert counted.attachment_count == 1
    assert (await world.reads.get("TM-1", actor=world.actor)).attachment_count == 0
    assert (made.media_type, made.size) == ("image/png", 400_008)
    assert content == b"\x89PNG\r\n\x1a\n" + b"tide" * 100_000
    assert (activity.items[0].action, activity.items[0].new_value) == ("attached", "photo.png")
    assert (await world.fact_types())[-2:] == ["AttachmentCreated", "AttachmentDeleted"]
    assert (await world.audit_actions())[-2:] == [
        "board.attachments.create",
        "board.attachments.delete",
    ]
    with pytest.raises(AttachmentNotFound):
        await files.service.get(made.id, actor=world.actor)


async def test_attachments_integration_keep_one_content_once(files: Files) -> None:
    first, second = await files.attach("a.log"), await files.attach("b.log")
    one_is_there = files.kept()
    await files.service.delete(first.id, actor=files.world.actor)
    while_used = await files.total()
    files.world.clock.advance(_A_DAY)
    await files.sweeper.sweep()

    assert len(one_is_there) == 1
    assert (first.blob_name, first.sha256) == (second.blob_name, second.sha256)
    assert while_used == second.size
    assert await files.read(second) == b"low tide"


async def test_attachments_integration_go_a_day_after_their_last_use(files: Files) -> None:
    made = await files.attach()
    await files.service.delete(made.id, actor=files.world.actor)
    await files.sweeper.sweep()
    at_first = files.kept()
    again = await files.attach("again.log")
    files.world.clock.advance(_A_DAY)
    await files.sweeper.sweep()
    while_used = files.kept()
    await files.service.delete(again.id, actor=files.world.actor)
    files.world.clock.advance(_A_DAY)
    await files.sweeper.sweep()

    assert len(at_first) == len(while_used) == 1
    assert again.blob_name == made.blob_name
    assert files.kept() == []
    assert await files.world.rows("SELECT 1 FROM blobs WHERE tenant_id = :tenant_id") == []
    assert await files.total() == 0


async def test_attachments_integration_of_deleted_items_come_back(files: Files) -> None:
    world = files.world
    made = await files.attach()
    await world.items.delete("TM-1", actor=world.actor)
    with pytest.raises(AttachmentNotFound):
        await files.service.get(made.id, actor=world.actor)
    with pytest.raises(WorkItemNotFound):
        await files.attach("late.log")
    world.clock.advance(_A_DAY)
    await files.sweeper.sweep()
    await world.items.restore("TM-1", actor=world.actor)

    assert await files.read(made) == b"low tide"
    assert len(files.kept()) == 1


async def test_attachments_integration_go_with_an_item_that_is_purged(files: Files) -> None:
    def purge(tx: Tx) -> None:
        for table, column in (("activities", "work_item_id"), ("watchers", "work_item_id")):
            tx.execute(
                f"DELETE FROM {table} WHERE tenant_id = :tenant_id AND {column} IN "
                "(SELECT id FROM work_items WHERE tenant_id = :tenant_id AND number = 2)"
            )
        tx.execute("DELETE FROM work_items WHERE tenant_id = :tenant_id AND number = 2")

    world = files.world
    await world.an_item()
    kept = await files.attach("kept.log")
    await files.attach("also.log", item="TM-2")
    await files.attach("gone.log", b"spring tide", item="TM-2")
    await world.stores.tenants.write(world.tenant_id, purge)
    await files.sweeper.sweep()
    counted = await files.total()
    world.clock.advance(_A_DAY)
    await files.sweeper.sweep()

    assert counted == kept.size
    assert await files.is_counted_right()
    assert [path.name for path in files.kept()] == [kept.blob_name.rpartition("/")[2]]


async def test_attachments_integration_that_broke_off_are_swept(files: Files) -> None:
    world = files.world
    made = await files.attach()
    broken = await files.store.begin(world.tenant_id)
    await broken.write(b"half")
    without_row = await files.store.begin(world.tenant_id)
    await without_row.write(b"whole")
    await without_row.keep()
    await files.sweeper.sweep()
    at_first = len(files.kept())
    world.clock.advance(_A_DAY)
    await files.sweeper.sweep()
    await broken.drop()

    assert at_first == 3
    assert [path.name for path in files.kept()] == [made.blob_name.rpartition("/")[2]]


async def test_attachments_integration_refuse_what_is_over_a_limit(files: Files) -> None:
    files.bytes_per_tenant_max = 10
    first = await files.attach("first.log", b"12345678")
    with pytest.raises(AttachmentsFull) as full:
        await files.attach("more.log", b"123")
    twin = await files.attach("twin.log", b"12345678")
    for each in (first, twin):
        await files.service.delete(each.id, actor=files.world.actor)
    fits = await files.attach("fits.log", b"123")
    with pytest.raises(FileTooLarge) as large:
        await files.attach("large.log", *[b"x" * 100_000] * 11)
    with pytest.raises(FileIsEmpty) as empty:
        await files.attach("empty.log", b"")
    few = Files(files.world, attachments_per_item_max=1)
    with pytest.raises(TooManyAttachments):
        await few.attach("second.log")

    assert [error.value.param for error in (full, large, empty)] == ["file"] * 3
    assert await files.total() == fits.size
    names = [path.name for path in files.kept()]
    assert sorted(names) == sorted(each.blob_name.rpartition("/")[2] for each in (first, fits)), (
        "nothing is left of what was refused"
    )


async def test_attachments_integration_refuse_what_is_not_what_it_says(files: Files) -> None:
    files.types = ("image/*", "text/plain")
    program = b"\x7fELF" + bytes(5_000)
    page = b"  <!-- a --><!DOCTYPE html><script>alert(1)</script>"

    refused = []
    for incoming in (
        a_file("photo.png", program),
        a_file("photo.png", b"\x89PNG\r\n\x1a\n", media_type="text/html"),
        a_file("program", program),
        a_file("page.txt", page),
    ):
        with pytest.raises((FileTypeMismatch, FileTypeRefused)) as error:
            await files.service.attach(
                "TM-1", incoming, actor=files.world.actor, once=lambda digest: None
            )
        refused.append((error.value.code, error.value.param))

    mismatch, wrong = "FILE_TYPE_MISMATCH", "FILE_TYPE_REFUSED"
    assert refused == [
        (mismatch, "name"),
        (mismatch, "Content-Type"),
        (wrong, "file"),
        (wrong, "file"),
    ]
    assert files.kept() == []


async def test_attachments_integration_with_a_key_are_made_once(files: Files) -> None:
    def once(digest: str) -> Once[Attachment]:
        return Once(key="k", scope="s", fingerprint=digest, result_type=Attachment)

    first = await files.attach(once=once)
    again = await files.attach(once=once)
    with pytest.raises(IdempotencyKeyReused):
        await files.attach("gauge.log", b"high tide", once=once)

    assert again == first
    assert len(files.kept()) == 1
    assert await files.is_counted_right()


async def test_attachments_integration_stay_as_they_are_in_archived_projects(
    files: Files,
) -> None:
    world = files.world
    made = await files.attach()
    archived = ProjectChanges(status=ProjectStatus.ARCHIVED)
    await world.projects.change("TM", archived, ANY_VERSION, actor=world.actor)

    with pytest.raises(ProjectIsArchived):
        await files.attach("late.log")
    with pytest.raises(ProjectIsArchived):
        await files.service.delete(made.id, actor=world.actor)
    assert await files.read(made) == b"low tide"


async def test_attachments_integration_of_tenants_share_nothing(files: Files) -> None:
    world = files.world
    made = await files.attach()
    stranger = world.an_actor(await a_tenant(world.stores))
    await world.projects.create(("TM", "Theirs", None), actor=stranger)
    item = NewWorkItem(item_type="task", title="Sail", project="TM")
    await world.items.create(item, actor=stranger)
    theirs = await files.attach("theirs.log", actor=stranger)

    assert theirs.sha256 == made.sha256
    assert theirs.blob_name != made.blob_name
    assert len(files.kept()) == 2
    with pytest.raises(AttachmentNotFound):
        await files.service.get(made.id, actor=stranger)
    with pytest.raises(AttachmentNotFound):
        await files.service.delete(made.id, actor=stranger)
    with pytest.raises(BlobMissing):
        await files.service.content(made, start=0, length=1, actor=stranger)


async def test_attachments_integration_of_racing_uploads_and_deletions_stay_counted(
    files: Files,
) -> None:
    contents = [b"ebb", b"flood"]

    async def come_and_go(number: int) -> None:
        made = await files.attach(f"{number}.log", contents[number % 2])
        if number % 3:
            await files.service.delete(made.id, actor=files.world.actor)

    await asyncio.gather(*(come_and_go(number) for number in range(18)))
    counted = await files.is_counted_right()
    alike = [await files.attach(f"{number}.txt", b"slack") for number in range(6)]
    await asyncio.gather(
        *(files.service.delete(each.id, actor=files.world.actor) for each in alike)
    )
    last_one_left = await files.is_counted_right()
    files.world.clock.advance(_A_DAY)
    await files.sweeper.sweep()
    page = await files.service.list("TM-1", page_request(50, None, ""), actor=files.world.actor)

    assert counted
    assert last_one_left, "each of two that went at once took the other for a use"
    assert len(page.items) == 6
    assert [await files.read(each) for each in page.items] == [
        contents[int(each.name.partition(".")[0]) % 2] for each in page.items
    ]
    assert len(files.kept()) == 2
    assert await files.is_counted_right()


async def test_attachments_integration_racing_for_the_last_room_do_not_overrun_it(
    files: Files,
) -> None:
    files.bytes_per_tenant_max = 10

    done = await asyncio.gather(
        *(files.attach(f"{n}.log", f"tide{n}".encode()) for n in range(6)), return_exceptions=True
    )

    assert sum(isinstance(each, Attachment) for each in done) == 2
    assert sum(isinstance(each, AttachmentsFull) for each in done) == 4
    assert await files.total() == 10


async def test_attachments_integration_racing_for_the_last_place_do_not_overrun_it(
    files: Files,
) -> None:
    few = Files(files.world, attachments_per_item_max=1)

    done = await asyncio.gather(
        *(few.attach(f"{n}.log", f"tide{n}".encode()) for n in range(8)), return_exceptions=True
    )

    assert sum(isinstance(each, Attachment) for each in done) == 1
    assert sum(isinstance(each, TooManyAttachments) for each in done) == 7


async def test_attachments_integration_cancelled_leave_nothing_on_its_way(files: Files) -> None:
    begun = asyncio.Event()

    async def parts() -> AsyncGenerator[bytes, None]:
        yield b"low " * 100_000
        begun.set()
        await asyncio.Event().wait()

    upload = asyncio.create_task(
        files.service.attach(
            "TM-1",
            Incoming(name="a.log", media_type=None, parts=parts()),
            actor=files.world.actor,
            once=lambda digest: None,
        )
    )
    await begun.wait()
    upload.cancel()
    await asyncio.gather(upload, return_exceptions=True)

    assert files.kept() == []
