"""`tidemill owner`: the first owner, without a browser."""

from __future__ import annotations

from typing import Annotated

import typer

from tidemill.cli.commands.config import loaded_config
from tidemill.cli.commands.serve import ConfigFile, DataDir, EnvFile, Set, configuration_words
from tidemill.cli.lazy import group
from tidemill.cli.local import ask_local
from tidemill.cli.output import emit
from tidemill.cli.passwords import new_password

app = group("Make the first owner.")


@app.command(
    examples=(
        "tidemill owner create --email ada@example.org --name Ada",
        'printf %s "$PASSWORD" | tidemill owner create --email ada@example.org --password-stdin',
    )
)
def create(  # noqa: PLR0913, PLR0917 - one for each option
    email: Annotated[str, typer.Option(help="The owner's e-mail address.", prompt="E-mail")],
    name: Annotated[str, typer.Option(help="The owner's name; else of the address.")] = "",
    tenant: Annotated[str, typer.Option(help="The first tenant's name.")] = "",
    password_stdin: Annotated[
        bool, typer.Option("--password-stdin", help="Read the password from standard input.")
    ] = False,
    config: ConfigFile = None,
    env_file: EnvFile = None,
    data_dir: DataDir = None,
    set_: Set = None,
) -> None:
    """Make the first owner and the first tenant, whether the server runs or not.

    It must run on the server's machine, as the user whose data directory it is.
    """
    password = new_password(from_stdin=password_stdin)
    loaded = loaded_config(configuration_words(config, env_file, set_, data_dir))
    given = {"email": email, "password": password, "name": name, "tenant_name": tenant}
    body = {field: value for field, value in given.items() if value}
    made = ask_local(loaded, "POST", "/api/v1/owners", body)
    emit(made, f"Made the owner {email}. Next: tidemill login {made['url']} --email {email}")
