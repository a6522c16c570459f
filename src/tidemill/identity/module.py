"""Identity as the runtime sees it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, TypeVar

from tidemill.core.config import Config
from tidemill.core.module import Module, Offer, Parts, Periodic
from tidemill.core.operators import OPERATORS
from tidemill.http.authentication import AUTHENTICATOR
from tidemill.identity.announcements.service import AnnouncementService
from tidemill.identity.attempts.models import Limits
from tidemill.identity.attempts.service import AttemptService
from tidemill.identity.contacts.service import ContactService
from tidemill.identity.contract import (
    CONTACTS,
    GUEST_LINKS,
    IDENTITY,
    JOB_LIVENESS,
    JOB_TOKENS,
    OWNER_SETUP,
    SCOPES,
    WORKER_TOKENS,
)
from tidemill.identity.credentials.authenticator import CredentialAuthenticator
from tidemill.identity.directory.routes import ROUTES as USER_ROUTES
from tidemill.identity.directory.service import UserDirectory
from tidemill.identity.figures import figures_of
from tidemill.identity.grants.cache import GrantCache
from tidemill.identity.grants.service import GrantService
from tidemill.identity.guest_links.service import GuestLinkService
from tidemill.identity.invitations.routes import ROUTES as INVITATION_ROUTES
from tidemill.identity.invitations.service import InvitationService
from tidemill.identity.keys.rotation import SigningKeyRotation
from tidemill.identity.keys.routes import ROUTES as SIGNING_KEY_ROUTES
from tidemill.identity.keys.service import SigningKeys
from tidemill.identity.letters.service import Letters
from tidemill.identity.login.doorway import Doorway
from tidemill.identity.login.entries import AccessTokens
from tidemill.identity.login.routes import ROUTES as LOGIN_ROUTES
from tidemill.identity.login.service import LoginService
from tidemill.identity.members.routes import ROUTES as MEMBER_ROUTES
from tidemill.identity.members.service import MemberService
from tidemill.identity.pages.routes import ROUTES as PAGE_ROUTES
from tidemill.identity.password_changes.routes import ROUTES as PASSWORD_ROUTES
from tidemill.identity.password_changes.service import PasswordService
from tidemill.identity.passwords.hasher import PasswordHasher
from tidemill.identity.people.service import people_projection
from tidemill.identity.permissions import PERMISSIONS
from tidemill.identity.profiles.routes import ROUTES as PROFILE_ROUTES
from tidemill.identity.profiles.service import ProfileService
from tidemill.identity.scopes import ScopeRegistry
from tidemill.identity.sessions.routes import ROUTES as SESSION_ROUTES
from tidemill.identity.sessions.service import SessionService
from tidemill.identity.setup.routes import ROUTES as SETUP_ROUTES
from tidemill.identity.setup.service import SetupService
from tidemill.identity.tenants.routes import ROUTES as TENANT_ROUTES
from tidemill.identity.tenants.service import TenantService
from tidemill.identity.tokens.job_tokens import JobTokenService
from tidemill.identity.tokens.routes import ROUTES as TOKEN_ROUTES
from tidemill.identity.tokens.service import ApiTokenService
from tidemill.identity.worker_tokens.routes import ROUTES as WORKER_TOKEN_ROUTES
from tidemill.identity.worker_tokens.service import WorkerTokenService
from tidemill.settings import SETTINGS, Settings

T = TypeVar("T")

_sweep_seconds: Final = 30.0
_prune_seconds: Final = 3600.0

_ROUTES: Final = (
    *LOGIN_ROUTES,
    *PROFILE_ROUTES,
    *PASSWORD_ROUTES,
    *SESSION_ROUTES,
    *TENANT_ROUTES,
    *MEMBER_ROUTES,
    *INVITATION_ROUTES,
    *TOKEN_ROUTES,
    *WORKER_TOKEN_ROUTES,
    *SIGNING_KEY_ROUTES,
    *USER_ROUTES,
    *PAGE_ROUTES,
    *SETUP_ROUTES,
)


class _Core:
    """The parts that the use cases of identity share."""

    def __init__(self, parts: Parts) -> None:
        config, control, clock = parts.config, parts.control, parts.clock
        self.cache = GrantCache(parts.invalidations)
        self.grants = GrantService(control, self.cache, clock)
        self.keys = SigningKeys(control, parts.invalidations, clock, config)
        self.passwords = PasswordHasher(config.auth)
        self.attempts = AttemptService(control, clock, _limits(config))
        self.letters = Letters(
            control,
            parts.mailer,
            secret=config.auth.jwt_secret,
            attempt_seconds_max=config.mail.send_seconds_max,
        )
        self.announcements = AnnouncementService(control)
        self.scopes = ScopeRegistry(PERMISSIONS)
        access_tokens = AccessTokens(self.keys, clock, config.auth)
        self.login = LoginService(
            control, self.cache, self.attempts, self.passwords, access_tokens, config.auth
        )
        liveness = parts.late(JOB_LIVENESS)
        self.job_tokens = JobTokenService(self.keys, self.grants, clock, config, liveness)


class _UseCases:
    """What the routes of identity call."""

    def __init__(self, parts: Parts, core: _Core) -> None:
        config, control = parts.config, parts.control
        cache, hasher, login, letters = core.cache, core.passwords, core.login, core.letters
        self.tenants = TenantService(control, parts.tenant_stores, core.announcements)
        self.members = MemberService(control, cache)
        self.sessions = SessionService(control, cache, parts.clock)
        self.profiles = ProfileService(control, core.announcements)
        self.setup = SetupService(control, hasher, self.tenants, login, config)
        self.api_tokens = ApiTokenService(
            control, cache, core.scopes, days_max=config.auth.api_token_days_max
        )
        self.worker_tokens = WorkerTokenService(control, parts.late(OPERATORS))
        self.guest_links = GuestLinkService(control, parts.clock)
        self.user_directory = UserDirectory(control, cache, parts.late(OPERATORS))
        self.signing_key_rotation = SigningKeyRotation(core.keys, parts.late(OPERATORS))
        self.invitations = InvitationService(
            control,
            cache,
            hasher,
            login,
            letters,
            public_url=config.public_url,
            auth=config.auth,
            registration_open=_live(
                parts,
                lambda settings: bool(settings.get("features.registration")),
                config.features.registration,
            ),
        )
        self.password_changes = PasswordService(
            control, cache, hasher, core.attempts, login, letters=letters, config=config
        )
        self.doorway = Doorway(
            parts.rate_limiter,
            parts.clock,
            per_minute=_live(
                parts,
                lambda settings: int(settings.get("limits.logins_per_minute")),
                config.limits.logins_per_minute,
            ),
            url=config.public_url,
        )


def build(parts: Parts) -> Offer:
    """Return what identity offers to a process."""
    core = _Core(parts)
    use = _UseCases(parts, core)
    authenticator = CredentialAuthenticator(
        core.grants,
        core.keys,
        core.job_tokens,
        use.guest_links,
        parts.clock,
        idle_seconds=parts.config.auth.session_idle_hours * 3600.0,
    )
    return Offer(
        routes=_ROUTES,
        dependencies={
            "api_tokens": use.api_tokens,
            "doorway": use.doorway,
            "invitations": use.invitations,
            "login": core.login,
            "members": use.members,
            "passwords": use.password_changes,
            "profiles": use.profiles,
            "sessions": use.sessions,
            "setup": use.setup,
            "signing_key_rotation": use.signing_key_rotation,
            "signing_keys": core.keys,
            "tenants": use.tenants,
            "user_directory": use.user_directory,
            "worker_tokens": use.worker_tokens,
        },
        provides={
            AUTHENTICATOR: authenticator,
            CONTACTS: ContactService(parts.control),
            GUEST_LINKS: use.guest_links,
            IDENTITY: use.members,
            JOB_TOKENS: core.job_tokens,
            OWNER_SETUP: use.setup,
            SCOPES: core.scopes,
            WORKER_TOKENS: use.worker_tokens,
        },
        projections=(people_projection(),),
        periodic=_periodic(core, use),
        services=(
            core.passwords,
            core.keys,
            core.grants,
            core.letters,
            use.password_changes,
            use.setup,
        ),
        permissions=PERMISSIONS,
        figures=figures_of(core.login.attempts),
    )


def _periodic(core: _Core, use: _UseCases) -> tuple[Periodic, ...]:
    work = (
        ("identity.announcements", _sweep_seconds, core.announcements.sweep),
        ("identity.tenants", _sweep_seconds, use.tenants.complete_late),
        ("identity.sessions", _prune_seconds, use.sessions.prune),
        ("identity.attempts", _prune_seconds, core.attempts.prune),
    )
    return tuple(Periodic(name=name, every_seconds=every, run=run) for name, every, run in work)


def _live(parts: Parts, read: Callable[[Settings], T], started_with: T) -> Callable[[], T]:
    """Return a function that reads a setting as it is at this moment.

    A process without the settings module keeps what it was started with.
    """
    settings = parts.late(SETTINGS)

    def current() -> T:
        found = settings()
        return started_with if found is None else read(found)

    return current


def _limits(config: Config) -> Limits:
    return Limits(
        account_failures_max=config.auth.login_failures_max,
        address_failures_max=config.auth.address_failures_max,
        window_seconds=config.auth.failure_window_seconds,
    )


MODULE: Final = Module(name="identity", build=build)
