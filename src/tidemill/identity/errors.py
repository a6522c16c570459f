"""Every failure of identity but those of credentials, which lie beside this."""

from __future__ import annotations

import math
from collections.abc import Iterable

from tidemill.core.errors import (
    Conflict,
    Forbidden,
    InvalidInput,
    NotFound,
    RateLimited,
    RuleViolation,
    Unauthenticated,
    Unavailable,
)


class WrongCredentials(Unauthenticated):
    """The address or the password is wrong, or the account is closed."""

    code = "WRONG_CREDENTIALS"

    def __init__(self) -> None:
        super().__init__("The e-mail address or the password is wrong.")


class WrongPassword(Forbidden):
    """The current password is not the one that was given."""

    code = "WRONG_PASSWORD"

    def __init__(self) -> None:
        super().__init__("The current password is wrong.", param="current_password")


class LoginPaused(RateLimited):
    """Too many wrong passwords for this account or from this address."""

    code = "LOGIN_PAUSED"

    def __init__(self, retry_after_seconds: float) -> None:
        seconds = max(1, math.ceil(retry_after_seconds))
        super().__init__(
            f"Too many attempts to log in; try again in {seconds} s.",
            headers={"Retry-After": str(seconds)},
        )


class PasswordsBusy(Unavailable):
    """More log-ins wait for their password's check than can be served soon."""

    code = "PASSWORDS_BUSY"

    def __init__(self) -> None:
        super().__init__(
            "Too many people log in right now. Try again in a moment.",
            headers={"Retry-After": "2"},
        )


class NoMembership(Forbidden):
    """The person belongs to no tenant that is active."""

    code = "NO_MEMBERSHIP"

    def __init__(self) -> None:
        super().__init__("You belong to no tenant. Ask an owner for an invitation.")


class TenantUnknown(NotFound):
    """There is no such tenant, or the caller does not belong to it."""

    code = "TENANT_UNKNOWN"

    def __init__(self) -> None:
        super().__init__("There is no such tenant.", param="tenant_id")


class SlugTaken(Conflict):
    """Another tenant has this slug."""

    code = "SLUG_TAKEN"

    def __init__(self, slug: str) -> None:
        super().__init__(f"Another tenant is called {slug}. Choose another slug.", param="slug")


class InvalidSlug(InvalidInput):
    """The slug cannot stand in an address."""

    code = "INVALID_SLUG"

    def __init__(self) -> None:
        super().__init__(
            "A slug has 2 to 40 lower-case letters, digits and single hyphens between them, "
            "and is none of Tidemill's own words.",
            param="slug",
        )


class InvalidName(InvalidInput):
    """The name is empty, too long, or holds control characters."""

    code = "INVALID_NAME"

    def __init__(self) -> None:
        super().__init__(
            "A name has 1 to 100 characters, without line breaks or control characters.",
            param="name",
        )


class InvalidEmail(InvalidInput):
    """This is no e-mail address."""

    code = "INVALID_EMAIL"

    def __init__(self) -> None:
        super().__init__(
            "Give an e-mail address such as ada@example.org.",
            param="email",
        )


class InvalidTimeZone(InvalidInput):
    """This is no time zone of the IANA list."""

    code = "INVALID_TIME_ZONE"

    def __init__(self) -> None:
        super().__init__(
            "Name a time zone of the IANA list, such as Europe/Berlin or UTC.", param="time_zone"
        )


class InvalidAvatar(InvalidInput):
    """The picture's address is not one that pages may show."""

    code = "INVALID_AVATAR"

    def __init__(self) -> None:
        super().__init__(
            "The picture is an https address of at most 500 characters.", param="avatar"
        )


class WeakPassword(RuleViolation):
    """The password is too short, too long, common, or made of what is known of its owner."""

    code = "WEAK_PASSWORD"

    def __init__(self, problem: str) -> None:
        super().__init__(f"Choose another password: {problem}.", param="password")


class EmailTaken(Conflict):
    """The address has an account already."""

    code = "EMAIL_TAKEN"

    def __init__(self) -> None:
        super().__init__(
            "This address has an account. Log in and accept the invitation there.", param="email"
        )


class UserNotFound(NotFound):
    """There is no such user."""

    code = "USER_NOT_FOUND"

    def __init__(self) -> None:
        super().__init__("There is no such user.")


class MemberNotFound(NotFound):
    """No such person belongs to the tenant."""

    code = "MEMBER_NOT_FOUND"

    def __init__(self) -> None:
        super().__init__("No such person belongs to this tenant.")


