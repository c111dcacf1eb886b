"""A parcel becomes a shard, and a project takes it in: without Ray, which only moves them about."""

from __future__ import annotations

import io
import json
import tarfile
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
import pytest

from curator.cluster import job
from curator.cluster.parcels import Parcel
from curator.cluster.places import Place
from curator.cluster.shard import ShardAltered, opened
from curator.cluster.task import fetch_parcel
from curator.collect.fetch import FetchReport
from curator.collect.http.client import FetchSettings
from curator.encode.backbones import DEFAULT, describe
from curator.encode.project_features import feature_cache, tiny_cache
from curator.errors import FileError, InputError
from curator.hashing import sha256
from curator.jobs import runner
from curator.project import Project
from curator.sample.digits import Item
from curator.sample.server import Served, serving
from curator.store import schema
from curator.version import __version__
from tests.collect.kills import result_of, temporary_files
from tests.pictures import encoded, picture
from tests.security.test_killed import started

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

SETTINGS = {"allow_private": True, "backoff": 0.0}


@pytest.fixture
def served() -> Iterator[Served]:
    """Serve two pictures, one of them twice, a dead address and a page."""
    bodies = {
        "/1.png": encoded(picture(1)),
        "/2.png": encoded(picture(2)),
        "/again.png": encoded(picture(1)),
        "/dead.png": b"",
        "/page.png": b"<!doctype html><p>no",
    }
    items = [
        Item(path, "a", None, "", body, status=200 if body else 404)
        for path, body in bodies.items()
    ]
    with serving(items) as running:
        yield running


@pytest.fixture
def project(served: Served, tmp_path: Path) -> Iterator[Project]:
    """Give a project that lists all of it, and has fetched nothing."""
    with Project.create(tmp_path / "p", ["a"]) as made:
        made.add("a", "\n".join(served.addresses("a")))
        yield made


def parcel_of(project: Project, place: Path | None = None, features: bool = False) -> Parcel:
    """Make all that the project lists into one parcel."""
    with project.database.read() as connection:
        rows = connection.execute(schema.sources.select()).all()
    where = place or project.path / "shards"
    addresses = {row.id: row.origin for row in rows}
    return Parcel(addresses, SETTINGS, str(where), features, False, __version__)


def take_in(project: Project) -> FetchReport:
    """Fetch on a cluster where shards lie already: without one it would ask for Ray."""
    arguments = {"settings": SETTINGS, "cluster": {}, "retry": "none"}
    return runner.run(project, "fetch", job.run, arguments)


@pytest.mark.slow
def test_what_a_shard_holds_is_what_a_fetch_gives(
    served: Served, project: Project, tmp_path: Path
) -> None:
    """The same images, reasons and columns as on one machine; afterwards the shard is gone."""
    with Project.create(tmp_path / "alone", ["a"]) as alone:
        alone.add("a", "\n".join(served.addresses("a")))
        expected = alone.fetch(FetchSettings(**SETTINGS))
    fetch_parcel(parcel_of(project))
    report = take_in(project)
    assert report == expected
    assert result_of(project.path) == result_of(tmp_path / "alone")
    assert columns(project.path) == columns(tmp_path / "alone")
    assert not (project.path / "shards").exists()
    assert temporary_files(project.path) == []
    assert take_in(project).sentence.startswith("Nothing is missing")


def columns(path: Path) -> list[dict[str, object]]:
    """What both tables hold, but for ids and times."""
    with Project.open(path) as project, project.database.read() as connection:
        rows = [
            *connection.execute(schema.images.select().order_by(schema.images.c.sha256)),
            *connection.execute(schema.sources.select().order_by(schema.sources.c.origin)),
        ]
        digests = [row.sha256 for row in rows if "sha256" in row._fields]
        thumbnails = dict(project.thumbnails.get(digests))
    passing = {"id", "image_id", "added_at", "ended_at", "seconds"}
    return [
        {name: value for name, value in row._mapping.items() if name not in passing} for row in rows
    ] + [{digest: sha256(data) for digest, data in sorted(thumbnails.items())}]


def test_a_shard_that_is_there_is_not_made_again(served: Served, project: Project) -> None:
    """A task that runs a second time, since its machine was lost, asks no address again."""
    parcel = parcel_of(project)
    fetch_parcel(parcel)
    place = Place(parcel.place)
    (shard,) = Path(parcel.place).iterdir()
    before = shard.stat().st_mtime_ns
    fetch_parcel(parcel)
    assert (place.names(), shard.stat().st_mtime_ns) == ([parcel.name], before)


