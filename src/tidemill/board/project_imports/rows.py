"""What an item of a document makes here, with all that belongs to it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from functools import partial
from typing import Final

from msgspec import Struct, structs

from tidemill.board import markdown
from tidemill.board.attachments.models import type_of_kept
from tidemill.board.attachments.names import clean_name
from tidemill.board.comments.models import Text, valid_content, valid_emoji
from tidemill.board.custom_fields.models import CustomField, FieldType, Rules
from tidemill.board.custom_fields.values import Held, valid_value
from tidemill.board.dependencies.models import DependencyType
from tidemill.board.labels.models import valid_name
from tidemill.board.limits import BoardLimits
from tidemill.board.project_documents.models import ItemPart
from tidemill.board.project_documents.parts import CommentPart, FilePart, TimePart
from tidemill.board.project_imports.archives import FoundFile
from tidemill.board.project_imports.models import Known, WrongPart
from tidemill.board.project_imports.planned import PlannedFrame
from tidemill.board.project_imports.trying import Trying
from tidemill.board.texts import item_key, single_line
from tidemill.board.time_tracking.models import TimeSource, valid_time_description
from tidemill.board.time_tracking.spans import Span, day_of, entry_seconds_max
from tidemill.board.watchers.models import WatchState
from tidemill.board.work_items.models import (
    Priority,
    estimate_seconds_max,
    valid_dates,
    valid_description,
    valid_points,
    valid_title,
)
from tidemill.core.clock import MICROSECONDS_PER_DAY, MICROSECONDS_PER_SECOND, Instant

_external_id_chars_max: Final = 200
# Numbers that follow must still be numbers of keys.
_number_max: Final = 1_000_000_000_000


class PlannedComment(Struct, frozen=True, kw_only=True):
    """A comment as it is written; whoever is meant stands as an id."""

    author: str
    text: Text
    created_at: Instant
    updated_at: Instant
    reply_to: int | None
    revisions: Sequence[tuple[str, Instant, str]]
    reactions: Sequence[tuple[str, str]]


class PlannedTime(Struct, frozen=True, kw_only=True):
    """A time entry as it is written."""

    user_id: str
    span: Span
    description: str | None
    source: TimeSource


class PlannedFile(Struct, frozen=True, kw_only=True):
    """A file whose bytes came along."""

    name: str
    media_type: str
    size: int
    sha256: str
    created_at: Instant
    created_by: str


class PlannedItem(Struct, frozen=True, kw_only=True):
    """An item as it is written; ids of what the import makes are not known yet."""

    part: ItemPart
    place: int
    number: int
    parent: int | None
    title: str
    description: str | None
    external_id: str | None
    labels: Sequence[str]
    assignee: Known | None
    custom_values: Sequence[Held]
    archived_at: Instant | None
    started_at: Instant | None
    completed_at: Instant | None
    created_at: Instant
    updated_at: Instant
    watchers: Mapping[str, WatchState]
    comments: Sequence[PlannedComment]
    times: Sequence[PlannedTime]
    files: Sequence[PlannedFile]
    files_missing: int


class RowPlanner:
    """Decides what becomes of items; `who` are those whom the document names."""

    def __init__(
        self,
        frame: PlannedFrame,
        who: Mapping[str, Known],
        found: Mapping[str, FoundFile],
        rules: tuple[BoardLimits, Sequence[str]],
    ) -> None:
        self._frame = frame
        self._who = who
        self._found = found
        self._limits, self._types = rules
        self._statuses = frame.workflow.categories
        self._sprints = {sprint.called for sprint in frame.sprints}
        self.wrong: dict[int, WrongPart] = {}

    def plan(self, place: int, part: ItemPart, document_key: str) -> PlannedItem:
        """Return what an item makes; what is wrong with it is in `wrong`."""
        trying = Trying(f"items[{place}]", part.key)
        limits = self._limits
        key = item_key(part.key)
        if key is None or key[0] != document_key or key[1] >= _number_max:
            trying.refuse("key", part.key, "this is no key of the project.", f"{document_key}-1")
        above = None if part.parent is None else item_key(part.parent)
        title = trying.take("title", partial(valid_title, part.title, limits), "a title")
        description = trying.take(
            "description", partial(valid_description, part.description, limits), "a text"
        )
        self._check_words(part, trying)
        trying.take("points", partial(valid_points, part.points), "points, or null")
        _check_estimate(part, trying)
        trying.take(
            "due_date",
            partial(valid_dates, part.start_date, part.due_date),
            "no day before the start",
        )
        files, missing = self._files(part, trying)
        item = PlannedItem(
            part=part,
            place=place,
            number=0 if key is None else key[1],
            parent=above[1] if above is not None and above[0] == document_key else None,
            title=title or "",
            description=description,
            external_id=_external_id(part, trying),
            labels=self._labels(part, trying),
            assignee=None if part.assignee is None else self._who[part.assignee],
            custom_values=self._custom_values(part, trying),
            archived_at=trying.instant_or_none("archived_at", part.archived_at),
            started_at=trying.instant_or_none("started_at", part.started_at),
            completed_at=trying.instant_or_none("completed_at", part.completed_at),
            created_at=trying.instant("created_at", part.created_at),
            updated_at=trying.instant("updated_at", part.updated_at),
            watchers=self._watchers(part, trying),
            comments=[self._comment(at, part, trying) for at in range(len(part.comments))],
            times=[self._time(at, one, trying) for at, one in enumerate(part.time_entries)],
            files=files,
            files_missing=missing,
        )
        for wrong in trying.wrong():
            self.wrong[place] = wrong
        return item

    def _check_words(self, part: ItemPart, trying: Trying) -> None:
        kinds = self._frame.kinds
        if kinds.get(part.item_type) is None:
            known = ", ".join(kinds.offered)
            trying.refuse("item_type", part.item_type, "there is no such kind.", f"one of: {known}")
        if part.status not in self._statuses:
            known = ", ".join(self._statuses)
            trying.refuse("status", part.status, "there is no such status.", f"one of: {known}")
        if part.priority not in set(Priority):
            known = ", ".join(Priority)
            trying.refuse("priority", part.priority, "there is no such one.", f"one of: {known}")
        if part.sprint is not None and part.sprint not in self._sprints:
            trying.refuse("sprint", part.sprint, "no sprint is called so.", "one of `sprints`")
        for link in part.links:
            if link.type not in set(DependencyType):
                known = ", ".join(DependencyType)
                trying.refuse("links", link.type, "there is no such type.", f"one of: {known}")
        if any(item_key(former) is None for former in part.former_keys):
            trying.refuse("former_keys", None, "one is no key.", "keys such as TM-1")

    def _labels(self, part: ItemPart, trying: Trying) -> list[str]:
        most = self._limits.labels_per_item_max
        if len(part.labels) > most:
            trying.refuse("labels", None, f"there are {len(part.labels)}.", f"at most {most}")
        names = (
            trying.take("labels", partial(valid_name, name, self._limits), "names of labels")
            for name in part.labels
        )
        return [name for name in names if name is not None]

    def _custom_values(self, part: ItemPart, trying: Trying) -> list[Held]:
        found = []
        for key, raw in part.custom_fields.items():
            field = self._frame.custom_fields.get(key)
            if field is None:
                trying.refuse(f"custom_fields.{key}", raw, "there is no such field.", "its key")
                continue
            value = trying.take(
                f"custom_fields.{key}", partial(self._custom_value, field, raw), "a value"
            )
            if value is not None:
                found.append(Held(key, field.field_type, value))
        return found

    def _custom_value(self, field: CustomField, raw: str) -> str | None:
        person = self._who.get(raw) if field.field_type is FieldType.USER else None
        given = raw if person is None else person.id
        # A value may be older than the bounds of its field, and stays as it is.
        free = structs.replace(field, rules=Rules(choices=field.rules.choices))
        return valid_value(free, given, current=given)

    def _watchers(self, part: ItemPart, trying: Trying) -> dict[str, WatchState]:
        states = {state.value: state for state in WatchState}
        found = {}
        for one in part.watchers:
            if one.state in states:
                found[self._who[one.person].id] = states[one.state]
            else:
                trying.refuse("watchers", one.state, "there is no such state.", ", ".join(states))
        return found

    def _comment(self, at: int, item: ItemPart, trying: Trying) -> PlannedComment:
        part, path = item.comments[at], f"comments[{at}]"
        content = trying.take(path, partial(valid_content, part.content, self._limits), "a comment")
        mentions = {word: self._who[one].id for word, one in part.mentions.items()}
        if part.reply_to is not None and not self._is_first(item.comments, part.reply_to, at):
            trying.refuse(
                f"{path}.reply_to", str(part.reply_to), "no thread begins there.", "a place"
            )
        made_at = trying.instant(path, part.at)
        return PlannedComment(
            author=self._who[part.author].id,
            text=Text(
                content=content or "",
                html=markdown.render(content or "", mentions),
                renderer=markdown.RENDERER,
                mentions=mentions,
            ),
            created_at=made_at,
            updated_at=trying.instant_or_none(path, part.edited_at) or made_at,
            reply_to=part.reply_to,
            revisions=self._revisions(part, path, trying),
            reactions=self._reactions(part, path, trying),
        )

    def _is_first(self, comments: Sequence[CommentPart], place: int, at: int) -> bool:
        return 0 <= place < at and comments[place].reply_to is None

    def _revisions(
        self, part: CommentPart, path: str, trying: Trying
    ) -> list[tuple[str, Instant, str]]:
        return [
            (
                trying.take(
                    f"{path}.revisions",
                    partial(valid_content, one.content, self._limits),
                    "a comment",
                )
                or "",
                trying.instant(f"{path}.revisions", one.at),
                self._who[one.by].id,
            )
            for one in part.revisions
        ]

    def _reactions(self, part: CommentPart, path: str, trying: Trying) -> list[tuple[str, str]]:
        found = []
        for one in part.reactions:
            emoji = trying.take(f"{path}.reactions", partial(valid_emoji, one.emoji), "an emoji")
            if emoji is not None:
                found.append((emoji, self._who[one.person].id))
        return found

    def _time(self, at: int, part: TimePart, trying: Trying) -> PlannedTime:
        path = f"time_entries[{at}]"
        sources = {source.value: source for source in TimeSource}
        if part.source not in sources:
            trying.refuse(path, part.source, "there is no such source.", ", ".join(sources))
        started = trying.instant(path, part.started_at)
        ended = trying.instant_or_none(path, part.ended_at)
        source = sources.get(part.source, TimeSource.MANUAL)
        span = Span(started, ended, None if part.date is None else day_of(part.date))
        most = entry_seconds_max if source is not TimeSource.JOB else None
        if span.seconds is not None and (span.seconds < 0 or (most and span.seconds > most)):
            trying.refuse(path, part.ended_at, "this is no end of it.", "at most 24 hours later")
        if any(moment and moment % MICROSECONDS_PER_SECOND for moment in (started, ended)):
            trying.refuse(path, part.started_at, "time is kept in whole seconds.", "no fraction")
        if part.date is not None and started != _midnight(part.date):
            trying.refuse(path, part.started_at, "this is not where its day begins.", "0:00 UTC")
        described = partial(valid_time_description, part.description, self._limits)
        return PlannedTime(
            user_id=self._who[part.person].id,
            span=span,
            description=trying.take(path, described, "a text"),
            source=source,
        )

    def _files(self, part: ItemPart, trying: Trying) -> tuple[list[PlannedFile], int]:
        found = []
        most = self._limits.attachments_per_item_max
        if len(part.attachments) > most:
            count = len(part.attachments)
            trying.refuse("attachments", None, f"there are {count}.", f"at most {most}")
        there = [one for one in part.attachments if one.sha256 in self._found]
        for at, one in enumerate(there):
            path = f"attachments[{at}]"
            made = trying.take(path, partial(self._file, one, path, trying), "a file that is taken")
            if made is not None:
                found.append(made)
        return found, len(part.attachments) - len(there)

    def _file(self, part: FilePart, path: str, trying: Trying) -> PlannedFile:
        file = self._found[part.sha256]
        if file.size != part.bytes or not file.size:
            trying.refuse(path, part.name, f"the file has {file.size} bytes.", f"{part.bytes}")
        name = clean_name(part.name, param="name")
        return PlannedFile(
            name=name,
            media_type=type_of_kept(name, file.head, self._types),
            size=file.size,
            sha256=part.sha256,
            created_at=trying.instant(path, part.at),
            created_by=self._who[part.by].id,
        )


def _check_estimate(part: ItemPart, trying: Trying) -> None:
    seconds = part.estimate_seconds
    if seconds is not None and not 0 <= seconds <= estimate_seconds_max:
        told = f"at most {estimate_seconds_max} seconds"
        trying.refuse("estimate_seconds", str(seconds), "this is no estimate.", told)


def _midnight(day: date) -> Instant:
    return Instant(day_of(day) * MICROSECONDS_PER_DAY)


def _external_id(part: ItemPart, trying: Trying) -> str | None:
    if part.external_id is None:
        return None
    rule = partial(
        single_line, part.external_id, param="external_id", chars_max=_external_id_chars_max
    )
    return trying.take("external_id", rule, f"at most {_external_id_chars_max} characters")
