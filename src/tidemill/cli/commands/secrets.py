"""`tidemill secrets`."""

from __future__ import annotations

from typing import Annotated

import typer

from tidemill.cli.client import connect
from tidemill.cli.lazy import group
from tidemill.cli.output import emit

app = group("Change the keys that seal secrets.")


@app.command(examples=("tidemill secrets rotate", "tidemill secrets rotate --renew"))
def rotate(
    renew: Annotated[
        bool, typer.Option("--renew", help="Seal every secret by a new key of the tenant.")
    ] = False,
) -> None:
    """Seal the tenant's keys by the current master key; safe to repeat."""
    done = connect().post("/secret-rotations", {"renew": renew})
    told = f"{done['keys_wrapped']} keys, {done['secrets_sealed']} secrets"
    emit(done, f"Sealed anew: {told}.")
