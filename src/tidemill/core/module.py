"""What a feature offers to a process, and how features find each other."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Generic, Protocol, TypeVar, cast

from msgspec import Struct

from tidemill.core.authorization import Permission
from tidemill.core.errors import TidemillError
from tidemill.core.facts import Fact, RecordedFact
from tidemill.core.figures import Figure
from tidemill.core.ids import TenantId
from tidemill.core.ports import Tx

if TYPE_CHECKING:
    from tidemill.core.clock import Clock
    from tidemill.core.config import Config
    from tidemill.core.ports import (
        Database,
        EventBus,
        Invalidations,
        LiveUpdates,
        Mailer,
        RateLimiter,
        TenantStores,
        Wakeups,
    )

T = TypeVar("T")
T_co = TypeVar("T_co", covariant=True)


class Port(Generic[T_co]):
    """The typed name of something one module provides and others require."""

    def __init__(self, name: str) -> None:
        self.name = name

    def __repr__(self) -> str:
        return f"Port({self.name!r})"


LIVE_UPDATES: Port[LiveUpdates] = Port("live updates")


class Service(Protocol):
    """Something that runs beside the requests of a process."""

    async def start(self) -> None:
        """Begin; returns when it works."""
        ...

    async def stop(self) -> None:
        """End, within the deadline that the supervisor sets around this call."""
        ...


class Projection(Struct, frozen=True, kw_only=True):
    """A durable follower of every tenant's stream, whose effect lies in the tenant's store.

    `apply` runs in the transaction that also moves the follower's cursor, so each fact takes
    effect exactly once, in order. `wanted` is asked before the next facts of a tenant are
    shown: a follower that few tenants need costs the others no write.
    """

    name: str
    facts: tuple[type[Fact], ...]
    apply: Callable[[Tx, RecordedFact], None]
    wanted: Callable[[TenantId, Sequence[RecordedFact]], Awaitable[bool]] | None = None


class Reaction(Struct, frozen=True, kw_only=True):
    """A durable follower whose effect lies elsewhere; at least once, so it must be idempotent."""

    name: str
    facts: tuple[type[Fact], ...]
    react: Callable[[RecordedFact], Awaitable[None]]


class Periodic(Struct, frozen=True, kw_only=True):
    """Work that a process with the role does again and again."""

    name: str
    every_seconds: float
    run: Callable[[], Awaitable[None]]


class HealthCheck(Struct, frozen=True, kw_only=True):
    """A part of a process that can fall ill, for `/ready`.

    `ask` returns None when it works, else one sentence that says what is wrong. Without a
    `vital` part requests fail, so that none should be sent here; others are only told.
    """

    name: str
    ask: Callable[[], Awaitable[str | None]]
    vital: bool = False


class Offer(Struct, frozen=True, kw_only=True):
    """What a built module gives to its process.

    `routes` are made by `tidemill.http`; `dependencies` are injected into them by parameter
    name. `provides` fills ports. `end_waits` are called once when the process begins to stop: they
    end long polls and streams, which would hold it up.
    """

    routes: Sequence[Any] = ()
    dependencies: Mapping[str, object] = {}
    provides: Mapping[Port[Any], object] = {}
    projections: Sequence[Projection] = ()
    reactions: Sequence[Reaction] = ()
    periodic: Sequence[Periodic] = ()
    services: Sequence[Service] = ()
    permissions: Sequence[Permission] = ()
    figures: Sequence[Figure] = ()
    checks: Sequence[HealthCheck] = ()
    end_waits: Sequence[Callable[[], None]] = ()


class Parts:
    """What the runtime hands to a module when it builds it."""

    def __init__(  # noqa: PLR0913 - the one list of what every module may use
        self,
        *,
        config: Config,
        clock: Clock,
        control: Database,
        jobs: Database,
        tenants: Database,
        tenant_stores: TenantStores,
        wakeups: Wakeups,
        invalidations: Invalidations,
        bus: EventBus,
        mailer: Mailer,
        rate_limiter: RateLimiter,
        ports: Mapping[Port[Any], object],
    ) -> None:
        self.config = config
        self.clock = clock
        self.control = control
        self.jobs = jobs
        self.tenants = tenants
        self.tenant_stores = tenant_stores
        self.wakeups = wakeups
        self.invalidations = invalidations
        self.bus = bus
        self.mailer = mailer
        self.rate_limiter = rate_limiter
        self._ports = ports

    @property
    def live(self) -> LiveUpdates:
        """Ephemeral updates; the events module, which is built first, provides them."""
        return self.get(LIVE_UPDATES)

    def get(self, port: Port[T]) -> T:
        """Return what fills `port`; a required port is always filled when a module is built."""
        return cast("T", self._ports[port])

    def late(self, port: Port[T]) -> Callable[[], T | None]:
        """Return a function that gives what fills `port` once every module is built.

        For ports that a lower module declares and a higher one may fill.
        """
        return lambda: cast("T | None", self._ports.get(port))


class Module(Struct, frozen=True, kw_only=True):
    """A feature as the runtime sees it: its name, what it requires, and how it is built."""

    name: str
    build: Callable[[Parts], Offer]
    requires: tuple[Port[Any], ...] = ()


class PortNotFilled(TidemillError):
    """A module requires something that no module of this process provides."""

    code = "PORT_NOT_FILLED"

    def __init__(self, module: str, port: Port[Any]) -> None:
        super().__init__(
            f"{module} needs {port.name}: run the module that provides it here, "
            "or name its address with --peer."
        )
