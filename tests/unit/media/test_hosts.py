"""Hosts: which addresses are public, and which links people may be sent to."""

from __future__ import annotations

import pytest

from bot.media.hosts import is_on_this_machine, is_public, public_link

PUBLIC = "https://storage.example.com/v.mp4"


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1", "10.1.2.3", "172.16.0.1", "192.168.1.1", "169.254.169.254", "100.64.0.1", "0.0.0.0",  # noqa: S104
        "224.0.0.1", "255.255.255.255", "::", "::1", "::7f00:1", "fe80::1%eth0", "fc00::1", "ff02::1",
        "::ffff:192.168.1.1", "64:ff9b::a00:1", "2002:a00:1::",
    ],
)  # fmt: skip
def test_what_is_not_public(address: str) -> None:
    assert not is_public(address)


@pytest.mark.parametrize("address", ["8.8.8.8", "2606:4700::1111", "::ffff:8.8.8.8", "64:ff9b::808:808"])
def test_what_is_public(address: str) -> None:
    assert is_public(address)


@pytest.mark.parametrize(
    "link",
    [
        "ftp://storage.example.com/v.mp4", "javascript:alert(1)", "https:///v.mp4", "https://[half/v.mp4",
        "https://storage.example.com:port/", "http://127.1/v", "http://2130706433/v", "http://0x7f000001/v",
        "http://localhost/v", "http://printer.local/v", "http://db.internal/v", "http://db/v",
        "https://storage.example.com/a\nb", "http://localhost./v",
    ],
)  # fmt: skip
def test_links_that_nobody_is_sent_to(link: str) -> None:
    assert public_link(link) is None


def test_links_that_people_may_follow() -> None:
    assert public_link(PUBLIC) == PUBLIC
    assert public_link("http://8.8.8.8/v.mp4") is not None
    assert public_link("http://127.0.0.1:80/v.mp4", loopback=True) is not None
    assert public_link("http://10.0.0.8/v.mp4", loopback=True) is None


@pytest.mark.parametrize(
    ("url", "here"),
    [("http://127.0.0.1:80", True), ("http://localhost", True), ("http://[::1]", True),
     ("https://console.gmicloud.ai", False), ("http://10.0.0.8", False)],
)  # fmt: skip
def test_only_a_stand_in_is_on_this_machine(url: str, here: bool) -> None:
    assert is_on_this_machine(url) is here
