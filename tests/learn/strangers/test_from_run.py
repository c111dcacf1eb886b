"""The gate of a real run: from its training images alone, and none where there can be none."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest

from curator.encode.backbones import describe
from curator.encode.project_features import feature_cache
from curator.learn.finetune.recipe import FinetuneRecipe
from curator.learn.strangers.from_run import fit_gate
from curator.store import images, runs

if TYPE_CHECKING:
    from curator.project import Project


@pytest.mark.slow
def test_it_learns_from_the_training_images_of_a_run(sample: Project) -> None:
    """All of them and no other; fresh images are kept, noise is not; it comes out the same."""
    with sample.database.read() as connection:
        run = runs.to_export(connection)
        live = images.live(connection)
    gate = fit_gate(sample, run)
    assert gate is not None
    fresh = live[live["split"] == "valid"]["sha256"].tolist()
    assert gate.images == len(live) - len(fresh)
    features = feature_cache(sample, describe(run.backbone)).rows(fresh)
    assert gate.refuses(features).mean() < 0.15
    noise = np.random.default_rng(0).permuted(features, axis=1)
    assert gate.refuses(noise).all()
    again = fit_gate(sample, run)
    assert again is not None
    for name, tensor in gate.to_arrays().items():
        np.testing.assert_array_equal(again.to_arrays()[name], tensor)
    # The stored features are of the network before it was tuned.
    assert fit_gate(sample, replace(run, recipe=FinetuneRecipe.name)) is None
