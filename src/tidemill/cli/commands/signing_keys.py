"""`tidemill signing-keys`."""

from __future__ import annotations

from typing import Annotated

import typer

from tidemill.cli.client import connect
from tidemill.cli.lazy import group
from tidemill.cli.output import emit

app = group("Change the keys that sign access tokens.")


@app.command(
    examples=("tidemill signing-keys rotate", "tidemill signing-keys rotate --revoke-others")
)
def rotate(
    revoke_others: Annotated[
        bool,
        typer.Option(
            "--revoke-others",
            help="End what older keys have signed at once, as when one may have leaked.",
        ),
    ] = False,
) -> None:
    """Let a new key sign; who is logged in stays so. For operators, with EdDSA."""
    made = connect().post("/signing-keys", {"revoke_others": revoke_others})
    emit(made, f"The key {made['id']} signs from {made['signs_from']} on.")
