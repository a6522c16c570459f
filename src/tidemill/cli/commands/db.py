"""`tidemill db`: the stores' migrations."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from typing import Annotated, Any, Final, TypeVar

import msgspec
import typer

from tidemill.cli.commands.config import existing
from tidemill.cli.commands.serve import ConfigFile, DataDir, EnvFile, Set, configuration_words
from tidemill.cli.failures import CommandFailed, ExitCode
from tidemill.cli.lazy import group
from tidemill.cli.output import Column, emit, emit_rows, table, wants_json, window_width
from tidemill.cli.progress import shown
from tidemill.core.errors import TidemillError
from tidemill.runtime.migrating import (
    DataDirectoryInUse,
    Migrator,
    Report,
    StoreNotFound,
    Undoing,
    inspect_schema,
    open_schema,
)

app = group("Upgrade and check the databases.")
Reached = TypeVar("Reached")
T = TypeVar("T")

_COLUMNS: list[Column] = [
    ("STORE", "store"),
    ("KIND", "kind"),
    ("VERSION", "version"),
    ("PENDING", "pending"),
    ("PROBLEM", "problem"),
]
_FAILURES: list[Column] = [("STORE", "store"), ("REASON", "reason")]
Tenants = Annotated[bool, typer.Option("--tenants", help="The stores of all tenants, too.")]
parallel_default: Final = 4


@app.command(examples=("tidemill db status", "tidemill db status --tenants --json"))
def status(
    tenants: Tenants = False,
    config: ConfigFile = None,
    env_file: EnvFile = None,
    data_dir: DataDir = None,
    set_: Set = None,
) -> None:
    """Show how far each store is, also while a server runs."""
    loaded = existing(configuration_words(config, env_file, set_, data_dir))
    found = _within(inspect_schema(loaded), lambda schema: schema.status(tenants=tenants))
    rows: list[dict[str, Any]] = msgspec.to_builtins(found)
    emit_rows(rows, _COLUMNS, "There are no stores.")
    if any(one.problem for one in found):
        raise typer.Exit(ExitCode.FAILED)


@app.command(examples=("tidemill db upgrade", "tidemill db upgrade --tenants --parallel 8"))
def upgrade(
    tenants: Tenants = False,
    parallel: Annotated[int, typer.Option(min=1, help="How many at once.")] = parallel_default,
    config: ConfigFile = None,
    env_file: EnvFile = None,
    data_dir: DataDir = None,
    set_: Set = None,
) -> None:
    """Bring the stores of an installation to this release; may be interrupted and run again.

    `tidemill up` does so by itself, and makes the files of a new installation.
    """
    loaded = existing(configuration_words(config, env_file, set_, data_dir))
    versions, report = _within(
        open_schema(loaded), lambda migrator: _upgrade(migrator, tenants, parallel)
    )
    document: dict[str, Any] = {"versions": versions, "tenants": msgspec.to_builtins(report)}
    emit(document, lambda: _told(document))
    if report is not None and report.failures:
        raise typer.Exit(ExitCode.FAILED)


@app.command(examples=("tidemill db downgrade jobs 4", "tidemill db downgrade jobs 4 --yes"))
def downgrade(  # noqa: PLR0913, PLR0917 - the store, the version, and where they are
    store: Annotated[str, typer.Argument(help="control, jobs, or a tenant's id.")],
    version: Annotated[int, typer.Argument(min=0, help="The version to go back to.")],
    yes: Annotated[bool, typer.Option("--yes", help="Erase what they hold; do not ask.")] = False,
    config: ConfigFile = None,
    env_file: EnvFile = None,
    data_dir: DataDir = None,
    set_: Set = None,
) -> None:
    """Undo the migrations of one store above a version, and erase what they hold.

    The tables and columns that those migrations made go with all that lies in them; version 0
    leaves nothing. Copy the data first. Without --yes you are told what goes and asked, and where
    nobody can be asked nothing is done.
    """
    loaded = existing(configuration_words(config, env_file, set_, data_dir))
    undoing = _within(open_schema(loaded), lambda migrator: migrator.undoing(store, version))
    if undoing.undone and not yes:
        _ask(undoing)
    reached = _within(open_schema(loaded), lambda migrator: migrator.downgrade(store, version))
    document = {"store": store, "version": reached, "undone": list(undoing.undone)}
    emit(document, f"{store} is at version {reached}.")


@app.command(examples=("tidemill db check",))
def check(
    config: ConfigFile = None,
    env_file: EnvFile = None,
    data_dir: DataDir = None,
    set_: Set = None,
) -> None:
    """Say what is wrong: pending, changed or unsafe migrations."""
    loaded = existing(configuration_words(config, env_file, set_, data_dir))
    problems = _within(inspect_schema(loaded), lambda schema: schema.check())
    emit({"problems": problems}, lambda: "\n".join(problems) or "All stores are current.")
    if problems:
        raise typer.Exit(ExitCode.FAILED)


def _within(
    reaching: AbstractAsyncContextManager[Reached], work: Callable[[Reached], Awaitable[T]]
) -> T:
    async def run() -> T:
        async with reaching as reached:
            return await work(reached)

    try:
        return asyncio.run(run())
    except DataDirectoryInUse as error:
        raise CommandFailed(str(error), ExitCode.CONFLICT, code="DATA_DIRECTORY_IN_USE") from error
    except StoreNotFound as error:
        raise CommandFailed(str(error), ExitCode.NOT_FOUND) from error
    except (RuntimeError, ValueError) as error:
        raise CommandFailed(str(error)) from error
    except TidemillError as error:
        raise CommandFailed(error.message, ExitCode.UNREACHABLE, code=error.code) from error


def _ask(undoing: Undoing) -> None:
    """Return when somebody at a terminal consents. Raises `CommandFailed`."""
    told = (
        f"{undoing.store} is at version {undoing.version}. Going back undoes "
        f"{', '.join(undoing.undone)}, and all that their tables and columns hold is lost. "
        "Copy the data first."
    )
    if wants_json() or not sys.stdin.isatty():
        refused = f"{told} Say --yes if you mean it; nothing was changed."
        raise CommandFailed(refused, ExitCode.USAGE, code="NOT_CONFIRMED", param="--yes")
    typer.echo(told, err=True)
    if not typer.confirm("Erase it?", err=True):
        raise CommandFailed("Nothing was changed.", code="NOT_CONFIRMED")


async def _upgrade(
    migrator: Migrator, tenants: bool, parallel: int
) -> tuple[dict[str, int], Report | None]:
    versions = await migrator.upgrade()
    if not tenants:
        return versions, None
    with shown("Tenants") as show:
        return versions, await migrator.upgrade_tenants(
            parallel=parallel, progress=lambda made: show(made.done, made.total)
        )


def _told(document: dict[str, Any]) -> str:
    told = [f"{store} is at version {number}." for store, number in document["versions"].items()]
    report = document["tenants"]
    if report is None:
        told.append("The stores of tenants are not looked at without --tenants.")
    else:
        told.append(f"{report['done']} of {report['total']} tenants are current.")
        if report["failures"]:
            told += ["", table(report["failures"], _FAILURES, window_width())]
    return "\n".join(told)
