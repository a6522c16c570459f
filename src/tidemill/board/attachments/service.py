"""What one can do with files on items."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import aclosing, suppress

from msgspec import Struct

from tidemill.board.attachment_errors import (
    AttachmentNotFound,
    FileIsEmpty,
    FileTooLarge,
    TooManyAttachments,
)
from tidemill.board.attachment_facts import AttachmentId
from tidemill.board.attachments.announcing import Announcer
from tidemill.board.attachments.kinds import head_bytes
from tidemill.board.attachments.models import Attachment, Incoming, attachment_version, type_of
from tidemill.board.attachments.names import clean_name
from tidemill.board.attachments.repository import AttachmentRepository
from tidemill.board.blobs.service import BlobAccounts
from tidemill.board.errors import ProjectIsArchived, WorkItemIsArchived, WorkItemNotFound
from tidemill.board.limits import BoardLimits
from tidemill.board.project_access.database import WalledDatabase
from tidemill.board.project_access.models import ProjectRole
from tidemill.board.project_access.service import require
from tidemill.board.work_items.models import WorkItem, check_changeable
from tidemill.board.work_items.repository import WorkItemRepository
from tidemill.core.actor import Actor
from tidemill.core.blobs import BlobStore, BlobsUnavailable, IncomingBlob
from tidemill.core.errors import TidemillError, Unavailable
from tidemill.core.keysets import after_text
from tidemill.core.pages import Page, PageRequest, page_of
from tidemill.core.ports import Database, Once, Tx
from tidemill.http import check_version
from tidemill.http.uploads import form_bytes_max

OnceFor = Callable[[str], Once[Attachment] | None]
"""Returns what makes a write happen once, given a digest of what the body said."""


class Rules(Struct, frozen=True, kw_only=True):
    """What settings say for an actor's tenant: types it takes, and bytes of all its files."""

    types: Sequence[str]
    bytes_per_tenant_max: int


class _File(Struct, frozen=True, kw_only=True):
    """A file whose bytes are kept."""

    name: str
    media_type: str
    size: int
    sha256: str
    blob_name: str


