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
    """Forty hosts on four cores: when each takes the next parcel, all end at the same time."""
    for each in (30, 75):
        listed = (Wanted(n, f"http://h{n % 40}.org/{n}.jpg") for n in range(40 * each))
        sizes = [len(keys) for stream in plan(listed, 1000, 4) for keys in stream.waiting]
        assert (len(sizes), max(sizes)) == (12, 4 * each)
        busy = [0] * 4
        for size in sizes:
            busy[busy.index(min(busy))] += size
        assert busy == [10 * each] * 4


def test_no_core_gets_a_handful_only_to_get_some() -> None:
    """Sixty addresses of forty hosts are two parcels, on however many cores."""
    listed = (Wanted(n, f"http://h{n % 40}.org/{n}.jpg") for n in range(60))
    assert [len(stream.waiting[0]) for stream in plan(listed, 1000, 4)] == [30, 30]


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
