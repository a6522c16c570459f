"""Writes what happened to a file everywhere it must be known: activity, fact and audit."""

from __future__ import annotations

from tidemill.board.activities.models import Action, Happened
from tidemill.board.activities.service import History
from tidemill.board.attachment_facts import AttachmentCreated, AttachmentDeleted
from tidemill.board.attachments.models import Attachment
from tidemill.core.actor import Actor
from tidemill.core.ports import Tx


class Announcer:
    """Each method writes in the caller's transaction, beside the change itself."""

    def __init__(self) -> None:
        self._history = History()

    def attached(self, tx: Tx, attachment: Attachment, *, by: Actor) -> None:
        """Write that `attachment` was made."""
        fact = AttachmentCreated(attachment=attachment.state(), user_id=by.user_id)
        self._activity(tx, attachment, (Action.ATTACHED, tx.record(fact, by=by)), by)
        tx.audit(
            "board.attachments.create",
            by=by,
            resource=_resource(attachment),
            after=_told(attachment),
        )

    def deleted(self, tx: Tx, attachment: Attachment, *, by: Actor) -> None:
        """Write that `attachment` was deleted."""
        fact = AttachmentDeleted(attachment=attachment.state(), user_id=by.user_id)
        self._activity(tx, attachment, (Action.ATTACHMENT_DELETED, tx.record(fact, by=by)), by)
        tx.audit(
            "board.attachments.delete",
            by=by,
            resource=_resource(attachment),
            before=_told(attachment),
        )

    def _activity(self, tx: Tx, attachment: Attachment, happened: Happened, by: Actor) -> None:
        self._history.attached(
            tx,
            (attachment.work_item_id, attachment.item_version),
            (attachment.id, attachment.name),
            happened,
            by=by,
        )


def _resource(attachment: Attachment) -> str:
    return f"attachment:{attachment.id}"


def _told(attachment: Attachment) -> dict[str, object]:
    return {
        "work_item_id": attachment.work_item_id,
        "name": attachment.name,
        "media_type": attachment.media_type,
        "size": attachment.size,
        "sha256": attachment.sha256,
    }
