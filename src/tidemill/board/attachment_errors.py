"""Every failure of attachments."""

from __future__ import annotations

from tidemill.board.errors import shown
from tidemill.core.errors import InvalidInput, NotFound, RuleViolation, TooLarge


class AttachmentNotFound(NotFound):
    """There is no such attachment for this tenant, or it was deleted."""

    code = "ATTACHMENT_NOT_FOUND"

    def __init__(self, reference: str) -> None:
        super().__init__(f"There is no attachment {shown(reference)}.")


class InvalidFileName(InvalidInput):
    """The name of a file is empty, or too long."""

    code = "INVALID_FILE_NAME"

    def __init__(self, reason: str, *, param: str) -> None:
        super().__init__(f"This is no name for a file: {reason}", param=param)


class FileIsEmpty(InvalidInput):
    """A file without a byte tells nothing."""

    code = "FILE_IS_EMPTY"

    def __init__(self) -> None:
        super().__init__("The file is empty. Send one that holds something.", param="file")


class FileTooLarge(TooLarge):
    """A file is over the limit of one."""

    code = "FILE_TOO_LARGE"

    def __init__(self, bytes_max: int) -> None:
        super().__init__(
            f"The file is too large: limits.attachment_bytes_max is {bytes_max} bytes.",
            param="file",
        )


class AttachmentsFull(RuleViolation):
    """The files of a tenant hold as much as they may."""

    code = "ATTACHMENTS_FULL"

    def __init__(self, bytes_max: int) -> None:
        super().__init__(
            "The files of this tenant would hold more than "
            f"limits.attachment_bytes_per_tenant_max, which is {bytes_max} bytes. Delete some, or "
            "ask an operator for more.",
            param="file",
        )


class TooManyAttachments(RuleViolation):
    """An item has as many files as it can have."""

    code = "TOO_MANY_ATTACHMENTS"

    def __init__(self, most: int) -> None:
        super().__init__(f"The item has {most} files already, which is the limit.", param="file")


class FileTypeRefused(RuleViolation):
    """The tenant does not take files of this type."""

    code = "FILE_TYPE_REFUSED"

    def __init__(self, media_type: str) -> None:
        super().__init__(
            f"Files of the type {media_type} are not taken here; board.attachment_types says "
            "which are.",
            param="file",
        )


class FileTypeMismatch(RuleViolation):
    """A file is not what its name or its Content-Type says."""

    code = "FILE_TYPE_MISMATCH"

    def __init__(self, said: str, found: str, *, param: str) -> None:
        super().__init__(
            f"This says {shown(said)}, and the content is {found}. Send the file under its own "
            "name and type.",
            param=param,
        )
