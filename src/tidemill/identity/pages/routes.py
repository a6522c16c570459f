"""Where a browser lands, and the pages behind one-time links: set-up, password, invitation."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from litestar import Response
from litestar.connection import Request
from litestar.response import Redirect

from tidemill.core.errors import TidemillError
from tidemill.http import Public, get, post
from tidemill.http.errors import error_response
from tidemill.http.pages import Field, Form, form_page, message_page
from tidemill.http.validation import ValidationFailed
from tidemill.identity.errors import OwnerExists, SetupTicketInvalid
from tidemill.identity.invitations.service import InvitationService, Registration
from tidemill.identity.login.doorway import Doorway, device_of
from tidemill.identity.login.models import Entry
from tidemill.identity.password_changes.service import PasswordService
from tidemill.identity.sessions.models import SessionKind
from tidemill.identity.setup.service import NewOwner, SetupService
from tidemill.identity.tenants.models import slug_of

_LINK: Final = Public(reason="The one-time secret in the link is the credential.")
_ROOT: Final = {"root": True}
_OPTIONS: Final[dict[str, Any]] = {
    "opt": _ROOT,
    "include_in_schema": False,
    "errors": (),
    "media_type": "text/html",
    # A page for people, and JSON to a program that sent some.
    "exception_handlers": {
        TidemillError: lambda request, error: (
            error_response(error) if _is_json(request) else _refusal("Not possible", error)
        )
    },
}
_PASSWORD_HINT: Final = "8 to 128 characters of any kind; a few words make a good one."  # noqa: S105 - a hint
_WHERE_THE_LINK_IS: Final = (
    "Nobody owns this installation yet. The link that makes its first owner is in the terminal or "
    "the log of the server, where it is printed again now. Without a browser: tidemill owner create"
)
_text_length_max: Final = 1_024


@get(
    "/",
    Public(reason="It says nothing but where to go."),
    opt=_ROOT,
    errors=(),
    include_in_schema=False,
    status_code=302,
)
async def welcome(setup: SetupService) -> Redirect:
    """Lead to the set-up, and to the documentation of the API once there is an owner."""
    place = "/api/docs" if await setup.has_owner() else "/setup"
    return Redirect(place, status_code=302)


@get("/setup", _LINK, **_OPTIONS)
async def show_setup(
    request: Request[Any, Any, Any], setup: SetupService, doorway: Doorway, ticket: str = ""
) -> Response[str]:
    """Show the form that makes the first owner; without a ticket, where the link with one is."""
    origin = await doorway.admit(request)
    try:
        if not ticket:
            await setup.ask_link(origin)
            return message_page("Set up Tidemill", _WHERE_THE_LINK_IS)
        await setup.check_ticket(ticket, origin)
    except SetupTicketInvalid as error:
        return await _dead_ticket(setup, doorway, error)
    except TidemillError as error:
        return _refusal("Set-up", error)
    return form_page(_setup_form(ticket, {}))


@post("/setup", _LINK, status_code=200, **_OPTIONS)
async def redeem_setup(
    request: Request[Any, Any, Any], setup: SetupService, doorway: Doorway
) -> Response[str]:
    """Make the first owner and its tenant, and log in."""
    origin = await doorway.admit_browser(request)
    given = await _fields(request)
    tenant_name = given.get("tenant_name", "")
    owner = NewOwner(
        email=given.get("email", ""),
        password=given.get("password", ""),
        name=given.get("name", ""),
        tenant_name=tenant_name,
        tenant_slug=given.get("tenant_slug", "") or slug_of(tenant_name),
    )
    ticket = given.get("ticket", "")
    try:
        entry = await setup.redeem(ticket, owner, device_of(request, SessionKind.BROWSER), origin)
    except SetupTicketInvalid as error:
        # The form would send the same dead ticket again.
        return await _dead_ticket(setup, doorway, error)
    except TidemillError as error:
        return _again(_setup_form(ticket, given), error)
    return _entered(entry, doorway, f"Welcome, {owner.name}. {tenant_name} is ready.", owner.email)


@get("/password-reset", _LINK, **_OPTIONS)
async def show_reset(token: str = "") -> Response[str]:
    """Show the form to choose a new password."""
    return form_page(_reset_form(token))


@post("/password-reset", _LINK, status_code=200, **_OPTIONS)
async def redeem_reset(
    request: Request[Any, Any, Any], passwords: PasswordService, doorway: Doorway
) -> Response[str]:
    """Choose a new password."""
    origin = await doorway.admit_browser(request)
    given = await _fields(request)
    token = given.get("token", "")
    try:
        await passwords.redeem_reset(token, given.get("password", ""), origin)
    except TidemillError as error:
        return _again(_reset_form(token), error)
    return message_page(
        "Your password is new", "Every device was logged out. Log in again with the new password."
    )


@get("/join", _LINK, **_OPTIONS)
async def show_invitation(
    request: Request[Any, Any, Any],
    invitations: InvitationService,
    doorway: Doorway,
    token: str = "",
) -> Response[str]:
    """Show an invitation, with the form to make an account."""
    await doorway.admit(request)
    try:
        preview = await invitations.preview(token)
    except TidemillError as error:
        return _refusal("Invitation", error)
    return form_page(_join_form(token, preview.tenant_name, {"email": preview.email or ""}))


@post("/join", _LINK, status_code=200, **_OPTIONS)
async def accept_by_form(
    request: Request[Any, Any, Any], invitations: InvitationService, doorway: Doorway
) -> Response[str]:
    """Make an account by an invitation, and log in."""
    origin = await doorway.admit_browser(request)
    given = await _fields(request)
    registration = Registration(
        token=given.get("token", ""),
        email=given.get("email", ""),
        name=given.get("name", ""),
        password=given.get("password", ""),
    )
    try:
        entry = await invitations.register(
            registration, device_of(request, SessionKind.BROWSER), origin
        )
    except TidemillError as error:
        return _again(_join_form(registration.token, "the team", given), error)
    return _entered(entry, doorway, f"Welcome, {registration.name}.", registration.email)


async def _fields(request: Request[Any, Any, Any]) -> dict[str, str]:
    if _is_json(request):
        raise ValidationFailed(
            "This is no route of the API: it takes the fields of its page as a form "
            "(application/x-www-form-urlencoded)."
        )
    form = await request.form()
    return {
        name: value[:_text_length_max]
        for name, value in form.multi_items()
        if isinstance(value, str)
    }


def _setup_form(ticket: str, given: Mapping[str, str]) -> Form:
    return Form(
        title="Set up Tidemill",
        text="Make the first owner of this installation, and its first tenant.",
        action="/setup",
        button="Make the owner",
        hidden={"ticket": ticket},
        fields=(
            Field(
                name="name",
                label="Your name",
                autocomplete="name",
                length_max=100,
                value=given.get("name", ""),
            ),
            _email_field(given),
            _password_field(),
            Field(
                name="tenant_name",
                label="Name of your team or organisation",
                autocomplete="organization",
                length_max=100,
                value=given.get("tenant_name", ""),
            ),
        ),
    )


def _reset_form(token: str) -> Form:
    return Form(
        title="Choose a new password",
        text="Every device will be logged out.",
        action="/password-reset",
        button="Set the password",
        hidden={"token": token},
        fields=(_password_field(),),
    )


def _join_form(token: str, tenant_name: str, given: Mapping[str, str]) -> Form:
    return Form(
        title=f"Join {tenant_name}",
        text="Make your account. Who has one already logs in and accepts the invitation there.",
        action="/join",
        button="Join",
        hidden={"token": token},
        fields=(
            Field(
                name="name",
                label="Your name",
                autocomplete="name",
                length_max=100,
                value=given.get("name", ""),
            ),
            _email_field(given),
            _password_field(),
        ),
    )


def _email_field(given: Mapping[str, str]) -> Field:
    return Field(
        name="email",
        label="E-mail address",
        type="email",
        autocomplete="username",
        value=given.get("email", ""),
    )


def _password_field() -> Field:
    return Field(
        name="password",
        label="Password",
        type="password",
        autocomplete="new-password",
        hint=_PASSWORD_HINT,
        length_max=128,
    )


def _entered(entry: Entry, doorway: Doorway, text: str, email: str) -> Response[str]:
    told = f"{text} This browser holds your session. Next, in a terminal:"
    command = f"tidemill login {doorway.url} --email {email}"
    page = message_page("You are logged in", told, command=command)
    page.cookies = [doorway.cookie(entry)]
    return page


def _again(form: Form, error: TidemillError) -> Response[str]:
    return form_page(form, problem=error.message, status_code=error.status)


async def _dead_ticket(
    setup: SetupService, doorway: Doorway, error: TidemillError
) -> Response[str]:
    """Return a page without a form that says how to go on: log in, or get another link."""
    has_owner = await setup.has_owner()
    text = OwnerExists().message if has_owner else error.message
    command = f"tidemill login {doorway.url}" if has_owner else f"{doorway.url}/setup"
    return message_page("Set-up", text, command=command, status_code=error.status)


def _is_json(request: Request[Any, Any, Any]) -> bool:
    return request.content_type[0] == "application/json"


def _refusal(title: str, error: TidemillError) -> Response[str]:
    return message_page(title, error.message, status_code=error.status)


ROUTES: Final = (
    welcome,
    show_setup,
    redeem_setup,
    show_reset,
    redeem_reset,
    show_invitation,
    accept_by_form,
)