@pytest.mark.slow
def test_what_a_killed_task_left_goes_with_the_next(
    project: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its folder lies among the machine's temporary ones; that of a task that lives stays."""
    scratch = tmp_path / "temporary"
    monkeypatch.setattr(tempfile, "tempdir", str(scratch))
    code = (
        "import sys, tempfile; from curator.files import scratch_folder; from pathlib import Path\n"
        "from curator.cluster.task import _SCRATCH\n"
        "with scratch_folder(Path(sys.argv[1]), _SCRATCH): print(flush=True); sys.stdin.read()"
    )
    killed, living = (started(code, scratch) for _ in range(2))
    killed.kill()
    killed.communicate()
    assert len(list(scratch.glob("*[0-9a-f]"))) == 2
    fetch_parcel(parcel_of(project))
    assert len(list(scratch.glob("*[0-9a-f]"))) == 1
    living.communicate("", timeout=60)
    assert list(scratch.iterdir()) == []


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")  # it closes nothing
def test_readers_of_webdataset_open_it(served: Served, project: Project) -> None:
    """Originals and thumbnails lie there under the keys that such a reader expects."""
    import webdataset

    fetch_parcel(parcel_of(project))
    (shard,) = (project.path / "shards").glob("*.tar")
    samples = list(webdataset.WebDataset(str(shard), shardshuffle=False))
    found = {sample["__key__"]: sample for sample in samples}
    assert sha256(found[sha256(encoded(picture(1)))]["png"]) == sha256(encoded(picture(1)))
    assert found[sha256(encoded(picture(2)))]["thumbnail.jpg"].startswith(b"\xff\xd8\xff")


@pytest.mark.slow
def test_features_come_with_it(project: Project) -> None:
    """They are those that the check computes, which has nothing left to do."""
    fetch_parcel(parcel_of(project, features=True))
    take_in(project)
    digests = list(result_of(project.path).images.values())
    backbone = describe(DEFAULT)
    came = feature_cache(project, backbone).rows(digests)
    small = tiny_cache(project).rows(digests)
    for path in project.features.rglob("*.bin"):
        path.unlink()
    project.check()
    np.testing.assert_allclose(came, feature_cache(project, backbone).rows(digests), atol=1e-3)
    np.testing.assert_array_equal(small, tiny_cache(project).rows(digests))


def test_another_version_is_refused(project: Project) -> None:
    """What two versions make of an image may differ."""
    parcel = parcel_of(project)
    with pytest.raises(InputError, match="same version on every machine"):
        fetch_parcel(Parcel(parcel.addresses, SETTINGS, parcel.place, False, False, "0.0"))


Change: TypeAlias = "Callable[[str, bytes], tuple[str, bytes] | None]"


def rewritten(shard: Path, change: Change) -> None:
    """Write a shard anew, each member as ``change`` makes it; without those it makes None of."""
    with tarfile.open(shard) as tar:
        members = [(member.name, tar.extractfile(member)) for member in tar]
        contents = [(name, stream.read()) for name, stream in members if stream]
    with tarfile.open(shard, "w") as tar:
        for name, content in contents:
            if (changed := change(name, content)) is not None:
                member = tarfile.TarInfo(changed[0])
                member.size = len(changed[1])
                tar.addfile(member, io.BytesIO(changed[1]))


def in_lines(change: Callable[[dict[str, Any]], object]) -> Change:
    """Change each line of an image by ``change``."""

    def changed(name: str, content: bytes) -> tuple[str, bytes]:
        if name != "outcomes.jsonl":
            return name, content
        head, *lines = [json.loads(line) for line in content.splitlines()]
        for line in lines:
            if line["image"]:
                change(line)
        return name, b"".join(json.dumps(line).encode() + b"\n" for line in (head, *lines))

    return changed


def of(part: str, change: Callable[[bytes], bytes | None]) -> Change:
    """Change the content of the members with ``part`` in their names; None leaves them out."""

    def changed(name: str, content: bytes) -> tuple[str, bytes] | None:
        made = change(content) if part in name else content
        return None if made is None else (name, made)

    return changed


HOSTILE: dict[str, Change] = {
    "another picture under that name": of(".png", lambda _: encoded(picture(9))),
    "a name that leads out": lambda name, content: ("../../" + name, content),
    "a member of another kind": lambda name, content: (name.replace("thumbnail", "x"), content),
    "no thumbnail": of("thumbnail", lambda _: None),
    "a thumbnail that is a page": of("thumbnail", lambda _: b"<html>"),
    "a huge thumbnail": of("thumbnail", lambda content: content + bytes(2 << 20)),
    "no outcomes": of("outcomes", lambda _: None),
    "outcomes that are none": of("outcomes", lambda _: b"[]\n"),
    "a score beyond its range": in_lines(lambda line: line["image"]["scores"].update(dark_score=7)),
    "a column that is no score": in_lines(lambda line: line["image"]["scores"].update(class_id=2)),
    "a class of its own": in_lines(lambda line: line.update(class_id=2)),
    "a negative width": in_lines(lambda line: line["image"].update(width=-1)),
    "a suffix of a program": in_lines(lambda line: line["image"].update(suffix=".exe")),
    "a hash that is a path": in_lines(lambda line: line["image"].update(sha256="../" * 21 + "a")),
    "neither image nor reason": in_lines(lambda line: line.update(image=None)),
}


@pytest.mark.parametrize("how", HOSTILE)
def test_a_shard_that_was_altered_is_not_taken_in(how: str, project: Project) -> None:
    """It says what is wrong, no image of it is kept, and its addresses stay to be fetched."""
    parcel = parcel_of(project)
    fetch_parcel(parcel)
    shard = Path(parcel.place, f"{parcel.name}.tar")
    rewritten(shard, HOSTILE[how])
    originals = project.path / "elsewhere"
    images = []

    def read() -> None:
        with opened(shard) as reader:
            for outcome, _ in reader.outcomes(parcel.addresses, originals, 1 << 20):
                images.extend([outcome.image] if outcome.image else [])

    with pytest.raises(ShardAltered, match="cut off or altered"):
        read()
    assert (images, list(originals.rglob("*.*"))) == ([], [])


def test_a_shard_from_before_that_was_cut_off_is_made_anew(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is gone, and its addresses are still missing, so that this fetch asks them again."""
    parcel = parcel_of(project)
    fetch_parcel(parcel)
    shard = Path(parcel.place, f"{parcel.name}.tar")
    shard.write_bytes(shard.read_bytes()[:700])
    monkeypatch.setattr(job._Fetching, "fetched", lambda *_: iter(()))
    report = take_in(project)
    assert (report.images, report.asked, shard.exists()) == (0, 0, False)


def test_outcomes_of_other_addresses_are_passed_over(project: Project, served: Served) -> None:
    """A shard of another project, whose keys mean something else, changes nothing."""
    parcel = parcel_of(project)
    other = {key: url.replace("/1.png", "/2.png") for key, url in parcel.addresses.items()}
    fetch_parcel(Parcel(other, SETTINGS, parcel.place, False, False, __version__))
    with opened(next(Path(parcel.place).iterdir())) as reader:
        outcomes = [o for o, _ in reader.outcomes(parcel.addresses, project.originals, 1 << 20)]
    assert sorted(outcome.url for outcome in outcomes) == sorted(
        url for url in parcel.addresses.values() if "/1.png" not in url
    )


def test_what_was_not_finished_is_no_shard(tmp_path: Path) -> None:
    """A name that a killed task left is cleared away; files of others are let alone."""
    place = Place(str(tmp_path / "place"))
    assert place.names() == []
    (tmp_path / "whole").write_bytes(b"anything")
    place.put(tmp_path / "whole", "a" * 64)
    for name in (".part-0123", "notes.txt", "b.tar"):
        (tmp_path / "place" / name).write_bytes(b"half")
    assert place.names() == ["a" * 64]
    found = sorted(path.name for path in (tmp_path / "place").iterdir())
    assert found == [f"{'a' * 64}.tar", "b.tar", "notes.txt"]
    place.remove("a" * 64)
    place.remove("a" * 64)
    assert not place.has("a" * 64)


def test_a_place_that_cannot_be_written_says_so(project: Project, tmp_path: Path) -> None:
    """The error names it, and what to do."""
    (tmp_path / "file").write_text("no folder")
    with pytest.raises(FileError, match=r"file/below.*--place"):
        fetch_parcel(parcel_of(project, tmp_path / "file" / "below"))
