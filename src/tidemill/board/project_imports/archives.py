"""An archive as it came in: looked at with distrust, and never unpacked to any place.

Nothing is believed of what it says of itself: sizes are counted while it is read, names are
compared with the two that exports write, and digests are those of the bytes.
"""

from __future__ import annotations

import hashlib
import re
import zipfile
import zlib
from collections.abc import Iterator, Mapping
from typing import IO, Final

from msgspec import Struct

from tidemill.board.attachments.kinds import head_bytes
from tidemill.board.errors import ImportTooLarge, ImportUnreadable, shown
from tidemill.board.limits import BoardLimits
from tidemill.board.project_documents.archives import DOCUMENT, FILES
from tidemill.board.project_import_errors import ArchiveUnsafe

files_max: Final = 50_000
read_bytes_max: Final = 8 * 1024 * 1024
"""The list of so many files has room in it, and what says that it is longer is not read."""
part_bytes: Final = 256 * 1024
_SIGNATURE: Final = b"PK"
_FILE: Final = re.compile(re.escape(FILES) + r"([0-9a-f]{64})")
_METHODS: Final = frozenset({zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED})
_encrypted: Final = 0x1


class FoundFile(Struct, frozen=True):
    """A file whose bytes are those of its name: how many, and how they begin."""

    size: int
    head: bytes


class Bundle:
    """A document that came alone, or in an archive beside the files of its items.

    Methods wait for the disk: call them in a thread, one at a time.
    """

    def __init__(self, spool: IO[bytes], limits: BoardLimits) -> None:
        self._spool = spool
        self._limits = limits
        self._archive: zipfile.ZipFile | None = None
        self._files: dict[str, zipfile.ZipInfo] = {}
        spool.seek(0)
        if spool.read(len(_SIGNATURE)) == _SIGNATURE:
            self._open()

    def document(self) -> bytes:
        """Return the document; raises `ImportUnreadable` and `ImportTooLarge`."""
        most = self._limits.import_bytes_max
        if self._archive is None:
            self._spool.seek(0)
            data = self._spool.read(most + 1)
        else:
            data = b"".join(self._parts(self._archive.getinfo(DOCUMENT), most))
        if len(data) > most:
            raise ImportTooLarge(f"The document has more than {most} bytes, which are the limit.")
        return data

    def found(self) -> Mapping[str, FoundFile]:
        """Return the files by their digests, each read once; raises `ArchiveUnsafe`."""
        left = self._limits.project_archive_bytes_max
        files = {}
        for sha256, entry in self._files.items():
            digest, head, size = hashlib.sha256(), b"", 0
            for part in self._parts(entry, self._limits.attachment_bytes_max):
                digest.update(part)
                size += len(part)
                head += part[: head_bytes - len(head)]
            left -= size
            if left < 0:
                raise ImportTooLarge("The files of the archive hold more than the limit of one.")
            if digest.hexdigest() != sha256:
                raise ArchiveUnsafe(f"the bytes of {entry.filename} are not those of its name.")
            files[sha256] = FoundFile(size, head)
        return files

    def parts_of(self, sha256: str) -> Iterator[bytes]:
        """Yield the bytes of a file that `found` found, part by part."""
        return self._parts(self._files[sha256], self._limits.attachment_bytes_max)

    def _open(self) -> None:
        try:
            self._archive = zipfile.ZipFile(_Careful(self._spool))
        except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError) as error:
            raise ImportUnreadable("The archive broke off, or is none.", param="file") from error
        entries = self._archive.infolist()
        if len(entries) > files_max:
            raise ImportTooLarge(f"The archive has more than {files_max} files.")
        for entry in entries:
            self._take(entry)
        if sum(entry.filename == DOCUMENT for entry in entries) != 1:
            raise ImportUnreadable(f"The archive holds no {DOCUMENT}, or several.", param="file")

    def _take(self, entry: zipfile.ZipInfo) -> None:
        match = _FILE.fullmatch(entry.filename)
        if match is None and entry.filename not in {DOCUMENT, FILES}:
            raise ArchiveUnsafe(f"{shown(entry.filename)} is neither {DOCUMENT} nor in {FILES}.")
        if entry.compress_type not in _METHODS or entry.flag_bits & _encrypted:
            raise ArchiveUnsafe(f"{entry.filename} is encrypted, or packed by an unusual method.")
        if match is not None and match[1] in self._files:
            raise ArchiveUnsafe(f"{entry.filename} is in it twice.")
        if match is not None:
            self._files[match[1]] = entry

    def _parts(self, entry: zipfile.ZipInfo, bytes_max: int) -> Iterator[bytes]:
        """Yield an entry, and stop at the limit, whatever the archive says of its size."""
        if self._archive is None:
            return
        read = 0
        try:
            with self._archive.open(entry) as file:
                while part := file.read(part_bytes):
                    read += len(part)
                    if read > bytes_max:
                        raise ImportTooLarge(
                            f"{entry.filename} has more than {bytes_max} bytes, which are the "
                            "limit."
                        )
                    yield part
        except (zipfile.BadZipFile, zlib.error, EOFError, OSError, NotImplementedError) as error:
            raise ImportUnreadable(
                f"{entry.filename} of the archive cannot be read.", param="file"
            ) from error


class _Careful:
    """A file of which nobody reads more at once than a list of entries may have."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        self.seek = file.seek
        self.tell = file.tell
        self.seekable = file.seekable

    def read(self, size: int = -1) -> bytes:
        """Return bytes; raises `BadZipFile` where there are too many."""
        wanted = read_bytes_max + 1 if size < 0 else size
        data = self._file.read(wanted) if wanted <= read_bytes_max + 1 else None
        if data is None or len(data) > read_bytes_max:
            raise zipfile.BadZipFile
        return data
