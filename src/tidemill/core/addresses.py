"""Addresses that people call from."""

from __future__ import annotations

import ipaddress


def network_of(address: str | None) -> str:
    """Return the address, or the /64 that one holder of an IPv6 address commands."""
    try:
        parsed = ipaddress.ip_address(address or "")
    except ValueError:
        return "unknown"
    if isinstance(parsed, ipaddress.IPv6Address):
        if parsed.ipv4_mapped is not None:
            return str(parsed.ipv4_mapped)
        return str(ipaddress.ip_network((parsed, 64), strict=False))
    return str(parsed)
