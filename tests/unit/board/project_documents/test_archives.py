from __future__ import annotations

import io
import zipfile

from tidemill.board.project_documents.archives import ArchiveWriter
from tidemill.core.clock import Instant

AT = Instant(1_774_958_400_000_000)


def test_writer_gives_an_archive_part_by_part() -> None:
    writer = ArchiveWriter()
    parts: list[bytes] = []

    writer.begin_document(AT)
    parts += [writer.write(b'{"items":'), writer.write(b"[]}"), writer.end_entry()]
    writer.begin_file("a" * 64, AT)
    first = writer.write(b"x" * 100_000)
    parts += [first, writer.end_entry(), writer.end()]

    assert len(first) >= 100_000, "what was written is kept back"
    with zipfile.ZipFile(io.BytesIO(b"".join(parts))) as archive:
        assert archive.testzip() is None
        assert archive.read("project.json") == b'{"items":[]}'
        assert archive.read(f"files/{'a' * 64}") == b"x" * 100_000
        assert archive.getinfo("project.json").date_time == (2026, 3, 31, 12, 0, 0)
