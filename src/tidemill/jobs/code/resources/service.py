"""What one can do with resources, and how references become values."""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from typing import Any, Final

import msgspec

from tidemill.core.actor import Actor
from tidemill.core.authorization import authorize
from tidemill.core.keysets import after_text
from tidemill.core.pages import Page, PageRequest, page_of
from tidemill.core.ports import Database, Tx
from tidemill.http import check_found, check_written
from tidemill.jobs.code.resources.models import (
    BUILT_IN,
    Resolved,
    Resource,
    ResourceType,
    check_own,
    check_type_name,
    resources_max,
    types_max,
    value_bytes_max,
)
from tidemill.jobs.code.resources.repository import ResourceRepository, ResourceTypeRepository
from tidemill.jobs.code.scripts.arguments import Arguments
from tidemill.jobs.code.variables.models import resource_path
from tidemill.jobs.code.variables.service import UsersOf, Values, check_reader
from tidemill.jobs.folders.models import Level
from tidemill.jobs.folders.service import FolderRules
from tidemill.jobs.permissions import READ_VALUES
from tidemill.jobs.references import RESOURCE, VARIABLE, is_reference, references_in
from tidemill.jobs.resource_errors import (
    ReferenceInvalid,
    ResourceInUse,
    ResourceInvalid,
    ResourceNotFound,
    ResourceTypeInUse,
    ResourceTypeInvalid,
    ResourceTypeNotFound,
    VariableNotFound,
)

depth_max: Final = 8
references_max: Final = 200


