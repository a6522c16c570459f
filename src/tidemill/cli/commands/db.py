"""`tidemill db`: the stores' migrations."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from typing import Annotated, Any, Final, TypeVar

import msgspec
import typer

from tidemill.cli.commands.config import existing, loaded_config
from tidemill.cli.commands.serve import ConfigFile, DataDir, EnvFile, Set, configuration_words
from tidemill.cli.failures import CommandFailed, ExitCode
from tidemill.cli.lazy import group
from tidemill.cli.output import Column, emit, emit_rows, table
from tidemill.cli.progress import shown
from tidemill.core.errors import TidemillError
from tidemill.runtime.migrating import (
    DataDirectoryInUse,
    Migrator,
    Report,
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


@app.command(examples=("tidemill db upgrade", "tidemill db upgrade --tenants --parallel 8"))
def upgrade(
    tenants: Tenants = False,
    parallel: Annotated[int, typer.Option(min=1, help="How many at once.")] = parallel_default,
    config: ConfigFile = None,
    env_file: EnvFile = None,
    data_dir: DataDir = None,
    set_: Set = None,
) -> None:
    """Bring the stores to this release; may be interrupted and run again."""
    loaded = loaded_config(configuration_words(config, env_file, set_, data_dir))
    versions, report = _within(
        open_schema(loaded), lambda migrator: _upgrade(migrator, tenants, parallel)
    )
    document: dict[str, Any] = {"versions": versions, "tenants": msgspec.to_builtins(report)}
    emit(document, lambda: _told(document))
    if report is not None and report.failures:
        raise typer.Exit(ExitCode.FAILED)


@app.command(examples=("tidemill db downgrade control 2",))
def downgrade(
    store: Annotated[str, typer.Argument(help="control, jobs, or a tenant's id.")],
    version: Annotated[int, typer.Argument(min=0, help="The version to go back to.")],
    config: ConfigFile = None,
    env_file: EnvFile = None,
    data_dir: DataDir = None,
    set_: Set = None,
) -> None:
    """Undo the migrations of one store above a version."""
    loaded = loaded_config(configuration_words(config, env_file, set_, data_dir))
    reached = _within(open_schema(loaded), lambda migrator: migrator.downgrade(store, version))
    emit({"store": store, "version": reached}, f"{store} is at version {reached}.")


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
    except (RuntimeError, ValueError) as error:
        raise CommandFailed(str(error)) from error
    except TidemillError as error:
        raise CommandFailed(error.message, ExitCode.UNREACHABLE, code=error.code) from error


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
    if report is not None:
        told.append(f"{report['done']} of {report['total']} tenants are current.")
        if report["failures"]:
            told += ["", table(report["failures"], _FAILURES)]
    return "\n".join(told)
