"""Finds the files that ship beside the code: migrations and configuration."""

from __future__ import annotations

from pathlib import Path
from typing import Final

_PACKAGE: Final = Path(__file__).resolve().parent.parent
_CHECKOUT: Final = _PACKAGE.parent.parent


class ResourceMissing(RuntimeError):
    """The installation lacks a directory that every wheel and checkout holds."""

    def __init__(self, name: str) -> None:
        super().__init__(f"This installation lacks its '{name}' files. Install tidemill again.")


def resource(name: str) -> Path:
    """Return the directory `name`: that of the checkout where there is one, else the wheel's.

    Raises `ResourceMissing`.
    """
    # A checkout is known by its project file: site-packages could hold a folder of any name.
    candidates = [_PACKAGE / "_resources" / name]
    if (_CHECKOUT / "pyproject.toml").is_file():
        candidates.insert(0, _CHECKOUT / name)
    for candidate in candidates:
        if candidate.is_dir():
            return candidate
    raise ResourceMissing(name)
