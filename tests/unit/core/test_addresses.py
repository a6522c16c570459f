from __future__ import annotations

import pytest

from tidemill.core.addresses import network_of


@pytest.mark.parametrize(
    ("address", "network"),
    [
        ("192.0.2.7", "192.0.2.7"),
        ("::ffff:192.0.2.7", "192.0.2.7"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("fe80::1%eth0", "fe80::/64"),
        ("local", "unknown"),
        (None, "unknown"),
    ],
)
def test_network_of_is_what_one_holder_commands(address: str | None, network: str) -> None:
    assert network_of(address) == network
