"""`tidemill signing-keys`."""

from __future__ import annotations

from tidemill.cli.client import connect
from tidemill.cli.lazy import group
from tidemill.cli.output import emit

app = group("Change the keys that sign access tokens.")


@app.command(examples=("tidemill signing-keys rotate",))
def rotate() -> None:
    """Let a new key sign; who is logged in stays so. For operators, with EdDSA."""
    made = connect().post("/signing-keys", {})
    emit(made, f"The key {made['id']} signs from {made['signs_from']} on.")
