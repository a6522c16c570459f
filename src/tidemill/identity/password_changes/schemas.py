"""How passwords are changed on the wire."""

from __future__ import annotations

from tidemill.http import Body
from tidemill.identity.login.schemas import EmailText, PasswordText, TokenText


class ChangePassword(Body, frozen=True, kw_only=True):
    """The password so far, and the next one."""

    current_password: PasswordText
    new_password: PasswordText


class RequestReset(Body, frozen=True, kw_only=True):
    """The address that gets a link, if it has an account."""

    email: EmailText


class RedeemReset(Body, frozen=True, kw_only=True):
    """The secret of the link, and the next password."""

    token: TokenText
    password: PasswordText
