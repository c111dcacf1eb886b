"""By words: the live images by their likeness to a text, such as "a drawing of a bear".

Likeness is the cosine of an image's features with those of the text, by a network that was trained
to bring both together. The user fetches it once; until then nothing of it is imported. Features of
texts are kept like those of images, so a view has an address that works again.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from curator.encode import weights
from curator.encode.backbones import clip
from curator.encode.feature_cache import FeatureCache
from curator.encode.project_features import feature_cache
from curator.errors import InputError, NotEnoughData
from curator.find.features import features_of
from curator.hashing import sha256
from curator.phrasing import many
from curator.records import Record
from curator.store import images, schema

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
    from sqlalchemy import Connection

    from curator.store.workspace import Workspace

LONGEST = 200  # characters of what is looked for
UNTRIED = (
    "It was tested with a small made-up network, not yet with its real weights: judge by what it"
    " finds. It reads English."
)


@dataclass(frozen=True)
class FindNeeds(Record):
    """What has to be there before images can be found by words."""

    package: bool
    """Whether the library is not installed: then nothing else is told."""
    megabytes: int
    """Of the download; 0 where the network is on disk."""
    images: int
    """Live images that the network has not seen."""

    @property
    def sentence(self) -> str:
        """What is needed, in words; "" where nothing is."""
        if self.package:
            return f"Needs a library that is not installed: {clip.COMMAND}"
        network = clip.words_network()
        said = []
        if self.megabytes:
            assert network.source is not None
            host = network.source.address.split("/")[2]
            said.append(
                f"The network {network.name} is fetched first, once: {self.megabytes} MB from"
                f" {host}, licence {network.licence}."
            )
        if self.images:
            said.append(f"It has yet to look at {many(self.images, 'image')}.")
        return " ".join(said)


def normalised(text: str) -> str:
    """A text as it is looked for. Raises InputError for none, or what is too long to be one."""
    words = " ".join(text.split())
    if not words or not words.isprintable() or len(words) > LONGEST:
        raise InputError(
            f"{words[:80]!r} cannot be looked for.", f"Say it in 1 to {LONGEST} characters."
        )
    return words


def words_cache(workspace: Workspace) -> FeatureCache:
    """Features of the texts that were looked for, by the SHA-256 of the text."""
    network = clip.words_network()
    return FeatureCache(workspace.features, f"{network.key}-words", network.dimension)


def digest_of(text: str) -> str:
    """Under which a text's features are kept."""
    return sha256(normalised(text).encode())


def needs(workspace: Workspace) -> FindNeeds:
    """What has to be there before images can be found by words. Raises FileError."""
    network = clip.words_network()
    assert network.source is not None
    query = images.present(schema.images.c.sha256).where(images.LIVE)
    with workspace.database.read() as connection:
        digests = list(connection.execute(query).scalars())
    on_disk = weights.on_disk(network.source)
    return FindNeeds(
        package=not clip.is_installed(),
        megabytes=0 if on_disk else round(network.source.size / weights.MEGABYTE),
        images=len(feature_cache(workspace, network).missing(digests)),
    )


def is_ready(workspace: Workspace, text: str) -> bool:
    """Whether nothing has to be computed for these words. Raises InputError, FileError."""
    known = not words_cache(workspace).missing([digest_of(text)])
    return known and not needs(workspace).images


def ordered(
    workspace: Workspace, connection: Connection, text: str
) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
    """Every image that the network has seen: ids (N,) rising, likeness (N,), -1..1.

    Raises InputError, NotEnoughData for words that were not looked for yet, FileError.
    """
    cache, digest = words_cache(workspace), digest_of(text)
    if cache.missing([digest]):
        raise NotEnoughData(
            f"“{normalised(text)}” was not looked for yet.",
            "Look for it: in the page by “Find…”, or by `curator find PROJECT WORDS`.",
        )
    features = features_of(workspace, connection, clip.words_network())
    return features.ids, features.products(cache.rows([digest])[0])
