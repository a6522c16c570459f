"""Failures of what makes projects out of documents."""

from __future__ import annotations

from tidemill.core.errors import InvalidInput


class ArchiveUnsafe(InvalidInput):
    """An archive holds what no export writes: other names, other methods, or more than it says."""

    code = "ARCHIVE_UNSAFE"

    def __init__(self, reason: str) -> None:
        super().__init__(
            f"The archive is refused: {reason} Send one as an export writes it.", param="file"
        )
