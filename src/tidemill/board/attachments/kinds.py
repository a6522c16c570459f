"""Which types of files there are, by their names and by how they begin."""

from __future__ import annotations

import re
from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from msgspec import Struct

UNKNOWN: Final = "application/octet-stream"
TEXT: Final = "text/plain"
head_bytes: Final = 4096
"""How much of a file is looked at."""

_ZIP: Final = "application/zip"
_OLE: Final = "application/x-ole-storage"
_MP4: Final = "video/mp4"
_HEIF: Final = "image/heif"
_MATROSKA: Final = "video/x-matroska"
_OGG: Final = "audio/ogg"
_OPEN_XML: Final = "application/vnd.openxmlformats-officedocument"
_OPEN_DOCUMENT: Final = "application/vnd.oasis.opendocument"


class Kind(Struct, frozen=True):
    """A type, and what files of it look like when one reads their beginning."""

    media_type: str
    content: str


def _own(**media_types: str) -> dict[str, Kind]:
    return {each: Kind(media_type, media_type) for each, media_type in media_types.items()}


def _like(content: str, **media_types: str) -> dict[str, Kind]:
    return {each: Kind(media_type, content) for each, media_type in media_types.items()}


BY_EXTENSION: Final[Mapping[str, Kind]] = MappingProxyType(
    {
        **_own(
            png="image/png",
            jpg="image/jpeg",
            jpeg="image/jpeg",
            gif="image/gif",
            webp="image/webp",
            bmp="image/bmp",
            tif="image/tiff",
            tiff="image/tiff",
            ico="image/x-icon",
            psd="image/vnd.adobe.photoshop",
            pdf="application/pdf",
            zip=_ZIP,
            gz="application/gzip",
            tgz="application/gzip",
            bz2="application/x-bzip2",
            xz="application/x-xz",
            zst="application/zstd",
            tar="application/x-tar",
            rar="application/vnd.rar",
            mp3="audio/mpeg",
            wav="audio/wav",
            flac="audio/flac",
            avi="video/x-msvideo",
            sqlite="application/vnd.sqlite3",
            wasm="application/wasm",
            exe="application/x-msdownload",
            dll="application/x-msdownload",
        ),
        "7z": Kind("application/x-7z-compressed", "application/x-7z-compressed"),
        **_like(_HEIF, heic="image/heic", heif=_HEIF, avif="image/avif"),
        **_like(_MP4, mp4=_MP4, m4v=_MP4, mov="video/quicktime", m4a="audio/mp4"),
        **_like(_MATROSKA, mkv=_MATROSKA, webm="video/webm"),
        **_like(_OGG, ogg=_OGG, oga=_OGG, opus=_OGG, ogv="video/ogg"),
        **_like(
            _ZIP,
            docx=f"{_OPEN_XML}.wordprocessingml.document",
            xlsx=f"{_OPEN_XML}.spreadsheetml.sheet",
            pptx=f"{_OPEN_XML}.presentationml.presentation",
            odt=f"{_OPEN_DOCUMENT}.text",
            ods=f"{_OPEN_DOCUMENT}.spreadsheet",
            odp=f"{_OPEN_DOCUMENT}.presentation",
            odg=f"{_OPEN_DOCUMENT}.graphics",
            epub="application/epub+zip",
            jar="application/java-archive",
            apk="application/vnd.android.package-archive",
        ),
        **_like(
            _OLE,
            doc="application/msword",
            xls="application/vnd.ms-excel",
            ppt="application/vnd.ms-powerpoint",
            msg="application/vnd.ms-outlook",
            msi="application/x-msi",
        ),
        **_like(
            TEXT,
            txt=TEXT,
            log=TEXT,
            md="text/markdown",
            csv="text/csv",
            tsv="text/tab-separated-values",
            html="text/html",
            htm="text/html",
            xhtml="application/xhtml+xml",
            svg="image/svg+xml",
            xml="application/xml",
            json="application/json",
            ics="text/calendar",
            vcf="text/vcard",
            eml="message/rfc822",
            rtf="application/rtf",
            yaml="application/yaml",
            yml="application/yaml",
            toml="application/toml",
            css="text/css",
            js="text/javascript",
            mjs="text/javascript",
            py="text/x-python",
            sh="text/x-shellscript",
            sql="application/sql",
            diff="text/x-diff",
            patch="text/x-diff",
        ),
    }
)

