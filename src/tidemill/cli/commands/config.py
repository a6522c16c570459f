"""`tidemill config`: what a process on this machine would start with."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, Final

import typer
from msgspec import Struct

from tidemill.cli.commands.serve import ConfigFile, DataDir, EnvFile, Set, configuration_words
from tidemill.cli.failures import CommandFailed, ExitCode
from tidemill.cli.lazy import group
from tidemill.cli.output import Column, emit, emit_rows
from tidemill.core.config import KEYS, Config, ConfigRefused, Given, explain, key_named, resolve
from tidemill.core.errors import TidemillError
from tidemill.runtime.arguments import parse
from tidemill.runtime.stored_settings import stored_settings

app = group("Explain what a process would start with.")

_COLUMNS: list[Column] = [
    ("KEY", "key"),
    ("VALUE", "value"),
    ("FROM", "origin"),
    ("MEANING", "meaning"),
]


@app.command(
    "explain",
    examples=(
        "tidemill config explain server.port",
        "tidemill config explain log.level --config config/production.toml",
    ),
)
def explain_(
    key: Annotated[str, typer.Argument(help="The key, e.g. server.port.")],
    config: ConfigFile = None,
    env_file: EnvFile = None,
    data_dir: DataDir = None,
    set_: Set = None,
) -> None:
    """Explain one key: value, source, shadowed values, meaning, limits."""
    loaded = loaded_config(configuration_words(config, env_file, set_, data_dir))
    try:
        found = key_named(key)
    except ConfigRefused as error:
        raise refused(error) from error
    stored = _stored(loaded) if found.live else _NOTHING_STORED
    told = explain(loaded, found.name, stored.values.get(found.name, ()))
    if stored.unread:
        told += f"\n  unread    the database, which may hold a value: {stored.unread}"
    emit(_document(loaded, found.name, stored), told)


@app.command("list", examples=("tidemill config list", "tidemill config list --json"))
def list_(
    config: ConfigFile = None,
    env_file: EnvFile = None,
    data_dir: DataDir = None,
    set_: Set = None,
) -> None:
    """List every key with its value, source and meaning."""
    loaded = loaded_config(configuration_words(config, env_file, set_, data_dir))
    stored = _stored(loaded)
    emit_rows([_document(loaded, name, stored) for name in KEYS], _COLUMNS, "")


@app.command(examples=("tidemill config check --config config/production.toml",))
def check(
    config: ConfigFile = None,
    env_file: EnvFile = None,
    data_dir: DataDir = None,
    set_: Set = None,
) -> None:
    """Say whether the configuration is usable; name each mistake and its place."""
    loaded_config(configuration_words(config, env_file, set_, data_dir))
    emit({"usable": True}, "The configuration is usable.")


def loaded_config(words: list[str]) -> Config:
    """Return the configuration; raises `CommandFailed` with each mistake."""
    try:
        return parse(words).load()
    except ConfigRefused as error:
        raise refused(error) from error


def existing(words: list[str]) -> Config:
    """Return the configuration of an installation that is there; raises `CommandFailed`."""
    found = loaded_config(words)
    if not found.database.url and not Path(found.server.data_dir, "control.db").exists():
        raise CommandFailed(
            f"There is no installation in {Path(found.server.data_dir).resolve()}. Name the data "
            "directory of yours with --data-dir, or its configuration with --config.",
            ExitCode.NOT_FOUND,
        )
    return found


def refused(error: ConfigRefused) -> CommandFailed:
    """Return `error` as a failed command."""
    return CommandFailed(" ".join(error.problems), ExitCode.USAGE, code=error.code)


class _Stored(Struct, frozen=True):
    """What the database holds by key, and why it could not be asked."""

    values: Mapping[str, Sequence[Given]] = {}
    unread: str | None = None


_NOTHING_STORED: Final = _Stored()


def _stored(config: Config) -> _Stored:
    try:
        return _Stored(asyncio.run(stored_settings(config)))
    except TidemillError as error:
        return _Stored(unread=error.message)


def _document(config: Config, name: str, stored: _Stored) -> dict[str, Any]:
    key = key_named(name)
    resolved = resolve(config.layers.of(name), stored.values.get(name, ()), key.default)
    return {
        "key": name,
        "value": key.shown(resolved.value),
        "origin": str(resolved.origin),
        "source": str(resolved.origin.source),
        "file": resolved.origin.file,
        "line": resolved.origin.line,
        "shadowed": [
            {"value": key.shown(given.value), "origin": str(given.origin)}
            for given in resolved.shadowed
        ],
        "meaning": key.meaning,
        "must_be": key.expected,
        "unread": stored.unread if key.live else None,
    }
