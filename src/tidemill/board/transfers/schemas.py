"""How transfers look on the wire."""

from __future__ import annotations

from typing import Annotated, Self

from msgspec import UNSET, Meta, UnsetType

from tidemill.board.transfers.models import Children, Transfer, Transferred
from tidemill.board.work_items.schemas import Version, WorkItemView
from tidemill.http import Body, View


class CreateTransfer(Body, frozen=True, kw_only=True):
    """Takes an item to another project, where it gets a new number and stands last."""

    project_id: Annotated[
        str, Meta(description="The id or key of the project that it goes to.", examples=["SEA"])
    ]
    children: Annotated[
        Children | None,
        Meta(
            description="Whether the items below it go along, or stay without a parent; to be "
            "said where there are any."
        ),
    ] = None
    parent_id: (
        Annotated[
            str | None,
            Meta(
                description="The id or key of its parent there, null for none; to be said where "
                "it has a parent."
            ),
        ]
        | UnsetType
    ) = UNSET
    expected_version: Version | UnsetType = UNSET


class TransferredItemView(View, frozen=True, kw_only=True):
    """An item that went, and what of it belongs to the old project and stayed there."""

    id: str
    old_key: str
    key: str
    version: int
    status_left: str | None
    labels_left: list[str]
    custom_fields_left: list[str]
    sprint_left: str | None
    external_id_left: str | None

    @classmethod
    def of(cls, item: Transferred) -> Self:
        """Return the view of `item`."""
        return cls(
            id=item.id,
            old_key=item.old_key,
            key=item.key,
            version=item.version,
            status_left=item.status_left,
            labels_left=list(item.labels_left),
            custom_fields_left=list(item.custom_fields_left),
            sprint_left=item.sprint_left,
            external_id_left=item.external_id_left,
        )


class TransferView(View, frozen=True, kw_only=True):
    """The item in its new project, and all that went with it or was parted from it.

    `items` is empty when it was there already.
    """

    work_item: WorkItemView
    items: list[TransferredItemView]
    children_left: list[str]
    parent_left: str | None

    @classmethod
    def of(cls, made: Transfer) -> Self:
        """Return the view of `made`."""
        return cls(
            work_item=WorkItemView.of(made.item),
            items=[TransferredItemView.of(item) for item in made.items],
            children_left=list(made.children_left),
            parent_left=made.parent_left,
        )
