"""The passwords that are tried first: our own list in several languages, and a frequency list.

The frequency list is that of the library zxcvbn. It is read, not imported: the library's own
import would keep 15 MB for words that we do not ask for.
"""

from __future__ import annotations

import importlib.util
import runpy
from functools import lru_cache
from importlib import resources
from pathlib import Path
from typing import Final

_MARK: Final = "\n"
_frequent_min: Final = 10_000


def is_common(candidates: set[str]) -> bool:
    """Return whether one of the folded `candidates` is a password that many people have."""
    text = _text()
    return any(f"{_MARK}{candidate}{_MARK}" in text for candidate in candidates if candidate)


@lru_cache(maxsize=1)
def _text() -> str:
    # One text to search in: a set of thirty thousand strings would take ten times the memory,
    # and a search is short beside the hash that follows it.
    return _MARK + _MARK.join([*_ours(), *_frequent()]) + _MARK


def _ours() -> list[str]:
    text = resources.files(__package__).joinpath("common.txt").read_text(encoding="utf-8")
    return [word for word in text.split() if not word.startswith("#")]


def _frequent() -> list[str]:
    spec = importlib.util.find_spec("zxcvbn")
    if spec is None or spec.origin is None:
        raise ModuleNotFoundError("zxcvbn", name="zxcvbn")
    lists = runpy.run_path(str(Path(spec.origin).with_name("frequency_lists.py")))
    words: list[str] = lists["FREQUENCY_LISTS"]["passwords"]
    if len(words) < _frequent_min:
        raise RuntimeError("zxcvbn's list of passwords is not the one that we know.")
    return [word.casefold() for word in words]