CONTENT_OF: Final[Mapping[str, str]] = MappingProxyType(
    {
        **{kind.media_type: kind.content for kind in BY_EXTENSION.values()},
        # Other names that clients have for some of them.
        "image/jpg": "image/jpeg",
        "image/x-png": "image/png",
        "image/x-ms-bmp": "image/bmp",
        "image/vnd.microsoft.icon": "image/x-icon",
        "application/x-zip-compressed": _ZIP,
        "application/x-gzip": "application/gzip",
        "application/x-rar-compressed": "application/vnd.rar",
        "application/x-pdf": "application/pdf",
        "audio/x-wav": "audio/wav",
        "audio/mp3": "audio/mpeg",
        "text/xml": TEXT,
        "application/javascript": TEXT,
        "application/x-yaml": TEXT,
        "text/yaml": TEXT,
    }
)
"""What files of a type look like, for each type that is known."""

_SIGNATURES: Final[tuple[tuple[int, bytes, str], ...]] = (
    (0, b"\x89PNG\r\n\x1a\n", "image/png"),
    (0, b"\xff\xd8\xff", "image/jpeg"),
    (0, b"GIF87a", "image/gif"),
    (0, b"GIF89a", "image/gif"),
    (0, b"BM", "image/bmp"),
    (0, b"II*\x00", "image/tiff"),
    (0, b"MM\x00*", "image/tiff"),
    (0, b"\x00\x00\x01\x00", "image/x-icon"),
    (0, b"8BPS", "image/vnd.adobe.photoshop"),
    (0, b"%PDF-", "application/pdf"),
    (0, b"PK\x03\x04", _ZIP),
    (0, b"PK\x05\x06", _ZIP),
    (0, b"\x1f\x8b", "application/gzip"),
    (0, b"BZh", "application/x-bzip2"),
    (0, b"\xfd7zXZ\x00", "application/x-xz"),
    (0, b"\x28\xb5\x2f\xfd", "application/zstd"),
    (0, b"7z\xbc\xaf\x27\x1c", "application/x-7z-compressed"),
    (0, b"Rar!\x1a\x07", "application/vnd.rar"),
    (257, b"ustar", "application/x-tar"),
    (0, b"ID3", "audio/mpeg"),
    (0, b"\xff\xfb", "audio/mpeg"),
    (0, b"\xff\xf3", "audio/mpeg"),
    (0, b"fLaC", "audio/flac"),
    (0, b"OggS", _OGG),
    (0, b"\x1a\x45\xdf\xa3", _MATROSKA),
    (0, b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", _OLE),
    (0, b"SQLite format 3\x00", "application/vnd.sqlite3"),
    (0, b"\x00asm", "application/wasm"),
    (0, b"MZ", "application/x-msdownload"),
    (0, b"\x7fELF", "application/x-executable"),
    (0, b"\xcf\xfa\xed\xfe", "application/x-mach-binary"),
    (0, b"\xca\xfe\xba\xbe", "application/java-vm"),
)
_IN_RIFF: Final = {b"WEBP": "image/webp", b"WAVE": "audio/wav", b"AVI ": "video/x-msvideo"}
_HEIF_BRANDS: Final = frozenset({b"heic", b"heix", b"hevc", b"mif1", b"msf1", b"avif", b"avis"})
# Signatures of two bytes are words, too, that a text may begin with.
_WORDS: Final = frozenset({b"BM", b"MZ", b"BZh", b"ID3"})
_UNPRINTED: Final = re.compile(rb"[\x00-\x08\x0e-\x1a\x1c-\x1f\x7f]")
_UTF16: Final = (b"\xff\xfe", b"\xfe\xff")
_MARKUP: Final = re.compile(
    # Possessive: of many comments in a row, each ends in one way only.
    r"\A(?>\ufeff|\s|<!--.*?-->|<\?xml[^>]*>)*+<(?:(!doctype\s+html|html|head|body|script|iframe|"
    r"object|embed|meta|link|style|base)|(!doctype\s+svg|svg))\b",
    re.IGNORECASE | re.DOTALL,
)


def content_of(head: bytes) -> str:
    """Return what a file that begins with `head` looks like."""
    if head[:4] == b"RIFF" and head[8:12] in _IN_RIFF:
        return _IN_RIFF[head[8:12]]
    if head[4:8] == b"ftyp":
        return _HEIF if head[8:12] in _HEIF_BRANDS else _MP4
    for place, sign, media_type in _SIGNATURES:
        if head.startswith(sign, place) and not (sign in _WORDS and is_text(head)):
            return media_type
    return TEXT if is_text(head) else UNKNOWN


def is_text(head: bytes) -> bool:
    """Return whether `head` reads as text, though its last character may be cut."""
    if head.startswith(_UTF16):
        return True
    if _UNPRINTED.search(head):
        return False
    try:
        head.decode()
    except UnicodeDecodeError as error:
        return len(head) >= head_bytes and error.start >= len(head) - 3
    return True


def markup_of(head: bytes) -> str | None:
    """Return which markup that browsers run a text is, whatever it is called."""
    match = _MARKUP.match(head.decode("utf-8", "replace"))
    if match is None:
        return None
    return "text/html" if match[1] else "image/svg+xml"
