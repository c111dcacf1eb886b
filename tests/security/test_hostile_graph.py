"""An ONNX file or a gate from an attacker ends in an error that names it, and takes no memory."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper
from PIL import Image
from safetensors.numpy import load, save

from curator.cli import run
from curator.deliver.graph import whole_graph
from curator.deliver.predict import Predictor
from curator.deliver.received import CONFIG_FILE, FORMAT_VERSION, GATE_FILE, ONNX_FILE, digest
from curator.encode.graphs import MOST_MEMORY
from curator.errors import BundleInvalid
from curator.hashing import sha256_of
from curator.learn.strangers.gate import Gate

if TYPE_CHECKING:
    from collections.abc import Callable

    Change = Callable[[Any], object]

SIZE = 8


@pytest.fixture(scope="module")
def honest(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give a bundle whose features are the mean red, green and blue, with a gate."""
    folder = tmp_path_factory.mktemp("honest")
    dice = np.random.default_rng(0)
    features = helper.make_graph(
        [
            helper.make_node("Cast", ["image"], ["floats"], to=TensorProto.FLOAT),
            helper.make_node("ReduceMean", ["floats", "axes"], ["means"], keepdims=0),
        ],
        "features",
        [helper.make_tensor_value_info("image", TensorProto.UINT8, ["n", 3, SIZE, SIZE])],
        [helper.make_tensor_value_info("means", TensorProto.FLOAT, ["n", 3])],
        [numpy_helper.from_array(np.array([2, 3], np.int64), "axes")],
    )
    model = helper.make_model(
        features, opset_imports=[helper.make_opsetid("", 20)], ir_version=10
    ).SerializeToString()
    weight = np.array([[1, 0, 0], [0, 0, 1]], np.float32)
    (folder / ONNX_FILE).write_bytes(
        whole_graph(model, weight, np.zeros(2, np.float32), mirror=False)
    )
    labels = np.arange(60) % 2
    own = (weight[labels] * 200 + dice.uniform(0, 20, (60, 3))).astype(np.float32)
    gate = Gate.fit(own, labels, np.arange(60) // 2 % 5)
    (folder / GATE_FILE).write_bytes(save(gate.to_arrays()))
    config = {
        "format_version": FORMAT_VERSION,
        "classes": ["red", "blue"],
        "backbone": {
            "name": "timm:test_resnet",
            "key": "timm-test_resnet",
            "architecture": "test_resnet",
            "dimension": 3,
            "size": SIZE,
            "crop": 1.0,
            "mean": [0.0, 0.0, 0.0],
            "std": [1.0, 1.0, 1.0],
            "interpolation": "bicubic",
            "bundled": False,
        },
    }
    sign(folder, config)
    return folder


@pytest.fixture
def bundle(honest: Path, tmp_path: Path) -> Path:
    """Copy it, for a test that alters it."""
    return Path(shutil.copytree(honest, tmp_path / "model"))


def sign(folder: Path, config: dict[str, Any] | None = None) -> None:
    """Write the config with the right hashes, as an attacker can."""
    if config is None:
        config = json.loads((folder / CONFIG_FILE).read_text())
        del config["sha256"]
    hashes = {name: sha256_of(folder / name) for name in (ONNX_FILE, GATE_FILE)}
    hashes |= {"model.safetensors": "0" * 64, CONFIG_FILE: digest(config)}
    (folder / CONFIG_FILE).write_text(json.dumps({**config, "sha256": hashes}))


def refused(bundle: Path, name: str, match: str) -> None:
    """Sign what was altered: it is refused, by the name of its file or what is wrong."""
    sign(bundle)
    with pytest.raises(BundleInvalid, match=match) as caught:
        Predictor.load(bundle)
    assert name in str(caught.value)


def before(*nodes: Any, **constants: np.ndarray[Any, Any]) -> Change:
    """Put nodes before the head, whose value ``more`` is added to the answers' logits."""

    def change(model: Any) -> None:
        graph = model.graph
        at = next(n for n, node in enumerate(graph.node) if node.name == "probabilities")
        node = graph.node[at]
        logits = node.input[0]
        node.input[0] = "with.more"
        added = [*nodes, helper.make_node("Add", [logits, "more"], ["with.more"])]
        old = list(graph.node)
        del graph.node[:]
        graph.node.extend([*old[:at], *added, *old[at:]])
        graph.initializer.extend(numpy_helper.from_array(v, k) for k, v in constants.items())

    return change


def elsewhere(model: Any) -> None:
    """Let the head's weights lie in another file."""
    tensor = next(each for each in model.graph.initializer if each.name == "head.weight")
    tensor.ClearField("raw_data")
    tensor.data_location = TensorProto.EXTERNAL
    tensor.external_data.add(key="location", value="../../../../../../etc/passwd")


def sparse(model: Any) -> None:
    """Hold sparse weights."""
    values = numpy_helper.from_array(np.ones(1, np.float32), "few")
    places = numpy_helper.from_array(np.zeros(1, np.int64), "places")
    model.graph.sparse_initializer.append(helper.make_sparse_tensor(values, places, [1 << 40]))


def function(model: Any) -> None:
    """Define an operator."""
    body = [helper.make_node("Identity", ["a"], ["b"])]
    own = helper.make_function("own", "Same", ["a"], ["b"], body, [helper.make_opsetid("", 20)])
    model.functions.append(own)


def branch(name: str) -> Any:
    """Give a graph that takes nothing and gives one number."""
    made = helper.make_node("Constant", [], [name], value_float=1.0)
    out = helper.make_tensor_value_info(name, TensorProto.FLOAT, [])
    return helper.make_graph([made], name, [], [out])


ALL = np.array([True])
GRAPHS: dict[str, tuple[Change, str]] = {
    "weights elsewhere": (elsewhere, "another file"),
    "sparse weights": (sparse, "sparse"),
    "an operator of its own": (function, "operators of its own"),
    "an operator of a vendor": (
        before(helper.make_node("Gelu", ["head.bias"], ["more"], domain="com.microsoft")),
        "not of the ONNX standard",
    ),
    "a choice": (
        before(
            helper.make_node(
                "If", ["all"], ["more"], then_branch=branch("a"), else_branch=branch("b")
            ),
            all=ALL,
        ),
        "loops or choices",
    ),
    "a loop": (
        before(
            helper.make_node("Loop", ["", "all"], ["more"], body=branch("a")),
            all=ALL,
        ),
        "loops or choices",
    ),
    "memory from one number": (
        before(
            helper.make_node("ConstantOfShape", ["size"], ["huge"]),
            helper.make_node("ReduceMax", ["huge"], ["more"], keepdims=0),
            size=np.array([10**12], np.int64),
        ),
        "cannot be run",
    ),
    "memory from a product": (
        before(
            helper.make_node("MatMul", ["tall", "wide"], ["huge"]),
            helper.make_node("ReduceMax", ["huge"], ["more"], keepdims=0),
            tall=np.ones((10**6, 1), np.float32),
            wide=np.ones((1, 10**6), np.float32),
        ),
        "cannot be run",
    ),
    "memory from what is seen": (
        before(
            helper.make_node("Expand", ["features", "size"], ["huge"]),
            helper.make_node("ReduceMax", ["huge"], ["more"], keepdims=0),
            size=np.array([10**11, 1, 1], np.int64),
        ),
        "cannot be run",
    ),
    "no number": (
        before(helper.make_node("Identity", ["nan"], ["more"]), nan=np.float32([np.nan])),
        "no number",
    ),
    "another input": (lambda model: setattr(model.graph.input[0], "name", "images"), "model.onnx"),
    "no graph": (lambda model: model.ClearField("graph"), "no ONNX file"),
}


def memory_of_predicting(bundle: Path) -> int:
    """Let a process of its own refuse the bundle; give the most memory that it held, in bytes."""
    if not hasattr(os, "wait4"):
        pytest.skip("what a process held is not told here")
    command = [sys.executable, "-m", "curator", "predict", str(bundle), str(bundle)]
    process = subprocess.Popen(command, stderr=subprocess.DEVNULL)
    _, status, used = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    assert process.returncode == 1
    return int(used.ru_maxrss) << 10


@pytest.mark.slow
@pytest.mark.parametrize("attack", GRAPHS)
def test_a_hostile_graph_is_refused(attack: str, bundle: Path) -> None:
    """It is named, and what it asks for is not given."""
    change, match = GRAPHS[attack]
    model = onnx.load_from_string((bundle / ONNX_FILE).read_bytes())
    change(model)
    (bundle / ONNX_FILE).write_bytes(model.SerializeToString())
    refused(bundle, ONNX_FILE, match)
    if attack.startswith("memory"):
        assert memory_of_predicting(bundle) < MOST_MEMORY


def test_a_damaged_graph_is_an_error(bundle: Path) -> None:
    """Cut anywhere, with bytes changed, or none at all: an error or an answer, never a crash."""
    whole = (bundle / ONNX_FILE).read_bytes()
    dice = np.random.default_rng(0)
    cases = [whole[:place] for place in range(0, len(whole) - 1, 97)]
    for _ in range(50):
        altered = bytearray(whole)
        for place in dice.integers(0, len(whole), 3):
            altered[place] = dice.integers(0, 256)
        cases.append(bytes(altered))
    refusals = 0
    for case in cases:
        (bundle / ONNX_FILE).write_bytes(case)
        sign(bundle)
        try:
            Predictor.load(bundle)
        except BundleInvalid:
            refusals += 1
    assert refusals > len(whole) // 97


def arrays(change: Change) -> Callable[[bytes], bytes]:
    """Alter the tensors of a gate."""

    def altered(data: bytes) -> bytes:
        tensors = load(data)
        change(tensors)
        return save(tensors)

    return altered


GATES: dict[str, Callable[[bytes], bytes]] = {
    "nothing": lambda _: b"",
    "cut": lambda data: data[:-8],
    "a header without end": lambda _: b"\xff" * 8 + b"{}",
    "no number": arrays(lambda gate: gate["threshold"].fill(np.nan)),
    "without end": arrays(lambda gate: gate["heads"].fill(np.inf)),
    "a tensor less": arrays(lambda gate: gate.pop("centre")),
    "of another model": arrays(lambda gate: gate.update(directions=np.zeros((1, 5), np.float32))),
    "of more classes": arrays(lambda gate: gate.update(heads=np.zeros((9, 3), np.float32))),
    "other numbers": arrays(lambda gate: gate.update(spread=gate["spread"].astype(np.float32))),
}


@pytest.mark.parametrize("attack", GATES)
def test_a_hostile_gate_is_refused(attack: str, bundle: Path) -> None:
    """Even with its right hash."""
    path = bundle / GATE_FILE
    path.write_bytes(GATES[attack](path.read_bytes()))
    refused(bundle, "gate", "gate")


def test_an_altered_or_missing_gate_is_noticed(bundle: Path) -> None:
    """One bit, or no file: it does not answer as if nothing were strange to it."""
    path = bundle / GATE_FILE
    data = bytearray(path.read_bytes())
    data[-1] ^= 1
    path.write_bytes(data)
    with pytest.raises(BundleInvalid, match=f"{GATE_FILE} was altered"):
        Predictor.load(bundle)
    path.unlink()
    with pytest.raises(BundleInvalid, match=f"{GATE_FILE} is missing"):
        Predictor.load(bundle)


def test_the_honest_one_answers_and_refuses(
    honest: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """What all attacks begin with is a good bundle: red is red, and green is none of these."""
    Image.new("RGB", (20, 20), (10, 210, 10)).save(tmp_path / "green.png")
    Image.new("RGB", (20, 20), (210, 10, 10)).save(tmp_path / "red.png")
    assert run(["predict", "--json", str(honest), str(tmp_path)]) == 0
    green, red = json.loads(capsys.readouterr().out)
    assert (red["none_of_these"], green["none_of_these"]) == (False, True)
    assert red["predictions"][0]["label"] == "red"
    assert green["sentence"].startswith("none of these, nearest: ")
