"""One address: what is kept, what is encoded, and that doing it twice changes nothing."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from curator.collect.http.urls import BadAddress, host_of, normalise, port_of


@pytest.mark.parametrize(
    "url",
    [
        "https://a.example/x.jpg?sig=a%2fb%2B&&x=1&amp;y=|{}~'()",
        "http://a.example/a%20b/%7Ex,(1).jpg",
        "http://a.example/?",
        "http://a_b.example:8080/x;v=1",
        "http://[2001:db8::1]:81/x",
        "http://a.example/?next=http://b.example/?x=1",
    ],
)
def test_valid_addresses_stay_as_they_are(url: str) -> None:
    """What is valid is kept byte for byte, signed queries above all."""
    assert url == normalise(url)


@pytest.mark.parametrize(
    ("given_url", "expected"),
    [
        ("http://a.example", "http://a.example/"),
        ("http://a.example?x", "http://a.example/?x"),
        ("http://a.example/a b.jpg", "http://a.example/a%20b.jpg"),
        ("http://a.example/100%.jpg", "http://a.example/100%25.jpg"),
        ("http://a.example/bär.jpg?q=bär", "http://a.example/b%C3%A4r.jpg?q=b%C3%A4r"),
        ("http://bären.example/", "http://xn--bren-loa.example/"),
        ("https://a.example:443/x", "https://a.example/x"),
    ],
)
def test_normalised(given_url: str, expected: str) -> None:
    """Only what a request cannot carry is encoded."""
    assert expected == normalise(given_url)


@pytest.mark.parametrize(
    ("url", "host", "port"),
    [
        ("http://a.example/", "a.example", 80),
        ("https://a.example/x:1", "a.example", 443),
        ("http://[::1]/", "[::1]", 80),
        ("http://[::1]:81/", "[::1]:81", 81),
    ],
)
def test_host_and_port(url: str, host: str, port: int) -> None:
    """Host and port are read from a normalised address."""
    assert (host, port) == (host_of(url), port_of(url))


@given(st.text(max_size=300), st.sampled_from(["", "http://", "https://a.example/"]))
def test_normalising_twice_changes_nothing(text: str, start: str) -> None:
    """An address in normal form stays what it is."""
    try:
        url = normalise(start + text)
    except BadAddress:
        return
    assert url == normalise(url)
