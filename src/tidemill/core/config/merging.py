"""From what the sources said to one configuration; every mistake is told at once."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, cast

from msgspec import Struct

from tidemill.core.config.config import Config
from tidemill.core.config.errors import ConfigRefused
from tidemill.core.config.keys import KEYS, SECTIONS, Key, nearest
from tidemill.core.config.layers import Given, Layers, Origin, Source, resolve
from tidemill.core.config.names import KEY_ALIASES, VARIABLE_ALIASES, VARIABLES, Alias
from tidemill.core.config.rules import problems_of
from tidemill.core.config.values import BadValue


class Entry(Struct, frozen=True, kw_only=True):
    """Something that a source says: a name of a key, and a text or data.

    `name` is `section.field`, an alias of it, or one of the variables that have names of
    their own. `unread` says why the value could not be had, e.g. of a secret in a file. What
    `gives_way` is hidden by another entry of its source, whatever it says.
    """

    name: str
    value: object
    origin: Origin
    unread: str | None = None
    gives_way: bool = False


def merge(entries: Iterable[Entry]) -> Config:
    """Return the configuration that `entries` make. Raises `ConfigRefused`."""
    problems: list[str] = []
    refused: list[Entry] = []
    given: defaultdict[str, list[Given]] = defaultdict(list)
    hidden: defaultdict[str, list[Given]] = defaultdict(list)
    for entry in entries:
        found = hidden if entry.gives_way else given
        read = _read(entry, [] if entry.gives_way else problems)
        if not read and not entry.gives_way:
            refused.append(entry)
        for key_name, value in read:
            found[key_name].append(Given(value=value, origin=entry.origin))
    layers = Layers(
        given={
            name: _by_rank((*_one_for_each_source(name, values, problems), *hidden[name]))
            for name, values in given.items()
        }
    )
    config = build(layers)
    unread = {name for entry in refused for name in _key_names(entry)}
    # Of a key whose value was refused, the rules would judge the default that nobody gave.
    problems.extend(
        problem
        for problem in problems_of(config)
        if not any(re.search(rf"\b{re.escape(name)}\b", problem) for name in unread)
    )
    if problems:
        raise ConfigRefused(problems)
    return config


def build(layers: Layers) -> Config:
    """Return the configuration of what `layers` hold and the defaults."""
    sections: dict[str, Any] = {}
    for section, struct in SECTIONS.items():
        values = {
            key.field: resolve(layers.of(key.name), (), key.default).value
            for key in KEYS.values()
            if key.section == section
        }
        sections[section] = struct(**values)
    return Config(**sections, layers=layers)


def _read(entry: Entry, problems: list[str]) -> Sequence[tuple[str, Any]]:
    alias = KEY_ALIASES.get(entry.name) or VARIABLE_ALIASES.get(entry.name)
    key = KEYS.get(entry.name)
    if alias is None and key is None:
        problems.append(_unknown(entry))
        return ()
    if entry.unread is not None:
        problems.append(f"{entry.origin}: {entry.unread}")
        return ()
    try:
        if alias is not None:
            return tuple(zip(alias.keys, alias.read(entry.value), strict=True))
        return ((entry.name, _parsed(cast("Key", key), entry.value, entry.origin.source)),)
    except BadValue as error:
        problems.append(_bad(entry, error, alias, key))
        return ()


def _key_names(entry: Entry) -> tuple[str, ...]:
    alias = KEY_ALIASES.get(entry.name) or VARIABLE_ALIASES.get(entry.name)
    return alias.keys if alias is not None else (entry.name,)


def _parsed(key: Key, value: object, source: Source) -> Any:
    if source is Source.FILE or not isinstance(value, str):
        return key.accept(value)
    return key.parse(value)


def _one_for_each_source(
    key_name: str, values: Sequence[Given], problems: list[str]
) -> tuple[Given, ...]:
    """Keep the first of each source; two different ones within a source are a mistake."""
    first: dict[Source, Given] = {}
    for given in values:
        kept = first.setdefault(given.origin.source, given)
        if kept.value != given.value:
            key = KEYS[key_name]
            problems.append(
                f"{kept.origin} and {given.origin} both set {key_name}, to different values"
                f"{_both(key, kept.value, given.value)}. Keep one of them."
            )
    return tuple(first.values())


def _by_rank(values: Iterable[Given]) -> tuple[Given, ...]:
    return tuple(sorted(values, key=lambda given: given.origin.source.rank))


def _both(key: Key, one: object, other: object) -> str:
    if key.about.hidden:
        return ""
    return f" ({_written(one)} and {_written(other)})"


def _unknown(entry: Entry) -> str:
    section, dot, field = entry.name.rpartition(".")
    if entry.origin.source is not Source.FILE:
        what = f"there is no setting {entry.name}"
    elif not dot:
        what = f"{field} is not in a section"
    elif section in SECTIONS:
        what = f"the section [{section}] has no key {field}"
    else:
        what = f"there is no section [{section}], which holds {field}"
    return f"{entry.origin}: {what}.{_did_you_mean(entry)}"


def _did_you_mean(entry: Entry) -> str:
    names: Mapping[str, object] = {**KEYS, **KEY_ALIASES}
    if entry.origin.source is Source.ENVIRONMENT:
        names = VARIABLES
    guess = nearest(entry.name, names)
    if guess is None:
        guess = _by_field(entry.name, names)
    return f" Did you mean {guess}?" if guess else " `tidemill config list` shows every name."


def _by_field(name: str, names: Mapping[str, object]) -> str | None:
    """Return the name with the same field, for whoever mistook its section."""
    field = name.rpartition(".")[2]
    same = [known for known in names if known.rpartition(".")[2] == field]
    return same[0] if len(same) == 1 else None


def _bad(entry: Entry, error: BadValue, alias: Alias | None, key: Key | None) -> str:
    names = alias.keys if alias is not None else (cast("Key", key).name,)
    hidden = any(KEYS[name].about.hidden for name in names)
    found = "" if hidden else f", not {_written(entry.value)}"
    label = " and ".join(names)
    shown = label if entry.origin.name in {None, label} else f"{label} ({entry.origin})"
    where = "" if shown != label else f"{entry.origin}: "
    return f"{where}{shown} must be {error}{found}."


def _written(value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, tuple | list):
        return "[" + ", ".join(repr(str(part)) for part in value) + "]"
    return repr(str(value)) if isinstance(value, str) else str(value)
