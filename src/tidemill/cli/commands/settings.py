"""`tidemill settings`."""

from __future__ import annotations

import json
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Protocol

import typer

from tidemill.cli.client import API, connect, segment
from tidemill.cli.commands.serve import ConfigFile, DataDir, configuration_words
from tidemill.cli.http import Request
from tidemill.cli.lazy import group
from tidemill.cli.output import Column, emit, emit_rows

if TYPE_CHECKING:
    from tidemill.core.config import Config

app = group("Show and change settings, with where each value comes from.")


def place(origin: dict[str, Any]) -> str:
    """Return where a value comes from, in words."""
    if origin["source"] == "default":
        return "default"
    if origin["source"] == "database":
        return f"database ({origin.get('scope') or 'installation'})"
    where = origin.get("file")
    if where and origin.get("line"):
        where = f"{where}:{origin['line']}"
    name = origin.get("name") or str(origin["source"]).replace("_", " ")
    return f"{name} in {where}" if where else str(name)


_COLUMNS: list[Column] = [
    ("KEY", "key"),
    ("VALUE", lambda row: json.dumps(row["value"], ensure_ascii=False)),
    ("FROM", lambda row: place(row["origin"])),
    ("CHANGEABLE", "changeable"),
]

Key = Annotated[str, typer.Argument(help="The setting, e.g. log.level.")]
Scope = Annotated[str | None, typer.Option(help="user, tenant or installation.")]
Tenant = Annotated[
    str | None, typer.Option(help="The id of the tenant that it is for; operators only.")
]
Installation = Annotated[
    bool,
    typer.Option(
        "--installation",
        help="What holds for the whole installation; on the server's machine, without an account.",
    ),
]


@app.command(
    "list",
    examples=("tidemill settings list", "tidemill settings list --installation --json"),
)
def list_(
    changed: Annotated[bool, typer.Option("--changed", help="Only what is no default.")] = False,
    installation: Installation = False,
    config: ConfigFile = None,
    data_dir: DataDir = None,
) -> None:
    """List the settings that you may see, with value and source."""
    asker = _asker(installation, config, data_dir)
    rows: list[dict[str, Any]] = []
    cursor: str | None = ""
    while cursor is not None:
        after = f"&cursor={segment(cursor)}" if cursor else ""
        page = asker.ask("GET", f"/settings?limit=200{after}")
        rows += page["items"]
        cursor = page["next_cursor"]
    if changed:
        rows = [row for row in rows if row["origin"]["source"] != "default"]
    emit_rows(rows, _COLUMNS, "Everything is at its default.")


@app.command(
    examples=(
        "tidemill settings get preferences.theme",
        "tidemill settings get log.level --installation",
    )
)
def get(
    key: Key,
    installation: Installation = False,
    config: ConfigFile = None,
    data_dir: DataDir = None,
) -> None:
    """Show one setting: its value, where that is from, and what it hides."""
    found = _asker(installation, config, data_dir).ask("GET", f"/settings/{segment(key)}")
    emit(found, lambda: _told(found))


@app.command(
    "set",
    examples=(
        "tidemill settings set preferences.theme dark",
        "tidemill settings set log.level debug --installation",
        "tidemill settings set jobs.queued_per_tenant_max 5000 --tenant TENANT_ID",
    ),
)
def set_(  # noqa: PLR0913, PLR0917 - one for each option
    key: Key,
    value: Annotated[str, typer.Argument(help="The value: JSON, else text.")],
    scope: Scope = None,
    tenant: Tenant = None,
    installation: Installation = False,
    config: ConfigFile = None,
    data_dir: DataDir = None,
) -> None:
    """Store a value; every process uses it within two seconds."""
    body: dict[str, Any] = {"value": _parsed(value)}
    if scope is not None:
        body["scope"] = scope
    if tenant is not None:
        body["tenant_id"] = tenant
    asker = _asker(installation, config, data_dir)
    changed = asker.ask("PUT", f"/settings/{segment(key)}", body)
    emit(changed, lambda: _told(changed))


@app.command(
    examples=(
        "tidemill settings unset preferences.theme",
        "tidemill settings unset log.level --installation",
    )
)
def unset(
    key: Key,
    scope: Scope = None,
    tenant: Tenant = None,
    installation: Installation = False,
    config: ConfigFile = None,
    data_dir: DataDir = None,
) -> None:
    """Remove a stored value, so that the next source counts."""
    asker = _asker(installation, config, data_dir)
    whose = f"?tenant_id={segment(tenant)}" if tenant else ""
    suffix = f"{whose or '?'}&scope={segment(scope)}" if scope else whose
    asker.ask("DELETE", f"/settings/{segment(key)}{suffix}")
    found = asker.ask("GET", f"/settings/{segment(key)}{whose}")
    emit(found, lambda: _told(found))


class _Asker(Protocol):
    def ask(self, method: str, path: str, body: object = None) -> Any:
        """Return the document at a path below the API's prefix."""
        ...


class _ByAccount:
    def __init__(self) -> None:
        self._client = connect()

    def ask(self, method: str, path: str, body: object = None) -> Any:
        return self._client.ask(Request(method, API + path, body=body)).json()


class _ByDirectory:
    def __init__(self, config: Config) -> None:
        self._config = config

    def ask(self, method: str, path: str, body: object = None) -> Any:
        # Imported by the few commands that talk to the data directory, since it takes long.
        local = import_module("tidemill.cli.local")
        return local.ask_local(self._config, method, API + path, body)


def _asker(installation: bool, config: Path | None, data_dir: Path | None) -> _Asker:
    if not installation:
        return _ByAccount()
    # Else a new one would be made there, and the server that is meant hear of nothing.
    existing = import_module("tidemill.cli.commands.config").existing
    return _ByDirectory(existing(configuration_words(config, None, None, data_dir)))


def _parsed(text: str) -> Any:
    try:
        value = json.loads(text)
    except ValueError:
        return text
    return text if isinstance(value, dict) or value is None else value


def _told(setting: dict[str, Any]) -> str:
    value = json.dumps(setting["value"], ensure_ascii=False)
    told = [f"{setting['key']} = {value}", f"  from  {place(setting['origin'])}"]
    told += [
        f"  hides {json.dumps(hidden['value'], ensure_ascii=False)} from {place(hidden['origin'])}"
        for hidden in setting.get("shadowed", [])
    ]
    return "\n".join(told)
