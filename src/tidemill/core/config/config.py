"""What a process starts with: typed, immutable, and aware of where each value came from."""

from __future__ import annotations

from msgspec import Struct, field

from tidemill.core.config.layers import NO_LAYERS, Layers
from tidemill.core.config.sections.people import (
    Auth,
    Board,
    Features,
    Mail,
    Notifications,
    Owner,
    Preferences,
)
from tidemill.core.config.sections.reaching import Git, Llm, Webhooks
from tidemill.core.config.sections.serving import Api, Cors, Environment, Limits, Log, Server
from tidemill.core.config.sections.storing import (
    Audit,
    Blobs,
    Database,
    Events,
    MessageQueue,
    Redis,
    Secrets,
)
from tidemill.core.config.sections.working import Dispatcher, Executors, Jobs, Sandbox, Worker


class Config(Struct, frozen=True, kw_only=True):
    """Every section, with its defaults where nothing else was said.

    `layers` keeps what the command line, the environment and the file said, for
    `config explain` and the settings service.
    """

    server: Server = Server()
    api: Api = Api()
    cors: Cors = Cors()
    limits: Limits = Limits()
    log: Log = Log()
    database: Database = Database()
    message_queue: MessageQueue = MessageQueue()
    redis: Redis = Redis()
    blobs: Blobs = Blobs()
    events: Events = Events()
    webhooks: Webhooks = Webhooks()
    llm: Llm = Llm()
    git: Git = Git()
    audit: Audit = Audit()
    secrets: Secrets = Secrets()
    dispatcher: Dispatcher = Dispatcher()
    worker: Worker = Worker()
    jobs: Jobs = Jobs()
    sandbox: Sandbox = Sandbox()
    executors: Executors = Executors()
    auth: Auth = Auth()
    owner: Owner = Owner()
    mail: Mail = Mail()
    features: Features = Features()
    board: Board = Board()
    preferences: Preferences = Preferences()
    notifications: Notifications = Notifications()
    layers: Layers = field(default_factory=lambda: NO_LAYERS)

    @property
    def in_production(self) -> bool:
        """Return whether this installation is for production."""
        return self.server.environment is Environment.PRODUCTION

    @property
    def public_url(self) -> str:
        """Return the address that people reach this server at, without a slash at its end."""
        if self.server.public_url:
            return self.server.public_url.rstrip("/")
        host = self.server.host
        shown = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}.get(host, host)  # noqa: S104 - shown only
        if ":" in shown and not shown.startswith("["):
            shown = f"[{shown}]"
        return f"http://{shown}:{self.server.port}"

    @property
    def lease_seconds(self) -> float:
        """Return how long a silent worker keeps its jobs: never under three heartbeats."""
        return max(self.dispatcher.lease_seconds, 3 * self.worker.heartbeat_interval_seconds)
