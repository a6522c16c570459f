"""What it means for a work item to go to another project."""

from __future__ import annotations

from enum import StrEnum
from typing import Final

from msgspec import UNSET, Struct, UnsetType

from tidemill.board.contract import WorkItemId
from tidemill.board.transfer_facts import Rekeyed
from tidemill.board.work_items.models import WorkItem
from tidemill.board.workflows.models import CLOSED, Category, Workflow

items_per_transfer_max: Final = 500


class Children(StrEnum):
    """What becomes of the items below one that goes to another project."""

    TAKE = "take"
    LEAVE = "leave"


class NewTransfer(Struct, frozen=True, kw_only=True):
    """Where an item shall go; project and parent by id or key.

    `parent` is the one that it shall have there, null for none; unset it must have none already.
    """

    project: str
    children: Children | None = None
    parent: str | UnsetType | None = UNSET


class Transferred(Struct, frozen=True, kw_only=True):
    """An item that went, and what of it was the old project's and stayed behind there.

    `status_left` is one that the new project does not have; `labels_left` are names of labels that
    it has none of the same name for, and `custom_fields_left` keys of fields that it has no fitting
    one for.
    """

    id: WorkItemId
    old_key: str
    key: str
    version: int
    status_left: str | None = None
    labels_left: tuple[str, ...] = ()
    custom_fields_left: tuple[str, ...] = ()
    sprint_left: str | None = None
    external_id_left: str | None = None

    def rekeyed(self) -> Rekeyed:
        """Return what facts carry of it."""
        return Rekeyed(id=self.id, old_key=self.old_key, key=self.key, version=self.version)


class Transfer(Struct, frozen=True, kw_only=True):
    """The item where it is now, all living items that went, and what they were parted from.

    `items` is empty when the item was there already. `children_left` are keys of items that have
    no parent now, and `parent_left` is the key of the parent that stayed.
    """

    item: WorkItem
    items: tuple[Transferred, ...] = ()
    children_left: tuple[str, ...] = ()
    parent_left: str | None = None


def status_in(workflow: Workflow, status: str, category: str | None) -> str:
    """Return the status of an item in another workflow: its own, or the first that means the same.

    What is closed stays closed.
    """
    if status in workflow.categories:
        return status
    if category is None:
        return workflow.initial
    meant = Category(category)
    return workflow.first_of(meant) or (workflow.closing if meant in CLOSED else workflow.initial)
