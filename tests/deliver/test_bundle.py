"""The exported model: it predicts alone, agrees with its run, and notices what was altered."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from safetensors.numpy import load_file, save_file

from curator.deliver.graph import whole_graph
from curator.deliver.predict import Predictor
from curator.deliver.received import CONFIG_FILE, INT8_FILE, ONNX_FILE, WEIGHTS_FILE, digest
from curator.encode import encoder
from curator.encode.backbones import build_network, describe
from curator.encode.graphs import open_graph
from curator.encode.preprocess import prepare_image
from curator.errors import BundleInvalid, NoRun, UnknownRun
from curator.hashing import sha256_of
from curator.imaging.decoding import decode
from curator.learn.evaluation.metrics import softmax
from curator.project import Project
from curator.store import images, runs
from curator.store.predictions import predictions_of
from tests.conftest import copy_project

pytestmark = pytest.mark.slow
NUMBER = 12


@pytest.fixture(scope="module")
def delivered(
    sample_folder: Path, build_once: Callable[[str, Callable[[Path], None]], Path]
) -> Path:
    """Export the sample's model beside some of its validation images, with the run's answers.

    ``model``: the bundle; ``pictures``: the images; ``expected.json``: what the run's exported
    head says of each. The project that it came from is deleted.
    """

    def fill(folder: Path) -> None:
        with Project.open(copy_project(sample_folder, folder / "project")) as project:
            project.export_model(folder / "model")
            with project.database.read() as connection:
                run = runs.get(connection)
                said = predictions_of(connection, run)
                table = images.live(connection).set_index("image_id")
            names = project.class_names()
            valid = np.flatnonzero(~np.isnan(said.fixed).any(axis=1))[:NUMBER]
            (folder / "pictures").mkdir()
            expected: dict[str, dict[str, float]] = {}
            for row in valid:
                file = project.originals / table.loc[said.image_ids[row], "file"]
                shutil.copyfile(file, folder / "pictures" / file.name)
                expected[file.name] = dict(zip(names, said.fixed[row].tolist(), strict=True))
            (folder / "expected.json").write_text(json.dumps(expected))
        shutil.rmtree(folder / "project")

    return build_once("delivered", fill)


@pytest.fixture
def bundle(delivered: Path, tmp_path: Path) -> Path:
    """Copy the bundle, for a test that damages it."""
    return Path(shutil.copytree(delivered / "model", tmp_path / "model"))


def config_of(bundle: Path) -> dict[str, Any]:
    """Read a bundle's config."""
    found: dict[str, Any] = json.loads((bundle / CONFIG_FILE).read_text())
    return found


def as_format(version: int, bundle: Path) -> None:
    """Make an older bundle of one, as older exports wrote it."""
    config = config_of(bundle)
    if version == config["format_version"]:
        return
    config["format_version"] = version
    for later in ("library", "squash", "licence") if version == 1 else ():
        del config["backbone"][later]
    for path in bundle.iterdir():
        if path.name not in {CONFIG_FILE, WEIGHTS_FILE, "README.md"}:
            path.unlink()
    hashes = {WEIGHTS_FILE: sha256_of(bundle / WEIGHTS_FILE), CONFIG_FILE: digest(config)}
    (bundle / CONFIG_FILE).write_text(json.dumps(config | {"sha256": hashes}))


def test_it_predicts_what_the_run_said(delivered: Path) -> None:
    """In another process, with the project gone, each probability is the run's within 0.001."""
    pictures = sorted((delivered / "pictures").iterdir())
    done = subprocess.run(
        [
            sys.executable,
            "-c",
            "import sys; from curator.cli import run; sys.exit(run(sys.argv[1:]))",
            "predict",
            "--json",
            str(delivered / "model"),
            *map(str, pictures),
        ],
        capture_output=True,
        text=True,
        check=True,
    )
    answers = json.loads(done.stdout)
    expected = json.loads((delivered / "expected.json").read_text())
    assert len(answers) == len(expected) == NUMBER
    for answer in answers:
        said = {item["label"]: item["probability"] for item in answer["predictions"]}
        assert said == pytest.approx(expected[Path(answer["image"]).name], abs=1e-3)
        assert sum(said.values()) == pytest.approx(1)
        shares = [item["probability"] for item in answer["predictions"]]
        assert shares == sorted(shares, reverse=True)


