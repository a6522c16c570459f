"""Names of people in what commands print."""

from __future__ import annotations

from tidemill.cli.client import Client, segment
from tidemill.cli.failures import AnsweredWithError, CommandFailed, ExitCode


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
