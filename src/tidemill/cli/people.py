"""Who is meant by what people type, and names of people in what commands print."""

from __future__ import annotations

import unicodedata
import uuid
from collections.abc import Mapping, Sequence
from typing import Any, Final

from tidemill.cli.client import Client, segment
from tidemill.cli.failures import (
    AnsweredWithError,
    CommandFailed,
    ExitCode,
    ServerUnreachable,
)

ME: Final = "me"
_candidates_max: Final = 5


def actor_id_of(client: Client, who: str | None) -> str | None:
    """Return the id of the member with an e-mail address; an id is returned as it is."""
    if who is None or "@" not in who:
        return who
    for member in client.pages("/members", limit=None):
        if str(member.get("email") or "").casefold() == who.casefold():
            return str(member["user_id"])
    raise CommandFailed(
        f"There is no member {who}. Of one who has left, or of a token, give the id.",
        ExitCode.NOT_FOUND,
    )


def member_id_of(client: Client, who: str | None) -> str | None:
    """Return the id of the member whom `who` names: an id, an address, a name, or `me`.

    Of names the whole one and the first word count, in any case, with an @ before it or not; an
    empty text, and None, are returned as they are. Raises `CommandFailed` where it names nobody,
    or more than one.
    """
    if not who or _is_id(who):
        return who
    if who == ME:
        return str(client.get("/auth/me")["user"]["id"])
    members = list(client.pages("/members", limit=None))
    for names in (_addresses, _ids, _names, _first_names):
        wanted = who.casefold() if names is _addresses else _folded(who)
        found = [member for member in members if wanted and wanted == names(member)]
        if len(found) == 1:
            return str(found[0]["user_id"])
        if found:
            raise CommandFailed(
                f"{who} could be {_told(found)}. Give the e-mail address or the id.",
                ExitCode.USAGE,
                code="MEMBER_AMBIGUOUS",
            )
    near = _near(members, who)
    hint = f"Did you mean {_told(near)}?" if near else "`tidemill members list` shows who there is."
    raise CommandFailed(
        f"There is no member {who}. {hint}", ExitCode.NOT_FOUND, code="MEMBER_NOT_FOUND"
    )


class Names:
    """The names of members by their ids, each asked for once; short ids of those who have none."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self._known: dict[str, str] = {}

    def of(self, user_id: str) -> str:
        """Return the name of a member; what cannot be asked now is asked for the next time."""
        if user_id not in self._known:
            try:
                member = self._client.get(f"/members/{segment(user_id)}")
            except AnsweredWithError:
                self._known[user_id] = short(user_id)
            except ServerUnreachable:
                return short(user_id)
            else:
                self._known[user_id] = str(member["name"])
        return self._known[user_id]


def short(user_id: str) -> str:
    """Return the end of an id, where people born in one second differ."""
    return user_id[-12:]


def name_of(client: Client, user_id: str) -> str:
    """Return a member's e-mail address, or name; the id itself where it tells no more.

    So it is with ids of what is no person, with those who have left the tenant, and for callers
    who may not read members.
    """
    try:
        member = client.get(f"/members/{segment(user_id)}")
    except AnsweredWithError:
        return user_id
    return str(member.get("email") or member["name"])


def _is_id(text: str) -> bool:
    try:
        uuid.UUID(text)
    except ValueError:
        return False
    return True


def _addresses(member: Mapping[str, Any]) -> str:
    return str(member.get("email") or "").casefold()


def _ids(member: Mapping[str, Any]) -> str:
    return _folded(str(member["user_id"]))


def _names(member: Mapping[str, Any]) -> str:
    return _folded(str(member["name"]))


def _first_names(member: Mapping[str, Any]) -> str:
    return _folded((str(member["name"]).split() or [""])[0])


def _folded(text: str) -> str:
    # As the board compares handles.
    plain = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", text).casefold())
    return "".join(char for char in plain if char.isalnum())


def _near(members: Sequence[Mapping[str, Any]], who: str) -> list[Mapping[str, Any]]:
    from difflib import get_close_matches  # noqa: PLC0415 - only a failure needs it

    by_name = {
        name: member
        for member in members
        for name in (_names(member), _first_names(member), _folded(_addresses(member)))
        if name
    }
    found = get_close_matches(_folded(who), by_name, n=_candidates_max, cutoff=0.6)
    return list({by_name[name]["user_id"]: by_name[name] for name in found}.values())


def _told(members: Sequence[Mapping[str, Any]]) -> str:
    shown = [
        f"{member['name']} ({member.get('email') or member['user_id']})"
        for member in members[:_candidates_max]
    ]
    more = len(members) - len(shown)
    return ", ".join([*shown, *([f"{more} more"] if more else [])])
