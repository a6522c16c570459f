"""Names of people in what commands print."""

from __future__ import annotations

from tidemill.cli.client import Client, segment
from tidemill.cli.failures import AnsweredWithError


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
