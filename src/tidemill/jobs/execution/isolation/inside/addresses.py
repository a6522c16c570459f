"""Which addresses our own code may connect to for a job: public ones, and what is allowed by name.

The address itself is checked, right where it is connected to: a name that resolves to another
address the second time gains nothing.
"""

from __future__ import annotations

import ipaddress
import socket
from collections.abc import Iterable
from typing import Any, Final, TypeAlias

from .answers import Failed

Address: TypeAlias = ipaddress.IPv4Address | ipaddress.IPv6Address
_NAT64: Final = ipaddress.IPv6Network("64:ff9b::/96")
_OWN_NAT64: Final = ipaddress.IPv6Network("64:ff9b:1::/48")
# Python takes these for global: prefixes of a network's own NAT64, former site-local addresses,
# and relays of 6to4, which lead wherever a network has put them.
_NOT_PUBLIC: Final = (
    _OWN_NAT64, ipaddress.IPv6Network("fec0::/10"), ipaddress.IPv4Network("192.88.99.0/24"),
)  # fmt: skip
_COMPATIBLE: Final = ipaddress.IPv6Network("::/96")


class Guard:
    """Resolves names and approves addresses, by what the operator allows besides public ones.

    `allowed` holds networks (`10.0.0.0/8`), addresses, and names; each may end in `:port`.
    It is the value of `setting`, which a refusal names.
    """

    def __init__(
        self, allowed: Iterable[str], setting: str = "executors.addresses_allowed"
    ) -> None:
        self._setting = setting
        self._networks: list[tuple[Any, int | None]] = []
        self._names: list[tuple[str, int | None]] = []
        self.approved: set[tuple[str, int]] = set()
        for entry in allowed:
            text, port = _split(entry)
            try:
                self._networks.append((ipaddress.ip_network(text, strict=False), port))
            except ValueError:
                self._names.append((text.lower().rstrip("."), port))

    def resolve(self, host: str, port: int) -> list[str]:
        """Return the addresses of `host` that may be connected to, in order; raises `Failed`."""
        name = host.strip("[]")
        try:
            found = socket.getaddrinfo(name, port, type=socket.SOCK_STREAM)
        except (socket.gaierror, UnicodeError) as error:
            raise Failed("HostUnknown", f"{host} cannot be resolved: {error}.") from None
        addresses = list(dict.fromkeys(str(entry[4][0]) for entry in found))
        refused = [one for one in addresses if not self.allows(name, one, port)]
        if refused:
            raise Failed("AddressRefused", self.refusal(name, refused[0], port))
        self.approved.update((one, port) for one in addresses)
        return addresses

    def refusal(self, host: str, address: str, port: int) -> str:
        """Return why `host`, found at `address`, may not be connected to, and what allows it."""
        found = address if host.strip("[]") == address else f"{host} is {address}, which"
        return (
            f"{found} is no public address. The operator can allow it: "
            f"add '{_entry(host, port)}' to {self._setting}."
        )

    def allows(self, host: str, address: str, port: int) -> bool:
        """Return whether `host`, found at `address`, may be connected to."""
        wanted = host.lower().rstrip(".")
        if any(name == wanted and at in {None, port} for name, at in self._names):
            return True
        real = _unwrapped(ipaddress.ip_address(address.partition("%")[0]))
        for network, at in self._networks:
            if real.version == network.version and real in network and at in {None, port}:
                return True
        if any(real.version == one.version and real in one for one in _NOT_PUBLIC):
            return False
        return real.is_global and not real.is_multicast


def _unwrapped(address: Address) -> Address:
    """Return the IPv4 address that an IPv6 address leads to, where it does."""
    if isinstance(address, ipaddress.IPv4Address):
        return address
    inner = address.ipv4_mapped or address.sixtofour
    if inner is None and address.teredo is not None:
        inner = address.teredo[1]
    if inner is None and (address in _NAT64 or address in _COMPATIBLE) and int(address) > 1:
        inner = ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
    return inner or address


def _entry(host: str, port: int) -> str:
    """Return what allows `host`: an address is looked at as the one that it leads to."""
    try:
        real = _unwrapped(ipaddress.ip_address(host.partition("%")[0]))
    except ValueError:
        return f"{host}:{port}"
    return f"{real}:{port}" if real.version == 4 else f"[{real}]:{port}"


def _split(entry: str) -> tuple[str, int | None]:
    text, colon, port = entry.strip().rpartition(":")
    if not colon or not port.isdigit() or (":" in text and not text.endswith("]")):
        return entry.strip().strip("[]"), None
    return text.strip("[]"), int(port)
