"""Shards in a store of objects: moto's server on the loopback stands for S3."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from curator.cluster import job
from curator.cluster.parcels import Parcel
from curator.cluster.places import Place
from curator.cluster.task import fetch_parcel
from curator.errors import FileError
from curator.jobs import runner
from curator.project import Project
from curator.sample.digits import Item
from curator.sample.server import serving
from curator.store import schema
from curator.version import __version__
from tests.pictures import encoded, picture

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

SETTINGS = {"allow_private": True}


@pytest.fixture
def bucket(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """Give the address of an empty bucket."""
    import boto3
    from moto.server import ThreadedMotoServer
    from s3fs import S3FileSystem

    S3FileSystem.clear_instance_cache()  # one of another test would ask that test's server

    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0)
    server.start()
    host, port = server.get_host_and_port()
    for name, value in {
        "AWS_ENDPOINT_URL": f"http://{host}:{port}",
        "AWS_ACCESS_KEY_ID": "testing",
        "AWS_SECRET_ACCESS_KEY": "testing",
        "AWS_DEFAULT_REGION": "us-east-1",
    }.items():
        monkeypatch.setenv(name, value)
    boto3.client("s3").create_bucket(Bucket="pictures")
    yield "s3://pictures/shards"
    server.stop()


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_a_parcel_goes_through_a_store(bucket: str, tmp_path: Path) -> None:
    """It is written there, found there by the next run, taken in, and gone."""
    items = [
        Item(f"/{n}.png", "a", None, "", encoded(picture(n)), status=404 if n > 4 else 200)
        for n in range(6)
    ]
    with serving(items) as served, Project.create(tmp_path / "p", ["a"]) as project:
        project.add("a", "\n".join(served.addresses("a")))
        with project.database.read() as connection:
            rows = connection.execute(schema.sources.select()).all()
        where = job._place(project, bucket)
        assert where.startswith(f"{bucket}/")
        listed = {row.id: row.origin for row in rows}
        parcel = Parcel(listed, SETTINGS, where, False, False, __version__)
        fetch_parcel(parcel)
        place = Place(where)
        assert place.names() == [parcel.name]
        arguments = {"settings": SETTINGS, "cluster": {"place": bucket}, "retry": "none"}
        report = runner.run(project, "fetch", job.run, arguments)
        assert (report.images, report.failed) == (5, {"dead": 1})
        assert (place.names(), place.has(parcel.name)) == ([], False)


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_a_bucket_that_is_not_there_says_so(bucket: str, tmp_path: Path) -> None:
    """The error names the place and the setting."""
    (tmp_path / "shard").write_bytes(b"anything")
    with pytest.raises(FileError, match=r"s3://missing/below.*--place"):
        Place("s3://missing/below").put(tmp_path / "shard", "a" * 64)
