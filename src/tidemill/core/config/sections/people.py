"""Who may enter, and how they are written to."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Final

from msgspec import Struct

from tidemill.core.config import checks
from tidemill.core.config.about import LIVE, SECRET, About, Scope, key


class JwtAlgorithm(StrEnum):
    """How access tokens are signed."""

    HS256 = "HS256"
    EDDSA = "EdDSA"


class SmtpSecurity(StrEnum):
    """How the connection to the mail server is protected."""

    STARTTLS = "starttls"
    TLS = "tls"
    NONE = "none"


class Theme(StrEnum):
    """How the pages look."""

    SYSTEM = "system"
    LIGHT = "light"
    DARK = "dark"


class Auth(Struct, frozen=True, kw_only=True):
    """Tokens, sessions and passwords."""

    jwt_secret: Annotated[
        str,
        key(
            "Key that signs access tokens, at least 32 characters; in development, empty means "
            "one that is made once and kept in server.data_dir.",
            SECRET,
        ),
    ] = ""
    jwt_algorithm: Annotated[
        JwtAlgorithm,
        key("HS256 signs with auth.jwt_secret, EdDSA with keys that lie sealed under it."),
    ] = JwtAlgorithm.HS256
    jwt_issuer: Annotated[
        str, key("Issuer named in access tokens.", About(check=checks.not_empty), max_length=200)
    ] = "tidemill"
    jwt_audience: Annotated[
        str, key("Audience named in access tokens.", About(check=checks.not_empty), max_length=200)
    ] = "tidemill"
    access_token_seconds: Annotated[
        int, key("Lifetime of an access token.", ge=60, le=31_536_000)
    ] = 900
    refresh_token_days: Annotated[int, key("Lifetime of a refresh token.", ge=1, le=365)] = 30
    session_days: Annotated[int, key("Lifetime of a browser session.", ge=1, le=365)] = 30
    session_idle_hours: Annotated[
        int, key("How long an unused browser session lasts.", ge=1, le=8760)
    ] = 168
    api_token_days_max: Annotated[int, key("Longest lifetime of an API token.", ge=1, le=3650)] = (
        366
    )
    clock_leeway_seconds: Annotated[
        int, key("How far the clocks of servers may differ.", ge=0, le=60)
    ] = 30
    password_length_min: Annotated[int, key("Shortest password.", ge=8, le=64)] = 8
    argon2_time_cost: Annotated[int, key("Passes of argon2id.", ge=2, le=64)] = 2
    argon2_memory_kib: Annotated[
        int, key("Memory of one argon2id hash.", ge=19_456, le=4_194_304)
    ] = 19_456
    argon2_parallelism: Annotated[int, key("Lanes of argon2id.", ge=1, le=16)] = 1
    password_threads: Annotated[
        int, key("Threads that hash passwords; 0 means one for each core.", ge=0, le=64)
    ] = 0
    password_queue_max: Annotated[
        int, key("Log-ins that wait for a thread before others are told to wait.", ge=1, le=10_000)
    ] = 32
    login_failures_max: Annotated[
        int, key("Wrong passwords for one account before it pauses.", ge=1, le=1000)
    ] = 10
    address_failures_max: Annotated[
        int, key("Wrong passwords from one address before it pauses.", ge=1, le=100_000)
    ] = 50
    failure_window_seconds: Annotated[
        int, key("Time over which wrong passwords count.", ge=1, le=86_400)
    ] = 300
    invitation_days: Annotated[int, key("How long an invitation holds.", ge=1, le=90)] = 7
    password_reset_minutes: Annotated[
        int, key("How long a link to reset a password holds.", ge=5, le=1440)
    ] = 30
    setup_ticket_minutes: Annotated[
        int, key("How long the link that makes the first owner holds.", ge=1, le=1440)
    ] = 30
    setup_loopback_only: Annotated[bool, key("Whether that link works from this machine only.")] = (
        True
    )


class Owner(Struct, frozen=True, kw_only=True):
    """The first owner, made at the first start without a browser."""

    email: Annotated[
        str, key("E-mail address of the first owner.", About(check=checks.mail_address))
    ] = ""
    password: Annotated[str, key("Password of the first owner.", SECRET)] = ""


class Mail(Struct, frozen=True, kw_only=True):
    """How mail goes out."""

    smtp_host: Annotated[
        str, key("Mail server; empty means that mail is written to mail.directory.")
    ] = ""
    smtp_port: Annotated[int, key("Port of the mail server.", ge=1, le=65535)] = 587
    smtp_security: Annotated[
        SmtpSecurity, key("How the connection to the mail server is protected.")
    ] = SmtpSecurity.STARTTLS
    smtp_user: Annotated[str, key("User name at the mail server; empty means none.")] = ""
    smtp_password: Annotated[str, key("Password at the mail server.", SECRET)] = ""
    from_address: Annotated[str, key("Sender of all mail.", About(check=checks.mail_address))] = (
        "tidemill@localhost"
    )
    send_seconds_max: Annotated[
        float, key("How long the mail server may take for one message.", ge=0.1, le=300)
    ] = 15
    directory: Annotated[
        str, key("Where mail lies without a server; empty means mail in server.data_dir.")
    ] = ""


class Features(Struct, frozen=True, kw_only=True):
    """Feature flags."""

    registration: Annotated[
        bool, key("Whether people with an invitation can make an account.", LIVE)
    ] = True
    inline_jobs: Annotated[
        bool,
        key(
            "Whether a job may bring its code along, instead of naming a script.",
            About(live=True, scope=Scope.TENANT),
        ),
    ] = True


class Board(Struct, frozen=True, kw_only=True):
    """How tenants plan."""

    attachment_types: Annotated[
        tuple[str, ...],
        key(
            "Which types of files work items take, such as image/* or application/pdf; */* takes "
            "any.",
            About(live=True, scope=Scope.TENANT, check=checks.media_types),
        ),
    ] = (
        "image/*",
        "text/*",
        "audio/*",
        "video/*",
        "message/rfc822",
        "application/epub+zip",
        "application/gzip",
        "application/json",
        "application/msword",
        "application/pdf",
        "application/rtf",
        "application/sql",
        "application/toml",
        "application/vnd.*",
        "application/x-tar",
        "application/x-7z-compressed",
        "application/xml",
        "application/yaml",
        "application/zip",
    )
    blocked_items_wait: Annotated[
        bool,
        key(
            "Whether a work item that another one blocks can be neither started nor done.",
            About(live=True, scope=Scope.TENANT),
        ),
    ] = False
    parallel_sprints: Annotated[
        bool,
        key(
            "Whether a project may have several active sprints at a time.",
            About(live=True, scope=Scope.TENANT),
        ),
    ] = False
    sprint_item_types: Annotated[
        tuple[str, ...],
        key(
            "Which types of work items sprints take.",
            About(
                live=True, scope=Scope.TENANT, check=checks.some_of("epic", "story", "task", "bug")
            ),
        ),
    ] = ("story", "task", "bug")


class Preferences(Struct, frozen=True, kw_only=True):
    """What each person may choose."""

    theme: Annotated[Theme, key("How the pages look.", About(live=True, scope=Scope.USER))] = (
        Theme.SYSTEM
    )


_REASONS: Final = (
    "assigned",
    "mentioned",
    "replied",
    "unblocked",
    "due_soon",
    "commented",
    "status_changed",
    "sprint_started",
    "sprint_ended",
    "changed",
)


class Notifications(Struct, frozen=True, kw_only=True):
    """Of what members hear who did not choose by themselves, and when mail goes out."""

    inbox_off: Annotated[
        tuple[str, ...],
        key(
            "Reasons of which members do not hear unless they want to.",
            About(live=True, scope=Scope.TENANT, check=checks.any_of(*_REASONS)),
        ),
    ] = ()
    mail_at_once: Annotated[
        tuple[str, ...],
        key(
            "Reasons for mail within minutes; mail needs mail.smtp_host or mail.directory.",
            About(live=True, scope=Scope.TENANT, check=checks.any_of(*_REASONS)),
        ),
    ] = ("assigned", "mentioned")
    mail_digest: Annotated[
        tuple[str, ...],
        key(
            "Reasons for mail once a day, where there is something.",
            About(live=True, scope=Scope.TENANT, check=checks.any_of(*_REASONS)),
        ),
    ] = ("replied", "unblocked", "commented")
    digest_hour: Annotated[
        int,
        key(
            "Hour of the daily mail, in the time zone of whom it is for.",
            About(live=True, scope=Scope.TENANT),
            ge=0,
            le=23,
        ),
    ] = 8
    batch_seconds: Annotated[
        float,
        key("How long mail waits for more about the same work item.", ge=0, le=3600),
    ] = 60
    attempts_max: Annotated[
        int,
        key("How often a mail is tried; eight take about eighteen hours.", ge=1, le=20),
    ] = 8
    keep_days: Annotated[
        float, key("How long inboxes keep what nothing new came to.", ge=0.01, le=3650)
    ] = 90