def test_it_answers_without_torch(delivered: Path) -> None:
    """The command that asks loads neither torch nor the store nor tables."""
    picture = next((delivered / "pictures").iterdir())
    code = (
        "import sys; from curator.cli import run; status = run(sys.argv[1:]);"
        " heavy = {'torch', 'torchvision', 'timm', 'pandas', 'sqlalchemy', 'onnx', 'requests'};"
        " print(sorted(heavy & set(sys.modules)), status)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, "predict", delivered / "model", picture],
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.splitlines()[-1] == "[] 0"


LACKING = """
import importlib.abc, runpy, sys
class Lacking(importlib.abc.MetaPathFinder):
    def find_spec(self, name, path=None, target=None):
        known = {"onnxruntime", "numpy", "PIL", "coloredlogs", "flatbuffers", "google", "packaging"}
        if path is None and name not in known and name not in sys.stdlib_module_names:
            raise ModuleNotFoundError(name)
sys.meta_path.insert(0, Lacking())
sys.argv = sys.argv[1:]
runpy.run_path(sys.argv[0], run_name="__main__")
"""


def test_the_example_needs_no_more_than_it_says(delivered: Path) -> None:
    """With onnxruntime, numpy and pillow alone to import, it says what the run said."""
    example = delivered / "model" / "example.py"
    assert len(example.read_text().splitlines()) < 50
    pictures = sorted((delivered / "pictures").iterdir())
    done = subprocess.run(
        [sys.executable, "-I", "-c", LACKING, example, *pictures],
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    expected = json.loads((delivered / "expected.json").read_text())
    for line in done.stdout.splitlines():
        name, *shares = line.split("\t")
        said = {label: float(share) for label, share in (each.rsplit(" ", 1) for each in shares)}
        assert said == pytest.approx(expected.pop(Path(name).name), abs=1e-3)
    assert not expected


def test_a_batch_says_the_same_as_one_by_one(delivered: Path) -> None:
    """Scores of a batch are those of each image alone."""
    predictor = Predictor.load(delivered / "model")
    pictures = [decode(path) for path in sorted((delivered / "pictures").iterdir())[:3]]
    pixels = np.stack([predictor.prepare(picture) for picture in pictures])
    alone = [predictor.ask(each[None]) for each in pixels]
    whole = predictor.ask(pixels)
    assert whole.probabilities == pytest.approx(
        np.concatenate([each.probabilities for each in alone]), abs=1e-3
    )
    assert whole.features == pytest.approx(
        np.concatenate([each.features for each in alone]), abs=1e-2
    )
    assert predictor.ask(pixels[:0]).probabilities.shape == (0, 3)
    assert predictor.classes == ("three", "five", "eight")


def test_any_picture_can_be_asked_about(delivered: Path) -> None:
    """Tiny, wide, tall and large pictures all get an answer that sums to one."""
    predictor = Predictor.load(delivered / "model")
    for size in [(1, 1), (3000, 10), (10, 3000), (2000, 1500)]:
        said = predictor.predict(Image.new("RGB", size, "red"))
        assert sorted(label for label, _ in said) == ["eight", "five", "three"]
        assert sum(share for _, share in said) == pytest.approx(1)


def test_the_config_says_all_that_is_needed(delivered: Path) -> None:
    """Classes, preprocessing, figures, versions and the weights' hash are in config.json."""
    config = config_of(delivered / "model")
    assert config["classes"] == ["three", "five", "eight"]
    assert config["backbone"]["size"] == 224
    names = {path.name for path in (delivered / "model").iterdir()}
    assert names >= {ONNX_FILE, WEIGHTS_FILE, CONFIG_FILE, "README.md", "labels.txt", "example.py"}
    assert config["sha256"] == {CONFIG_FILE: digest(config)} | {
        name: sha256_of(delivered / "model" / name) for name in names - {CONFIG_FILE}
    }
    assert set(config["metrics"]) >= {"out_of_fold", "valid", "per_class", "confusion", "baselines"}
    assert config["versions"]["curator"]
    assert (delivered / "model" / "labels.txt").read_text() == "three\nfive\neight\n"
    assert names - {INT8_FILE} == names if not config["int8"]["kept"] else INT8_FILE in names


def test_the_card_shows_the_figures(delivered: Path) -> None:
    """The model card has the errors with intervals, whole numbers of images, and every class."""
    card = (delivered / "model" / "README.md").read_text()
    metrics = config_of(delivered / "model")["metrics"]
    for kind in ("valid", "out_of_fold"):
        row = metrics[kind]
        assert f"| {row['error']:.1%} | {row['low']:.1%} to {row['high']:.1%} |" in card
    for row in metrics["per_class"]:
        assert f"| {row['label']} | {int(row['support'])} |" in card
    assert card.startswith("---\n")


@pytest.mark.parametrize("name", [ONNX_FILE, CONFIG_FILE])
def test_a_missing_file_is_named(name: str, bundle: Path) -> None:
    """Without one of its files a bundle is refused, and the error says which is missing."""
    (bundle / name).unlink()
    with pytest.raises(BundleInvalid, match=f"{name} is missing"):
        Predictor.load(bundle)


@pytest.mark.parametrize(("name", "version"), [(ONNX_FILE, 3), (WEIGHTS_FILE, 2)])
def test_altered_weights_are_noticed(name: str, version: int, bundle: Path) -> None:
    """One flipped bit in what a bundle of that format answers with, and it is refused."""
    as_format(version, bundle)
    data = bytearray((bundle / name).read_bytes())
    data[-1] ^= 1
    (bundle / name).write_bytes(data)
    with pytest.raises(BundleInvalid, match=f"{name} was altered"):
        Predictor.load(bundle)
    (bundle / name).write_bytes(data[:1000])
    with pytest.raises(BundleInvalid, match="was altered"):
        Predictor.load(bundle)


ALTERATIONS: dict[str, Callable[[dict[str, Any]], Any]] = {
    "classes swapped": lambda config: config | {"classes": config["classes"][::-1]},
    "a class less": lambda config: config | {"classes": config["classes"][:2]},
    "other preprocessing": lambda config: (
        config | {"backbone": config["backbone"] | {"mean": [0.1, 0.1, 0.1]}}
    ),
    "better figures": lambda config: config | {"metrics": {}},
    "no hash": lambda config: config | {"sha256": {}},
    "hash of nothing": lambda config: config | {"sha256": "none"},
    "no backbone": lambda config: config | {"backbone": None},
    "strange backbone": lambda config: config | {"backbone": {"name": "x"}},
    "a list": lambda config: [config],
    "a word as version": lambda config: config | {"format_version": "one"},
}


@pytest.mark.parametrize("change", ALTERATIONS)
def test_an_altered_config_is_noticed(change: str, bundle: Path) -> None:
    """Whatever is changed in config.json, the bundle does not answer with it."""
    path = bundle / CONFIG_FILE
    path.write_text(json.dumps(ALTERATIONS[change](config_of(bundle))))
    with pytest.raises(BundleInvalid, match=CONFIG_FILE):
        Predictor.load(bundle)


@pytest.mark.parametrize("text", ["", "{", "null", "\ud800"])
def test_an_unreadable_config_is_named(text: str, bundle: Path) -> None:
    """A config that is no JSON object is an error about that file."""
    (bundle / CONFIG_FILE).write_text(text, encoding="utf-8", errors="surrogatepass")
    with pytest.raises(BundleInvalid, match=CONFIG_FILE):
        Predictor.load(bundle)


def test_a_newer_bundle_is_refused(bundle: Path) -> None:
    """A format version that is not known yet asks for an update."""
    config = config_of(bundle)
    config["format_version"] = 99
    (bundle / CONFIG_FILE).write_text(json.dumps(config))
    with pytest.raises(BundleInvalid, match=r"99.*Update the curator"):
        Predictor.load(bundle)


@pytest.mark.parametrize("version", [1, 2])
def test_an_older_bundle_still_loads(version: int, bundle: Path) -> None:
    """Weights alone predict the same, in torch; without a library's name it is timm's."""
    picture = Image.new("RGB", (300, 200), "brown")
    expected = Predictor.load(bundle).predict(picture)
    as_format(version, bundle)
    said = Predictor.load(bundle).predict(picture)
    assert dict(said) == pytest.approx(dict(expected), abs=1e-3)


@pytest.mark.soak
def test_a_bundle_of_a_torchvision_backbone_predicts(bundle: Path) -> None:
    """Its network is built by torchvision, and the features are those of its pixels."""
    as_format(2, bundle)
    import torch

    torch.manual_seed(0)
    backbone = describe("resnet18")
    network = build_network(backbone).eval()
    head = {
        "weight": np.random.default_rng(0).normal(size=(3, 512)).astype(np.float32),
        "bias": np.arange(3, dtype=np.float32),
    }
    tensors = {f"backbone.{name}": value.numpy() for name, value in network.state_dict().items()}
    save_file(tensors | {f"head.{n}": value for n, value in head.items()}, bundle / WEIGHTS_FILE)
    config = config_of(bundle)
    config["backbone"] = asdict(backbone) | {"mean": list(backbone.mean), "std": list(backbone.std)}
    config["backbone"].pop("source")
    config["sha256"][WEIGHTS_FILE] = sha256_of(bundle / WEIGHTS_FILE)
    config["sha256"][CONFIG_FILE] = digest(config)
    (bundle / CONFIG_FILE).write_text(json.dumps(config))
    pixels = np.random.default_rng(1).integers(0, 256, (240, 320, 3), dtype=np.uint8)
    picture = Image.fromarray(pixels)
    images = torch.from_numpy(prepare_image(picture, backbone)[None]).float() / 255
    images = (images - torch.tensor(backbone.mean).view(1, 3, 1, 1)) / torch.tensor(
        backbone.std
    ).view(1, 3, 1, 1)
    with torch.inference_mode():
        features = network(images).numpy()
    expected = softmax(features @ head["weight"].T + head["bias"])
    predictor = Predictor.load(bundle)
    said = predictor.ask(predictor.prepare(picture)[None])
    assert said.probabilities == pytest.approx(expected, abs=1e-3)
    assert said.features == pytest.approx(features, abs=1e-3)
    # The graph that an export makes of this network says the same, mirrored or not.
    graph = encoder.export(backbone, network)
    for mirror in (False, True):
        session = open_graph(whole_graph(graph, head["weight"], head["bias"], mirror=mirror))
        pixels = np.stack([predictor.prepare(picture)] * 3)
        shares, shown = session.run(["probabilities", "features"], {"pixels": pixels})
        flipped = predictor.ask(pixels[..., ::-1].copy()).features
        wanted = (said.features + flipped) / 2 if mirror else np.repeat(said.features, 3, axis=0)
        assert shown == pytest.approx(wanted, abs=1e-3)
        assert shares == pytest.approx(softmax(wanted @ head["weight"].T + head["bias"]), abs=1e-3)


def test_weights_that_do_not_fit_are_named(bundle: Path) -> None:
    """Weights of another network, with their right hash, are refused and not half-loaded."""
    as_format(2, bundle)
    path = bundle / WEIGHTS_FILE
    tensors = {name: value for name, value in load_file(path).items() if "conv_stem" not in name}
    save_file(tensors, path)
    config = config_of(bundle)
    config["sha256"][WEIGHTS_FILE] = sha256_of(path)
    (bundle / CONFIG_FILE).write_text(json.dumps(config))
    with pytest.raises(BundleInvalid, match=WEIGHTS_FILE):
        Predictor.load(bundle)


def test_a_folder_that_is_no_bundle_is_named(tmp_path: Path) -> None:
    """Another folder, or none, is no exported model."""
    for folder in (tmp_path, tmp_path / "nowhere"):
        with pytest.raises(BundleInvalid, match="no exported model"):
            Predictor.load(folder)


def test_there_must_be_a_run(small: Project, sample_copy: Project, tmp_path: Path) -> None:
    """Without a run, or with an unknown one, nothing is written."""
    with pytest.raises(NoRun):
        small.export_model(tmp_path / "out")
    with pytest.raises(UnknownRun):
        sample_copy.export_model(tmp_path / "out", run_id=9)
    assert not (tmp_path / "out").exists()
