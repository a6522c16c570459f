"""`load_config`: from what the sources hold to a `Config` that knows where each value is from."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from msgspec import Struct, structs

from tidemill.core.config import Config, ConfigRefused, Entry, Origin, Source, merge
from tidemill.runtime.configuration.env_file import read_env_file
from tidemill.runtime.configuration.toml_file import read_toml_file
from tidemill.runtime.configuration.variables import Variable, entries_of


class Override(Struct, frozen=True, kw_only=True):
    """A value from the command line: `option` is how it was written, e.g. `--port`."""

    key: str
    text: str
    option: str = "--set"


def load_config(
    *,
    overrides: Sequence[Override] = (),
    environ: Mapping[str, str] | None = None,
    env_file: Path | None = None,
    config_file: Path | None = None,
) -> Config:
    """Return the configuration; `config.layers` keeps every value's origin.

    The command line wins over `environ`, which wins over `env_file`, over `config_file`, over
    the database, which the settings service adds, over the defaults. The variables
    `TIDEMILL_CONFIG` and `TIDEMILL_ENV_FILE` name the files where the arguments do not. Nothing
    is written. Raises `ConfigRefused` with every mistake and its place.
    """
    environ = environ or {}
    env_file = env_file or _path_in(environ, "TIDEMILL_ENV_FILE")
    entries = list(_from_command_line(overrides))
    from_env_file = read_env_file(env_file) if env_file else ()
    variables = [
        *(Variable(name=name, text=text) for name, text in environ.items()),
        *(variable for variable in from_env_file if variable.name not in environ),
    ]
    entries.extend(entries_of(variables))
    hidden = [variable for variable in from_env_file if variable.name in environ]
    entries.extend(structs.replace(entry, gives_way=True) for entry in entries_of(hidden))
    config_file = config_file or _config_file_in(variables)
    if config_file is not None:
        entries.extend(read_toml_file(config_file))
    return merge(entries)


def _from_command_line(overrides: Sequence[Override]) -> Iterator[Entry]:
    for override in overrides:
        option = override.option
        name = f"{option} {override.key}" if option == "--set" else option
        yield Entry(
            name=override.key,
            value=override.text,
            origin=Origin(source=Source.COMMAND_LINE, name=name),
        )


def _config_file_in(variables: Sequence[Variable]) -> Path | None:
    return _path_in({variable.name: variable.text for variable in variables}, "TIDEMILL_CONFIG")


def _path_in(environ: Mapping[str, str], name: str) -> Path | None:
    text = environ.get(name)
    return Path(text) if text else None


def parse_set_option(text: str) -> Override:
    """Return what `--set KEY=VALUE` says. Raises `ConfigRefused` when there is no `=`."""
    key, equals, value = text.partition("=")
    if not equals or not key.strip():
        raise ConfigRefused([f"--set needs KEY=VALUE, such as log.level=debug, not {text!r}."])
    return Override(key=key.strip(), text=value)
