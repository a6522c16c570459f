from __future__ import annotations

import re

import pytest

from tidemill.jobs.execution.isolation.inside.addresses import Guard
from tidemill.jobs.execution.isolation.inside.answers import Failed


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1", "10.1.2.3", "172.16.0.1", "192.168.1.1", "169.254.169.254", "0.0.0.0",  # noqa: S104 - an address to refuse

        "100.64.0.1", "224.0.0.1", "255.255.255.255", "::1", "::", "fe80::1", "fc00::1",
        "fec0::1", "64:ff9b:1::a00:1", "192.88.99.1", "::ffff:192.88.99.1",
        "ff02::1", "::ffff:10.0.0.1", "64:ff9b::7f00:1", "2002:7f00:1::", "::7f00:1",
    ],
)  # fmt: skip
def test_guard_refuses_what_is_not_public(address: str) -> None:
    assert not Guard([]).allows("db.example.org", address, 5432)


@pytest.mark.parametrize("address", ["1.1.1.1", "2606:4700::1111", "::ffff:1.1.1.1"])
def test_guard_allows_public_addresses(address: str) -> None:
    assert Guard([]).allows("example.org", address, 443)


@pytest.mark.parametrize(
    ("allowed", "host", "address", "port", "expected"),
    [
        ("10.0.0.0/8", "db", "10.1.2.3", 5432, True),
        ("10.0.0.0/8", "db", "11.1.2.3", 5432, True),
        ("10.0.0.0/8", "db", "192.168.1.1", 5432, False),
        ("10.0.0.0/8:5432", "db", "10.1.2.3", 5432, True),
        ("10.0.0.0/8:5432", "db", "10.1.2.3", 22, False),
        ("db.lan", "db.lan", "10.1.2.3", 22, True),
        ("db.lan:5432", "DB.lan.", "10.1.2.3", 5432, True),
        ("db.lan:5432", "db.lan", "10.1.2.3", 22, False),
        ("db.lan", "evil.org", "10.1.2.3", 22, False),
        ("::1", "localhost", "::1", 80, True),
        ("[::1]:80", "localhost", "::1", 81, False),
        ("127.0.0.1", "localhost", "::ffff:127.0.0.1", 80, True),
    ],
)
def test_guard_allows_what_the_operator_has_listed(
    allowed: str, host: str, address: str, port: int, *, expected: bool
) -> None:
    assert Guard([allowed]).allows(host, address, port) is expected


@pytest.mark.parametrize(
    "host", ["127.0.0.1", "2130706433", "::1", "[::1]", "::ffff:127.0.0.1", "64:ff9b::7f00:1"]
)
def test_guard_names_in_its_refusal_what_allows_the_host(host: str) -> None:
    with pytest.raises(Failed) as refused:
        Guard([]).resolve(host, 3000)
    entry = re.search("add '(.+?)' to", str(refused.value))

    assert entry is not None
    assert Guard([entry[1]]).resolve(host, 3000)


def test_guard_refuses_a_name_when_any_of_its_addresses_is_private(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    found = [(2, 1, 6, "", ("1.1.1.1", 80)), (2, 1, 6, "", ("127.0.0.1", 80))]
    monkeypatch.setattr("socket.getaddrinfo", lambda *_, **__: found)

    with pytest.raises(Failed, match=r"127\.0\.0\.1"):
        Guard([]).resolve("rebinds.example.org", 80)
