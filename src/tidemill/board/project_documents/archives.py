"""A project document and the files of its items as one ZIP archive, written part by part."""

from __future__ import annotations

import io
import zipfile
from typing import IO, Final

from tidemill.core.clock import Instant, to_datetime

DOCUMENT: Final = "project.json"
FILES: Final = "files/"
"""What stands before the SHA-256 of a file's bytes, which is its name."""


class ArchiveWriter:
    """Gives what an archive consists of; no more than one part is ever in memory."""

    def __init__(self) -> None:
        self._written = _Written()
        self._archive = zipfile.ZipFile(self._written, "w")
        self._entry: IO[bytes] | None = None

    def begin_document(self, at: Instant) -> None:
        """Begin the document, as of an instant."""
        self._begin(DOCUMENT, at, zipfile.ZIP_DEFLATED)

    def begin_file(self, sha256: str, at: Instant) -> None:
        """Begin a file: most are pressed already, and the others are few."""
        self._begin(FILES + sha256, at, zipfile.ZIP_STORED)

    def write(self, part: bytes) -> bytes:
        """Return what a part of the entry adds to the archive."""
        if self._entry is not None:
            self._entry.write(part)
        return self._written.taken()

    def end_entry(self) -> bytes:
        """Return what is left of the entry."""
        if self._entry is not None:
            self._entry.close()
        return self._written.taken()

    def end(self) -> bytes:
        """Return the list of all entries, which ends the archive."""
        self._archive.close()
        return self._written.taken()

    def _begin(self, name: str, at: Instant, method: int) -> None:
        entry = zipfile.ZipInfo(name, to_datetime(at).timetuple()[:6])
        entry.compress_type = method
        # Readable for whoever takes it out: without it nobody has any right.
        entry.external_attr = 0o644 << 16
        # Its size is known at its end only, and may need more than four bytes.
        self._entry = self._archive.open(entry, "w", force_zip64=True)


class _Written(io.RawIOBase):
    """What was written since somebody took it; a stream without a way back."""

    def __init__(self) -> None:
        super().__init__()
        self._parts: list[bytes] = []

    def writable(self) -> bool:
        """Return that it takes bytes."""
        return True

    def write(self, part: object, /) -> int:
        """Take bytes."""
        data = bytes(part)  # type: ignore[call-overload]
        self._parts.append(data)
        return len(data)

    def taken(self) -> bytes:
        """Return all that was written since the last time."""
        parts, self._parts = self._parts, []
        return b"".join(parts)
