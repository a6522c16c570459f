"""`tidemill config`: what a process on this machine would start with."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from tidemill.cli.commands.serve import ConfigFile, DataDir, EnvFile, Set, configuration_words
from tidemill.cli.failures import CommandFailed, ExitCode
from tidemill.cli.lazy import group
from tidemill.cli.output import Column, emit, emit_rows
from tidemill.core.config import KEYS, Config, ConfigRefused, explain, key_named, resolve
from tidemill.runtime.arguments import parse

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
        told = explain(loaded, key)
        document = _document(loaded, key_named(key).name)
    except ConfigRefused as error:
        raise refused(error) from error
    emit(document, told)


@app.command("list", examples=("tidemill config list", "tidemill config list --json"))
def list_(
    config: ConfigFile = None,
    env_file: EnvFile = None,
    data_dir: DataDir = None,
    set_: Set = None,
) -> None:
    """List every key with its value, source and meaning."""
    loaded = loaded_config(configuration_words(config, env_file, set_, data_dir))
    emit_rows([_document(loaded, name) for name in KEYS], _COLUMNS, "")


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


def refused(error: ConfigRefused) -> CommandFailed:
    """Return `error` as a failed command."""
    return CommandFailed(" ".join(error.problems), ExitCode.USAGE, code=error.code)


def _document(config: Config, name: str) -> dict[str, Any]:
    key = key_named(name)
    resolved = resolve(config.layers.of(name), (), key.default)
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
    }
