"""Numbered SQL files, up and down, and what may stand in them."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Final

from msgspec import Struct

from tidemill.core.ports import StoreKind
from tidemill.core.resources import resource

_FILE: Final = re.compile(r"(?P<version>\d{4})_(?P<name>[a-z0-9_]+)\.up\.sql")
# A file that says so drops what the release before it stopped using.
_CONTRACT: Final = re.compile(r"^--\s*contract\b", re.MULTILINE)
# Comments change nothing, and a function's body runs later, not when the file does.
_INERT: Final = re.compile(r"--[^\n]*|/\*.*?\*/|(\$\w*\$).*?\1", re.DOTALL)
_FORBIDDEN: Final = (
    (re.compile(r"\bDROP\s+(?!POLICY|TRIGGER|FUNCTION|INDEX)\w+", re.IGNORECASE), "DROP"),
    (re.compile(r"\bRENAME\b", re.IGNORECASE), "RENAME"),
    (re.compile(r"\bSET\s+NOT\s+NULL\b", re.IGNORECASE), "SET NOT NULL"),
    (
        re.compile(
            r"\bADD\s+(?:COLUMN\s+)?\w+\s(?![^;]*\bDEFAULT\b)[^;]*\bNOT\s+NULL\b", re.IGNORECASE
        ),
        "NOT NULL without DEFAULT",
    ),
)


class MigrationFailed(RuntimeError):
    """A store cannot be brought to the schema that this release needs; it is as it was."""


class Migration(Struct, frozen=True, kw_only=True):
    """One step of a store's schema and the way back."""

    version: int
    name: str
    up: str
    down: str
    checksum: str

    @property
    def label(self) -> str:
        """The number and name as the files have them."""
        return f"{self.version:04}_{self.name}"


class Finding(Struct, frozen=True, kw_only=True):
    """A line of a migration that an older release could not live with."""

    file: str
    reason: str


@lru_cache(maxsize=32)
def discover(dialect: str, kind: StoreKind, root: Path | None = None) -> tuple[Migration, ...]:
    """Return the migrations of one kind of store, by number. Raises `MigrationFailed`."""
    folder = (root or resource("migrations")) / dialect / kind
    found = [_load(path) for path in sorted(folder.glob("*.up.sql"))]
    numbers = [migration.version for migration in found]
    if len(set(numbers)) != len(numbers):
        raise MigrationFailed(f"Two migrations of {dialect}/{kind} have the same number.")
    return tuple(found)


def pending(
    migrations: Sequence[Migration], applied: Mapping[int, str], *, store: str
) -> list[Migration]:
    """Return what `store` lacks. Raises `MigrationFailed` when a file changed since it ran."""
    for migration in migrations:
        checksum = applied.get(migration.version, migration.checksum)
        if checksum != migration.checksum:
            raise MigrationFailed(
                f"{migration.label} of {store} is not the file that ran there. "
                "Restore the file and put the change into a new migration."
            )
    return [migration for migration in migrations if migration.version not in applied]


def to_undo(
    migrations: Sequence[Migration], applied: Mapping[int, str], target: int
) -> list[Migration]:
    """Return what lies above `target`, last first. Raises `MigrationFailed`."""
    known = {migration.version: migration for migration in migrations}
    above = sorted((version for version in applied if version > target), reverse=True)
    for version in above:
        if version not in known:
            raise MigrationFailed(
                f"Migration {version:04} is unknown to this release; "
                "go back with the release that made it."
            )
    return [known[version] for version in above]


def lint(root: Path | None = None) -> Iterator[Finding]:
    """Yield what expand files must not hold: DROP, RENAME, NOT NULL without a default."""
    base = root or resource("migrations")
    for path in sorted(base.glob("*/*/*.up.sql")):
        text = path.read_text(encoding="utf-8")
        if _CONTRACT.search(text):
            continue
        plain = _INERT.sub(" ", text)
        for pattern, reason in _FORBIDDEN:
            if pattern.search(plain):
                yield Finding(file=path.relative_to(base).as_posix(), reason=reason)


def _load(path: Path) -> Migration:
    match = _FILE.fullmatch(path.name)
    if match is None:
        raise MigrationFailed(f"{path.name} is not named NNNN_name.up.sql.")
    down = path.with_name(path.name.replace(".up.sql", ".down.sql"))
    if not down.is_file():
        raise MigrationFailed(f"{path.name} has no way back: {down.name} is missing.")
    up = path.read_text(encoding="utf-8").replace("\r\n", "\n")
    return Migration(
        version=int(match["version"]),
        name=match["name"],
        up=up,
        down=down.read_text(encoding="utf-8").replace("\r\n", "\n"),
        checksum=hashlib.sha256(up.encode()).hexdigest(),
    )
