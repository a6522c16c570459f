"""Scripts of `container`: which image runs with which command, as a JSON document.

{"image": "alpine:3.22", "command": ["sh", "-c", "echo $NAME"], "env": {"NAME": "{name}"}}
"""

from __future__ import annotations

import json
import re
import shutil
from typing import Annotated, Any, Final

import msgspec
from msgspec import Meta, Struct

from tidemill.core.wording import told
from tidemill.jobs.errors import LanguageNotInstalled, ScriptInvalid
from tidemill.jobs.execution.languages.models import Schema, object_schema

COMMANDS: Final = ("podman", "docker")
_PLACE: Final = re.compile(r"\{([A-Za-z_]\w*)\}")
_IMAGE: Final = r"^[a-z0-9][a-zA-Z0-9._/:@-]{0,254}$"


class ContainerRun(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The document. Places of arguments are whole words of the command, or values of `env`."""

    image: Annotated[str, Meta(pattern=_IMAGE)]
    command: tuple[str, ...] = ()
    env: dict[Annotated[str, Meta(pattern=r"^[A-Za-z_]\w*$")], str] = {}
    args: dict[str, dict[str, Any]] = {}

    @property
    def schema(self) -> Schema:
        """Return the JSON Schema of its arguments."""
        texts = [*self.command, *self.env.values()]
        names = [match[1] for text in texts for match in _PLACE.finditer(text)]
        properties = {name: self.args.get(name, {}) for name in [*names, *self.args]}
        required = [name for name, one in properties.items() if "default" not in one]
        return object_schema(properties, required)


def parse_container(content: str) -> ContainerRun:
    """Return what `content` runs; raises `ScriptInvalid`, and when no engine is installed."""
    if engine() is None:
        raise LanguageNotInstalled("container", "install podman or docker on the worker's machine")
    try:
        return msgspec.convert(json.loads(content), ContainerRun)
    except json.JSONDecodeError as error:
        raise ScriptInvalid(
            f"This is no valid JSON: {error.msg}.", line=error.lineno, column=error.colno
        ) from None
    except RecursionError:
        raise ScriptInvalid("This JSON is nested too deeply.", line=1) from None
    except msgspec.ValidationError as error:
        raise ScriptInvalid(f"A container: {told(error)}") from None


def engine() -> str | None:
    """Return the command that runs containers here, podman before docker; None without one."""
    return next(filter(None, map(shutil.which, COMMANDS)), None)
