"""What can be wrong with a token or a session.

Each failure has a code of its own for programs and operators, and all have one message, so that
whoever guesses learns nothing from the text. What only the holder of a token that this installation
signed can meet says more.
"""

from __future__ import annotations

from tidemill.core.errors import Unauthenticated, Unavailable


class InvalidCredential(Unauthenticated):
    """Base of what can be wrong with a token or a session."""

    code = "INVALID_CREDENTIAL"

    def __init__(
        self, message: str = "This credential is not valid, or not valid any more. Log in again."
    ) -> None:
        super().__init__(message, headers={"WWW-Authenticate": 'Bearer error="invalid_token"'})


class TokenMalformed(InvalidCredential):
    """The token is no token of ours: wrong form, a typing error, or too long."""

    code = "TOKEN_MALFORMED"


class TokenSignatureInvalid(InvalidCredential):
    """The token was not signed by this installation in the one way that it accepts."""

    code = "TOKEN_SIGNATURE_INVALID"


class TokenClaimsInvalid(InvalidCredential):
    """The token is for another audience or use, or lacks a claim."""

    code = "TOKEN_CLAIMS_INVALID"


class TokenExpired(InvalidCredential):
    """The token's time is over, or has not come."""

    code = "TOKEN_EXPIRED"


class TokenRevoked(InvalidCredential):
    """The token, its session, its job or its owner's account was ended."""

    code = "TOKEN_REVOKED"


class JobRightsEnded(InvalidCredential):
    """What the job's rights go back to had ended before, or has ended since, for the job.

    Its starter's account got a new password or was closed after the job had been started, or the
    API token that started it had expired before this attempt began.
    """

    code = "JOB_RIGHTS_ENDED"

    def __init__(self) -> None:
        super().__init__(
            "This job has no rights any more: after it was started, the account behind it got a "
            "new password or was closed, or the API token behind it had expired before the job "
            "began. Start the job again."
        )


class SessionInvalid(InvalidCredential):
    """The session cookie belongs to no session."""

    code = "SESSION_INVALID"


class SessionExpired(InvalidCredential):
    """The session was not used for too long, or has reached its age."""

    code = "SESSION_EXPIRED"


class SessionRevoked(InvalidCredential):
    """The session was ended: by logging out, from another device or by a new password."""

    code = "SESSION_REVOKED"


class MembershipEnded(InvalidCredential):
    """The person does not belong to the tenant that the credential names."""

    code = "MEMBERSHIP_ENDED"


class RefreshTokenInvalid(InvalidCredential):
    """The refresh token is unknown, expired, or its session has ended."""

    code = "REFRESH_TOKEN_INVALID"


class RefreshTokenUsed(InvalidCredential):
    """The refresh token was used a moment ago, perhaps by another tab: use its successor."""

    code = "REFRESH_TOKEN_USED"


class RefreshTokenReused(InvalidCredential):
    """A used refresh token came back, as after a theft; its whole session is ended."""

    code = "REFRESH_TOKEN_REUSED"


class CredentialsUnverifiable(Unavailable):
    """Nobody can say whether the credential still holds, so nobody is let in."""

    code = "CREDENTIALS_UNVERIFIABLE"

    def __init__(self) -> None:
        super().__init__(
            "Credentials cannot be verified right now. Try again in a moment.",
            headers={"Retry-After": "2"},
        )
