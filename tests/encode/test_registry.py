"""The registry: its table against the libraries' own metadata, and every network that it names."""

from __future__ import annotations

import hashlib
import io
import json
import re
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from safetensors.torch import save

from curator.encode import torchvision_compat
from curator.encode.backbones import (
    DEFAULT,
    EFFICIENTNET_LITE0,
    REGISTRY,
    STRONGER,
    Backbone,
    build_network,
    choose,
    choosing,
    describe,
    fetch_weights,
    load_network,
    networks,
    registry,
    weights_sha256,
)
from curator.encode.classifier import load_classifier
from curator.encode.encoder import Encoder
from curator.encode.preprocess import prepare_image
from curator.encode.weights import weights_folder
from curator.errors import InputError, WeightsAltered, WeightsMissing
from tests.encode.weight_server import WeightServer, serving_weights

pytestmark = pytest.mark.slow  # loads whole networks

TORCHVISION = [name for name in REGISTRY if name != DEFAULT]


@pytest.fixture(autouse=True)
def _own_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("CURATOR_CACHE", str(tmp_path / "cache"))


@pytest.fixture
def server():
    """Serve weight files."""
    with serving_weights() as running:
        yield running


def random_weights(name: str, server: WeightServer) -> Backbone:
    """The backbone with random weights of the right shapes, served under their right hash."""
    torchvision_compat.prepare()
    import torch
    import torchvision

    torch.manual_seed(0)
    written = io.BytesIO()
    torch.save(torchvision.models.get_model(name, weights=None).state_dict(), written)
    data = written.getvalue()
    digits = hashlib.sha256(data).hexdigest()[:8]  # of the name; the source has them all
    backbone = describe(name)
    source = server.source(f"{name}-{digits}.pth", data, name=name)
    return replace(backbone, key=f"{name}-{digits}", source=source)


@pytest.mark.parametrize("name", TORCHVISION)
def test_the_table_is_torchvisions_own(name):
    """Hash, size, dimension and preprocessing are those of the newest ImageNet weights."""
    torchvision_compat.prepare()
    import torch
    import torchvision

    backbone = describe(name)
    newest = torchvision.models.get_model_weights(name).DEFAULT
    assert "IMAGENET1K" in newest.name
    assert backbone.source is not None
    assert backbone.source.address == newest.url
    assert backbone.source.file == newest.url.rpartition("/")[2]
    assert re.fullmatch("[0-9a-f]{64}", backbone.source.sha256)
    assert backbone.source.file == f"{name}-{backbone.source.sha256[:8]}.pth"
    assert weights_sha256(backbone) == backbone.source.sha256
    # torchvision counts in units of 2**20 bytes
    assert backbone.source.size == pytest.approx(newest.meta["_file_size"] * 2**20, rel=2e-3)
    transform = newest.transforms()
    assert [backbone.size] == transform.crop_size
    assert [backbone.resize] == transform.resize_size
    assert list(backbone.mean) == transform.mean
    assert list(backbone.std) == transform.std
    assert backbone.interpolation == transform.interpolation.value
    image = Image.fromarray(
        np.random.default_rng(0).integers(0, 256, (301, 450, 3), dtype=np.uint8)
    )
    pixels = torch.from_numpy(prepare_image(image, backbone)).float() / 255
    shape = (3, 1, 1)
    normalised = (pixels - torch.tensor(backbone.mean).reshape(shape)) / torch.tensor(
        backbone.std
    ).reshape(shape)
    torch.testing.assert_close(normalised, transform(image))


@pytest.mark.parametrize("name", REGISTRY)
def test_every_architecture_gives_its_features(name):
    """Without weights, each network turns images into (N, dimension)."""
    import torch

    backbone = describe(name)
    with torch.device("meta"):  # shapes only: nothing is computed
        network = build_network(backbone).eval()
        images = torch.zeros(2, 3, backbone.size, backbone.size)
    assert network(images).shape == (2, backbone.dimension)


