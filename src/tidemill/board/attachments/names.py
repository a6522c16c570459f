"""The name of a file, without what could lead elsewhere or look like something else."""

from __future__ import annotations

import re
import unicodedata
from typing import Final

from tidemill.board.attachment_errors import InvalidFileName

chars_max: Final = 200
# What most file systems take for one name.
bytes_max: Final = 255
_SEPARATORS: Final = re.compile(r"[/\\]")
_FORBIDDEN: Final = re.compile(r'[<>:"|?*]')
# Controls, marks that turn the direction of text or have no width, halves of pairs, line ends, and
# what means something on one machine only.
_UNSEEN: Final = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})


def clean_name(text: str, *, param: str) -> str:
    """Return the last part of `text` as people see it; raises `InvalidFileName`."""
    last = _SEPARATORS.split(unicodedata.normalize("NFC", text))[-1]
    seen = "".join(each for each in last if unicodedata.category(each) not in _UNSEEN)
    # Windows drops dots and blanks at the end, and so could make another name of it.
    name = " ".join(_FORBIDDEN.sub("_", seen).split()).rstrip(". ")
    if not name:
        raise InvalidFileName("it holds nothing that people see.", param=param)
    if len(name) > chars_max:
        raise InvalidFileName(
            f"it has {len(name)} characters; {chars_max} are the limit.", param=param
        )
    if len(name.encode()) > bytes_max:
        raise InvalidFileName(
            f"it has {len(name.encode())} bytes; {bytes_max} are the limit.", param=param
        )
    return name
