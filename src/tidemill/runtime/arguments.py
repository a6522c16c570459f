"""The options that every process of Tidemill understands."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path

from msgspec import Struct

from tidemill.core.config import Config, ConfigRefused
from tidemill.runtime.configuration import Override, load_config, parse_set_option

_SHORT_FOR = {
    "--host": "server.host",
    "--port": "server.port",
    "--data-dir": "server.data_dir",
    "--log-level": "log.level",
}


class Arguments(Struct, frozen=True, kw_only=True):
    """What a command line says about configuration, and what else stood on it."""

    overrides: tuple[Override, ...] = ()
    config_file: Path | None = None
    env_file: Path | None = None
    flags: frozenset[str] = frozenset()

    def load(self, environ: Mapping[str, str] | None = None) -> Config:
        """Return the configuration. Raises `ConfigRefused`."""
        return load_config(
            overrides=self.overrides,
            environ=os.environ if environ is None else environ,
            env_file=self.env_file,
            config_file=self.config_file,
        )


def parse(argv: Sequence[str]) -> Arguments:
    """Read `--config FILE --env-file FILE --host H --port P --data-dir D --set KEY=VALUE …`.

    Raises `ConfigRefused` for an option that does not exist or lacks its value.
    """
    overrides: list[Override] = []
    files: dict[str, Path] = {}
    flags: set[str] = set()
    words = iter(argv)
    for word in words:
        option, equals, attached = word.partition("=")
        if option == "--embedded":
            flags.add(option)
            continue
        value = attached if equals else next(words, None)
        if value is None:
            raise ConfigRefused([f"{option} needs a value."])
        if option in {"--config", "--env-file"}:
            files[option] = Path(value)
        elif option == "--set":
            overrides.append(parse_set_option(value))
        elif option in _SHORT_FOR:
            overrides.append(Override(key=_SHORT_FOR[option], text=value, option=option))
        else:
            known = ", ".join(["--config", "--env-file", "--set", *_SHORT_FOR])
            raise ConfigRefused([f"{option} is not an option; there are {known}."])
    return Arguments(
        overrides=tuple(overrides),
        config_file=files.get("--config"),
        env_file=files.get("--env-file"),
        flags=frozenset(flags),
    )
