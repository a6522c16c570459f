"""A provider and the rules of its fields; no I/O."""

from __future__ import annotations

import re
from typing import Final
from urllib.parse import urlsplit

from msgspec import UNSET, Struct, UnsetType

from tidemill.core.clock import Instant
from tidemill.llm.contract import ProviderId
from tidemill.llm.dialects.names import Dialect
from tidemill.llm.errors import InvalidProvider

providers_max: Final = 100
url_chars_max: Final = 2000
key_chars_max: Final = 4096
_NAME: Final = re.compile(r"[a-z0-9][a-z0-9_.-]{0,62}")
_URL: Final = re.compile(r"https?://[!-~]+")
_KEY: Final = re.compile(r"[!-~]+")


class Provider(Struct, frozen=True):
    """A provider, in the order of the columns that a read selects. `key` is sealed."""

    id: ProviderId
    name: str
    dialect: str
    base_url: str
    key: str | None
    key_id: str | None
    version: int
    created_at: Instant
    created_by: str
    updated_at: Instant
    updated_by: str

    @property
    def place(self) -> str:
        """Return what the sealed key is bound to."""
        return f"llm-provider:{self.id}"

    def told(self) -> dict[str, object]:
        """Return what the audit log keeps: nothing of the key but whether there is one."""
        return {
            "name": self.name,
            "dialect": self.dialect,
            "host": urlsplit(self.base_url).hostname or "",
            "has_key": self.key is not None,
            "version": self.version,
        }


class NewProvider(Struct, frozen=True, kw_only=True):
    """What a caller gives to make a provider."""

    name: str
    dialect: Dialect
    base_url: str
    api_key: str | None = None


class ProviderChanges(Struct, frozen=True, kw_only=True):
    """What shall change; what is unset stays, and a key that is None is forgotten."""

    name: str | UnsetType = UNSET
    base_url: str | UnsetType = UNSET
    api_key: str | UnsetType | None = UNSET


def valid_name(name: str) -> str:
    """Return a name that can stand before a model's; raises `InvalidProvider`."""
    if not _NAME.fullmatch(name):
        raise InvalidProvider(
            "name", "The name has 1 to 63 of a-z, 0-9, '_', '.' and '-', such as openai."
        )
    return name


def valid_base_url(text: str) -> str:
    """Return the address before `/chat/completions`, without a last slash.

    Raises `InvalidProvider`.
    """
    if len(text) > url_chars_max:
        raise InvalidProvider(
            "base_url", f"The address has {len(text)} characters; {url_chars_max} are the limit."
        )
    try:
        parts = urlsplit(text)
        _ = parts.port
    except ValueError:
        raise InvalidProvider("base_url", _url_problem) from None
    is_plain = parts.hostname and not parts.query and not parts.fragment
    if not _URL.fullmatch(text) or not is_plain or "\\" in parts.netloc:
        raise InvalidProvider("base_url", _url_problem)
    if "@" in parts.netloc:
        raise InvalidProvider("base_url", "Give the key as api_key, not in the address.")
    return text.rstrip("/")


def valid_key(key: str | None) -> str | None:
    """Return a key that can stand in a header; raises `InvalidProvider`."""
    if key is not None and (len(key) > key_chars_max or not _KEY.fullmatch(key)):
        raise InvalidProvider(
            "api_key", f"A key has 1 to {key_chars_max} printable characters and no blank."
        )
    return key


_url_problem: Final = (
    "The address must be http(s)://host/path in ASCII without ? and #, up to what stands before "
    "/chat/completions, such as https://api.openai.com/v1."
)