class ResourceService:
    """Use cases of resources."""

    def __init__(self, tenants: Database, values: Values) -> None:
        self._database = tenants
        self._values = values
        self._resources = ResourceRepository()
        self._types = ResourceTypeRepository()
        self._schemas = Arguments()
        self._rules = FolderRules()
        self._users: list[UsersOf] = []

    def on_delete(self, users_of: UsersOf) -> None:
        """Ask `users_of` what refers to a resource in another store before that goes."""
        self._users.append(users_of)

    async def get(self, path: str, *, actor: Actor) -> Resource:
        """Return a resource with its references; raises `ResourceNotFound`."""
        wanted = path.strip("/")

        def use_case(tx: Tx) -> Resource:
            self._rules.check(tx, wanted, Level.READ, actor)
            return self._found(tx, wanted)

        return await self._database.read(actor.tenant_id, use_case)

    async def list(self, page: PageRequest, *, actor: Actor) -> Page[Resource]:
        """Return resources by path that the actor may see."""

        def use_case(tx: Tx) -> list[Resource]:
            return self._rules.visible(
                tx,
                lambda after, limit: self._resources.page(tx, after=after, limit=limit),
                lambda resource: resource.path,
                page,
                actor,
            )

        found = await self._database.read(actor.tenant_id, use_case)
        return page_of(found, page, lambda resource: (resource.path,))

    async def value(self, path: str, *, actor: Actor) -> Resolved:
        """Return the value of a resource with what it refers to; secrets in it are audited."""
        wanted = path.strip("/")
        check_reader(actor)

        def use_case(tx: Tx) -> Resolved:
            self._rules.check(tx, wanted, Level.RUN, actor)
            self._found(tx, wanted)
            return self._resolved(tx, f"{RESOURCE}{wanted}", actor)

        return await self._database.write(actor.tenant_id, use_case)

    async def resolve(self, value: Any, *, actor: Actor) -> Resolved:
        """Return `value` with what it refers to, by the rights of `actor`."""
        authorize(actor, READ_VALUES)
        return await self._database.write(
            actor.tenant_id, lambda tx: self._resolved(tx, value, actor)
        )

    async def put(
        self,
        path: str,
        value: Any,
        *,
        type_: str,
        description: str,
        expected_version: int | None,
        actor: Actor,
    ) -> Resource:
        """Make a resource, or change it; its value fits its type."""
        place = resource_path(path)
        encoded = msgspec.json.encode(value)
        if len(encoded) > value_bytes_max:
            reason = f"it has {len(encoded)} bytes as JSON; {value_bytes_max} are the limit."
            raise ResourceInvalid("value", reason)
        targets = sorted(set(references_in(value)))
        by = actor.user_id or actor.id

        def use_case(tx: Tx) -> Resource:
            self._rules.check(tx, place, Level.WRITE, actor)
            before = self._resources.find(tx, place, lock=True)
            check_found(before, expected_version)
            if before is None and self._resources.count(tx) >= resources_max:
                raise ResourceInvalid("path", f"there are {resources_max} already, the limit.")
            self._check(tx, type_, value)
            self._check_way(tx, place, targets)
            self._resources.put(
                tx, place, type_=type_, value=encoded.decode(), description=description, by=by
            )
            self._resources.refer(tx, place, targets)
            after = self._found(tx, place)
            check_written(after, expected_version)
            # The value may hold what must not be seen, also where it should be a reference.
            tx.audit(
                "jobs.resources.put",
                by=actor,
                resource=f"resource:{place}",
                before=None if before is None else {"type": before.type},
                after={"type": type_, "version": after.version, "references": targets},
            )
            return after

        return await self._database.write(actor.tenant_id, use_case)

    async def delete(self, path: str, *, expected_version: int | None = None, actor: Actor) -> None:
        """Delete a resource to which no other refers; raises `ResourceInUse`."""
        wanted = path.strip("/")
        target = f"{RESOURCE}{wanted}"
        elsewhere = [user for users_of in self._users for user in await users_of(target, actor)]

        def use_case(tx: Tx) -> None:
            self._rules.check(tx, wanted, Level.WRITE, actor)
            before = self._found(tx, wanted, lock=True)
            check_found(before, expected_version)
            users = [*self._resources.users(tx, wanted), *elsewhere]
            if users:
                raise ResourceInUse(wanted, *self._rules.seen_users(tx, users, actor))
            self._resources.delete(tx, wanted)
            tx.audit(
                "jobs.resources.delete",
                by=actor,
                resource=f"resource:{wanted}",
                before={"type": before.type, "version": before.version},
            )

        await self._database.write(actor.tenant_id, use_case)

    def _check(self, tx: Tx, type_: str, value: Any) -> None:
        known = BUILT_IN.get(type_) or self._types.find(tx, type_, lock="SHARE")
        if known is None:
            own = [one.name for one in self._types.page(tx, after="", limit=types_max)]
            near = difflib.get_close_matches(type_, [*BUILT_IN, *own], n=1)
            meant = f"did you mean {near[0]}?" if near else "see `tidemill resources types`."
            raise ResourceInvalid("type", f"there is no type {type_!r}; {meant}")
        wrong = self._schemas.mismatch(known.schema, value)
        if wrong is not None:
            where, reason = wrong
            fields = msgspec.json.decode(known.schema).get("properties", {})
            if type_ in BUILT_IN and where and where.split(".")[0] not in fields:
                reason = f"{reason} Whatever else a script reads needs a type of your own."
            raise ResourceInvalid(f"value.{where}" if where else "value", reason)

    def _check_way(self, tx: Tx, path: str, targets: Iterable[str]) -> None:
        """Raise `ResourceInvalid` when what a resource refers to leads back to it."""
        waiting = [target for target in targets if target.startswith(RESOURCE)]
        if waiting:
            self._resources.refer_alone(tx)
        seen: set[str] = set()
        while waiting:
            target = waiting.pop().removeprefix(RESOURCE)
            if target == path:
                raise ResourceInvalid("value", "what it refers to leads back to itself.")
            if target not in seen:
                seen.add(target)
                further = self._resources.targets(tx, target)
                waiting += [one for one in further if one.startswith(RESOURCE)]

    def _found(self, tx: Tx, path: str, *, lock: bool = False) -> Resource:
        resource = self._resources.find(tx, path, lock=lock)
        if resource is None:
            raise ResourceNotFound(path)
        return resource

    def _resolved(self, tx: Tx, value: Any, actor: Actor) -> Resolved:
        resolving = Resolving(tx, self._values, self._resources, actor)
        try:
            plain = resolving.plain(value, ())
        except RecursionError:
            raise ReferenceInvalid(("value",), "it is nested too deeply.") from None
        return Resolved(value=plain, secrets=tuple(resolving.secrets))


