"""Why: evidence that averages to the logit, of both views, and what is approximate says so."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper
from PIL import Image

from curator.encode.backbones import DEFAULT, describe
from curator.encode.derived import CACHE_VARIABLE
from curator.encode.encoder import graph_file
from curator.encode.maps import MapEncoder
from curator.encode.preprocess import prepare_image, seen_box
from curator.errors import InputError, ProjectAltered, UnknownImage
from curator.find import why
from curator.find.answering import mean_of_views
from curator.find.heat import drawn, overlays
from curator.learn.instant.recipe import InstantRecipe
from curator.learn.instant.settings import InstantSettings
from curator.learn.recording import HEAD_FILE, MODEL_FILE, kept_tensors
from curator.store import runs

if TYPE_CHECKING:
    from pathlib import Path

    from curator.project import Project
    from tests.cli.conftest import Curator


@pytest.fixture(scope="module")
def encoder() -> MapEncoder:
    """Give the bundled network with its maps."""
    return MapEncoder(graph_file(describe(DEFAULT)).read_bytes())


def _pixels(seed: int) -> np.ndarray:
    noise = np.random.default_rng(seed).integers(0, 256, (3, 7, 7), dtype=np.uint8)
    return noise.repeat(32, axis=1).repeat(32, axis=2)


def test_the_map_averages_to_the_logit(encoder: MapEncoder) -> None:
    """For a frozen network with pooling and a linear head the evidence leaves nothing out."""
    seen = encoder.look(_pixels(0)[None])
    assert seen.maps is not None
    rng = np.random.default_rng(1)
    weight = rng.normal(size=(3, seen.features.shape[1])).astype(np.float32)
    bias = rng.normal(size=3).astype(np.float32)
    evidence = why.of_maps(seen.maps[0], (weight, bias))
    assert evidence.shape == (3, 7, 7)
    np.testing.assert_allclose(
        evidence.mean(axis=(1, 2)), seen.features[0] @ weight.T + bias, atol=1e-3
    )


@pytest.mark.parametrize("mirror", [False, pytest.param(True, marks=pytest.mark.soak)])
def test_a_run_explains_what_it_said(sample_copy: Project, mirror: bool) -> None:
    """The evidence is of the head that did not see the image, and gives the kept probabilities."""
    if mirror:
        sample_copy.train(InstantSettings(mirror=True))
    image_id = int(sample_copy.rank(1)["image_id"].iloc[0])
    found = sample_copy.explain(image_id)
    details = sample_copy.details(image_id)
    said = dict(details.probabilities)
    assert (found.exact, found.in_sample) == (True, False)
    assert (found.label, found.predicted) == (details.label, details.predicted)
    assert found.predicted_probability == pytest.approx(said[found.predicted], abs=1e-3)
    assert found.label_evidence is not None
    assert found.label_evidence.dtype == found.predicted_evidence.dtype == np.float32
    # Of two logits the difference is the logarithm of how the probabilities compare.
    apart = found.predicted_evidence.mean() - found.label_evidence.mean()
    assert apart == pytest.approx(np.log(said[found.predicted] / said[found.label]), abs=0.02)
    assert json.loads(json.dumps(found.to_dict()))["predicted"] == found.predicted


def test_mirrored_evidence_is_turned_back(encoder: MapEncoder) -> None:
    """A model that averages over both views has the same evidence for a mirrored image."""
    rng = np.random.default_rng(2)
    pixels = _pixels(3)
    weight = rng.normal(size=(1, 1280)).astype(np.float32)
    both = []
    for first in (pixels, pixels[..., ::-1].copy()):
        seen = encoder.look(np.stack([first, first[..., ::-1]]))
        assert seen.maps is not None
        both.append(why.of_maps(mean_of_views(seen.maps), (weight, np.zeros(1, np.float32))))
    np.testing.assert_allclose(both[0], both[1][..., ::-1], atol=1e-3)


def test_other_ends_are_approximate() -> None:
    """A network that does not end in a mean over places has no maps; covering finds the spot."""
    graph = _graph_of(pool="ReduceMax")
    network = MapEncoder(graph)
    pixels = np.zeros((3, 224, 224), np.uint8)
    pixels[:, 200:210, 40:50] = 255
    assert network.look(pixels[None]).maps is None
    head = (np.array([[1.0, 0.0, 0.0]], np.float32), np.zeros(1, np.float32))
    mirrored = np.ascontiguousarray(pixels[..., ::-1])
    evidence = why.by_covering(network, [pixels, mirrored], head, [0])
    assert int(evidence[0].argmax()) == 6 * 7 + 1
    assert MapEncoder(_graph_of(pool="ReduceMean")).look(pixels[None]).maps is not None


@pytest.mark.soak
@pytest.mark.slow
def test_a_fine_tuned_network_is_explained_by_its_own_weights(
    sample_copy: Project, encoder: MapEncoder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its graph is made once from the weights that the run kept; the page does not make it."""
    with sample_copy.database.read() as connection:
        frozen = runs.to_export(connection)
    folder = sample_copy.runs_folder
    image_id = int(sample_copy.rank(1)["image_id"].iloc[0])
    with sample_copy.database.write() as connection:
        tuned = runs.add(
            connection,
            recipe="finetune",
            backbone=frozen.backbone,
            ledger_position=0,
            settings={"classes": frozen.class_ids},
            metrics=frozen.metrics,
            history=[],
            out_of_fold=0,
        )
    whole = InstantRecipe.model(folder / str(frozen.id), describe(frozen.backbone))
    (folder / str(tuned)).mkdir()
    (folder / str(tuned) / MODEL_FILE).write_bytes(whole)
    backbone = describe(DEFAULT)
    picture = why.picture_of(sample_copy, image_id, backbone.resize)
    features = encoder.look(prepare_image(picture, backbone)[None]).features
    monkeypatch.setenv(CACHE_VARIABLE, str(tmp_path / "cache"))
    with pytest.raises(InputError, match="not prepared"):
        why.explain(sample_copy, image_id, tuned, ready_only=True)
    found = sample_copy.explain(image_id, tuned)
    head = kept_tensors(folder / str(frozen.id), HEAD_FILE, {"weight": 2, "bias": 1})
    assert head is not None
    logits = features @ head["weight"].T + head["bias"]
    assert found.exact
    assert found.predicted_evidence.mean() == pytest.approx(float(logits.max()), abs=1e-2)
    again = why.explain(sample_copy, image_id, tuned, ready_only=True)
    np.testing.assert_allclose(again.predicted_evidence, found.predicted_evidence)
    (folder / str(tuned) / MODEL_FILE).write_bytes(whole[: len(whole) // 2])
    with pytest.raises(ProjectAltered, match="kept of its model"):
        sample_copy.explain(image_id, tuned)


@pytest.mark.parametrize("size", [(300, 200), (200, 300), (2000, 100), (224, 224)])
def test_the_map_lies_on_what_the_network_saw(size: tuple[int, int]) -> None:
    """The part that is kept is where the box says: painted, the network sees that colour alone."""
    backbone = describe(DEFAULT)
    left, top, right, bottom = seen_box(size, backbone)
    picture = Image.new("RGB", size, "black")
    edges = (left * size[0], top * size[1], right * size[0], bottom * size[1])
    inner = tuple(round(edge) for edge in edges)
    picture.paste("white", inner)  # type: ignore[arg-type]
    seen = prepare_image(picture, backbone)
    assert seen.mean() > 250
    picture.paste("black", (inner[0] + 8, inner[1] + 8, inner[2] - 8, inner[3] - 8))
    assert prepare_image(picture, backbone).mean() < 200


def test_pictures_and_words(sample: Project, curator: Curator, tmp_path: Path) -> None:
    """The command writes a picture for each class and says a sentence."""
    image_id = int(sample.rank(1)["image_id"].iloc[0])
    found = sample.explain(image_id)
    layers = overlays(found)
    assert list(layers) == [found.predicted, found.label]
    assert np.asarray(layers[found.predicted])[..., 3].max() > 100
    assert {picture.mode for picture in drawn(sample, found).values()} == {"RGB"}
    said = curator("explain", str(sample.path), str(image_id), "--out", str(tmp_path / "why"))
    assert found.sentence in said.out
    kinds = sorted(path.name.split("-")[2] for path in (tmp_path / "why").iterdir())
    assert kinds == ["label", "predicted"]
    with pytest.raises(UnknownImage):
        sample.explain(10**6)


def _graph_of(pool: str) -> bytes:
    """A network that pools the pixels themselves."""
    nodes = [
        helper.make_node("Cast", ["image"], ["pixels"], to=TensorProto.FLOAT),
        helper.make_node(pool, ["pixels", "axes"], ["features"], keepdims=0),
    ]
    graph = helper.make_graph(
        nodes,
        "made up",
        [helper.make_tensor_value_info("image", TensorProto.UINT8, ["n", 3, 224, 224])],
        [helper.make_tensor_value_info("features", TensorProto.FLOAT, ["n", 3])],
        [helper.make_tensor("axes", TensorProto.INT64, [2], [2, 3])],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 20)], ir_version=10)
    onnx.checker.check_model(model)
    data: bytes = model.SerializeToString()
    return data
