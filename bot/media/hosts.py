"""Which hosts are public: where a finished video may be fetched from, and where a link may lead."""

from __future__ import annotations

import re
import socket
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address
from urllib.parse import urlsplit

_NAT64 = IPv6Network("64:ff9b::/96")  # IPv4 addresses as networks without IPv4 see them [RFC 6052]
# Names that only mean something inside one network [RFC 2606, 6761, 6762, 8375, and ICANN's of 2024].
_LOCAL_SUFFIXES = (".localhost", ".local", ".internal", ".lan", ".home.arpa")
_BREAKS_LINKS = re.compile(r"[\s<>\x00-\x1f\x7f]")  # what would end a link early in Discord's markdown


def is_public(location: str, *, loopback: bool = False) -> bool:
    """Return whether an IP address is one of the open internet; this machine counts where allowed."""
    ip = _unwrapped(ip_address(location.partition("%")[0]))
    if ip.is_loopback:
        return loopback
    return ip.is_global and not ip.is_multicast and not ip.is_reserved


def public_link(url: str, *, loopback: bool = False) -> str | None:
    """Return a link as people may see it, or None where it does not lead to a public website.

    What a name stands for is not looked up here: that is checked where it is connected to.
    """
    try:
        parts = urlsplit(url)
        host = (parts.hostname or "").rstrip(".")
        _ = parts.port  # raises ValueError where it is none
    except ValueError:
        return None
    if parts.scheme not in {"http", "https"} or _BREAKS_LINKS.search(url) or not host:
        return None
    location = _address(host)
    if location is not None:
        return url if is_public(location, loopback=loopback) else None
    if host == "localhost":
        return url if loopback else None
    return url if "." in host and not host.endswith(_LOCAL_SUFFIXES) else None


def is_on_this_machine(url: str) -> bool:
    """Return whether a link names this machine itself, as the stand-in's does."""
    host = urlsplit(url).hostname or ""
    location = _address(host)
    return host == "localhost" if location is None else _unwrapped(ip_address(location)).is_loopback


def _address(host: str) -> str | None:
    """Return the IP address that a host is written as, also in the short forms that browsers take."""
    try:
        return str(ip_address(host.partition("%")[0]))
    except ValueError:
        pass
    try:
        return socket.inet_ntoa(socket.inet_aton(host))  # 127.1 and 2130706433 are addresses too
    except (OSError, ValueError):
        return None


def _unwrapped(ip: IPv4Address | IPv6Address) -> IPv4Address | IPv6Address:
    """Return the IPv4 address that an IPv6 address stands for, or the address itself."""
    if isinstance(ip, IPv4Address):
        return ip
    if ip in _NAT64:
        return IPv4Address(int(ip) & 0xFFFFFFFF)
    return ip.ipv4_mapped or ip.sixtofour or ip
