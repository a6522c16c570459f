"""The configuration reference, as a page of the documentation."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from msgspec import Struct

from tidemill.core.config import KEYS, SECTIONS, Key, written
from tidemill.core.config.names import KEY_ALIASES, VARIABLE_ALIASES

_HEAD: Final = """\
# Configuration

<!-- Made from the code by `python -m tidemill.api.documents`; do not edit. -->

Tidemill needs no configuration to start: `tidemill up` works as it is. Each value has five
sources. The first one that says something wins:

1. the command line: `--set SECTION.KEY=VALUE`, and short forms such as `--port`;
2. the environment: `TIDEMILL_SECTION_KEY`, then the lines of the file that `--env-file` names;
3. the configuration file that `--config` or `TIDEMILL_CONFIG` names, in TOML;
4. the database, for keys that can be changed at run time;
5. the default.

`tidemill config explain KEY` and `GET /api/v1/settings/KEY` show the value, where it comes from
to the line, and what it hides. A name that does not exist is refused together with the nearest
one that does; so are two names of one setting that disagree within one source.

On the command line and in the environment commas part the entries of a list:
`TIDEMILL_WEBHOOKS_ADDRESSES_ALLOWED=10.20.0.0/16,hooks.lan:8080`.

A secret can lie in a file of its own: `TIDEMILL_AUTH_JWT_SECRET_FILE=/run/secrets/jwt` reads it
from there. This works for every key marked *secret*, and for URLs, which may hold passwords.

With `server.environment = "production"` Tidemill refuses to start with a signing key that is
missing, shorter than 32 characters, or looks like a sample. In development it makes one at the
first start and keeps it under `keys` in the data directory.

Keys marked *at run time* are changed with `PUT /api/v1/settings/KEY` or `tidemill settings set`,
for the installation, for a tenant or for a user as marked; every process has the new value
within two seconds. A key that a stronger source sets cannot be changed this way: the answer is
409 `SETTING_SHADOWED` and names that source.
"""

_ALIASES_HEAD: Final = """\
## Other names

These are accepted beside the names above, with the same order of sources.

| name | stands for |
|---|---|
"""


def configuration_page() -> str:
    """Return the page."""
    return "\n".join([_HEAD, *_sections(), _ALIASES_HEAD + "\n".join(_aliases())]) + "\n"


def _sections() -> Iterator[str]:
    for section, struct in SECTIONS.items():
        yield f"## `[{section}]`\n"
        yield f"{_doc(struct)}\n"
        yield "| key | default | meaning |\n|---|---|---|"
        for key in KEYS.values():
            if key.section == section:
                yield _row(key)
        yield ""


def _row(key: Key) -> str:
    default = f"`{written(key.shown(key.default))}`"
    return f"| `{key.name}` | {default} | {_cell(key.meaning)} {_notes(key)} |"


def _notes(key: Key) -> str:
    notes = [_cell(f"{key.expected[0].upper()}{key.expected[1:]}.")]
    if key.about.secret:
        notes.append("*Secret.*")
    if key.live:
        notes.append(f"*At run time, {key.scope.phrase}.*")
    return " ".join(notes)


def _aliases() -> Iterator[str]:
    for name, alias in {**VARIABLE_ALIASES, **KEY_ALIASES}.items():
        yield f"| `{name}` | {alias.meaning} |"


def _doc(struct: type[Struct]) -> str:
    return (struct.__doc__ or "").strip().splitlines()[0]


def _cell(text: str) -> str:
    return text.replace("|", "\\|")
