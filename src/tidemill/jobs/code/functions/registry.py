"""The functions that this program has declared as jobs, by name."""

from __future__ import annotations

import importlib
import inspect
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final

import msgspec

from tidemill.jobs.code.functions.models import FunctionOptions, is_name
from tidemill.jobs.code.functions.signatures import Signature
from tidemill.jobs.protocol.messages import RegisteredFunction


class FunctionNameTaken(ValueError):
    """Two functions of one program have the same name, so that a worker could not choose."""


class ProgramNotLoaded(RuntimeError):
    """The module that holds a program's functions cannot be imported."""


class Declared:
    """A function with its name, its signature and what holds for its jobs."""

    def __init__(self, call: Callable[..., Any], name: str, options: FunctionOptions) -> None:
        self.call = call
        self.name = name
        self.options = options
        self.signature = Signature(call)
        self.is_async = inspect.iscoroutinefunction(call)

    def registered(self) -> RegisteredFunction:
        """Return what a worker says of the function."""
        options = self.options
        return RegisteredFunction(
            name=self.name,
            schema=msgspec.json.encode(self.signature.schema()).decode(),
            tag=options.tag,
            priority=options.priority,
            attempts_max=options.attempts_max,
            timeout_seconds=options.timeout_seconds,
            limits=None if options.limits is None else options.limits.to_json(),
        )


class Registry:
    """Holds each declared function once."""

    def __init__(self) -> None:
        self._declared: dict[str, Declared] = {}

    def declare(self, call: Callable[..., Any], name: str | None, options: FunctionOptions) -> str:
        """Take a function in; return its full name. Raises `FunctionNameTaken`, `ValueError`."""
        full = full_name(call, name)
        known = self._declared.get(full)
        # A module that is loaded again, as a development server does, declares the same again.
        if known is not None and not _is_same(known.call, call):
            raise FunctionNameTaken(
                f"{full} is declared twice: in {_where(known.call)} and in {_where(call)}. "
                "Give one of them another name."
            )
        self._declared[full] = Declared(call, full, options)
        return full

    def all(self) -> Mapping[str, Declared]:
        """Return every declared function by name."""
        return self._declared

    def get(self, name: str) -> Declared:
        """Return a declared function."""
        return self._declared[name]


REGISTRY: Final = Registry()


def full_name(call: Callable[..., Any], name: str | None) -> str:
    """Return `package.module:name`; a name with a colon is whole already."""
    if name is not None and ":" in name:
        full = name
    else:
        full = f"{_module_of(call)}:{name or call.__qualname__}"
    if not is_name(full):
        raise ValueError(
            f"{full!r} cannot be the name of a job: declare it at the top of a module, "
            'or give it one, such as name="shop.tasks:send_mail".'
        )
    return full


def load_program(target: str) -> Any:
    """Import `package.module`, or return `attribute` of `package.module:attribute`.

    Raises `ProgramNotLoaded`, with what the module's own code raised as its cause.
    """
    # Roles of the server leave it out for their own memory's sake; a program may need it.
    if "pydantic" in sys.modules and sys.modules["pydantic"] is None:
        del sys.modules["pydantic"]
    if "" not in sys.path and str(Path.cwd()) not in sys.path:
        sys.path.insert(0, str(Path.cwd()))
    module_name, _, attribute = target.partition(":")
    try:
        module = importlib.import_module(module_name)
    except (ImportError, SyntaxError) as error:
        raise ProgramNotLoaded(f"The module {module_name} cannot be imported: {error}.") from error
    if not attribute:
        return module
    try:
        return getattr(module, attribute)
    except AttributeError as error:
        raise ProgramNotLoaded(f"The module {module_name} has no {attribute}.") from error


def _module_of(call: Callable[..., Any]) -> str:
    if call.__module__ != "__main__":
        return call.__module__
    # A worker imports the same file under its name.
    main = sys.modules["__main__"]
    spec = getattr(main, "__spec__", None)
    if spec is not None:
        return str(spec.name)
    file = getattr(main, "__file__", None)
    return Path(file).stem if file else "__main__"


def _is_same(known: Callable[..., Any], call: Callable[..., Any]) -> bool:
    return known.__code__.co_filename == call.__code__.co_filename


def _where(call: Callable[..., Any]) -> str:
    code = call.__code__
    return f"{code.co_filename}:{code.co_firstlineno}"
