"""Which IP addresses belong to the public internet.

The ranges are written down here, so that every version of Python answers alike: its own
``is_global`` has followed the registries only from release to release. Sources: the IANA IPv4 and
IPv6 Special-Purpose Address Registries
(https://www.iana.org/assignments/iana-ipv4-special-registry and
https://www.iana.org/assignments/iana-ipv6-special-registry, RFC 6890), all entries that are not
globally reachable, and the multicast registries. Beyond them are refused, though the registries
call them reachable: prefixes that carry an IPv4 address inside, and with it any of the ranges
above, and what one cloud serves machine credentials from.
"""

from __future__ import annotations

import ipaddress

_NOT_PUBLIC_4 = (
    "0.0.0.0/8",  # this network, RFC 791
    "10.0.0.0/8",  # private use, RFC 1918
    "100.64.0.0/10",  # shared by a carrier's customers, RFC 6598
    "127.0.0.0/8",  # loopback, RFC 1122
    "168.63.129.16/32",  # Azure's machine service
    "169.254.0.0/16",  # link-local, RFC 3927; metadata of most clouds
    "172.16.0.0/12",  # private use, RFC 1918
    "192.0.0.0/24",  # protocol assignments, RFC 6890
    "192.0.2.0/24",  # documentation, RFC 5737
    "192.88.99.0/24",  # 6to4 relays, RFC 7526
    "192.168.0.0/16",  # private use, RFC 1918
    "198.18.0.0/15",  # benchmarking, RFC 2544
    "198.51.100.0/24",  # documentation, RFC 5737
    "203.0.113.0/24",  # documentation, RFC 5737
    "224.0.0.0/4",  # multicast, RFC 5771
    "240.0.0.0/4",  # reserved, RFC 1112; with the broadcast address
)
_NOT_PUBLIC_6 = (
    "::/3",  # unspecified, loopback, IPv4-compatible and -mapped, NAT64, discard-only
    "2001::/23",  # protocol assignments, RFC 2928: Teredo, benchmarking, ORCHID, drone ids
    "2001:db8::/32",  # documentation, RFC 3849
    "2002::/16",  # 6to4, RFC 3056: carries any IPv4 address
    "3fff::/20",  # documentation, RFC 9637
    # All beyond 2000::/3, the only block that is given out: segment routing (5f00::/16), unique
    # local (fc00::/7), link-local (fe80::/10), site-local (fec0::/10), multicast (ff00::/8).
    "4000::/2",
    "8000::/1",
)

NOT_PUBLIC = tuple(ipaddress.ip_network(text) for text in (*_NOT_PUBLIC_4, *_NOT_PUBLIC_6))


def is_public(address: str) -> bool:
    """Whether an IP address belongs to the public internet, without any way around.

    ``address``: as a resolver writes it; a zone (``%eth0``) is passed over. Raises ValueError.
    """
    ip = ipaddress.ip_address(address.split("%", maxsplit=1)[0])
    return not any(ip.version == net.version and ip in net for net in NOT_PUBLIC)
