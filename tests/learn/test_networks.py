"""Comparing networks at hand: all on the same images, and a recommendation that says its ground."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import numpy as np
import pytest

from curator.encode import torchvision_compat
from curator.errors import InputError, NotEnoughData
from curator.learn.networks import TriedBackbone, at_hand, even_rows, recommended
from tests.encode.weight_server import serving_weights

if TYPE_CHECKING:
    from pathlib import Path

    from curator.project import Project


def test_rows_are_even_over_classes() -> None:
    """The same number of each class, as long as it has them; ascending."""
    labels = np.array([0] * 50 + [1] * 5 + [2] * 20)
    rows = even_rows(labels, 30)
    assert rows.tolist() == sorted(rows.tolist())
    counts = np.bincount(labels[rows])
    assert counts.sum() == 30
    assert counts[1] == 5
    assert abs(int(counts[0]) - int(counts[2])) <= 1
    assert len(even_rows(labels, 500)) == len(labels)


@pytest.mark.parametrize(("more", "best"), [(1, "quick"), (60, "good")])
def test_the_quicker_is_recommended_unless_it_errs_more(more: int, best: str) -> None:
    """One error more of 200 tells nothing; 60 do."""
    wrong = {"good": np.arange(200) < 10, "quick": np.arange(200) < 10 + more}
    tried = [
        TriedBackbone("good", 0.05, 0.0, 1.0, 10.0),
        TriedBackbone("quick", 0.05 + more / 200, 0.0, 1.0, 100.0),
    ]
    assert recommended(tried, wrong) == best


@pytest.mark.slow
def test_two_networks_are_compared(
    small: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The one that a run fetched takes part; neither a run nor a download comes of it."""
    torchvision_compat.prepare()
    import timm
    from safetensors.torch import save

    model = timm.create_model("test_resnet.r160_in1k", pretrained=False)
    data = save({name: value.contiguous() for name, value in model.state_dict().items()})
    with serving_weights() as server:
        monkeypatch.setenv("CURATOR_CACHE", str(tmp_path / "cache"))
        monkeypatch.setenv("HF_ENDPOINT", server.address)
        server.files["/timm/test_resnet.r160_in1k/resolve/main/model.safetensors"] = data
        small.train(backbone="timm:test_resnet")
    names = {"efficientnet_lite0", "timm:test_resnet"}
    assert set(at_hand(small)) == names
    found = small.try_backbones(images=24)
    assert (found.images, {one.backbone for one in found.tried}) == (24, names)
    for one in found.tried:
        assert 0 <= one.low <= one.error <= one.high <= 1
        assert one.images_a_second > 0
    assert [one.error for one in found.tried] == sorted(one.error for one in found.tried)
    assert found.recommended in names
    assert f"Use {found.recommended}: " in found.sentence
    assert len(small.runs()) == 1
    said = json.loads(json.dumps(found.to_dict()))
    assert said["recommended"] == found.recommended


def test_too_few_images_are_told(small: Project) -> None:
    """Ten of thirty, or a project of a few, tell nothing apart."""
    with pytest.raises(InputError, match="10 images tell nothing apart"):
        small.try_backbones(images=10)
    small.decide(list(range(1, 16)), "delete")
    with pytest.raises(NotEnoughData, match="15 images with a label"):
        small.try_backbones()
