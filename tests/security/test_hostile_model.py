"""A model folder from an attacker ends in a named error: nothing is fetched, run or waited for."""

from __future__ import annotations

import json
import os
import shutil
import socket
import struct
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from PIL import Image
from safetensors.numpy import load_file, save_file

from curator.deliver.predict import Predictor
from curator.deliver.received import (
    CONFIG_FILE,
    LARGEST_CONFIG,
    LARGEST_WEIGHTS,
    WEIGHTS_FILE,
    digest,
)
from curator.encode import torchvision_compat
from curator.errors import BundleInvalid
from curator.hashing import sha256_of
from tests.security.attack import curator

if TYPE_CHECKING:
    from collections.abc import Callable

    Attack = Callable[[Path], None]
    Tensors = dict[str, np.ndarray[Any, Any]]

ARCHITECTURE = "test_resnet"


@pytest.fixture(scope="module")
def honest(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give a bundle of a very small network, with all that `export-model` writes."""
    torchvision_compat.prepare()
    import timm

    folder = tmp_path_factory.mktemp("honest")
    network = timm.create_model(ARCHITECTURE, pretrained=False, num_classes=0)
    tensors = {f"backbone.{k}": v.numpy() for k, v in network.state_dict().items()}
    head = np.random.default_rng(0).normal(size=(2, network.num_features))
    tensors |= {"head.weight": head.astype(np.float32), "head.bias": np.zeros(2, np.float32)}
    save_file(tensors, folder / WEIGHTS_FILE)
    config = {
        "format_version": 2,
        "classes": ["cat", "dog"],
        "backbone": {
            "name": f"timm:{ARCHITECTURE}",
            "key": f"timm-{ARCHITECTURE}",
            "architecture": ARCHITECTURE,
            "dimension": network.num_features,
            "size": 64,
            "crop": 0.95,
            "mean": [0.5, 0.5, 0.5],
            "std": [0.5, 0.5, 0.5],
            "interpolation": "bicubic",
            "bundled": False,
            "library": "timm",
            "squash": False,
            "licence": "apache-2.0",
        },
        "mirror": False,
        "recipe": "instant",
        "run": 1,
        "trained_at": "2026-01-01T00:00:00.000+00:00",
        "metrics": {},
        "versions": {"timm": "1"},
    }
    write(folder, config)
    return folder


def write(folder: Path, config: dict[str, Any]) -> None:
    """Write a config with the right hashes, as an attacker can."""
    hashes = {WEIGHTS_FILE: sha256_of(folder / WEIGHTS_FILE), CONFIG_FILE: digest(config)}
    (folder / CONFIG_FILE).write_text(json.dumps({**config, "sha256": hashes}))


def config_with(**changes: Any) -> Attack:
    """Change parts of the config."""

    def attack(folder: Path) -> None:
        config = json.loads((folder / CONFIG_FILE).read_text())
        config.pop("sha256")
        write(folder, config | changes)

    return attack


def backbone_with(**changes: Any) -> Attack:
    """Change parts of the backbone's description."""

    def attack(folder: Path) -> None:
        config = json.loads((folder / CONFIG_FILE).read_text())
        config_with(backbone=config["backbone"] | changes)(folder)

    return attack


def tensors_with(change: Callable[[Tensors], object]) -> Attack:
    """Change the weights, and give their hash in the config."""

    def attack(folder: Path) -> None:
        tensors = load_file(folder / WEIGHTS_FILE)
        change(tensors)
        save_file(tensors, folder / WEIGHTS_FILE)
        config_with()(folder)

    return attack


def weights(data: bytes) -> Attack:
    """Put other bytes in the place of the weights, with the right hash."""

    def attack(folder: Path) -> None:
        (folder / WEIGHTS_FILE).write_bytes(data)
        config_with()(folder)

    return attack


def text(content: str | bytes) -> Attack:
    """Put something else in the place of the config."""
    data = content if isinstance(content, bytes) else content.encode()
    return lambda folder: (folder / CONFIG_FILE).write_bytes(data) and None


def instead(name: str, make: Callable[[Path], object]) -> Attack:
    """Put something that is no plain file in the place of one."""

    def attack(folder: Path) -> None:
        (folder / name).rename(folder / f"real-{name}")
        make(folder / name)

    return attack


def linked(name: str) -> Attack:
    """Put a link to the real file, outside of the folder, in its place."""

    def attack(folder: Path) -> None:
        outside = folder.with_name(f"outside-{name}")
        (folder / name).rename(outside)
        (folder / name).symlink_to(outside)

    return attack


def sparse(name: str, size: int) -> Attack:
    """Make a file huge that takes no room."""

    def attack(folder: Path) -> None:
        with (folder / name).open("r+b") as stream:
            stream.truncate(size)

    return attack


def listening(path: Path) -> None:
    """Leave a socket at ``path``."""
    with socket.socket(socket.AF_UNIX) as opened:
        here = Path.cwd()
        os.chdir(path.parent)  # a socket's path may have some hundred characters
        try:
            opened.bind(path.name)
        finally:
            os.chdir(here)


def header(said: Any, body: bytes = b"") -> bytes:
    """Give a safetensors file with that header."""
    written = json.dumps(said).encode()
    return struct.pack("<Q", len(written)) + written + body


def one_nan(tensors: Tensors) -> None:
    """Make one of the weights no number."""
    tensors["backbone.layer1.0.conv1.weight"].flat[0] = np.nan


PICKLE = (
    b"\x80\x04\x95\x1e\x00\x00\x00\x00\x00\x00\x00\x8c\x05posix\x8c\x06system\x93\x8c\x02id\x85R."
)
LONE = '{"format_version": 2, "classes": ["\\ud800"]}'

ATTACKS: dict[str, Attack] = {
    # architectures that make timm fetch or read something else
    "hub": backbone_with(architecture="hf-hub:attacker/model"),
    "hub, short": backbone_with(architecture="hf_hub:attacker/model"),
    "local folder": backbone_with(architecture="local-dir:/home/victim/model"),
    "address": backbone_with(architecture="https://attacker.example/model"),
    "path": backbone_with(architecture="../../model"),
    "absolute path": backbone_with(architecture="/tmp/model"),
    "unknown architecture": backbone_with(architecture="no_such_network"),
    "unknown tag": backbone_with(architecture="test_resnet.evil"),
    "entry point of the other library": backbone_with(
        library="torchvision", architecture="get_model"
    ),
    "a torchvision network that is not known": backbone_with(
        library="torchvision", architecture="maskrcnn_resnet50_fpn"
    ),
    "a library of its own": backbone_with(library="os"),
    "a giant network": backbone_with(architecture="vit_giant_patch14_clip_224"),
    "no text as architecture": backbone_with(architecture=["test_resnet"]),
    "a source to download": backbone_with(source={"address": "http://127.0.0.1:1/x"}),
    # numbers out of range
    "huge size": backbone_with(size=1_000_000),
    "no size": backbone_with(size=0),
    "size as a word": backbone_with(size="64"),
    "tiny crop": backbone_with(crop=1e-9),
    "crop of zero": backbone_with(crop=0),
    "deviation of zero": backbone_with(std=[0, 0.5, 0.5]),
    "two means": backbone_with(mean=[0.5, 0.5]),
    "infinite mean": backbone_with(mean=[float("inf"), 0.5, 0.5]),
    "dimension that lies": backbone_with(dimension=7),
    "negative dimension": backbone_with(dimension=-1),
    "unknown interpolation": backbone_with(interpolation="__import__('os')"),
    "truth as a word": config_with(mirror="yes"),
    "version that is true": config_with(format_version=True),
    "version of zero": config_with(format_version=0),
    # classes
    "a class more than the head": config_with(classes=["cat", "dog", "owl"]),
    "no classes": config_with(classes=[]),
    "classes of one name": config_with(classes=["cat", "CAT"]),
    "a class that is a path": config_with(classes=["cat", "../../x"]),
    "a class that speaks to the terminal": config_with(classes=["cat", "\x1b]0;evil\x07"]),
    "classes that are no names": config_with(classes=[{"cat": 1}, 2]),
    "a million classes": config_with(classes=[f"c{number}" for number in range(1_000_000)]),
    # texts that are no config
    "nested too deep": text("[" * 200_000),
    "a number of many digits": text('{"format_version": ' + "9" * 10_000 + "}"),
    "no text": text(b"\xff\xfe\x00"),
    "half a sign": text(LONE),
    "hashes that are no hashes": text(
        json.dumps({"format_version": 2, "sha256": {WEIGHTS_FILE: ["x"], CONFIG_FILE: None}})
    ),
    "a huge config": sparse(CONFIG_FILE, LARGEST_CONFIG + 1),
    "a huge weight file": sparse(WEIGHTS_FILE, LARGEST_WEIGHTS + 1),
    # weights
    "a pickle": weights(PICKLE),
    "nothing": weights(b""),
    "a header longer than the file": weights(struct.pack("<Q", 1 << 62) + b"{}"),
    "a header that is a list": weights(header([])),
    "offsets beyond the end": weights(
        header({"head.weight": {"dtype": "F32", "shape": [2, 2], "data_offsets": [0, 1 << 50]}})
    ),
    "offsets that overlap": weights(
        header(
            {
                name: {"dtype": "F32", "shape": [1], "data_offsets": [0, 4]}
                for name in ("head.weight", "head.bias")
            },
            b"\0" * 4,
        )
    ),
    "a shape that overflows": weights(
        header(
            {"a": {"dtype": "F32", "shape": [1 << 62, 1 << 62], "data_offsets": [0, 4]}}, b"1234"
        )
    ),
    "not a number": tensors_with(one_nan),
    "an infinite head": tensors_with(lambda t: t["head.bias"].fill(np.inf)),
    "weights that explode": tensors_with(lambda t: t["head.weight"].fill(3e38)),
    "a head of one dimension": tensors_with(lambda t: t.update({"head.weight": t["head.bias"]})),
    "a head of whole numbers": tensors_with(
        lambda t: t.update({"head.bias": t["head.bias"].astype(np.int32)})
    ),
    "a backbone of another shape": tensors_with(
        lambda t: t.update({"backbone.conv1.0.weight": np.zeros((1, 1), np.float32)})
    ),
    "a tensor less": tensors_with(lambda t: t.pop("backbone.layer1.0.conv1.weight")),
    "a tensor more": tensors_with(lambda t: t.update({"backbone.x": np.zeros(1, np.float32)})),
    # no plain files
    "linked config": linked(CONFIG_FILE),
    "linked weights": linked(WEIGHTS_FILE),
    "dangling link": instead(WEIGHTS_FILE, lambda path: path.symlink_to("nowhere")),
    "link to itself": instead(CONFIG_FILE, lambda path: path.symlink_to(path)),
    "folder as config": instead(CONFIG_FILE, lambda path: path.mkdir()),
    "folder as weights": instead(WEIGHTS_FILE, lambda path: path.mkdir()),
}
if hasattr(os, "mkfifo"):
    ATTACKS |= {
        "pipe as config": instead(CONFIG_FILE, os.mkfifo),
        "pipe as weights": instead(WEIGHTS_FILE, os.mkfifo),
        "socket as config": instead(CONFIG_FILE, listening),
        "link to a device": instead(WEIGHTS_FILE, lambda path: path.symlink_to("/dev/zero")),
    }


@pytest.mark.slow
def test_the_honest_model_predicts(honest: Path, tmp_path: Path) -> None:
    """The bundle that all attacks begin with is a good one, for the real command too."""
    Image.new("RGB", (80, 60), "brown").save(tmp_path / "picture.png")
    done = curator("predict", "--json", honest, tmp_path / "picture.png")
    assert (done.returncode, done.stderr) == (0, "")
    [answer] = json.loads(done.stdout)
    assert sum(item["probability"] for item in answer["predictions"]) == pytest.approx(1)
    assert sorted(item["label"] for item in answer["predictions"]) == ["cat", "dog"]


@pytest.mark.slow
@pytest.mark.parametrize("attack", ATTACKS)
def test_a_hostile_model_is_refused(
    attack: str, honest: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It ends in BundleInvalid that names the file, and asks no host for anything."""
    bundle = Path(shutil.copytree(honest, tmp_path / "model"))
    ATTACKS[attack](bundle)
    asked: list[object] = []
    monkeypatch.setattr(socket.socket, "connect", lambda _socket, where: asked.append(where))
    with pytest.raises(BundleInvalid, match=f"{CONFIG_FILE}|{WEIGHTS_FILE}"):
        Predictor.load(bundle)
    assert asked == []


@pytest.mark.slow
@pytest.mark.parametrize("attack", ["hub", "nested too deep"])
def test_the_command_says_so(attack: str, honest: Path, tmp_path: Path) -> None:
    """The command line ends with one sentence and status 1, without a traceback."""
    bundle = Path(shutil.copytree(honest, tmp_path / "model"))
    ATTACKS[attack](bundle)
    done = curator("predict", bundle, "picture.png")
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith("Error: ")
    assert str(bundle) in done.stderr
    assert "unforeseen" not in done.stderr
