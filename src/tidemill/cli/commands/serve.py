"""`tidemill up`, `api`, `dispatcher`, `worker`: start processes."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Annotated, Final, NoReturn

import typer

from tidemill.cli.failures import CommandFailed, ExitCode
from tidemill.cli.lazy import process

_PANEL: Final = "Configuration"

ConfigFile = Annotated[
    Path | None, typer.Option("--config", rich_help_panel=_PANEL, help="A TOML file to read.")
]
EnvFile = Annotated[
    Path | None,
    typer.Option("--env-file", rich_help_panel=_PANEL, help="A file of NAME=value lines to read."),
]
Set = Annotated[
    list[str] | None,
    typer.Option(
        "--set",
        metavar="KEY=VALUE",
        rich_help_panel=_PANEL,
        help="Set any key; may be repeated. `tidemill config list` shows them all.",
    ),
]
DataDir = Annotated[
    Path | None, typer.Option("--data-dir", rich_help_panel=_PANEL, help="Where the data lies.")
]
Host = Annotated[
    str | None, typer.Option("--host", rich_help_panel=_PANEL, help="The address to listen on.")
]
Port = Annotated[
    int | None, typer.Option("--port", rich_help_panel=_PANEL, help="The port to listen on.")
]
LogLevel = Annotated[
    str | None,
    typer.Option("--log-level", rich_help_panel=_PANEL, help="debug, info, warning or error."),
]

App = Annotated[
    str | None,
    typer.Option(
        "--app",
        metavar="MODULE",
        help="The module of your own @tidemill.job functions, such as shop.tasks.",
    ),
]

Connect = Annotated[
    str | None,
    typer.Option(
        "--connect",
        metavar="tls://HOST:PORT",
        help="A dispatcher on another machine (its dispatcher.tls_listen).",
    ),
]
TokenFile = Annotated[
    Path | None, typer.Option("--token-file", help="A file with the worker token for --connect.")
]
Ca = Annotated[
    Path | None,
    typer.Option("--ca", help="The authority that signed the dispatcher's certificate."),
]

Tags = Annotated[
    list[str] | None,
    typer.Option("--tag", help="Take jobs with this tag; may be repeated. Default: default."),
]
Labels = Annotated[
    list[str] | None,
    typer.Option("--label", help="Offer this to jobs that ask for it; may be repeated."),
]
Cpu = Annotated[
    float | None, typer.Option("--cpu", help="Cores to offer; those of the machine by default.")
]
MemoryMib = Annotated[
    int | None,
    typer.Option("--memory-mib", help="Memory to offer; that of the machine by default."),
]

up_app = process()
api_app = process()
dispatcher_app = process()
worker_app = process()
APPS: Final = {"up": up_app, "api": api_app, "dispatcher": dispatcher_app, "worker": worker_app}


@up_app.command(
    examples=(
        "tidemill up",
        "tidemill up --port 8080 --data-dir /srv/tidemill",
        "tidemill up --config config/production.toml --set log.level=debug",
        "tidemill up --app shop.tasks",
    )
)
def up(  # noqa: PLR0913, PLR0917 - one for each option
    config: ConfigFile = None,
    env_file: EnvFile = None,
    host: Host = None,
    port: Port = None,
    data_dir: DataDir = None,
    app: App = None,
    log_level: LogLevel = None,
    set_: Set = None,
) -> None:
    """Start Tidemill on this machine: API and worker, no other service.

    It prints its address and, at the first start, a link that makes the first owner. Ctrl-C
    stops it, and lets jobs finish; Ctrl-C once more ends it at once, with exit code 130.
    """
    words = _words(config, env_file, set_)
    words += _shorts(host=host, port=port, data_dir=data_dir, log_level=log_level)
    if app is not None:
        words += ["--set", f"worker.app={app}"]
    _become("tidemill.cli.supervise", [*_stop_seconds(words), *words])


@api_app.command(examples=("tidemill api --config config/production.toml",))
def api(
    config: ConfigFile = None,
    env_file: EnvFile = None,
    host: Host = None,
    port: Port = None,
    log_level: LogLevel = None,
    set_: Set = None,
) -> None:
    """Run the API role: HTTP, WebSocket and event streams.

    It dispatches jobs, too, unless dispatcher.enabled is false: then run `tidemill dispatcher`.
    """
    words = _words(config, env_file, set_)
    words += _shorts(host=host, port=port, log_level=log_level)
    _become("tidemill.api", words)


@dispatcher_app.command(examples=("tidemill dispatcher --config config/scheduler.toml",))
def dispatcher(
    config: ConfigFile = None,
    env_file: EnvFile = None,
    log_level: LogLevel = None,
    set_: Set = None,
) -> None:
    """Run the dispatcher role alone: it hands due jobs to workers.

    Let dispatcher.enabled be false for `tidemill api` beside it; here it does not matter.
    """
    words = [*_words(config, env_file, set_), *_shorts(log_level=log_level)]
    _become("tidemill.runtime.dispatcher_process", words)


@worker_app.command(
    examples=(
        "tidemill worker --config config/production.toml",
        "tidemill worker --set worker.max_concurrent_tasks=8",
        "tidemill worker --tag default --tag video --label gpu --cpu 8 --memory-mib 16384",
        "TIDEMILL_DATABASE_URL=sqlite:///jobs.db tidemill worker --app shop.tasks",
        "tidemill worker --connect tls://jobs.example.org:7443 --token-file worker.token",
    )
)
def worker(  # noqa: PLR0913, PLR0917 - one for each option
    app: App = None,
    connect: Connect = None,
    token_file: TokenFile = None,
    ca: Ca = None,
    tag: Tags = None,
    label: Labels = None,
    cpu: Cpu = None,
    memory_mib: MemoryMib = None,
    config: ConfigFile = None,
    env_file: EnvFile = None,
    data_dir: DataDir = None,
    log_level: LogLevel = None,
    set_: Set = None,
) -> None:
    """Run a worker: it executes jobs that the dispatcher hands to it.

    With --app it needs no dispatcher and no server: it runs the functions of your own program
    from the queue in TIDEMILL_DATABASE_URL, or in the database that the program names.

    With --connect it works for a dispatcher on another machine, with nothing but a worker token:
    see `tidemill worker-tokens create`.
    """
    words = [*_words(config, env_file, set_), *_shorts(data_dir=data_dir, log_level=log_level)]
    words += _machine_words(tag, label, cpu, memory_mib)
    for key, value in (("connect", connect), ("token_file", token_file), ("tls_ca_file", ca)):
        if value is not None:
            words += ["--set", f"worker.{key}={value}"]
    if app is not None and connect is not None:
        words += ["--set", f"worker.app={app}"]
    elif app is not None:
        _become("tidemill.library.worker_process", ["--app", app, *words])
    _become("tidemill.runtime.worker_process", words)


def configuration_words(
    config: Path | None, env_file: Path | None, set_: list[str] | None, data_dir: Path | None
) -> list[str]:
    """Return the options as `tidemill.runtime.arguments` reads them."""
    return [*_words(config, env_file, set_), *_shorts(data_dir=data_dir)]


def _words(config: Path | None, env_file: Path | None, set_: list[str] | None) -> list[str]:
    words: list[str] = []
    if config is not None:
        words += ["--config", str(config)]
    if env_file is not None:
        words += ["--env-file", str(env_file)]
    for pair in set_ or ():
        words += ["--set", pair]
    return words


def _machine_words(
    tags: list[str] | None, labels: list[str] | None, cpu: float | None, memory_mib: int | None
) -> list[str]:
    values = {
        "tags": ",".join(tags or ()),
        "labels": ",".join(labels or ()),
        "cpu": cpu,
        "memory_mib": memory_mib,
    }
    return [
        word
        for name, value in values.items()
        if value not in {None, ""}
        for word in ("--set", f"worker.{name}={value}")
    ]


def _shorts(**options: object) -> list[str]:
    return [
        word
        for name, value in options.items()
        if value is not None
        for word in (f"--{name.replace('_', '-')}", str(value))
    ]


def _stop_seconds(words: list[str]) -> tuple[str, str]:
    """Return how long the API and the worker may take to stop, for the supervisor.

    It reads no configuration itself, to stay small. What no process could use is refused here, so
    that it is told once. Raises `CommandFailed`.
    """
    from tidemill.core.config import ConfigRefused  # noqa: PLC0415 - only `up` needs it
    from tidemill.runtime.arguments import parse  # noqa: PLC0415 - as above
    from tidemill.runtime.predecessor import (  # noqa: PLC0415 - as above
        DataDirectoryInUse,
        refuse_directory_in_use,
    )

    try:
        config = parse(words).load()
        if not config.database.url:
            refuse_directory_in_use(Path(config.server.data_dir))
    except ConfigRefused as error:
        raise CommandFailed(" ".join(error.problems), ExitCode.REFUSED) from error
    except DataDirectoryInUse as error:
        raise CommandFailed(str(error), ExitCode.REFUSED) from error
    except OSError as error:
        reason = f"{error.filename or config.server.data_dir} cannot be used: {error.strerror}."
        raise CommandFailed(reason, ExitCode.REFUSED) from error
    api_seconds = config.server.stop_seconds_max
    # First its jobs have their time to finish, then the worker itself.
    return str(api_seconds), str(config.worker.stop_seconds_max + api_seconds)


def _become(module: str, words: list[str]) -> NoReturn:
    # A fresh interpreter drops what parsing needed: a parent that lives for months stays small.
    sys.stdout.flush()
    os.execv(sys.executable, [sys.executable, "-m", module, *words])  # noqa: S606 - ourselves
