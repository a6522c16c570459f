"""Every key of the configuration, by its name `section.field`."""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import Any, Final, get_type_hints

from msgspec import Struct, structs

from tidemill.core.config.about import About, Annotation, Scope
from tidemill.core.config.config import Config
from tidemill.core.config.values import BadValue, Kind, from_text, kind_of, typed

_HIDDEN: Final = "********"


class Key(Struct, frozen=True, kw_only=True):
    """One key: what it means, what it may be, and what it is when nobody says."""

    section: str
    field: str
    meaning: str
    kind: Kind
    about: About
    default: Any

    @property
    def name(self) -> str:
        """Return `section.field`."""
        return f"{self.section}.{self.field}"

    @property
    def variable(self) -> str:
        """Return the environment variable that sets it."""
        return f"TIDEMILL_{self.section}_{self.field}".upper()

    @property
    def live(self) -> bool:
        """Return whether it can be changed at run time."""
        return self.about.live

    @property
    def scope(self) -> Scope:
        """Return the narrowest scope at which it may be written."""
        return self.about.scope

    @property
    def expected(self) -> str:
        """Return in words what a value must be."""
        return self.kind.expected

    def parse(self, text: str) -> Any:
        """Return the value that `text` stands for. Raises `BadValue`."""
        return self._checked(from_text(self.kind, text))

    def accept(self, value: object) -> Any:
        """Return `value`, from TOML or JSON, in its normal form. Raises `BadValue`."""
        return self._checked(typed(self.kind, value))

    def shown(self, value: object) -> Any:
        """Return `value` as it may be shown: secrets are hidden, passwords in URLs too."""
        if self.about.secret:
            return _HIDDEN if value else ""
        if self.about.url and isinstance(value, str):
            return without_password(value)
        return list(value) if isinstance(value, tuple) else value

    def _checked(self, value: Any) -> Any:
        if self.about.check is None:
            return value
        try:
            return self.about.check(value)
        except ValueError as error:
            raise BadValue(str(error)) from error


def without_password(url: str) -> str:
    """Return `url` with its password hidden."""
    scheme, separator, rest = url.partition("://")
    userinfo, at, host = rest.rpartition("@")
    if not (separator and at and ":" in userinfo):
        return url
    return f"{scheme}://{userinfo.partition(':')[0]}:{_HIDDEN}@{host}"


def nearest(name: str, names: Iterator[str] | Mapping[str, object]) -> str | None:
    """Return which of `names` somebody who wrote `name` most likely meant."""
    close = difflib.get_close_matches(name, list(names), n=1, cutoff=0.6)
    return close[0] if close else None


def _keys() -> Iterator[Key]:
    for section_field in structs.fields(Config):
        section_type = section_field.type
        if not (isinstance(section_type, type) and issubclass(section_type, Struct)):
            continue
        if section_field.name == "layers":
            continue
        hints = get_type_hints(section_type, include_extras=True)
        for field in structs.fields(section_type):
            annotation: Annotation = hints[field.name].__metadata__[0]
            yield Key(
                section=section_field.name,
                field=field.name,
                meaning=annotation.meaning,
                kind=kind_of(hints[field.name].__origin__, annotation),
                about=annotation.about,
                default=field.default,
            )


KEYS: Final[Mapping[str, Key]] = MappingProxyType({key.name: key for key in _keys()})
"""Every key by name, in the order of the sections."""

SECTIONS: Final[Mapping[str, type[Struct]]] = MappingProxyType(
    {field.name: field.type for field in structs.fields(Config) if field.name != "layers"}
)
"""The Struct of each section, by name."""
