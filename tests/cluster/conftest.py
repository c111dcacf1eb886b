"""The cluster that the tests of a file share."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.cluster.nodes import cluster_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ray.cluster_utils import Cluster

NODES = 4


@pytest.fixture(scope="module")
def nodes() -> Iterator[Cluster]:
    """Start four nodes; tests may remove some and add others."""
    with cluster_of(NODES) as cluster:
        yield cluster
