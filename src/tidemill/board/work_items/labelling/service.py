"""Puts labels on items and shows them; each method works in the caller's transaction."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence

from msgspec import UNSET, structs

from tidemill.board.contract import LabelId, ProjectId
from tidemill.board.label_errors import (
    LabelNotFound,
    LabelOfAnotherProject,
    LabelsAmbiguous,
    TooManyLabels,
)
from tidemill.board.labels.models import (
    ItemLabel,
    Label,
    by_name,
    color_of,
    joined_ids,
    split_ids,
)
from tidemill.board.labels.repository import LabelRepository
from tidemill.board.labels.service import make
from tidemill.board.limits import BoardLimits
from tidemill.board.texts import name_key
from tidemill.board.work_items.models import WorkItem, WorkItemChanges
from tidemill.core.actor import Actor
from tidemill.core.ports import Tx


class Labelling:
    """Labels of items."""

    def __init__(self, limits: BoardLimits) -> None:
        self._limits = limits
        self._labels = LabelRepository()

    def shown(self, tx: Tx, items: Sequence[WorkItem]) -> list[WorkItem]:
        """Return items with their labels, which one statement looks up for all."""
        wanted = {label_id for item in items for label_id in split_ids(item.label_ids)}
        known = self._labels.shown(tx, wanted)
        return [
            structs.replace(
                item,
                labels=by_name(known[id_] for id_ in split_ids(item.label_ids) if id_ in known),
            )
            if item.label_ids
            else item
            for item in items
        ]

    def found(
        self, tx: Tx, project_id: ProjectId, references: Sequence[str], *, param: str = "labels"
    ) -> tuple[ItemLabel, ...]:
        """Return labels by id or name; of two with one name the project's own.

        Raises `LabelNotFound`, `LabelOfAnotherProject` and `TooManyLabels`.
        """
        self._check_count(len(references))
        known = self._labels.named(tx, references)
        chosen = (_chosen(known, reference, project_id, param) for reference in references)
        return by_name({label.id: label for label in chosen}.values())

    def check(self, tx: Tx, project_id: ProjectId | None, references: Sequence[str]) -> None:
        """Return when items can name these labels: of a project, or for None of any one.

        Raises what `found` raises.
        """
        if project_id is not None:
            self.found(tx, project_id, references)
            return
        self._check_count(len(references))
        known = self._labels.named(tx, references)
        for reference in references:
            if not _fitting(known, reference):
                raise LabelNotFound(reference, param="labels")

    def found_or_made(
        self, tx: Tx, project_id: ProjectId, names: Collection[str], *, by: Actor
    ) -> Mapping[str, ItemLabel]:
        """Return labels by the keys of their names; those that are not there are made."""
        by_key: dict[str, ItemLabel] = {}
        known = self._labels.named(tx, names)
        for name in names:
            key = name_key(name)
            if key in by_key:
                continue
            usable = [one for one in known if name_key(one.name) == key]
            label = _own_first(usable, project_id) or _new(tx, project_id, name, by)
            if label not in known:
                make(tx, label, by=by)
            by_key[key] = ItemLabel(label.id, label.name, label.color)
        return by_key

    def save_all(self, tx: Tx, items: Iterable[WorkItem]) -> None:
        """Write which labels new items bear."""
        pairs = [(item.id, label_id) for item in items for label_id in split_ids(item.label_ids)]
        if pairs:
            self._labels.bear(tx, pairs)

    def candidates(self, tx: Tx, reference: str, project_id: ProjectId | None) -> list[LabelId]:
        """Return the labels that a filter means; raises `LabelNotFound`."""
        found = [
            label.id
            for label in self._labels.named(tx, [reference])
            if project_id is None or label.project_id in {None, project_id}
        ]
        if not found:
            raise LabelNotFound(reference, param="label")
        return sorted(found)

    def changed(self, tx: Tx, item: WorkItem, changes: WorkItemChanges) -> WorkItem:
        """Return `item`, which shows its labels, with others."""
        edits = (*changes.add_labels, *changes.remove_labels)
        if changes.labels is UNSET and not edits:
            return item
        if changes.labels is not UNSET and edits:
            raise LabelsAmbiguous
        if changes.labels is not UNSET:
            wanted = self.found(tx, item.project_id, changes.labels or ())
            hidden: set[LabelId] = set()
        else:
            added = self.found(tx, item.project_id, changes.add_labels, param="add_labels")
            removed = self.found(tx, item.project_id, changes.remove_labels, param="remove_labels")
            gone = {label.id for label in removed}
            kept = {label.id: label for label in (*item.labels, *added) if label.id not in gone}
            wanted = by_name(kept.values())
            # Those that are deleted come back to the item with their restoration.
            hidden = set(split_ids(item.label_ids)) - {label.id for label in item.labels}
        self._check_count(len(wanted))
        if wanted == item.labels:
            return item
        ids = joined_ids((*wanted, *(ItemLabel(id_, "", "") for id_ in hidden)))
        return structs.replace(item, labels=wanted, label_ids=ids)

    def in_project(
        self, tx: Tx, item: WorkItem, project_id: ProjectId
    ) -> tuple[WorkItem, tuple[str, ...]]:
        """Return `item` with what it can bear in another project, and the names that it loses.

        For a label of its own project one of the same name takes its place.
        """
        born = self._labels.by_ids(tx, split_ids(item.label_ids))
        foreign = [one for one in born if one.project_id not in {None, project_id}]
        if not foreign:
            return item, ()
        living = [one for one in foreign if one.deleted_at is None]
        known = self._labels.named(tx, [one.name for one in living])
        kept = {one.id: one for one in born if one not in foreign}
        lost = []
        for label in living:
            same = [one for one in known if name_key(one.name) == name_key(label.name)]
            twin = _own_first(same, project_id)
            if twin is None:
                lost.append(label.name)
            else:
                kept[twin.id] = twin
        borne = [(one, ItemLabel(one.id, one.name, one.color)) for one in kept.values()]
        labels = by_name(shown for one, shown in borne if one.deleted_at is None)
        ids = joined_ids(shown for _, shown in borne)
        return structs.replace(item, labels=labels, label_ids=ids), tuple(sorted(lost))

    def save(self, tx: Tx, old: WorkItem | None, new: WorkItem) -> None:
        """Write which labels `new` bears more or less than `old`, for those who look for them."""
        before = set(split_ids(old.label_ids)) if old is not None else set()
        after = set(split_ids(new.label_ids))
        if added := sorted(after - before):
            self._labels.bear(tx, [(new.id, label_id) for label_id in added])
        if removed := sorted(before - after):
            self._labels.shed(tx, [(new.id, label_id) for label_id in removed])

    def _check_count(self, count: int) -> None:
        if count > self._limits.labels_per_item_max:
            raise TooManyLabels(count, self._limits.labels_per_item_max)


def _chosen(known: Sequence[Label], reference: str, project_id: ProjectId, param: str) -> ItemLabel:
    fitting = _fitting(known, reference)
    label = _own_first(fitting, project_id)
    if label is None:
        if any(label.id == reference.lower() for label in fitting):
            raise LabelOfAnotherProject(fitting[0].name)
        raise LabelNotFound(reference, param=param)
    return ItemLabel(label.id, label.name, label.color)


def _fitting(known: Sequence[Label], reference: str) -> list[Label]:
    key, id_ = name_key(reference.strip()), reference.lower()
    return [label for label in known if label.id == id_ or name_key(label.name) == key]


def _own_first(labels: Sequence[Label], project_id: ProjectId) -> Label | None:
    own = (label for label in labels if label.project_id == project_id)
    return next(own, next((label for label in labels if label.project_id is None), None))


def _new(tx: Tx, project_id: ProjectId, name: str, by: Actor) -> Label:
    author = by.user_id or by.id
    return Label(
        id=LabelId(tx.new_id()),
        project_id=project_id,
        name=name,
        color=color_of(name),
        description=None,
        version=1,
        created_at=tx.now,
        created_by=author,
        updated_at=tx.now,
        updated_by=author,
    )
