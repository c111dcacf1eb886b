"""Parcels of addresses: every one once, no host in two at a time, and a name for the work."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from curator.cluster.parcels import FEWEST, Parcel, plan
from curator.collect.http.frontier import Wanted, host_name


@given(
    st.lists(st.integers(0, 6), max_size=400),
    st.integers(FEWEST, 120),
    st.integers(1, 5),
)
def test_every_address_once_and_a_host_in_one_stream(
    hosts: list[int], most: int, cores: int
) -> None:
    """Whatever the list: nothing is lost, doubled or out of its order, no parcel is too large."""
    listed = [Wanted(key, f"http://h{host}.org/{key}.jpg") for key, host in enumerate(hosts)]
    streams = plan(iter(listed), most, cores)
    parcels = [keys for stream in streams for keys in stream.waiting]
    assert sorted(key for keys in parcels for key in keys) == list(range(len(listed)))
    assert all(0 < len(keys) <= most for keys in parcels)
    seen: dict[str, int] = {}
    for number, stream in enumerate(streams):
        of_stream = [key for keys in stream.waiting for key in keys]
        hosts_there = {host_name(listed[key].url) for key in of_stream}
        assert len(stream.waiting) == 1 or len(hosts_there) == 1
        for host in hosts_there:
            assert seen.setdefault(host, number) == number
            of_host = [key for key in of_stream if host_name(listed[key].url) == host]
            assert of_host == sorted(of_host)


def test_a_few_addresses_are_shared_out_among_the_cores() -> None:
    """Forty hosts of thirty on four cores: twelve parcels, none much larger than the others."""
    listed = (Wanted(n, f"http://h{n % 40}.org/{n}.jpg") for n in range(1200))
    sizes = [len(keys) for stream in plan(listed, 1000, 4) for keys in stream.waiting]
    assert (len(sizes), max(sizes)) == (14, 90)


def test_the_same_work_has_the_same_name() -> None:
    """Another address, key or setting is other work."""

    def name(addresses: dict[int, str], **settings: object) -> str:
        return Parcel(addresses, settings, "/anywhere", False, False, "1").name

    names = [
        name({1: "http://a.org/1"}),
        name({2: "http://a.org/1"}),
        name({1: "http://a.org/2"}),
        name({1: "http://a.org/1"}, allow_private=True),
    ]
    assert len(set(names)) == 4
    assert name({1: "http://a.org/1"}) == names[0]
    assert all(len(each) == 64 for each in names)
