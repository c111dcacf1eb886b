"""No address range that is not of the public internet can be fetched from, on any Python."""

from __future__ import annotations

import ipaddress
import socket

import pytest

from curator.collect.http import transport as guarded
from curator.collect.http.deadlines import Flight, Stop
from curator.collect.http.transport import is_public
from curator.collect.ranges import NOT_PUBLIC

# Typed from the registries, beside the table and not out of it: the first and the last address of
# each range, and the one before and the one after, where those are public.
REGISTRIES = [
    ("0.0.0.0/8", None, "1.0.0.0"),
    ("10.0.0.0/8", "9.255.255.255", "11.0.0.0"),
    ("100.64.0.0/10", "100.63.255.255", "100.128.0.0"),
    ("127.0.0.0/8", "126.255.255.255", "128.0.0.0"),
    ("169.254.0.0/16", "169.253.255.255", "169.255.0.0"),
    ("172.16.0.0/12", "172.15.255.255", "172.32.0.0"),
    ("192.0.0.0/24", "191.255.255.255", "192.0.1.0"),
    ("192.0.0.8/32", None, None),
    ("192.0.0.9/32", None, None),  # port control; reachable by the registry, refused with its block
    ("192.0.0.170/32", None, None),
    ("192.0.2.0/24", "192.0.1.255", "192.0.3.0"),
    ("192.88.99.0/24", "192.88.98.255", "192.88.100.0"),
    ("192.168.0.0/16", "192.167.255.255", "192.169.0.0"),
    ("198.18.0.0/15", "198.17.255.255", "198.20.0.0"),
    ("198.51.100.0/24", "198.51.99.255", "198.51.101.0"),
    ("203.0.113.0/24", "203.0.112.255", "203.0.114.0"),
    ("224.0.0.0/4", "223.255.255.255", None),
    ("240.0.0.0/4", None, None),
    ("255.255.255.255/32", None, None),
    ("168.63.129.16/32", "168.63.129.15", "168.63.129.17"),
    ("::/128", None, None),
    ("::1/128", None, None),
    ("::/96", None, None),  # IPv4-compatible
    ("::ffff:0:0/96", None, None),  # IPv4-mapped
    ("64:ff9b::/96", None, None),
    ("64:ff9b:1::/48", None, None),
    ("100::/64", None, None),
    ("100:0:0:1::/64", None, None),
    ("::/3", None, "2000::"),
    ("2001::/23", "2000:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "2001:200::"),
    ("2001::/32", None, None),  # Teredo
    ("2001:2::/48", None, None),
    ("2001:10::/28", None, None),
    ("2001:20::/28", None, None),
    ("2001:30::/28", None, None),
    ("2001:db8::/32", "2001:db7:ffff:ffff:ffff:ffff:ffff:ffff", "2001:db9::"),
    ("2002::/16", "2001:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "2003::"),
    ("3fff::/20", "3ffe:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "3fff:1000::"),
    ("4000::/3", "3fff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", None),
    ("5f00::/16", None, None),
    ("fc00::/7", None, None),
    ("fe80::/10", None, None),
    ("fec0::/10", None, None),
    ("ff00::/8", None, None),
]


@pytest.mark.parametrize(("block", "before", "after"), REGISTRIES)
def test_a_range_is_refused_to_its_edges(block: str, before: str | None, after: str | None) -> None:
    """The first and the last address of a range are refused; the public ones beside it are not."""
    net = ipaddress.ip_network(block)
    assert not is_public(str(net[0]))
    assert not is_public(str(net[-1]))
    assert not is_public(f"{net[net.num_addresses // 2]}")
    assert all(is_public(beside) for beside in (before, after) if beside)


def test_every_public_beside_a_range_is_not_within_another() -> None:
    """Beside a range of our table lies another of them, or the public internet: no gap is left."""
    for net in NOT_PUBLIC:
        size = 2**net.max_prefixlen
        for number in (int(net[0]) - 1, int(net[-1]) + 1):
            if 0 <= number < size:
                beside = type(net[0])(number)
                within = any(
                    beside in other for other in NOT_PUBLIC if other.version == net.version
                )
                assert within != is_public(str(beside))


@pytest.mark.parametrize(
    "address", ["fe80::1%eth0", "::ffff:8.8.8.8", "64:ff9b::808:808", "2002:808:808::", "::8.8.8.8"]
)
def test_no_way_around(address: str) -> None:
    """A zone, and forms that carry an IPv4 address inside, even a public one, are refused."""
    assert not is_public(address)


@pytest.mark.parametrize("address", ["192.0.0.8", "192.0.0.9", "3fff::1", "100.64.0.1", "5f00::1"])
def test_a_name_that_leads_there_is_refused(address: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A name whose look-up gives one public address and one of these is refused as a whole."""
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    answers = [
        (socket.AF_INET, socket.SOCK_STREAM, 6, "", ("8.8.8.8", 80)),
        (family, socket.SOCK_STREAM, 6, "", (address, 80)),
    ]
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_args, **_kwargs: answers)
    with pytest.raises(Stop, match="not on the public internet"):
        guarded.checked_addresses("example.org", 80, Flight(False, 1, 1, 5, lambda: False))
