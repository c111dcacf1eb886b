"""What a fetch on a cluster is told."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from curator.settings import Settings


class ClusterSettings(Settings):
    """Where a fetch runs that one machine is not enough for.

    Raises InputError for a name that there is not, and for a value that cannot be.
    """

    address: str = Field(
        default="",
        description="of a running Ray cluster, as HOST:PORT; empty: Ray on this machine alone",
    )
    place: str = Field(
        default="",
        description="folder or fsspec address, such as s3://bucket/prefix, that every machine "
        "reaches; shards lie there until they are taken in; empty: shards/ in the project",
    )
    parcel: int = Field(
        default=1000, ge=1, le=100_000, description="addresses that one task fetches, at most"
    )
    keep: Literal["files", "shards"] = Field(
        default="files",
        description="how the project keeps the originals: each as a file of its own, or in the "
        "shards that they came in, which are not copied where the disk can share them",
    )
    features: bool = Field(
        default=False, description="compute the default network's features there, too"
    )
