from __future__ import annotations

import hashlib
import io
import struct
import zipfile
from collections.abc import Iterable

import pytest

from tidemill.board.errors import ImportTooLarge, ImportUnreadable
from tidemill.board.limits import BoardLimits
from tidemill.board.project_import_errors import ArchiveUnsafe
from tidemill.board.project_imports.archives import Bundle, FoundFile, read_bytes_max

LIMITS = BoardLimits(
    import_bytes_max=1_000, attachment_bytes_max=2_000, project_archive_bytes_max=3_000
)
NOTES = b"high and low"


def _named(content: bytes) -> str:
    return f"files/{hashlib.sha256(content).hexdigest()}"


def _zip(entries: Iterable[tuple[str, bytes]], method: int = zipfile.ZIP_DEFLATED) -> io.BytesIO:
    spool = io.BytesIO()
    with zipfile.ZipFile(spool, "w", method) as archive:
        for name, content in entries:
            archive.writestr(name, content)
    return spool


def _bundle(*entries: tuple[str, bytes], document: bytes = b"{}") -> Bundle:
    return Bundle(_zip([("project.json", document), *entries]), LIMITS)


def test_bundle_gives_the_document_and_the_files_of_an_archive() -> None:
    bundle = _bundle((_named(NOTES), NOTES))

    assert bundle.document() == b"{}"
    [(sha256, found)] = bundle.found().items()
    assert found == FoundFile(len(NOTES), NOTES)
    assert b"".join(bundle.parts_of(sha256)) == NOTES


def test_bundle_takes_a_document_that_comes_alone() -> None:
    bundle = Bundle(io.BytesIO(b'{"format": 1}'), LIMITS)

    assert (bundle.document(), bundle.found()) == (b'{"format": 1}', {})


@pytest.mark.parametrize(
    "name",
    [
        "../etc/passwd",
        "/etc/passwd",
        "files/../../x",
        "files/short",
        "files/" + "A" * 64,
        "files/" + "a" * 64 + "/x",
        "C:\\windows",
        "project.json.bak",
    ],
)
def test_bundle_refuses_names_that_no_export_writes(name: str) -> None:
    with pytest.raises(ArchiveUnsafe):
        _bundle((name, NOTES))


def test_bundle_refuses_bytes_that_are_not_those_of_their_name() -> None:
    bundle = _bundle(("files/" + "a" * 64, NOTES))

    with pytest.raises(ArchiveUnsafe, match="are not those of its name"):
        bundle.found()


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_bundle_refuses_the_same_name_twice() -> None:
    with pytest.raises(ArchiveUnsafe, match="twice"):
        _bundle((_named(NOTES), NOTES), (_named(NOTES), NOTES))
    with pytest.raises(ImportUnreadable, match="or several"):
        _bundle(("project.json", b"[]"))


def test_bundle_refuses_methods_that_no_export_uses() -> None:
    spool = _zip([("project.json", b"{}")], zipfile.ZIP_BZIP2)

    with pytest.raises(ArchiveUnsafe, match="unusual method"):
        Bundle(spool, LIMITS)


def test_bundle_stops_at_the_limit_of_a_file_and_of_all() -> None:
    large, others = b"\0" * 2_001, [bytes([place]) * 1_900 for place in (1, 2)]

    with pytest.raises(ImportTooLarge, match="more than 2000 bytes"):
        _bundle((_named(large), large)).found()
    with pytest.raises(ImportTooLarge, match="hold more"):
        _bundle(*((_named(each), each) for each in others)).found()
    with pytest.raises(ImportTooLarge, match="more than 1000 bytes"):
        _bundle(document=b" " * 1_001).document()
    with pytest.raises(ImportTooLarge, match="more than 1000 bytes"):
        Bundle(io.BytesIO(b" " * 1_001), LIMITS).document()


def test_bundle_does_not_believe_a_size_that_an_archive_says() -> None:
    bomb = b"\0" * 1_000_000
    data = _zip([("project.json", b"{}"), (_named(bomb), bomb)]).getvalue()
    # Both places that say how much comes out say that it is little.
    told = data.replace(struct.pack("<L", len(bomb)), struct.pack("<L", 10))
    assert told != data

    with pytest.raises((ImportUnreadable, ImportTooLarge, ArchiveUnsafe)):
        Bundle(io.BytesIO(told), LIMITS).found()


def test_bundle_reads_no_list_of_entries_that_is_longer_than_any_can_be() -> None:
    data = _zip([("project.json", b"{}")]).getvalue()
    at = data.index(b"PK\x05\x06")
    # As many bytes stand in front of the end as it says, so that the list could be there.
    padding = b"\0" * (read_bytes_max + 1)
    end = data[at : at + 12] + struct.pack("<LL", len(padding), 0) + data[at + 20 :]

    with pytest.raises(ImportUnreadable):
        Bundle(io.BytesIO(b"PK" + padding + end), LIMITS)


@pytest.mark.parametrize("kept", [10, 60, -10])
def test_bundle_refuses_an_archive_that_broke_off(kept: int) -> None:
    data = _zip([("project.json", b"{}"), (_named(NOTES), NOTES)]).getvalue()

    with pytest.raises(ImportUnreadable, match="broke off"):
        Bundle(io.BytesIO(data[:kept]), LIMITS)


def test_bundle_refuses_an_archive_without_a_document() -> None:
    with pytest.raises(ImportUnreadable, match="holds no project"):
        Bundle(_zip([(_named(NOTES), NOTES)]), LIMITS)


def test_bundle_refuses_what_cannot_be_unpacked() -> None:
    notes = b"".join(bytes([place]) for place in range(200)) * 5
    data = bytearray(_zip([("project.json", b"{}"), (_named(notes), notes)]).getvalue())
    at = data.index(_named(notes).encode()) + len(_named(notes)) + 20
    data[at : at + 20] = b"\xff" * 20

    with pytest.raises(ImportUnreadable, match="cannot be read"):
        Bundle(io.BytesIO(bytes(data)), LIMITS).found()