class AlreadyMember(Conflict):
    """The person belongs to the tenant already."""

    code = "ALREADY_MEMBER"

    def __init__(self) -> None:
        super().__init__("You belong to this tenant already.")


class LastOwner(Conflict):
    """A tenant keeps at least one owner whose account is open."""

    code = "LAST_OWNER"

    def __init__(self) -> None:
        super().__init__(
            "This is the last owner whose account is open. Make somebody else an owner first."
        )


class RoleTooHigh(Forbidden):
    """Nobody gives, changes or takes a role above their own."""

    code = "ROLE_TOO_HIGH"

    def __init__(self) -> None:
        super().__init__("You cannot give, change or take a role above your own.", param="role")


class InvitationInvalid(NotFound):
    """The invitation is unknown, expired, revoked, used up, or for another address."""

    code = "INVITATION_INVALID"

    def __init__(self) -> None:
        super().__init__(
            "This invitation does not hold, or not for this address. Ask for a new one.",
            param="token",
        )


class InvitationNotFound(NotFound):
    """The tenant has no such invitation."""

    code = "INVITATION_NOT_FOUND"

    def __init__(self) -> None:
        super().__init__("There is no such invitation.")


class InvalidInvitation(InvalidInput):
    """The fields of a new invitation do not fit together."""

    code = "INVALID_INVITATION"


class RegistrationClosed(Forbidden):
    """The installation takes no new accounts."""

    code = "REGISTRATION_CLOSED"

    def __init__(self) -> None:
        super().__init__("New accounts are switched off here (features.registration).")


class ApiTokenNotFound(NotFound):
    """There is no such API token, or it is another person's."""

    code = "API_TOKEN_NOT_FOUND"

    def __init__(self) -> None:
        super().__init__("There is no such API token.")


class UnknownScope(InvalidInput):
    """No route knows this scope."""

    code = "UNKNOWN_SCOPE"

    def __init__(self, scope: str, known: Iterable[str]) -> None:
        super().__init__(
            f"{scope[:60]!r} is no scope. Use some of: {', '.join(known)}.", param="scopes"
        )


class ScopeBeyondRole(Forbidden):
    """A token cannot do more than its owner."""

    code = "SCOPE_BEYOND_ROLE"

    def __init__(self, scope: str) -> None:
        super().__init__(
            f"Your role does not reach the scope {scope}; a token never has more rights than "
            "its owner.",
            param="scopes",
        )


class TokenLifetimeTooLong(InvalidInput):
    """A token ends within the time that the configuration allows."""

    code = "TOKEN_LIFETIME_TOO_LONG"

    def __init__(self, days_max: int) -> None:
        super().__init__(
            f"A token lasts 1 to {days_max} days (auth.api_token_days_max).",
            param="expires_in_days",
        )


class SessionNotFound(NotFound):
    """The person has no such session."""

    code = "SESSION_NOT_FOUND"

    def __init__(self) -> None:
        super().__init__("You have no such session.")


class PasswordResetInvalid(NotFound):
    """The link to choose a new password is unknown, expired or used."""

    code = "PASSWORD_RESET_INVALID"

    def __init__(self) -> None:
        super().__init__("This link does not hold any more. Ask for a new one.", param="token")


class SetupTicketInvalid(NotFound):
    """The link that makes the first owner is unknown, expired or used."""

    code = "SETUP_TICKET_INVALID"

    def __init__(self) -> None:
        super().__init__(
            "This set-up link was used, or is too old. Open /setup without it to go on.",
            param="ticket",
        )


class SetupNotLocal(Forbidden):
    """Set-up is possible from the server's own machine only."""

    code = "SETUP_NOT_LOCAL"

    def __init__(self) -> None:
        super().__init__(
            "Open this link on the machine that runs the server, or set "
            "auth.setup_loopback_only to false."
        )


class OwnerExists(Conflict):
    """The installation has its first owner."""

    code = "OWNER_EXISTS"

    def __init__(self) -> None:
        super().__init__("This installation has an owner already. Log in instead.")


class JobStarterEnded(Forbidden):
    """The log-in or API token that a job goes back to counts no more for anything new."""

    code = "JOB_STARTER_ENDED"

    def __init__(self, reason: str) -> None:
        super().__init__(
            f"What started this job counts no more: {reason}. The job may end, and nothing new "
            "starts by it; start that by a session or an API token that holds."
        )


class JobTokenNeedsPerson(RuleViolation):
    """A job without a person behind it has no rights that a token could carry."""

    code = "JOB_TOKEN_NEEDS_PERSON"

    def __init__(self) -> None:
        super().__init__("A job's token carries a person's rights, and this job has no person.")
