"""TensorBoard logs, read back with TensorBoard's own reader."""

from __future__ import annotations

import subprocess
import sys

import pytest
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from tensorboard.plugins.hparams.plugin_data_pb2 import HParamsPluginData

from curator.errors import FileError, InputError, PackageMissing
from curator.learn.tensorboard import flat, write_run
from curator.store import runs

SETTINGS = {"rate": 3e-3, "epochs": 2, "flip": True, "classes": [1, 2], "choice": "cpu | why"}
METRICS = {
    "valid": {"error": 0.05, "low": None},
    "out_of_fold": {"error": 0.04},
    "confusion": [[1]],
}
HISTORY = [
    {"epoch": 1, "phase": "head", "train_loss": 0.9, "valid_loss": 0.7, "error_rate": 0.2},
    {"epoch": 2, "phase": "all", "train_loss": 0.4, "valid_loss": None, "error_rate": 0.1},
]


@pytest.fixture(scope="module")
def log(tmp_path_factory):
    """Write a run's log once and give TensorBoard's view of it."""
    folder = tmp_path_factory.mktemp("runs") / "7"
    path = write_run(folder, SETTINGS, METRICS, HISTORY)
    assert [path] == list(folder.iterdir())
    reader = EventAccumulator(str(folder))
    reader.Reload()
    return reader


def test_the_curves(log):
    """Every number of the history is a point at its epoch; what is missing is left out."""
    points = {
        name: [(event.step, event.value) for event in log.Scalars(name)]
        for name in ("loss/train", "loss/valid", "error/valid")
    }
    assert points == {
        "loss/train": [(1, pytest.approx(0.9)), (2, pytest.approx(0.4))],
        "loss/valid": [(1, pytest.approx(0.7))],
        "error/valid": [(1, pytest.approx(0.2)), (2, pytest.approx(0.1))],
    }


def test_the_final_figures(log):
    """The run's metrics are single points, named by their place."""
    assert log.Scalars("valid/error")[0].value == pytest.approx(0.05)
    assert log.Scalars("out_of_fold/error")[0].value == pytest.approx(0.04)
    assert "valid/low" not in log.Tags()["scalars"]


def test_the_hyper_parameters(log):
    """TensorBoard's table of hyper-parameters finds settings and the names of the figures."""
    content = log.SummaryMetadata("_hparams_/session_start_info").plugin_data.content
    started = HParamsPluginData.FromString(content).session_start_info.hparams
    assert started["rate"].number_value == pytest.approx(3e-3)
    assert started["flip"].number_value == 1
    assert started["choice"].string_value == "cpu | why"
    experiment = log.SummaryMetadata("_hparams_/experiment").plugin_data.content
    infos = HParamsPluginData.FromString(experiment).experiment.metric_infos
    assert {info.name.tag for info in infos} == {"valid/error", "out_of_fold/error"}


def test_the_text(log):
    """Settings are there to read, as a table in Markdown whose cells stay whole."""
    (event,) = log.Tensors("settings/text_summary")
    text = event.tensor_proto.string_val[0].decode()
    assert "| rate | 0.003 |" in text
    assert "cpu \\| why" in text


def test_steps_of_the_instant_recipe(tmp_path):
    """A history that counts steps is drawn over steps."""
    write_run(tmp_path, {}, {}, [{"step": 0, "train_loss": 1.1}, {"step": 5, "train_loss": 0.3}])
    reader = EventAccumulator(str(tmp_path))
    reader.Reload()
    assert [event.step for event in reader.Scalars("loss/train")] == [0, 5]


def test_a_real_run(sample, tmp_path):
    """The log of the sample's run holds its whole history and its error."""
    with sample.database.read() as connection:
        found = runs.get(connection)
    write_run(tmp_path, found.settings, found.metrics, found.history)
    reader = EventAccumulator(str(tmp_path))
    reader.Reload()
    losses = [event.value for event in reader.Scalars("loss/train")]
    assert losses == pytest.approx([row["train_loss"] for row in found.history])
    assert reader.Scalars("valid/error")[0].value == pytest.approx(found.metrics["valid"]["error"])


def test_what_cannot_be_written_is_named(tmp_path):
    """A folder with a log, and a file in the folder's place, are errors that say what to do."""
    write_run(tmp_path / "1", {}, {}, HISTORY)
    with pytest.raises(InputError, match="another folder"):
        write_run(tmp_path / "1", {}, {}, HISTORY)
    (tmp_path / "2").write_text("in the way")
    with pytest.raises(FileError, match="cannot be written"):
        write_run(tmp_path / "2", {}, {}, HISTORY)


def test_without_the_package(tmp_path, monkeypatch):
    """Where tensorboard is not installed, the error gives the command that installs it."""
    monkeypatch.setitem(sys.modules, "tensorboard", None)
    for name in [name for name in sys.modules if name.startswith("torch.utils.tensorboard")]:
        monkeypatch.delitem(sys.modules, name)
    with pytest.raises(PackageMissing, match=r"pip install 'image-curator\[tensorboard\]'"):
        write_run(tmp_path, {}, {}, HISTORY)


@pytest.mark.slow
def test_no_tensorflow_and_no_torch_before_it_is_asked_for():
    """Importing the module loads no torch, and writing loads no TensorFlow."""
    code = (
        "import sys, tempfile, pathlib; from curator.learn.tensorboard import write_run;"
        "assert 'torch' not in sys.modules;"
        "write_run(pathlib.Path(tempfile.mkdtemp()), {}, {}, []);"
        "assert 'tensorflow' not in sys.modules"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")


def test_flat():
    """Inner names are joined; lists, None and not-a-number are left out."""
    assert flat(METRICS) == {"valid/error": 0.05, "out_of_fold/error": 0.04}
    assert flat({"a": float("nan"), "b": {"c": {"d": 1}}}) == {"b/c/d": 1}
