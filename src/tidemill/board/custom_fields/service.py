"""What one can do with custom fields."""

from __future__ import annotations

from collections.abc import Sequence

from msgspec import UNSET, structs

from tidemill.board.contract import ProjectId
from tidemill.board.custom_field_errors import (
    CustomFieldChanged,
    CustomFieldKeyTaken,
    CustomFieldNotFound,
    InvalidCustomValue,
    TooManyCustomFields,
)
from tidemill.board.custom_field_facts import (
    CustomFieldCreated,
    CustomFieldDeleted,
    CustomFieldId,
    CustomFieldUpdated,
)
from tidemill.board.custom_fields.models import (
    CustomField,
    CustomFieldChanges,
    FieldType,
    Given,
    NewCustomField,
    Rules,
    check_rules,
    check_type,
    renamed,
    valid_choices,
    valid_help,
    valid_key,
    valid_name,
    with_retired,
)
from tidemill.board.custom_fields.repository import CustomFieldRepository
from tidemill.board.custom_fields.values import check_bounds, valid_bound, valid_value
from tidemill.board.errors import ProjectIsArchived, ProjectNotFound
from tidemill.board.limits import BoardLimits
from tidemill.board.project_access.database import WalledDatabase
from tidemill.board.projects.repository import ProjectRepository
from tidemill.board.texts import is_uuid
from tidemill.board.versions import ANY_VERSION, Expected
from tidemill.core.actor import Actor
from tidemill.core.keysets import after_text
from tidemill.core.pages import Page, PageRequest, page_of
from tidemill.core.ports import Database, Once, Tx


