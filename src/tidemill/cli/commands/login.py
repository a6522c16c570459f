"""`tidemill login`, `logout`, `whoami`."""

from __future__ import annotations

import sys
import time
from typing import Annotated, Any, Final

import typer

from tidemill.cli import credentials, output
from tidemill.cli.client import API, Client, connect, server_url
from tidemill.cli.credentials import login_from
from tidemill.cli.failures import CommandFailed, ExitCode
from tidemill.cli.http import Request, checked_url, exchange
from tidemill.cli.lazy import single
from tidemill.cli.output import Column, emit, fields
from tidemill.cli.passwords import known_password

login_app = single()
logout_app = single()
whoami_app = single()
APPS: Final = {"login": login_app, "logout": logout_app, "whoami": whoami_app}

_COLUMNS: list[Column] = [
    ("Server", "url"),
    ("You", lambda me: f"{me['user']['name']} <{me['user']['email']}>"),
    ("By", "kind"),
    ("Tenant", lambda me: f"{me['tenant']['slug']} ({me['tenant']['name']})"),
    ("Role", "role"),
    ("Scopes", "scopes"),
    ("Also in", lambda me: [t["slug"] for t in me["tenants"] if t["id"] != me["tenant"]["id"]]),
]


@login_app.command(
    examples=(
        "tidemill login --email ada@example.org",
        "tidemill login http://tidemill.example.org:3000 --tenant harbour",
        'printf %s "$PASSWORD" | tidemill login --email ada@example.org --password-stdin',
    )
)
def login(
    url: Annotated[str | None, typer.Argument(help="The server's address.")] = None,
    email: Annotated[str | None, typer.Option(help="Your e-mail address.")] = None,
    tenant: Annotated[str | None, typer.Option(help="The tenant's slug or id.")] = None,
    password_stdin: Annotated[
        bool, typer.Option("--password-stdin", help="Read the password from standard input.")
    ] = False,
) -> None:
    """Log in to a server and remember it for the next commands."""
    address = checked_url(url or server_url())
    email = email or _asked_email()
    body: dict[str, Any] = {"email": email, "password": known_password(from_stdin=password_stdin)}
    answer = exchange(address, Request("POST", f"{API}/auth/login", body=body)).json()
    client = Client(address)
    client.remember(login_from(answer, email, time.time()))
    if tenant is not None:
        switch_tenant(client, tenant)
    me = client.get("/auth/me")
    emit(me, f"Logged in to {address} as {email}, in the tenant {me['tenant']['slug']}.")


@logout_app.command(examples=("tidemill logout",))
def logout() -> None:
    """End the session on the server and forget it here."""
    url = server_url()
    stored = credentials.read()
    if url not in stored.logins:
        raise CommandFailed(f"There is no login at {url}.", ExitCode.AUTH)
    try:
        Client(url, login=stored.logins[url]).post("/auth/logout")
    except CommandFailed as error:
        output.note(f"The server was not told: {error.message}")
    with credentials.locked():
        credentials.write(credentials.read().without(url))
    emit({"url": url}, f"Logged out of {url}.")


@whoami_app.command(examples=("tidemill whoami", "tidemill whoami --json"))
def whoami() -> None:
    """Show who you are, where, and in which tenant."""
    client = connect()
    me = client.get("/auth/me")
    emit({"url": client.url, **me}, lambda: fields({"url": client.url, **me}, _COLUMNS))


def switch_tenant(client: Client, tenant: str) -> dict[str, Any]:
    """Make the login act in `tenant`, by slug or id; return the tenant."""
    known = list(client.pages("/tenants", limit=None))
    chosen = [found for found in known if tenant in {found["id"], found["slug"]}]
    if not chosen:
        slugs = ", ".join(sorted(found["slug"] for found in known)) or "none"
        raise CommandFailed(
            f"You are not a member of a tenant {tenant!r}; yours: {slugs}.", ExitCode.NOT_FOUND
        )
    used = client.login
    if used is None:
        raise CommandFailed("An API token belongs to one tenant; log in to change.", ExitCode.AUTH)
    answer = client.put("/auth/tenant", {"tenant_id": chosen[0]["id"]})
    client.remember(login_from(answer, used.email, time.time(), refresh_token=used.refresh_token))
    return chosen[0]


def _asked_email() -> str:
    if not sys.stdin.isatty():
        raise CommandFailed("Give --email: nobody is here to ask.", ExitCode.USAGE)
    return str(typer.prompt("E-mail", err=True))