class Resolving:
    """One value on its way; each reference is read once, however often it is there."""

    def __init__(self, tx: Tx, values: Values, resources: ResourceRepository, actor: Actor) -> None:
        self._tx = tx
        self._values = values
        self._resources = resources
        self._actor = actor
        self._rules = FolderRules()
        self._count = 0
        self.secrets: list[str] = []

    def plain(self, value: Any, way: tuple[str, ...]) -> Any:
        """Return `value` without references; `way` are those that led here."""
        if is_reference(value):
            return self._meant(value, (*way, value))
        if isinstance(value, dict):
            return {name: self.plain(one, way) for name, one in value.items()}
        if isinstance(value, list):
            return [self.plain(one, way) for one in value]
        return value

    def _meant(self, reference: str, way: tuple[str, ...]) -> Any:
        if reference in way[:-1]:
            raise ReferenceInvalid(way, "this leads back to itself.")
        if len(way) > depth_max:
            raise ReferenceInvalid(way, f"{depth_max} references after each other are the limit.")
        self._count += 1
        if self._count > references_max:
            raise ReferenceInvalid(way, f"{references_max} references are the limit.")
        if reference.startswith(VARIABLE):
            return self._variable(reference.removeprefix(VARIABLE), way)
        path = reference.removeprefix(RESOURCE)
        self._rules.check(self._tx, path, Level.RUN, self._actor)
        resource = self._resources.find(self._tx, path)
        if resource is None:
            raise ReferenceInvalid(way, "there is no such resource.")
        return self.plain(msgspec.json.decode(resource.value), way)

    def _variable(self, path: str, way: tuple[str, ...]) -> str:
        try:
            variable, value = self._values.read(self._tx, path, actor=self._actor)
        except VariableNotFound:
            raise ReferenceInvalid(way, "there is no such variable.") from None
        if variable.is_secret and value not in self.secrets:
            self.secrets.append(value)
        return value


class ResourceTypeService:
    """Use cases of types."""

    def __init__(self, tenants: Database) -> None:
        self._database = tenants
        self._types = ResourceTypeRepository()
        self._resources = ResourceRepository()
        self._schemas = Arguments()
        self._rules = FolderRules()

    async def get(self, name: str, *, actor: Actor) -> ResourceType:
        """Return a type, built in or the tenant's own; raises `ResourceTypeNotFound`."""
        if name in BUILT_IN:
            return BUILT_IN[name]
        return await self._database.read(actor.tenant_id, lambda tx: self._found(tx, name))

    async def list(self, page: PageRequest, *, actor: Actor) -> Page[ResourceType]:
        """Return types by name, those built in among them."""
        after = after_text(page) or ""
        own = await self._database.read(
            actor.tenant_id,
            lambda tx: self._types.page(tx, after=after, limit=page.limit_plus_one),
        )
        found = [*own, *(one for name, one in BUILT_IN.items() if name > after)]
        found.sort(key=lambda one: one.name)
        return page_of(found[: page.limit_plus_one], page, lambda one: (one.name,))

    async def put(
        self,
        name: str,
        schema: dict[str, Any],
        *,
        description: str,
        expected_version: int | None,
        actor: Actor,
    ) -> ResourceType:
        """Make a type, or change it; resources that are there keep their values."""
        check_type_name(name)
        check_own(schema)
        encoded = msgspec.json.encode(schema, order="sorted").decode()
        try:
            self._schemas.mismatch(encoded, {})
        except ValueError as error:
            raise ResourceTypeInvalid("schema", "it is no JSON Schema.") from error
        by = actor.user_id or actor.id

        def use_case(tx: Tx) -> ResourceType:
            before = self._types.find(tx, name, lock="UPDATE")
            check_found(before, expected_version)
            if before is None and len(self._types.page(tx, after="", limit=types_max)) == types_max:
                raise ResourceTypeInvalid("name", f"there are {types_max} already, the limit.")
            self._types.put(tx, name, schema=encoded, description=description, by=by)
            tx.audit("jobs.resource_types.put", by=actor, resource=f"resource-type:{name}",
                     before=None if before is None else before.schema, after=encoded)  # fmt: skip
            after = self._found(tx, name)
            check_written(after, expected_version)
            return after

        return await self._database.write(actor.tenant_id, use_case)

    async def delete(self, name: str, *, expected_version: int | None = None, actor: Actor) -> None:
        """Delete a type that no resource has; raises `ResourceTypeInUse`."""

        def use_case(tx: Tx) -> None:
            before = self._found(tx, name, lock="UPDATE")
            check_found(before, expected_version)
            paths = self._resources.of_type(tx, name)
            if paths:
                seen = self._rules.seen(tx, paths, actor)
                raise ResourceTypeInUse(name, seen, len(paths) - len(seen))
            self._types.delete(tx, name)
            tx.audit("jobs.resource_types.delete", by=actor, resource=f"resource-type:{name}",
                     before=before.schema)  # fmt: skip

        await self._database.write(actor.tenant_id, use_case)

    def _found(self, tx: Tx, name: str, *, lock: str = "") -> ResourceType:
        found = self._types.find(tx, name, lock=lock)
        if found is None:
            raise ResourceTypeNotFound(name)
        return found
