"""The shipped configuration files: every key, commented out, with its meaning and default."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import Final

from msgspec import Struct

from tidemill.core.config import KEYS, SECTIONS, Key, written

_WIDTH: Final = 96
_SECTION_ALIASES: Final = {
    "api": ('# bind_address = "127.0.0.1:3000" sets server.host and server.port at once.',
            "# cors_enabled = true is the same as enabled under [cors]."),
}  # fmt: skip


class ShippedFile(Struct, frozen=True, kw_only=True):
    """One of the files: what it is for, and values it proposes in place of defaults."""

    purpose: str
    proposals: Mapping[str, object] = {}


SHIPPED_FILES: Final[Mapping[str, ShippedFile]] = MappingProxyType(
    {
        "development.toml": ShippedFile(
            purpose=(
                "Tidemill on a developer's machine. Every key is commented out and holds its "
                "default: remove the # in front of what you change."
            ),
            proposals={"log.level": "debug"},
        ),
        "production.toml": ShippedFile(
            purpose=(
                "Tidemill in production. Every key is commented out; where a line says so, it "
                "holds what production wants instead of the default. Secrets do not belong in "
                "this file: give them as JWT_SECRET, or as a file that "
                "TIDEMILL_AUTH_JWT_SECRET_FILE names."
            ),
            proposals={
                "server.environment": "production",
                "server.host": "0.0.0.0",  # noqa: S104 - a proposal in a file that people edit
                "server.data_dir": "/var/lib/tidemill",
                "server.public_url": "https://tidemill.example.org",
                "database.url": "postgresql://tidemill@localhost/tidemill",
                "redis.url": "redis://localhost:6379/0",
                "log.format": "json",
                "mail.smtp_host": "smtp.example.org",
                "mail.from_address": "tidemill@example.org",
            },
        ),
        "scheduler.toml": ShippedFile(
            purpose=(
                "A process that dispatches and runs jobs and answers no HTTP. Every key is "
                "commented out; where a line says so, it holds what such a process wants "
                "instead of the default."
            ),
            proposals={
                "api.enabled": False,
                "database.url": "postgresql://tidemill@localhost/tidemill",
                "database.max_connections": 10,
                "message_queue.url": "amqp://guest:guest@localhost:5672/",
                "worker.worker_id": "worker-001",
            },
        ),
    }
)


def config_file_text(name: str) -> str:
    """Return the text of the shipped file `name`."""
    shipped = SHIPPED_FILES[name]
    lines = [*_wrapped(shipped.purpose), ""]
    lines += _wrapped(
        "The command line wins over the environment (TIDEMILL_SECTION_KEY), which wins over "
        "this file, over values set at run time, over the defaults. "
        "`tidemill config explain SECTION.KEY` tells which one holds."
    )
    for section, struct in SECTIONS.items():
        lines += ["", *_wrapped(_first_line(struct)), f"[{section}]"]
        lines += _SECTION_ALIASES.get(section, ())
        for key in KEYS.values():
            if key.section == section:
                lines += ["", *_key_lines(key, shipped.proposals)]
    return "\n".join(lines) + "\n"


def _key_lines(key: Key, proposals: Mapping[str, object]) -> Iterator[str]:
    meaning = f"{key.meaning} {_sentence(key)}".strip()
    proposed = proposals.get(key.name, key.default)
    if proposed != key.default:
        meaning += f" The default is {written(key.default)}; proposed here:"
    yield from _wrapped(meaning)
    yield f"# {key.field} = {written(proposed)}"


def _sentence(key: Key) -> str:
    expected = key.expected
    unit = "" if expected in {"a text", "a list of texts", "true or false"} else expected
    told = f"{unit[0].upper()}{unit[1:]}." if unit else ""
    return f"{told} Can be changed at run time.".strip() if key.live else told


def _first_line(struct: type[Struct]) -> str:
    return (struct.__doc__ or "").strip().splitlines()[0]


def _wrapped(text: str) -> list[str]:
    return textwrap.wrap(
        text.strip(),
        _WIDTH,
        initial_indent="# ",
        subsequent_indent="# ",
        break_long_words=False,
        break_on_hyphens=False,
    )
