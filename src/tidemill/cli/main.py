"""The entry point: `tidemill`."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from importlib import import_module
from typing import Annotated

import typer
from typer.exceptions import TyperException

from tidemill import __version__
from tidemill.cli import output
from tidemill.cli.failures import CommandFailed, ExitCode
from tidemill.cli.lazy import COMPLETION_VARIABLE, LazyGroup
from tidemill.cli.usage import usage_message

EPILOG = (
    "Every command takes --json, but those that start processes. "
    "Start with: tidemill up · tidemill login · tidemill doctor"
)

app = typer.Typer(
    cls=LazyGroup,
    add_completion=False,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    epilog=EPILOG,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _show_version(value: bool) -> None:
    if value:
        output.line(f"tidemill {__version__}")
        raise typer.Exit


@app.callback()
def root(
    url: Annotated[
        str | None,
        typer.Option(help="The server's address; else TIDEMILL_URL, else the last login."),
    ] = None,
    version: Annotated[
        bool, typer.Option("--version", callback=_show_version, is_eager=True, help="Say which.")
    ] = False,
) -> None:
    """Plan work, run it, and let models help, as one system."""
    del version
    if url:
        # The environment is where the client looks anyway, so that there is one way only.
        os.environ["TIDEMILL_URL"] = url


def main() -> None:
    """Run the command line of this process."""
    sys.exit(run(sys.argv[1:]))


def run(arguments: Sequence[str]) -> int:
    """Run one command; return its exit code. A person's mistake gets one line, no traceback."""
    output.reset()
    if COMPLETION_VARIABLE in os.environ:
        # Typer prepares completion only where it also adds options of its own for it.
        import_module("typer._completion_classes").completion_init()
    try:
        answer = app(args=list(arguments), prog_name="tidemill", standalone_mode=False)
    except CommandFailed as error:
        return output.fail(error)
    except TyperException as error:
        # What was wrong may stand before it.
        output.choose_json("--json" in arguments)
        return _usage(error)
    except UnicodeEncodeError as error:
        if error.encoding != "utf-8":
            raise
        # Bytes of the command line that are no UTF-8 have come as surrogates.
        where = error.object[max(0, error.start - 20) : error.end]
        return output.fail(CommandFailed(f"Not UTF-8 text: {where!r}.", ExitCode.USAGE))
    except (KeyboardInterrupt, typer.Abort):
        return ExitCode.INTERRUPTED
    except BrokenPipeError:
        # Whoever read our output has gone; nothing more can be said.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return ExitCode.FAILED
    return answer if isinstance(answer, int) else ExitCode.OK


def _usage(error: TyperException) -> int:
    if type(error).__name__ == "NoArgsIsHelpError":
        sys.stderr.write(f"{error.format_message()}\n")
        return ExitCode.USAGE
    return output.fail(CommandFailed(usage_message(error), error.exit_code))


if __name__ == "__main__":
    main()
