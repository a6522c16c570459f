"""The SQL of attachments."""

from __future__ import annotations

from typing import Final

from tidemill.board.attachment_facts import AttachmentId
from tidemill.board.attachments.models import Attachment
from tidemill.board.contract import WorkItemId
from tidemill.board.texts import is_uuid
from tidemill.core.ports import Tx

_SELECT: Final = """
    SELECT f.id, f.work_item_id, w.version, w.project_id, p.key, p.archived_at, f.name,
        f.media_type, f.bytes, f.sha256, b.name, f.created_at, f.created_by, a.name, a.avatar,
        w.archived_at
    FROM attachments AS f
    JOIN work_items AS w
        ON w.tenant_id = f.tenant_id AND w.id = f.work_item_id AND w.deleted_at IS NULL
    JOIN projects AS p
        ON p.tenant_id = w.tenant_id AND p.id = w.project_id AND p.deleted_at IS NULL
    JOIN blobs AS b ON b.tenant_id = f.tenant_id AND b.sha256 = f.sha256
    LEFT JOIN people AS a ON a.tenant_id = f.tenant_id AND a.user_id = f.created_by
"""
_BY_ID: Final = _SELECT + "WHERE f.tenant_id = :tenant_id AND f.id = :id"
_LOCK: Final = {"sqlite": "", "postgres": " FOR UPDATE OF f"}
PAGE: Final = (
    _SELECT
    + """
    WHERE f.tenant_id = :tenant_id AND f.work_item_id = :work_item_id AND f.id > :after
    ORDER BY f.id
    LIMIT :limit
"""
)
_INSERT: Final = """
    INSERT INTO attachments (tenant_id, id, work_item_id, name, media_type, bytes, sha256,
        created_at, created_by)
    VALUES (:tenant_id, :id, :work_item_id, :name, :media_type, :bytes, :sha256, :created_at,
        :created_by)
"""
_DELETE: Final = "DELETE FROM attachments WHERE tenant_id = :tenant_id AND id = :id"
_COUNT: Final = """
    SELECT COUNT(*) FROM attachments WHERE tenant_id = :tenant_id AND work_item_id = :work_item_id
"""


class AttachmentRepository:
    """Attachments of a tenant's living items."""

    def find(self, tx: Tx, attachment_id: str, *, lock: bool = False) -> Attachment | None:
        """Return an attachment; `lock` holds it until the transaction ends."""
        lowered = attachment_id.lower()
        if not is_uuid(lowered):
            return None
        row = tx.one(_BY_ID + (_LOCK[tx.dialect] if lock else ""), id=lowered)
        return Attachment(*row) if row else None

    def page(
        self, tx: Tx, item_id: WorkItemId, *, after: str | None, limit: int
    ) -> list[Attachment]:
        """Return attachments of an item, oldest first."""
        rows = tx.all(PAGE, work_item_id=item_id, after=after or "", limit=limit)
        return [Attachment(*row) for row in rows]

    def count(self, tx: Tx, item_id: WorkItemId) -> int:
        """Return how many attachments an item has."""
        row = tx.one(_COUNT, work_item_id=item_id)
        return int(row[0]) if row else 0

    def add(self, tx: Tx, attachment: Attachment) -> None:
        """Insert `attachment`."""
        tx.execute(
            _INSERT,
            id=attachment.id,
            work_item_id=attachment.work_item_id,
            name=attachment.name,
            media_type=attachment.media_type,
            bytes=attachment.size,
            sha256=attachment.sha256,
            created_at=attachment.created_at,
            created_by=attachment.created_by,
        )

    def remove(self, tx: Tx, attachment_id: AttachmentId) -> None:
        """Delete an attachment."""
        tx.execute(_DELETE, id=attachment_id)