def test_describing_imports_no_library():
    """Names and numbers of the whole registry, and a choice on the CPU, need neither torch."""
    code = (
        "import sys\n"
        "from curator.encode.backbones import REGISTRY, choose, describe\n"
        "[describe(name) for name in REGISTRY]; choose('resnet50', 'cpu')\n"
        "print([name for name in ('torch', 'torchvision', 'timm') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"


@pytest.mark.slow
@pytest.mark.parametrize(
    "name",
    ["resnet18", *(pytest.param(n, marks=pytest.mark.soak) for n in ("convnext_tiny", "vit_b_16"))],
)
def test_every_kind_of_network_runs_in_onnx_runtime(name, monkeypatch):
    """Exported with random weights, ONNX Runtime and torch agree within 1e-3."""
    import torch

    torch.manual_seed(0)
    backbone = describe(name)
    network = build_network(backbone).eval()
    monkeypatch.setattr("curator.encode.encoder.load_network", lambda _backbone: network)
    choice = choose(name, "cpu")
    batch = np.random.default_rng(1).integers(0, 256, (3, 3, 224, 224), dtype=np.uint8)
    expected = Encoder(replace(choice, runtime="torch")).encode(batch)
    actual = Encoder(choice).encode(batch)
    assert actual.shape == (3, backbone.dimension)
    assert actual.std() > 1e-3
    np.testing.assert_allclose(actual, expected, atol=1e-3)


def test_logits_and_features_come_from_the_same_file(server):
    """The full network's scores are its last layer on the features; build() takes its weights."""
    import torch

    backbone = random_weights("resnet18", server)
    with pytest.raises(WeightsMissing, match="not fetched yet"):
        load_network(backbone)
    fetch_weights(backbone)
    images = torch.randn(2, 3, 224, 224, generator=torch.Generator().manual_seed(0))
    whole = load_network(backbone, logits=True)
    bare = build_network(backbone)
    bare.load_state_dict(load_network(backbone).state_dict())
    with torch.inference_mode():
        features = bare.eval()(images)
        torch.testing.assert_close(whole.get_submodule("fc")(features), whole(images))


def test_weights_of_another_network_are_refused(server):
    """A file with the right hash that holds another architecture is a named error."""
    other = random_weights("resnet18", server)
    backbone = replace(describe("resnet34"), source=other.source)
    fetch_weights(backbone)
    with pytest.raises(WeightsAltered, match="does not fit resnet34 of torchvision"):
        load_network(backbone)


def test_a_mirror_takes_the_place_of_the_address(server, monkeypatch):
    """With the variable set, files come from there; the hash stays torchvision's."""
    monkeypatch.setenv(registry.MIRROR_VARIABLE, f"{server.address}/")
    backbone = describe("resnet18")
    server.source("resnet18-f37072fd.pth", b"other weights")
    with pytest.raises(WeightsAltered, match=rf"{server.address}/resnet18-f37072fd\.pth has"):
        fetch_weights(backbone)


def test_any_timm_model(server, monkeypatch):
    """From a hub of our own: hash by its header, preprocessing by timm, features by both ways."""
    torchvision_compat.prepare()
    import timm
    import torch

    name = "mobilenetv3_small_050"
    torch.manual_seed(0)
    model = timm.create_model(name, pretrained=False).eval()
    data = save(model.state_dict())
    path = "/timm/mobilenetv3_small_050.lamb_in1k/resolve/main/model.safetensors"
    server.files[path] = data
    monkeypatch.setenv("HF_ENDPOINT", server.address)
    backbone = describe(f"timm:{name}")
    sha256 = hashlib.sha256(data).hexdigest()
    assert backbone.key == f"timm-{name}.lamb_in1k-{sha256[:12]}-p1"
    assert (backbone.dimension, backbone.size, backbone.interpolation) == (1024, 224, "bicubic")
    assert backbone.licence == "apache-2.0"
    assert "MB of weights are downloaded once" in choose(f"timm:{name}", "cpu").reason
    fetch_weights(backbone)
    images = torch.randn(2, 3, 224, 224, generator=torch.Generator().manual_seed(0))
    with torch.inference_mode():
        torch.testing.assert_close(load_network(backbone, logits=True)(images), model(images))
        features = load_network(backbone)(images)
        torch.testing.assert_close(model.get_classifier()(features), model(images))
    again = build_network(backbone)
    again.load_state_dict(load_network(backbone).state_dict())
    assert weights_sha256(backbone) == sha256
    server.files[path] = data[:-4] + b"else"  # a hub that has another file now is not asked
    assert describe(f"timm:{name}").key == backbone.key
    server.behaviour = "404"  # from here on everything is on disk
    assert describe(f"timm:{name}").key == backbone.key
    assert choose(f"timm:{name}", "cpu").reason.endswith("weights on disk")


def test_a_timm_model_without_a_network(monkeypatch, server):
    """Off-line the error names file, address and folder; the file put there is then used."""
    monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:9")
    file = "timm-mobilenetv3_small_050.lamb_in1k.safetensors"
    with pytest.raises(WeightsMissing) as caught:
        choose("timm:mobilenetv3_small_050", "cpu")
    for said in (
        "http://127.0.0.1:9/timm/mobilenetv3_small_050.lamb_in1k/resolve/main/model.safetensors",
        str(weights_folder()),
        file,
        "bundled backbone efficientnet_lite0",
    ):
        assert said in str(caught.value)
    import timm

    data = save(timm.create_model("mobilenetv3_small_050", pretrained=False).state_dict())
    weights_folder().mkdir(parents=True)
    (weights_folder() / file).write_bytes(data)
    backbone = describe("timm:mobilenetv3_small_050")
    assert hashlib.sha256(data).hexdigest()[:12] in backbone.key
    assert load_network(backbone) is not None


def test_a_hub_that_gives_no_hash(monkeypatch, server):
    """Features are named after the weights' hash, so without one nothing is fetched."""
    path = "/timm/mobilenetv3_small_050.lamb_in1k/resolve/main/model.safetensors"
    server.files[path] = b"weights"
    server.behaviour = "no hash"
    monkeypatch.setenv("HF_ENDPOINT", server.address)
    with pytest.raises(WeightsMissing, match="without a SHA-256"):
        describe("timm:mobilenetv3_small_050")


def test_squashed_images(monkeypatch, server):
    """A model that was trained on squashed images sees the whole image, as in timm."""
    torchvision_compat.prepare()
    from timm.data import create_transform

    squashing = replace(EFFICIENTNET_LITE0, squash=True, crop=1.0)
    image = Image.fromarray(
        np.random.default_rng(0).integers(0, 256, (200, 300, 3), dtype=np.uint8)
    )
    transform = create_transform(
        (3, 224, 224),
        crop_pct=1.0,
        crop_mode="squash",
        interpolation="bicubic",
        mean=(0, 0, 0),
        std=(1, 1, 1),
    )
    expected = np.asarray(transform(image) * 255).round().astype(np.uint8)
    np.testing.assert_array_equal(prepare_image(image, squashing), expected)


def test_what_is_not_supported_is_named():
    """A model without a repository and one without a name are refused with the reason."""
    torchvision_compat.prepare()
    import timm

    homeless = next(
        name
        for name in timm.list_models(pretrained=True)
        if not timm.get_pretrained_cfg(name).hf_hub_id
    )
    with pytest.raises(WeightsMissing, match="names no repository"):
        describe(f"timm:{homeless}")
    with pytest.raises(InputError, match="no backbone 'timm:'"):
        describe("timm:")


def test_choosing_for_a_gpu_waits_for_no_network(monkeypatch):
    """Until the stronger network's weights are on disk, the bundled one is the choice."""
    # Which device is there is all that is pretended; nothing runs on it.
    monkeypatch.setattr(choosing, "_choose_device", lambda _device: ("cuda", "found a GPU"))
    before = choose()
    assert before.backbone == EFFICIENTNET_LITE0
    assert before.reason == (
        "cuda, torch, float32: found a GPU; bundled weights: no download needed"
        f" ({STRONGER}, the choice on a GPU, is not on disk)"
    )


def test_the_bundled_networks_classes(monkeypatch):
    """The last layer still comes with the bundled network, whatever else the registry holds."""
    layer = load_classifier(EFFICIENTNET_LITE0)
    assert layer.weight.shape == (1000, 1280)
    assert networks.load_network(EFFICIENTNET_LITE0).num_classes == 0


def test_the_description_can_be_written_down():
    """What a bundle stores of a backbone is plain JSON, and describes the same network again."""
    from dataclasses import asdict

    stored = json.loads(json.dumps(asdict(describe("resnet18")) | {"source": None}))
    again = Backbone(**stored | {"mean": tuple(stored["mean"]), "std": tuple(stored["std"])})
    assert again == replace(describe("resnet18"), source=None)
    assert Path(weights_folder()).name == "weights"
