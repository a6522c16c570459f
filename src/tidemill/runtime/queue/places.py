"""From what a program calls its database to where its queue lies."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from msgspec import Struct

from tidemill.infrastructure.database.options import DatabaseOptions

default_schema_prefix: Final = "tidemill_"
_SQLITE: Final = "sqlite://"


class DatabaseUnusable(ValueError):
    """The name of a database says neither PostgreSQL nor a SQLite file."""

    def __init__(self, reason: str) -> None:
        super().__init__(
            f"{reason} Give postgresql://USER:PASSWORD@HOST/DATABASE, or the SQLite file as "
            "sqlite:///jobs.db or as a path."
        )


class QueuePlace(Struct, frozen=True, kw_only=True):
    """Where a queue lies. `file` is the SQLite file, used without a `url`.

    `state` is the directory of what belongs to the queue on this machine: logs, and the sockets
    by which processes wake each other.
    """

    url: str | None
    file: Path
    schema_prefix: str
    state: Path

    def database_options(self, *, pool_size_max: int) -> DatabaseOptions:
        """Return how its store is opened."""
        return DatabaseOptions(
            data_dir=self.state,
            url=self.url,
            schema_prefix=self.schema_prefix,
            pool_size_min=0,
            pool_size_max=pool_size_max,
        )

    @property
    def has_no_server(self) -> bool:
        """Return whether no server shares the queue, so that nobody follows its facts."""
        return self.url is None or bool(self.schema_prefix)

    @property
    def bus_url(self) -> str:
        """Return the bus between the processes that use the queue."""
        return self.url or f"unix://{self.state / 'bus'}"

    @property
    def bus_prefix(self) -> str:
        """Return the first word on the bus: that of a server whose schemas have no prefix."""
        return f"{self.schema_prefix}tidemill" if self.schema_prefix else "tidemill"


def place_of(
    database: str | Path,
    *,
    schema_prefix: str = default_schema_prefix,
    state: Path | None = None,
) -> QueuePlace:
    """Return where the queue in `database` lies. Raises `DatabaseUnusable`."""
    text = str(database)
    if text.startswith(("postgresql://", "postgres://")):
        if not urlsplit(text).hostname and "host=" not in text:
            raise DatabaseUnusable("The address of PostgreSQL names no host.")
        return QueuePlace(
            url=text,
            file=Path("unused"),
            schema_prefix=schema_prefix,
            state=state or _state_of(text, schema_prefix),
        )
    if "://" in text and not text.startswith(_SQLITE):
        raise DatabaseUnusable(f"{text.partition('://')[0]}:// is no database for a queue.")
    file = _file_of(text)
    return QueuePlace(
        url=None,
        file=file,
        schema_prefix="",
        state=state or file.with_name(f"{file.name}.state"),
    )


def _file_of(text: str) -> Path:
    name = text
    if text.startswith(_SQLITE):
        # As others write it: three slashes before a relative path, four before an absolute one.
        name = text.removeprefix(_SQLITE).removeprefix("/")
    if not name or name == ":memory:":
        raise DatabaseUnusable("A queue outlives its process, so it needs a file.")
    file = Path(name).expanduser().absolute()
    if file.is_dir():
        raise DatabaseUnusable(f"{file} is a directory.")
    if not file.parent.is_dir():
        # Made by itself, a path with a slash too many would become a queue that nobody looks for.
        raise DatabaseUnusable(f"There is no directory {file.parent}; make it first.")
    return file


def _state_of(url: str, prefix: str) -> Path:
    """Return a directory of the user for the queue at `url`, whose password it does not show."""
    parts = urlsplit(url)
    digest = hashlib.sha256(f"{parts.hostname}:{parts.port}{parts.path}:{prefix}".encode())
    return Path("~/.local/state/tidemill").expanduser() / digest.hexdigest()[:16]
