"""Whom a document means: members here by their e-mail addresses, and names that stay names."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Final
from uuid import UUID, uuid5

from tidemill.board.custom_fields.models import FieldType
from tidemill.board.project_documents.models import ItemPart
from tidemill.board.project_documents.parts import PersonPart, SketchPart
from tidemill.board.project_imports.models import Known
from tidemill.board.project_imports.reading import ProjectDocument
from tidemill.board.texts import is_printed
from tidemill.core.ids import TenantId

name_chars_max: Final = 200
# Any constant will do: it makes the same id of the same person each time.
_NAMESPACE: Final = UUID("5b1f3f0e-6c0b-4c61-9f25-7f0b3f1f6a52")


def called_in(document: ProjectDocument) -> tuple[str, ...]:
    """Return what the document calls all whom it names, once each."""
    frame = document.frame
    keys = _user_keys(document)
    of_frame = (
        *(one.default for one in frame.custom_fields if one.key in keys and one.default),
        *(name for one in frame.templates for name in _of_sketch(one.item, keys)),
    )
    of_items = (name for _, item in document.items for name in _of_item(item, keys))
    return tuple(dict.fromkeys((*of_frame, *of_items)))


def who_is_who(
    called: Iterable[str],
    parts: Iterable[PersonPart],
    members: Mapping[str, Known],
    tenant_id: TenantId,
) -> dict[str, Known]:
    """Return whom each name means; `members` are those here, by the addresses of the document.

    Who is no member gets an id that no account has, and the same one in each import.
    """
    by_called = {part.called: part for part in parts}
    return {name: _known(name, by_called.get(name), members, tenant_id) for name in called}


def _known(
    called: str, part: PersonPart | None, members: Mapping[str, Known], tenant_id: TenantId
) -> Known:
    name, email = (called, None) if part is None else (part.name, part.email)
    if email is not None and email in members:
        return members[email]
    shown = " ".join(name.split())[:name_chars_max]
    if not shown or not is_printed(shown):
        shown = "?"
    id_ = uuid5(_NAMESPACE, f"{tenant_id} {email or ''} {shown}".casefold())
    return Known(str(id_), shown, is_member=False)


def _of_item(item: ItemPart, user_keys: frozenset[str]) -> Iterator[str]:
    yield from (item.created_by, item.updated_by)
    if item.assignee is not None:
        yield item.assignee
    yield from (value for key, value in item.custom_fields.items() if key in user_keys)
    yield from (one.person for one in item.watchers)
    yield from (one.person for one in item.time_entries)
    yield from (one.by for one in item.attachments)
    for comment in item.comments:
        yield comment.author
        yield from comment.mentions.values()
        yield from (one.by for one in comment.revisions)
        yield from (one.person for one in comment.reactions)


def _of_sketch(root: SketchPart, user_keys: frozenset[str]) -> Iterator[str]:
    left = [root]
    while left:
        sketch = left.pop()
        if sketch.assignee is not None:
            yield sketch.assignee
        for key, value in sketch.custom_fields.items():
            if key in user_keys and isinstance(value, str):
                yield value
        left += sketch.children


def _user_keys(document: ProjectDocument) -> frozenset[str]:
    fields = document.frame.custom_fields
    return frozenset(one.key for one in fields if one.field_type == FieldType.USER)
