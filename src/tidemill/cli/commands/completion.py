"""`tidemill completion`."""

from __future__ import annotations

import os
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer
from typer._completion_shared import get_completion_script

from tidemill.cli.lazy import COMPLETION_VARIABLE, single
from tidemill.cli.output import emit

app = single()


class Shell(StrEnum):
    """The shells that completion is written for."""

    BASH = "bash"
    ZSH = "zsh"
    FISH = "fish"


@app.command(
    examples=(
        'eval "$(tidemill completion bash)"',
        "tidemill completion fish > ~/.config/fish/completions/tidemill.fish",
    )
)
def completion(
    shell: Annotated[Shell | None, typer.Argument(help="Else the one of $SHELL.")] = None,
) -> None:
    """Print the completion script of your shell; evaluate it to complete with the tab key."""
    chosen = shell or _from_environment()
    script = get_completion_script(
        prog_name="tidemill", complete_var=COMPLETION_VARIABLE, shell=chosen
    )
    emit({"shell": str(chosen), "script": script}, script)


def _from_environment() -> Shell:
    name = Path(os.environ.get("SHELL", "bash")).name
    return Shell(name) if name in set(Shell) else Shell.BASH
