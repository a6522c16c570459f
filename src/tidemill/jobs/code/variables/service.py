"""What one can do with variables and secrets."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import Final

from tidemill.core.actor import Actor, ActorKind
from tidemill.core.pages import Page, PageRequest, page_of
from tidemill.core.ports import Database, Once, Tx
from tidemill.core.sealing import Reseal, Sealed
from tidemill.http import check_found, check_written
from tidemill.jobs.code.variables.models import (
    Rotation,
    SecretKey,
    Variable,
    checked_value,
    resource_path,
    variables_max,
)
from tidemill.jobs.code.variables.repository import SecretKeyRepository, VariableRepository
from tidemill.jobs.code.variables.sealing import MasterKeys
from tidemill.jobs.folders.models import Level
from tidemill.jobs.folders.service import FolderRules
from tidemill.jobs.references import VARIABLE
from tidemill.jobs.resource_errors import (
    SecretLocked,
    SecretNotForToken,
    VariableInUse,
    VariableInvalid,
    VariableNotFound,
)

_batch: Final = 200
UsersOf = Callable[[str, Actor], Awaitable[Sequence[str]]]
"""Returns what refers to `$var:PATH` or `$res:PATH` in another store."""
_READING_SCOPES: Final = frozenset({"write", "admin"})


class VariableService:
    """Use cases of variables and secrets."""

    def __init__(self, tenants: Database, values: Values) -> None:
        self._database = tenants
        self._values = values
        self._users: list[UsersOf] = []
        self._variables = VariableRepository()
        self._rules = FolderRules()

    def on_delete(self, users_of: UsersOf) -> None:
        """Ask `users_of` what refers to a variable in another store before that goes."""
        self._users.append(users_of)

    async def get(self, path: str, *, actor: Actor) -> Variable:
        """Return a variable, without opening what is sealed; raises `VariableNotFound`."""
        wanted = path.strip("/")

        def use_case(tx: Tx) -> Variable:
            self._rules.check(tx, wanted, Level.READ, actor)
            return self._found(tx, wanted)

        return await self._database.read(actor.tenant_id, use_case)

    async def list(self, page: PageRequest, *, actor: Actor) -> Page[Variable]:
        """Return variables by path that the actor may see."""

        def use_case(tx: Tx) -> list[Variable]:
            return self._rules.visible(
                tx,
                lambda after, limit: self._variables.page(tx, after=after, limit=limit),
                lambda variable: variable.path,
                page,
                actor,
            )

        found = await self._database.read(actor.tenant_id, use_case)
        return page_of(found, page, lambda variable: (variable.path,))

    async def value(self, path: str, *, actor: Actor) -> tuple[Variable, str]:
        """Return a variable with its value, opened; reading a secret is audited."""
        wanted = path.strip("/")
        check_reader(actor)
        return await self._database.write(
            actor.tenant_id, lambda tx: self._values.read(tx, wanted, actor=actor)
        )

    async def put(
        self,
        path: str,
        value: str,
        *,
        is_secret: bool | None,
        description: str,
        expected_version: int | None,
        actor: Actor,
    ) -> Variable:
        """Make a variable, or change it; what is a secret stays one unless it is said."""
        place, text = resource_path(path), checked_value(value)

        def use_case(tx: Tx) -> Variable:
            self._rules.check(tx, place, Level.WRITE, actor)
            before = self._variables.find(tx, place, lock=True)
            check_found(before, expected_version)
            if before is None and self._variables.count(tx) >= variables_max:
                raise VariableInvalid("path", f"there are {variables_max} already, the limit.")
            secret = is_secret if is_secret is not None else before is not None and before.is_secret
            kept, key_id = self._values.sealed(tx, place, text) if secret else (text, None)
            by = actor.user_id or actor.id
            self._variables.put(tx, place, kept, key_id=key_id, description=description, by=by)
            after = self._found(tx, place)
            check_written(after, expected_version)
            tx.audit(
                "jobs.variables.put",
                by=actor,
                resource=f"variable:{place}",
                before=_told(before),
                after=_told(after),
            )
            return after

        return await self._database.write(actor.tenant_id, use_case)

    async def delete(self, path: str, *, expected_version: int | None = None, actor: Actor) -> None:
        """Delete a variable to which nothing refers; raises `VariableInUse`."""
        wanted = path.strip("/")
        target = f"{VARIABLE}{wanted}"
        elsewhere = [user for users_of in self._users for user in await users_of(target, actor)]

        def use_case(tx: Tx) -> None:
            self._rules.check(tx, wanted, Level.WRITE, actor)
            before = self._found(tx, wanted, lock=True)
            check_found(before, expected_version)
            users = [*self._variables.users(tx, wanted), *elsewhere]
            if users:
                raise VariableInUse(wanted, *self._rules.seen_users(tx, users, actor))
            self._variables.delete(tx, wanted)
            tx.audit(
                "jobs.variables.delete",
                by=actor,
                resource=f"variable:{wanted}",
                before=_told(before),
            )

        await self._database.write(actor.tenant_id, use_case)

    async def rotate(
        self, *, renew: bool, actor: Actor, once: Once[Rotation] | None = None
    ) -> Rotation:
        """Seal the tenant's keys by the current master key; safe to repeat.

        With `renew` a new key of the tenant seals every secret again. The key of `once` stands for
        a rotation that came to its end: one that was cut off begins again.
        """
        if once is not None:
            first = await self._database.read(actor.tenant_id, lambda tx: tx.first_result(once))
            if first is not None:
                return first
        wrapped = await self._in_batches(
            actor, lambda tx: self._values.wrap_again(tx, limit=_batch)
        )
        sealed = 0
        if renew:
            key_id = await self._database.write(actor.tenant_id, self._values.renew_key)
            for reseal in self._values.reseals:
                sealed += await self._in_batches(actor, _batch_of(reseal, key_id))
        done = Rotation(keys_wrapped=wrapped, secrets_sealed=sealed)

        def tell(tx: Tx) -> Rotation:
            tx.audit("jobs.secrets.rotate", by=actor, resource="secrets:all", after=done)
            return done

        return await self._database.write(actor.tenant_id, tell, once=once)

    async def _in_batches(self, actor: Actor, some: Callable[[Tx], int]) -> int:
        total = 0
        # A tenant has so many secrets at most; who writes meanwhile does it with the new key.
        for _ in range(variables_max // _batch + 1):
            done = await self._database.write(actor.tenant_id, some)
            total += done
            if done < _batch:
                break
        return total

    def _found(self, tx: Tx, path: str, *, lock: bool = False) -> Variable:
        variable = self._variables.find(tx, path, lock=lock)
        if variable is None:
            raise VariableNotFound(path)
        return variable


class Values:
    """Reads and seals values; each reading of a secret leaves its line in the audit log."""

    def __init__(self, masters: MasterKeys) -> None:
        self._masters = masters
        self._rules = FolderRules()
        self._variables = VariableRepository()
        self._keys = SecretKeyRepository()
        self.reseals: list[Reseal] = [self.seal_again]

    def read(self, tx: Tx, path: str, *, actor: Actor) -> tuple[Variable, str]:
        """Return a variable and its value.

        Raises `FolderDenied`, `VariableNotFound` and `SecretLocked`.
        """
        self._rules.check(tx, path, Level.RUN, actor)
        variable = self._variables.find(tx, path)
        if variable is None:
            raise VariableNotFound(path)
        if variable.key_id is None:
            return variable, variable.value
        tx.audit("jobs.secrets.read", by=actor, resource=f"variable:{path}")
        return variable, self.opened(tx, variable)

    def opened(self, tx: Tx, secret: Variable) -> str:
        """Return the value of a secret."""
        return self.open(tx, secret.path, Sealed(secret.value, secret.key_id or ""))

    def open(self, tx: Tx, place: str, sealed: Sealed) -> str:
        """See `Sealing.open`."""
        key = self._keys.find(tx, sealed.key_id)
        if key is None:
            raise SecretLocked("its key is gone.")
        return self._masters.open(tx.tenant_id, key, place, sealed.text)

    def seal(self, tx: Tx, place: str, plain: str) -> Sealed:
        """See `Sealing.seal`."""
        return Sealed(*self.sealed(tx, place, plain))

    def on_renewal(self, reseal: Reseal) -> None:
        """See `Sealing.on_renewal`."""
        self.reseals.append(reseal)

    def sealed(self, tx: Tx, path: str, value: str) -> tuple[str, str]:
        """Return `value` sealed for its path, and the id of the key that did it."""
        key = self._keys.in_use(tx) or self.add_key(tx)
        return self._masters.seal(tx.tenant_id, key, path, value), key.id

    def add_key(self, tx: Tx) -> SecretKey:
        """Make a key for the tenant, which has none in use, and return it."""
        return self._keys.add(tx, self._masters.new_key(tx.tenant_id, tx.new_id()))

    def wrap_again(self, tx: Tx, *, limit: int) -> int:
        """Seal keys of former master keys by the current one; return how many there were."""
        found = self._keys.wrapped_otherwise(tx, self._masters.current_id, limit=limit)
        for key in found:
            self._keys.rewrap(tx, self._masters.wrapped_again(tx.tenant_id, key))
        return len(found)

    def renew_key(self, tx: Tx) -> str:
        """Let a new key seal from now on; return its id."""
        self._keys.retire(tx)
        return self.add_key(tx).id

    def seal_again(self, tx: Tx, key_id: str, limit: int) -> int:
        """Seal secrets of former keys by the one in use; return how many there were."""
        found = self._variables.sealed_otherwise(tx, key_id, limit=limit)
        for secret in found:
            value, used = self.sealed(tx, secret.path, self.opened(tx, secret))
            self._variables.reseal(tx, secret, value, used)
        return len(found)


def _batch_of(reseal: Reseal, key_id: str) -> Callable[[Tx], int]:
    return lambda tx: reseal(tx, key_id, _batch)


def check_reader(actor: Actor) -> None:
    """Return when `actor` may read values; raises `SecretNotForToken`."""
    narrow = actor.scopes is not None and not actor.scopes & _READING_SCOPES
    if narrow and actor.kind is not ActorKind.JOB:
        raise SecretNotForToken


def _told(variable: Variable | None) -> object:
    """Return what the audit log keeps: never the value, which may be what must not be seen."""
    if variable is None:
        return None
    return {
        "is_secret": variable.is_secret,
        "description": variable.description,
        "version": variable.version,
    }
