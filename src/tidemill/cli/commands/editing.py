"""`tidemill items edit`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Final

import typer

from tidemill.cli.client import Client, connect, segment
from tidemill.cli.editors import EditedFile
from tidemill.cli.failures import AnsweredWithError, CommandFailed, ExitCode
from tidemill.cli.item_files import (
    DESCRIPTION,
    InvalidFile,
    Merge,
    Values,
    differing,
    names_of,
    read,
    together,
    written,
)
from tidemill.cli.lazy import group
from tidemill.cli.output import emit, note
from tidemill.cli.people import member_id_of
from tidemill.cli.sprint_names import sprint_id_of
from tidemill.cli.times import duration, seconds_of

editing_app = group("Change work items in an editor.")
rounds_max: Final = 20
_EDIT_CONFLICT: Final = "EDIT_CONFLICT"
_ITEM_GONE: Final = "WORK_ITEM_NOT_FOUND"
# What somebody else did wrong, or nobody: no other words in the file would help.
_FINAL: Final = frozenset({ExitCode.AUTH, ExitCode.UNREACHABLE})
_FIELD_NAMES: Final = {
    "assignee": "assignee_id",
    "estimate": "estimate_seconds",
    "start": "start_date",
    "due": "due_date",
    "parent": "parent_id",
    "sprint": "sprint_id",
}


@editing_app.command(examples=("tidemill items edit TM-1", "EDITOR=nano tidemill items edit TM-1"))
def edit(
    item: Annotated[str, typer.Argument(help="The item's key, such as TM-1, or its id.")],
) -> None:
    """Change a work item as a file in your editor: its fields, and its description below them.

    What others change meanwhile is kept where you did not change the same; else the file is opened
    again with both values. When anything fails, your text stays in a file that is named. Without a
    terminal, VISUAL or EDITOR must name a program that writes the file.
    """
    client = connect()
    base = _Item(client, client.get(f"/work-items/{segment(item)}"))
    file = EditedFile(base.key)
    editing = _Editing(client, base, file)
    try:
        changed = editing.run()
    except CommandFailed as error:
        if editing.kept():
            error.message = f"{error.message} Your text is in {file.path}."
        raise
    except KeyboardInterrupt:
        if editing.kept():
            note(f"Your text is in {file.path}.")
        raise
    file.remove()
    if changed is None:
        emit(base.answer, f"Nothing of {base.key} was changed.")
        return
    emit(changed, f"Changed {changed['key']}: version {changed['version']}.")


class _Item:
    """An item as the API answered it, and as its file says it."""

    def __init__(self, client: Client, answer: Mapping[str, Any]) -> None:
        self.answer = answer
        self.key: str = answer["key"]
        self.version: int = answer["version"]
        parent = answer["parent_id"]
        assignee, estimate = answer["assignee"], answer["estimate_seconds"]
        texts = {
            "title": answer["title"],
            "status": answer["status"],
            "priority": answer["priority"],
            "assignee": (assignee["name"] or assignee["id"]) if assignee else "",
            "labels": ", ".join(label["name"] for label in answer["labels"]),
            "points": answer["points"],
            "estimate": None if estimate is None else duration(estimate),
            "start": answer["start_date"],
            "due": answer["due_date"],
            "parent": client.get(f"/work-items/{parent}")["key"] if parent else None,
            "sprint": (answer["sprint"] or {}).get("name"),
            DESCRIPTION: answer["description"],
        }
        self.values: Values = {
            name: "" if text is None else str(text) for name, text in texts.items()
        }


class _Editing:
    """Hands the file out until what comes back is stored, or is what was handed out."""

    def __init__(self, client: Client, base: _Item, file: EditedFile) -> None:
        self._client = client
        self._base = base
        self._file = file
        self._first = written(base.values, self._remarks())
        self._mine = base.values

    def kept(self) -> bool:
        """Return whether the file holds anything of one's own; it is removed where it does not."""
        if not self._file.holds(self._first):
            return True
        self._file.remove()
        return False

    def run(self) -> Mapping[str, Any] | None:
        """Return the changed item, None where nothing was changed; raises `CommandFailed`."""
        text = self._first
        trouble: CommandFailed | None = None
        for _ in range(rounds_max):
            handed, text = text, self._file.edited(text)
            if text == handed:
                if trouble is None:
                    return None
                raise trouble
            try:
                mine = read(text)
            except InvalidFile as error:
                trouble = CommandFailed(str(error), ExitCode.USAGE)
                text = _with_remark(text, str(error))
                continue
            if not differing(self._base.values, mine):
                return None
            before = self._base
            try:
                return self._stored(mine)
            except _Overlapping as overlap:
                trouble, text = overlap, overlap.text
            except CommandFailed as error:
                if _is_final(error):
                    raise
                if self._base is not before:
                    text = written(self._mine, self._remarks())
                trouble, text = error, _with_remark(text, error.message)
        raise trouble or CommandFailed("The file was handed out too often.")

    def _stored(self, mine: Values) -> Mapping[str, Any]:
        """Send what differs, merged with what others did meanwhile; raises `_Overlapping`."""
        for _ in range(rounds_max):
            self._mine = mine
            differences = differing(self._base.values, mine)
            if not differences:
                return self._base.answer
            body = {**self._body(differences), "base_version": self._base.version}
            try:
                changed: Mapping[str, Any] = self._client.patch(self._path(), body)
            except AnsweredWithError as error:
                if error.code != _EDIT_CONFLICT:
                    raise
                mine = self._merged(mine, error)
                continue
            return changed
        raise CommandFailed("Others change the item all the time. Try again.", ExitCode.CONFLICT)

    def _merged(self, mine: Values, conflict: AnsweredWithError) -> Values:
        """Return what both changes make together, from the version of today on."""
        theirs = _Item(self._client, self._client.get(self._path()))
        whose = f"version {theirs.version}"
        both = together(self._base.values, mine, theirs.values, whose)
        self._base = theirs
        if both.overlapping:
            raise _Overlapping(conflict, self._with_both(both, whose))
        return both.values

    def _with_both(self, both: Merge, whose: str) -> str:
        told = f"Somebody changed {', '.join(both.overlapping)} meanwhile: choose one of both."
        return written(both.values, [told, *self._remarks()], both, whose)

    def _body(self, differences: Values) -> dict[str, Any]:
        body: dict[str, Any] = {}
        for name, text in differences.items():
            if name == "labels":
                before, after = names_of(self._base.values[name]), names_of(text)
                body["add_labels"] = [label for label in after if label not in before]
                body["remove_labels"] = [label for label in before if label not in after]
            else:
                body[_FIELD_NAMES.get(name, name)] = self._value(name, text)
        return body

    def _value(self, name: str, text: str) -> object:
        if not text:
            return None
        if name == "assignee":
            return member_id_of(self._client, text)
        if name == "sprint":
            return sprint_id_of(self._client, text, self._base.answer["project_id"])
        if name == "estimate":
            return seconds_of(text)
        if name == "points":
            if not (text.isascii() and text.isdigit()):
                raise CommandFailed(f"points: {text} is no whole number.", ExitCode.USAGE)
            return int(text)
        return text

    def _path(self) -> str:
        return f"/work-items/{self._base.answer['id']}"

    def _remarks(self) -> Sequence[str]:
        return (
            f"{self._base.key}, version {self._base.version}. The description follows below.",
            "An empty value clears a field; labels are separated by commas.",
        )


class _Overlapping(CommandFailed):
    """Both changed the same; `text` is the file with both values."""

    def __init__(self, conflict: AnsweredWithError, text: str) -> None:
        super().__init__(
            conflict.message, ExitCode.CONFLICT, code=conflict.code, param=conflict.param
        )
        self.text = text


def _is_final(error: CommandFailed) -> bool:
    """Return whether no other file would be stored either.

    Whatever else the file names and nobody finds, such as a member or a parent, has a `param` or
    another code than the item itself.
    """
    gone = error.code == _ITEM_GONE and error.param is None
    return gone or error.exit_code in _FINAL


def _with_remark(text: str, remark: str) -> str:
    """Return the file with what is wrong in its second line, in place of what was before."""
    first, *rest = text.split("\n")
    kept = rest[1:] if rest and rest[0].startswith(_WRONG) else rest
    return "\n".join([first, f"{_WRONG}{' '.join(remark.split())}", *kept])


_WRONG: Final = "# Not stored: "
