"""`tidemill config explain KEY`: the value, where it came from, and what it hides."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from tidemill.core.config.about import Scope
from tidemill.core.config.config import Config
from tidemill.core.config.errors import ConfigRefused
from tidemill.core.config.keys import KEYS, Key, nearest
from tidemill.core.config.layers import Given, Resolved, resolve
from tidemill.core.config.names import KEY_ALIASES, VARIABLE_ALIASES


def key_named(name: str) -> Key:
    """Return the key of that name; raises `ConfigRefused` with the nearest valid one."""
    key = KEYS.get(name)
    if key is not None:
        return key
    if name in KEY_ALIASES:
        keys = " and ".join(KEY_ALIASES[name].keys)
        raise ConfigRefused([f"{name} stands for {keys}: ask for that."])
    guess = nearest(name, KEYS)
    hint = f" Did you mean {guess}?" if guess else " `tidemill config list` shows every name."
    raise ConfigRefused([f"There is no setting {name}.{hint}"])


def explain(config: Config, name: str, stored: Sequence[Given] = ()) -> str:
    """Return a report on one key for people.

    `stored` is what the database holds, from the narrowest scope to the widest, where it is
    known. Raises `ConfigRefused` for an unknown name.
    """
    key = key_named(name)
    resolved = resolve(config.layers.of(key.name), stored, key.default)
    return "\n".join(_lines(key, resolved))


def _lines(key: Key, resolved: Resolved) -> list[str]:
    lines = [
        f"{key.name} = {written(key.shown(resolved.value))}",
        f"  {key.meaning}",
        f"  from      {resolved.origin}",
    ]
    lines += [
        f"  hides     {written(key.shown(given.value))} from {given.origin}"
        for given in resolved.shadowed
    ]
    variables = " or ".join((key.variable, *_short_variables(key)))
    in_file = f"[{key.section}] {key.field} in the file"
    lines += [
        f"  must be   {key.expected}",
        f"  set it    --set {key.name}=…, {variables}, or {in_file}",
        f"  changes   {_changes(key)}",
    ]
    return lines


def _changes(key: Key) -> str:
    if not key.live:
        return "at the next start"
    option = " --installation" if key.scope is Scope.INSTALLATION else ""
    return f"while it runs, {key.scope.phrase}: tidemill settings set {key.name} …{option}"


def _short_variables(key: Key) -> list[str]:
    """Return the variables without `TIDEMILL_` that stand for this key and no other."""
    return [name for name, alias in VARIABLE_ALIASES.items() if alias.meaning == key.name]


def written(value: Any) -> str:
    """Return `value` as TOML writes it."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(written(part) for part in value) + "]"
    if isinstance(value, str):
        escaped = str(value).replace("\\", "\\\\").replace('"', '\\"')
        return f'"{escaped}"'
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value)