class CustomFieldService:
    """Use cases of custom fields; a field is named by its id."""

    def __init__(self, tenants: Database, limits: BoardLimits) -> None:
        self._tenants = WalledDatabase(tenants)
        self._limits = limits
        self._fields = CustomFieldRepository()
        self._projects = ProjectRepository()

    async def create(
        self, new: NewCustomField, *, actor: Actor, once: Once[CustomField] | None = None
    ) -> CustomField:
        """Make a field of a project's items, or of all.

        Raises `CustomFieldKeyTaken`, `TooManyCustomFields` and `InvalidCustomField`.
        """
        key, name = valid_key(new.key), valid_name(new.name)
        rules = Rules(
            minimum=valid_bound(new.field_type, new.minimum, param="minimum"),
            maximum=valid_bound(new.field_type, new.maximum, param="maximum"),
            length_max=new.length_max,
            choices=valid_choices(new.field_type, new.choices),
        )
        _check(new.field_type, rules)

        def use_case(tx: Tx) -> CustomField:
            self._fields.lock_keys(tx)
            project_id = self._project(tx, new.project, write=True)
            by = actor.user_id or actor.id
            field = CustomField(
                id=CustomFieldId(tx.new_id()),
                project_id=project_id,
                key=key,
                name=name,
                field_type=new.field_type,
                help=valid_help(new.help),
                is_required=new.is_required,
                default=None,
                rules=rules,
                version=1,
                created_at=tx.now,
                created_by=by,
                updated_at=tx.now,
                updated_by=by,
            )
            field = self._with_default(tx, field, new.default)
            self._check_room(tx, field)
            self._fields.add(tx, field)
            tx.record(CustomFieldCreated(custom_field=field.state(), user_id=by), by=actor)
            _audit(tx, "create", field, by=actor, after=field.state())
            return field

        return await self._tenants.write(actor, use_case, once=once)

    async def get(self, field_id: str, *, actor: Actor) -> CustomField:
        """Return a field; raises `CustomFieldNotFound`."""
        return await self._tenants.read(actor, lambda tx: self._find(tx, field_id))

    async def list(
        self, page: PageRequest, *, project: str | None, actor: Actor
    ) -> Page[CustomField]:
        """Return fields, oldest first; of a project: those that its items have."""
        after = after_text(page)

        def use_case(tx: Tx) -> Sequence[CustomField]:
            project_id = self._project(tx, project)
            return self._fields.page(
                tx, project_id=project_id, after=after, limit=page.limit_plus_one
            )

        fields = await self._tenants.read(actor, use_case)
        return page_of(fields, page, lambda field: (field.id,))

    async def change(
        self,
        field_id: str,
        changes: CustomFieldChanges,
        expected: Expected = ANY_VERSION,
        *,
        actor: Actor,
        once: Once[CustomField] | None = None,
    ) -> CustomField:
        """Change what a field is called and what it takes; its values stay as they are.

        Raises `VersionChanged`, `CustomFieldChanged`, `CustomFieldTypeFixed` and
        `InvalidCustomField`.
        """

        def use_case(tx: Tx) -> CustomField:
            field = self._find(tx, field_id, lock=True)
            expected.check(field.version, CustomFieldChanged)
            check_type(field, changes.field_type)
            wanted = self._with_rules(tx, renamed(field, changes), changes)
            if changes.default is not UNSET:
                wanted = self._with_default(tx, wanted, changes.default)
            if wanted == field:
                return field
            saved = structs.replace(
                wanted,
                version=field.version + 1,
                updated_at=tx.now,
                updated_by=actor.user_id or actor.id,
            )
            if not self._fields.save(tx, saved):
                raise CustomFieldChanged(field.version, saved.version)
            told = CustomFieldUpdated(custom_field=saved.state(), user_id=actor.user_id)
            tx.record(told, by=actor)
            _audit(tx, "update", saved, by=actor, before=field.state(), after=saved.state())
            return saved

        return await self._tenants.write(actor, use_case, once=once)

    async def delete(
        self, field_id: str, expected: Expected = ANY_VERSION, *, actor: Actor
    ) -> None:
        """Delete a field and what items have there; its key may be used again."""

        def use_case(tx: Tx) -> None:
            field = self._find(tx, field_id, lock=True)
            expected.check(field.version, CustomFieldChanged)
            self._fields.delete(tx, field.id)
            told = CustomFieldDeleted(custom_field=field.state(), user_id=actor.user_id)
            tx.record(told, by=actor)
            _audit(tx, "delete", field, by=actor, before=field.state())

        await self._tenants.write(actor, use_case)

    def _with_rules(self, tx: Tx, field: CustomField, changes: CustomFieldChanges) -> CustomField:
        rules, type_ = field.rules, field.field_type
        minimum, maximum, choices = rules.minimum, rules.maximum, rules.choices
        if changes.minimum is not UNSET:
            minimum = valid_bound(type_, changes.minimum, param="minimum")
        if changes.maximum is not UNSET:
            maximum = valid_bound(type_, changes.maximum, param="maximum")
        if changes.choices is not UNSET:
            used = self._fields.used(tx, field.id)
            choices = with_retired(valid_choices(type_, changes.choices, choices), choices, used)
        length_max = rules.length_max if changes.length_max is UNSET else changes.length_max
        wanted = Rules(minimum=minimum, maximum=maximum, length_max=length_max, choices=choices)
        _check(type_, wanted)
        field = structs.replace(field, rules=wanted)
        # What new items would have may be allowed no longer.
        return field if wanted == rules else self._with_default(tx, field, field.default)

    def _with_default(self, tx: Tx, field: CustomField, default: Given) -> CustomField:
        try:
            value = valid_value(field, default)
            if value is not None and field.field_type is FieldType.USER:
                self._check_member(tx, field, value)
        except InvalidCustomValue as error:
            error.param = "default"
            raise
        return structs.replace(field, default=value)

    def _check_member(self, tx: Tx, field: CustomField, user_id: str) -> None:
        if not self._fields.is_member(tx, user_id):
            raise InvalidCustomValue(field.key, "The default is the id of no active member.")

    def _check_room(self, tx: Tx, field: CustomField) -> None:
        if self._fields.has_twin(tx, field.key, field.project_id):
            raise CustomFieldKeyTaken(field.key)
        count_max = self._limits.custom_fields_max
        if self._fields.count(tx, field.project_id) >= count_max:
            raise TooManyCustomFields(count_max, of_project=field.project_id is not None)

    def _find(self, tx: Tx, field_id: str, *, lock: bool = False) -> CustomField:
        field = self._fields.find(tx, field_id, lock=lock) if is_uuid(field_id) else None
        if field is None or not self._is_reachable(tx, field.project_id, write=lock):
            raise CustomFieldNotFound(field_id)
        return field

    def _is_reachable(self, tx: Tx, project_id: ProjectId | None, *, write: bool) -> bool:
        """Return whether the project of a field is there; raises `ProjectIsArchived`."""
        if project_id is None:
            return True
        project = self._projects.find(tx, project_id)
        if project is None or project.deleted_at is not None:
            return False
        if write and project.archived_at is not None:
            raise ProjectIsArchived(project.key)
        return True

    def _project(self, tx: Tx, reference: str | None, *, write: bool = False) -> ProjectId | None:
        if reference is None:
            return None
        project = self._projects.find(tx, reference)
        if project is None or project.deleted_at is not None:
            raise ProjectNotFound(reference, param="project_id")
        if write and project.archived_at is not None:
            raise ProjectIsArchived(project.key)
        return project.id


def _check(field_type: FieldType, rules: Rules) -> None:
    check_rules(field_type, rules)
    check_bounds(field_type, rules.minimum, rules.maximum)


def _audit(
    tx: Tx,
    verb: str,
    field: CustomField,
    *,
    by: Actor,
    before: object = None,
    after: object = None,
) -> None:
    tx.audit(
        f"board.custom_fields.{verb}",
        by=by,
        resource=f"custom-field:{field.id}",
        before=before,
        after=after,
    )
