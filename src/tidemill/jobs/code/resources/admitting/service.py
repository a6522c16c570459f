"""Looks up what arguments refer to before a job is let in: nothing may be missing at its start."""

from __future__ import annotations

import difflib
from functools import lru_cache, partial
from typing import Any, Final

import msgspec

from tidemill.core.actor import Actor
from tidemill.core.ports import Database, Tx
from tidemill.jobs.code.resources.models import BUILT_IN, takes
from tidemill.jobs.code.resources.repository import ResourceRepository
from tidemill.jobs.code.resources.service import Resolving
from tidemill.jobs.code.scripts.arguments import Arguments
from tidemill.jobs.code.variables.repository import VariableRepository
from tidemill.jobs.code.variables.service import Values
from tidemill.jobs.errors import ArgumentsInvalid
from tidemill.jobs.folders.models import Level
from tidemill.jobs.folders.service import FolderRules
from tidemill.jobs.references import RESOURCE, VARIABLE, references_in
from tidemill.jobs.resource_errors import ReferenceInvalid

advised_max: Final = 500
_FORMAT: Final = "resource-"


class ReferenceAdmission:
    """Tells whoever starts a job at once what its references would come to."""

    def __init__(self, tenants: Database, values: Values) -> None:
        self._database = tenants
        self._values = values
        self._resources = ResourceRepository()
        self._variables = VariableRepository()
        self._schemas = Arguments()
        self._rules = FolderRules()

    async def check(self, args: dict[str, Any], schema: str, actor: Actor) -> None:
        """Return when a job of `actor` could have what `args` refer to, and it fits `schema`.

        Secrets stay sealed, and fit everything. Raises `ArgumentsInvalid` and `FolderDenied`.
        """
        if any(references_in(args)):
            await self._database.read(actor.tenant_id, partial(self._check, args, schema, actor))

    def _check(self, args: dict[str, Any], schema: str, actor: Actor, tx: Tx) -> None:
        sealed = _Sealed(tx, self._values, self._resources, actor)
        types, plain = _types_in(schema), {}
        for name, value in args.items():
            try:
                plain[name] = sealed.plain(value, ())
            except ReferenceInvalid as error:
                near = self._near(tx, error.way[-1], actor)
                raise ArgumentsInvalid(name, f"{error.message}{near}") from None
            except RecursionError:
                raise ArgumentsInvalid(name, "it is nested too deeply.") from None
            if name in types and isinstance(value, str) and value.startswith(RESOURCE):
                self._check_type(tx, name, value.removeprefix(RESOURCE), types[name], actor)
        self._schemas.check_meant(schema, args, plain)

    def _check_type(self, tx: Tx, name: str, path: str, wanted: str, actor: Actor) -> None:
        resource = self._resources.find(tx, path)
        # What the tenant calls by names of its own, only the schema knows.
        if resource is None or resource.type not in BUILT_IN or takes(wanted, resource.type):
            return
        others = self._rules.seen(tx, self._resources.of_type(tx, wanted), actor)
        near = f", such as {RESOURCE}{others[0]}" if others else ""
        raise ArgumentsInvalid(
            name,
            f"{RESOURCE}{path} is a resource of the type {resource.type}, and this takes one of "
            f"the type {wanted}{near}.",
        )

    def _near(self, tx: Tx, reference: str, actor: Actor) -> str:
        """Return a sentence with what is nearest to a reference to what is not there."""
        kind = RESOURCE if reference.startswith(RESOURCE) else VARIABLE
        things = self._resources if kind == RESOURCE else self._variables
        paths = [one.path for one in things.page(tx, after="", limit=advised_max)]
        path = reference.removeprefix(kind)
        if path in paths:
            return ""
        near = difflib.get_close_matches(path, self._rules.seen(tx, paths, actor), n=1)
        return f" Did you mean {kind}{near[0]}?" if near else ""


class _Sealed(Resolving):
    """Resolves all but secrets: nobody is to read one before the job that asks for it."""

    def __init__(self, tx: Tx, values: Values, resources: ResourceRepository, actor: Actor) -> None:
        super().__init__(tx, values, resources, actor)
        self._variables = VariableRepository()

    def _variable(self, path: str, way: tuple[str, ...]) -> str:
        self._rules.check(self._tx, path, Level.RUN, self._actor)
        variable = self._variables.find(self._tx, path)
        if variable is None:
            raise ReferenceInvalid(way, "there is no such variable.")
        return way[-1] if variable.is_secret else variable.value


@lru_cache(maxsize=256)
def _types_in(schema: str) -> dict[str, str]:
    """Return the types of resources that arguments ask for, by the name of the argument."""
    properties: dict[str, Any] = msgspec.json.decode(schema).get("properties", {})
    formats = {name: str(one.get("format", "")) for name, one in properties.items()}
    return {
        name: text.removeprefix(_FORMAT)
        for name, text in formats.items()
        if text.startswith(_FORMAT)
    }
