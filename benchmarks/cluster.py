"""A fetch by Ray on 1, 2 and 4 nodes of one core, against the same fetch on this machine alone.

    python benchmarks/cluster.py [--count 3000] [--photographs 120] [--repeats 3]
                                 [--img2dataset PYTHON]

Two lists from a server on the loopback, in a process of its own. Waiting: small pictures under 40
host addresses, answered after 300 ms, and 4 threads on this machine and in each task, so that the
answers are what takes time. Computing: photographs of 5 megapixels, answered at once. The nodes are
processes on this machine (``ray.cluster_utils``): waiting is shared among them whatever it has,
computing only as far as it has cores, of which the command, the server and Ray need some, too.
Counted are seconds of the fetch; starting a cluster is told apart. img2dataset, if an interpreter
that has it is named, writes shards of the same lists with 4 processes of 4 threads and without
resizing, so it decodes no picture. Then what a task and the project
do with one parcel each, without Ray, one after the other. Linux only, for the server.
"""

from __future__ import annotations

import sys
import time
from typing import TYPE_CHECKING, Any

import sides
from loopback import serving

if TYPE_CHECKING:
    from pathlib import Path

LATENCY = 0.3  # seconds
THREADS = 4
NODES = (1, 2, 4)
LISTS = ("waiting", "computing")
GOAL = 2.0


def alone(waiting: list[str], computing: list[str], work: Path) -> sides.Figures:
    """Fetch both lists here."""
    return _measured(waiting, computing, work, "")


def spread(nodes: int, waiting: list[str], computing: list[str], work: Path) -> sides.Figures:
    """Fetch both lists on a cluster of so many nodes."""
    from tests.cluster.nodes import cluster_of

    began = time.perf_counter()
    with cluster_of(nodes) as cluster:
        sides.say(start=time.perf_counter() - began)
        return _measured(waiting, computing, work, cluster.address)


def img2dataset(waiting: list[str], computing: list[str], work: Path) -> sides.Figures:
    """Write both lists into shards with img2dataset, files as they are."""
    from img2dataset import download

    figures = {}
    for name, urls in zip(LISTS, (waiting, computing), strict=True):
        (work / name).write_text("\n".join(urls), encoding="utf-8")
        began = time.perf_counter()
        download(
            url_list=str(work / name),
            output_folder=str(work / f"{name}-out"),
            output_format="webdataset",
            resize_mode="no",
            processes_count=NODES[-1],
            thread_count=THREADS,
            number_sample_per_shard=max(1, len(urls) // NODES[-1]),
            disallowed_header_directives=[],
        )
        figures[name] = time.perf_counter() - began
    return figures


def _measured(waiting: list[str], computing: list[str], work: Path, address: str) -> sides.Figures:
    from curator import ClusterSettings, FetchSettings, Project

    cluster = ClusterSettings(address=address) if address else None
    settings = FetchSettings(allow_private=True, threads=THREADS)
    figures = {}
    for name, urls in zip(LISTS, (waiting, computing), strict=True):
        with Project.create(work / name, ["thing"]) as project:
            project.add("thing", "\n".join(urls))
            began = time.perf_counter()
            report = project.fetch(settings, cluster=cluster)
            figures[name] = time.perf_counter() - began
        if report.images != len(urls):
            sys.exit(f"{report.images} of {len(urls)} images: {report.sentence} {report.notes}")
    return figures


def task(urls: list[str], work: Path) -> sides.Figures:
    """What one core does with a parcel, and what the project does with its shard, without Ray."""
    from curator import ClusterSettings, FetchSettings, Project, __version__
    from curator.cluster.parcels import Parcel
    from curator.cluster.task import fetch_parcel

    settings = FetchSettings(allow_private=True)
    told = settings.model_dump(mode="json", exclude_unset=True)
    with Project.create(work / "project", ["thing"]) as project:
        project.add("thing", "\n".join(urls))
        place = project.path / "shards"
        parcel = Parcel(dict(enumerate(urls, 1)), told, str(place), False, False, __version__)
        began = _core_seconds()
        fetch_parcel(parcel)
        fetched = _core_seconds()
        size = sum(file.stat().st_size for file in place.iterdir())
        report = project.fetch(settings, cluster=ClusterSettings())
        ended = _core_seconds()
    if report.images != len(urls):
        sys.exit(f"{report.images} of {len(urls)} images: {report.sentence}")
    return {
        "fetched": len(urls) / (fetched - began),
        "taken in": len(urls) / (ended - fetched),
        "kB": size / len(urls) / 1000,
    }


def _core_seconds() -> float:
    """Processor time of this process and those it started, which other programs hardly change."""
    import psutil

    own = psutil.Process()
    times = [each.cpu_times() for each in (own, *own.children(recursive=True))]
    return sum(each.user + each.system for each in times)


def main() -> int:
    """Compare on both lists, print the figures, return the exit status."""
    parser = sides.Options(__doc__, repeats=3)
    parser.size("--count", 3000, 120, "small pictures")
    parser.size("--photographs", 120, 8, "large ones")
    parser.add_argument("--img2dataset", help="interpreter with img2dataset")
    options = parser.parse_args()

    def side(name: str, function: Any, *arguments: Any, **where: Any) -> sides.Side:
        def measure() -> sides.Figures:
            with (
                serving(options.count, LATENCY) as waiting,
                serving(options.photographs, large=True) as computing,
            ):
                return sides.in_process(function, *arguments, waiting, computing, **where)

        return sides.Side(name, measure)

    nodes = NODES[:2] if options.small else NODES
    clusters = [side(f"{number} nodes", spread, number) for number in reversed(nodes)]
    peers = [side("img2dataset", img2dataset, python=options.img2dataset)]
    result = sides.compare(
        [*clusters, side("alone", alone), *peers * bool(options.img2dataset)], options.repeats
    )
    for name, number in zip(LISTS, (options.count, options.photographs), strict=True):
        result.tell(name, f"s for {number} addresses, {name}")
    for number in nodes:
        print(f"  {number} nodes: {result.spread(f'{number} nodes', 'start')} s to start them")
    parts = []
    for name, count, large in (
        ("small", options.count, False),
        ("photographs", options.photographs, True),
    ):
        with serving(count, large=large) as urls:
            parts.append(sides.compare([sides.side(name, task, urls)], options.repeats))
        print(f"a parcel of {count} {name}", flush=True)
        parts[-1].tell("fetched", "fetched a core and second")
        parts[-1].tell("taken in", "taken in a core and second")
        parts[-1].tell("kB", "kB each in the shard")
    sides.record(options, both=result, small=parts[0], photographs=parts[1])
    what = f"times as fast on {result.first} as alone, where answers are what takes time"
    return 0 if sides.verdict(result.ratio("alone", "waiting"), GOAL, what) else 1


if __name__ == "__main__":
    sys.exit(main())