class AttachmentService:
    """Use cases of attachments; an item is named by its id or its key."""

    def __init__(
        self,
        tenants: Database,
        store: BlobStore,
        limits: BoardLimits,
        *,
        rules: Callable[[Actor], Awaitable[Rules]],
    ) -> None:
        self._tenants = WalledDatabase(tenants)
        self._store = store
        self._limits = limits
        self._rules = rules
        self._attachments = AttachmentRepository()
        self._items = WorkItemRepository()
        self._accounts = BlobAccounts()
        self._announcer = Announcer()

    @property
    def bytes_max(self) -> int:
        """Return how large one file may be."""
        return self._limits.attachment_bytes_max

    def check_size(self, length: int | None) -> None:
        """Return when a body that is announced to be so long may hold a file that is taken."""
        if length is not None and length > self.bytes_max + form_bytes_max:
            raise FileTooLarge(self.bytes_max)

    async def check_item(self, reference: str, *, actor: Actor) -> None:
        """Return when the item takes files, before any is sent; see `attach`."""

        def use_case(tx: Tx) -> None:
            item = self._open_item(tx, reference)
            require(tx, item.project_id, ProjectRole.EDITOR, by=actor)

        await self._tenants.read(actor, use_case)

    async def attach(
        self, reference: str, incoming: Incoming, *, actor: Actor, once: OnceFor
    ) -> Attachment:
        """Put a file on an item; when this returns, file and row survive a crash.

        Raises `WorkItemNotFound`, `ProjectIsArchived`, `TooManyAttachments`, `InvalidFileName`,
        `FileIsEmpty`, `FileTooLarge`, `FileTypeMismatch`, `FileTypeRefused`, `AttachmentsFull`
        and `BlobsUnavailable`.
        """
        name = clean_name(incoming.name, param=incoming.name_param)
        rules = await self._rules(actor)
        blob = await self._store.begin(actor.tenant_id)
        try:
            media_type = await self._received(blob, incoming, name, rules)
            file = _File(
                name=name,
                media_type=media_type,
                size=blob.bytes_written,
                sha256=blob.sha256,
                blob_name=await blob.keep(),
            )
        finally:
            await blob.drop()
        return await self._attached(reference, file, rules, actor, once)

    async def list(self, reference: str, page: PageRequest, *, actor: Actor) -> Page[Attachment]:
        """Return an item's attachments, oldest first; raises `WorkItemNotFound`."""
        after = after_text(page)

        def use_case(tx: Tx) -> list[Attachment]:
            item = self._items.find(tx, reference)
            if item is None or item.deleted_at is not None:
                raise WorkItemNotFound(reference)
            return self._attachments.page(tx, item.id, after=after, limit=page.limit_plus_one)

        rows = await self._tenants.read(actor, use_case)
        return page_of(rows, page, lambda row: (row.id,))

    async def get(self, attachment_id: str, *, actor: Actor) -> Attachment:
        """Return an attachment; raises `AttachmentNotFound`."""

        def use_case(tx: Tx) -> Attachment:
            attachment = self._attachments.find(tx, attachment_id)
            if attachment is None:
                raise AttachmentNotFound(attachment_id)
            return attachment

        return await self._tenants.read(actor, use_case)

    async def content(
        self, attachment: Attachment, *, start: int, length: int, actor: Actor
    ) -> AsyncIterator[bytes]:
        """Return a part of a file that `get` gave to `actor`.

        Raises `BlobMissing` and `BlobsUnavailable`.
        """
        return await self._store.read(
            actor.tenant_id, attachment.blob_name, start=start, length=length
        )

    async def delete(
        self, attachment_id: str, if_match: int | None = None, *, actor: Actor
    ) -> None:
        """Take a file off its item; its bytes go a day later, unless others are the same.

        Raises `AttachmentNotFound`, `VersionChanged`, `ProjectIsArchived` and `WorkItemIsArchived`.
        """

        def use_case(tx: Tx) -> None:
            attachment = self._attachments.find(tx, attachment_id, lock=True)
            if attachment is None:
                raise AttachmentNotFound(attachment_id)
            check_version(attachment_version, if_match)
            if attachment.project_archived_at is not None:
                raise ProjectIsArchived(attachment.project_key)
            if attachment.item_archived_at is not None:
                raise WorkItemIsArchived(attachment.work_item_id)
            self._attachments.remove(tx, attachment.id)
            self._accounts.leave(tx, attachment.sha256)
            self._announcer.deleted(tx, attachment, by=actor)

        await self._tenants.write(actor, use_case)

    async def _received(
        self, blob: IncomingBlob, incoming: Incoming, name: str, rules: Rules
    ) -> str:
        """Write what comes to `blob`, and return its type once its beginning is there."""
        head, media_type = b"", None
        async with aclosing(incoming.parts) as parts:
            async for part in parts:
                if blob.bytes_written + len(part) > self.bytes_max:
                    raise FileTooLarge(self.bytes_max)
                if media_type is None:
                    head += part[: head_bytes - len(head)]
                    if len(head) == head_bytes:
                        media_type = type_of(incoming, name, head, rules.types)
                await blob.write(part)
        if not blob.bytes_written:
            raise FileIsEmpty
        return media_type or type_of(incoming, name, head, rules.types)

    async def _attached(
        self, reference: str, file: _File, rules: Rules, actor: Actor, once: OnceFor
    ) -> Attachment:
        used = ""

        def use_case(tx: Tx) -> Attachment:
            nonlocal used
            item = self._open_item(tx, reference, lock="count")
            used = self._accounts.use(
                tx,
                file.sha256,
                file.blob_name,
                file.size,
                bytes_max=rules.bytes_per_tenant_max,
            )
            made = _made(AttachmentId(tx.new_id()), item, file, tx, actor)
            self._attachments.add(tx, made)
            # Read again, since the author's name is joined.
            attachment = self._attachments.find(tx, made.id) or made
            self._announcer.attached(tx, attachment, by=actor)
            return attachment

        key = once(f"{file.sha256} {file.name}")
        try:
            attachment = await self._tenants.write(actor, use_case, once=key)
        except Unavailable:
            # It may have been written all the same: if not, the bytes are swept as a stray.
            raise
        except TidemillError:
            await self._discard(file, actor)
            raise
        if used != file.blob_name:
            # The tenant has these bytes already, or this is an answer that was given before.
            await self._discard(file, actor)
        return attachment

    async def _discard(self, file: _File, actor: Actor) -> None:
        # What cannot be removed now is swept as a stray.
        with suppress(BlobsUnavailable):
            await self._store.remove(actor.tenant_id, file.blob_name)

    def _open_item(self, tx: Tx, reference: str, *, lock: str | None = None) -> WorkItem:
        item = self._items.find(tx, reference, lock=lock)
        if item is None or item.deleted_at is not None:
            raise WorkItemNotFound(reference)
        check_changeable(item)
        most = self._limits.attachments_per_item_max
        if self._attachments.count(tx, item.id) >= most:
            raise TooManyAttachments(most)
        return item


def _made(id_: AttachmentId, item: WorkItem, file: _File, tx: Tx, actor: Actor) -> Attachment:
    return Attachment(
        id=id_,
        work_item_id=item.id,
        item_version=item.version,
        project_id=item.project_id,
        project_key=item.project_key,
        project_archived_at=item.project_archived_at,
        name=file.name,
        media_type=file.media_type,
        size=file.size,
        sha256=file.sha256,
        blob_name=file.blob_name,
        created_at=tx.now,
        created_by=actor.user_id or actor.id,
        author_name=None,
        author_avatar=None,
    )
