"""`POST /api/v1/ws-tickets`."""

from typing import Final

from tidemill.core.actor import Actor
from tidemill.events.contract import READ_EVENTS
from tidemill.events.tickets.service import Tickets
from tidemill.http import FOR_GUESTS, View, post


class TicketView(View, frozen=True, kw_only=True):
    """A ticket, and how many seconds it can be used."""

    ticket: str
    expires_in: int


@post(
    "/ws-tickets",
    READ_EVENTS,
    opt=FOR_GUESTS,
    summary="Get a ticket for one WebSocket",
    tags=["Events"],
)
async def create_ticket(tickets: Tickets, actor: Actor) -> TicketView:
    """Return a ticket for `/ws?ticket=…`; it works once."""
    ticket = await tickets.issue(actor=actor)
    return TicketView(ticket=ticket.secret, expires_in=ticket.expires_in)


ROUTES: Final = (create_ticket,)
