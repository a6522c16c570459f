"""`tidemill llm`."""

from __future__ import annotations

from typing import Annotated

import typer

from tidemill.cli.client import connect, segment
from tidemill.cli.lazy import group
from tidemill.cli.output import emit

app = group("Read what a model may know: of the board, and of a project.")


@app.command(examples=("tidemill llm brief TM", "tidemill llm brief TM --budget 1500"))
def brief(
    project: Annotated[str, typer.Argument(help="The project's key or id.")],
    budget: Annotated[
        int, typer.Option(help="How many tokens it may have, 800 to 32000; 3 bytes are one.")
    ] = 4_000,
) -> None:
    """Print what matters in a project, as a text for a model."""
    found = connect().get(f"/llm/projects/{segment(project)}", budget_tokens=budget)
    emit(found, found["text"].rstrip())
