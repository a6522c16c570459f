"""Normal forms of values that are more than a number or a word."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable
from typing import Final
from urllib.parse import urlsplit

_PORT_MAX: Final = 65535
_REACHABLE: Final = re.compile(
    r"(?:\[[0-9A-Fa-f:.]+(?:/\d{1,3})?\]|[0-9A-Za-z._-]+(?:/\d{1,2})?)(?::\d{1,5})?"
    r"|[0-9A-Fa-f:.]+(?:/\d{1,3})?"
)
labels_max: Final = 20
_TAG: Final = re.compile(r"[a-z0-9][a-z0-9_.-]{0,62}")
_TOKEN: Final = re.compile(r"[A-Za-z0-9_-]{1,32}")
_QUEUE: Final = re.compile(r"[A-Za-z0-9_-]{1,100}")
_MEDIA_TYPE: Final = re.compile(r"\*/\*|[a-z]+/(?:\*|[a-z0-9][a-z0-9.+-]{0,98}\*?)")
_ADDRESS: Final = re.compile(r"[^@\s<>,;]+@[^@\s<>,;]+")


def url(*schemes: str) -> Callable[[str], str]:
    """Return a check for addresses with one of `schemes`; empty text is let through."""
    wanted = " or ".join(f"{scheme}://…" for scheme in schemes)

    def check(text: str) -> str:
        if not text:
            return text
        try:
            parts = urlsplit(text)
            named = bool(parts.hostname) or parts.query.startswith("host=")
            _ = parts.port
        except ValueError as error:
            raise ValueError(f"an address such as {wanted}") from error
        if parts.scheme not in schemes or not named:
            raise ValueError(f"an address such as {wanted}")
        return text

    return check


def origins(values: tuple[str, ...]) -> tuple[str, ...]:
    """Check exact origins such as `https://app.example.org`; `*` alone means any."""
    for value in values:
        parts = urlsplit(value)
        exact = parts.scheme in {"http", "https"} and value == f"{parts.scheme}://{parts.netloc}"
        if value != "*" and not (exact and parts.netloc):
            raise ValueError("origins such as https://app.example.org, without a path")
    return values


def networks(values: tuple[str, ...]) -> tuple[str, ...]:
    """Check IP networks such as `10.0.0.0/8`, and return them in their shortest form."""
    try:
        return tuple(str(ipaddress.ip_network(value)) for value in values)
    except ValueError as error:
        raise ValueError("networks such as 10.0.0.0/8 or 127.0.0.1") from error


def reachable(values: tuple[str, ...]) -> tuple[str, ...]:
    """Check what may be connected to: networks, addresses or names, each with or without a port."""
    for value in values:
        if not _REACHABLE.fullmatch(value):
            raise ValueError("networks, addresses or names such as 10.0.0.0/8 or db.lan:5432")
    return values


def tags(values: tuple[str, ...]) -> tuple[str, ...]:
    """Check the tags of a worker: at least one, each a short lower-case name."""
    if not values or not all(_TAG.fullmatch(value) for value in values):
        raise ValueError("at least one tag of a-z, 0-9, '_', '.' and '-', such as default")
    return values


def labels(values: tuple[str, ...]) -> tuple[str, ...]:
    """Check the labels of a worker: each a short lower-case name, twenty at most."""
    if len(values) > labels_max or not all(_TAG.fullmatch(value) for value in values):
        raise ValueError(f"up to {labels_max} labels of a-z, 0-9, '_', '.' and '-', such as gpu")
    return values


def some_of(*words: str) -> Callable[[tuple[str, ...]], tuple[str, ...]]:
    """Return a check for a choice of at least one of `words`, which it puts in their order."""

    def check(values: tuple[str, ...]) -> tuple[str, ...]:
        if not values or not set(values) <= set(words):
            raise ValueError(f"at least one of {', '.join(words)}")
        return tuple(word for word in words if word in values)

    return check


def any_of(*words: str) -> Callable[[tuple[str, ...]], tuple[str, ...]]:
    """Return a check for a choice of none or some of `words`, which it puts in their order."""

    def check(values: tuple[str, ...]) -> tuple[str, ...]:
        if not set(values) <= set(words):
            raise ValueError(f"any of {', '.join(words)}, or none")
        return tuple(word for word in words if word in values)

    return check


def media_types(values: tuple[str, ...]) -> tuple[str, ...]:
    """Check types of files, each whole or a beginning before a star."""
    if not values or not all(_MEDIA_TYPE.fullmatch(value) for value in values):
        raise ValueError("at least one type such as image/*, application/pdf or */*")
    return tuple(dict.fromkeys(values))


def token(text: str) -> str:
    """Check one word that names something at a broker."""
    if not _TOKEN.fullmatch(text):
        raise ValueError("one word of a-z, A-Z, 0-9, '_' and '-', such as tidemill")
    return text


def queue_name(text: str) -> str:
    """Check the name of a queue, which is that of a stream at NATS."""
    if not _QUEUE.fullmatch(text):
        raise ValueError("1 to 100 of a-z, A-Z, 0-9, '_' and '-', such as tasks")
    return text


def mail_address(text: str) -> str:
    """Check an e-mail address; empty text is let through."""
    if text and not _ADDRESS.fullmatch(text):
        raise ValueError("an e-mail address such as tidemill@example.org")
    return text


def not_empty(text: str) -> str:
    """Check that there is any text."""
    if not text.strip():
        raise ValueError("a text that is not empty")
    return text


def base_directory(text: str) -> str:
    """Return the data directory of `DB_PATH`, which may name its folder `tenants` instead."""
    trimmed = not_empty(text).rstrip("/") or "/"
    if trimmed == "tenants":
        return "."
    if trimmed.endswith("/tenants"):
        return trimmed.removesuffix("/tenants") or "/"
    return trimmed


def listen_address(text: str) -> str:
    """Check an address to listen on; empty text is let through."""
    if text:
        bind_address(text)
    return text


def dispatcher_address(text: str) -> str:
    """Check where a worker finds its dispatcher; empty text is let through."""
    if not text:
        return text
    try:
        dispatcher_place(text)
    except ValueError as error:
        raise ValueError("tls://HOST:PORT, such as tls://jobs.example.org:7443") from error
    return text


def dispatcher_place(text: str) -> tuple[str, int]:
    """Split `tls://jobs.example.org:7443` into host and port."""
    parts = urlsplit(text)
    rest = parts.path or parts.query or parts.fragment or parts.username
    if parts.scheme != "tls" or not parts.hostname or not parts.port or rest:
        raise ValueError(text)
    return parts.hostname, parts.port


def bind_address(text: str) -> tuple[str, int]:
    """Split `127.0.0.1:8080` or `[::1]:8080` into host and port."""
    host, colon, port = text.rpartition(":")
    host = host.removeprefix("[").removesuffix("]")
    if not (colon and host and port.isascii() and port.isdigit() and int(port) <= _PORT_MAX):
        raise ValueError("HOST:PORT, such as 127.0.0.1:3000")
    return host, int(port)
