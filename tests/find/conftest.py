"""Projects whose features are made up: many images, without files or networks."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from curator.encode.backbones import DEFAULT, describe
from curator.encode.preprocess import TINY_DIMENSION
from curator.encode.project_features import feature_cache, tiny_cache
from curator.store import schema
from tests.cli.conftest import curator
from tests.review.made_up import Made, make

__all__ = ["curator", "featured"]

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from numpy.typing import NDArray

    from curator.project import Project


def give_features(project: Project, features: NDArray[np.float32]) -> None:
    """Write ``features`` (n, d) for the first n images of a project, the other columns zero."""
    backbone = describe(DEFAULT)
    rows = np.zeros((len(features), backbone.dimension), np.float32)
    rows[:, : features.shape[1]] = features
    with project.database.read() as connection:
        query = schema.images.select().order_by(schema.images.c.id).limit(len(features))
        digests = [row.sha256 for row in connection.execute(query)]
    feature_cache(project, backbone).append(digests, rows)
    # Nothing lacks then, so that no job looks for the files, which there are none of.
    tiny_cache(project).append(digests, np.zeros((len(digests), TINY_DIMENSION), np.uint8))


@pytest.fixture
def featured(
    tmp_path: Path,
) -> Iterator[Callable[[list[Made], NDArray[np.float32]], Project]]:
    """Give a function that makes a project of images with these features."""
    opened: list[Project] = []

    def build(made: list[Made], features: NDArray[np.float32]) -> Project:
        project = make(tmp_path / f"project{len(opened)}", made)
        opened.append(project)
        give_features(project, features)
        return project

    yield build
    for project in opened:
        project.close()
